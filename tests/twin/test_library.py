"""The shipped library, walked at random: both sides agree, and nothing breaks that the checker has proved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

import sampling
from keyfate.engines.decide import Engine
from keyfate.language.library import folder
from keyfate.language.loading import load
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings, Unreachable
from keyfate.policy.loading import load_policy
from keyfate.twin.confirm import Confirmer
from keyfate.twin.hunt import hunt
from keyfate.twin.machine import machine

LIFECYCLES = sorted(folder("models").glob("*.kf"))
POLICIES = sampling.policies(6)


def asked(of: Lifecycle, fixed: Settings, declared: Property) -> Problem:
    return Problem(of, fixed, Reach(declared.binders, declared.target))


def holding(of: Lifecycle, fixed: Settings) -> Iterator[Property]:
    """The properties that an engine proves."""
    engine = Engine(of)
    for declared in of.properties:
        if declared.kind != "possible" and isinstance(engine.decide(asked(of, fixed, declared)), Unreachable):
            yield declared


@pytest.mark.parametrize("path", LIFECYCLES, ids=sampling.name)
def test_both_sides_agree_under_any_settings(path: Path) -> None:
    of = load(path).lifecycle
    run_state_machine_as_test(machine(of, Settings()), settings=settings(max_examples=8, stateful_step_count=15))


@pytest.mark.parametrize("path", POLICIES, ids=sampling.name)
def test_a_break_is_one_that_the_checker_found(path: Path) -> None:
    policy = load_policy(path)
    of, fixed = policy.lifecycle, policy.settings
    found = hunt(of, fixed, of.properties, walks=8, seed=4, steps=20)
    assert found.disagreements == ()
    engine, confirmer = Engine(of), Confirmer(of)
    for broken in found.breaks:
        problem = asked(of, fixed, broken.property)
        assert confirmer.confirm(problem, broken.trace).confirmed
        finding = engine.decide(problem)
        assert isinstance(finding, Reached), broken
        assert len(finding.trace.actions) <= len(broken.trace.actions)
        assert confirmer.confirm(problem, finding.trace).confirmed


def test_what_is_proved_of_the_hardened_policy_does_not_break() -> None:
    policy = load_policy(folder("models") / "policies" / "tdx-1.5-hardened.policy.toml")
    of, fixed = policy.lifecycle, policy.settings
    proved = list(holding(of, fixed))
    assert len(proved) > 5
    walk = machine(of, fixed, proved)
    run_state_machine_as_test(walk, settings=settings(max_examples=15, stateful_step_count=25))
