"""Instances: every declaration of a lifecycle at every value of its index, in the order of the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from keyfate.language.typed import Action, Domain, Lifecycle, Param, Value
from keyfate.lifecycle.names import ActionName, Atom, CapabilityName, ControlName, PlaceName, StateName

Env = Mapping[str, Value]  # the values of bound variables, by `Param.name`


def assignments(params: Iterable[Param]) -> Iterator[dict[str, Value]]:
    """All values of `params` together, the last one changing fastest."""
    listed = tuple(params)
    for values in product(*(param.domain.values for param in listed)):
        yield {param.name: value for param, value in zip(listed, values, strict=True)}


def indices(domains: Iterable[Domain]) -> Iterator[tuple[Value, ...]]:
    """All index tuples over `domains`; the empty tuple for none."""
    return product(*(domain.values for domain in domains))


def control_names(lifecycle: Lifecycle) -> tuple[ControlName, ...]:
    return tuple(ControlName(c.name, args) for c in lifecycle.controls for args in indices(c.index))


def capability_names(lifecycle: Lifecycle) -> tuple[CapabilityName, ...]:
    return tuple(CapabilityName(c.name, args) for c in lifecycle.capabilities for args in indices(c.index))


def place_names(lifecycle: Lifecycle) -> tuple[PlaceName, ...]:
    return tuple(
        PlaceName(place.name, tuple(env.values())) for place in lifecycle.places for env in assignments(place.params)
    )


def state_names(lifecycle: Lifecycle) -> tuple[StateName, ...]:
    return tuple(
        StateName(state.name, tuple(env.values())) for state in lifecycle.states for env in assignments(state.params)
    )


def action_instances(lifecycle: Lifecycle) -> tuple[tuple[ActionName, dict[str, Value]], ...]:
    """Every instance of every action, with the values of its parameters."""
    return tuple(pair for action in lifecycle.actions for pair in instances_of(action))


def instances_of(action: Action) -> Iterator[tuple[ActionName, dict[str, Value]]]:
    for env in assignments(action.params):
        yield ActionName(action.name, tuple(env.values())), env


def atoms(lifecycle: Lifecycle, *, public: bool | None = None) -> tuple[Atom, ...]:
    """Every declared atom; only the publics, or only the secrets, where asked."""
    return tuple(
        Atom(family.name, args, family.public)
        for family in lifecycle.atoms
        if public is None or family.public == public
        for args in indices(family.index)
    )


def control_domains(lifecycle: Lifecycle) -> Mapping[str, Domain]:
    """What each control ranges over, by its name without index."""
    return {control.name: control.domain for control in lifecycle.controls}


def state_domains(lifecycle: Lifecycle) -> Mapping[str, Domain]:
    """What each state variable ranges over, by its name without index."""
    return {state.name: state.domain for state in lifecycle.states}
