"""Text to syntax tree, with every syntax error of the text at once.

A text is cut at the words that begin declarations (`scanning`); each chunk is
read on its own by an LALR(1) parser (`grammar.lark`), so one broken declaration
costs one error and the others are still read. No text, however hostile, makes
`parse` raise, recurse deeply or take long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from keyfate.language import syntax as s
from keyfate.language.expecting import no_declaration, reserved, unexpected
from keyfate.language.scanning import NESTING_LIMIT, Chunk, Piece, nesting, scan
from keyfate.language.source import Diagnostic, Source, Span

FILE_LIMIT = 512 * 1024  # bytes
ERROR_LIMIT = 100  # of one file

_VALUES = ("sort", "control", "state")  # what declares values
_NESTING = (*get_args(s.Expr), *get_args(s.Effect))


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
    readings: list[_Reading] = []
    wrong = len(scanned.hidden)
    dangling: Piece | None = None  # the last word of a chunk that ended where a name should stand
    for chunk in scanned.chunks:
        reading = _read(source, chunk)
        if dangling is not None and _same_line(source, dangling, chunk.pieces[0]):
            # `state key : …` is one broken declaration, not two.
            before = readings.pop()
            readings.append(replace(before, errors=(*before.errors[:-1], reserved(source, chunk.pieces[0]))))
            if reading.errors:
                reading = _Reading()
        if reading.errors:
            unread.extend(_names(source, chunk))
        declarations.extend(reading.declarations)
        readings.append(reading)
        wrong += len(reading.errors)
        dangling = chunk.pieces[-1] if reading.needs_name else None
        if wrong > ERROR_LIMIT:
            break
    errors = [*scanned.hidden, *_without_uses(readings)]
    errors.sort(key=lambda d: (d.span.start, d.span.end))
    return s.File(source.path, tuple(declarations), whole, tuple(unread)), tuple(_bounded(errors))


@dataclass(frozen=True)
class _Reading:
    """What one chunk gave. `needs_name`: it ends where a name should stand; `around`: the words at its error and before
    it, in a chunk that uses names; none in one that declares values."""

    declarations: tuple[s.Declaration, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    needs_name: bool = False
    around: frozenset[str] = frozenset()


def _without_uses(readings: Sequence[_Reading]) -> Iterator[Diagnostic]:
    """A word of the language as a value is reported where it is declared, and not at each use, which then reads as
    something else."""
    declaring = (error for reading in readings if not reading.around for error in reading.errors)
    values = {error.span.text for error in declaring if error.code == "KF107"}
    for reading in readings:
        if values.isdisjoint(reading.around):
            yield from reading.errors


def _read(source: Source, chunk: Chunk) -> _Reading:
    if chunk.broken:
        return _Reading(errors=chunk.broken)
    if chunk.keyword is None:
        return _Reading(errors=(no_declaration(source, chunk.pieces[0]),))
    # lark is imported by the first text that has something to parse
    from keyfate.language.composing import MisplacedError
    from keyfate.language.recognizing import Recognizer, accepted_behind, paired

    pieces = chunk.pieces
    recognizer = Recognizer(source)
    try:
        read = next((n for n, pair in enumerate(paired(pieces)) if not recognizer.feed(*pair)), len(pieces))
        declarations = recognizer.finish() if read == len(pieces) else None
    except MisplacedError as misplaced:
        return _Reading(errors=(misplaced.diagnostic,))
    if declarations is None:
        accepted = accepted_behind(source, pieces[:read])
        before = accepted_behind(source, pieces[: read - 1])
        error = unexpected(source, chunk, read, accepted, before)
        near = pieces[read - 1 : read + 1] if chunk.keyword not in _VALUES else ()
        words = frozenset(piece.text for piece in near if piece.kind == "word")
        return _Reading(errors=(error,), needs_name=read == len(pieces) and "NAME" in accepted, around=words)
    deep = [place for declaration in declarations if (place := _too_deep(declaration)) is not None]
    if deep:
        return _Reading(errors=(nesting(source, *_first_piece(pieces, deep[0])),))
    return _Reading(declarations)


def _too_deep(declaration: s.Declaration) -> Span | None:
    """Where expressions and effects are nested deeper than allowed. Walks without recursion."""
    stack: list[tuple[Any, int]] = [(declaration, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, tuple):
            stack.extend((item, depth) for item in node)
        elif hasattr(node, "span"):
            depth += isinstance(node, _NESTING)
            if depth > NESTING_LIMIT:
                span: Span = node.span
                return span
            stack.extend((value, depth) for value in vars(node).values() if not isinstance(value, Span))
    return None


def _first_piece(pieces: Sequence[Piece], span: Span) -> tuple[int, int]:
    return next(((p.start, p.end) for p in pieces if p.start >= span.start), (span.start, span.end))


def _same_line(source: Source, first: Piece, second: Piece) -> bool:
    return "\n" not in source.text[first.end : second.start]


def _names(source: Source, chunk: Chunk) -> Iterator[s.Word]:
    """The names that a chunk declares, as far as its words alone tell."""
    if chunk.keyword in (None, "include", "exposes", "constraint", "check"):
        return
    depth = 0
    for before, piece in zip(chunk.pieces, chunk.pieces[1:], strict=False):
        if before.kind == "mark":
            depth += (before.text in "([{") - (before.text in ")]}")
        first = before is chunk.pieces[0]
        another = chunk.keyword in ("secret", "public") and before.text == "," and depth == 0
        if piece.kind == "word" and (first or another):
            yield s.Word(piece.text, Span(source, piece.start, piece.end))


def _bounded(errors: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    yield from errors[:ERROR_LIMIT]
    if len(errors) > ERROR_LIMIT:
        yield Diagnostic(
            "KF199",
            f"this file has more than {ERROR_LIMIT} errors; the others are not shown",
            errors[ERROR_LIMIT].span,
            help="mend the first ones, then check again",
        )
