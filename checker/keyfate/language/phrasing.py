"""Expressions and effects as documents to lay out.

The syntax tree says what belongs together; every word comes from the text
itself, piece by piece and in order, so none can be lost, added or moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from keyfate.language import syntax as s
from keyfate.language.layout import (
    HARD,
    LINE,
    NOTHING,
    SPACE,
    Behind,
    Doc,
    Word,
    align,
    fill,
    group,
    indent,
    join,
    shared,
    spaced,
)
from keyfate.language.trivia import Noted

_CHAINED = frozenset({"and", "or", "implies", "iff", "since"})

_Node = TypeVar("_Node")


class Pieces:
    """The pieces of one declaration, taken one after another."""

    def __init__(self, pieces: Sequence[Noted]) -> None:
        self._pieces = pieces
        self._at = 0

    @property
    def next(self) -> str:
        """What is written next; empty behind the last piece."""
        return self._pieces[self._at].piece.text if self._at < len(self._pieces) else ""

    @property
    def kind(self) -> str:
        """Whether a word, number, text or mark comes next; empty behind the last piece."""
        return self._pieces[self._at].piece.kind if self._at < len(self._pieces) else ""

    def take(self) -> Word:
        """The next piece with its comments."""
        noted = self._pieces[self._at]
        self._at += 1
        return Word(noted.piece.text, tuple(remark.text for remark in noted.before), noted.after)

    def words(self, count: int) -> Doc:
        """The next pieces with spaces between them."""
        return spaced(*(self.take() for _ in range(count)))

    def close(self) -> tuple[Doc, Word]:
        """The next piece, a closing bracket; first the comments above it, which belong to what it closes."""
        word = self.take()
        return (Word("", word.before) if word.before else NOTHING), Word(word.text, (), word.after)

    def opened(self, start: int | None) -> int:
        """How many parentheses are opened next, in front of `start` if that is given."""
        at = self._at
        while at < len(self._pieces) and self._pieces[at].piece.text == "(":
            if start is not None and self._pieces[at].piece.start >= start:
                break
            at += 1
        return at - self._at


# Lists


def bracketed(pieces: Pieces, nodes: Sequence[_Node], one: Callable[[Pieces, _Node], Doc]) -> Doc:
    """A bracket, the nodes with commas between them, the closing bracket."""
    opening = pieces.take()
    docs: list[Doc] = []
    for node in nodes:  # no call more than needed: this is where nesting goes deep
        doc = align(one(pieces, node))
        docs.append(join(doc, pieces.take()) if pieces.next == "," else doc)
    return _enclosed(opening, fill(docs), pieces)


def listed(pieces: Pieces, nodes: Sequence[_Node], one: Callable[[Pieces, _Node], Doc]) -> list[Doc]:
    """Each node with the comma behind it."""
    docs: list[Doc] = []
    for node in nodes:
        doc = align(one(pieces, node))
        docs.append(join(doc, pieces.take()) if pieces.next == "," else doc)
    return docs


def binder(pieces: Pieces, node: object) -> Doc:
    """`p: Platform`, or a sort alone; in a shape also `item[T]: secret`."""
    doc: Doc = pieces.take()
    if isinstance(node, s.Binder) and node.index:
        doc = join(doc, bracketed(pieces, node.index, word))
    return join(doc, pieces.take(), SPACE, pieces.take()) if pieces.next == ":" else doc


def word(pieces: Pieces, _: object) -> Doc:
    """One piece."""
    return pieces.take()


def joined(pieces: Pieces, nodes: Sequence[s.Ref]) -> Doc:
    """`A and B and C`."""
    docs = [reference(pieces, nodes[0])]
    docs += [join(pieces.take(), SPACE, reference(pieces, node)) for node in nodes[1:]]
    return align(fill(docs))


def _enclosed(opening: Word, inner: Doc, pieces: Pieces) -> Doc:
    remarks, closing = pieces.close()
    return group(opening, align(join(inner, remarks)), closing)


# Expressions


def expression(pieces: Pieces, node: s.Expr) -> Doc:
    """The expression, with the parentheses around it."""
    opening = [pieces.take() for _ in range(_parentheses(pieces, node))]
    doc = _bare(pieces, node)
    for parenthesis in reversed(opening):
        doc = _enclosed(parenthesis, doc, pieces)
    return doc


def clause(pieces: Pieces, node: s.Expr) -> Doc:
    """An expression behind a keyword: where it is a chain, its lines are indented by one column."""
    chained = _is_chain(pieces, node)
    doc = expression(pieces, node)
    return indent(1, doc) if chained else doc


def reference(pieces: Pieces, node: s.Ref) -> Doc:
    """`name` or `name[a, b]`."""
    name = pieces.take()
    return join(name, bracketed(pieces, node.args, expression)) if node.bracketed else name


def where(pieces: Pieces, node: s.Expr | None) -> Doc:
    """`where G`, or nothing."""
    return NOTHING if node is None else spaced(pieces.take(), _operand(pieces, node))


def _parentheses(pieces: Pieces, node: s.Expr) -> int:
    """How many parentheses stand around the node itself, not around what it begins with."""
    match node:
        case s.Binary():
            return pieces.opened(node.left.span.start)
        case s.OneOf():
            return pieces.opened(node.operand.span.start)
        case s.HasExpr():
            return pieces.opened(node.place.span.start)
        case s.YieldsExpr():
            return pieces.opened(node.places[0].span.start) - (len(node.places) > 1)
        case s.RecoverableExpr():
            return pieces.opened(node.term.span.start)
    return pieces.opened(None)


def _is_chain(pieces: Pieces, node: s.Expr) -> bool:
    return isinstance(node, s.Binary) and node.operator in _CHAINED and not _parentheses(pieces, node)


def _operand(pieces: Pieces, node: s.Expr) -> Doc:
    """An expression behind something on its line, its own lines below its beginning."""
    deep = _is_chain(pieces, node) or isinstance(node, s.IfExpr)
    doc = expression(pieces, node)
    return align(doc) if deep else doc


def _bare(pieces: Pieces, node: s.Expr) -> Doc:
    match node:
        case s.Ref():
            name = pieces.take()
            return join(name, bracketed(pieces, node.args, expression)) if node.bracketed else name
        case s.Number() | s.Quoted():
            return pieces.take()
        case s.Call():
            return join(pieces.take(), bracketed(pieces, node.args, expression))
        case s.Unary():
            return spaced(pieces.take(), _operand(pieces, node.operand))
        case s.Binary():
            return _binary(pieces, node)
        case s.OneOf():
            operand = expression(pieces, node.operand)
            return spaced(operand, pieces.take(), bracketed(pieces, node.choices, expression))
        case s.IfExpr():
            return _conditional(pieces, node)
        case s.Quantified():
            return _quantified(pieces, node)
        case s.HasExpr():
            return spaced(expression(pieces, node.place), pieces.take(), expression(pieces, node.term))
        case s.YieldsExpr():
            several = len(node.places) > 1
            places = bracketed(pieces, node.places, expression) if several else expression(pieces, node.places[0])
            return spaced(places, pieces.take(), expression(pieces, node.term))
        case s.KnowsExpr():
            return spaced(pieces.words(2), expression(pieces, node.term))
        case s.RecoverableExpr():
            return _recoverable(pieces, node)
        case s.DidExpr():
            action = pieces.words(2)
            return join(action, bracketed(pieces, node.args, _argument)) if node.bracketed else action


def _binary(pieces: Pieces, node: s.Binary) -> Doc:
    operands = list(_operands(node))
    if node.operator not in _CHAINED:
        docs = [expression(pieces, operands[0])]
        docs += [spaced(pieces.take(), expression(pieces, operand)) for operand in operands[1:]]
        return spaced(*docs)
    deep = _is_chain(pieces, operands[0])
    first = expression(pieces, operands[0])
    docs = [indent(2, first) if deep else first]
    for operand in operands[1:]:
        docs += [LINE, pieces.take(), SPACE, _operand(pieces, operand)]
    return group(*docs)


def _operands(node: s.Binary) -> Iterator[s.Expr]:
    """What an operator stands between, where it is written several times without parentheses."""
    stack: list[s.Expr] = [node.right, node.left]
    while stack:
        part = stack.pop()
        own = isinstance(part, s.Binary) and part.operator == node.operator
        if own and isinstance(part, s.Binary) and part.span.start == part.left.span.start:
            stack += [part.right, part.left]
        else:
            yield part


def _conditional(pieces: Pieces, node: s.IfExpr) -> Doc:
    docs: list[Doc] = []
    rest: s.Expr = node
    while isinstance(rest, s.IfExpr) and pieces.next == "if":
        condition = spaced(pieces.take(), _operand(pieces, rest.condition))
        docs += [group(condition, indent(4, LINE, pieces.take(), SPACE, _operand(pieces, rest.then)))]
        docs += [LINE, pieces.take(), SPACE]
        rest = rest.otherwise
    return group(*docs, _operand(pieces, rest))


def _quantified(pieces: Pieces, node: s.Quantified) -> Doc:
    kind = pieces.take()
    binders = align(fill(listed(pieces, node.binders, binder)))
    head = spaced(kind, binders, where(pieces, node.where), pieces.take())
    body = expression(pieces, node.body)
    remarks, closing = pieces.close()
    return group(head, indent(2, LINE, body, _below(remarks)), LINE, closing)


def _recoverable(pieces: Pieces, node: s.RecoverableExpr) -> Doc:
    doc = spaced(expression(pieces, node.term), pieces.take())
    if node.mode == "anywhere":
        return doc
    mode = pieces.take()
    if pieces.next == "(":
        return spaced(doc, mode, bracketed(pieces, node.places, reference))
    return spaced(doc, mode, reference(pieces, node.places[0]))


def _argument(pieces: Pieces, node: s.Expr | None) -> Doc:
    return pieces.take() if node is None else expression(pieces, node)


def _below(remarks: Doc) -> Doc:
    """Comments above a closing bracket, on lines of their own."""
    return NOTHING if remarks is NOTHING else join(HARD, remarks)


# Effects


def effects(pieces: Pieces, nodes: Sequence[s.Effect]) -> Doc:
    """On one line if they fit; one on each line otherwise, and where a block stands among several."""
    parted = HARD if len(nodes) > 1 and any(isinstance(n, s.ForEffect | s.IfEffect) for n in nodes) else LINE
    docs: list[Doc] = []
    for node in nodes:
        doc = _effect(pieces, node)
        docs += [parted, join(doc, pieces.take()) if pieces.next == ";" else doc]
    return shared(*docs[1:]) if len(nodes) > 1 else join(*docs[1:])


def _effect(pieces: Pieces, node: s.Effect) -> Doc:
    match node:
        case s.ForEffect():
            binders = spaced(pieces.take(), align(fill(listed(pieces, node.binders, binder))))
            return spaced(binders, where(pieces, node.where), _block(pieces, node.body))
        case s.IfEffect():
            return _choice(pieces, node)
        case s.LeaksEffect():
            term = spaced(pieces.take(), expression(pieces, node.term))
            sources = _sources(pieces, node.sources)
            to = spaced(pieces.take(), joined(pieces, node.capabilities))
            return group(term, indent(2, sources, LINE, to))
        case s.BecomesEffect() if pieces.next == "clear":
            return spaced(pieces.take(), reference(pieces, node.place))
        case s.AssignEffect():
            target = spaced(reference(pieces, node.target), pieces.take())
            return group(target, indent(2, LINE, _operand(pieces, node.value)))
        case s.GainsEffect():
            gained = spaced(reference(pieces, node.place), pieces.take(), expression(pieces, node.term))
            return group(gained, indent(2, _sources(pieces, node.sources)))
        case s.BecomesEffect():
            place = spaced(reference(pieces, node.place), pieces.take())
            terms = bracketed(pieces, node.terms, expression)
            return group(place, SPACE, terms, indent(2, _sources(pieces, node.sources)))
        case s.GainsAllEffect():
            return spaced(reference(pieces, node.place), pieces.words(3), reference(pieces, node.origin))
        case s.LosesEffect():
            return spaced(reference(pieces, node.place), pieces.take(), expression(pieces, node.term))
        case s.CopiesEffect():
            return spaced(reference(pieces, node.place), pieces.take(), reference(pieces, node.origin))


def _sources(pieces: Pieces, node: s.Sources | None) -> Doc:
    if node is None:
        return NOTHING
    keyword = pieces.take()
    return join(LINE, keyword if node.ideal else spaced(keyword, align(fill(listed(pieces, node.places, reference)))))


def _choice(pieces: Pieces, node: s.IfEffect) -> Doc:
    """Each branch on a line; where a branch takes several, its brace and the next `else` share one."""
    docs: list[Doc] = []
    while True:
        condition = spaced(pieces.take(), _operand(pieces, node.condition))
        block = _block(pieces, node.then)
        whole = group(condition, SPACE, block)
        docs.append(whole)
        if pieces.next != "else":
            return group(*docs)
        docs += [Behind(whole), pieces.take(), SPACE]
        nested = node.otherwise[0] if pieces.next == "if" else None
        if not isinstance(nested, s.IfEffect):
            return group(*docs, _block(pieces, node.otherwise))
        node = nested


def _block(pieces: Pieces, nodes: Sequence[s.Effect]) -> Doc:
    opening = pieces.take()
    if not nodes:
        remarks, closing = pieces.close()
        inner = NOTHING if remarks is NOTHING else join(indent(2, HARD, remarks), HARD)
        return join(opening, inner, closing)
    inner = effects(pieces, nodes)
    remarks, closing = pieces.close()
    return group(opening, indent(2, LINE, inner, _below(remarks)), LINE, closing)
