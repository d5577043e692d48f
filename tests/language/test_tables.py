"""The tables beside the grammar are those of the grammar, and say what freshly made ones say."""

from __future__ import annotations

from pathlib import Path

import lark
import pytest
from hypothesis import given

from drawing import lifecycles
from keyfate.language import recognizing, tables
from keyfate.language.building import Builder
from keyfate.language.parsing import parse
from keyfate.language.source import Source

RENEW = "the grammar was changed: `python -m keyfate.language.tables` writes its tables anew"


def test_they_are_of_this_grammar() -> None:
    stored = tables._stored()
    assert stored is not None
    assert stored["made_of"][1] == tables._made_of(tables.grammar_text())[1], RENEW
    if stored["made_of"][0] == lark.__version__:
        assert tables.read(tables.grammar_text(), Builder()) is not None


def test_of_another_grammar_they_are_not_used() -> None:
    assert tables.read(tables.grammar_text() + "\n// another\n", Builder()) is None


def test_of_another_lark_they_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lark, "__version__", "0.0.0")
    assert tables.read(tables.grammar_text(), Builder()) is None


def both_ways(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("text.kf", text)
    kept = parse(source)
    with monkeypatch.context() as patch:
        fresh = recognizing._grammar.__wrapped__
        with patch.context() as inner:
            inner.setattr(tables, "read", lambda *_: None)
            grammar = fresh()
        patch.setattr(recognizing, "_grammar", lambda: grammar)
        assert parse(source) == kept


def test_shipped_texts_are_read_alike(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (*root.glob("models/*.kf"), *root.glob("properties/*.kf")):
        both_ways(path.read_text(encoding="utf-8"), monkeypatch)


BROKEN = (
    "action a by",
    "place p persistent at",
    "state s : on off",
    "property p never",
    "exposes d to a and",
    "secret a,",
    "action a by b then x gains y using",
    "check p(",
    "def d = all x: S {",
    "key k = kdf(",
    "message m = a for",
)


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_expected_is_said_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    both_ways(text, monkeypatch)


@given(lifecycles())
def test_drawn_texts_are_read_alike(text: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        both_ways(text, monkeypatch)
