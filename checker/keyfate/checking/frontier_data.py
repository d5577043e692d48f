"""A frontier that an engine has found, and what its judges say, as the data of `checking.frontier`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from keyfate.checking.frontier import Condition, FrontierTrace, PropertyFrontier
from keyfate.checking.naming import plain
from keyfate.checking.results import Certificate, Plain, Scope
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.problem import Frontier, Implicant, Prime, Problem, Trace


@dataclass(frozen=True)
class Ruling:
    """What the judges say of a frontier: which of its traces are confirmed, and what the twin saw of each."""

    verdict: Literal["COMPLETE", "UNKNOWN", "DIVERGED"]
    reason: str | None
    confirmed: frozenset[Trace] = frozenset()
    evidence: Mapping[Trace, tuple[str, ...]] = field(default_factory=dict)
    certificate: Certificate | None = None


def traces_of(frontier: Frontier) -> tuple[Trace, ...]:
    """Each once, as the data number them."""
    return tuple(dict.fromkeys(trace for prime in frontier.primes for trace in prime.traces))


def as_data(problem: Problem, rule: Property, frontier: Frontier, ruling: Ruling, seconds: float) -> PropertyFrontier:
    """All that is known of one property's frontier."""
    lifecycle, fixed = problem.lifecycle, problem.settings
    domains = control_domains(lifecycle)
    traces = traces_of(frontier)
    numbers = {trace: number for number, trace in enumerate(traces)}
    conditions = sorted((_condition(prime, numbers, lifecycle) for prime in frontier.primes), key=_cheapest_first)
    others = None
    if frontier.safe is not None:
        others = tuple(sorted((_implicant(safe, lifecycle) for safe in frontier.safe), key=_cheapest_first))
    shut: Mapping[str, Plain] = {str(n): plain(v) for n, v in fixed.controls.items()} | {
        str(n): on for n, on in fixed.capabilities.items()
    }
    return PropertyFrontier(
        lifecycle=lifecycle.name,
        property=rule.name,
        kind=rule.kind,
        text=rule.text,
        severity=rule.severity,
        verdict=ruling.verdict,
        reason=ruling.reason,
        scope=Scope.of(lifecycle),
        fixed=shut,
        fixed_capabilities=tuple(map(str, fixed.capabilities)),
        open_controls={
            str(n): tuple(plain(v) for v in domains[n.name].values)
            for n in control_names(lifecycle)
            if n not in fixed.controls
        },
        open_capabilities=()
        if problem.honest
        else tuple(str(n) for n in capability_names(lifecycle) if n not in fixed.capabilities),
        conditions=tuple(conditions),
        others=others,
        traces=tuple(_trace(trace, ruling) for trace in traces),
        configurations=frontier.configurations,
        reaching=frontier.reaching,
        undecided=frontier.open,
        symmetric=frontier.symmetric,
        certificate=ruling.certificate,
        seconds=seconds,
    )


def _condition(prime: Prime, numbers: Mapping[Trace, int], lifecycle: Lifecycle) -> Condition:
    steps = min((len(trace.actions) for trace in prime.traces), default=None)
    traces = tuple(numbers[trace] for trace in prime.traces)
    return replace(_implicant(prime.condition, lifecycle), steps=steps, traces=traces, implied=prime.implied)


def _implicant(implicant: Implicant, lifecycle: Lifecycle) -> Condition:
    declared = {capability.name: capability.cost for capability in lifecycle.capabilities}
    on = [name for name, wanted in implicant.capabilities if wanted]
    assert len(on) == len(implicant.capabilities), "no condition asks that a capability be missing (R11)"
    costs = [declared[name.name] for name in on]
    known = [cost for cost in costs if cost is not None]
    return Condition(
        controls={str(name): tuple(plain(value) for value in values) for name, values in implicant.controls},
        capabilities=tuple(map(str, on)),
        cost=sum(known) if len(known) == len(costs) else None,
    )


def _trace(trace: Trace, ruling: Ruling) -> FrontierTrace:
    return FrontierTrace(
        controls={str(name): plain(value) for name, value in trace.controls},
        capabilities=tuple(str(name) for name, on in trace.capabilities if on),
        actions=tuple(map(str, trace.actions)),
        confirmed=trace in ruling.confirmed,
        evidence=ruling.evidence.get(trace, ()),
    )


def _cheapest_first(condition: Condition) -> tuple[object, ...]:
    cost = condition.cost
    return (
        condition.implied,
        cost is None,
        cost or 0,
        len(condition.controls) + len(condition.capabilities),
        condition.steps or 0,
        condition.capabilities,
        tuple((name, tuple(map(str, values))) for name, values in condition.controls.items()),
    )
