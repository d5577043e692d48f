"""Explicit search: shortest traces, every admissible setting, honest runs, counts, limits, the graph."""

from __future__ import annotations

import pytest

from keyfate.language.typed import Truth
from keyfate.lifecycle.explicit import explore, reachable_states
from keyfate.lifecycle.instances import capability_names, control_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import CapabilityName, ControlName
from keyfate.lifecycle.problem import (
    Budget,
    Enabled,
    NotWithin,
    OutOfRange,
    Problem,
    Reach,
    Reached,
    Settings,
    Undecided,
    Unreachable,
)
from semantics.small import Run, decide, lifecycle, problem, steps

TEXT = """
  sort P = alpha | beta
  control strict : bool
  control root : flash | tpm
  constraint not strict or root = tpm
  capability steal
  capability extract
  secret seed[P], m
  place store[p: P] persistent at cpu starts with seed[p]
  place disk persistent at host
  state on[P] : bool = false
  exposes store[p: P] to steal when root = flash and not on[p]
  exposes store[p: P] to extract when not strict
  exposes disk to steal
  action up[p: P] by cpu when not on[p] then on[p] := true
  action down[p: P] by cpu when on[p] then on[p] := false
  action save[p: P] by cpu when on[p] then disk gains enc(kdf("x", seed[p]), m) ideal
  property secret_ never attacker knows m
  property both for p: P, q: P never on[p] and on[q] and not p = q
  property calm always not (once on[alpha] and not on[alpha] and disk has enc(kdf("x", seed[beta]), m))
  property saves possible disk has enc(kdf("x", seed[beta]), m)
  property breaks possible attacker_has
  def attacker_has = disk has seed[alpha]
"""


def test_traces_are_shortest() -> None:
    of = lifecycle(TEXT)
    assert steps(decide(of, "secret_")) == ["up[alpha]", "save[alpha]"]
    assert steps(decide(of, "both")) == ["up[alpha]", "up[beta]"]
    assert len(steps(decide(of, "calm"))) == 4
    assert steps(decide(of, "saves")) == ["up[beta]", "save[beta]"]
    assert decide(of, "breaks") == Unreachable(None)


def test_a_trace_says_under_which_setting_and_replays() -> None:
    of = lifecycle(TEXT)
    found = decide(of, "secret_")
    assert isinstance(found, Reached)
    trace = found.trace
    assert [name for name, _ in trace.controls] == list(control_names(of))
    assert [name for name, _ in trace.capabilities] == list(capability_names(of))
    interpreter = Interpreter(of, dict(trace.controls), dict(trace.capabilities))
    assert interpreter.reaches(problem(of, "secret_").target, interpreter.replay(trace)[-1])


def test_settings_that_are_fixed_stay_fixed() -> None:
    of = lifecycle(TEXT)
    strict = Settings({ControlName("strict"): True})
    assert decide(of, "secret_", strict) == Unreachable(None)
    loose = Settings({ControlName("root"): "tpm"}, {CapabilityName("steal"): True})
    found = decide(of, "secret_", loose)
    assert isinstance(found, Reached)
    assert dict(found.trace.controls) == {ControlName("strict"): False, ControlName("root"): "tpm"}
    assert dict(found.trace.capabilities)[CapabilityName("extract")]


def test_no_admissible_setting_reaches_nothing() -> None:
    of = lifecycle(TEXT)
    none = Settings({ControlName("strict"): True, ControlName("root"): "flash"})
    assert decide(of, "both", none) == Unreachable(None)


def test_honest_runs_use_no_capability() -> None:
    of = lifecycle("""
      capability inject
      secret m
      place disk persistent at host
      state x : bool = false
      exposes disk to inject
      action make by cpu then disk gains m
      action flip by attacker needs inject when attacker knows m then x := true
      property flipped possible x
      property never_flipped never x
    """)
    honest = explore(problem(of, "flipped"))
    assert honest.finding == Unreachable(None)
    assert honest.states == 2  # one setting, whatever capabilities are open
    assert steps(decide(of, "never_flipped")) == ["make", "flip"]


def test_first_values_are_part_of_the_trace() -> None:
    of = lifecycle("""
      sort S = x | y
      state s[S] : S = any
      state n : bool = false
      action go by cpu when s[x] = y and s[y] = x then n := true
      property p never n
    """)
    found = decide(of, "p")
    assert isinstance(found, Reached)
    assert [(str(name), value) for name, value in found.trace.initial] == [("s[x]", "y"), ("s[y]", "x")]


COUNTED = """
  sort E = 0 .. 4
  state e : E = 0
  state back : bool = false
  action tick by cpu when not back then e := e + 1
  action turn by cpu then back := true
  property p never once (e = 3) and back and e = 3 and did turn and previously back
"""


def test_states_are_counted_without_the_past() -> None:
    of = lifecycle(COUNTED)
    assert reachable_states(of, Settings()) == 10
    assert explore(problem(of, "p")).states is None  # it was found before all were visited
    assert explore(Problem(of, Settings(), Reach((), Truth(False)))).states == 10
    open_ = lifecycle(COUNTED + "control c : bool")
    assert reachable_states(open_, Settings()) is None
    assert reachable_states(open_, Settings({ControlName("c"): True})) == 10


def test_the_past_tells_states_apart_where_it_is_asked_for() -> None:
    # `turn` twice: the same values, but only the second state has `previously back`
    assert steps(decide(lifecycle(COUNTED), "p")) == ["tick", "tick", "tick", "turn", "turn"]


def test_the_last_step_tells_states_apart_where_it_is_asked_for() -> None:
    text = """
      state x : bool = false
      action one by cpu then x := true
      action two by cpu then x := true
      property p never did two
    """
    assert steps(decide(lifecycle(text), "p")) == ["two"]


def test_targets_other_than_conditions() -> None:
    of = lifecycle(COUNTED + "action late by cpu when e = 2\n action dead by cpu when e = 1 and e = 2")

    def found(target: Enabled | OutOfRange) -> object:
        finding = explore(Problem(of, Settings(), target)).finding
        return steps(finding) if isinstance(finding, Reached) else finding

    assert found(Enabled(frozenset({"late", "dead"}))) == ["tick", "tick"]
    assert found(Enabled(frozenset({"dead"}))) == Unreachable(None)
    assert found(OutOfRange()) == ["tick"] * 4


def test_limits() -> None:
    of = lifecycle(COUNTED)
    assert explore(problem(of, "p"), budget=Budget(steps=4)).finding == NotWithin(4)
    assert isinstance(explore(problem(of, "p"), budget=Budget(steps=5)).finding, Reached)
    never = Problem(of, Settings(), Reach((), Truth(False)))
    assert explore(never, budget=Budget(steps=50)).finding == Unreachable(None)
    assert isinstance(explore(never, limit=3).finding, Undecided)
    assert reachable_states(of, Settings(), limit=3) is None
    assert isinstance(explore(never, budget=Budget(seconds=0.0)).finding, Undecided)


def test_too_many_open_settings_are_undecided() -> None:
    many = "sort S = s0\n" + "".join(f"control c{n} : bool\n" for n in range(20)) + COUNTED
    found = explore(problem(lifecycle(many), "p")).finding
    assert isinstance(found, Undecided)
    assert "1,048,576 settings" in found.reason


@pytest.mark.parametrize("name", ["p", "q"])
def test_the_graph_has_every_state_and_step(name: str) -> None:
    of = lifecycle(COUNTED + "property q never back and e = 2")
    graph = explore(problem(of, name), graph=True).graph
    assert graph is not None
    initial = [node for node, data in graph.nodes(data=True) if data["initial"]]
    assert len(initial) == 1
    assert any(data["target"] for _, data in graph.nodes(data=True))
    interpreter = Run(COUNTED).interpreter
    for node, data in graph.nodes(data=True):
        after = {str(action) for _, _, action in graph.out_edges(node, keys=True)}
        assert after == {str(action) for action in interpreter.enabled(data["state"])}
