"""What is asked of an engine and what it may answer: frozen in, frozen out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Enabled:
    """A state in which some instance of one of `actions` is enabled."""

    actions: frozenset[str]


@dataclass(frozen=True)
class OutOfRange:
    """A state in which some instance is disabled by nothing but a range (R5)."""


Target = Reach | Enabled | OutOfRange


@dataclass(frozen=True)
class Problem:
    """Can `target` be reached, under some admissible setting that agrees with `settings`?

    `honest`: by no attacker's action, every capability off (R13, `possible`).
    """

    lifecycle: Lifecycle
    settings: Settings
    target: Target
    honest: bool = False


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
class Budget:
    """Limits of one question, in seconds and steps; None is no limit."""

    seconds: float | None = None
    steps: int | None = None
