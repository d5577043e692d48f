"""Text to syntax tree, with every syntax error of the text at once.

A text is cut at the words that begin declarations (`scanning`); each piece is
read on its own by an LALR(1) parser (`grammar.lark`), so one broken declaration
costs one error and the others are still read. No text, however hostile, makes
`parse` raise, recurse deeply or take long.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, get_args

from keyfate.language import syntax as s
from keyfate.language.expecting import END, NAME, NUMBER, STRING, describe, meant, shape, wants_effect, wants_expression
from keyfate.language.scanning import (
    DECLARATIONS,
    EXPRESSION_KEYWORDS,
    NESTING_LIMIT,
    Chunk,
    Piece,
    nesting,
    scan,
    shorten,
    unclosed,
)
from keyfate.language.source import Diagnostic, Label, Source, Span

if TYPE_CHECKING:
    from lark import Lark

FILE_LIMIT = 512 * 1024  # bytes
ERROR_LIMIT = 100  # of one file

_NESTING = (*get_args(s.Expr), *get_args(s.Effect))


@dataclass(frozen=True)
class _Grammar:
    """`names` maps what is written to the grammar's name of it, `words` back."""

    lark: Lark
    names: Mapping[str, str]
    words: Mapping[str, str]


@cache
def _grammar() -> _Grammar:
    from lark import Lark
    from lark.lexer import PatternStr

    from keyfate.language.building import Builder

    text = resources.files("keyfate.language").joinpath("grammar.lark").read_text(encoding="utf-8")
    lark = Lark(text, parser="lalr", keep_all_tokens=True, transformer=Builder())
    names = {t.pattern.value: t.name for t in lark.terminals if isinstance(t.pattern, PatternStr)}
    return _Grammar(lark, names, {name: word for word, name in names.items()})


@dataclass(frozen=True)
class _Reading:
    """What one chunk gave. `needs_name`: it ends where a name should stand."""

    declarations: tuple[s.Declaration, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    needs_name: bool = False


def too_large(path: str, size: int) -> Diagnostic | None:
    """The error for a file of `size` bytes, if that is more than the language allows."""
    if size <= FILE_LIMIT:
        return None
    return Diagnostic(
        "KF100",
        f"this file has {size:,} bytes; a file may have {FILE_LIMIT:,}",
        Span(Source(path, ""), 0, 0),
        help="divide it into files, and `include` them",
    )


def parse(source: Source) -> tuple[s.File, tuple[Diagnostic, ...]]:
    """The declarations that can be read, and what is wrong with the others, in the order of the text."""
    whole = Span(source, 0, len(source.text))
    size = too_large(source.path, len(source.text.encode("utf-8", "surrogatepass")))
    if size is not None:
        return s.File(source.path, (), whole), (size,)
    scanned = scan(source)
    declarations: list[s.Declaration] = []
    unread: list[s.Word] = []
    errors = list(scanned.hidden)
    dangling: Piece | None = None  # the last word of a chunk that ended where a name should stand
    for chunk in scanned.chunks:
        reading = _read(source, chunk)
        if dangling is not None and _same_line(source, dangling, chunk.pieces[0]):
            errors[-1] = _reserved(source, chunk.pieces[0])
            if reading.errors:
                reading = _Reading()  # not a declaration at all
        elif reading.errors:
            unread.extend(_names(source, chunk))
        declarations.extend(reading.declarations)
        errors.extend(reading.errors)
        dangling = chunk.pieces[-1] if reading.needs_name else None
    errors.sort(key=lambda d: (d.span.start, d.span.end))
    return s.File(source.path, tuple(declarations), whole, tuple(unread)), tuple(_bounded(errors))


def _bounded(errors: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    yield from errors[:ERROR_LIMIT]
    if len(errors) > ERROR_LIMIT:
        yield Diagnostic(
            "KF199",
            f"{len(errors) - ERROR_LIMIT:,} more errors in this file are not shown",
            errors[ERROR_LIMIT].span,
            help="mend the first ones, then check again",
        )


def _read(source: Source, chunk: Chunk) -> _Reading:
    if chunk.broken:
        return _Reading(errors=chunk.broken)
    if chunk.keyword is None:
        return _Reading(errors=(_no_declaration(source, chunk.pieces[0]),))
    from lark.exceptions import UnexpectedToken

    from keyfate.language.building import MisplacedError, lexeme

    grammar = _grammar()
    parser: Any = grammar.lark.parse_interactive("")  # its methods carry no types
    pieces = chunk.pieces
    before: Collection[str] = ()  # what could have stood where the piece before stands
    try:
        for number, piece in enumerate(pieces):
            accepted = parser.choices()
            kind = _kind(grammar, piece, accepted)
            if kind not in accepted:
                words = _words(grammar, parser.accepts())
                return _Reading(errors=(_unexpected(source, chunk, number, words, before),))
            parser.feed_token(lexeme(kind, piece.text, Span(source, piece.start, piece.end)))
            before = accepted
        number = len(pieces)
        found: Any = parser.feed_eof(None)
    except MisplacedError as misplaced:
        return _Reading(errors=(misplaced.diagnostic,))
    except UnexpectedToken:
        words = _words(grammar, parser.accepts())
        error = _unexpected(source, chunk, number, words, before)
        return _Reading(errors=(error,), needs_name=number == len(pieces) and NAME in words)
    declarations: tuple[s.Declaration, ...] = found.items
    deep = [place for declaration in declarations if (place := _too_deep(declaration)) is not None]
    if deep:
        return _Reading(errors=(nesting(source, *_first_piece(pieces, deep[0])),))
    return _Reading(declarations)


def _kind(grammar: _Grammar, piece: Piece, accepted: Collection[str]) -> str:
    """The grammar's name for a piece: a keyword only where one may stand."""
    if piece.kind == "number":
        return NUMBER
    if piece.kind == "text":
        return STRING
    fixed = grammar.names.get(piece.text)
    if piece.kind == "mark":
        return fixed or piece.text
    if fixed is not None and (fixed in accepted or piece.text in EXPRESSION_KEYWORDS):
        return fixed
    return NAME


def _words(grammar: _Grammar, names: Collection[str]) -> frozenset[str]:
    return frozenset(grammar.words.get(name, name) for name in names)


def _too_deep(declaration: s.Declaration) -> Span | None:
    """Where expressions and effects are nested deeper than allowed. Walks without recursion."""
    stack: list[tuple[Any, int]] = [(declaration, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, tuple):
            stack.extend((item, depth) for item in node)
        elif hasattr(node, "span"):
            if isinstance(node, _NESTING):
                depth += 1
                if depth > NESTING_LIMIT:
                    span: Span = node.span
                    return span
            stack.extend((value, depth) for value in vars(node).values() if not isinstance(value, Span))
    return None


def _first_piece(pieces: Sequence[Piece], span: Span) -> tuple[int, int]:
    return next(((p.start, p.end) for p in pieces if p.start >= span.start), (span.start, span.end))


# Errors


def _no_declaration(source: Source, piece: Piece) -> Diagnostic:
    guess = meant(piece.text, (END,)) if piece.kind == "word" else None
    return Diagnostic(
        "KF108",
        f"expected a declaration, found {_found(piece)}",
        Span(source, piece.start, piece.end),
        help=f"did you mean `{guess}`?" if guess else f"a declaration begins with {_either(DECLARATIONS)}",
    )


def _either(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words[:-1]) + f" or `{words[-1]}`"


def _reserved(source: Source, piece: Piece) -> Diagnostic:
    return Diagnostic(
        "KF107",
        f"`{piece.text}` is a word of the language and cannot be a name",
        Span(source, piece.start, piece.end),
        help="choose another name",
    )


def _found(piece: Piece) -> str:
    return f"`{shorten(piece.text)}`"


def _same_line(source: Source, first: Piece, second: Piece) -> bool:
    return "\n" not in source.text[first.end : second.start]


def _names(source: Source, chunk: Chunk) -> Iterator[s.Word]:
    """The names that a chunk declares, as far as they can be guessed from its words alone."""
    if chunk.keyword in (None, "include", "exposes", "constraint", "check"):
        return
    depth = 0
    for before, piece in zip(chunk.pieces, chunk.pieces[1:], strict=False):
        depth += (before.text in "([{") - (before.text in ")]}") if before.kind == "mark" else 0
        first = before is chunk.pieces[0]
        another = chunk.keyword in ("secret", "public") and before.text == "," and depth == 0
        if piece.kind == "word" and (first or another):
            yield s.Word(piece.text, Span(source, piece.start, piece.end))


def _unexpected(
    source: Source, chunk: Chunk, number: int, accepted: frozenset[str], before: Collection[str]
) -> Diagnostic:
    """The error for piece `number`, or for the end of the chunk, where only `accepted` may stand."""
    pieces = chunk.pieces
    keyword = chunk.keyword
    assert keyword is not None
    at = pieces[number] if number < len(pieces) else None
    last = pieces[number - 1]
    if at is not None and at.text in EXPRESSION_KEYWORDS and NAME in accepted and not wants_expression(accepted):
        return _reserved(source, at)
    expected = describe(accepted)
    if at is None:
        message, shown = f"expected {expected} behind {_found(last)}", last
    else:
        message, shown = f"expected {expected}, found {_found(at)}", at
    labels = []
    opened = unclosed(pieces[:number])
    if opened is not None and (at is None or at.text in (")", "]", "}")):
        labels.append(Label(Span(source, opened.start, opened.end), "opened here"))
    return Diagnostic(
        "KF101",
        message,
        Span(source, shown.start, shown.end),
        tuple(labels),
        _help(keyword, at, last, accepted, before),
    )


def _help(keyword: str, at: Piece | None, last: Piece, accepted: frozenset[str], before: Collection[str]) -> str:
    if at is not None and at.kind == "word":
        guess = meant(at.text, accepted)
        if guess:
            return f"did you mean `{guess}`?"
    if at is not None and ":=" in accepted and at.text == "=":
        return "an assignment is written `:=`"
    if wants_effect(before) and last.kind == "word":
        guess = meant(last.text, before)
        if guess:
            return f"did you mean `{guess}` instead of `{last.text}`?"
    return shape(keyword)
