"""Lays words out on lines of at most 120 columns, after Wadler ("A prettier printer", 2003).

A document is made of words, of places where a line may end, and of groups: a
group stands on one line if it fits there; otherwise each of its own line ends
is one, and the groups inside are asked in turn. Comments ride on words and end
lines where they stand, so a group with a comment in its middle never stands on
one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from keyfate.language.rendering import columns

WIDTH = 120
SHARED = 100  # for a line that several things share which could each have their own
DEEPEST = 80  # no line is indented further, however deep things nest


class Flat(NamedTuple):
    """What a document is on one line.

    `opens`: lines of comment stand before it; `closes`: a comment ends the line behind
    it; `blank`: it shows nothing; `within`: the column that it must not reach past.
    """

    width: int
    opens: bool = False
    closes: bool = False
    blank: bool = False
    within: int = WIDTH


@dataclass(frozen=True)
class Word:
    """Something written as it is. `before` are lines of comment, `after` a comment that ends the line."""

    text: str
    before: tuple[str, ...] = ()
    after: str = ""

    @property
    def flat(self) -> Flat | None:
        blank = not self.text.strip()
        if blank and self.before:
            return None
        return Flat(columns(self.text), bool(self.before), bool(self.after), blank)


@dataclass(frozen=True)
class Line:
    """A line end, where the group around it is broken; otherwise `instead`. A hard one breaks every group around."""

    instead: str = " "
    hard: bool = False

    @property
    def flat(self) -> Flat | None:
        return None if self.hard else Flat(len(self.instead), blank=True)


@dataclass(frozen=True)
class Join:
    """One behind the other."""

    parts: tuple[Doc, ...]
    flat: Flat | None


@dataclass(frozen=True)
class Indent:
    """New lines inside are indented by `by` more."""

    by: int
    inner: Doc
    flat: Flat | None


@dataclass(frozen=True)
class Align:
    """New lines inside are indented to where it begins."""

    inner: Doc
    flat: Flat | None


@dataclass(frozen=True, eq=False)
class Group:
    """On one line if it fits there."""

    inner: Doc
    flat: Flat | None


@dataclass(frozen=True)
class Fill:
    """As many of the parts on each line as fit."""

    parts: tuple[Doc, ...]
    flat: Flat | None


@dataclass(frozen=True)
class Behind:
    """A space behind a group that was broken, a line end behind one that stands on one line."""

    group: Group

    @property
    def flat(self) -> Flat:
        return Flat(1, blank=True)


Doc = Word | Line | Join | Indent | Align | Group | Fill | Behind

SPACE = Word(" ")
LINE = Line()
HARD = Line(hard=True)
NOTHING = Join((), Flat(0, blank=True))


def join(*parts: Doc) -> Doc:
    """The parts, one behind the other."""
    return Join(parts, _together(parts))


def indent(by: int, *parts: Doc) -> Doc:
    """The parts; new lines in them are indented by `by` more."""
    return Indent(by, join(*parts), _together(parts))


def align(inner: Doc) -> Doc:
    """`inner`; new lines in it are indented to where it begins."""
    return Align(inner, inner.flat)


def group(*parts: Doc) -> Group:
    """The parts, on one line if they fit there."""
    return Group(join(*parts), _together(parts))


def shared(*parts: Doc) -> Doc:
    """The parts; they stand on one line only if that, with what is before them, is a shorter one."""
    flat = _together(parts)
    return Join(parts, None if flat is None else flat._replace(within=SHARED))


def fill(parts: Sequence[Doc]) -> Doc:
    """The parts with spaces between them, as many on each line as fit."""
    items = tuple(group(part) for part in parts)
    return Fill(items, separated(SPACE, items).flat)


def separated(separator: Doc, parts: Iterable[Doc]) -> Doc:
    """The parts with the separator between them."""
    return join(*[piece for part in parts for piece in (separator, part)][1:])


def spaced(*parts: Doc) -> Doc:
    """The parts that are something, with spaces between them."""
    return separated(SPACE, (part for part in parts if part is not NOTHING))


def fits(doc: Doc) -> bool:
    """Whether it can be a whole line."""
    return doc.flat is not None and doc.flat.width <= doc.flat.within


def _together(parts: Iterable[Doc]) -> Flat | None:
    width, opens, closes, blank, within = 0, False, False, True, WIDTH
    for part in parts:
        flat = part.flat
        if flat is None or (not flat.blank and (closes or (flat.opens and not blank))):
            return None
        width += flat.width
        within = min(within, flat.within)
        if not flat.blank:
            opens, closes, blank = opens or flat.opens, flat.closes, False
    return Flat(width, opens, closes, blank, within)


def lines(doc: Doc) -> list[str]:
    """The document's lines, without blanks at their ends."""
    paper = _Paper()
    paper.lay(doc)
    return paper.finish()


class _Paper:
    """What is written so far, and what is still to be written: the next thing last, with indentation and mode."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._line: list[str] = [""]  # the first line is not indented
        self._column = 0  # where the next word would begin
        self._full = False  # a comment ended the line
        self._ahead: list[tuple[int, bool, Doc, int]] = []
        self._broken: dict[int, bool] = {}

    def finish(self) -> list[str]:
        self._end_line(0)
        return self._done

    def lay(self, doc: Doc) -> None:
        self._ahead.append((0, False, doc, 0))
        while self._ahead:
            indentation, flat, doc, at = self._ahead.pop()
            match doc:
                case Word():
                    self._write(doc, indentation)
                case Line():
                    if flat:
                        self._write(Word(doc.instead), indentation)
                    else:
                        self._end_line(indentation)
                case Join():
                    self._ahead.extend((indentation, flat, part, 0) for part in reversed(doc.parts))
                case Indent():
                    self._ahead.append((indentation + doc.by, flat, doc.inner, 0))
                case Align():
                    self._ahead.append((self._here(indentation), flat, doc.inner, 0))
                case Group():
                    broken = not (flat or self._fits(doc, indentation))
                    self._broken[id(doc)] = broken
                    self._ahead.append((indentation, not broken, doc.inner, 0))
                case Fill():
                    self._fill(doc, at, indentation, flat)
                case Behind():
                    if flat or self._broken[id(doc.group)]:
                        self._write(SPACE, indentation)
                    else:
                        self._end_line(indentation)

    def _fill(self, doc: Fill, at: int, indentation: int, flat: bool) -> None:
        if at == len(doc.parts):
            return
        part = doc.parts[at]
        if at:
            last = at == len(doc.parts) - 1
            if flat or self._fits(part, indentation, before=1, followed=last):
                self._write(SPACE, indentation)
            else:
                self._end_line(indentation)
        self._ahead.append((indentation, flat, doc, at + 1))
        self._ahead.append((indentation, flat, part, 0))

    def _here(self, indentation: int) -> int:
        fresh = self._full or not self._line
        return indentation if fresh else self._column

    def _fits(self, doc: Doc, indentation: int, *, before: int = 0, followed: bool = True) -> bool:
        """Whether `doc`, and what cannot be parted from its end, fits on the line."""
        flat = doc.flat
        if flat is None:
            return False
        begins = min(indentation, DEEPEST) if flat.opens or self._full or not self._line else self._column
        room = flat.within - begins - before - flat.width
        for word in self._rest() if followed else ():
            if room < 0 or word.before:
                break
            room -= columns(word.text)
        return room >= 0

    def _rest(self) -> Iterator[Word]:
        """The words ahead up to where a line may end."""
        for _, _, doc, at in reversed(self._ahead):
            stack: list[Iterator[Doc]] = [iter((doc,))]
            while stack:
                part = next(stack[-1], None)
                match part:
                    case None:
                        stack.pop()
                    case Word():
                        yield part
                    case Line():
                        return
                    case Join():
                        stack.append(iter(part.parts))
                    case Fill():
                        if part is doc and at:  # it is being written
                            if at < len(part.parts):
                                return
                        else:
                            stack.append(iter(part.parts[:1]))
                    case Behind():
                        if not self._broken.get(id(part.group), False):
                            return
                        yield SPACE
                    case Indent() | Align() | Group():
                        stack.append(iter((part.inner,)))

    def _write(self, word: Word, indentation: int) -> None:
        for remark in word.before:
            if self._full or self._line:
                self._end_line(indentation)
            self._put(remark, indentation)
            self._full = True
        blank = not word.text.strip()
        if not blank or (self._line and not self._full):
            if self._full:
                self._end_line(indentation)
            self._put(word.text, indentation)
        if word.after:
            self._put(f"  {word.after}", indentation)
            self._full = True

    def _put(self, text: str, indentation: int) -> None:
        if not self._line:
            self._column = min(indentation, DEEPEST)
            self._line.append(" " * self._column)
        self._line.append(text)
        self._column += columns(text)

    def _end_line(self, indentation: int) -> None:
        if self._line:
            self._done.append("".join(self._line).rstrip(" "))
        self._line = []
        self._column = min(indentation, DEEPEST)
        self._full = False
