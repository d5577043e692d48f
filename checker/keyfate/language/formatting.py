"""The canonical layout of a text: the same pieces and comments, on lines as everybody writes them.

Where lines were broken before plays no part, but for empty lines between
declarations: one is kept. So two texts with the same pieces and comments come
out alike, and what came out is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from keyfate.language import syntax as s
from keyfate.language.parsing import FILE_LIMIT, parse
from keyfate.language.phrasing import Pieces
from keyfate.language.rows import Row, row
from keyfate.language.scanning import Chunk, scan
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from keyfate.language.tabulating import tabulated
from keyfate.language.trivia import Noted, Remark, noted

DEFECT = "KF564"


@dataclass(frozen=True)
class _Entry:
    """A declaration, the comments above it and at its end. `apart`: behind an empty line."""

    keyword: str
    row: Row
    before: tuple[Remark, ...]
    after: str
    apart: bool

    def joins(self, above: _Entry) -> bool:
        """Whether it lines up with the declaration above it."""
        alike = self.keyword == above.keyword and len(self.row.cells) == len(above.row.cells)
        return alike and not self.apart and not self.before


def formatted(source: Source) -> str:
    """The text of `source` in canonical layout.

    Raises LifecycleError where it cannot be read, where it would grow past what a file may
    have (KF563), or where the layout would change what it says, a defect of keyfate (KF564).
    """
    file, errors = parse(source)
    if errors:
        raise LifecycleError(errors)
    chunks = scan(source).chunks
    pieces, below = _noted(source, chunks)
    text = _text(list(_entries(pieces, [len(chunk.pieces) for chunk in chunks], file.declarations)), below)
    size = len(text.encode("utf-8"))
    if size > FILE_LIMIT:
        message = f"laid out, this file would have {size:,} bytes; a file may have {FILE_LIMIT:,}"
        raise _refused(source, "KF563", message, "divide it into files, and `include` them")
    again = Source(source.path, text)
    if _said(*_noted(again, scan(again).chunks)) != _said(pieces, below):
        message = "the layout would change what this file says, so it was left as it is"
        raise _refused(source, DEFECT, message, "this is a defect of keyfate: please report it with the file")
    return text


def _entries(pieces: Sequence[Noted], sizes: Sequence[int], declared: Sequence[s.Declaration]) -> Iterator[_Entry]:
    start = taken = 0
    for size in sizes:
        own = pieces[start : start + size]
        start += size
        first = taken
        while taken < len(declared) and declared[taken].span.start < own[-1].piece.end:
            taken += 1
        head, after = own[0], own[-1].after
        inner = [replace(own[0], before=()), *own[1:]]
        inner[-1] = replace(inner[-1], after="")
        yield _Entry(head.piece.text, row(Pieces(inner), declared[first:taken]), head.before, after, head.apart)


def _text(entries: Sequence[_Entry], below: Sequence[Remark]) -> str:
    out: list[str] = []

    def put(line: str, apart: bool) -> None:
        out.extend([""] if apart and out else [])
        out.append(line)

    for run in _runs(entries):
        laid = tabulated([entry.row for entry in run], [entry.after for entry in run])
        for entry, (first, *more) in zip(run, laid, strict=True):
            for remark in entry.before:
                put(remark.text, remark.apart)
            put(first, entry.apart)
            out.extend(more)
    for remark in below:
        put(remark.text, remark.apart)
    return "".join(f"{line}\n" for line in out)


def _runs(entries: Sequence[_Entry]) -> list[list[_Entry]]:
    """Neighbours of one kind."""
    runs: list[list[_Entry]] = []
    for entry in entries:
        if runs and entry.joins(runs[-1][-1]):
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs


# That nothing was lost


def _noted(source: Source, chunks: Sequence[Chunk]) -> tuple[tuple[Noted, ...], tuple[Remark, ...]]:
    return noted(source, (piece for chunk in chunks for piece in chunk.pieces))


def _said(pieces: Sequence[Noted], below: Sequence[Remark]) -> list[tuple[str, ...]]:
    """Pieces and comments in their order, and how they belong together."""
    said = [(n.piece.kind, n.piece.text, *(remark.text for remark in n.before), n.after) for n in pieces]
    return [*said, tuple(remark.text for remark in below)]


def _refused(source: Source, code: str, message: str, help_: str) -> LifecycleError:
    return LifecycleError([Diagnostic(code, message, Span(source, 0, 0), help=help_)])
