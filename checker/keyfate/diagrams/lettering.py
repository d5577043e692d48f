"""Texts in a picture: broken into lines that fit, and in characters that a reader sees."""

from __future__ import annotations

import unicodedata

from keyfate.language.rendering import escape

WIDTH = 25  # columns of a label

_SLACK = 3  # so much more is better than a line of so little
_BREAKS = (" ,", "([", "_-:=.")
"""Behind which characters a line may end, the best first."""


def lines(text: str, width: int = WIDTH) -> list[str]:
    """The lines of `text`, what is invisible written as its code, each broken where it is much longer than `width`.

    Nothing is lost: the parts of a line, put together, are the line.
    """
    return [part for line in text.split("\n") for part in _broken(escape(line), width)]


def hanging(first: str, text: str, width: int = WIDTH) -> list[str]:
    """The lines of `text`, `first` before it and all but the first line set in below it."""
    return [f"{first if number == 0 else '      '}{line}" for number, line in enumerate(lines(text, width))]


def columns(text: str) -> int:
    """How wide one line is, in widths of a narrow character."""
    return sum(map(_columns, text))


def _broken(line: str, width: int) -> list[str]:
    parts = []
    start, left = 0, columns(line)
    while left > width + _SLACK:
        end = _end(line, start, width)
        parts.append(line[start:end])
        left -= columns(parts[-1])
        start = end
    return [*parts, line[start:]]


def _end(line: str, start: int, width: int) -> int:
    """Where the part that begins at `start` ends, in a line that is too long."""
    fits, used = start, 0
    while fits < len(line) and used + _columns(line[fits]) <= width:
        used += _columns(line[fits])
        fits += 1
    fits = max(fits, start + 1)
    for breaks in _BREAKS:
        end = max(line.rfind(char, start, fits) for char in breaks) + 1
        if end - start > (fits - start) // 3:
            return end + (line[end : end + 1] == " ")
    return fits


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
