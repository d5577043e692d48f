"""R12: the past, in guards, exposures and properties."""

from __future__ import annotations

import pytest

from semantics.small import Run

TEXT = """
sort P = alpha | beta
state on[P] : bool = false
action up[p: P] by cpu when not on[p] then on[p] := true
action down[p: P] by cpu when on[p] then on[p] := false
action rest by cpu
action late by cpu when once did down
action soon by cpu when previously did up
property ever always once on[alpha]
property calm always historically not on[beta]
property after for p: P never on[alpha] since did up[p]
property was never previously on[alpha]
property nested never once (on[alpha] and previously on[beta])
"""


def history(name: str, *actions: str) -> list[bool]:
    """Whether the property's body holds, in each state of the run."""
    run = Run(TEXT)
    rule = next(rule for rule in run.lifecycle.properties if rule.name == name)
    states = run.interpreter.replay(run.trace(*actions))
    env = {param.name: "alpha" for param in rule.binders}
    return [run.interpreter.holds(rule.body, env, state) for state in states]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ever", [False, True, True, True, True]),  # includes now, and stays
        ("calm", [True, True, True, False, False]),  # includes now, and never comes back
        ("was", [False, False, True, False, False]),  # false at first, then what was
        ("after", [False, True, False, False, False]),  # holds when it begins, until `on` ends
        ("nested", [False, False, False, False, False]),
    ],
)
def test_operators(name: str, expected: list[bool]) -> None:
    assert history(name, "up[alpha]", "down[alpha]", "up[beta]", "rest") == expected


def test_since_begins_with_its_right_side_alone() -> None:
    # the left side need not hold where the right one does
    assert history("after", "up[alpha]", "rest", "down[alpha]", "up[beta]", "up[alpha]") == [
        False,
        True,
        True,
        False,
        False,
        True,
    ]


def test_operators_nest() -> None:
    assert history("nested", "up[beta]", "up[alpha]", "down[beta]") == [False, False, True, True]
    assert history("nested", "up[alpha]", "up[beta]", "down[beta]") == [False, False, False, True]


def test_the_past_stands_in_guards() -> None:
    run = Run(TEXT)
    assert "late" not in run.enabled
    assert "soon" not in run.enabled
    run.step("up[alpha]")
    assert "soon" not in run.enabled  # `did up` holds now, not in the state before
    run.step("rest")
    assert "soon" in run.enabled
    run.step("down[alpha]", "rest", "rest")
    assert "late" in run.enabled


def test_did_is_the_step_that_entered_the_state() -> None:
    run = Run(
        """
      sort P = alpha | beta
      secret m
      capability see
      place d persistent at host starts with m
      state x : bool = false
      exposes d to see when did poke[beta]
      action poke[p: P] by cpu then x := true
      property p never did poke[alpha]
      property q never did poke
    """,
        on=("see",),
    )
    assert not run.target("q")
    run.step("poke[alpha]")
    assert (run.target("p"), run.target("q"), run.observed) == (True, True, set())
    run.step("poke[beta]")
    assert (run.target("p"), run.target("q"), run.observed) == (False, True, {"m"})


def test_latches_are_kept_for_each_value() -> None:
    run = Run("""
      sort P = alpha | beta
      state on[P] : bool = false
      action up[p: P] by cpu when not on[p] then on[p] := true
      action down[p: P] by cpu when on[p] then on[p] := false
      action again[p: P] by cpu when once on[p]
    """)
    assert run.step("up[beta]", "down[beta]").enabled == ["up[alpha]", "up[beta]", "again[beta]"]
