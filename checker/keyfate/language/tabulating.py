"""Neighbouring declarations of one kind as a table: cells, descriptions and comments below each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from keyfate.language.layout import NOTHING, Doc, fits, lines
from keyfate.language.rendering import columns
from keyfate.language.rows import Row


def tabulated(rows: Sequence[Row], comments: Sequence[str]) -> list[list[str]]:
    """The lines of each row, its comment (or none) at the end of the last.

    Cells line up in all rows; descriptions and comments where neighbours are of one line each.
    Nothing lines up where that would take more room than a line has.
    """
    pads = _pads(rows)
    gaps = _gaps(rows, pads)
    laid = [lines(row.whole(pad, gap)) for row, pad, gap in zip(rows, pads, gaps, strict=True)]
    lone = [len(one) == 1 for one in laid]
    for block in _blocks(lone):
        noted = [n for n in block if comments[n]]
        widest = max((columns(laid[n][0]) for n in noted), default=0)
        for n in noted:
            laid[n][0] += " " * (widest - columns(laid[n][0]))
    for one, comment in zip(laid, comments, strict=True):
        one[-1] += f"  {comment}" if comment else ""
    return laid


def _pads(rows: Sequence[Row]) -> list[tuple[int, ...]]:
    """Blanks behind the cells of each row."""
    none: list[tuple[int, ...]] = [() for _ in rows]
    widths = [[_width(cell) for cell in row.cells] for row in rows]
    if len(rows) == 1 or any(width is None for row in widths for width in row):
        return none
    known = [[width or 0 for width in row] for row in widths]
    widest = [max(column) for column in zip(*known, strict=True)]
    pads = []
    for row, own in zip(rows, known, strict=True):
        followed = len(own) if row.body is not NOTHING else len(own) - 1
        pads.append(tuple(most - one for most, one in zip(widest[:followed], own, strict=False)))
    crowded = any(fits(row.head()) and not fits(row.head(pad)) for row, pad in zip(rows, pads, strict=True))
    return none if crowded else pads


def _gaps(rows: Sequence[Row], pads: Sequence[tuple[int, ...]]) -> list[int]:
    """Blanks, beside the one that always stands there, in front of the description of each row."""
    gaps = [0] * len(rows)
    for block in _blocks([fits(row.whole(pad)) for row, pad in zip(rows, pads, strict=True)]):
        heads = {n: _width(rows[n].head(pads[n])) or 0 for n in block if _lines_up(rows[n])}
        widest = max(heads.values(), default=0)
        if all(fits(rows[n].whole(pads[n], widest - width)) for n, width in heads.items()):
            for n, width in heads.items():
                gaps[n] = widest - width
    return gaps


def _lines_up(row: Row) -> bool:
    """Whether its description does: not behind values and terms, which are of all widths."""
    return row.title is not NOTHING and row.body is NOTHING and bool(row.cells)


def _blocks(lone: Sequence[bool]) -> Iterator[list[int]]:
    """Neighbours that are each of one line."""
    for is_lone, block in groupby(range(len(lone)), key=lambda n: lone[n]):
        if is_lone:
            yield list(block)


def _width(doc: Doc) -> int | None:
    """How wide it is on one line; None where comments stand in it."""
    flat = doc.flat
    return None if flat is None or flat.opens or flat.closes else flat.width
