"""Outcomes to results: what is decided of a property, as the data that reports are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from keyfate.checking import narrating
from keyfate.checking.judges import Answer
from keyfate.checking.naming import Namer, plain
from keyfate.checking.notices import location, notice
from keyfate.checking.results import (
    Certificate,
    Locations,
    Plain,
    PolicySummary,
    Result,
    Scope,
    Verdict,
)
from keyfate.language import typed as t
from keyfate.lifecycle.problem import Trace
from keyfate.lifecycle.trees import nodes
from keyfate.policy.policy import Policy

_WEAKEST_FIRST: tuple[t.Status, ...] = ("claimed", "assumed", "documented", "measured")


@dataclass(frozen=True)
class Outcome:
    """A verdict and what it stands on. `shown` is the answer whose trace is told, `actions` are
    those it depends on (R16), `within` the ranges that a proof ends at (R5), `answers` all that were judged for it,
    `opinions` what each of several engines said."""

    verdict: Verdict
    shown: Answer | None = None
    certificate: Certificate | None = None
    reason: str | None = None
    actions: frozenset[str] = frozenset()
    fails_under: Mapping[str, Plain] | None = None
    within: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()
    opinions: Mapping[str, str] = field(default_factory=dict)


def summarize(policy: Policy, dead: tuple[str, ...] | None, divergence: str | None) -> PolicySummary:
    """What the policy fixes and leaves open; `dead` are the actions that can never happen."""
    return PolicySummary(
        policy=policy.name,
        path=policy.path,
        title=policy.title,
        lifecycle=policy.lifecycle.name,
        lifecycle_path=policy.lifecycle.path,
        controls={str(name): plain(value) for name, value in policy.settings.controls.items()},
        open_controls=tuple(map(str, policy.open_controls)),
        attacker=policy.attacker,
        capabilities=tuple(map(str, policy.capabilities_on)),
        dead_actions=dead,
        warnings=tuple(map(notice, policy.warnings)),
        diverged=divergence,
        location=None if policy.head is None else location(policy.head),
        set_at={str(name): location(span) for name, span in policy.set_at.items()},
    )


def unfinished(policy: Policy, rule: t.Property, engine: str, reason: str) -> Result:
    """UNKNOWN, for a property whose check did not come to an end."""
    return result(policy, rule, Outcome("UNKNOWN", reason=reason), None, engine, 0.0)


def result(
    policy: Policy, rule: t.Property, outcome: Outcome, namer: Namer | None, engine: str, seconds: float
) -> Result:
    """The outcome as data. Without a `namer` no trace is told."""
    lifecycle = policy.lifecycle
    required, exemption = policy.requirement(rule.name), policy.exemption(rule.name)
    trace = outcome.shown.trace if outcome.shown is not None else None
    account = outcome.shown.account if outcome.shown is not None and trace is not None else None
    confirmation = outcome.shown.confirmation if outcome.shown is not None else None
    broken = rule.kind != "possible" and outcome.verdict in ("VIOLATED", "DIVERGED")
    actions = {a.name: a for a in lifecycle.actions}
    names = tuple(a.name for a in trace.actions) if trace is not None else ()
    on = required.span if required is not None else exemption.span if exemption is not None else policy.span
    return Result(
        policy=policy.name,
        lifecycle=lifecycle.name,
        property=rule.name,
        template=rule.template,
        kind=rule.kind,
        text=rule.text,
        severity=rule.severity,
        verdict=outcome.verdict,
        says=_says(rule, outcome.verdict),
        reason=outcome.reason,
        required=required.verdict if required is not None else None,
        met=meets(outcome.verdict, policy, rule.name),
        not_required=exemption.reason if exemption is not None else None,
        scope=Scope.of(lifecycle, outcome.within),
        basis=_basis(lifecycle, outcome.actions),
        location=Locations(
            property=location(rule.span),
            check=location(rule.check_span),
            policy=None if on is None or policy.span is None else location(on),
            actions=tuple(location(actions[name].span) for name in names),
        ),
        configuration=_configuration(policy, trace),
        fails_under=outcome.fails_under,
        steps=len(names) if trace is not None else None,
        start=narrating.start(account, namer) if account and namer else None,
        trace=narrating.steps(lifecycle, account, namer) if account and namer else None,
        knowledge=narrating.knowledge(account, namer) if account and namer and broken else None,
        confirmed=confirmation.confirmed if confirmation is not None else None,
        evidence=confirmation.evidence if confirmation is not None else (),
        certificate=outcome.certificate,
        ideal=_ideal(lifecycle, outcome.actions),
        engine=engine,
        opinions=outcome.opinions,
        seconds=round(seconds, 4),
        fingerprint=fingerprint(rule.name, names),
    )


def _configuration(policy: Policy, trace: Trace | None) -> dict[str, Plain]:
    """What was open, as the trace has it."""
    if trace is None:
        return {}
    fixed = policy.settings
    controls = {str(n): plain(v) for n, v in trace.controls if n not in fixed.controls}
    return controls | {str(n): on for n, on in trace.capabilities if n not in fixed.capabilities}


def fingerprint(name: str, actions: Iterable[str]) -> str:
    """Of property and action names, so that it outlives changes of lines and of members."""
    return hashlib.sha256("\n".join((name, *actions)).encode()).hexdigest()[:16]


def meets(verdict: Verdict, policy: Policy, name: str) -> bool:
    required = policy.requirement(name)
    if required is None or verdict == required.verdict:
        return True
    return verdict == "VACUOUS" and not required.named


def _says(rule: t.Property, verdict: Verdict) -> str | None:
    """The property's own sentence for how it came out."""
    if verdict in ("PROVED", "POSSIBLE"):
        return rule.holds or None
    return rule.broken or None if verdict in ("VIOLATED", "IMPOSSIBLE") else None


def _basis(lifecycle: t.Lifecycle, names: frozenset[str]) -> t.Status:
    """The weakest status of the actions; the lifecycle's own where there are none."""
    found = [a.status for a in lifecycle.actions if a.name in names] or [lifecycle.status]
    return min(found, key=_WEAKEST_FIRST.index)


def _ideal(lifecycle: t.Lifecycle, names: frozenset[str]) -> tuple[str, ...]:
    """Those of the actions that make a write whose sources are not modelled (R3)."""
    return tuple(
        a.name
        for a in lifecycle.actions
        if a.name in names and any(isinstance(n, t.Origin) and n.kind == "ideal" for n in nodes(a.effects))
    )
