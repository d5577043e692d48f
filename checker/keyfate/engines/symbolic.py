"""Under which settings given steps lead to a literal: the circuit simulated with its settings left open.

Free first values and inputs are those of a run, so that every node is a function of the settings alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from keyfate.engines.circuit import LEAF, Circuit
from keyfate.engines.propagation import settle
from keyfate.engines.search import Run
from keyfate.engines.space import Function, Space


class Simulation:
    """Runs of one circuit. What the first states share is computed once. Every method may raise MemoryError."""

    def __init__(self, circuit: Circuit, space: Space, readers: Sequence[Sequence[int]]) -> None:
        self._circuit = circuit
        self._space = space
        self._readers = readers
        self._moving = [latch for latch in circuit.latches if not latch.frozen]
        self._free = frozenset(latch.literal for latch in self._moving if latch.initial is None)
        self._begin = [space.false] * len(circuit.left)
        for latch in circuit.latches:
            if latch.frozen:
                self._begin[latch.literal >> 1] = space.latches[latch.literal]
        for node, fan in enumerate(circuit.left):
            if fan != LEAF:
                self._gate(self._begin, node)

    def leads(self, run: Run, literal: int, fires: Iterable[int]) -> tuple[Function, tuple[int, ...]]:
        """The settings under which the run, with its own free first values, ends where `literal` holds; and which of
        the literals in `fires` hold on the way under its own setting, in order."""
        own = self._space.all
        for latch, settings in self._space.latches.items():
            own = own & (settings if run.first[latch] else ~settings)
        fires = tuple(fires)
        fired: list[int] = []
        values = list(self._begin)
        self._change(
            values, {latch: self._constant(value) for latch, value in run.first.items() if latch in self._free}
        )
        self._change(
            values,
            {latch.literal: _read(values, latch.initial) for latch in self._moving if latch.initial is not None},
        )
        for inputs in run.inputs:
            self._change(values, {name: self._constant(value) for name, value in inputs.items()})
            fired += [fire for fire in fires if (_read(values, fire) & own).satisfiable()]
            self._change(values, {latch.literal: _read(values, latch.next) for latch in self._moving})
        return _read(values, literal) & self._space.all, tuple(fired)

    def settings(self, literal: int) -> Function:
        """The settings under which a literal over frozen latches holds."""
        return _read(self._begin, literal) & self._space.all

    def _constant(self, value: bool) -> Function:
        return self._space.all if value else self._space.false

    def _gate(self, values: list[Function], node: int) -> bool:
        """Compute the gate again: has it changed?"""
        value = _read(values, self._circuit.left[node]) & _read(values, self._circuit.right[node])
        if value == values[node]:
            return False
        values[node] = value
        return True

    def _change(self, values: list[Function], leaves: Mapping[int, Function]) -> None:
        touched: dict[int, None] = {}
        for literal, value in leaves.items():
            if value != values[literal >> 1]:
                values[literal >> 1] = value
                touched.update(dict.fromkeys(self._readers[literal >> 1]))
        for _ in settle(touched, self._readers, lambda node: self._gate(values, node)):
            pass


def _read(values: Sequence[Function], literal: int) -> Function:
    # Outside of all settings a negation may hold what it likes: the end is confined to them.
    return ~values[literal >> 1] if literal & 1 else values[literal >> 1]
