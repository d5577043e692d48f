"""Types of conditions: comparisons, the past, places, and what can be derived."""

from __future__ import annotations

from dataclasses import replace

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.contexts import TERM_KINDS, Typing, may_be_none, short
from keyfate.language.symbols import BOOL, KINDS, Scope, did_you_mean


class Conditions(Typing):
    """The rules of conditions (R8, R12), and of the places they speak of."""

    def condition(self, expr: s.Expr, scope: Scope) -> t.Condition:
        match expr:
            case s.Unary(operator="not"):
                with self.turned(-1):
                    return t.Not(self.condition(expr.operand, scope))
            case s.Unary():
                self.use("past", expr.span)
                assert expr.operator != "not"
                operand = self.condition(expr.operand, scope)
                return self.identified(t.Past(expr.operator, operand, None, 0, ()))
            case s.Binary(operator="and" | "or"):
                return self._chain(expr, scope)
            case s.Binary(operator="implies"):
                with self.turned(-1):
                    left = self.condition(expr.left, scope)
                return t.Or((t.Not(left), self.condition(expr.right, scope)))
            case s.Binary(operator="iff"):
                with self.turned(0):
                    left = self.condition(expr.left, scope)
                    right = self.condition(expr.right, scope)
                return t.Or((t.And((left, right)), t.And((t.Not(left), t.Not(right)))))
            case s.Binary(operator="since"):
                self.use("past", expr.span)
                left = self.condition(expr.left, scope)
                return self.identified(t.Past("since", self.condition(expr.right, scope), left, 0, ()))
            case s.Binary(operator="=" | "!=" | "<" | "<=" | ">" | ">="):
                return self._comparison(expr, scope)
            case s.OneOf():
                asked, type = self.value(expr.operand, scope)
                choices = [self.value(c, scope, type)[0] for c in expr.choices]
                return t.Or(tuple(t.Compare("=", asked, c) for c in choices))
            case s.Quantified():
                return self._quantified(expr, scope)
            case s.HasExpr():
                self.use("place", expr.span)
                return t.Has(self.place(expr.place, scope), self.term(expr.term, scope))
            case s.YieldsExpr():
                self.use("place", expr.span)
                return t.Derivable(self.places(expr.places, scope), False, self.term(expr.term, scope))
            case s.KnowsExpr():
                self.use("knows", expr.span)
                return t.Derivable(t.PlaceSet(()), True, self.term(expr.term, scope))
            case s.RecoverableExpr():
                self.use("recoverable", expr.span)
                places = self.places(expr.places, scope)
                return t.Derivable(
                    t.PlaceSet(places.places, complement=expr.mode != "from"),
                    expr.mode != "from",
                    self.term(expr.term, scope),
                )
            case s.DidExpr():
                return self._did(expr, scope)
            case s.IfExpr():
                with self.turned(0):
                    test = self.condition(expr.condition, scope)
                then, otherwise = self.condition(expr.then, scope), self.condition(expr.otherwise, scope)
                return t.Or((t.And((test, then)), t.And((t.Not(test), otherwise))))
            case s.Ref():
                return self._ref_condition(expr, scope)
        raise self.reporter.stop(
            "KF211",
            f"`{short(expr)}` is a {self.kind(expr, scope)}, but a condition is needed here",
            expr.span,
            help="compare it, as in `td[t] = running`, or ask `PLACE has TERM`",
        )

    def _chain(self, expr: s.Binary, scope: Scope) -> t.Condition:
        """`a and b and c` as one node: long chains must not nest."""
        operands: list[s.Expr] = []
        left: s.Expr = expr
        while isinstance(left, s.Binary) and left.operator == expr.operator:
            operands.append(left.right)
            left = left.left
        operands.append(left)
        typed = tuple(self.condition(o, scope) for o in reversed(operands))
        return t.And(typed) if expr.operator == "and" else t.Or(typed)

    def _ref_condition(self, expr: s.Ref, scope: Scope) -> t.Condition:
        word = expr.name.text
        if not expr.bracketed and word in ("true", "false") and word not in scope.variables:
            return t.Truth(word == "true")
        entity = None if word in scope.variables else self.meaning(word, scope)
        if entity is not None and entity.kind == "def" and entity.body_kind == "condition":
            body = self.expand(expr, entity, scope)
            assert isinstance(body, t.Condition), "body_kind says so"
            return body
        if entity is not None and entity.kind in TERM_KINDS | {"place", "sort"}:
            raise self.reporter.stop(
                "KF211",
                f"`{word}` is {KINDS[entity.kind]}, but a condition is needed here",
                expr.span,
                help="ask `PLACE has TERM`, `attacker knows TERM` or `TERM recoverable`",
            )
        truth, _ = self.value(expr, scope, BOOL)
        return t.Compare("=", truth, t.Constant(True))

    def _comparison(self, expr: s.Binary, scope: Scope) -> t.Condition:
        for side in (expr.left, expr.right):
            if self.kind(side, scope) == "term":
                raise self.reporter.stop(
                    "KF212",
                    f"`{short(side)}` is a term, and terms are not compared",
                    side.span,
                    help="ask whether a place has it, or whether the attacker knows it",
                )
        if self.self_typed(expr.left, scope) or not self.self_typed(expr.right, scope):
            left, type = self.value(expr.left, scope)
            right, _ = self.value(expr.right, scope, replace(type, optional=True))
        else:
            right, type = self.value(expr.right, scope)
            left, _ = self.value(expr.left, scope, replace(type, optional=True))
        for side, typed_side in ((expr.left, left), (expr.right, right)):
            if isinstance(typed_side, t.Constant) and typed_side.value is None and not type.optional:
                raise self.reporter.stop(
                    "KF208",
                    f"`{type.label}` is never `none`",
                    side.span,
                    help="only a state declared `S or none` can be `none`",
                )
        if expr.operator in ("<", "<=", ">", ">="):
            if not type.ordered or may_be_none(left) or may_be_none(right):
                raise self.reporter.stop(
                    "KF205",
                    f"`{type.label}` has no order",
                    expr.span,
                    help="`<` and its like compare members of a range, as in `sort Epoch = 0 .. 3`",
                )
            if expr.operator in (">", ">="):
                left, right = right, left
            return t.Compare("<" if expr.operator in ("<", ">") else "<=", left, right)
        same = t.Compare("=", left, right)
        return t.Not(same) if expr.operator == "!=" else same

    def _quantified(self, expr: s.Quantified, scope: Scope) -> t.Condition:
        params, inner = self.bind(expr.binders, scope)
        where: t.Condition | None = None
        if expr.where is not None:
            with self.turned(-1 if expr.kind == "all" else 1):
                where = self.condition(expr.where, inner)
        body = self.condition(expr.body, inner)
        if where is not None:
            body = t.Or((t.Not(where), body)) if expr.kind == "all" else t.And((where, body))
        for param in reversed(params):
            body = t.Quantifier(expr.kind, param, body)
        return body

    def _did(self, expr: s.DidExpr, scope: Scope) -> t.Condition:
        self.use("past", expr.span)
        entity = self.table.find(expr.action.text, scope, "action")
        if entity is None:
            raise self.reporter.stop(
                "KF202",
                f"unknown action `{expr.action.text}`",
                expr.action.span,
                help=did_you_mean(expr.action.text, self.table.names("action")) or "declare the action",
            )
        if not expr.bracketed:
            return t.Did(entity.name, (None,) * len(entity.index))
        if len(expr.args) != len(entity.index):
            raise self.reporter.stop(
                "KF210",
                f"`{expr.action.text}` has {len(entity.index)} parameter(s), here are {len(expr.args)}",
                expr.span,
                help="`_` stands for any value; without brackets any instance is meant",
            )
        args = [
            None if arg is None else self.value(arg, scope, index)[0]
            for arg, index in zip(expr.args, entity.index, strict=True)
        ]
        return t.Did(entity.name, tuple(args))

    def place(self, ref: s.Ref, scope: Scope, *, family: bool = False) -> t.PlaceRef:
        """A place; with `family`, an indexed place without brackets means all its instances."""
        entity = None if ref.name.text in scope.variables else self.meaning(ref.name.text, scope)
        if entity is None or entity.kind != "place":
            what = "unknown place" if entity is None else f"`{ref.name.text}` is {KINDS[entity.kind]}, not a place:"
            raise self.reporter.stop(
                "KF202" if entity is None else "KF214",
                f"{what} `{ref.name.text}`" if entity is None else what.rstrip(":"),
                ref.name.span,
                help=did_you_mean(ref.name.text, self.table.names(kinds=("place",)))
                or f"declare it: `place {ref.name.text} volatile at COMPONENT`",
            )
        if family and not ref.bracketed and entity.index:
            return t.PlaceRef(entity.name, None)
        return t.PlaceRef(entity.name, self.args(ref, entity, scope, optional=True))

    def places(self, refs: tuple[s.Ref, ...], scope: Scope) -> t.PlaceSet:
        return t.PlaceSet(tuple(self.place(ref, scope, family=True) for ref in refs))
