"""What earlier proofs say of the next question: all of it that holds, and nothing else."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from engines.circuits import is_first, random_circuit, satisfies, states, successors
from keyfate.certifier.certify import Certifier
from keyfate.engines import decide
from keyfate.engines.circuit import Circuit
from keyfate.engines.decide import Engine
from keyfate.engines.lemmas import Lemmas, inductive
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.language.loading import load_text
from keyfate.lifecycle.names import ControlName
from keyfate.lifecycle.problem import Budget, Problem, Reach, Settings, Unreachable

Clauses = tuple[tuple[int, ...], ...]


def candidates(circuit: Circuit, seed: int) -> Clauses:
    """Every clause of one or two latches, in some order: most are wrong, and some lean on each other."""
    literals = [latch.literal ^ sign for latch in circuit.latches for sign in (0, 1)]
    pairs = [(a, b) for a, b in itertools.combinations(literals, 2) if a >> 1 != b >> 1]
    clauses = [*((literal,) for literal in literals), *pairs]
    random.Random(seed).shuffle(clauses)
    return tuple(clauses[:40])


def largest(circuit: Circuit, clauses: Clauses) -> Clauses:
    """By looking at every state: what holds at first, less what some step breaks, until none does."""
    every = list(states(circuit))
    left = [c for c in clauses if all(satisfies(circuit, (c,), s) for s in every if is_first(circuit, s))]
    while True:
        inside = [s for s in every if satisfies(circuit, tuple(left), s)]
        after = {then for s in inside for then in successors(circuit, s)}
        kept = [c for c in left if all(_holds(circuit, c, then) for then in after)]
        if kept == left:
            return tuple(left)
        left = kept


def _holds(circuit: Circuit, clause: tuple[int, ...], state: tuple[int, ...]) -> bool:
    values = {latch.literal: bit for latch, bit in zip(circuit.latches, state, strict=True)}
    return any(values[literal & ~1] ^ (literal & 1) for literal in clause)


@pytest.mark.parametrize("seed", range(60))
def test_the_largest_part_that_is_inductive_is_kept(seed: int) -> None:
    circuit = random_circuit(seed)
    clauses = candidates(circuit, seed)
    assert inductive(circuit, clauses, Clock(Budget())) == largest(circuit, clauses)


def test_some_of_them_are_kept_and_some_are_not() -> None:
    kept = total = 0
    for seed in range(60):
        circuit = random_circuit(seed)
        clauses = candidates(circuit, seed)
        kept += len(inductive(circuit, clauses, Clock(Budget())))
        total += len(clauses)
    assert 50 < kept < total - 50


def test_what_is_known_helps() -> None:
    """Of a part that leans on itself one half is kept where the other is known, and not always alone."""
    leaning = 0
    for seed in range(60):
        circuit = random_circuit(seed)
        whole = inductive(circuit, candidates(circuit, seed), Clock(Budget()))
        half, rest = whole[::2], whole[1::2]
        known = replace(circuit, known=(*circuit.known, *half))
        assert inductive(known, rest, Clock(Budget())) == rest
        leaning += inductive(circuit, rest, Clock(Budget())) != rest
    assert leaning


def test_time_that_is_up_is_told() -> None:
    circuit = random_circuit(1)
    with pytest.raises(OutOfBudgetError):
        inductive(circuit, candidates(circuit, 1), Clock(Budget(0)))


RING = """\
lifecycle ring "three lamps, of which one is lit"
  source "made up" status assumed
component cpu inside
control color : red | blue
state a : bool = true
state b : bool = false
state c : bool = false
action ab by cpu when a then a := false; b := true
action bc by cpu when b then b := false; c := true
action ca by cpu when c then c := false; a := true
action ba by cpu when b and color = red then b := false; a := true
property never_both "a and b are not lit together" never a and b
property never_each "a and c are not lit together, nor b and c" never c and (a or b)
"""


def test_a_proof_begins_with_what_others_know_under_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """That one lamp is lit is what keeps both properties: the second has it from the first."""
    of = load_text(RING).lifecycle
    proving = decide.proving
    told: list[int] = []

    def listening(circuit: Circuit, *rest: Any) -> Any:
        told.append(len(circuit.known))
        return proving(circuit, *rest)

    monkeypatch.setattr(decide, "proving", listening)
    for remembering, some in ((False, [0, 0, 0, 0]), (True, [0, 3, 0, 3])):
        told.clear()
        engine, certifier = Engine(of, remembering=remembering), Certifier(of)
        for color in ("red", "blue"):
            for rule in of.properties:
                settings = Settings({ControlName("color"): color})
                problem = Problem(of, settings, Reach(rule.binders, rule.target))
                found = engine.decide(problem)
                assert isinstance(found, Unreachable)
                assert certifier.certify(problem, found).accepted
        assert told == some


def test_of_what_can_be_seen_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No solver is loaded for a question that folding has answered."""
    of = load_text(RING + 'property dark "no lamp is green" never a and not a\n').lifecycle
    engine = Engine(of, remembering=True)
    both, _, dark = (Problem(of, Settings(), Reach(rule.binders, rule.target)) for rule in of.properties)
    assert isinstance(engine.decide(both), Unreachable)
    monkeypatch.setattr(Lemmas, "facts", None)
    assert isinstance(engine.decide(dark), Unreachable)
