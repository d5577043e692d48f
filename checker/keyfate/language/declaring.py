"""First pass over a lifecycle: which names there are, and of which sorts.

Sorts are sized here (`--scope`), so that everything behind sees their members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.expressions import Typer
from keyfate.language.source import Label, Source, Span
from keyfate.language.symbols import BOOL, Entity, Reporter, Scope, Table, UntypedError, ValueType, did_you_mean
from keyfate.language.terms import ARITIES

LARGEST_SORT = 256
WORDS = {"true", "false", "none", "any", "bool", "attacker", *ARITIES}


@dataclass(frozen=True)
class Placed:
    """A declaration and the include prefix it stands behind (`tpm.`)."""

    prefix: str
    declaration: s.Declaration

    @property
    def scope(self) -> Scope:
        return Scope(self.prefix)


class Declarer:
    """Fills the table with every declared name."""

    def __init__(self, typer: Typer, scope: Mapping[str, int]) -> None:
        self.typer = typer
        self.reporter: Reporter = typer.reporter
        self.table: Table = typer.table
        self.scope = dict(scope)
        self.sorts: list[t.Sort] = []

    def run(self, placed: tuple[Placed, ...]) -> None:
        for item in placed:
            if isinstance(item.declaration, s.SortDecl):
                self._sort(item.prefix, item.declaration)
        for name in self.scope.keys() - {sort.name for sort in self.sorts}:
            source = Source("--scope", f"{name}={self.scope[name]}")
            self.reporter.report(
                "KF202",
                f"unknown sort `{name}`",
                Span(source, 0, len(name)),
                help=did_you_mean(name, [sort.name for sort in self.sorts]) or "name a sort of the lifecycle",
            )
        # Messages are types of parameters, so they come before what has parameters.
        ordered = sorted(placed, key=lambda item: not isinstance(item.declaration, s.MessageDecl))
        for item in ordered:
            try:
                self._declare(item)
            except UntypedError:
                self._stand_in(item)

    def _stand_in(self, item: Placed) -> None:
        """Declares the name of a broken declaration all the same, so that it is not also unknown."""
        declaration = item.declaration
        kinds = {s.DefDecl: "def", s.MessageDecl: "message", s.PlaceDecl: "place", s.StateDecl: "state"}
        kind = kinds.get(type(declaration))
        if kind is not None and isinstance(declaration, s.DefDecl | s.MessageDecl | s.PlaceDecl | s.StateDecl):
            self._add(kind, item.prefix, declaration.name)

    def _add(
        self,
        kind: str,
        prefix: str,
        word: s.Word,
        index: tuple[ValueType, ...] = (),
        type: ValueType | None = None,
        params: tuple[t.Param, ...] = (),
        value: t.Value = None,
        body_kind: str = "",
        declaration: s.Declaration | None = None,
    ) -> bool:
        if word.text in WORDS:
            self.reporter.report(
                "KF204", f"`{word.text}` is a word of the language", word.span, help="give it another name"
            )
            return False
        entity = Entity(
            kind,
            prefix + word.text,
            word.span,
            index=index,
            type=type,
            params=params,
            value=value,
            body_kind=body_kind,
            declaration=declaration,
        )
        return self.table.declare(entity, self.reporter)

    # -- sorts

    def _sort(self, prefix: str, decl: s.SortDecl) -> None:
        name = prefix + decl.name.text
        wanted = self.scope.get(name)
        try:
            members = (
                self._range(decl, wanted, name) if decl.low is not None else self._members(decl, prefix, wanted, name)
            )
        except UntypedError:
            members = ()
        named = len(members) if decl.low is not None else min(len(decl.members), len(members))
        type = ValueType(name, members, ordered=decl.low is not None, sort=name)
        if not self._add("sort", prefix, decl.name, type=type):
            return
        self.sorts.append(t.Sort(name, members, type.ordered, named, _title(decl.notes), decl.span))
        for word in decl.members:
            # Members cut off by a smaller scope stay known, so that the text is told what happened.
            self._add("member", prefix, word, type=type, value=prefix + word.text)

    def _too_large(self, decl: s.SortDecl, size: int, name: str) -> UntypedError:
        return self.reporter.stop(
            "KF221",
            f"`{name}` would have {size} members, the limit is {LARGEST_SORT}",
            decl.span,
            help="a proof for a few members says what can go wrong; take a smaller sort or `--scope`",
        )

    def _checked_scope(self, decl: s.SortDecl, name: str, wanted: int) -> int:
        if wanted < 1:
            source = Source("--scope", f"{name}={wanted}")
            raise self.reporter.stop(
                "KF220", f"`{name}` would have no members", Span(source, 0, len(source.text)), help="give it at least 1"
            )
        if wanted > LARGEST_SORT:
            raise self._too_large(decl, wanted, name)
        return wanted

    def _range(self, decl: s.SortDecl, wanted: int | None, name: str) -> tuple[t.Value, ...]:
        assert decl.low is not None
        assert decl.high is not None
        low = decl.low.value
        count = decl.high.value - low + 1 if wanted is None else self._checked_scope(decl, name, wanted)
        if count < 1:
            raise self.reporter.stop(
                "KF220",
                f"the sort `{name}` is empty: `{decl.high.value}` is below `{low}`",
                Span(decl.span.source, decl.low.span.start, decl.high.span.end),
                help=f"as in `sort {decl.name.text} = 0 .. 3`",
            )
        if count > LARGEST_SORT:
            raise self._too_large(decl, count, name)
        return tuple(range(low, low + count))

    def _members(self, decl: s.SortDecl, prefix: str, wanted: int | None, name: str) -> tuple[t.Value, ...]:
        if not decl.members:
            raise self.reporter.stop(
                "KF220", f"the sort `{name}` is empty", decl.span, help=f"as in `sort {decl.name.text} = a | b`"
            )
        named = [prefix + word.text for word in decl.members]
        count = len(named) if wanted is None else self._checked_scope(decl, name, wanted)
        if count > LARGEST_SORT:
            raise self._too_large(decl, count, name)
        number = len(named)
        while len(named) < count:
            number += 1
            candidate = f"{name.lower()}_{number}"
            if ("", candidate) not in self.table.entities and candidate not in named:
                named.append(candidate)
        return tuple(named[:count])

    # -- everything else

    def _index(self, words: tuple[s.Word, ...], scope: Scope) -> tuple[ValueType, ...]:
        return tuple(self.typer.sort(word, scope) for word in words)

    def type(self, expr: s.TypeExpr, scope: Scope) -> ValueType:
        """The values that a control or a state ranges over."""
        words = expr.choices
        if len(words) == 1:
            word = words[0]
            if word.text == "bool":
                base = BOOL
            else:
                entity = self.table.find(word.text, scope)
                if entity is not None and entity.kind == "sort" and entity.type is not None:
                    base = entity.type
                elif word.text[:1].isupper():
                    base = self.typer.sort(word, scope)
                else:
                    base = ValueType(word.text, (word.text,))
        else:
            seen: dict[str, s.Word] = {}
            for word in words:
                if word.text in seen:
                    self.reporter.report(
                        "KF201",
                        f"the value `{word.text}` is listed twice",
                        word.span,
                        labels=(Label(seen[word.text].span, "first listed here"),),
                        help="drop one of them",
                    )
                if word.text in ("none", "any", "true", "false"):
                    self.reporter.report(
                        "KF204",
                        f"`{word.text}` is a word of the language",
                        word.span,
                        help="write `S or none` for a value that may be missing",
                    )
                seen.setdefault(word.text, word)
            base = ValueType(" | ".join(seen), tuple(seen))
        return ValueType(base.label, base.values, expr.optional, base.ordered, base.sort) if expr.optional else base

    def _declare(self, item: Placed) -> None:
        decl, prefix, scope = item.declaration, item.prefix, item.scope
        match decl:
            case s.ControlDecl():
                if decl.type.optional:
                    self.reporter.report(
                        "KF222", "a control is never `none`", decl.type.span, help="add a value that says so"
                    )
                self._add(
                    "control",
                    prefix,
                    decl.name,
                    self._index(decl.index, scope),
                    self.type(decl.type, scope),
                    declaration=decl,
                )
            case s.CapabilityDecl():
                self._add("capability", prefix, decl.name, self._index(decl.index, scope), declaration=decl)
            case s.ComponentDecl():
                self._add("component", prefix, decl.name, declaration=decl)
            case s.AtomDecl():
                self._add(decl.kind, prefix, decl.name, self._index(decl.index, scope), declaration=decl)
            case s.PlaceDecl():
                index = tuple(self.typer.sort(part.sort, scope) for part in decl.index)
                self._add("place", prefix, decl.name, index, declaration=decl)
            case s.StateDecl():
                index = tuple(self.typer.sort(part.sort, scope) for part in decl.index)
                self._add("state", prefix, decl.name, index, self.type(decl.type, scope), declaration=decl)
            case s.DefDecl() | s.MessageDecl():
                self._family(decl, prefix, scope)
            case s.ActionDecl():
                types = tuple(self.typer.sort(b.sort, scope, messages=True) for b in decl.params)
                self._add("action", prefix, decl.name, types, declaration=decl)
            case s.PropertyDecl():
                self._add("property", prefix, decl.name, declaration=decl)

    def _family(self, decl: s.DefDecl | s.MessageDecl, prefix: str, scope: Scope) -> None:
        index = tuple(self.typer.sort(b.sort, scope) for b in decl.params)
        if isinstance(decl, s.MessageDecl):
            name = prefix + decl.name.text
            members: list[tuple[t.Value, ...]] = [()]
            for i in index:
                members = [(*m, v) for m in members for v in i.values]
                if len(members) > 20_000:
                    raise self.reporter.stop(
                        "KF223",
                        f"the message family `{name}` has more than 20,000 members",
                        decl.span,
                        help="take smaller sorts, or fewer parameters",
                    )
            type = ValueType(name, tuple(t.Message(name, m) for m in members), message=name)
            self._add("message", prefix, decl.name, index, type, body_kind="term", declaration=decl)
        else:
            kind = "term" if decl.kind == "key" else ""
            self._add(decl.kind, prefix, decl.name, index, body_kind=kind, declaration=decl)


def _title(notes: s.Notes) -> str:
    return notes.title.text if notes.title is not None else ""
