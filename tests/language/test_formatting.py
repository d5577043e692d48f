"""Canonical layout: nothing lost or moved, the same for the same pieces, and left as it is once it is there."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.language.formatting import formatted
from keyfate.language.library import folder
from keyfate.language.loading import load_text
from keyfate.language.parsing import parse
from keyfate.language.scanning import scan
from keyfate.language.source import Source, Span
from scattering import scattered

SHIPPED = sorted([*folder("models").glob("*.kf"), *folder("properties").glob("*.kf")])
DOCUMENT = Path(__file__).parents[2] / "docs" / "language.md"
BLOCKS = re.findall(r"^```kf\n(.+?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
READABLE = [block for block in BLOCKS if not parse(Source("x.kf", block))[1]]


SEEDS = st.integers(0, 1_000_000)


def neat(text: str) -> str:
    return formatted(Source("x.kf", text))


def pieces(text: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for chunk in scan(Source("x.kf", text)).chunks for piece in chunk.pieces]


def comments(text: str) -> list[str]:
    """Found without the formatter: texts in quotes end on their line, so what follows them is seen."""
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', lambda m: "_" * len(m[0]), text)
    return [text[m.start() : m.end()].rstrip(" \t\r") for m in re.finditer(r"--[^\n]*", bare)]


def spanless(node: Any) -> Any:
    """What a typed lifecycle says, without where it says it."""
    if isinstance(node, Span):
        return None
    if dataclasses.is_dataclass(node):
        return [type(node).__name__, *(spanless(getattr(node, f.name)) for f in dataclasses.fields(node))]
    if isinstance(node, dict):
        return [(spanless(key), spanless(value)) for key, value in node.items()]
    return [spanless(one) for one in node] if isinstance(node, tuple | list | frozenset) else node


def assert_neat(text: str) -> str:
    """Formats `text`; nothing is lost, and formatting again changes nothing."""
    out = neat(text)
    assert pieces(out) == pieces(text)
    assert comments(out) == comments(text)
    assert neat(out) == out
    assert not re.search(r"[ \t\r]\n|\n\n\n|\A\n|\n\n\Z|\t(?!\")", out)
    return out


# What is shipped


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_the_shipped_files_are_canonical(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert assert_neat(text) == text, "run `keyfate format models properties`"
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("text", READABLE)
def test_the_blocks_of_the_manual(text: str) -> None:
    assert_neat(text)


def test_the_example_of_the_manual() -> None:
    before, after = (block for block in BLOCKS if "-- Layout" in block)
    assert before != after
    assert neat(before) == after


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_the_shipped_files_scattered(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert neat(scattered(text, 1)) == assert_neat(scattered(text, 2))
    for seed, many in enumerate((1, 3, 10, 100, 1000)):
        assert_neat(scattered(text, seed, comments=many))


# What is drawn


@given(lifecycles(), SEEDS, st.integers(0, 30))
@settings(max_examples=500)
def test_drawn_lifecycles_keep_their_meaning(text: str, seed: int, many: int) -> None:
    out = assert_neat(scattered(text, seed, comments=many))
    assert spanless(load_text(out).lifecycle) == spanless(load_text(text).lifecycle)


@given(lifecycles(), SEEDS, SEEDS)
def test_white_space_plays_no_part(text: str, one: int, other: int) -> None:
    assert neat(scattered(text, one)) == assert_neat(scattered(text, other))
