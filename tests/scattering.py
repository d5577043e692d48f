"""The same pieces of a text with other white space and comments between them."""

from __future__ import annotations

import random

from keyfate.language.scanning import Piece, scan
from keyfate.language.source import Source

COMMENTS = ("-- why", "--", "-- “quoted”  twice", "--- -- ;{", "--x\t ", "-- secret a", "--→", '-- "')
SPACES = (" ", "  ", "\n", "\n\n\n", "\t", "\r\n", " \n\t ", "\n  \r\n ")
ALONE = frozenset("()[]{},;")  # marks that need no space beside them


def scattered(text: str, seed: int, *, comments: int = 0) -> str:
    """`text` with its pieces apart as never before, no empty line between declarations, and other comments anywhere."""
    chance = random.Random(seed)
    chunks = [chunk.pieces for chunk in scan(Source("x.kf", text)).chunks]
    gaps = [_gap(chance, one, two) for pieces in chunks for one, two in zip(pieces, [*pieces[1:], None], strict=True)]
    for _ in range(comments):
        place = chance.randrange(len(gaps))
        gaps[place] += chance.choice(COMMENTS) + chance.choice(("\n", "\n\n", "\r\n", "\n \t"))
    begin = chance.choice(("", *SPACES, "-- first\n" if comments else "\n"))
    out = [piece.text + gap for piece, gap in zip((p for pieces in chunks for p in pieces), gaps, strict=True)]
    return begin + "".join(out).rstrip(" \t\r\n" if chance.random() < 0.5 else "")


def _gap(chance: random.Random, one: Piece, two: Piece | None) -> str:
    if two is None:
        return chance.choice(("\n", "  \n", "\r\n"))
    return chance.choice((*SPACES, "", "") if {one.text, two.text} & ALONE else SPACES)
