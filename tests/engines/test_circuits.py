"""Bounded search and IC3 on random circuits, against explicit search."""

from __future__ import annotations

import pytest

from engines.circuits import distance, is_bad, is_first, random_circuit, states, successors, values
from keyfate.engines.circuit import Circuit, Graph, Latch, value_of
from keyfate.engines.ic3 import Broken, Open, Proof, prove
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.search import search
from keyfate.lifecycle.names import StateIs, StateName
from keyfate.lifecycle.problem import Budget

CLOCK = Clock(Budget())
BATCHES = [range(start, start + 50) for start in range(0, 400, 50)]


def satisfies(circuit: Circuit, clauses: tuple[tuple[int, ...], ...], state: tuple[int, ...]) -> bool:
    known = values(circuit, state)
    return value_of(known, circuit.constraint) == 1 and all(
        any(value_of(known, literal) for literal in clause) for clause in (*clauses, *circuit.known)
    )


@pytest.mark.parametrize("seeds", BATCHES, ids=str)
def test_search_finds_shortest_runs(seeds: range) -> None:
    for seed in seeds:
        circuit = random_circuit(seed)
        shortest = distance(circuit)
        run = search(circuit, CLOCK, steps=40)
        assert (None if run is None else len(run.inputs)) == shortest, seed
        if run is None:
            continue
        leaves = {latch: int(value) for latch, value in run.first.items()}
        begin = circuit.evaluate(leaves)
        state = tuple(
            leaves[latch.literal] if latch.initial is None else value_of(begin, latch.initial)
            for latch in circuit.latches
        )
        assert is_first(circuit, state)
        for chosen in run.inputs:
            known = values(circuit, state, tuple(int(chosen[literal]) for literal in circuit.inputs))
            state = tuple(value_of(known, latch.next) for latch in circuit.latches)
        assert is_bad(circuit, state), seed


@pytest.mark.parametrize("seeds", BATCHES, ids=str)
def test_ic3_decides(seeds: range) -> None:
    proofs = 0
    for seed in seeds:
        circuit = random_circuit(seed)
        shortest = distance(circuit)
        answer = prove(circuit, CLOCK)
        assert isinstance(answer, Proof) == (shortest is None), seed
        if isinstance(answer, Broken):
            assert shortest is not None
            assert shortest <= answer.within, seed
        if isinstance(answer, Proof):
            proofs += bool(answer.clauses)
            inside = {state for state in states(circuit) if satisfies(circuit, answer.clauses, state)}
            for state in states(circuit):
                assert state in inside or not is_first(circuit, state), seed
            for state in inside:
                assert not is_bad(circuit, state), seed
                assert successors(circuit, state) <= inside, seed
    assert proofs  # the batch asks something of the proof


def counter(bits: int) -> Circuit:
    """A counter that wraps; bad at its highest number."""
    graph = Graph()
    state = [graph.leaf() for _ in range(bits)]
    carry, latches = 1, []
    for literal in state:
        flipped = graph.choose(carry, literal ^ 1, literal)
        carry = graph.both(carry, literal)
        latches.append(Latch(literal, flipped, 0, False, StateIs(StateName("bit", (literal,)), True)))
    bad = graph.all(state)
    return Circuit(tuple(graph.left), tuple(graph.right), (), tuple(latches), 1, (), bad, (bad,))


def test_a_deep_run_has_its_length() -> None:
    run = search(counter(5), CLOCK)
    assert run is not None
    assert len(run.inputs) == 31
    assert isinstance(prove(counter(4), CLOCK), Broken)


def test_limits_end_in_no_answer() -> None:
    assert search(counter(6), CLOCK, steps=10) is None
    assert prove(counter(6), CLOCK, steps=10) == Open(10)
    with pytest.raises(OutOfBudgetError, match="0 s"):
        search(counter(6), Clock(Budget(seconds=0)))
    with pytest.raises(OutOfBudgetError, match="0 s"):
        prove(counter(6), Clock(Budget(seconds=0)))
