"""Random simulation: its runs are runs, they show what was asked for, and they are the same every time."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings

from drawing import lifecycles
from keyfate.engines import decide
from keyfate.engines.answers import trace
from keyfate.engines.decide import Engine
from keyfate.engines.simulation import Sample, covering
from keyfate.language.loading import load_text
from keyfate.language.typed import Compare, Constant, Domain, Lifecycle, Param, StateRef, Var
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import CapabilityName, ControlName
from keyfate.lifecycle.problem import Budget, Problem, Reach, Settings, Trace
from semantics.small import lifecycle, problem

COUNTER = """
sort N = 0 .. 9
state n : N = 0
state begun : bool = any
action up by cpu when begun and n < 9 then n := n + 1
action down by cpu when n = 9 then n := 0
property below never n = 9
property within never n = 9 and not begun
"""

VAULT = """
control guarded : bool
control loud : bool
constraint not (guarded and loud)
capability listen "listens"
secret root, item
place vault persistent at cpu starts with root
place shelf persistent at cpu
state side : left | right = any
state open : bool = false
action unlock by cpu when not guarded and side = left then open := true
action put by cpu when open then shelf gains enc(root, item) using vault
action make by cpu when open then vault gains item
action shout by cpu when loud and open then leaks root using vault to listen
property shut never open
property quiet never attacker knows root
property both never guarded and open
"""

WHICH = Param("which", "which", Domain("value", tuple(range(10))))


def passes(of: Lifecycle, asked: Problem, trace: Trace) -> bool:
    """Whether the interpreter replays the run and meets what was asked for. Raises ReplayError."""
    interpreter = Interpreter(of, dict(trace.controls), dict(trace.capabilities), asked.honest)
    return any(interpreter.reaches(asked.target, state) for state in interpreter.replay(trace))


def sampled(of: Lifecycle, name: str, given: Settings | None = None) -> tuple[Trace, ...]:
    asked = problem(of, name, given or Settings())
    runs = Engine(of).sample(asked)
    assert all(passes(of, asked, run) for run in runs)
    return runs


def samples(of: Lifecycle, name: str, seed: int) -> list[Sample]:
    return list(covering(Engine(of).question(problem(of, name)), lanes=64, seed=seed))


def test_a_run_to_what_lies_deep_begins_where_it_can_begin() -> None:
    (run,) = sampled(lifecycle(COUNTER), "below")
    assert [str(name) for name in run.actions][:9] == ["up"] * 9
    assert [(str(name), value) for name, value in run.initial] == [("begun", True)]


@pytest.mark.parametrize(("text", "name"), [(COUNTER, "within"), (VAULT, "both")])
def test_nothing_is_found_where_nothing_is_reachable(text: str, name: str) -> None:
    assert sampled(lifecycle(text), name) == ()


def test_settings_and_constraints_are_kept() -> None:
    of = lifecycle(VAULT)
    guarded, loud, listen = ControlName("guarded"), ControlName("loud"), CapabilityName("listen")
    (run,) = sampled(of, "quiet")
    assert dict(run.controls) == {guarded: False, loud: True}, "only so, and the constraint allows it"
    assert dict(run.capabilities) == {listen: True}
    assert sampled(of, "shut", Settings({loud: True}))
    assert sampled(of, "shut", Settings({guarded: True})) == ()
    assert sampled(of, "quiet", Settings({}, {listen: False})) == ()


def test_each_part_that_is_come_by_has_a_run_that_passes_it() -> None:
    of = lifecycle(COUNTER)
    asked = Problem(of, Settings(), Reach((WHICH,), Compare("=", StateRef("n", ()), Var("which"))))
    runs = Engine(of).sample(asked)
    for value in range(10):
        one = Problem(of, Settings(), Reach((), Compare("=", StateRef("n", ()), Constant(value))))
        assert any(passes(of, one, run) for run in runs), value
    assert len(runs) < 10, "one run passes several"


def test_without_time_there_are_no_runs() -> None:
    of = lifecycle(COUNTER)
    assert Engine(of).sample(problem(of, "below"), Budget(0.0)) == ()


def test_what_lies_deeper_than_one_round_is_come_by_from_where_others_ended() -> None:
    of = lifecycle(COUNTER)
    asked = Problem(of, Settings(), Reach((WHICH,), Compare("=", StateRef("n", ()), Var("which"))))
    engine = Engine(of)
    question = engine.question(asked)
    found = list(covering(question, steps=6))
    longest = max(found, key=lambda sample: len(sample.actions))
    assert [str(name) for name in longest.actions][:9] == ["up"] * 9, "a round alone has five steps"
    assert len(longest.run.inputs) > 6
    top = Problem(of, Settings(), Reach((), Compare("=", StateRef("n", ()), Constant(9))))
    assert passes(of, top, trace(engine._compiled, question, asked, longest.run, longest.actions))


def test_no_run_is_the_beginning_of_another_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    of = lifecycle(COUNTER)
    asked = Problem(of, Settings(), Reach((WHICH,), Compare("=", StateRef("n", ()), Var("which"))))
    engine = Engine(of)
    every = [sample.actions for sample in covering(engine.question(asked), steps=6)]
    monkeypatch.setattr(decide, "covering", lambda question, clock: covering(question, steps=6))
    runs = [trace.actions for trace in engine.sample(asked)]
    assert len(runs) < len(every)
    assert all(any(run[: len(one)] == one for run in runs) for one in every)
    assert not [one for one in runs for other in runs if one is not other and other[: len(one)] == one]


def test_the_same_seed_gives_the_same_runs() -> None:
    of = lifecycle(COUNTER)
    assert samples(of, "below", 1) == samples(of, "below", 1) != []
    assert samples(of, "below", 1) != samples(of, "below", 2)


@given(lifecycles())
@settings(max_examples=40)
def test_what_is_come_by_happens_on_lifecycles_drawn_at_random(text: str) -> None:
    """Of an exact slice, which has no step of which it knows nothing."""
    of = load_text(text).lifecycle
    assume(not conflicts(of))
    engine = Engine(of)
    for rule in of.properties:
        asked = Problem(of, Settings(), Reach(rule.binders, rule.target), rule.kind == "possible")
        question = engine.question(asked, exact=True)
        for sample in covering(question, lanes=256):
            assert passes(of, asked, trace(engine._compiled, question, asked, sample.run, sample.actions)), rule.name
