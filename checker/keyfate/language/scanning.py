"""A text cut into pieces, and the pieces into one chunk for each declaration.

Comments run from `--` to the end of the line. A text in quotes ends on its own
line. The words that begin declarations are reserved, so a chunk can be found
before anything is parsed; behind a `:` (as in `item[T]: secret`) such a word is
the name of a kind and begins nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from keyfate.language.source import Diagnostic, Source, Span

DECLARATIONS = (
    "lifecycle",
    "include",
    "sort",
    "control",
    "capability",
    "component",
    "secret",
    "public",
    "key",
    "def",
    "message",
    "place",
    "state",
    "exposes",
    "action",
    "constraint",
    "check",
    "property",
)

# Words that mean something wherever an expression or an effect stands.
# fmt: off
EXPRESSION_KEYWORDS = frozenset({
    "not", "once", "historically", "previously", "and", "or", "implies", "iff", "since", "if", "then", "else", "all",
    "some", "did", "for", "clear", "leaks", "in", "has", "yields", "recoverable", "when",
})
# fmt: on

NESTING_LIMIT = 200

_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = {")": "(", "]": "[", "}": "{"}

# What a terminal or an editor would not show as it is: control characters, a
# carriage return that ends no line, line ends of other alphabets, characters
# that turn the writing direction (Boucher and Anderson, "Trojan Source", USENIX
# Security 2023), half characters, byte order marks.
_INVISIBLE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e"
    "\u2060\u2066-\u2069\ufeff\ud800-\udfff"
)
_HIDDEN = re.compile(f"(?:[{_INVISIBLE}]|\\r(?!\\n))+")

_LEXEME = re.compile(
    rf"""
      (?P<space>   (?: [\ \t\r\n{_INVISIBLE}] | --[^\n]* )+ )
    | (?P<word>    [A-Za-z_][A-Za-z0-9_]* (?: \.[A-Za-z_][A-Za-z0-9_]* )* )
    | (?P<number>  [0-9][A-Za-z0-9_]* )
    | (?P<text>    " (?: [^"\\\n] | \\[^\n]? )* "? )
    | (?P<mark>    :=(?!=) | !=(?!=) | <=(?![=>]) | >=(?!=) | \.\.(?!\.) | \|(?!\|) | =(?![=>]) | <(?![>=-]) | >(?!=)
                 | [()\[\]{{}},;:+] )
    | (?P<stray>   '[^'\n]*' | [-!=<>&|*/%^~.?@\#$'`\\:]+ | [^\ \t\r\nA-Za-z0-9_"()\[\]{{}},;:|+=<>!{_INVISIBLE}]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n"}

_INSTEAD = {
    "==": "equality is written `=`",
    "===": "equality is written `=`",
    "<>": "`differs from` is written `!=`",
    "!": "negation is written `not`",
    "~": "negation is written `not`",
    "&&": "conjunction is written `and`",
    "&": "conjunction is written `and`",
    "||": "disjunction is written `or`",
    "->": "implication is written `implies`",
    "=>": "implication is written `implies`",
    "<->": "equivalence is written `iff`",
    "<=>": "equivalence is written `iff`",
    "<-": "an assignment is written `:=`",
    "=<": "at most is written `<=`",
    "...": "a range is written `0 .. 3`",
    ".": "names have no spaces around their dot: `tpm.seed`",
    "-": "a comment begins with `--`; there is no subtraction and no negative number",
    "/": "a comment begins with `--`",
    "//": "a comment begins with `--`",
    "/*": "a comment begins with `--` and ends with the line",
    "*/": "a comment begins with `--` and ends with the line",
    "#": "a comment begins with `--`",
    "##": "a comment begins with `--`",
    "≠": "`differs from` is written `!=`",
    "≤": "at most is written `<=`",
    "≥": "at least is written `>=`",
    "∧": "conjunction is written `and`",
    "∨": "disjunction is written `or`",
    "¬": "negation is written `not`",
    "→": "implication is written `implies`",
    "∀": "`for all` is written `all x: S { … }`",
    "∃": "`there is` is written `some x: S { … }`",
    "∈": "membership is written `x in {a, b}`",
}

Kind = Literal["word", "number", "text", "mark"]


class Piece(NamedTuple):
    """A word, number, text in quotes or mark. `text` is as written."""

    kind: Kind
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Chunk:
    """The pieces of one declaration, its keyword first; or those before the first keyword.

    `broken` are the errors in the pieces themselves: such a chunk is not parsed.
    """

    pieces: tuple[Piece, ...]
    broken: tuple[Diagnostic, ...]

    @property
    def keyword(self) -> str | None:
        if not self.pieces:
            return None
        first = self.pieces[0].text
        return first if first in DECLARATIONS else None


@dataclass(frozen=True)
class Scan:
    """`hidden` are errors that belong to no chunk."""

    chunks: tuple[Chunk, ...]
    hidden: tuple[Diagnostic, ...]


def scan(source: Source) -> Scan:
    """Pieces of the whole text, in chunks. Never raises."""
    text = source.text
    chunks: list[Chunk] = []
    pieces: list[Piece] = []
    broken: list[Diagnostic] = []

    def close() -> None:
        if pieces or broken:
            chunks.append(Chunk(tuple(pieces), (*broken, *_too_deep(source, pieces))))
            pieces.clear()
            broken.clear()

    for match in _LEXEME.finditer(text):
        kind, start, end = match.lastgroup, match.start(), match.end()
        written = match.group()
        if kind == "space":
            continue
        if kind == "word":
            if written in DECLARATIONS and not (pieces and pieces[-1].text == ":"):
                close()
            pieces.append(Piece("word", written, start, end))
        elif kind == "number":
            broken.extend(_number_errors(source, written, start, end))
            pieces.append(Piece("number", written, start, end))
        elif kind == "text":
            broken.extend(_text_errors(source, written, start, end))
            pieces.append(Piece("text", written, start, end))
        elif kind == "mark":
            pieces.append(Piece("mark", written, start, end))
        else:
            broken.append(_stray(source, written, start, end))
    close()
    return Scan(tuple(chunks), tuple(_hidden_errors(source)))


def unescape(written: str) -> str:
    """What a text in quotes says."""
    return _ESCAPE.sub(lambda m: _ESCAPES[m.group(1)], written[1:-1])


def _too_deep(source: Source, pieces: Sequence[Piece]) -> list[Diagnostic]:
    depth = 0
    for piece in pieces:
        if piece.kind != "mark":
            continue
        if piece.text in _OPENING:
            depth += 1
            if depth > NESTING_LIMIT:
                return [nesting(source, piece.start, piece.end)]
        elif piece.text in _CLOSING:
            depth -= 1
    return []


def nesting(source: Source, start: int, end: int) -> Diagnostic:
    """The error for what is nested deeper than the language allows."""
    return Diagnostic(
        "KF106",
        f"this is nested more than {NESTING_LIMIT} deep",
        Span(source, start, end),
        help="give a part of it a name with `def`, and use the name here",
    )


def unclosed(pieces: Sequence[Piece]) -> Piece | None:
    """The innermost bracket that is open behind these pieces."""
    stack: list[Piece] = []
    for piece in pieces:
        if piece.kind == "mark" and piece.text in _OPENING:
            stack.append(piece)
        elif piece.kind == "mark" and piece.text in _CLOSING and stack:
            stack.pop()
    return stack[-1] if stack else None


def _number_errors(source: Source, written: str, start: int, end: int) -> list[Diagnostic]:
    span = Span(source, start, end)
    if not written.isdigit():
        return [
            Diagnostic(
                "KF104",
                f"`{shorten(written)}` is neither a number nor a name",
                span,
                help="a name begins with a letter; a number has only digits",
            )
        ]
    if len(written) > 9:
        return [Diagnostic("KF104", "this number is too large", span, help="numbers have at most nine digits")]
    return []


def _text_errors(source: Source, written: str, start: int, end: int) -> list[Diagnostic]:
    if len(written) < 2 or not written.endswith('"') or not _closed(written):
        return [
            Diagnostic(
                "KF102",
                "this text has no closing quote",
                Span(source, start, start + len(written.rstrip())),
                help='a text ends on the line where it begins; `\\n` is a new line in it, `\\"` a quote',
            )
        ]
    return [
        Diagnostic(
            "KF103",
            f"`{match.group()}` means nothing in a text",
            Span(source, start + match.start(), start + match.end()),
            help='write `\\"` for a quote, `\\\\` for a backslash, `\\n` for a new line',
        )
        for match in _ESCAPE.finditer(written)
        if match.group(1) not in _ESCAPES
    ]


def _closed(written: str) -> bool:
    backslashes = len(written) - 1 - len(written[:-1].rstrip("\\"))
    return backslashes % 2 == 0


def _stray(source: Source, written: str, start: int, end: int) -> Diagnostic:
    help_ = _INSTEAD.get(written)
    if help_ is None and written[0] in "“”‘’'`":
        help_ = 'a text stands in double quotes: `"…"`'
    if help_ is None:
        help_ = "names are made of the letters a to z, digits and `_`; anything else stands in a text or a comment"
    return Diagnostic("KF104", f"`{shorten(written)}` means nothing here", Span(source, start, end), help=help_)


def _hidden_errors(source: Source) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for match in _HIDDEN.finditer(source.text, 1 if source.text.startswith("\ufeff") else 0):
        code = ord(match.group()[0])
        found.append(
            Diagnostic(
                "KF105",
                f"the character U+{code:04X} must not stand in a file, not even in a text or a comment",
                Span(source, match.start(), match.end()),
                help="it is invisible and can make a text look like another; take it out"
                if code != 13
                else "it is a carriage return without a line feed; end lines with a line feed",
            )
        )
    return found


def shorten(words: str, limit: int = 40) -> str:
    """The user's words, cut where they are too long for a message."""
    return words if len(words) <= limit else words[: limit - 1] + "…"
