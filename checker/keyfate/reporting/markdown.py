"""Texts as Markdown, so that no text of a lifecycle becomes markup, an address or a mention.

What is a name or a term stands in code, what is a sentence in words. Both give text that stays on
one line and may stand in a table, a list item or a heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from keyfate.reporting.words import clean

LONGEST = 400  # characters of one text; a page is for reading
_HIDDEN = "&#8203;"  # a blank without width: behind it no mention and no number of an issue begins


def short(text: str, longest: int = LONGEST) -> str:
    """On one line, and not longer than `longest`."""
    line = clean(text[: 10 * longest])
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def code(text: str) -> str:
    """The text as code: between backticks where that can be, else between tags with all signs by number."""
    line = short(text)
    if not line:
        return ""
    return f"<code>{_numbers(line)}</code>" if set("`|") & set(line) else f"`{line}`"


def words(text: str, longest: int = LONGEST) -> str:
    """The text as a sentence: what Markdown, HTML or the host would read otherwise, by number."""
    return _begun(_inline(short(text, longest)))


def prose(text: str, longest: int = 10 * LONGEST) -> str:
    """Sentences in which what stands between backticks is code, and nothing else is markup."""
    parts = re.split(r"`([^`]*[^`\s][^`]*)`", short(text, longest))
    return _begun("".join(code(part) if number % 2 else _inline(part) for number, part in enumerate(parts)))


def _inline(line: str) -> str:
    """What would be markup, an address or a mention inside a line."""
    line = re.sub(r"[\\`*{}\[\]<>&|~$]|(?<![^\W_])_|_(?![^\W_])", lambda found: f"&#{ord(found.group())};", line)
    line = re.sub(r"://", "&#58;//", line)
    line = re.sub(r"(?i)\bwww\.", lambda found: f"{found.group()[:-1]}&#46;", line)
    return re.sub(r"@|(?<!&)#", lambda found: f"{found.group()}{_HIDDEN}", line)


def _begun(line: str) -> str:
    """What could begin a list or a heading does not."""
    begin = r"^(?:\d+[^\w\s&](?!\d)|[^\w\s&`])"
    return re.sub(begin, lambda found: f"{found.group()[:-1]}{_numbers(found.group()[-1])}", line)


def _numbers(text: str) -> str:
    """Every sign of ASCII as a character reference, which is never markup."""
    return re.sub(r"[^\w\s]", lambda found: f"&#{ord(found.group())};", text, flags=re.ASCII).replace("_", "&#95;")


def link(text: str, address: str | None) -> str:
    """Code that leads somewhere, if there is an address."""
    if address is None:
        return code(text)
    target = re.sub(r"[^\w:/.#?=&%~+-]", lambda found: f"%{ord(found.group()):02X}", address, flags=re.ASCII)
    return f"[{code(text)}](<{target}>)"


def fence(text: str, language: str = "text") -> str:
    """Lines as they are."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    bar = "`" * max(3, longest + 1)
    return f"{bar}{language}\n{text.rstrip()}\n{bar}"


def details(title: str, body: str) -> str:
    """What opens when asked for; `title` is Markdown's own text."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def within(parts: Iterable[str], room: int) -> list[str]:
    """The first parts, as many as have `room` bytes at most with two more for each; no others are made."""
    kept: list[str] = []
    for part in parts:
        room -= len(part.encode("utf-8", "replace")) + 2
        if room < 0:
            break
        kept.append(part)
    return kept
