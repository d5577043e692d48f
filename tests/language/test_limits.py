"""The limits of the language, and texts made to break a parser: an error each, no exception, no hang."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from keyfate.language import syntax
from keyfate.language.parsing import ERROR_LIMIT, FILE_LIMIT, parse, too_large
from keyfate.language.rendering import render
from keyfate.language.scanning import NESTING_LIMIT
from keyfate.language.source import Source

MANY = 2_000


def codes(text: str) -> list[str]:
    _, errors = parse(Source("m.kf", text))
    render(errors)
    return [error.code for error in errors]


def depth(node: Any) -> int:
    """How deep expressions and effects are nested. Only for what is known to be shallow."""
    if isinstance(node, tuple):
        return max(map(depth, node), default=0)
    if not hasattr(node, "span"):
        return 0
    own = isinstance(node, syntax.Expr | syntax.Effect)
    return own + max(depth(value) for name, value in vars(node).items() if name != "span")


def nested(levels: int) -> dict[str, str]:
    """Expressions and effects nested that deep, each in another way."""
    inner = levels - 1
    return {
        "parentheses": f"def d = {'(' * levels}x{')' * levels}",
        "calls": f"def d = {'f(' * inner}x{')' * inner}",
        "indices": f"def d = {'f[' * inner}x{']' * inner}",
        "not": f"def d = {'not ' * inner}x",
        "conditionals": f"def d = {'if a then b else ' * inner}x",
        "conditions": f"def d = {'if ' * inner}x{' then a else b' * inner}",
        "quantifiers": f"def d = {'all x: S { ' * inner}x{' }' * inner}",
        "implies": f"def d = {'x implies ' * inner}x",
        "iff": f"def d = x{' iff x' * inner}",
        "since": f"def d = x{' since x' * inner}",
        "plus": f"def d = x{' + 1' * inner}",
        "blocks": f"action a by c then {'if a { ' * (levels - 2)}clear d{' }' * (levels - 2)}",
        "else if": f"action a by c then {'if a { } else ' * (levels - 3)}if a {{ clear d }}",
    }


@pytest.mark.parametrize("way", nested(1))
def test_nesting_of_200_is_allowed_and_of_201_is_not(way):
    assert codes(nested(NESTING_LIMIT)[way]) == []
    (code,) = codes(nested(NESTING_LIMIT + 1)[way])
    assert code == "KF106"


@pytest.mark.parametrize(("way", "levels"), [("parentheses", 10_000), ("not", 10_000), *((w, MANY) for w in nested(1))])
def test_deep_nesting_is_one_error(way, levels):
    text = nested(levels)[way]
    file, (error,) = parse(Source("m.kf", f"sort A = a\n{text}\nsort Z = z"))
    assert error.code == "KF106"
    assert error.span.line == 2
    assert "200" in error.message
    assert "`def`" in error.help
    assert [d.name.text for d in file.declarations] == ["A", "Z"]


@pytest.mark.parametrize("way", nested(1))
def test_nesting_cut_off_is_an_error_too(way):
    text = nested(MANY)[way]
    assert set(codes(text[: len(text) // 2])) <= {"KF106", "KF101"}


@pytest.mark.parametrize("operator", ["and", "or"])
def test_long_chain_is_legal_and_shallow(operator):
    file, errors = parse(Source("m.kf", f"def d = x{f' {operator} x' * 10_000}"))
    assert errors == ()
    assert depth(file.declarations) < 20
    assert depth(parse(Source("m.kf", f"def d = x{f' {operator} x' * 3}"))[0].declarations) == 3


@pytest.mark.parametrize(
    "text",
    [
        f"action a by c then {'s := x; ' * MANY}",
        f"action a by c then {'if a { } ' * MANY}",
        f"secret x{', x' * MANY}",
        f"sort S = a{' | a' * MANY}",
        f"def d = f(x{', x' * MANY})",
        "lifecycle l " + 'source "" ' * MANY,
        "sort S = a\n" * MANY,
        'sort S = a "' + "long " * MANY + '"',
        f"sort {'S' * MANY} = a",
        "\n" * MANY + "-- comment\n" * MANY,
    ],
    ids=lambda text: text[:30],
)
def test_long_is_not_deep(text):
    assert codes(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"def d = {'not ' * MANY}", "KF101"),
        (f"def d = {'x ' * MANY}", "KF101"),
        (f"def d = {'[(' * MANY}", "KF106"),
        (f"def d = {')' * MANY}", "KF101"),
        ("x " * MANY, "KF108"),
        ('"' * MANY, "KF108"),
        ('\\"' * MANY, "KF104"),
        ('def d = "' + "\\" * MANY, "KF102"),
        (f"def d = {'9' * MANY}", "KF104"),
        (f"def d = {'a.' * MANY}", "KF104"),
        ("\0" * MANY, "KF105"),
        ("\ud800" * MANY, "KF105"),
        ("\r" * MANY, "KF105"),
        ("=" * MANY, "KF104"),
        ("'" * MANY + "\n", "KF104"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_hostile_text_is_refused(text, code):
    assert codes(text)[0] == code


@pytest.mark.parametrize("text", ["def ", "def d = [\n", "é ", "\0 ", 'sort S = "a\n', "state key ", "check x x "])
def test_errors_are_bounded(text):
    found = codes(text * MANY)
    assert len(found) == ERROR_LIMIT + 1
    assert found.pop() == "KF199"
    assert "KF199" not in found


def test_file_of_half_a_megabyte_is_read_and_a_byte_more_is_not():
    text = "sort S = a -- " + "é" * ((FILE_LIMIT - 14) // 2)
    assert len(text.encode()) == FILE_LIMIT
    assert codes(text) == []
    file, (error,) = parse(Source("m.kf", text + "x"))
    assert (error.code, file.declarations, error.span.line) == ("KF100", (), 1)
    assert "524,289 bytes" in error.message


def test_size_is_refused_before_reading():
    assert too_large("big.kf", FILE_LIMIT) is None
    error = too_large("big.kf", 5_000_000)
    assert (error.code, error.span.path) == ("KF100", "big.kf")
    assert render([error]).startswith("big.kf:1:1: error[KF100]: this file has 5,000,000 bytes")


def test_parser_needs_no_deep_stack():
    """The deepest legal text is read with little room, the illegal one is refused with it."""
    texts = [*nested(NESTING_LIMIT).values(), *nested(MANY).values()]
    parse(Source("m.kf", "sort S = a"))  # the grammar is built once
    frame, used = sys._getframe(), 0
    while frame is not None:
        frame, used = frame.f_back, used + 1
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(used + 60)
    try:
        results = [codes_only(text) for text in texts]
    finally:
        sys.setrecursionlimit(before)
    assert results == [[]] * len(nested(1)) + [["KF106"]] * len(nested(1))


def codes_only(text: str) -> list[str]:
    return [error.code for error in parse(Source("m.kf", text))[1]]
