"""The bits of a state as latches of one growing graph.

A control or state of more than two values is one latch for each (exactly one of them holds), of two values one
latch, of one value none. Latches come into being when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from keyfate.engines.circuit import FALSE, TRUE, Graph
from keyfate.language import typed as t
from keyfate.lifecycle.instances import (
    assignments,
    capability_names,
    control_domains,
    control_names,
)
from keyfate.lifecycle.names import (
    Bit,
    CapabilityName,
    CapabilityOn,
    ControlIs,
    ControlName,
    StateIs,
    StateName,
)
from keyfate.lifecycle.problem import Settings


class Bits:
    """Latches and their names, of one lifecycle."""

    def __init__(self, graph: Graph, lifecycle: t.Lifecycle) -> None:
        self._graph = graph
        self.meaning: dict[int, Bit] = {}  # latch -> its name
        self._latches: dict[Bit, int] = {}
        self.exactly_one: list[tuple[int, ...]] = []
        self.controls: dict[ControlName, Mapping[t.Value, int]] = {}
        self.capabilities: dict[CapabilityName, int] = {}
        self.states: dict[StateName, Mapping[t.Value, int]] = {}
        self.first_values: dict[StateName, tuple[t.State, Mapping[str, t.Value]]] = {}
        domains = control_domains(lifecycle)
        for control in control_names(lifecycle):
            values = domains[control.name].values
            self.controls[control] = self._choice(values, [ControlIs(control, value) for value in values])
        for capability in capability_names(lifecycle):
            self.capabilities[capability] = self.latch(CapabilityOn(capability))
        self.frozen = frozenset(self.meaning)
        for declared in lifecycle.states:
            values = declared.domain.values
            for env in assignments(declared.params):
                name = StateName(declared.name, tuple(env.values()))
                self.states[name] = self._choice(values, [StateIs(name, value) for value in values])
                self.first_values[name] = (declared, env)

    def moved(self, members: Container[t.Value]) -> tuple[int, ...]:
        """The frozen latches of controls and capabilities that name one of these members."""
        names = [name for name in self.capabilities if any(arg in members for arg in name.args)]
        found = [self.capabilities[name] for name in names]
        for control, values in self.controls.items():
            if any(member in members for member in (*control.args, *values)):
                found += [literal & ~1 for literal in values.values() if literal > 1]
        return tuple(dict.fromkeys(found))

    def latch(self, bit: Bit) -> int:
        """The latch of this bit."""
        known = self._latches.get(bit)
        if known is None:
            known = self._latches[bit] = self._graph.leaf()
            self.meaning[known] = bit
        return known

    def known(self, bit: Bit) -> int | None:
        """The latch of this bit, where it has one."""
        return self._latches.get(bit)

    def _choice(self, values: Sequence[t.Value], bits: Sequence[Bit]) -> Mapping[t.Value, int]:
        if len(bits) == 1:
            return {values[0]: TRUE}
        if len(bits) == 2:
            # The one bit of a Boolean says that it is true.
            at = 0 if values[0] is True else 1
            own = self.latch(bits[at])
            return {value: own ^ (position != at) for position, value in enumerate(values)}
        latches = [self.latch(bit) for bit in bits]
        self.exactly_one.append(tuple(latches))
        return dict(zip(values, latches, strict=True))

    def fixed(self, settings: Settings) -> dict[int, int]:
        """The latches that these settings make constant, with their values (FALSE or TRUE).

        Raises KeyError for a control, value or capability that the lifecycle does not have."""
        constants: dict[int, int] = {}
        for control, chosen in settings.controls.items():
            literals = self.controls[control]
            wanted = literals[chosen]
            for literal in literals.values():
                if literal > 1:
                    constants[literal & ~1] = (TRUE if literal == wanted else FALSE) ^ (literal & 1)
        for capability, on in settings.capabilities.items():
            constants[self.capabilities[capability]] = TRUE if on else FALSE
        return constants
