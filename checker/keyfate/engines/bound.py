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
    return _Growth(circuit, space).fixpoint(readers, clock)


class _Growth:
    """Functions that grow from those of the leaves to the least fixpoint."""

    def __init__(self, circuit: Circuit, space: Space) -> None:
        self._left, self._right = circuit.left, circuit.right
        self._ones = ones = [space.false] * len(circuit.left)
        self._zeros = zeros = [space.false] * len(circuit.left)
        self._bound = Bound(ones, zeros)
        self._gates = [node for node, fan in enumerate(circuit.left) if fan != LEAF]
        self._after = {latch.literal >> 1: latch.next for latch in circuit.latches if not latch.frozen}
        self._driven: dict[int, list[int]] = {}  # node -> latches whose next value it is
        for node, following in self._after.items():
            self._driven.setdefault(following >> 1, []).append(node)
        zeros[0] = space.all
        for literal in circuit.inputs:
            ones[literal >> 1] = zeros[literal >> 1] = space.all
        for latch in circuit.latches:
            node = latch.literal >> 1
            if latch.frozen:
                ones[node] = space.latches[latch.literal]
                zeros[node] = space.negated(ones[node])
            elif latch.initial is None:
                ones[node] = zeros[node] = space.all
        for node in self._gates:
            self._gate(node)
        for latch in circuit.latches:
            if not latch.frozen and latch.initial is not None:
                node = latch.literal >> 1
                ones[node], zeros[node] = self._bound.can(latch.initial), self._bound.can(latch.initial ^ 1)

    def fixpoint(self, readers: Sequence[Sequence[int]], clock: Clock) -> Bound:
        """Gates settle, latches take what drives them, until none grows."""
        pending: Iterable[int] = self._gates
        candidates = dict.fromkeys(self._after)
        while True:
            clock.check()
            for touched in settle(pending, readers, self._gate):
                candidates.update(dict.fromkeys(self._driven.get(touched, ())))
            grown = [node for node in candidates if self._latch(node)]
            if not grown:
                return self._bound
            candidates = dict.fromkeys(other for node in grown for other in self._driven.get(node, ()))
            pending = [reader for node in grown for reader in readers[node]]

    def _gate(self, node: int) -> bool:
        """Look at the gate again: did it grow?"""
        ones, zeros = self._ones, self._zeros
        a, b = self._left[node], self._right[node]
        x, y = a >> 1, b >> 1
        one, zero = (zeros[x], ones[x]) if a & 1 else (ones[x], zeros[x])
        if b & 1:
            one, zero = one & zeros[y], zero | ones[y]
        else:
            one, zero = one & ones[y], zero | zeros[y]
        return self._grown(node, one, zero)

    def _latch(self, node: int) -> bool:
        """Look at what drives the latch: did it grow?"""
        after = self._after[node]
        one = self._ones[node] | self._bound.can(after)
        zero = self._zeros[node] | self._bound.can(after ^ 1)
        return self._grown(node, one, zero)

    def _grown(self, node: int, one: Function, zero: Function) -> bool:
        if one == self._ones[node] and zero == self._zeros[node]:
            return False
        self._ones[node], self._zeros[node] = one, zero
        return True
