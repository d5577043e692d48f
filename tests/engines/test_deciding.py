"""What the engine answers, and how it cuts a lifecycle down to a question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.engines import decide as deciding
from keyfate.engines.decide import Engine
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import CapabilityName, ControlName, Holds
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    NotWithin,
    Problem,
    Reached,
    Settings,
    Trace,
    Undecided,
    Unreachable,
)
from semantics.small import lifecycle, problem, steps

COUNTER = """
sort N = 0 .. 9
state n : N = 0
state other : bool = false
action up by cpu when n < 9 then n := n + 1
action flip by cpu then other := true
property top never n = 9
property beyond never n = 9 and n = 0
"""

VAULT = """
control guarded : bool
control loud : bool
capability look "looks"
capability listen "listens"
secret root, item
public page_at
place vault persistent at cpu starts with root
place shelf persistent at host
state open : bool = false
state door : bool = any
exposes shelf to look when open
action unlock by cpu when not guarded then open := true
action put by cpu when door then shelf gains enc(root, item) using vault, shelf
action make by cpu then shelf gains item
action shout by cpu when loud then leaks root using vault to listen
action swing by cpu then door := not door
property secret_item never attacker knows item
property secret_root never attacker knows root
property shut never open
property put_once never once did put
property gone never shelf has root
"""


def accepted(of: Lifecycle, asked: Problem, finding: Finding) -> bool:
    judgement = Certifier(of).certify(asked, finding)
    assert judgement.accepted, judgement.reason
    return judgement.accepted


def replayed(of: Lifecycle, trace: Trace) -> bool:
    return bool(Interpreter(of, dict(trace.controls), dict(trace.capabilities)).replay(trace))


def test_a_shortest_trace_and_a_proof() -> None:
    of = lifecycle(COUNTER)
    engine = Engine(of)
    top = engine.decide(problem(of, "top"))
    assert steps(top) == ["up"] * 9
    asked = problem(of, "beyond")
    proof = engine.decide(asked)
    assert isinstance(proof, Unreachable)
    assert accepted(of, asked, proof)


def test_limits_end_in_no_verdict() -> None:
    of = lifecycle(COUNTER)
    assert Engine(of).decide(problem(of, "top"), Budget(steps=5)) == NotWithin(5)
    assert Engine(of).decide(problem(of, "top"), Budget(seconds=0)) == Undecided("no answer within 0 s")


def test_memory_that_runs_out_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(deciding, "slice_question", exhausted)
    of = lifecycle(COUNTER)
    assert Engine(of).decide(problem(of, "top")) == Undecided("out of memory")


def test_a_setting_that_the_lifecycle_does_not_have() -> None:
    of = lifecycle(COUNTER)
    with pytest.raises(KeyError):
        Engine(of).decide(problem(of, "top", Settings({ControlName("nothing"): True})))


def test_settings_are_propagated_and_what_never_happens_is_swept() -> None:
    of = lifecycle(VAULT)
    engine = Engine(of)
    asked = problem(of, "shut", Settings({ControlName("guarded"): True}))
    question = engine.question(asked)
    assert question.circuit.latches == ()
    assert [(str(bit), value) for bit, value in question.swept] == [
        ("StateIs(state=StateName(name='open', args=()), value=True)", False)
    ]
    assert question.actions == {"unlock"}  # the proof rests on its guard
    finding = engine.decide(asked)
    assert isinstance(finding, Unreachable)
    assert finding.invariant is not None
    assert len(finding.invariant.clauses) == 1
    assert accepted(of, asked, finding)
    assert steps(engine.decide(problem(of, "shut"))) == ["unlock"]  # left open, the setting is chosen


def test_only_the_cone_of_the_question_is_asked() -> None:
    of = lifecycle(VAULT)
    question = Engine(of).question(problem(of, "secret_root"))
    names = {str(latch.name) for latch in question.circuit.latches}
    assert not any("door" in name or "open" in name for name in names)
    assert {name.name for name, _ in question.fires if name} == {"shout"}


def test_a_trace_names_every_control_and_capability_and_no_needless_power() -> None:
    of = lifecycle(VAULT)
    finding = Engine(of).decide(problem(of, "secret_item"))
    assert steps(finding) in (["unlock", "make"], ["make", "unlock"])
    assert isinstance(finding, Reached)
    assert dict(finding.trace.controls)[ControlName("guarded")] is False
    assert dict(finding.trace.capabilities) == {CapabilityName("look"): True, CapabilityName("listen"): False}
    assert replayed(of, finding.trace)


def test_first_values_that_are_free_are_part_of_the_trace() -> None:
    of = lifecycle(VAULT)
    finding = Engine(of).decide(problem(of, "put_once"))
    assert isinstance(finding, Reached)
    assert steps(finding) == ["make", "put"]  # the sources must yield the item
    assert [value for _, value in finding.trace.initial] == [True]
    assert replayed(of, finding.trace)


def test_what_no_action_writes_is_never_there() -> None:
    of = lifecycle(VAULT)
    engine = Engine(of)
    question = engine.question(problem(of, "secret_item"))
    held = {str(latch.name.term) for latch in question.circuit.latches if isinstance(latch.name, Holds)}
    assert held == {"item", "enc(root, item)"}
    asked = problem(of, "gone")
    finding = engine.decide(asked)
    assert isinstance(finding, Unreachable)
    assert accepted(of, asked, finding)


PAST = """
state s : bool = false
state t : bool = false
action set by cpu when not s then s := true
action stop by cpu when t then t := false
action go by cpu when not t and s then t := true
property held never previously s
property twice never previously previously s
property quiet never s and not did set
property again never did set and previously did set
"""


@pytest.mark.parametrize(("name", "expected"), [("held", 2), ("twice", 3), ("quiet", 2)])
def test_a_step_may_matter_by_nothing_but_being_one(name: str, expected: int) -> None:
    """The cone of `previously s` has only `set`; the step after it is one of an action that touches nothing there."""
    of = lifecycle(PAST)
    asked = problem(of, name)
    finding = Engine(of).decide(asked)
    assert len(steps(finding)) == expected
    assert steps(finding)[:2] == ["set", "go"]
    assert isinstance(finding, Reached)
    assert replayed(of, finding.trace)
    assert accepted(of, asked, finding)


def test_a_step_that_is_always_possible_may_be_assumed_in_a_proof() -> None:
    of = lifecycle(PAST)
    asked = problem(of, "again")
    finding = Engine(of).decide(asked)
    assert isinstance(finding, Unreachable)
    assert accepted(of, asked, finding)


def test_no_step_follows_where_nothing_can_happen() -> None:
    of = lifecycle("""
state s : bool = false
action set by cpu when not s then s := true
property held never previously s
""")
    asked = problem(of, "held")
    finding = Engine(of).decide(asked)
    assert isinstance(finding, Unreachable)  # a state that stays as it is, is no step
    assert accepted(of, asked, finding)


PLACES = """
secret a, b
state step : bool = false
place p persistent at cpu starts with a
place q persistent at cpu starts with b
action empty by cpu when p has a then clear p
action change by cpu when p has a then p becomes {b} ideal
action take by cpu when p has a then p becomes q
action add by cpu when p has a and not step then p gains all of q; step := true
action drop by cpu when p has b then p loses b
property empty never not p has a and not p has b
property other never not p has a and p has b
property both_ never p has a and p has b
property back never once (not p has a) and p has a
property lost never did drop and p has b
"""


@pytest.mark.parametrize(
    ("name", "expected"), [("empty", {("empty",)}), ("other", {("change",), ("take",)}), ("both_", {("add",)})]
)
def test_what_is_written_to_places(name: str, expected: set[tuple[str, ...]]) -> None:
    of = lifecycle(PLACES)
    asked = problem(of, name)
    finding = Engine(of).decide(asked)
    assert tuple(steps(finding)) in expected
    assert accepted(of, asked, finding)


@pytest.mark.parametrize("name", ["back", "lost"])
def test_what_is_gone_does_not_come_back(name: str) -> None:
    of = lifecycle(PLACES)
    asked = problem(of, name)
    finding = Engine(of).decide(asked)
    assert isinstance(finding, Unreachable)
    assert finding.invariant is not None
    assert finding.invariant.actions == {"empty", "change", "take", "add", "drop"}
    assert accepted(of, asked, finding)


def test_a_value_that_is_never_taken_is_part_of_the_proof() -> None:
    """`n` is small because it has a value and never the third: the target names only the other two."""
    of = lifecycle("""
sort N = 0 .. 2
state n : N = 0
action toggle by cpu then n := if n = 0 then 1 else 0
property small always n < 2
""")
    asked = problem(of, "small")
    finding = Engine(of).decide(asked)
    assert isinstance(finding, Unreachable)
    assert accepted(of, asked, finding)


def test_settings_that_the_question_does_not_see_are_answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of = lifecycle(VAULT)
    guarded, loud = ControlName("guarded", ()), ControlName("loud", ())
    quiet, noisy = (
        replace(problem(of, "shut"), settings=Settings({guarded: False, loud: on}, {})) for on in (False, True)
    )
    engine = Engine(of)
    assert isinstance(engine.decide(quiet), Reached)

    def never(*_: object) -> None:
        raise AssertionError("it was answered before")

    monkeypatch.setattr(deciding, "_race", never)
    again = engine.decide(noisy)
    assert accepted(of, noisy, again)
    assert isinstance(again, Reached)
    assert dict(again.trace.controls)[loud] is True
