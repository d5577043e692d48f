"""Types of expressions: one grammar becomes values, conditions and terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.rewriting import free_variables, substitute
from keyfate.language.source import Span
from keyfate.language.symbols import (
    BOOL,
    KINDS,
    Entity,
    Reporter,
    Scope,
    Table,
    UntypedError,
    Use,
    ValueType,
    did_you_mean,
)

ARITIES: dict[str, tuple[int, int | None]] = {
    "kdf": (1, None),
    "hash": (1, None),
    "mac": (2, None),
    "sign": (2, None),
    "enc": (2, 2),
    "seal": (2, 2),
    "wrap": (2, 2),
    "page": (3, 3),
    "aenc": (2, 2),
    "pub": (1, 1),
    "pair": (2, 2),
}
LABELLED = {"kdf", "hash", "mac", "sign"}
TERM_KINDS = {"secret", "public", "key", "message"}


@dataclass
class Typer:
    """Types expressions against a table of declared names, reporting what is wrong."""

    table: Table
    reporter: Reporter
    uses: list[Use] = field(default_factory=list)
    polarity: int = 1
    _fresh: Iterator[int] = field(default_factory=lambda: count(1))
    _past: dict[object, int] = field(default_factory=dict)

    # -- bookkeeping

    @contextmanager
    def collecting(self) -> Iterator[list[Use]]:
        """Collects what the expressions typed inside make use of."""
        outer, outer_polarity = self.uses, self.polarity
        self.uses, self.polarity = [], 1
        try:
            yield self.uses
        finally:
            self.uses, self.polarity = outer, outer_polarity

    @contextmanager
    def turned(self, factor: int) -> Iterator[None]:
        outer = self.polarity
        self.polarity *= factor
        try:
            yield
        finally:
            self.polarity = outer

    def use(self, what: str, span: Span) -> None:
        self.uses.append(Use(what, self.polarity, span))

    def param(self, word: str, type: ValueType) -> t.Param:
        return t.Param(f"{word}'{next(self._fresh)}", word, type.domain)

    def identified(self, node: t.Past) -> t.Past:
        """The operator with its identity: equal operators over equal operands share one latch."""
        shape = (node.operator, node.operand, node.left)
        identity = self._past.setdefault(shape, len(self._past))
        return replace(node, identity=identity, free=tuple(sorted(free_variables((node.operand, node.left or ())))))

    def unknown(self, word: s.Word, scope: Scope, extra: tuple[str, ...] = ()) -> UntypedError:
        for space in ("capability", "action", "component", "property"):
            other = self.table.find(word.text, scope, space)
            if other is not None:
                why = (
                    "capabilities stand only after `to` and `needs` (R11)"
                    if space == "capability"
                    else f"{KINDS[other.kind]} cannot stand in an expression"
                )
                return self.reporter.stop(
                    "KF213", f"`{word.text}` is {KINDS[other.kind]} and cannot stand here", word.span, help=why
                )
        known = [*scope.variables, *scope.aliases, *extra, *self.table.names()]
        return self.reporter.stop(
            "KF202",
            f"unknown name `{word.text}`",
            word.span,
            help=did_you_mean(word.text, known) or "declare it, or bind it as in `for p: Platform` or `[p: Platform]`",
        )

    # -- sorts and binders

    def sort(self, word: s.Word, scope: Scope, *, messages: bool = False) -> ValueType:
        if word.text == "bool":
            return BOOL
        entity = self.table.find(word.text, scope)
        if entity is None:
            raise self.reporter.stop(
                "KF202",
                f"unknown sort `{word.text}`",
                word.span,
                help=did_you_mean(word.text, [*self.table.names(kinds=("sort", "message")), "bool"])
                or f"declare it: `sort {word.text} = a | b`",
            )
        if entity.type is None or entity.kind not in ("sort", "message") or (entity.kind == "message" and not messages):
            raise self.reporter.stop(
                "KF203",
                f"`{word.text}` is {KINDS[entity.kind]}, not a sort",
                word.span,
                help="an index or a binder ranges over a sort or `bool`"
                + (", a binder also over a message family" if messages else ""),
            )
        return entity.type

    def bind(
        self, binders: tuple[s.Binder, ...], scope: Scope, *, messages: bool = True
    ) -> tuple[tuple[t.Param, ...], Scope]:
        params = []
        seen: set[str] = set()
        for binder in binders:
            type = self.sort(binder.sort, scope, messages=messages)
            word = binder.name.text
            declared = self.table.find(word, scope)
            if word in seen or word in scope.variables or declared is not None:
                raise self.reporter.stop(
                    "KF204",
                    f"`{word}` already has a meaning here",
                    binder.name.span,
                    help="give the bound variable another name",
                )
            seen.add(word)
            param = self.param(word, type)
            params.append(param)
            scope = scope.bind(word, param, type)
        return tuple(params), scope

    # -- values

    def value(self, expr: s.Expr, scope: Scope, expect: ValueType | None = None) -> tuple[t.ValueExpr, ValueType]:
        """The value of `expr`; with `expect`, one of that type."""
        if expect is not None and not expect.values:
            raise UntypedError  # its sort is empty, and that is already said
        value, type = self._value(expr, scope, expect)
        if expect is not None:
            if not expect.accepts(type) and not (type.optional and not type.values):
                raise self.reporter.stop(
                    "KF205",
                    f"`{expr.span.text}` is of `{type.label}`, but `{expect.label}` is needed here",
                    expr.span,
                    help=f"values of `{expect.label}`: {self._values(expect)}",
                )
            if type.optional and not expect.optional:
                raise self.reporter.stop(
                    "KF206",
                    f"`{expr.span.text}` may be `none`, but `{expect.label}` is needed here",
                    expr.span,
                    help="name the case: `some x: S where … = x { … }`, or `for x: S where … = x { … }` in effects",
                )
        return value, type

    def _values(self, type: ValueType) -> str:
        if type.message is not None:
            return f"members of the message family `{type.message}`"
        shown = [("true" if v else "false") if isinstance(v, bool) else str(v) for v in type.values[:8]]
        if type.optional:
            shown.append("none")
        return ", ".join(f"`{v}`" for v in shown) + (", …" if len(type.values) > 8 else "")

    def _value(self, expr: s.Expr, scope: Scope, expect: ValueType | None) -> tuple[t.ValueExpr, ValueType]:
        match expr:
            case s.Number():
                if expect is None or not expect.ordered:
                    raise self.reporter.stop(
                        "KF205",
                        f"the number `{expr.value}` has no range here",
                        expr.span,
                        help="numbers are members of a range, as in `sort Epoch = 0 .. 3`",
                    )
                if expr.value not in expect.values:
                    raise self.reporter.stop(
                        "KF207",
                        f"`{expr.value}` is outside `{expect.label}`",
                        expr.span,
                        help=f"`{expect.label}` is {expect.values[0]} .. {expect.values[-1]}",
                    )
                return t.Constant(expr.value), expect
            case s.Ref():
                return self._ref_value(expr, scope, expect)
            case s.Binary(operator="+"):
                operand, type = self.value(expr.left, scope, expect)
                if not type.ordered or type.optional or not isinstance(expr.right, s.Number):
                    raise self.reporter.stop(
                        "KF205",
                        "`+` adds a number to a value of a range",
                        expr.span,
                        help="as in `epoch + 1`, where `sort Epoch = 0 .. 3`",
                    )
                if not type.values:
                    raise UntypedError  # its sort is empty, and that is already said
                low, high = type.values[0], type.values[-1]
                assert isinstance(low, int)
                assert isinstance(high, int)
                self.use("plus", expr.span)
                return t.Plus(operand, expr.right.value, low, high), type
            case s.IfExpr():
                with self.turned(0):
                    condition = self.condition(expr.condition, scope)
                if not self.self_typed(expr.then, scope) and self.self_typed(expr.otherwise, scope) and expect is None:
                    otherwise, type = self.value(expr.otherwise, scope)
                    then, other = self.value(expr.then, scope, replace(type, optional=True))
                else:
                    then, type = self.value(expr.then, scope, expect)
                    otherwise, other = self.value(expr.otherwise, scope, expect or replace(type, optional=True))
                wide = type if not other.optional or type.optional else replace(type, optional=True)
                return t.IfValue(condition, then, otherwise), wide
        if expect is not None and expect.accepts(BOOL) and self.kind(expr, scope) == "condition":
            with self.turned(0):
                condition = self.condition(expr, scope)
            return t.IfValue(condition, t.Constant(True), t.Constant(False)), BOOL
        needed = f"a value of `{expect.label}`" if expect is not None else "a value"
        raise self.reporter.stop(
            "KF205",
            f"`{_short(expr)}` is a {self.kind(expr, scope)}, but {needed} is needed here",
            expr.span,
            help="values are members, choices, numbers of a range, states and controls",
        )

    def _ref_value(self, expr: s.Ref, scope: Scope, expect: ValueType | None) -> tuple[t.ValueExpr, ValueType]:
        word = expr.name.text
        if not expr.bracketed:
            if word in scope.variables:
                param, type = scope.variables[word]
                return t.Var(param.name), type
            if word in ("true", "false"):
                return t.Constant(word == "true"), BOOL
            if word == "none":
                if expect is not None and expect.optional:
                    return t.Constant(None), expect
                label = f"`{expect.label}` is never `none`" if expect is not None else "`none` needs a type beside it"
                raise self.reporter.stop(
                    "KF208", label, expr.span, help="only a state declared `S or none` can be `none`"
                )
            if expect is not None and word in expect.values and expect.sort is None:
                return t.Constant(word), expect
        entity = self.table.find(word, scope)
        if entity is None:
            raise self.unknown(expr.name, scope, tuple(str(v) for v in expect.values) if expect else ())
        if entity.kind == "member" and entity.type is not None:
            self._no_index(expr, entity)
            if entity.value not in entity.type.values:
                raise self.reporter.stop(
                    "KF209",
                    f"`{word}` is not in this scope: `{entity.type.label}` has {len(entity.type.values)} member(s)",
                    expr.span,
                    help="the text names it, so give the sort a larger scope",
                )
            return t.Constant(entity.value), entity.type
        if entity.kind in ("control", "state") and entity.type is not None:
            args = self.args(expr, entity, scope)
            if entity.kind == "state":
                self.use("state", expr.span)
                return t.StateRef(entity.name, args, entity.type.optional), entity.type
            return t.ControlRef(entity.name, args), entity.type
        if entity.kind == "def" and entity.body_kind == "value" and entity.type is not None:
            value = self.expand(expr, entity, scope)
            return value, entity.type  # type: ignore[return-value]  # body_kind says that it is a value
        if entity.kind == "def" and entity.body_kind == "condition" and expect is not None and expect.accepts(BOOL):
            with self.turned(0):
                return t.IfValue(self.condition(expr, scope), t.Constant(True), t.Constant(False)), BOOL
        hint = f"values of `{expect.label}`: {self._values(expect)}" if expect else "values are members and states"
        raise self.reporter.stop(
            "KF205", f"`{word}` is {KINDS[entity.kind]}, but a value is needed here", expr.span, help=hint
        )

    def _no_index(self, expr: s.Ref, entity: Entity) -> None:
        if expr.bracketed:
            raise self.reporter.stop(
                "KF210",
                f"`{entity.name}` is {KINDS[entity.kind]} and takes no index",
                expr.span,
                help="drop the brackets",
            )

    def args(self, expr: s.Ref, entity: Entity, scope: Scope, *, optional: bool = False) -> tuple[t.ValueExpr, ...]:
        """The index of `expr`, checked against the entity's."""
        if len(expr.args) != len(entity.index):
            shape = f"{entity.name}[{', '.join(i.label for i in entity.index)}]" if entity.index else entity.name
            raise self.reporter.stop(
                "KF210",
                f"`{expr.span.text}` has {len(expr.args)} index(es), `{entity.name}` has {len(entity.index)}",
                expr.span,
                help=f"write it as `{shape}`",
            )
        values = []
        for arg, index in zip(expr.args, entity.index, strict=True):
            value, _ = self.value(arg, scope, replace(index, optional=True) if optional else index)
            values.append(value)
        return tuple(values)

    def expand(self, expr: s.Ref, entity: Entity, scope: Scope) -> t.ValueExpr | t.Condition | t.TermExpr:
        """The body of a `def`, `key` or message family with its parameters replaced."""
        is_term = entity.body_kind == "term"
        args = self.args(expr, entity, scope, optional=is_term)
        if entity.body is None:
            raise UntypedError  # its declaration is wrong, and that is already said
        for what, polarity in dict.fromkeys((use.what, use.polarity) for use in entity.uses):
            self.uses.append(Use(what, polarity * self.polarity, expr.span))
        body = substitute(entity.body, {p.name: a for p, a in zip(entity.params, args, strict=True)}, self.identified)
        doubtful = tuple(a for a in args if may_be_none(a))
        if is_term and doubtful:
            return t.Existing(doubtful, body)  # type: ignore[arg-type]  # body_kind says that it is a term
        return body

    # -- what an expression is

    def self_typed(self, expr: s.Expr, scope: Scope) -> bool:
        """Whether the expression has a type of its own, without one expected from beside it."""
        match expr:
            case s.Ref():
                if expr.name.text in scope.variables and not expr.bracketed:
                    return True
                entity = self.table.find(expr.name.text, scope)
                return entity is not None and entity.kind in ("control", "state", "def")
            case s.Binary(operator="+"):
                return self.self_typed(expr.left, scope)
            case s.IfExpr():
                return self.self_typed(expr.then, scope) or self.self_typed(expr.otherwise, scope)
        return False

    def kind(self, expr: s.Expr, scope: Scope) -> str:
        """`term`, `condition` or `value`, by the words alone."""
        match expr:
            case s.Call() | s.Quoted():
                return "term"
            case s.Number() | s.Binary(operator="+"):
                return "value"
            case s.IfExpr():
                return self.kind(expr.then, scope)
            case s.Ref():
                word = expr.name.text
                if word in ("true", "false"):
                    return "condition"
                if word in scope.variables and not expr.bracketed:
                    return "term" if scope.variables[word][1].message else "value"
                entity = self.table.find(word, scope)
                if entity is None:
                    return "value"
                if entity.kind in TERM_KINDS:
                    return "term"
                return entity.body_kind if entity.kind == "def" else "value"
        return "condition"

    # -- conditions

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
            f"`{_short(expr)}` is a {self.kind(expr, scope)}, but a condition is needed here",
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
        entity = None if word in scope.variables else self.table.find(word, scope)
        if entity is not None and entity.kind == "def" and entity.body_kind == "condition":
            return self.expand(expr, entity, scope)  # type: ignore[return-value]  # body_kind says so
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
                    f"`{_short(side)}` is a term, and terms are not compared",
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

    # -- places

    def place(self, ref: s.Ref, scope: Scope, *, family: bool = False) -> t.PlaceRef:
        """A place; with `family`, an indexed place without brackets means all its instances."""
        entity = None if ref.name.text in scope.variables else self.table.find(ref.name.text, scope)
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

    # -- terms

    def term(self, expr: s.Expr, scope: Scope) -> t.TermExpr:
        match expr:
            case s.Call():
                return self._call(expr, scope)
            case s.IfExpr():
                with self.turned(0):
                    condition = self.condition(expr.condition, scope)
                return t.IfTerm(condition, self.term(expr.then, scope), self.term(expr.otherwise, scope))
            case s.Ref():
                word = expr.name.text
                if word in scope.variables and not expr.bracketed:
                    param, type = scope.variables[word]
                    if type.message is not None:
                        return t.MessageVar(param.name)
                else:
                    entity = self.table.find(word, scope)
                    if entity is None:
                        raise self.unknown(expr.name, scope)
                    if entity.kind in ("secret", "public"):
                        args = self.args(expr, entity, scope, optional=True)
                        return t.AtomTerm(entity.name, args, entity.kind == "public")
                    if entity.body_kind == "term":
                        return self.expand(expr, entity, scope)  # type: ignore[return-value]  # body_kind says so
        raise self.reporter.stop(
            "KF212",
            f"`{_short(expr)}` is a {self.kind(expr, scope)}, but a term is needed here",
            expr.span,
            help="terms are secrets, publics, keys, messages, and what functions such as `enc(k, m)` make of them",
        )

    def _call(self, expr: s.Call, scope: Scope) -> t.TermExpr:
        name = expr.function.text
        if name not in ARITIES:
            entity = self.table.find(name, scope)
            help = did_you_mean(name, ARITIES)
            if entity is not None and entity.index:
                help = f"an index stands in brackets: `{name}[…]`"
            raise self.reporter.stop(
                "KF202",
                f"unknown function `{name}`",
                expr.function.span,
                help=help or f"functions: {', '.join(ARITIES)}",
            )
        args, label = expr.args, None
        if args and isinstance(args[0], s.Quoted):
            if name not in LABELLED:
                raise self.reporter.stop("KF215", f"`{name}` takes no label", args[0].span, help="drop the string")
            label, args = args[0].text, args[1:]
        if name == "kdf" and label is None:
            raise self.reporter.stop(
                "KF215",
                "a `kdf` needs a label first",
                expr.span,
                help='as in `kdf("td-key", seed, measurement)`: the label keeps two derivations apart',
            )
        low, high = ARITIES[name]
        if len(args) < low or (high is not None and len(args) > high):
            wanted = str(low) if low == high else f"at least {low}"
            raise self.reporter.stop(
                "KF215", f"`{name}` takes {wanted} term(s), here are {len(args)}", expr.span, help=SHAPES[name]
            )
        terms = tuple(self.term(arg, scope) for arg in args)
        if name == "page" and not _public(terms[1]):
            raise self.reporter.stop(
                "KF216",
                f"the address `{args[1].span.text}` of a `page` is not public",
                args[1].span,
                help="the address is made of `public` terms only: whoever has the memory has its addresses",
            )
        if name == "aenc" and not (isinstance(terms[0], t.Apply) and terms[0].function == "pub"):
            raise self.reporter.stop(
                "KF216",
                f"`{args[0].span.text}` is not a public key",
                args[0].span,
                help="`aenc(pub(k), m)` encrypts to the public key of `k`",
            )
        return t.Apply(name, label, terms)  # type: ignore[arg-type]  # ARITIES has just the functions


SHAPES = {
    "kdf": 'as in `kdf("label", key, context)`',
    "hash": "as in `hash(m)`",
    "mac": "as in `mac(k, m)`",
    "sign": "as in `sign(k, m)`",
    "enc": "as in `enc(k, m)`",
    "seal": "as in `seal(k, m)`",
    "wrap": "as in `wrap(k, m)`",
    "page": "as in `page(k, address, m)`",
    "aenc": "as in `aenc(pub(k), m)`",
    "pub": "as in `pub(k)`",
    "pair": "as in `pair(a, b)`",
}


def _public(term: t.TermExpr) -> bool:
    match term:
        case t.AtomTerm():
            return term.public
        case t.Apply():
            return all(_public(a) for a in term.args)
        case t.IfTerm():
            return _public(term.then) and _public(term.otherwise)
        case t.Existing():
            return _public(term.term)
    return False


def may_be_none(value: t.ValueExpr) -> bool:
    """Whether the value can be `none`."""
    match value:
        case t.Constant():
            return value.value is None
        case t.IfValue():
            return may_be_none(value.then) or may_be_none(value.otherwise)
        case t.StateRef():
            return value.optional
    return False


def _short(expr: s.Expr) -> str:
    text = " ".join(expr.span.text.split())
    return text if len(text) <= 40 else text[:39] + "…"
