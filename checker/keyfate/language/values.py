"""Types of values: members, choices, numbers of a range, states and controls."""

from __future__ import annotations

from dataclasses import replace

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.contexts import Typing, short
from keyfate.language.symbols import BOOL, KINDS, Entity, Scope, UntypedError, ValueType


class Values(Typing):
    """The rules of values (R5, R6)."""

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
            f"`{short(expr)}` is a {self.kind(expr, scope)}, but {needed} is needed here",
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
        entity = self.meaning(word, scope)
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
            assert isinstance(value, t.ValueExpr), "body_kind says so"
            return value, entity.type
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
