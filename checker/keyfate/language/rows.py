"""Declarations as rows to lay out: what stands on the first line, and what below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyfate.language import syntax as s
from keyfate.language.layout import (
    HARD,
    LINE,
    NOTHING,
    Doc,
    Line,
    Word,
    align,
    fill,
    fits,
    group,
    indent,
    join,
    separated,
    shared,
    spaced,
)
from keyfate.language.phrasing import (
    Pieces,
    binder,
    bracketed,
    clause,
    effects,
    expression,
    joined,
    listed,
    word,
)

_WIDE = Line("  ")  # between the clauses of a property
_PAIRS = frozenset({"source", "ref", "evidence", "holds", "broken", "status", "severity", "cwe", "cost"})
_OWN_LINE = frozenset({"title", "value", "evidence", "holds", "broken"})


@dataclass(frozen=True)
class Row:
    """One declaration.

    `cells` begin its first line and line up with those of its neighbours; `body` follows
    them there. `title`, mostly the description, is beside them where there is room; what
    is `below` never is.
    """

    cells: tuple[Doc, ...]
    body: Doc = NOTHING
    title: Doc = NOTHING
    below: tuple[Doc, ...] = ()

    def head(self, pads: Sequence[int] = ()) -> Doc:
        """What begins the first line, `pads` blanks behind each cell."""
        padded = [join(cell, Word(" " * pad)) for cell, pad in zip(self.cells, pads, strict=False)]
        return spaced(*padded, *self.cells[len(padded) :], self.body)

    def whole(self, pads: Sequence[int] = (), gap: int = 0) -> Doc:
        """All of it, `gap` blanks more than one in front of the description."""
        doc = self.head(pads)
        if self.title is not NOTHING:
            doc = group(doc, Word(" " * gap), LINE, self.title)
        return indent(2, doc, *(part for line in self.below for part in (HARD, line)))


def row(pieces: Pieces, declarations: Sequence[s.Declaration]) -> Row:
    """The row for what one keyword declares, which is several only for `secret` and `public`."""
    first = declarations[0]
    match first:
        case s.AtomDecl():
            return _atoms(pieces, [d for d in declarations if isinstance(d, s.AtomDecl)])
        case s.LifecycleDecl():
            return _described(pieces, (), pieces.words(2))
        case s.IncludeDecl():
            return Row((pieces.words(4),))
        case s.SortDecl():
            return _sort(pieces, first)
        case s.ControlDecl():
            return _described(pieces, (_named(pieces, first.index, word),), _ranging(pieces, first.type))
        case s.StateDecl():
            cell = _named(pieces, first.index, binder)
            value = spaced(_ranging(pieces, first.type), _preceded(pieces, first.initial))
            return _described(pieces, (cell,), value)
        case s.CapabilityDecl():
            return _described(pieces, (_named(pieces, first.index, word),))
        case s.ComponentDecl():
            return _described(pieces, (pieces.words(2), pieces.take()))
        case s.PlaceDecl():
            return _place(pieces, first)
        case s.ExposesDecl():
            return _exposes(pieces, first)
        case s.DefDecl():
            return _definition(pieces, first)
        case s.MessageDecl():
            head = pieces.words(3)
            body = expression(pieces, first.body)
            binding = _binding(pieces, first.params)
            ending = () if binding is NOTHING else (LINE, binding)
            return _described(pieces, (), group(head, LINE, body, *ending))
        case s.ConstraintDecl():
            return _described(pieces, (), spaced(pieces.take(), clause(pieces, first.condition)))
        case s.CheckDecl():
            return _check(pieces, first)
        case s.ActionDecl():
            return _action(pieces, first)
        case s.PropertyDecl():
            return _property(pieces, first)


# Rows of one kind


def _atoms(pieces: Pieces, atoms: Sequence[s.AtomDecl]) -> Row:
    if len(atoms) == 1:
        return _described(pieces, (_named(pieces, atoms[0].index, word),))
    keyword = pieces.take()
    docs: list[Doc] = []
    described = False
    for number, atom in enumerate(atoms, start=1):
        name = join(pieces.take(), bracketed(pieces, atom.index, word) if atom.index else NOTHING)
        notes = _notes(pieces)
        described = described or bool(notes)
        doc = spaced(name, *(note for _, note in notes))
        docs.append(doc if number == len(atoms) else join(doc, pieces.take()))
    if described:
        return Row((), spaced(keyword, align(group(separated(LINE, docs)))))
    return Row((), spaced(keyword, align(fill(docs))))


def _sort(pieces: Pieces, sort: s.SortDecl) -> Row:
    cell = pieces.words(2)
    if sort.low is not None:
        return _described(pieces, (cell,), pieces.words(4))
    equals = pieces.take()
    return _described(pieces, (cell,), spaced(equals, _choices(pieces, len(sort.members))))


def _place(pieces: Pieces, place: s.PlaceDecl) -> Row:
    cells = (_named(pieces, place.index, binder), pieces.take())
    at = pieces.words(2)
    if not place.starts:
        return _described(pieces, cells, at)
    starts = spaced(pieces.words(2), align(fill(listed(pieces, place.starts, expression))))
    return _described(pieces, cells, group(at, LINE, starts))


def _exposes(pieces: Pieces, exposes: s.ExposesDecl) -> Row:
    def opening(pieces: Pieces, node: s.Binder | s.Expr) -> Doc:
        return binder(pieces, node) if isinstance(node, s.Binder) else expression(pieces, node)

    place = spaced(pieces.take(), pieces.take())
    if exposes.args:
        place = join(place, bracketed(pieces, exposes.args, opening))
    cells = (place, spaced(pieces.take(), joined(pieces, exposes.capabilities)))
    return _described(pieces, cells, _guard(pieces, exposes.condition))


def _definition(pieces: Pieces, define: s.DefDecl) -> Row:
    """The body beside its name, or below it; one in braces may begin beside and end below."""
    name = _named(pieces, define.params, binder)
    head = spaced(name, pieces.take())
    braced = pieces.next in ("all", "some") and isinstance(define.body, s.Quantified)
    body = expression(pieces, define.body)
    if braced and not fits(indent(2, Word("  "), body)):
        return _described(pieces, (), spaced(head, indent(-2, body)))
    return _described(pieces, (), group(head, LINE, body))


def _check(pieces: Pieces, check: s.CheckDecl) -> Row:
    applied: Doc = pieces.words(2)
    if check.args:
        applied = join(applied, bracketed(pieces, check.args, expression))
    return _described(pieces, (), group(applied, LINE, pieces.words(2)) if check.alias is not None else applied)


def _action(pieces: Pieces, action: s.ActionDecl) -> Row:
    name = _named(pieces, action.params, binder)
    notes = _notes(pieces)
    by = [pieces.words(2)]
    if action.needs:
        by.append(spaced(pieces.take(), joined(pieces, action.needs)))
    if action.power_event:
        by.append(pieces.words(2))
    if notes:
        head = group(name, LINE, group(fill([note for _, note in notes]), LINE, fill(by)))
    else:
        head = group(name, LINE, fill(by))
    clauses = [_guard(pieces, action.guard)]
    if action.effects:
        then = pieces.take()
        clauses.append(spaced(then, align(group(effects(pieces, action.effects)))))
    behind = _arranged(_notes(pieces))
    plain = shared(spaced(head, *clauses))
    if not notes and not behind and fits(plain):
        return Row((), plain)
    return Row((), head, below=(*(doc for doc in clauses if doc is not NOTHING), *behind))


def _property(pieces: Pieces, rule: s.PropertyDecl) -> Row:
    name: Doc = pieces.words(2)
    if rule.params:
        name = join(name, bracketed(pieces, rule.params, binder))
    first, *more = _arranged(_notes(pieces)) or [NOTHING]
    clauses = [_binding(pieces, rule.binders), _guard(pieces, rule.when)]
    clauses.append(spaced(pieces.take(), clause(pieces, rule.body)))
    shown = [doc for doc in clauses if doc is not NOTHING]
    asked = group(separated(_WIDE, shown))
    behind = _arranged(_notes(pieces))
    if first is NOTHING and not behind:
        beside = spaced(*shown)
        return Row((name,), beside) if fits(spaced(name, beside)) else Row((), name, below=(asked,))
    if rule.params and first is not NOTHING:
        return Row((), name, below=(first, *more, asked, *behind))
    return Row((), name, first, below=(*more, asked, *behind))


# Parts of rows


def _described(pieces: Pieces, cells: tuple[Doc, ...], body: Doc = NOTHING) -> Row:
    """A row whose remaining pieces are its description and notes."""
    title, *below = _arranged(_notes(pieces)) or [NOTHING]
    return Row(cells, body, title, tuple(below))


def _named(pieces: Pieces, index: Sequence[object], one: Callable[[Pieces, object], Doc]) -> Doc:
    """The keyword, the name, its index."""
    name: Doc = pieces.words(2)
    return join(name, bracketed(pieces, index, one)) if index else name


def _ranging(pieces: Pieces, type_: s.TypeExpr) -> Doc:
    """`: a | b or none`."""
    colon = pieces.take()
    choices = _choices(pieces, len(type_.choices))
    return spaced(colon, choices, pieces.words(2)) if type_.optional else spaced(colon, choices)


def _choices(pieces: Pieces, count: int) -> Doc:
    return align(fill([pieces.take(), *(pieces.words(2) for _ in range(count - 1))]))


def _preceded(pieces: Pieces, node: s.Expr | None) -> Doc:
    """`= E`, or nothing."""
    return NOTHING if node is None else spaced(pieces.take(), align(expression(pieces, node)))


def _guard(pieces: Pieces, node: s.Expr | None) -> Doc:
    """`when E`, or nothing."""
    return NOTHING if node is None else spaced(pieces.take(), clause(pieces, node))


def _binding(pieces: Pieces, binders: Sequence[s.Binder]) -> Doc:
    """`for p: Platform, t: TD`, or nothing."""
    return spaced(pieces.take(), align(fill(listed(pieces, binders, binder)))) if binders else NOTHING


def _notes(pieces: Pieces) -> list[tuple[str, Doc]]:
    """The notes that come next, each with its keyword; `title` is that of the description, which has none."""
    found: list[tuple[str, Doc]] = []
    while pieces.kind == "text" or pieces.next in _PAIRS or pieces.next == "value":
        if pieces.kind == "text":
            found.append(("title", pieces.take()))
        else:
            found.append((pieces.next, pieces.words(3 if pieces.next == "value" else 2)))
    return found


def _arranged(notes: Sequence[tuple[str, Doc]]) -> list[Doc]:
    """Lines of notes: a description with its severity, what has always a line of its own, others where they fit."""
    lines: list[list[tuple[str, Doc]]] = []
    for keyword, note in notes:
        above = lines[-1][-1][0] if lines else ""
        shares = keyword == "severity" if above == "title" else not {keyword, above} & _OWN_LINE
        if lines and shares:
            lines[-1].append((keyword, note))
        else:
            lines.append([(keyword, note)])
    return [fill([note for _, note in line]) for line in lines]
