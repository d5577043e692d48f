"""A frontier as frozen data: field by field the JSON that `keyfate frontier` writes.

`dataclasses.asdict` of a FrontierReport is the document that reports/frontier.schema.json describes. From it the
answer for any configuration is a lookup: `reaches`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from keyfate.checking.results import DIVERGED, MET, NOTHING, UNDECIDED, Certificate, Input, Plain, Scope
from keyfate.language.typed import Level


@dataclass(frozen=True)
class Condition:
    """Settings of controls (each one of the values listed) and capabilities of the attacker (all of them on).

    `cost` is the sum of what the capabilities cost, None where one of them has no cost. Under each setting that
    satisfies it, one of `traces` (by index) runs; the shortest has `steps`. `implied`: others cover it together.
    """

    controls: Mapping[str, tuple[Plain, ...]]
    capabilities: tuple[str, ...]
    cost: int | None
    steps: int | None = None
    traces: tuple[int, ...] = ()
    implied: bool = False

    def holds(self, controls: Mapping[str, Plain], capabilities: Iterable[str]) -> bool:
        """Does this configuration satisfy it? Raises KeyError for a control that it does not set."""
        on = set(capabilities)
        return on.issuperset(self.capabilities) and all(controls[name] in kept for name, kept in self.controls.items())


@dataclass(frozen=True)
class FrontierTrace:
    """A run under one configuration: every control, the capabilities that are on, and the instances that happen.

    `confirmed`: interpreter, certifier and twin agree that it happens."""

    controls: Mapping[str, Plain]
    capabilities: tuple[str, ...]
    actions: tuple[str, ...]
    confirmed: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class PropertyFrontier:
    """Under which conditions one property is broken; of a `possible` one, under which it is possible.

    COMPLETE: nothing else does, which Z3 has checked; UNKNOWN: not all was found, for the `reason`; DIVERGED: judges
    disagree. Of `configurations`, `reaching` satisfy a condition and `undecided` are open. `others` describe all that
    satisfy none, where that was asked for. `fixed` is what was not open; members of the sorts in `symmetric` were
    exchanged, so that one instance stands for others.
    """

    lifecycle: str
    property: str
    kind: Literal["never", "always", "possible"]
    text: str
    severity: Level
    verdict: Literal["COMPLETE", "UNKNOWN", "DIVERGED"]
    reason: str | None
    scope: Scope
    fixed: Mapping[str, Plain]
    fixed_capabilities: tuple[str, ...]
    open_controls: Mapping[str, tuple[Plain, ...]]
    open_capabilities: tuple[str, ...]
    conditions: tuple[Condition, ...]
    others: tuple[Condition, ...] | None
    traces: tuple[FrontierTrace, ...]
    configurations: int | None  # None: not even that is known
    reaching: int | None
    undecided: int | None
    symmetric: tuple[str, ...]
    certificate: Certificate | None
    seconds: float


@dataclass(frozen=True)
class FrontierReport:
    """A whole run of `keyfate frontier`."""

    keyfate: str
    inputs: tuple[Input, ...]
    exit_status: int
    frontiers: tuple[PropertyFrontier, ...]


def reaches(frontier: PropertyFrontier, controls: Mapping[str, Plain], capabilities: Iterable[str]) -> bool:
    """Whether the property is broken (possible, if it asks for that) in an admissible configuration: by lookup alone.

    `controls` sets every open control, `capabilities` are those that are on. Raises ValueError where the frontier is
    not complete or the configuration is none of its own, so that nothing can be said; KeyError for an open control
    that is not set.
    """
    if frontier.verdict != "COMPLETE":
        raise ValueError(f"the frontier of {frontier.property} is {frontier.verdict}: {frontier.reason}")
    on = frozenset(capabilities)
    _refuse_others(frontier, controls, on)
    return any(condition.holds(controls, on) for condition in frontier.conditions)


def _refuse_others(frontier: PropertyFrontier, controls: Mapping[str, Plain], on: frozenset[str]) -> None:
    """A misspelt word would be read as a setting that satisfies no condition, and so as a safe one."""
    shut = frontier.fixed.keys() - set(frontier.fixed_capabilities)
    for name in frontier.open_controls:
        if controls[name] not in frontier.open_controls[name]:
            raise ValueError(f"`{controls[name]}` is no value of `{name}`")
    for name in controls.keys() - frontier.open_controls.keys():
        if name not in shut:
            raise ValueError(f"the frontier of {frontier.property} has no control `{name}`")
        if controls[name] != frontier.fixed[name]:
            raise ValueError(f"the frontier of {frontier.property} is one of `{name} = {frontier.fixed[name]}`")
    known = {*frontier.open_capabilities, *(name for name in frontier.fixed_capabilities if frontier.fixed[name])}
    if frontier.kind != "possible" and not on <= known:  # who asks what is possible has no attacker
        raise ValueError(f"the frontier of {frontier.property} has no capability `{min(on - known)}`")


def exit_status(frontiers: Sequence[PropertyFrontier]) -> int:
    """5 where judges disagree, 3 where something is open, 4 where there is no property, else 0: that something can
    break is what was asked."""
    if not frontiers:
        return NOTHING
    if any(found.verdict == "DIVERGED" for found in frontiers):
        return DIVERGED
    return UNDECIDED if any(found.verdict == "UNKNOWN" for found in frontiers) else MET
