"""The LALR parser, fed one piece after another. The only module that drives lark; `tables` makes it.

Which terminal a word is depends on where it stands: a keyword where the grammar
accepts that keyword, a name elsewhere. So `value` or `status` may be names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedToken
from lark.lexer import PatternStr

from keyfate.language import tables
from keyfate.language.building import Builder
from keyfate.language.composing import lexeme
from keyfate.language.expecting import NAME, NUMBER, STRING
from keyfate.language.scanning import EXPRESSION_KEYWORDS, Piece
from keyfate.language.source import Source, Span
from keyfate.language.syntax import Declaration

_EFFECT_VERBS = frozenset({":=", "[", "gains", "loses", "becomes"})


@dataclass(frozen=True)
class _Grammar:
    """`names` maps what is written to the grammar's name of it, `words` back."""

    lark: Lark
    names: Mapping[str, str]
    words: Mapping[str, str]


@cache
def _grammar() -> _Grammar:
    text = tables.grammar_text()
    lark = tables.read(text, Builder()) or tables.made(text, Builder())
    names = {t.pattern.value: t.name for t in lark.terminals if isinstance(t.pattern, PatternStr)}
    return _Grammar(lark, names, {name: word for word, name in names.items()})


class Recognizer:
    """Reads the pieces of one declaration. Raises `MisplacedError` for what only the builder refuses."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._grammar = _grammar()
        self._parser: Any = self._grammar.lark.parse_interactive("")  # its methods carry no types

    def feed(self, piece: Piece, following: Piece | None) -> bool:
        """Takes the next piece. False: it cannot stand here, and nothing more may be fed."""
        accepted = self._parser.choices()
        kind = self._kind(piece, following, accepted)
        if kind not in accepted:
            return False
        try:
            self._parser.feed_token(lexeme(kind, piece.text, Span(self._source, piece.start, piece.end)))
        except UnexpectedToken:
            return False
        return True

    def finish(self) -> tuple[Declaration, ...] | None:
        """The declarations that the pieces make; None if something is missing."""
        try:
            found = self._parser.feed_eof()
        except UnexpectedToken:
            return None
        declarations: tuple[Declaration, ...] = found.items
        return declarations

    def accepted(self) -> frozenset[str]:
        """What may stand next, as written in a text (or NAME, NUMBER, STRING, END)."""
        return frozenset(self._grammar.words.get(name, name) for name in self._parser.accepts())

    def _kind(self, piece: Piece, following: Piece | None, accepted: Collection[str]) -> str:
        if piece.kind == "number":
            return NUMBER
        if piece.kind == "text":
            return STRING
        fixed = self._grammar.names.get(piece.text)
        if piece.kind == "mark":
            return fixed or piece.text
        if piece.text in EXPRESSION_KEYWORDS:
            return fixed or NAME
        if fixed is None or fixed not in accepted:
            return NAME
        # Behind an effect's `;` both another effect and a note may begin: `status := a`, `status claimed`.
        return NAME if NAME in accepted and following is not None and following.text in _EFFECT_VERBS else fixed


def accepted_behind(source: Source, pieces: Sequence[Piece]) -> frozenset[str]:
    """What may stand behind these pieces, all of which can be read."""
    recognizer = Recognizer(source)
    for piece, following in paired(pieces):
        recognizer.feed(piece, following)
    return recognizer.accepted()


def paired(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, Piece | None]]:
    """Each piece with the one behind it."""
    return zip_longest(pieces, pieces[1:])
