"""What is asked of an engine and what it may answer: frozen in, frozen out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from keyfate.language.typed import Condition, Lifecycle, Param, Value
from keyfate.lifecycle.names import ActionName, CapabilityName, Clause, ControlName, StateName


@dataclass(frozen=True)
class Settings:
    """What a policy fixes. Controls and capabilities that are not named are open:
    any admissible value, frozen in the first state."""

    controls: Mapping[ControlName, Value] = field(default_factory=dict)
    capabilities: Mapping[CapabilityName, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Reach:
    """A state in which `condition` holds for some values of `binders`."""

    binders: tuple[Param, ...]
    condition: Condition


def confined(target: Reach) -> Iterator[Reach]:
    """One target for each instance: binders confined to one value."""
    for values in product(*(binder.domain.values for binder in target.binders)):
        yield Reach(
            tuple(
                replace(binder, domain=replace(binder.domain, values=(value,)))
                for binder, value in zip(target.binders, values, strict=True)
            ),
            target.condition,
        )


@dataclass(frozen=True)
class Enabled:
    """A state in which some instance of one of `actions` is enabled."""

    actions: frozenset[str]


@dataclass(frozen=True)
class OutOfRange:
    """A state in which some instance is disabled by nothing but a range (R5)."""


Target = Reach | Enabled | OutOfRange


@dataclass(frozen=True)
class Implicant:
    """A set of settings: each control that is listed has one of its values, each capability is on or off as listed."""

    controls: tuple[tuple[ControlName, tuple[Value, ...]], ...] = ()
    capabilities: tuple[tuple[CapabilityName, bool], ...] = ()

    def holds(self, controls: Mapping[ControlName, Value], capabilities: Mapping[CapabilityName, bool]) -> bool:
        """Is this full setting one of them?"""
        return all(controls[name] in values for name, values in self.controls) and all(
            capabilities[name] is on for name, on in self.capabilities
        )


@dataclass(frozen=True)
class Problem:
    """Can `target` be reached, under some admissible setting that agrees with `settings`?

    `honest`: by no attacker's action, every capability off (R13, `possible`). `excluded` settings are out of the
    question: those of a frontier, when nothing outside of it is to break.
    """

    lifecycle: Lifecycle
    settings: Settings
    target: Target
    honest: bool = False
    excluded: tuple[Implicant, ...] = ()


@dataclass(frozen=True)
class Trace:
    """A run: every control and capability, the first values of states that start as `any`,
    and the steps. Everything else follows (the interpreter replays it)."""

    controls: tuple[tuple[ControlName, Value], ...]
    capabilities: tuple[tuple[CapabilityName, bool], ...]
    initial: tuple[tuple[StateName, Value], ...]
    actions: tuple[ActionName, ...]


@dataclass(frozen=True)
class Invariant:
    """A conjunction of clauses that holds at first, is kept by every step and excludes the
    target. `actions` are the names of the actions that the proof depends on (R16)."""

    clauses: tuple[Clause, ...]
    actions: frozenset[str]


@dataclass(frozen=True)
class Reached:
    trace: Trace
    shortest: bool = True


@dataclass(frozen=True)
class Unreachable:
    """Never reached. `invariant` is None where the engine only says so (explicit search)."""

    invariant: Invariant | None


@dataclass(frozen=True)
class NotWithin:
    """Not reached within `steps`; nothing is known beyond."""

    steps: int


@dataclass(frozen=True)
class Undecided:
    reason: str


Finding = Reached | Unreachable | NotWithin | Undecided


@dataclass(frozen=True)
class Prime:
    """A minimal condition for the target to be reached, and traces of which one runs under each of its settings.

    `implied`: other conditions, none of them implied, cover it together."""

    condition: Implicant
    traces: tuple[Trace, ...]
    implied: bool = False


@dataclass(frozen=True)
class Frontier:
    """Every minimal condition under which a target can be reached.

    `configurations` are the admissible settings that agree with the problem's, of all controls and capabilities (of
    an honest problem, of controls); `reaching` those of them that meet a condition, `open` those that are not decided.
    `invariant` excludes the target under all others; None where some are open, for the `reason` given. `safe`, where
    it was asked for, are the minimal descriptions of the others. Where each of several `instances` of the target must
    be reached, each has an invariant of its own, and conditions are what theirs have in common. `symmetric` names the
    sorts whose members were exchanged to have instances examined for others.
    """

    primes: tuple[Prime, ...]
    configurations: int
    reaching: int
    open: int
    invariant: Invariant | None
    reason: str = ""
    safe: tuple[Implicant, ...] | None = None
    instances: tuple[Frontier, ...] = ()
    symmetric: tuple[str, ...] = ()


@dataclass(frozen=True)
class Budget:
    """Limits of one question, in seconds and steps; None is no limit."""

    seconds: float | None = None
    steps: int | None = None
