"""TOML with the place of every key and value, which `tomllib` does not keep."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from keyfate.language.source import Diagnostic, LifecycleError, Source, Span

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n]*[^,\]}#\s]")
_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)$")
_ENDLESS = re.compile(r"[0-9](?:_?[0-9]){4300,}")
_DOTTED = re.compile(
    r"""^[ \t]*(\[*[ \t]*(?:[\w-]+|"[^"\n]*"|'[^'\n]*')(?:[ \t]*\.[ \t]*[\w"'-]+){50})""", re.MULTILINE
)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\", "e": "\x1b"}


@dataclass(frozen=True)
class Entry:
    """Where a key stands and where its value does."""

    key: Span
    value: Span


@dataclass(frozen=True)
class Document:
    """A parsed TOML text; `entries` has every key and every array element by its path."""

    source: Source
    data: Mapping[str, object]
    entries: Mapping[Path, Entry]

    def key(self, path: Path) -> Span:
        """The key at `path`, or at the nearest table around it, or the start of the text."""
        entry = self._nearest(path)
        return entry.key if entry else Span(self.source, 0, 0)

    def value(self, path: Path) -> Span:
        """The value at `path`, or at the nearest table around it, or the start of the text."""
        entry = self._nearest(path)
        return entry.value if entry else Span(self.source, 0, 0)

    def _nearest(self, path: Path) -> Entry | None:
        for end in range(len(path), 0, -1):
            entry = self.entries.get(path[:end])
            if entry:
                return entry
        return None


def parse(source: Source) -> Document:
    """The document, or LifecycleError (KF501) at the place where the text stops being TOML."""
    scan = _Scan(source)
    dotted = _DOTTED.search(source.text)
    if dotted is not None:  # each dot costs `tomllib` a walk from the top
        place = Span(source, *dotted.span(1))
        raise LifecycleError(
            [Diagnostic("KF501", "this name has more than 50 dots", place, help="write a shorter name")]
        )
    try:
        data = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise LifecycleError([_syntax_error(source, str(error), scan)]) from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        number = _ENDLESS.search(source.text)
        place = Span(source, *number.span()) if number is not None else Span(source, 0, 0)
        raise LifecycleError(
            [Diagnostic("KF501", "this number is too large", place, help="write a smaller one")]
        ) from None
    except RecursionError:
        raise LifecycleError(
            [
                Diagnostic(
                    "KF501",
                    "arrays or inline tables are nested too deeply",
                    Span(source, 0, 0),
                    help="a policy needs two levels at most",
                )
            ]
        ) from None
    scan.run()
    return Document(source, data, scan.entries)


def _syntax_error(source: Source, message: str, scan: _Scan) -> Diagnostic:
    found = _POSITION.search(message)
    words = _POSITION.sub("", message).replace("(at end of document)", "").strip()
    words = words[:1].lower() + words[1:]
    scan.run()
    if scan.duplicate is not None and ("overwrite" in words or "twice" in words or "mutate" in words):
        return Diagnostic(
            "KF501",
            f"`{scan.duplicate.text}` is set twice",
            scan.duplicate,
            help="keep one of them",
        )
    end = len(source.text.rstrip())
    if found is None:
        span = Span(source, max(0, end - 1), end)
    else:
        line, column = int(found[1]), int(found[2])
        start = _offset(source.text, line, column)
        stop = source.text.find("\n", start)
        rest = source.text[start : len(source.text) if stop < 0 else stop]
        word = re.match(r"\w+|.", rest)
        span = Span(source, start, start + (word.end() if word else 0))
    return Diagnostic("KF501", f"this is not TOML: {words}", span, help='a setting is written `name = "value"`')


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + column - 1, len(text))


class _HaltError(Exception):
    """The text is not TOML from here on; `tomllib` says how."""


class _Scan:
    """Walks a text as TOML 1.0 lays it out and notes where keys and values stand."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.entries: dict[Path, Entry] = {}
        self.duplicate: Span | None = None

    def run(self) -> None:
        """Fill `entries`; stops early, without an error, where the text is not TOML."""
        try:
            self._document()
        except (_HaltError, RecursionError):
            return

    def _document(self) -> None:
        table: Path = ()
        arrays: dict[Path, int] = {}
        self._blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header(arrays)
            else:
                self._pair(table)
            self._blank()

    def _header(self, arrays: dict[Path, int]) -> Path:
        start = self.at
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        names, _ = self._key()
        self._expect("]]" if double else "]")
        path: Path = ()
        for name in names[:-1]:
            path = (*path, name)
            if path in arrays:
                path = (*path, arrays[path])
        path = (*path, names[-1])
        span = Span(self.source, start, self.at)
        if double:
            arrays[path] = arrays.get(path, -1) + 1
            self._note(path, span, span, again=True)
            path = (*path, arrays[path])
        self._note(path, span, span)
        return path

    def _pair(self, table: Path) -> None:
        names, key = self._key()
        self._expect("=")
        value_start = self._skip_spaces()
        path: Path = (*table, *names)
        for end in range(len(table) + 1, len(path)):
            self._note(path[:end], key, key, again=True)
        self.entries.setdefault(path, Entry(key, key))
        self._value(path)
        value = Span(self.source, value_start, self.at)
        if self.entries[path].key == key:
            self.entries[path] = Entry(key, value)
        else:
            self.duplicate = self.duplicate or key

    def _value(self, path: Path) -> None:
        self._skip_spaces()
        char = self.text[self.at : self.at + 1]
        if char and char in "\"'":
            self._string()
        elif char == "[":
            self.at += 1
            index = 0
            self._blank()
            while not self.text.startswith("]", self.at):
                start = self.at
                self._value((*path, index))
                span = Span(self.source, start, self.at)
                self._note((*path, index), span, span)
                index += 1
                self._separator("]")
            self.at += 1
        elif char == "{":
            self.at += 1
            self._blank()
            while not self.text.startswith("}", self.at):
                self._pair(path)
                self._separator("}")
            self.at += 1
        else:
            found = _SCALAR.match(self.text, self.at)
            if not found:
                raise _HaltError
            self.at = found.end()

    def _separator(self, closing: str) -> None:
        self._blank()
        if self.text.startswith(",", self.at):
            self.at += 1
            self._blank()
        elif not self.text.startswith(closing, self.at):
            raise _HaltError

    def _key(self) -> tuple[tuple[str, ...], Span]:
        self._skip_spaces()
        start = self.at
        names = [self._word()]
        end = self.at
        self._skip_spaces()
        while self.text.startswith(".", self.at):
            self.at += 1
            self._skip_spaces()
            names.append(self._word())
            end = self.at
            self._skip_spaces()
        return tuple(names), Span(self.source, start, end)

    def _word(self) -> str:
        if self.text[self.at : self.at + 1] in ('"', "'"):
            return self._string()
        found = _BARE.match(self.text, self.at)
        if not found:
            raise _HaltError
        self.at = found.end()
        return found[0]

    def _string(self) -> str:
        quote = self.text[self.at]
        for mark in (quote * 3, quote):
            if self.text.startswith(mark, self.at):
                break
        start = self.at + len(mark)
        at = start
        while not self.text.startswith(mark, at):
            if at >= len(self.text):
                raise _HaltError
            at += 2 if quote == '"' and self.text[at] == "\\" else 1
        while len(mark) == 3 and self.text.startswith(quote, at + 3):
            at += 1  # up to two quotes may stand before the closing three
        self.at = at + len(mark)
        body = self.text[start:at]
        return body if quote == "'" else re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), body)

    def _note(self, path: Path, key: Span, value: Span, again: bool = False) -> None:
        if path in self.entries:
            if not again and self.entries[path].value.text.startswith("["):
                self.duplicate = self.duplicate or key
            return
        self.entries[path] = Entry(key, value)

    def _expect(self, mark: str) -> None:
        self._skip_spaces()
        if not self.text.startswith(mark, self.at):
            raise _HaltError
        self.at += len(mark)

    def _skip_spaces(self) -> int:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1
        return self.at

    def _blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at
