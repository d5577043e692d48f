"""The run behind a result again, from the names that the result has."""

from __future__ import annotations

from keyfate.checking.naming import plain
from keyfate.checking.results import PolicySummary, Result
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.account import Account, explain
from keyfate.lifecycle.instances import action_instances, capability_names, control_names, state_names
from keyfate.lifecycle.problem import Reach, Trace


def retraced(lifecycle: Lifecycle, policy: PolicySummary, result: Result) -> Account:
    """The account of the trace that `result` tells; `lifecycle` is the one that was checked.

    Raises ReplayError where the trace is no run of it.
    """
    rule = next(rule for rule in lifecycle.properties if rule.name == result.property)
    honest = rule.kind == "possible"
    return explain(
        lifecycle, _trace(lifecycle, policy, result, honest), Reach(rule.binders, rule.target), honest=honest
    )


def _trace(lifecycle: Lifecycle, policy: PolicySummary, result: Result, honest: bool) -> Trace:
    assert result.start is not None
    assert result.trace is not None
    first = result.start.states
    settings = {**result.configuration, **policy.controls}
    on = () if honest else policy.capabilities
    free = {state.name for state in lifecycle.states if state.initial is None}
    instances = {(name.name, tuple(map(plain, name.args))): name for name, _ in action_instances(lifecycle)}
    return Trace(
        controls=tuple((name, settings[str(name)]) for name in control_names(lifecycle)),
        capabilities=tuple((name, str(name) in on) for name in capability_names(lifecycle)),
        initial=tuple((name, first[str(name)]) for name in state_names(lifecycle) if name.name in free),
        actions=tuple(instances[step.action, tuple(step.arguments.values())] for step in result.trace),
    )
