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
from keyfate.language import formatting
from keyfate.language.formatting import formatted
from keyfate.language.library import folder
from keyfate.language.loading import load_text
from keyfate.language.parsing import parse
from keyfate.language.scanning import NESTING_LIMIT, scan
from keyfate.language.source import LifecycleError, Source, Span
from language.test_limits import nested
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
@settings(max_examples=max(500, settings().max_examples))
def test_drawn_lifecycles_keep_their_meaning(text: str, seed: int, many: int) -> None:
    out = assert_neat(scattered(text, seed, comments=many))
    assert spanless(load_text(out).lifecycle) == spanless(load_text(text).lifecycle)


@given(lifecycles(), SEEDS, SEEDS)
def test_white_space_plays_no_part(text: str, one: int, other: int) -> None:
    assert neat(scattered(text, one)) == assert_neat(scattered(text, other))


# Comments

DENSE = """
lifecycle dense "everything" source "a" status claimed
include "parts/x.kf" as x
sort S = a | b
sort E = 0 .. 2 "numbers"
control c[S] : u | v "which" value u "one" evidence "seen"
capability cap[S] "can" cwe 1 ref "r" cost 2
component host outside "there"
secret k, m[S] "kept", n
key kk[s: S, t: S] = kdf("l", k, if c[s] = u then m[s] else if c[t] = u then m[t] else n) "made"
def d = all s: S where not (once (c[s] = u)) { some t: S { s != t or did go[s, _] since true } }
def f = ((k recoverable from (p, q)) and k recoverable except p) implies (p, q[a]) yields k iff attacker knows k
message M = enc(k, m[s]) for s: S, t: S
place p persistent at host starts with k, enc(k, n) "here"
place q[s: S] volatile at host
state e[S] : S or none = none
state num : E = 0 "counts"
exposes q[s: S] to cap[a] and cap[b] when e[s] in {a, b}
action go[s: S, v: bool] "goes" status claimed by attacker needs cap[s] and cap[a] power event
  when num + 1 + 1 < 2 and (v or p has k)
  then e[s] := if v then a else b; p gains k using p, q[s]; p gains n ideal; p gains all of q[s]; p loses k;
    p becomes {k, n} using p; p becomes {}; q[a] becomes q[b]; clear p;
    leaks k using p to cap[a] and cap[b]; for t: S, u: S where t != u { clear q[t]; clear q[u] }
    if v { } else if d { clear p } else { if f { clear p; }; }
  source "b"
action plain by host
constraint c[a] = u or c[b] = v "must"
check secrecy(k, d) as r severity low "asked"
property shape(i[S]: secret, g: condition) "keeps" severity high holds "yes" broken "no"
  for s: S when g never i[s] recoverable
property other always not not d
"""

DECLARATIONS = [" ".join(piece.text for piece in chunk.pieces) for chunk in scan(Source("x.kf", DENSE)).chunks]


def test_the_dense_text_can_be_read() -> None:
    assert parse(Source("x.kf", DENSE))[1] == ()
    assert_neat(DENSE)


@pytest.mark.parametrize("text", DECLARATIONS, ids=lambda text: text.split(" ")[0])
def test_a_comment_anywhere(text: str) -> None:
    """Between any two pieces, behind the first or above the second, alone and in company."""
    words = [piece.text for chunk in scan(Source("x.kf", text)).chunks for piece in chunk.pieces]
    for place in range(len(words) + 1):
        for comment in ("\n-- one\n", " -- one\n-- two\n\n\n -- three\n"):
            out = assert_neat(" ".join(words[:place]) + comment + " ".join(words[place:]))
            apart = comments(out)
            assert len(apart) == comment.count("--")
            standing = comment[0] == "\n" or place == 0
            assert ("\n" + out).partition("-- one")[0].rstrip(" ").endswith("\n") == standing


def test_comments_stay_where_they_are() -> None:
    assert neat(
        """
-- at the top

-- of the action
action go by host -- who
  -- asked first
  when a and b -- both
  -- then
  then x := a; -- one
       -- before the block
       for s: S { -- opened
         clear p[s] -- cleared
         -- at the end of the block
       } -- closed
       y := b
  -- below the action

-- at the bottom"""
    ) == (
        """\
-- at the top

-- of the action
action go by host  -- who
  -- asked first
  when a and b  -- both
  -- then
  then x := a;  -- one
       -- before the block
       for s: S {  -- opened
         clear p[s]  -- cleared
         -- at the end of the block
       }  -- closed
       y := b
-- below the action

-- at the bottom
"""
    )


def test_comments_at_the_ends_of_neighbours_line_up() -> None:
    assert neat("state a:bool=false -- one\nstate bcd:u|v=u--two\nstate e:bool=true\nstate f:bool=any -- four") == (
        "state a   : bool = false  -- one\n"
        "state bcd : u | v = u     --two\n"
        "state e   : bool = true\n"
        "state f   : bool = any    -- four\n"
    )


# Lines

LONG = " and ".join(f"condition_number_{n}[platform, domain]" for n in range(4))
LAYOUTS = {
    "a chain in a guard": (
        f"action a by host when {LONG} or x then clear p",
        """\
action a by host
  when condition_number_0[platform, domain]
     and condition_number_1[platform, domain]
     and condition_number_2[platform, domain]
     and condition_number_3[platform, domain]
   or x
  then clear p
""",
    ),
    "a chain in parentheses": (
        f"def d = not ({LONG} and (x or y))",
        """\
def d =
  not (condition_number_0[platform, domain]
       and condition_number_1[platform, domain]
       and condition_number_2[platform, domain]
       and condition_number_3[platform, domain]
       and (x or y))
""",
    ),
    "a chain behind an operator": (
        f"def d = x implies {LONG}",
        """\
def d =
  x
  implies condition_number_0[platform, domain]
          and condition_number_1[platform, domain]
          and condition_number_2[platform, domain]
          and condition_number_3[platform, domain]
""",
    ),
    "a body in braces": (
        f"def d = some p: Platform where enrolled[p] {{ {LONG} }}",
        """\
def d = some p: Platform where enrolled[p] {
  condition_number_0[platform, domain]
  and condition_number_1[platform, domain]
  and condition_number_2[platform, domain]
  and condition_number_3[platform, domain]
}
""",
    ),
    "arguments": (
        "key k = kdf("
        + ", ".join(f"input_{n}" for n in range(12))
        + ', if control_of_something = value then input else enc(one, "two"))',
        """\
key k =
  kdf(input_0, input_1, input_2, input_3, input_4, input_5, input_6, input_7, input_8, input_9, input_10, input_11,
      if control_of_something = value then input else enc(one, "two"))
""",
    ),
    "a choice of values": (
        "key k = if "
        + " else if ".join(f"control_{n} = some_value then the_input_of_that_value[{n}]" for n in range(3))
        + " else z",
        """\
key k =
  if control_0 = some_value then the_input_of_that_value[0]
  else if control_1 = some_value then the_input_of_that_value[1]
  else if control_2 = some_value then the_input_of_that_value[2]
  else z
""",
    ),
    "sources": (
        "action a by host then a_rather_long_place[platform] gains enc(a_rather_long_key[platform], data[domain]) "
        "using one_place, another_place[p]; clear p",
        """\
action a by host
  then a_rather_long_place[platform] gains enc(a_rather_long_key[platform], data[domain])
         using one_place, another_place[p];
       clear p
""",
    ),
    "a body in braces that fits below": (
        f"def d_of_some_length = some p: Platform {{ {' and '.join(['condition[p]'] * 5)} }}",
        f"def d_of_some_length =\n  some p: Platform {{ {' and '.join(['condition[p]'] * 5)} }}\n",
    ),
    "as wide as a line, with what ends it": (
        f"action a by host then p gains k using {'q' * 96}; p gains k using {'r' * 97}; clear p",
        f"""\
action a by host
  then p gains k using {"q" * 96};
       p gains k
         using {"r" * 97};
       clear p
""",
    ),
    "a comment in the middle of a chain": (
        "action a by host when x\n-- why\nand y and z",
        "action a by host\n  when x\n   -- why\n   and y\n   and z\n",
    ),
    "short branches": (
        "action a by host then if a_condition_of_some_length { place_of_some_length gains a_term_of_some_length } "
        "else { place_of_some_length loses a_term_of_some_length }",
        """\
action a by host
  then if a_condition_of_some_length { place_of_some_length gains a_term_of_some_length }
       else { place_of_some_length loses a_term_of_some_length }
""",
    ),
    "long branches": (
        "action a by host then if x { a_place gains a_term using places, and_others; "
        "another_place loses a_term; a_third_place loses a_term } else if y { } else { clear p }",
        """\
action a by host
  then if x {
         a_place gains a_term using places, and_others;
         another_place loses a_term;
         a_third_place loses a_term
       } else if y {}
       else { clear p }
""",
    ),
    "a guard too long for one line with its effects": (
        "action a_name[p: Platform] by the_component when power[p] = on and not locked then locked := true; clear p",
        """\
action a_name[p: Platform] by the_component
  when power[p] = on and not locked
  then locked := true; clear p
""",
    ),
    "a short action": (
        "action a\nby host\nneeds c and d when x\nthen clear p; clear q",
        "action a by host needs c and d when x then clear p; clear q\n",
    ),
    "a described action": (
        'action a "does it" by host when x then clear p; clear q status claimed source "s"',
        'action a "does it" by host\n  when x\n  then clear p; clear q\n  status claimed source "s"\n',
    ),
    "many members": (
        "sort S = " + " | ".join(f"member_number_{n}" for n in range(9)),
        "sort S = member_number_0 | member_number_1 | member_number_2 | member_number_3 | member_number_4 | "
        "member_number_5\n         | member_number_6 | member_number_7 | member_number_8\n",
    ),
    "several secrets": (
        "secret " + ", ".join(f"secret_number_{n}[Platform]" for n in range(6)),
        "secret secret_number_0[Platform], secret_number_1[Platform], secret_number_2[Platform], "
        "secret_number_3[Platform],\n       secret_number_4[Platform], secret_number_5[Platform]\n",
    ),
    "a description that does not fit": (
        f'secret s "{"x" * 110}"',
        f'secret s\n  "{"x" * 110}"\n',
    ),
    "a description that fits": (
        f'secret s "{"x" * 109}"',
        f'secret s "{"x" * 109}"\n',
    ),
    "wide characters": (  # two columns each
        f'secret s "{"鍵" * 54}x"\nsecret t "{"鍵" * 55}"',
        f'secret s "{"鍵" * 54}x"\nsecret t\n  "{"鍵" * 55}"\n',
    ),
    "notes of a control": (
        'control c : u | v "which" value u "one" value v "other" evidence "seen"',
        'control c : u | v "which"\n  value u "one"\n  value v "other"\n  evidence "seen"\n',
    ),
    "a shape": (
        'property p(i[S]: secret) "kept" severity low holds "yes" for s: S when x never i[s] recoverable',
        'property p(i[S]: secret)\n  "kept" severity low\n  holds "yes"\n  for s: S  when x  never i[s] recoverable\n',
    ),
    "a short property": (
        "property p for s: S\nwhen x\nnever i[s] recoverable",
        "property p for s: S when x never i[s] recoverable\n",
    ),
    "several declarations on a line": ("secret a secret b", "secret a\nsecret b\n"),
}


@pytest.mark.parametrize(("before", "after"), LAYOUTS.values(), ids=LAYOUTS)
def test_layout(before: str, after: str) -> None:
    assert assert_neat(before) == after


TABLE = {
    "cells": (
        "exposes disk to steal when off\nexposes long_name[p: P] to a and b\nexposes x to probe when on",
        """\
exposes disk            to steal   when off
exposes long_name[p: P] to a and b
exposes x               to probe   when on
""",
    ),
    "an empty line parts": ("sort A = a\n\nsort Long = b", "sort A = a\n\nsort Long = b\n"),
    "a comment parts": ("sort A = a\n-- x\nsort Long = b", "sort A = a\n-- x\nsort Long = b\n"),
    "another kind parts": ('secret a "x"\npublic long "y"', 'secret a "x"\npublic long "y"\n'),
    "one below": (
        f'state a : bool = false "x"\nstate b[P, T] : bool = false "{"x" * 100}"\nstate c : u | v = u "y"',
        f"""\
state a       : bool = false "x"
state b[P, T] : bool = false
  "{"x" * 100}"
state c       : u | v = u "y"
""",
    ),
    "too wide": (
        f"exposes a to b when {'x' * 100}\nexposes {'y' * 30} to b",
        f"exposes a to b when {'x' * 100}\nexposes {'y' * 30} to b\n",
    ),
    "descriptions too wide": (
        f'secret a "{"x" * 109}"\nsecret bcd "y"',
        f'secret a "{"x" * 109}"\nsecret bcd "y"\n',
    ),
}


@pytest.mark.parametrize(("before", "after"), TABLE.values(), ids=TABLE)
def test_neighbours_line_up(before: str, after: str) -> None:
    assert assert_neat(before) == after


# Texts of every kind


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("\n\n  \n", ""),
        ("\n\n-- only this  \n\n\n\n--that", "-- only this\n\n--that\n"),
        ("\ufeffsecret a", "secret a\n"),
        ("\ufeff\r\n-- x\r\nsecret a\r\n\r\nsecret b\r\n", "-- x\nsecret a\n\nsecret b\n"),
        ('secret a "tab\there"', 'secret a "tab\there"\n'),
        ('secret a "--" -- "', 'secret a "--"  -- "\n'),
    ],
)
def test_odd_texts(before: str, after: str) -> None:
    assert neat(before) == after
    assert neat(after) == after


def test_a_text_with_errors_is_refused_with_all_of_them() -> None:
    text = "secret\nsort S = a\naction a when x\nsecret a\u202e"
    with pytest.raises(LifecycleError) as caught:
        neat(text)
    assert caught.value.diagnostics == parse(Source("x.kf", text))[1]
    assert len(caught.value.diagnostics) == 3


@pytest.mark.parametrize("way", nested(1))
def test_deep_nesting(way: str) -> None:
    out = assert_neat(nested(NESTING_LIMIT)[way])
    assert max(len(line) - len(line.lstrip()) for line in out.splitlines()) <= 80


def test_what_would_grow_past_the_limit_is_refused() -> None:
    text = f"action a by c then {'if a { ' * 150}{'clear d;' * 9_000}{'}' * 150}"
    with pytest.raises(LifecycleError) as caught:
        neat(text)
    assert [d.code for d in caught.value.diagnostics] == ["KF563"]


@pytest.mark.parametrize(
    "broken",
    [
        lambda laid: [one[:-1] or one for one in laid],
        lambda laid: [[line.replace("--", "-- no") for line in one] for one in laid],
        lambda laid: [[line.replace("  --", "\n--") for line in one] for one in laid],
        lambda laid: [[line.replace('"x"', '"y"') for line in one] for one in laid],
    ],
)
def test_a_layout_that_says_something_else_is_a_defect(broken: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tabulated = formatting.tabulated
    text = 'action a "x" by host  -- y\n  when x\n  then clear p\n'
    assert neat(text) == text
    monkeypatch.setattr(formatting, "tabulated", lambda *given: broken(tabulated(*given)))
    with pytest.raises(LifecycleError) as caught:
        neat(text)
    assert [d.code for d in caught.value.diagnostics] == ["KF564"]
