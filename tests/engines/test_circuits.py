"""Bounded search and IC3 on random circuits, against explicit search."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from engines.circuits import distance, is_bad, is_first, random_circuit, satisfies, states, successors, values
from keyfate.engines import ic3
from keyfate.engines.circuit import Circuit, Graph, Latch, value_of
from keyfate.engines.ic3 import Answer, Broken, Open, Pdr, Proof, prove
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.search import search
from keyfate.lifecycle.names import StateIs, StateName
from keyfate.lifecycle.problem import Budget

CLOCK = Clock(Budget())
BATCHES = [range(start, start + 50) for start in range(0, 400, 50)]


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


@pytest.mark.parametrize("stale", [0, 3, 1_000])
def test_a_proof_goes_on_where_settings_are_left_out(stale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At any moment, with solvers that are replaced at once, sometimes, or never."""
    monkeypatch.setattr(ic3, "_STALE", stale)
    mattered = 0
    for seed in range(300):
        circuit = random_circuit(seed)
        frozen = [latch.literal for latch in circuit.latches if latch.frozen]
        if not frozen:
            continue
        draw = random.Random(seed)
        clause = tuple(literal ^ draw.randint(0, 1) for literal in frozen[: draw.randint(1, 2)])
        left = replace(circuit, known=(*circuit.known, clause))
        shortest = distance(left)
        mattered += shortest != distance(circuit)
        pdr, late, resting = Pdr(circuit, CLOCK), draw.choice((0, 0, 1, 3)), 0
        working = pdr.run(None)
        answer: Answer | None = None
        while answer is None:
            if resting == late:
                pdr.constrain(clause)
            resting += 1
            try:
                next(working)
            except StopIteration as end:
                answer = end.value
        if resting <= late:  # it came to its end before
            assert isinstance(answer, Proof) == (distance(circuit) is None), seed
        elif isinstance(answer, Proof):
            assert shortest is None, seed
            inside = {state for state in states(left) if satisfies(left, answer.clauses, state)}
            assert {state for state in states(left) if is_first(left, state)} <= inside, seed
            for state in inside:
                assert not is_bad(left, state), seed
                assert successors(left, state) <= inside, seed
        else:  # what was left out last may have broken before
            assert (distance(circuit) if late else shortest) is not None, seed
    assert mattered  # the clause changes the answer somewhere


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


def test_without_a_first_state_nothing_is_reached() -> None:
    bits = counter(3)
    none = Latch(bits.latches[0].literal, bits.latches[0].next, None, False, bits.latches[0].name)
    free = replace(bits, latches=(none, *bits.latches[1:]), known=((none.literal,), (none.literal ^ 1,)))
    assert prove(free, CLOCK) == Proof(((),), 0)


def test_limits_end_in_no_answer() -> None:
    assert search(counter(6), CLOCK, steps=10) is None
    assert prove(counter(6), CLOCK, steps=10) == Open(10)
    with pytest.raises(OutOfBudgetError, match="0 s"):
        search(counter(6), Clock(Budget(seconds=0)))
    with pytest.raises(OutOfBudgetError, match="0 s"):
        prove(counter(6), Clock(Budget(seconds=0)))
