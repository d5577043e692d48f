"""Random small circuits, and the explicit search that tells what is true of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from keyfate.engines.circuit import Circuit, Graph, Latch, value_of
from keyfate.lifecycle.names import CapabilityName, CapabilityOn, StateIs, StateName


def random_circuit(seed: int) -> Circuit:
    """A circuit of a few latches: constant, dependent, free and frozen ones, a constraint, a one-hot pair."""
    draw = random.Random(seed)
    graph = Graph()
    frozen = [graph.leaf() for _ in range(draw.randint(0, 2))]
    state = [graph.leaf() for _ in range(draw.randint(1, 5))]
    inputs = [graph.leaf() for _ in range(draw.randint(0, 2))]

    def some(literals: list[int], gates: int) -> list[int]:
        pool = list(literals)
        for _ in range(gates):
            a, b = (draw.choice(pool) ^ draw.randint(0, 1) for _ in range(2))
            pool.append(graph.both(a, b) if draw.random() < 0.7 else graph.choose(draw.choice(pool), a, b))
        return pool

    first = some([0, *frozen], 3)
    gates = some([*frozen, *state, *inputs], draw.randint(3, 25))
    late = gates[len(gates) // 2 :]
    latches = [Latch(f, f, None, True, CapabilityOn(CapabilityName("frozen", (f,)))) for f in frozen]
    for literal in state:
        kind = draw.random()
        initial = None if kind < 0.1 else draw.choice(first) ^ draw.randint(0, 1) if kind < 0.3 else draw.randint(0, 1)
        name = StateIs(StateName("state", (literal,)), True)
        latches.append(Latch(literal, draw.choice(late) ^ draw.randint(0, 1), initial, False, name))
    parts = tuple(
        graph.all(draw.choice(state) ^ draw.randint(0, 1) for _ in range(draw.randint(1, 3)))
        for _ in range(draw.randint(1, 2))
    )
    bad = graph.any(parts)
    constraint = graph.either(frozen[0], frozen[1]) if len(frozen) == 2 and draw.random() < 0.5 else 1
    return Circuit(tuple(graph.left), tuple(graph.right), tuple(inputs), tuple(latches), constraint, (), bad, parts)


def states(circuit: Circuit) -> Iterator[tuple[int, ...]]:
    yield from itertools.product((0, 1), repeat=len(circuit.latches))


def values(circuit: Circuit, state: tuple[int, ...], inputs: tuple[int, ...] = ()) -> list[int]:
    leaves = {latch.literal: bit for latch, bit in zip(circuit.latches, state, strict=True)}
    leaves.update(zip(circuit.inputs, inputs, strict=False))
    return circuit.evaluate(leaves)


def is_first(circuit: Circuit, state: tuple[int, ...]) -> bool:
    known = values(circuit, state)
    return (
        value_of(known, circuit.constraint) == 1
        and all(any(value_of(known, literal) for literal in clause) for clause in circuit.known)
        and all(
            latch.initial is None or value_of(known, latch.initial) == bit
            for latch, bit in zip(circuit.latches, state, strict=True)
        )
    )


def successors(circuit: Circuit, state: tuple[int, ...]) -> set[tuple[int, ...]]:
    found = set()
    for inputs in itertools.product((0, 1), repeat=len(circuit.inputs)):
        known = values(circuit, state, inputs)
        found.add(tuple(value_of(known, latch.next) for latch in circuit.latches))
    return found


def is_bad(circuit: Circuit, state: tuple[int, ...]) -> bool:
    return value_of(values(circuit, state), circuit.bad) == 1


def satisfies(circuit: Circuit, clauses: tuple[tuple[int, ...], ...], state: tuple[int, ...]) -> bool:
    known = values(circuit, state)
    return value_of(known, circuit.constraint) == 1 and all(
        any(value_of(known, literal) for literal in clause) for clause in (*clauses, *circuit.known)
    )


def distance(circuit: Circuit) -> int | None:
    """Steps of a shortest run to bad, by breadth-first search; None where there is none."""
    front = {state for state in states(circuit) if is_first(circuit, state)}
    seen = set(front)
    steps = 0
    while front:
        if any(is_bad(circuit, state) for state in front):
            return steps
        front = {after for state in front for after in successors(circuit, state)} - seen
        seen |= front
        steps += 1
    return None
