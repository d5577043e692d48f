"""Diagnostics for people, as plain or coloured text.

    model.kf:12:3: error[KF101]: expected `by`, found `when`
       |
    12 |   when power[p] = on
       |   ^^^^
       = help: an `action` is written `action NAME …`

Whatever a file contains, only printable characters come out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from keyfate.language.source import Diagnostic, Source, Span

WIDTH = 120  # columns of a shown source line, where the caller says nothing
_TAB = "    "
_RESET, _BOLD, _RED, _YELLOW, _BLUE, _CYAN = (f"\x1b[{code}m" for code in ("0", "1", "1;31", "1;33", "1;34", "1;36"))


def render(diagnostics: Iterable[Diagnostic], *, color: bool = False, width: int | None = None) -> str:
    """All diagnostics, one empty line between two, without a line end behind the last.

    `width` is how many columns a source line may take (120 where it is None);
    a longer one is cut around the words at fault.
    """
    paint = _Paint(color)
    columns = max(WIDTH if width is None else width, 20)
    return "\n\n".join("\n".join(_lines(diagnostic, paint, columns)) for diagnostic in diagnostics)


def escape(text: str) -> str:
    """`text` with every character that a terminal would obey or hide written as its code."""
    return "".join(map(_escape, text))


def columns(text: str) -> int:
    """How many columns a terminal gives to `text`."""
    return len(text) if text.isascii() and text.isprintable() else sum(_width(_cell(char)) for char in text)


def _escape(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@dataclass(frozen=True)
class _Paint:
    on: bool

    def __call__(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self.on and text else text


@dataclass(frozen=True)
class _Mark:
    """What is underlined, on the line where it begins."""

    span: Span
    text: str
    primary: bool


def _lines(diagnostic: Diagnostic, paint: _Paint, columns: int) -> Iterator[str]:
    span = diagnostic.span
    tint = _RED if diagnostic.severity == "error" else _YELLOW
    kind = paint(tint, f"{diagnostic.severity}[{diagnostic.code}]")
    yield f"{_where(span)}: {kind}: {paint(_BOLD, escape(diagnostic.message))}"
    marks = [_Mark(span, "", True), *(_Mark(label.span, label.text, False) for label in diagnostic.labels)]
    shown = [mark for mark in marks if mark.span.source.text]
    gutter = max((len(str(mark.span.line)) for mark in shown), default=1)
    bar = paint(_BLUE, f"{'':{gutter}} |")
    for source in dict.fromkeys(mark.span.source for mark in shown):
        here = [mark for mark in shown if mark.span.source == source]
        if source != span.source:
            yield f"{'':{gutter}} {paint(_BLUE, '-->')} {_where(here[0].span)}"
        yield bar
        yield from _excerpt(source, here, gutter, paint, tint, columns)
    if diagnostic.help is not None:
        first, *rest = diagnostic.help.split("\n")
        yield f"{'':{gutter}} {paint(_BLUE, '=')} {paint(_CYAN, 'help')}: {escape(first)}"
        yield from (f"{'':{gutter}}         {escape(line)}" for line in rest)


def _where(span: Span) -> str:
    return f"{escape(span.path)}:{span.line}:{span.column}"


def _excerpt(
    source: Source, marks: Sequence[_Mark], gutter: int, paint: _Paint, tint: str, columns: int
) -> Iterator[str]:
    """The marked lines of one source, in their order, what is marked underlined."""
    bar = paint(_BLUE, f"{'':{gutter}} |")
    previous: int | None = None
    for number in sorted({mark.span.line for mark in marks}):
        if previous is not None and number > previous + 1:
            yield paint(_BLUE, f"{'':{gutter}} :")
        previous = number
        on_line = [mark for mark in marks if mark.span.line == number]
        line = source.line(number)
        places = [_within(mark.span, line) for mark in on_line]
        shown = _Shown.of(line, *places[0], columns)
        yield f"{paint(_BLUE, f'{number:>{gutter}} |')} {shown.text}".rstrip()
        for mark, (start, end) in zip(on_line, places, strict=True):
            left, right = shown.column(start), shown.column(end)
            rule = ("^" if mark.primary else "-") * max(right - left, 1)
            words = f"{rule} {escape(mark.text)}" if mark.text else rule
            yield f"{bar} {'':{left}}{paint(tint if mark.primary else _BLUE, words)}"


def _within(span: Span, line: str) -> tuple[int, int]:
    """The part of the span on the line where it begins, as indices of the line."""
    start = min(span.column - 1, len(line))
    end = min(start + span.end - span.start, len(line))
    if span.end - span.start > end - start:
        end = max(start, len(line.rstrip()))
    return start, end


@dataclass(frozen=True)
class _Shown:
    """A line as it is printed: characters `first` to `last` of it, and the column of each."""

    text: str
    first: int
    offsets: tuple[int, ...]

    @classmethod
    def of(cls, line: str, start: int, end: int, columns: int) -> _Shown:
        """The line, or as much of it around `start` to `end` as fits into `columns`."""
        # Only what could be shown is looked at: a line may be half a megabyte long.
        low, high = max(0, start - columns), min(len(line), start + 2 * columns)
        cells = [_cell(char) for char in line[low:high]]
        widths = [_width(cell) for cell in cells]
        if low == 0 and high == len(line) and sum(widths) <= columns:
            return cls("".join(cells), 0, _offsets(widths, 0))
        room = columns - 2  # two ellipses
        marked = min(sum(widths[start - low : end - low]), room)
        first = start - low
        before = 0
        while first > 0 and before + widths[first - 1] <= (room - marked) // 2:
            first -= 1
            before += widths[first]
        last, used = first, 0
        while last < len(cells) and used + widths[last] <= room:
            used += widths[last]
            last += 1
        while first > 0 and used + widths[first - 1] <= room:
            first -= 1
            used += widths[first]
        head = "…" if low + first > 0 else ""
        tail = "…" if low + last < len(line) else ""
        text = f"{head}{''.join(cells[first:last])}{tail}"
        return cls(text, low + first, _offsets(widths[first:last], len(head)))

    def column(self, index: int) -> int:
        """Where character `index` of the line stands; the nearest end if it is cut off."""
        return self.offsets[min(max(index - self.first, 0), len(self.offsets) - 1)]


def _offsets(widths: Sequence[int], start: int) -> tuple[int, ...]:
    offsets = [start]
    for width in widths:
        offsets.append(offsets[-1] + width)
    return tuple(offsets)


def _cell(char: str) -> str:
    return _TAB if char == "\t" else _escape(char)


def _width(cell: str) -> int:
    """Columns that a terminal gives to what is printed for one character."""
    if len(cell) > 1 or cell.isascii():
        return len(cell)
    if unicodedata.combining(cell):
        return 0
    return 2 if unicodedata.east_asian_width(cell) in "WF" else 1
