"""For each bit, the settings under which it can ever be true, and those under which it can ever be false.

A bound from above. Two functions of the settings for each node of the circuit, as if its fan-ins were independent but
for the settings; inputs are free, frozen latches are what they are; latches grow to the least fixpoint. That a bit
holds only under the settings found for it is an inductive invariant, and one that a person can read. It is ternary
simulation (Seger, Bryant, FMSD 1995) with a set of settings in the place of each of its two bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyfate.engines.circuit import LEAF, Circuit
from keyfate.engines.propagation import settle
from keyfate.engines.sat import Clock
from keyfate.engines.space import Cube, Function, Space


@dataclass(frozen=True)
class Bound:
    """`ones` and `zeros`: of each node, the settings under which it can be true, and false."""

    ones: Sequence[Function]
    zeros: Sequence[Function]

    def can(self, literal: int) -> Function:
        """The settings under which the literal can be true."""
        return self.zeros[literal >> 1] if literal & 1 else self.ones[literal >> 1]

    def facts(self, circuit: Circuit, space: Space, admissible: Function) -> tuple[tuple[int, ...], ...]:
        """What it says of each latch that moves, as clauses that always hold under admissible settings."""
        covers: dict[Function, tuple[Cube, ...]] = {}
        facts = []
        inadmissible = space.negated(admissible)
        for latch in circuit.latches:
            if latch.frozen:
                continue
            for literal in (latch.literal, latch.literal ^ 1):
                never = admissible & ~self.can(literal)
                if never not in covers:
                    covers[never] = space.cover(never, never | inadmissible)
                facts += [(*space.clause(cube), literal ^ 1) for cube in covers[never]]
        return tuple(facts)


def bound(circuit: Circuit, space: Space, readers: Sequence[Sequence[int]], clock: Clock) -> Bound:
    """The least such functions. Raises OutOfBudgetError, MemoryError."""
    left, right = circuit.left, circuit.right
    ones = [space.false] * len(left)
    zeros = [space.false] * len(left)
    zeros[0] = space.all
    result = Bound(ones, zeros)
    moving = [latch for latch in circuit.latches if not latch.frozen]
    for moved in circuit.latches:
        node = moved.literal >> 1
        if moved.frozen:
            ones[node] = space.latches[moved.literal]
            zeros[node] = space.negated(ones[node])
        elif moved.initial is None:
            ones[node] = zeros[node] = space.all
    for literal in circuit.inputs:
        ones[literal >> 1] = zeros[literal >> 1] = space.all

    def gate(node: int) -> bool:
        """Look at the gate again: did it grow?"""
        a, b = left[node], right[node]
        x, y = a >> 1, b >> 1
        if a & 1:
            one, zero = zeros[x], ones[x]
        else:
            one, zero = ones[x], zeros[x]
        if b & 1:
            one, zero = one & zeros[y], zero | ones[y]
        else:
            one, zero = one & ones[y], zero | zeros[y]
        if one == ones[node] and zero == zeros[node]:
            return False
        ones[node], zeros[node] = one, zero
        return True

    def latch(node: int) -> bool:
        one = ones[node] | result.can(after[node])
        zero = zeros[node] | result.can(after[node] ^ 1)
        if one == ones[node] and zero == zeros[node]:
            return False
        ones[node], zeros[node] = one, zero
        return True

    gates = [node for node, fan in enumerate(left) if fan != LEAF]
    for node in gates:
        gate(node)
    for moved in moving:
        if moved.initial is not None:
            ones[moved.literal >> 1] = result.can(moved.initial)
            zeros[moved.literal >> 1] = result.can(moved.initial ^ 1)
    after = {moved.literal >> 1: moved.next for moved in moving}
    driven: dict[int, list[int]] = {}  # node -> latches whose next value it is
    for node, following in after.items():
        driven.setdefault(following >> 1, []).append(node)
    pending: Iterable[int] = gates
    candidates = dict.fromkeys(after)
    while True:
        clock.check()
        for touched in settle(pending, readers, gate):
            candidates.update(dict.fromkeys(driven.get(touched, ())))
        grown = [node for node in candidates if latch(node)]
        if not grown:
            return result
        candidates = dict.fromkeys(other for node in grown for other in driven.get(node, ()))
        pending = [reader for node in grown for reader in readers[node]]
