"""A trace as a sequence: every moment says what the plain interpreter does in that step, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given

from drawing import lifecycles
from keyfate.checking.naming import Namer
from keyfate.checking.results import PolicySummary, Result
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.diagrams.figure import Moment, Sequence, UndrawableError
from keyfate.diagrams.sequence import sequence
from keyfate.language.library import folder
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.deduction import closure
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.instances import capability_names, control_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import show_value
from telling import Told, decided
from vault import furnish


def checked(path: Path, *names: str) -> tuple[Lifecycle, PolicySummary, dict[str, Result]]:
    """A policy's results by property, all of them or those named."""
    session = open_session([path], {})
    report = session.check(Options(workers=1, only=names, sweep=False))
    return session.policies[0].lifecycle, report.policies[0], {r.property: r for r in report.results}


def run(told: Told) -> tuple[Interpreter, list[State]]:
    """The trace again: every step looked up by what it is called."""
    lifecycle, policy, result = told
    assert result.start is not None
    assert result.trace is not None
    settings = {**result.configuration, **policy.controls}
    controls = {name: settings[str(name)] for name in control_names(lifecycle)}
    power = {name: str(name) in policy.capabilities for name in capability_names(lifecycle)}
    interpreter = Interpreter(lifecycle, controls, power, honest=result.kind == "possible")
    states = [
        s for s in interpreter.initial_states() if {str(n): v for n, v in s.states.items()} == dict(result.start.states)
    ][:1]
    for step in result.trace:
        arguments = ", ".join(map(show_value, step.arguments.values()))
        called = f"{step.action}[{arguments}]" if arguments else step.action
        name = next(n for n in interpreter.enabled(states[-1]) if str(n) == called)
        states.append(interpreter.step(states[-1], name))
    return interpreter, states


def split(label: str) -> Counter[str]:
    """The terms of a label: commas inside brackets and quotes separate nothing."""
    terms, depth, quoted = [""], 0, False
    for sign in label:
        quoted ^= sign == '"'
        depth += 0 if quoted else (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0 and not quoted:
            terms.append("")
        else:
            terms[-1] += sign
    return Counter(term.strip() for term in terms)


def follows(told: Told, drawn: Sequence) -> None:
    """Holds each moment against the difference of the two states that it stands between."""
    lifecycle, policy, _ = told
    interpreter, states = run(told)
    names = Namer(lifecycle)
    moments = {moment.number: moment for moment in drawn.moments}
    assert set(moments) - {0} == set(range(1, len(states)))
    assert (0 in moments) == (bool(states[0].observed) or len(states) == 1)
    for number, moment in moments.items():
        before, after = states[number - 1] if number else None, states[number]
        if before is not None:
            moves(moment, before, after, names)
        seen = {names.term(t) for t in after.observed - (before.observed if before else frozenset())}
        told_seen: set[str] = set()
        for message in moment.messages:
            if message.kind == "seen":
                what, by, who = message.label.rpartition(" by ")
                assert by
                assert set(who.replace(" or ", " and ").split(" and ")) <= set(policy.capabilities)
                terms = set(split(what.removesuffix(" leaked")))
                told_seen |= terms
                if message.source.startswith("place:"):
                    held = next(c for p, c in after.places.items() if f"place:{p}" == message.source)
                    assert terms <= {names.term(t) for t in held}
                else:
                    assert what.endswith(" leaked")
        assert told_seen == seen
        assert {names.term(t) for t in after.observed} <= set(moment.knows)
        known = {names.term(t) for t in closure(after.observed, interpreter.universe)}
        assert set(moment.knows) <= known
        if number < len(states) - 1:
            assert set(moment.knows) == {names.term(t) for t in after.observed}


def moves(moment: Moment, before: State, after: State, names: Namer) -> None:
    """What places gained and lost and what states became, against the states themselves."""
    told = {(m.kind, m.target): split(m.label) for m in moment.messages if m.kind in ("writes", "erases")}
    found = {}
    for place, content in after.places.items():
        for kind, terms in (("writes", content - before.places[place]), ("erases", before.places[place] - content)):
            if terms:
                found[kind, f"place:{place}"] = Counter(map(names.term, terms))
    assert told == found
    assert (not found) == any(m.kind == "acts" and m.source == m.target for m in moment.messages)
    assert set(moment.state) == {
        f"{name}: {show_value(before.states[name])} → {show_value(value)}"
        for name, value in after.states.items()
        if value != before.states[name]
    }


def stands(told: Told, drawn: Sequence) -> None:
    """Lanes are unique and used, actors before places, the attacker last; messages join lanes."""
    lanes = [lane.name for lane in drawn.lanes]
    assert len(set(lanes)) == len(lanes)
    ends = {end for moment in drawn.moments for m in moment.messages for end in (m.source, m.target)}
    assert ends == set(lanes)
    kinds = [lane.kind for lane in drawn.lanes]
    assert kinds == sorted(kinds, key=("actor", "place", "attacker").index)
    assert kinds.count("attacker") <= 1
    assert told.result.trace is not None
    actors = dict.fromkeys(step.actor for step in told.result.trace if step.actor != "attacker")
    assert [lane.label for lane in drawn.lanes if lane.kind == "actor"] == list(actors)


@given(lifecycles())
def test_a_drawn_trace_is_told_as_it_happens(text: str) -> None:
    for told in decided(text):
        drawn = sequence(*told)
        follows(told, drawn)
        stands(told, drawn)


@pytest.mark.parametrize("name", ["safe.policy.toml", "flash.policy.toml", "vault.kf"])
def test_a_checked_trace_is_told_as_it_happens(tmp_path: Path, name: str) -> None:
    lifecycle, policy, results = checked(furnish(tmp_path) / name)
    drawn = 0
    for result in results.values():
        if result.trace is not None:
            follows(Told(lifecycle, policy, result), sequence(lifecycle, policy, result))
            drawn += 1
    assert drawn


def test_a_break_of_the_library_fills_the_attackers_lane() -> None:
    path = folder("models") / "policies" / "tdx-1.5-flash-on-by-default.policy.toml"
    lifecycle, policy, results = checked(path, "confidentiality")
    told = Told(lifecycle, policy, results["confidentiality"])
    drawn = sequence(*told)
    follows(told, drawn)
    stands(told, drawn)
    *earlier, last = drawn.moments
    assert [len(moment.knows) for moment in earlier] == sorted(len(moment.knows) for moment in earlier)
    goal = last.knows[-1]
    assert goal.startswith("memory[")
    assert all(goal not in moment.knows for moment in earlier)
    assert (
        drawn.outcome
        == "VIOLATED in 5 steps: an attacker with these capabilities computes memory from what it has seen"
    )
    assert drawn.notes == ("the attacker (storage_thief) can: steal_disk, incomplete_erase",)


LEFT = """
lifecycle left "a key and what it opens" status assumed
capability steal "reads the disk"
component chip inside
secret k, m
public label
place safe persistent at chip starts with k
place ram volatile at chip starts with m
place disk persistent at chip
exposes disk to steal
action save by chip then disk gains enc(kdf("key", k, label), m) using safe, ram; clear ram
property gone when did save never m recoverable
property secret_ never attacker knows m
"""


def test_what_only_a_place_holds_is_not_the_attackers() -> None:
    """What is left gives the secret back, but nobody has computed it from there yet."""
    (told,) = decided(LEFT)
    assert told.result.property == "gone"
    assert told.result.knowledge is not None
    cipher = 'enc(kdf("key", k, label), m)'
    (moment,) = sequence(*told).moments
    assert moment.knows == (cipher,)
    assert [(m.source, m.target, m.label, m.kind) for m in moment.messages] == [
        ("actor:chip", "place:ram", "m", "erases"),
        ("actor:chip", "place:disk", cipher, "writes"),
        ("place:disk", "attacker", f"{cipher} by steal", "seen"),
    ]


def test_who_saw_it_alone_or_together() -> None:
    """Any of several exposures is enough; the capabilities of one are needed together."""
    several = LEFT.replace('capability steal "reads the disk"', "capability steal capability open capability read")
    (told,) = decided(several.replace("exposes disk to steal", "exposes disk to steal exposes disk to open and read"))
    (moment,) = sequence(*told).moments
    assert moment.messages[-1].label.endswith(" by steal or open and read")


SWAP = """
lifecycle swap "one thing for another" status assumed
component chip inside
secret old, new
public label
place ram volatile at chip starts with old
action swap by chip when ram has old then ram becomes {new, label}
property kept never ram has new
"""


def test_a_place_may_lose_and_gain_at_once() -> None:
    (told,) = decided(SWAP)
    (moment,) = sequence(*told).moments
    assert [(m.target, m.label, m.kind) for m in moment.messages] == [
        ("place:ram", "old", "erases"),
        ("place:ram", "new, label", "writes"),
    ]


def test_a_benefit_has_no_attacker(tmp_path: Path) -> None:
    lifecycle, policy, results = checked(furnish(tmp_path) / "safe.policy.toml", "restores")
    drawn = sequence(lifecycle, policy, results["restores"])
    assert {lane.kind for lane in drawn.lanes} == {"actor", "place"}
    assert drawn.notes == ()
    assert drawn.outcome == "POSSIBLE in 2 steps: it can"


def test_a_verdict_without_a_trace_says_so(tmp_path: Path) -> None:
    lifecycle, policy, results = checked(furnish(tmp_path) / "safe.policy.toml", "secrecy")
    with pytest.raises(UndrawableError) as error:
        sequence(lifecycle, policy, results["secrecy"])
    assert error.value.message == "`secrecy` is PROVED under `safe`: there is no trace to draw"
    assert "VIOLATED" in error.value.help
