"""A proof without what it does not need is one still."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from engines.circuits import distance, is_bad, is_first, random_circuit, satisfies, states, successors
from keyfate.engines.circuit import Circuit
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.shrinking import shrunk
from keyfate.lifecycle.problem import Budget

State = tuple[int, ...]


def reachable(circuit: Circuit) -> set[State]:
    found: set[State] = set()
    front = {state for state in states(circuit) if is_first(circuit, state)}
    while front:
        found |= front
        front = {after for state in front for after in successors(circuit, state)} - found
    return found


def outside(circuit: Circuit, inside: set[State]) -> list[tuple[int, ...]]:
    """A clause for each state outside: together the strongest proof there is, and a long one."""
    literals = [latch.literal for latch in circuit.latches]
    return [
        tuple(literal ^ bit for literal, bit in zip(literals, state, strict=True))
        for state in states(circuit)
        if state not in inside
    ]


def safe_circuits() -> list[tuple[int, Circuit]]:
    return [(seed, circuit) for seed in range(250) if distance(circuit := random_circuit(seed)) is None]


def test_what_is_left_is_a_proof() -> None:
    fewer = 0
    for seed, circuit in safe_circuits():
        clauses = outside(circuit, reachable(circuit))
        random.Random(seed).shuffle(clauses)
        left = shrunk(circuit, clauses, Clock(Budget()))
        assert [clause for clause in clauses if clause in left] == list(left), seed
        fewer += len(left) < len(clauses)
        inside = {state for state in states(circuit) if satisfies(circuit, left, state)}
        for state in inside:
            assert not is_bad(circuit, state), seed
            assert successors(circuit, state) <= inside, seed
    assert fewer > 50


def test_settings_that_are_excluded_are_no_matter() -> None:
    fewer = 0
    for seed in range(250):
        circuit = random_circuit(seed)
        frozen = [latch.literal for latch in circuit.latches if latch.frozen]
        left_out = replace(circuit, known=(*circuit.known, (frozen[0],))) if frozen else circuit
        if not frozen or distance(left_out) is not None:
            continue
        inside = reachable(left_out)
        inside |= {state for state in states(circuit) if not satisfies(left_out, (), state)}  # of these it says nothing
        clauses = outside(left_out, inside)
        proof = shrunk(circuit, clauses, Clock(Budget()), [(frozen[0],)])
        fewer += distance(circuit) is not None
        inside = {state for state in states(left_out) if satisfies(left_out, proof, state)}
        for state in inside:
            assert not is_bad(left_out, state), seed
            assert successors(left_out, state) <= inside, seed
    assert fewer  # some break where nothing is excluded


def test_what_is_no_proof_is_not_made_one() -> None:
    circuit = next(circuit for seed in range(100) if distance(circuit := random_circuit(seed)) not in (None, 0))
    with pytest.raises(AssertionError, match="are a proof"):
        shrunk(circuit, (), Clock(Budget()))


def test_time_ends_it() -> None:
    _, circuit = safe_circuits()[0]
    with pytest.raises(OutOfBudgetError):
        shrunk(circuit, outside(circuit, reachable(circuit)), Clock(Budget(0.0)))
