"""Exchanging members: what is a permutation, and that a renamed run is believed only where it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from keyfate.checking.assembling import assemble
from keyfate.checking.judges import Court, Deadline
from keyfate.checking.possible import decide
from keyfate.language.loading import load_text
from keyfate.language.typed import Message
from keyfate.lifecycle.names import ActionName, StateName
from keyfate.lifecycle.problem import Budget, Finding, Problem, Reached, Settings, Trace
from keyfate.lifecycle.renaming import exchange
from keyfate.lifecycle.renaming import steps as renamed
from vault import LIFECYCLE


@pytest.mark.parametrize(
    ("before", "after", "members"),
    [
        ({"t": "a"}, {"t": "b"}, {"a": "b", "b": "a"}),
        ({"t": "a"}, {"t": "a"}, {"a": "a"}),
        ({"t": "a", "u": "b"}, {"t": "b", "u": "c"}, {"a": "b", "b": "c", "c": "a"}),
        ({"t": "a", "u": "b"}, {"t": "c", "u": "c"}, None),
        ({"t": "a", "u": "a"}, {"t": "a", "u": "b"}, None),
        ({"t": 0}, {"t": 1}, None),
        ({"t": 0}, {"t": 0}, {0: 0}),
        ({"t": None}, {"t": "a"}, None),
    ],
)
def test_an_exchange_is_a_permutation_of_members(before: dict, after: dict, members: dict | None) -> None:
    assert exchange(before, after) == members


def test_a_renamed_trace_keeps_its_setting() -> None:
    trace = Trace(
        (),
        (),
        ((StateName("s", ("a",)), "b"), (StateName("n"), None)),
        (ActionName("go", ("a", 1, True, Message("m", ("b",)))),),
    )
    assert renamed(trace, {"a": "b", "b": "a"}) == Trace(
        (),
        (),
        ((StateName("s", ("b",)), "a"), (StateName("n"), None)),
        (ActionName("go", ("b", 1, True, Message("m", ("a",)))),),
    )


class Counting:
    """An engine that remembers what it was asked."""

    def __init__(self, court: Court) -> None:
        self.court = court
        self.found: list[Finding] = []

    def decide(self, problem: Problem, budget: Budget | None = None) -> Finding:
        self.found.append(self.court.engine.decide(problem, budget or Budget()))
        return self.found[-1]


def asked(text: str) -> tuple[str, int, list[Finding]]:
    """Verdict, length of the witness, and what the engine was asked, of `restores`."""
    lifecycle = load_text(text, str(Path("vault.kf"))).lifecycle
    court = assemble(lifecycle, "auto")
    engine = Counting(court)
    rule = next(r for r in lifecycle.properties if r.name == "restores")
    first = decide(court, rule, Settings(), Deadline()).witness
    assert first is not None
    assert isinstance(first.finding, Reached)
    controls = dict(first.finding.trace.controls)
    found = decide(replace(court, engine=engine, name="x"), rule, Settings(controls), Deadline())
    assert found.witness is not None
    assert isinstance(found.witness.finding, Reached)
    return found.verdict, len(found.witness.finding.trace.actions), engine.found


def test_a_witness_for_one_member_serves_the_other() -> None:
    verdict, steps, findings = asked(LIFECYCLE)
    assert (verdict, steps, len(findings)) == ("POSSIBLE", 2, 1)


def test_a_witness_is_renamed_where_it_must_be() -> None:
    chosen = LIFECYCLE.replace("action stop ", "action stop[w: Shelf] ").replace("if saving {", "if saving and s = w {")
    verdict, steps, findings = asked(chosen)
    assert (verdict, steps, len(findings)) == ("POSSIBLE", 2, 1)


def test_a_member_that_is_treated_otherwise_is_asked_about() -> None:
    late = LIFECYCLE.replace("if saving {", "if saving and (s = left or uses = 2) {")
    verdict, steps, findings = asked(late)
    assert (verdict, steps, len(findings)) == ("POSSIBLE", 4, 2)
