"""Declarations out of what the grammar recognises: one method for each rule of grammar.lark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from keyfate.language import syntax as s
from keyfate.language.composing import (
    Composer,
    Several,
    declared_word,
    is_written,
    maybe,
    number_of,
    over,
    refuse,
    several,
    text_of,
    tokens_of,
    word_of,
)
from keyfate.language.source import Label, Span

# The notes that a declaration may have beside its description.
_NOTES: dict[str, frozenset[str]] = {
    "lifecycle": frozenset({"source", "status"}),
    "control": frozenset({"value", "evidence"}),
    "capability": frozenset({"cwe", "ref", "cost"}),
    "action": frozenset({"source", "status"}),
    "check": frozenset({"severity", "holds", "broken"}),
    "property": frozenset({"severity", "holds", "broken"}),
}


@dataclass(frozen=True)
class _Note:
    keyword: str
    value: Any
    span: Span


def _notes(keyword: str, *groups: Several) -> s.Notes:
    """The notes of one declaration, those it may not have and those it has twice refused."""
    allowed = _NOTES.get(keyword, frozenset())
    first: dict[str, _Note] = {}
    many: dict[str, list[Any]] = {"source": [], "ref": [], "cwe": [], "value": []}
    for note in (item for group in groups for item in group.items):
        if note.keyword != "title" and note.keyword not in allowed:
            known = ", ".join(f"`{word}`" for word in sorted(allowed))
            refuse(
                "KF109",
                f"{'an' if keyword[0] in 'aei' else 'a'} `{keyword}` has no `{note.keyword}`",
                note.span,
                f"behind its description it may have {known}" if known else "it may only have a description",
            )
        if note.keyword in many:
            many[note.keyword].append(note.value)
        elif note.keyword in first:
            what = "description" if note.keyword == "title" else f"`{note.keyword}`"
            before = Label(first[note.keyword].span, "the first one")
            refuse("KF109", f"a second {what}", note.span, "keep one of them", (before,))
        else:
            first[note.keyword] = note

    def one(word: str) -> Any:
        return first[word].value if word in first else None

    return s.Notes(
        title=one("title"),
        sources=tuple(many["source"]),
        status=one("status"),
        refs=tuple(many["ref"]),
        cwes=tuple(many["cwe"]),
        cost=one("cost"),
        evidence=one("evidence"),
        severity=one("severity"),
        holds=one("holds"),
        broken=one("broken"),
        values=tuple(many["value"]),
    )


class Builder(Composer):
    """Each method takes what its rule matched, in order, keywords and marks included."""

    # Declarations

    def lifecycle(self, c: list[Any]) -> Several:
        return self._one(c, s.LifecycleDecl(declared_word(c[1]), _notes("lifecycle", c[2]), over(c)))

    def include(self, c: list[Any]) -> Several:
        return self._one(c, s.IncludeDecl(text_of(c[1]), declared_word(c[3]), over(c)))

    def sort_members(self, c: list[Any]) -> Several:
        members = tuple(declared_word(token) for token in tokens_of(c[3:], "NAME"))
        return self._one(c, s.SortDecl(declared_word(c[1]), members, None, None, _notes("sort", c[-1]), over(c)))

    def sort_range(self, c: list[Any]) -> Several:
        notes = _notes("sort", c[6])
        return self._one(c, s.SortDecl(declared_word(c[1]), (), number_of(c[3]), number_of(c[5]), notes, over(c)))

    def control(self, c: list[Any]) -> Several:
        return self._one(c, s.ControlDecl(declared_word(c[1]), c[2].items, c[4], _notes("control", c[5]), over(c)))

    def capability(self, c: list[Any]) -> Several:
        return self._one(c, s.CapabilityDecl(declared_word(c[1]), c[2].items, _notes("capability", c[3]), over(c)))

    def component(self, c: list[Any]) -> Several:
        return self._one(
            c, s.ComponentDecl(declared_word(c[1]), is_written(c[2], "inside"), _notes("component", c[3]), over(c))
        )

    def atoms(self, c: list[Any]) -> Several:
        kind: Literal["secret", "public"] = "secret" if is_written(c[0], "secret") else "public"
        found = [
            s.AtomDecl(kind, name, index.items, _notes(kind, notes), span)
            for name, index, notes, span in (child.items for child in c if isinstance(child, Several))
        ]
        return several(c, found)

    def atom(self, c: list[Any]) -> Several:
        return several(c, (declared_word(c[0]), c[1], c[2], over(c)))

    def define(self, c: list[Any]) -> Several:
        kind: Literal["key", "def"] = "key" if is_written(c[0], "key") else "def"
        return self._one(c, s.DefDecl(kind, declared_word(c[1]), c[2].items, c[4], _notes(kind, c[5]), over(c)))

    def message(self, c: list[Any]) -> Several:
        return self._one(c, s.MessageDecl(declared_word(c[1]), c[4].items, c[3], _notes("message", c[5]), over(c)))

    def place(self, c: list[Any]) -> Several:
        _, name, index, kept, _, component, starts, notes = c
        decl = s.PlaceDecl(
            declared_word(name),
            index.items,
            is_written(kept, "persistent"),
            word_of(component),
            starts.items,
            _notes("place", notes),
            over(c),
        )
        return self._one(c, decl)

    def state(self, c: list[Any]) -> Several:
        _, name, index, _, type_, initial, notes = c
        first = initial.items[0] if initial.items else None
        return self._one(
            c, s.StateDecl(declared_word(name), index.items, type_, first, _notes("state", notes), over(c))
        )

    def exposes(self, c: list[Any]) -> Several:
        _, place, args, _, capabilities, guard, notes = c
        decl = s.ExposesDecl(
            word_of(place), args.items, capabilities.items, maybe(guard), _notes("exposes", notes), over(c)
        )
        return self._one(c, decl)

    def action(self, c: list[Any]) -> Several:
        _, name, params, before, _, actor, needs, power, guard, effects, behind = c
        decl = s.ActionDecl(
            declared_word(name),
            params.items,
            word_of(actor),
            needs.items,
            power.span is not None,
            maybe(guard),
            effects.items,
            _notes("action", before, behind),
            over(c),
        )
        return self._one(c, decl)

    def constraint(self, c: list[Any]) -> Several:
        return self._one(c, s.ConstraintDecl(c[1], _notes("constraint", c[2]), over(c)))

    def check(self, c: list[Any]) -> Several:
        _, name, args, alias, notes = c
        return self._one(c, s.CheckDecl(word_of(name), args.items, maybe(alias), _notes("check", notes), over(c)))

    def property(self, c: list[Any]) -> Several:
        _, name, params, before, binders, when, kind, body, behind = c
        decl = s.PropertyDecl(
            declared_word(name),
            params.items,
            binders.items,
            maybe(when),
            cast('Literal["never", "always", "possible"]', str(kind)),
            body,
            _notes("property", before, behind),
            over(c),
        )
        return self._one(c, decl)

    @staticmethod
    def _one(children: list[Any], declaration: s.Declaration) -> Several:
        return several(children, (declaration,))

    # Notes

    def notes(self, c: list[Any]) -> Several:
        return several(c, c)

    def title(self, c: list[Any]) -> _Note:
        return _Note("title", text_of(c[0]), over(c))

    def text_note(self, c: list[Any]) -> _Note:
        return _Note(str(c[0]), text_of(c[1]), over(c))

    def word_note(self, c: list[Any]) -> _Note:
        return _Note(str(c[0]), word_of(c[1]), over(c))

    def number_note(self, c: list[Any]) -> _Note:
        return _Note(str(c[0]), number_of(c[1]), over(c))

    def value_note(self, c: list[Any]) -> _Note:
        value = number_of(c[1]) if c[1].type == "NUMBER" else s.Ref(word_of(c[1]), (), c[1].span)
        return _Note("value", (value, text_of(c[2])), over(c))

    # Parts of declarations

    def index(self, c: list[Any]) -> Several:
        return several(c, map(word_of, tokens_of(c, "NAME")))

    def type(self, c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(tuple(map(declared_word, tokens_of(c, "NAME"))), is_written(c[-1], "none"), over(c))

    def slot(self, c: list[Any]) -> s.Binder:
        name, index, _, sort = c
        return s.Binder(declared_word(name), word_of(sort), over(c), index.items)

    def part(self, c: list[Any]) -> s.IndexPart:
        if len(c) == 1:
            return s.IndexPart(None, word_of(c[0]), over(c))
        return s.IndexPart(declared_word(c[0]), word_of(c[2]), over(c))

    def binder(self, c: list[Any]) -> s.Binder:
        return s.Binder(declared_word(c[0]), word_of(c[2]), over(c))

    params = shape = parts = openings = starts = initial = binding = guard = arguments = Composer._list

    def needs(self, c: list[Any]) -> Several:
        return several(c, c[1].items if c else ())

    def power(self, c: list[Any]) -> Several:
        return several(c, ())

    def then(self, c: list[Any]) -> Several:
        return several(c, c[1].items if c else ())

    def alias(self, c: list[Any]) -> Several:
        return several(c, [declared_word(c[1])] if c else ())
