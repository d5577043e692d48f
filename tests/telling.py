"""Results of lifecycles drawn at random, without a policy file and without the slower judges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from keyfate.checking.answering import Outcome, result, summarize
from keyfate.checking.judges import Answer
from keyfate.checking.naming import Namer
from keyfate.checking.results import PolicySummary, Result
from keyfate.language.loading import load_text
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.account import explain
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.problem import Problem, Reach, Reached
from keyfate.policy.loading import lifecycle_policy


class Told(NamedTuple):
    """A property with a trace: what every picture of a trace is made from."""

    lifecycle: Lifecycle
    policy: PolicySummary
    result: Result


def decided(text: str) -> Iterator[Told]:
    """Each property of the lifecycle that has a trace, found by the plain interpreter."""
    loaded = load_text(text)
    lifecycle = loaded.lifecycle
    if conflicts(lifecycle):
        return
    try:
        policy = lifecycle_policy("drawn.kf", load=lambda path, scope: loaded)
    except LifecycleError:
        return  # no setting is admissible
    for rule in lifecycle.properties:
        honest = rule.kind == "possible"
        problem = Problem(lifecycle, policy.settings, Reach(rule.binders, rule.target), honest)
        finding = explore(problem).finding
        if isinstance(finding, Reached):
            account = explain(lifecycle, finding.trace, problem.target, honest=honest)
            outcome = Outcome("POSSIBLE" if honest else "VIOLATED", Answer(finding, account))
            found = result(policy, rule, outcome, Namer(lifecycle), "explicit", 0.0)
            yield Told(lifecycle, summarize(policy, (), None), found)
