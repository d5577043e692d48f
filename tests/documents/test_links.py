"""Links of every document lead somewhere, as the usual hosts show them. Other sites are not asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from documents.run import documents

ALL = (*documents(), "docs/language.md", "CHANGELOG.md")

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINKS = (
    re.compile(r"\]\(<?([^)\s>]+)>?(?: \"[^\"]*\")?\)"),  # [words](target), ![words](target "title")
    re.compile(r"^\[[^\]]+\]: *(\S+)", re.MULTILINE),  # [words]: target
    re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=\"([^\"]+)\"", re.DOTALL),
)


def links(text: str) -> list[str]:
    """What the text links to, outside of its fenced blocks."""
    prose = _FENCED.sub("", text)
    return [target for pattern in _LINKS for target in pattern.findall(prose)]


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown file's headings; a heading that stands twice has numbers behind it."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *#* *$", _FENCED.sub("", text), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = 0
        while (numbered := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(numbered)
    return found


def dead(document: Path) -> list[str]:
    """The links of the document that lead nowhere."""
    found = []
    for link in links(document.read_text(encoding="utf-8")):
        if re.match(r"https?://|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        path = document.parent / target if target else document
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            found.append(link)
    return found


@pytest.mark.parametrize("name", ALL)
def test_links_lead_somewhere(root: Path, name: str) -> None:
    assert dead(root / name) == []


def test_dead_links_are_seen(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A b, c\n# A b, c\n```\n# d\n```\n")
    document = tmp_path / "b.md"
    document.write_text("[1](a.md) [2](a.md#a-b-c-1) ![3](a.md) [4](https://example.com) [5](#here)\n## Here\n")
    assert dead(document) == []
    document.write_text('[1](c.md) [2](a.md#d) ![3](c.png "c") <img alt="x" src="c.svg">\n\n[5]: c/\n')
    assert dead(document) == ["c.md", "a.md#d", "c.png", "c/", "c.svg"]


def test_nobody_is_left_out(root: Path) -> None:
    """A reader who begins with the README finds every document by following links."""
    ahead, seen = [root / "README.md"], set()
    while ahead:
        document = ahead.pop().resolve()
        if document in seen or document.suffix != ".md":
            continue
        seen.add(document)
        targets = (link.partition("#")[0] for link in links(document.read_text(encoding="utf-8")) if "://" not in link)
        for path in (document.parent / target for target in targets if target):
            ahead.extend(path.rglob("README.md") if path.is_dir() else [path])
    assert sorted({(root / name).resolve() for name in ALL} - seen) == []
