"""What typing an expression stands on: the table, the reporter, sorts, binders, and what was made use of.

The language has one grammar for values, conditions and terms, so their rules call each
other; `Typing` names what each may ask of the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
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

TERM_KINDS = {"secret", "public", "key", "message"}


@dataclass
class Typing(ABC):
    """Types expressions against a table of declared names, reporting what is wrong."""

    table: Table
    reporter: Reporter
    uses: list[Use] = field(default_factory=list)
    polarity: int = 1
    _fresh: Iterator[int] = field(default_factory=lambda: count(1))
    _past: dict[object, int] = field(default_factory=dict)

    @abstractmethod
    def value(self, expr: s.Expr, scope: Scope, expect: ValueType | None = None) -> tuple[t.ValueExpr, ValueType]:
        """The value of `expr`; with `expect`, one of that type."""

    @abstractmethod
    def condition(self, expr: s.Expr, scope: Scope) -> t.Condition:
        """The condition that `expr` is."""

    @abstractmethod
    def term(self, expr: s.Expr, scope: Scope) -> t.TermExpr:
        """The term that `expr` is."""

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

    def meaning(self, name: str, scope: Scope) -> Entity | None:
        """The entity of that name; ends the clause if its declaration is broken, which is already said."""
        entity = self.table.find(name, scope)
        if entity is not None and entity.broken:
            raise UntypedError
        return entity

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

    # -- names with an index

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
            assert isinstance(body, t.TermExpr), "body_kind says so"
            return t.Existing(doubtful, body)
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
                entity = self.meaning(word, scope)
                if entity is None:
                    return "value"
                if entity.kind in TERM_KINDS:
                    return "term"
                return entity.body_kind if entity.kind == "def" else "value"
        return "condition"


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


def short(expr: s.Expr) -> str:
    text = " ".join(expr.span.text.split())
    return text if len(text) <= 40 else text[:39] + "…"
