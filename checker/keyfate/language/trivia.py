"""What stands between the pieces of a text: comments, and where lines were left empty.

A comment belongs to what it stands beside: one that ends the line of a piece
to that piece, one on a line of its own to the piece below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keyfate.language.scanning import Piece
from keyfate.language.source import Source

_BLANKS = " \t\r\ufeff"


@dataclass(frozen=True)
class Remark:
    """A comment on a line of its own. `apart`: behind an empty line."""

    text: str
    apart: bool


@dataclass(frozen=True)
class Noted:
    """A piece with its comments: `before` on lines above it, `after` at the end of its line.

    `apart`: an empty line stands between it and what is above.
    """

    piece: Piece
    before: tuple[Remark, ...] = ()
    after: str = ""
    apart: bool = False


def noted(source: Source, pieces: Iterable[Piece]) -> tuple[tuple[Noted, ...], tuple[Remark, ...]]:
    """Every piece of the source with its comments, and the comments below the last."""
    found: list[Noted] = []
    open_: Piece | None = None
    before: tuple[Remark, ...] = ()
    apart = False
    end = 0
    for piece in pieces:
        after, remarks, blank = _between(source.text[end : piece.start], begins=open_ is None)
        if open_ is not None:
            found.append(Noted(open_, before, after, apart))
        open_, before, apart, end = piece, remarks, blank, piece.end
    after, remarks, _ = _between(source.text[end:], begins=open_ is None)
    if open_ is not None:
        found.append(Noted(open_, before, after, apart))
    return tuple(found), remarks


def _between(gap: str, *, begins: bool) -> tuple[str, tuple[Remark, ...], bool]:
    """The comment behind a piece, those on lines below it, and whether an empty line comes last.

    `begins`: nothing stands before the gap.
    """
    after = ""
    remarks: list[Remark] = []
    apart = False
    gap_lines = gap.split("\n")
    for number, line in enumerate(gap_lines):
        comment = line.strip(_BLANKS)
        if comment and number == 0 and not begins:
            after = comment
        elif comment:
            remarks.append(Remark(comment, apart))
            apart = False
        elif 0 < number < len(gap_lines) - 1:
            apart = True
    return after, tuple(remarks), apart
