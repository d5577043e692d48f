"""The closure as a circuit says what the plain deduction says, key cycles included."""

from __future__ import annotations

import random

import pytest

from keyfate.engines.circuit import Graph, evaluate, value_of
from keyfate.engines.knowledge import Closure
from keyfate.lifecycle.deduction import Deduction, subterms
from keyfate.lifecycle.names import Atom, Compound, Term

ATOMS: list[Term] = [*(Atom(f"k{n}", (), False) for n in range(5)), Atom("p", (), True)]


def random_term(draw: random.Random, pool: list[Term]) -> Term:
    a, b = draw.choice(pool), draw.choice(pool)
    return draw.choice(
        [
            Compound("enc", None, (a, b)),
            Compound("wrap", None, (a, b)),
            Compound("page", None, (a, ATOMS[-1], b)),
            Compound("aenc", None, (Compound("pub", None, (a,)), b)),
            Compound("pair", None, (a, b)),
            Compound("kdf", "l", (a, b)),
            Compound("hash", None, (a,)),
        ]
    )


@pytest.mark.parametrize("seed", range(60))
def test_closure_is_the_deduction(seed: int) -> None:
    draw = random.Random(seed)
    pool = list(ATOMS)
    for _ in range(12):
        pool.append(random_term(draw, pool))
    universe = list(dict.fromkeys(part for term in pool for part in subterms(term)))
    deduction = Deduction(universe)
    graph = Graph()
    held = draw.sample(universe, min(7, len(universe)))
    leaves = {term: graph.leaf() for term in held}
    closure = Closure(graph, leaves, deduction)
    known = {term: closure.known(term) for term in draw.sample(universe, len(universe))}
    cases = 1 << len(held)
    mask = (1 << cases) - 1
    columns = {
        leaf: sum(1 << case for case in range(cases) if case >> at & 1) for at, leaf in enumerate(leaves.values())
    }
    values = evaluate(graph.left, graph.right, columns, mask)
    for case in range(cases):
        truth = deduction.closure(term for at, term in enumerate(held) if case >> at & 1)
        for term, literal in known.items():
            assert (value_of(values, literal, mask) >> case & 1) == (term in truth), (case, str(term))


def test_a_cycle_of_wrapped_keys_takes_rounds() -> None:
    keys = ATOMS[:4]
    wraps = [Compound("wrap", None, (keys[n], keys[(n + 1) % 4])) for n in range(4)]
    deduction = Deduction([*ATOMS, *wraps])
    graph = Graph()
    leaves = {term: graph.leaf() for term in [keys[2], *wraps]}
    literal = Closure(graph, leaves, deduction).known(keys[1])  # k2 opens k3, k3 opens k0, k0 opens k1
    everything = dict.fromkeys(leaves.values(), 1)
    assert value_of(evaluate(graph.left, graph.right, everything), literal)
    for missing in (keys[2], wraps[2], wraps[3], wraps[0]):
        values = evaluate(graph.left, graph.right, {**everything, leaves[missing]: 0})
        assert not value_of(values, literal), str(missing)
    values = evaluate(graph.left, graph.right, {**everything, leaves[wraps[1]]: 0})
    assert value_of(values, literal)
