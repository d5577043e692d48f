"""Traces of other policies: what they show need not be asked, and none is believed that does not run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from keyfate.checking.assembling import assemble
from keyfate.checking.deciding import PolicyCheck
from keyfate.checking.judges import Court, Deadline, Engine
from keyfate.checking.memory import Rumours
from keyfate.checking.naming import Namer
from keyfate.checking.panel import Panel
from keyfate.checking.session import open_session
from keyfate.lifecycle.problem import Budget, Finding, OutOfRange, Problem, Reach, Reached
from keyfate.policy.policy import Policy


@dataclass(frozen=True)
class Listening:
    """An engine that remembers what it was asked besides properties, and what it found."""

    engine: Engine
    heard: list[tuple[Problem, Finding]] = field(default_factory=list)

    def decide(self, problem: Problem, budget: Budget | None = None) -> Finding:
        found = self.engine.decide(problem, budget or Budget())
        if not isinstance(problem.target, Reach):
            self.heard.append((problem, found))
        return found


@pytest.fixture(scope="module")
def policies(house: Path) -> tuple[Policy, Policy]:
    flash, safe = open_session([house / "flash.policy.toml", house / "safe.policy.toml"], {}).policies
    return flash, safe


@pytest.fixture(scope="module")
def court(policies: tuple[Policy, Policy]) -> Court:
    return assemble(policies[0].lifecycle, "auto")


def checked(policy: Policy, court: Court, rumours: Rumours) -> tuple[object, list[tuple[Problem, Finding]]]:
    """All that is found under a policy, and what the engine was asked besides properties."""
    engine = Listening(court.engine)
    check = PolicyCheck(policy, replace(court, engine=engine), Namer(policy.lifecycle), Deadline(), rumours=rumours)
    verdicts = [(r.verdict, r.steps, r.scope) for r in map(check.result, policy.lifecycle.properties)]
    return (verdicts, check.dead_actions()), engine.heard


def test_what_runs_under_another_policy_is_not_asked_again(policies: tuple[Policy, Policy], court: Court) -> None:
    flash, safe = policies
    alone, asked = checked(safe, court, Rumours())
    assert any(isinstance(problem.target, OutOfRange) for problem, _ in asked)
    rumours = Rumours()
    checked(flash, court, rumours)
    after, later = checked(safe, court, rumours)
    assert after == alone
    assert len(later) < len(asked)
    assert not any(isinstance(problem.target, OutOfRange) for problem, _ in later)


def test_a_rumour_that_does_not_run_is_not_believed(policies: tuple[Policy, Policy], court: Court) -> None:
    _, safe = policies
    alone, asked = checked(safe, court, Rumours())
    rumours = Rumours()
    for problem, found in asked:
        if isinstance(found, Reached):
            twice = replace(found.trace, actions=(*found.trace.actions[:1], *found.trace.actions))
            rumours.add(twice, problem.target)
    after, later = checked(safe, court, rumours)
    assert after == alone
    assert [problem.target for problem, _ in later] == [problem.target for problem, _ in asked]


def test_where_several_engines_are_asked_each_is_heard(policies: tuple[Policy, Policy], court: Court) -> None:
    flash, safe = policies
    rumours = Rumours()
    checked(flash, court, rumours)
    engine = Listening(court.engine)
    of = court.lifecycle
    panel = Panel(of, engine, court.certifier, court.twin, "all", court.basis, (("ic3", engine), ("other", engine)))
    PolicyCheck(safe, panel, Namer(of), Deadline(), rumours=rumours).dead_actions()
    first, second = engine.heard[0][0], engine.heard[1][0]
    assert first.target == second.target
    PolicyCheck(safe, panel, Namer(of), Deadline(), rumours=Rumours()).dead_actions()
    half = len(engine.heard) // 2
    assert [p.target for p, _ in engine.heard[:half]] == [p.target for p, _ in engine.heard[half:]]
