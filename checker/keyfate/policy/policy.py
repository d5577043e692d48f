"""What a policy asks, resolved against its lifecycle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from keyfate.language.source import Diagnostic, LifecycleError, Span
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.names import CapabilityName, ControlName
from keyfate.lifecycle.problem import Settings

Demand = Literal["PROVED", "VIOLATED", "POSSIBLE", "IMPOSSIBLE", "DEPENDS", "VACUOUS"]
"""Verdicts that a policy may require: those that say something definite."""


class PolicyError(LifecycleError):
    """A policy that cannot be used. Carries every diagnostic found, in order."""


@dataclass(frozen=True)
class Requirement:
    """`property` must be answered `verdict`. `named`: the policy says so itself; otherwise it
    is the default, PROVED for every `never` and `always`, which VACUOUS meets too (R14)."""

    property: str
    verdict: Demand
    named: bool
    span: Span


@dataclass(frozen=True)
class Exemption:
    """A check that the policy takes out, and why."""

    property: str
    reason: str
    span: Span


@dataclass(frozen=True)
class Policy:
    """A policy file with its `extends` chain folded in, or a bare lifecycle (`span` None).

    `name` is the file's name without its ending, `path` what the user is shown,
    `attacker` says in words who attacks, `files` are all texts it was read from,
    its own first (lifecycle files are in `lifecycle.files`), `profiles` is the attackers' file
    whose profile attacks, None if none does. `set_at` is where each fixed control is set, in
    whichever file of the chain; `head` the word of its own file that says what it builds on.
    """

    name: str
    path: str
    title: str
    lifecycle: Lifecycle
    settings: Settings
    attacker: str
    requirements: tuple[Requirement, ...]
    not_required: tuple[Exemption, ...]
    scope: Mapping[str, int]
    files: tuple[str, ...]
    span: Span | None
    open_controls: tuple[ControlName, ...]
    capabilities_on: tuple[CapabilityName, ...]
    warnings: tuple[Diagnostic, ...] = ()
    profiles: str | None = None
    set_at: Mapping[ControlName, Span] = field(default_factory=dict)
    head: Span | None = None

    def requirement(self, property: str) -> Requirement | None:
        """What the policy requires of `property`, if anything."""
        return next((r for r in self.requirements if r.property == property), None)

    def exemption(self, property: str) -> Exemption | None:
        """Why `property` is not required, where the policy says so."""
        return next((e for e in self.not_required if e.property == property), None)
