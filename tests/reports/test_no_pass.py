"""Nothing but a decision is a pass: what is asked beside the property itself may fail too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from keyfate.checking import possible
from keyfate.checking.assembling import assemble
from keyfate.checking.deciding import PolicyCheck
from keyfate.checking.judges import Certifier, Court, Deadline, Engine, GaveUpError, Judgement
from keyfate.checking.naming import Namer
from keyfate.checking.results import Result
from keyfate.lifecycle.problem import (
    Enabled,
    Finding,
    Invariant,
    NotWithin,
    OutOfRange,
    Problem,
    Reach,
    Settings,
    Trace,
    Undecided,
    Unreachable,
)
from keyfate.policy import admissible
from keyfate.policy.loading import lifecycle_policy, load_policy
from keyfate.policy.policy import Policy
from vault import furnish

BY_CONTROL = """\
lifecycle shelves "shelves that are filled by one control each, or by an attacker" source "a test" status assumed
sort S = a | b
control first : bool
control second : bool
capability burgle "fills what stands open"
component cpu inside
public item
place shelf[S] volatile at cpu
action fill by cpu when {fills} then shelf[a] gains item ideal
action stack by cpu when {stacks} then shelf[b] gains item ideal
action burgle by attacker needs burgle when not first then shelf[a] gains item
property filled for s: S possible shelf[s] has item
property first_filled possible shelf[a] has item
"""


@dataclass(frozen=True)
class Except:
    """An engine that answers some questions otherwise."""

    engine: Engine
    concerns: Callable[[Problem], bool]
    finding: Finding

    def decide(self, problem: Problem, budget: object = None) -> Finding:
        return self.finding if self.concerns(problem) else self.engine.decide(problem)


@dataclass(frozen=True)
class Refuses:
    accepted: bool = False
    gave_up: bool = False
    reason: str = "because"
    clauses: int = 0


@dataclass(frozen=True)
class Doubts:
    """A certifier that refuses what it is told of some questions."""

    certifier: Certifier
    concerns: Callable[[Problem], bool]

    def certify(self, problem: Problem, finding: Finding) -> Judgement:
        return Refuses() if self.concerns(problem) else self.certifier.certify(problem, finding)

    def uncovered(self, problem: Problem, traces: tuple[Trace, ...]) -> Settings | None:
        raise GaveUpError("too hard")


def about(kind: type) -> Callable[[Problem], bool]:
    return lambda problem: isinstance(problem.target, kind)


@pytest.fixture(scope="module")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return load_policy(furnish(tmp_path_factory.mktemp("no_pass")) / "flash.policy.toml")


@pytest.fixture(scope="module")
def court(flash: Policy) -> Court:
    return assemble(flash.lifecycle, "auto")


def checking(policy: Policy, court: Court) -> PolicyCheck:
    return PolicyCheck(policy, court, Namer(policy.lifecycle), Deadline())


def ask(policy: Policy, court: Court, name: str) -> Result:
    rule = next(r for r in policy.lifecycle.properties if r.name == name)
    return checking(policy, court).result(rule)


def about_when(policy: Policy, name: str) -> Callable[[Problem], bool]:
    """Whether a problem asks if the `when` of a property is reached."""
    rule = next(r for r in policy.lifecycle.properties if r.name == name)
    assert rule.when is not None
    return lambda problem: problem.target == Reach(rule.binders, rule.when)


# Vacuous (R14)


@pytest.mark.parametrize("finding", [Undecided("out of time"), NotWithin(7)])
def test_a_when_that_is_not_decided_leaves_no_proof(flash: Policy, court: Court, finding: Finding) -> None:
    unsure = replace(court, engine=Except(court.engine, about_when(flash, "off_is_empty"), finding))
    result = ask(flash, unsure, "off_is_empty")
    assert (result.verdict, result.met) == ("UNKNOWN", False)


def test_a_when_that_judges_disagree_about_is_a_divergence(flash: Policy, court: Court) -> None:
    doubted = replace(court, certifier=Doubts(court.certifier, about_when(flash, "off_is_empty")))
    result = ask(flash, doubted, "off_is_empty")
    assert (result.verdict, result.met) == ("DIVERGED", False)
    assert (result.reason or "").startswith("whether it is vacuous: ")


def test_vacuous_is_no_proof_that_was_asked_for_by_name(flash: Policy, court: Court) -> None:
    assert ask(flash, court, "audited").met
    requirements = tuple(replace(r, named=True) if r.property == "audited" else r for r in flash.requirements)
    named = ask(replace(flash, requirements=requirements), court, "audited")
    assert (named.verdict, named.required, named.met) == ("VACUOUS", "PROVED", False)


# Ranges (R5)


@pytest.mark.parametrize("finding", [Undecided("out of time"), NotWithin(7)])
def test_a_range_of_which_nothing_is_known_counts_as_met(flash: Policy, court: Court, finding: Finding) -> None:
    unsure = replace(court, engine=Except(court.engine, about(OutOfRange), finding))
    assert ask(flash, unsure, "off_is_empty").scope.within == ("Count 0 .. 2",)


def test_a_range_that_judges_disagree_about_is_a_divergence(flash: Policy, court: Court) -> None:
    result = ask(flash, replace(court, certifier=Doubts(court.certifier, about(OutOfRange))), "off_is_empty")
    assert (result.verdict, result.met) == ("DIVERGED", False)


# Actions that never happen


def test_dead_actions_are_named_only_where_that_was_decided(flash: Policy, court: Court) -> None:
    assert checking(flash, court).dead_actions() == (("audit",), None)
    unsure = replace(court, engine=Except(court.engine, about(Enabled), Undecided("out of time")))
    assert checking(flash, unsure).dead_actions() == (None, None)
    dead, divergence = checking(flash, replace(court, certifier=Doubts(court.certifier, about(Enabled)))).dead_actions()
    assert dead is None
    assert divergence is not None


def test_a_proof_rests_on_the_actions_that_its_invariant_names(flash: Policy, court: Court) -> None:
    named = {"start": "documented", "stop": "claimed"}  # their statuses in the text
    for action, basis in named.items():
        found = Unreachable(Invariant((), frozenset({action})))
        easy = replace(court, engine=Except(court.engine, about(Reach), found), certifier=_Accepts())
        assert ask(flash, easy, "secrecy").basis == basis


class _Accepts:
    def certify(self, problem: Problem, finding: Finding) -> Judgement:
        return Refuses(accepted=True)

    def uncovered(self, problem: Problem, traces: tuple[Trace, ...]) -> Settings | None:
        return None


# Possible (R13)


def shelves(folder: Path, fills: str, stacks: str) -> tuple[Policy, Court]:
    path = folder / "shelves.kf"
    path.write_text(BY_CONTROL.format(fills=fills, stacks=stacks), encoding="utf-8")
    policy = lifecycle_policy(path)
    return policy, assemble(policy.lifecycle, "auto")


@pytest.mark.parametrize(
    ("fills", "stacks", "verdict"),
    [
        ("true", "true", "POSSIBLE"),
        ("first", "true", "DEPENDS"),
        ("first", "not second", "DEPENDS"),
        ("first", "not first", "IMPOSSIBLE"),
        ("first and not first", "true", "IMPOSSIBLE"),
    ],
)
def test_every_instance_needs_a_witness_under_one_setting(
    tmp_path: Path, fills: str, stacks: str, verdict: str
) -> None:
    assert ask(*shelves(tmp_path, fills, stacks), "filled").verdict == verdict


def test_a_witness_uses_no_power_of_an_attacker(tmp_path: Path) -> None:
    result = ask(*shelves(tmp_path, "first", "true"), "first_filled")
    assert (result.verdict, [s.action for s in result.trace or ()]) == ("DEPENDS", ["fill"])
    assert (result.fails_under or {})["first"] is False


def test_settings_that_nobody_can_name_leave_it_open(tmp_path: Path) -> None:
    policy, court = shelves(tmp_path, "first", "true")
    hard = replace(court, certifier=Doubts(court.certifier, lambda problem: False))
    result = ask(policy, hard, "first_filled")
    assert (result.verdict, result.met) == ("UNKNOWN", result.required is None)
    assert "too hard" in (result.reason or "")


def test_a_search_that_was_cut_short_refutes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy, court = shelves(tmp_path, "first", "not first")
    monkeypatch.setattr(possible, "CANDIDATES", 1)
    assert ask(policy, court, "filled").verdict == "UNKNOWN"
    monkeypatch.undo()

    def endless(lifecycle: object, setting: Mapping[object, object]) -> object:
        raise admissible.TooManyError

    monkeypatch.setattr(admissible, "completions", endless)
    assert ask(policy, court, "filled").verdict == "UNKNOWN"
