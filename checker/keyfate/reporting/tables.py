"""Tables that a narrow terminal can show: columns while they fit, else one thing below the other. No name is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_PROSE = 24  # columns that a sentence needs at least to be read with ease
_GAP = 3


@dataclass(frozen=True)
class Hanging:
    """A text whose second line, where it needs one, stands further in than its first."""

    text: Text
    first: int
    others: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(options.max_width - self.others, 1)
        for i, line in enumerate(self.text.wrap(console, room)):
            yield Padding(line, (0, 0, 0, self.others if i else self.first))


@dataclass(frozen=True)
class Listing:
    """What some words introduce, item after item: lines end between two of them, where they fit at all."""

    words: str
    items: Sequence[str]
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        *others, last = self.items
        line = self.words
        for item in (*(f"{other}," for other in others), last):
            if cell_len(line) + 1 + cell_len(item) > options.max_width - 2:
                yield Hanging(Text(line, style=self.style), 0, 2)
                line = f" {item}"
            else:
                line = f"{line} {item}"
        yield Hanging(Text(line, style=self.style), 0, 2)


@dataclass(frozen=True)
class Items:
    """Several things, one behind the other, with what stands between them: lines end between two of them, where they
    fit at all."""

    items: Sequence[str]

    def __str__(self) -> str:
        return " ".join(self.items)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Hanging(Text(self.broken(options.max_width - 2)), 0, 2)

    def broken(self, room: int) -> str:
        """In lines of `room` columns; an item that is wider has a line of its own."""
        lines: list[str] = []
        for item in self.items:
            if lines and cell_len(lines[-1]) + 1 + cell_len(item) <= room:
                lines[-1] += f" {item}"
            else:
                lines.append(item)
        return "\n".join(lines)


Cell = str | Items


@dataclass(frozen=True)
class Rows:
    """Cells below their titles; a cell with a blank in it is a sentence and may be wrapped, any other is a name, and of
    items none is wrapped."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    indent: int = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = [(title, *cells) for title, *cells in zip(self.head, *self.rows, strict=True)]
        room = options.max_width - self.indent - _GAP * (len(columns) - 1)
        widths = _widths(columns, room)
        if widths is not None:
            yield Padding(self._table(widths), (0, 0, 0, self.indent))
        else:
            yield from self._stacked([not _wraps(cells) for _, *cells in columns], options.max_width)

    def _table(self, widths: Sequence[int]) -> Table:
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for title, width in zip(self.head, widths, strict=True):
            table.add_column(title, overflow="fold", width=width)
        for row in self.rows:
            table.add_row(*(_text(cell, width) for cell, width in zip(row, widths, strict=True)))
        return table

    def _stacked(self, named: Sequence[bool], width: int) -> Iterator[Hanging]:
        """`named`: which columns hold names, that may share a line."""
        titles = " · ".join(title for title in self.head if title)
        yield Hanging(Text(titles, style="bold"), self.indent, self.indent + 2)
        for row in self.rows:
            yield Hanging(_text(row[0], width - self.indent - 2), self.indent, self.indent + 2)
            others = list(zip(row, named, strict=True))[1:]
            names = " · ".join(str(cell) for cell, name in others if str(cell) and name)
            for line in (names, *(cell for cell, name in others if not name)):
                if str(line):
                    yield Hanging(_text(line, width - self.indent - 4), self.indent + 4, self.indent + 4)


@dataclass(frozen=True)
class Pairs:
    """A name and what is said of it, side by side; where that leaves too little room, below it. An empty
    name goes on with what was said before."""

    lines: Sequence[tuple[Text, Text]]
    indent: int = 2

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widest = max((cell_len(name.plain) for name, _ in self.lines), default=0)
        if self.indent + widest + 2 + _PROSE <= options.max_width and not self._cut(options.max_width - widest - 4):
            grid = Table.grid(padding=(0, 2, 0, 0))
            grid.add_column(no_wrap=True)
            grid.add_column(overflow="fold")
            for name, said in self.lines:
                grid.add_row(name, said)
            yield Padding(grid, (0, 0, 0, self.indent))
            return
        for name, said in self.lines:
            if name.plain.strip():
                yield Hanging(name, self.indent, self.indent + 2)
            yield Hanging(said, self.indent + 2, self.indent + 2)

    def _cut(self, room: int) -> bool:
        """Whether a word would be."""
        return any(cell_len(word) > room for _, said in self.lines for word in said.plain.split())


def _text(cell: Cell, room: int) -> Text:
    return Text(cell.broken(room) if isinstance(cell, Items) else cell)


def _wraps(cells: Sequence[Cell]) -> bool:
    return any(len(cell.items) > 1 if isinstance(cell, Items) else " " in cell for cell in cells)


def _widths(columns: Sequence[Sequence[Cell]], room: int) -> list[int] | None:
    """How wide each column is, sentences sharing what names leave; None where there is not enough."""
    least = [_least(column) for column in columns]
    wanted = [max(map(_length, column)) - width for column, width in zip(columns, least, strict=True)]
    spare, total = room - sum(least), sum(wanted)
    if spare < 0:
        return None
    if total <= spare:
        return [width + more for width, more in zip(least, wanted, strict=True)]
    return [width + more * spare // total for width, more in zip(least, wanted, strict=True)]


def _least(column: Sequence[Cell]) -> int:
    """How narrow a column, with its title, may be."""
    _, *cells = column
    widest = max(map(_length, column))
    if not _wraps(cells):
        return widest
    parts = [cell_len(part) for cell in column for part in (cell.items if isinstance(cell, Items) else cell.split())]
    sentences = [] if any(isinstance(cell, Items) for cell in cells) else [_PROSE]
    return min(widest, max(*sentences, *parts))


def _length(cell: Cell) -> int:
    return cell_len(str(cell))
