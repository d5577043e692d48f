"""R2: which effects disagree, in which typed state; and which do not."""

from __future__ import annotations

from itertools import combinations

import pytest

from keyfate.language.source import Diagnostic
from keyfate.lifecycle.conflicts import conflicts
from semantics.small import lifecycle

BASE = """
  sort S = x | y
  sort E = 0 .. 2
  control c : S
  control d : bool
  constraint c = x
  secret k[S], m
  place p[S] volatile at cpu
  place q volatile at cpu
  place r volatile at cpu
  state s : S = x
  state t[S] : S or none = none
  state e : E = 0
  action other[z: S] by cpu
"""


def found(action: str) -> tuple[Diagnostic, ...]:
    return conflicts(lifecycle(BASE + "action a" + action))


AGREE = {
    "same value": " by cpu then s := x; s := x",
    "same value by guard": " by cpu when t[x] = y then s := y; if t[x] = y { s := t2 } else { s := x }".replace(
        "t2", "y"
    ),
    "another location": " by cpu then t[x] := x; t[y] := y",
    "another location by guard": "[u: S, v: S] by cpu when u != v then t[u] := x; t[v] := y",
    "branches": " by cpu then if s = x { s := y } else { s := x }",
    "exclusive conditions": " by cpu then if s = x { e := 1 }; if s = y { e := 2 }",
    "excluded by constraint": " by cpu then e := 1; if c = y { e := 2 }",
    "excluded by guard": " by cpu when not (s = y) then e := 1; if s != x { e := 2 }",
    "gained twice": " by cpu then q gains m; q gains m",
    "other terms": " by cpu then q gains k[x]; q loses k[y]",
    "gained and listed": " by cpu then q gains m; q becomes {m, k[x]}",
    "lost and not listed": " by cpu then q loses m; q becomes {k[x]}",
    "cleared twice": " by cpu then clear q; clear q",
    "lists of one meaning": " by cpu then q becomes {m, k[x]}; q becomes {k[x], m}",
    "one copy twice": " by cpu then q becomes r; q becomes r",
    "a copy that has it": " by cpu when r has m then q becomes r; q gains m",
    "a copy that lacks it": " by cpu when not r has m then q gains all of r; q loses m",
    "places apart": " by cpu then p[x] gains m; clear p[y]",
    "no such index": " by cpu when t[x] = none then p[t[x]] gains m; clear p[y]",
    "out of range": " by cpu when e = 2 then e := e + 1; if s = x { e := 0 }",
    "the past": " by cpu then if once did other { s := x }; if not once did other { s := y }",
    "the step": " by cpu then if did other[x] { s := x }; if did other[y] { s := y }",
    "what yields also yields more": (" by cpu then if q yields m { s := x }; if not (q, r) yields m { s := y }"),
    "what is there is yielded": " by cpu when q has m then if not (q, r) yields m { s := y }; s := x",
    "loop of different places": " by cpu then for z: S { p[z] gains m; if s != z { clear p[s] } }".replace(
        "if s != z { clear p[s] }", "p[z] loses k[z]"
    ),
}


@pytest.mark.parametrize("action", AGREE.values(), ids=AGREE.keys())
def test_effects_that_agree(action: str) -> None:
    assert found(action) == ()


DISAGREE = {
    "two values": (" by cpu then s := x; s := y", "they do where `c` is x;"),
    "two values in one state": (" by cpu then s := x; s := if t[x] = y then y else x", "`t[x]` is y"),
    "one location in two ways": ("[u: S] by cpu then t[u] := x; t[s] := y", "`u` is x, `s` is x"),
    "conditions that meet": (" by cpu then if s = x { e := 1 }; if c = x { e := 2 }", "`s` is x, `c` is x"),
    "a control that is open": (" by cpu then e := 1; if d { e := 2 }", "`d` is true"),
    "a loop with itself": (" by cpu then for z: S { s := z }", "they do where `c` is x;"),
    "gained and lost": (" by cpu then q gains m; q loses m", "they do where `c` is x;"),
    "gained and lost by index": (" by cpu then q gains k[s]; q loses k[t[x]]", "`s` is x, `t[x]` is x"),
    "gained and cleared": (" by cpu then q gains m; clear q", "they do where `c` is x;"),
    "gained and not listed": (" by cpu then q gains m; q becomes {k[x]}", "they do where `c` is x;"),
    "lost and listed": (" by cpu then q loses m; q becomes {m}", "they do where `c` is x;"),
    "two lists": (" by cpu then q becomes {m}; q becomes {m, k[x]}", "they do where `c` is x;"),
    "a copy that may lack it": (" by cpu then q becomes r; q gains m", "`r` lacks `m`"),
    "a copy that may have it": (" by cpu then q gains all of r; q loses m", "`r` has `m`"),
    "two copies": (" by cpu then q becomes r; q becomes p[x]", "`r` has `enc(k[x], m)`, `p[x]` lacks `enc(k[x], m)`"),
    "a copy and a list": (" by cpu then q becomes r; q becomes {m}", "`r` has `k[x]`"),
    "a copy and a clearing": (" by cpu then q gains all of r; clear q", "`r` has `k[x]`"),
    "a copy added to a copy": (
        " by cpu then q gains all of r; q becomes p[x]",
        "`r` has `enc(k[x], m)`, `p[x]` lacks `enc(k[x], m)`",
    ),
    "places by index": (" by cpu then p[s] gains m; clear p[x]", "`s` is x"),
    "the past": (
        " by cpu then if once did other[x] { s := x }; if not did other[x] { s := y }",
        "a condition on the past held before",
    ),
    "the step": (" by cpu then if did other[x] { s := x }; s := y", "the last step was `other[x]`"),
    "what is yielded": (
        " by cpu when not q has m and not r has m then if (q, r) yields m { s := x }; s := y",
        "`q` has `enc(k[x], m)`",
    ),
    "what only both yield": (
        " by cpu then if not q yields m { s := x }; if (q, r) yields m { s := y }",
        "`r` has `m`",
    ),
}
KEYED = "place store volatile at cpu starts with enc(k[x], m)\n"


@pytest.mark.parametrize(("action", "where"), DISAGREE.values(), ids=DISAGREE.keys())
def test_effects_that_disagree_are_shown_with_a_state(action: str, where: str) -> None:
    (diagnostic,) = conflicts(lifecycle(BASE + KEYED + "action a" + action))
    assert (diagnostic.code, diagnostic.severity) == ("KF301", "error")
    assert "`a`" in diagnostic.message
    assert len(diagnostic.labels) == 1
    assert where in (diagnostic.help or "")


def test_both_effects_are_underlined() -> None:
    (diagnostic,) = found(" by cpu then s := x; e := 1; s := y")
    assert diagnostic.span.text == "s := x"
    assert diagnostic.labels[0].span.text == "s := y"


def test_a_pair_of_effects_is_told_once_and_every_pair_is_told() -> None:
    assert len(found("[u: S, v: S] by cpu then s := u; s := v; e := 1; e := 2")) == 2


def test_large_conditions_do_not_drown_the_search() -> None:
    # forty states that have nothing to do with it
    states = "\n".join(f"state n{n} : bool = false" for n in range(40))
    noise = " and ".join(f"(n{n} or n{n + 1} or s = x)" for n in range(39))
    text = f"{BASE}{states}\naction a by cpu when {noise} then if s = y {{ e := 1 }}; if s = x {{ e := 2 }}"
    assert conflicts(lifecycle(text)) == ()


def test_what_takes_too_long_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # pigeons that each want a hole of their own, and a hole too few: every branch must be tried
    pigeons = [f"n{n}" for n in range(6)]
    states = "\n".join(f"state {pigeon} : H = h0" for pigeon in pigeons)
    apart = " and ".join(f"{a} != {b}" for a, b in combinations(pigeons, 2))
    text = f"""{BASE}
      sort H = h0 | h1 | h2 | h3 | h4
      {states}
      action a by cpu then if {apart} {{ e := 1 }}; e := 2
    """
    assert conflicts(lifecycle(text)) == ()
    monkeypatch.setattr("keyfate.lifecycle.conflicts.BRANCH_LIMIT", 100)
    (diagnostic,) = conflicts(lifecycle(text))
    assert (diagnostic.code, diagnostic.severity) == ("KF302", "error")
