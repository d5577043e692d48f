"""Names and findings with members of sorts exchanged. Nothing is assumed of it: who uses the result has it judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from keyfate.language.typed import Message, Value
from keyfate.lifecycle.names import (
    ActionName,
    Atom,
    Before,
    Bit,
    BitLiteral,
    CapabilityName,
    CapabilityOn,
    Clause,
    Compound,
    ControlIs,
    ControlName,
    Happened,
    Holds,
    Observed,
    PlaceName,
    StateIs,
    StateName,
    Term,
)
from keyfate.lifecycle.problem import Frontier, Implicant, Invariant, Prime, Trace

K = TypeVar("K")
Members = Mapping[Value, Value]
"""A permutation of members; those that are missing stay."""


def exchange(before: Mapping[K, Value], after: Mapping[K, Value]) -> dict[Value, Value] | None:
    """A permutation of members that takes the values of `before` to those of `after`; None where
    there is none, or where it would move numbers or booleans, which are not interchangeable."""
    moved: dict[Value, Value] = {}
    for name, value in before.items():
        if moved.setdefault(value, after[name]) != after[name]:
            return None
    if len(set(moved.values())) < len(moved):
        return None
    if any(a != b and not (isinstance(a, str) and isinstance(b, str)) for a, b in moved.items()):
        return None
    homeless = [value for value in moved.values() if value not in moved]
    free = [value for value in moved if value not in moved.values()]
    return moved | dict(zip(homeless, free, strict=True))


def inverse(members: Members) -> Members:
    """The permutation that takes everything back."""
    return {after: before for before, after in members.items()}


def value(of: Value, members: Members) -> Value:
    """A value: numbers and booleans stay."""
    if isinstance(of, Message):
        return Message(of.family, values(of.args, members))
    return members.get(of, of) if isinstance(of, str) else of


def values(of: Iterable[Value], members: Members) -> tuple[Value, ...]:
    return tuple(value(v, members) for v in of)


def _control(of: ControlName, members: Members) -> ControlName:
    return ControlName(of.name, values(of.args, members))


def _capability(of: CapabilityName, members: Members) -> CapabilityName:
    return CapabilityName(of.name, values(of.args, members))


def _state(of: StateName, members: Members) -> StateName:
    return StateName(of.name, values(of.args, members))


def _action(of: ActionName, members: Members) -> ActionName:
    return ActionName(of.name, values(of.args, members))


def term(of: Term, members: Members) -> Term:
    """A closed term."""
    if isinstance(of, Atom):
        return Atom(of.name, values(of.args, members), of.public)
    return Compound(of.function, of.label, tuple(term(arg, members) for arg in of.args))


def bit(of: Bit, members: Members) -> Bit:
    """A bit of a state."""
    match of:
        case ControlIs(control, kept):
            return ControlIs(_control(control, members), value(kept, members))
        case CapabilityOn(capability):
            return CapabilityOn(_capability(capability, members))
        case StateIs(state, kept):
            return StateIs(_state(state, members), value(kept, members))
        case Holds(place, held):
            return Holds(PlaceName(place.name, values(place.args, members)), term(held, members))
        case Observed(seen):
            return Observed(term(seen, members))
        case Happened(action):
            return Happened(_action(action, members))
        case Before(identity, binding):
            return Before(identity, values(binding, members))


def invariant(of: Invariant, images: Iterable[Members]) -> Invariant:
    """All images of an invariant together."""
    clauses: dict[Clause, None] = {}
    for members in images:
        renamed: dict[Bit, Bit] = {}
        for clause in of.clauses:
            for literal in clause:
                if literal.bit not in renamed:
                    renamed[literal.bit] = bit(literal.bit, members) if members else literal.bit
            clauses[tuple(BitLiteral(renamed[literal.bit], literal.positive) for literal in clause)] = None
    return Invariant(tuple(clauses), of.actions)


def implicant(of: Implicant, members: Members) -> Implicant:
    """A set of settings."""
    return Implicant(
        tuple((_control(name, members), values(kept, members)) for name, kept in of.controls),
        tuple((_capability(name, members), on) for name, on in of.capabilities),
    )


def steps(of: Trace, members: Members) -> Trace:
    """The trace's actions and first values; its setting stays."""
    return replace(
        of,
        actions=tuple(_action(action, members) for action in of.actions),
        initial=tuple((_state(name, members), value(v, members)) for name, v in of.initial),
    )


def trace(of: Trace, members: Members) -> Trace:
    """The whole trace, in the order of names that it has."""
    controls = {_control(name, members): value(v, members) for name, v in of.controls}
    capabilities = {_capability(name, members): on for name, on in of.capabilities}
    first = {_state(name, members): value(v, members) for name, v in of.initial}
    return Trace(
        tuple((name, controls[name]) for name, _ in of.controls),
        tuple((name, capabilities[name]) for name, _ in of.capabilities),
        tuple((name, first[name]) for name, _ in of.initial),
        tuple(_action(action, members) for action in of.actions),
    )


def frontier(of: Frontier, members: Members) -> Frontier:
    """A frontier, as that of the image of its target."""
    return replace(
        of,
        primes=tuple(
            Prime(
                implicant(prime.condition, members),
                tuple(trace(shown, members) for shown in prime.traces),
                prime.implied,
            )
            for prime in of.primes
        ),
        invariant=None if of.invariant is None else invariant(of.invariant, [members]),
        safe=None if of.safe is None else tuple(implicant(safe, members) for safe in of.safe),
    )


def composed(first: Members, then: Members) -> Members:
    """One exchange after the other."""
    moved = {member: then.get(after, after) for member, after in first.items()}
    return moved | {member: after for member, after in then.items() if member not in moved}
