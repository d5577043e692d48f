"""The state as Boolean variables: one frame, read by everything else in this room.

A control or state of n values is n variables of which exactly one is true, or one
variable where n is 2, or none where n is 1: no typed state is left out and no
other is let in. Whatever else a state is made of is a variable for each name.
Variables come into being when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keyfate.certifier.formulas import FALSE, TRUE, Formulas
from keyfate.language import typed as t
from keyfate.lifecycle import instances
from keyfate.lifecycle.names import (
    ActionName,
    Before,
    Bit,
    CapabilityName,
    CapabilityOn,
    ControlIs,
    ControlName,
    Happened,
    Holds,
    Observed,
    PlaceName,
    StateIs,
    StateName,
    Term,
    show_value,
)
from keyfate.lifecycle.problem import Settings


class Bits:
    """Names to variables and back, for one lifecycle."""

    def __init__(self, lifecycle: t.Lifecycle, formulas: Formulas) -> None:
        self.formulas = formulas
        self.meaning: dict[int, Bit] = {}
        self.exactly_one: list[tuple[int, ...]] = []
        self.siblings: dict[int, int] = {}  # of a variable, as a support: the group of exactly one
        self.group_of: dict[int, int] = {}  # of a variable: the place of its group in `exactly_one`
        self.controls: dict[ControlName, Mapping[t.Value, int]] = {}
        self.states: dict[StateName, Mapping[t.Value, int]] = {}
        self.capabilities: dict[CapabilityName, int] = {}
        self._named: dict[Bit, int] = {}
        for control in lifecycle.controls:
            for indices in _product(control.index):
                name = ControlName(control.name, indices)
                self.controls[name] = self._choice(control.domain, [ControlIs(name, v) for v in control.domain.values])
        for capability in lifecycle.capabilities:
            for indices in _product(capability.index):
                on = CapabilityName(capability.name, indices)
                self.capabilities[on] = self._variable(CapabilityOn(on))
        self.frozen = (1 << len(self.meaning)) - 1  # support of all that never changes
        for state in lifecycle.states:
            for env in instances.assignments(state.params):
                cell = StateName(state.name, tuple(env.values()))
                self.states[cell] = self._choice(state.domain, [StateIs(cell, v) for v in state.domain.values])
        # Supports of what every step changes, whatever its effects.
        self.happened_mask = 0
        self.before_mask = 0
        self.observed_mask = 0

    def _variable(self, bit: Bit, group: int = 0) -> int:
        variable = self.formulas.variable(group)
        self.meaning[variable] = bit
        self._named[bit] = variable
        return variable

    def _choice(self, domain: t.Domain, bits: Sequence[Bit]) -> Mapping[t.Value, int]:
        if len(bits) == 1:
            return {domain.values[0]: TRUE}
        if len(bits) == 2:
            first = self._variable(bits[0])
            return {domain.values[0]: first, domain.values[1]: -first}
        group = len(self.exactly_one) + 1
        variables = tuple(self._variable(bit, group) for bit in bits)
        self.exactly_one.append(variables)
        mask = 0
        for variable in variables:
            mask |= self.formulas.mask(variable)
        self.siblings.update(dict.fromkeys(variables, mask))
        self.group_of.update(dict.fromkeys(variables, group - 1))
        return dict(zip(domain.values, variables, strict=True))

    def holds(self, place: PlaceName, term: Term) -> int:
        return self._get(Holds(place, term))

    def observed(self, term: Term) -> int:
        bit = Observed(term)
        found = self._named.get(bit)
        if found is None:
            found = self._variable(bit)
            self.observed_mask |= self.formulas.mask(found)
        return found

    def happened(self, action: ActionName) -> int:
        bit = Happened(action)
        found = self._named.get(bit)
        if found is None:
            found = self._variable(bit)
            self.happened_mask |= self.formulas.mask(found)
        return found

    def before(self, identity: int, binding: tuple[t.Value, ...]) -> int:
        bit = Before(identity, binding)
        found = self._named.get(bit)
        if found is None:
            found = self._variable(bit)
            self.before_mask |= self.formulas.mask(found)
        return found

    def _get(self, bit: Bit) -> int:
        found = self._named.get(bit)
        return self._variable(bit) if found is None else found

    def opaque(self) -> int:
        """A variable without meaning: may be anything."""
        return self.formulas.variable()


def choose(cases: Mapping[t.Value, int], value: t.Value) -> int:
    """The condition of `value`, false where it is none of the cases."""
    return cases.get(value, FALSE)


def _product(domains: Sequence[t.Domain]) -> list[tuple[t.Value, ...]]:
    tuples: list[tuple[t.Value, ...]] = [()]
    for domain in domains:
        tuples = [(*front, value) for front in tuples for value in domain.values]
    return tuples


def mismatch(bits: Bits, settings: Settings) -> str | None:
    """What of `settings` the lifecycle does not have; None if it has all."""
    for control, value in settings.controls.items():
        if value not in bits.controls.get(control, {}):
            return f"the lifecycle has no control `{control}` of value `{show_value(value)}`"
    for capability in settings.capabilities:
        if capability not in bits.capabilities:
            return f"the lifecycle has no capability `{capability}`"
    return None
