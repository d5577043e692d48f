"""Several engines on one question: who contradicts whom, and who is only silent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from keyfate.checking.assembling import assemble
from keyfate.checking.deciding import PolicyCheck
from keyfate.checking.judges import Answer, Court, Deadline
from keyfate.checking.naming import Namer
from keyfate.checking.panel import AGREES, PATIENCE, Panel, merged, together
from keyfate.checking.results import Certificate, Result
from keyfate.checking.session import open_session
from keyfate.lifecycle.names import ActionName
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    Invariant,
    NotWithin,
    Problem,
    Reach,
    Reached,
    Trace,
    Undecided,
    Unreachable,
)
from keyfate.policy.policy import Policy


def reached(length: int, shortest: bool = True) -> Reached:
    return Reached(Trace((), (), (), (ActionName("tick"),) * length), shortest)


NEVER = Unreachable(Invariant((), frozenset()))
WORD = Unreachable(None)
SILENT = Undecided("it was tired")


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (reached(2), NEVER, "one found a trace of 2 steps, two a proof that there is none"),
        (NEVER, reached(1), "two found a trace of 1 step, one a proof that there is none"),
        (reached(2), reached(3), "one found a trace of 2 steps, two one of 3 steps"),
        (reached(3), reached(2), "one found a trace of 3 steps, two one of 2 steps"),
        (reached(2, shortest=False), reached(3), "two one of 3 steps"),
        (reached(2), WORD, "one found a trace of 2 steps, two says that there is none"),
        (WORD, reached(1), "two found a trace of 1 step, one says that there is none"),
        (NotWithin(4), reached(4), "two found a trace of 4 steps, one none within 4 steps"),
    ],
)
def test_who_contradicts_whom(one: Finding, two: Finding, said: str) -> None:
    found = together([("one", Answer(one)), ("two", Answer(two))])
    assert said in (found.divergence or "")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (reached(2), reached(2)),
        (NEVER, NEVER),
        (reached(2), SILENT),
        (SILENT, NEVER),
        (SILENT, SILENT),
        (reached(3, shortest=False), reached(2)),
        (reached(3), NotWithin(2)),
        (NEVER, NotWithin(2)),
    ],
)
def test_who_agrees_or_is_silent_contradicts_nobody(one: Finding, two: Finding) -> None:
    found = together([("one", Answer(one)), ("two", Answer(two))])
    assert found.divergence is None
    assert found.finding == (two if isinstance(one, Undecided) and not isinstance(two, Undecided) else one)


@pytest.mark.parametrize("first", [SILENT, WORD])
def test_a_word_without_an_invariant_is_no_verdict(first: Finding) -> None:
    found = together(
        [("one", Answer(first)), ("two", Answer(WORD, certificate=Certificate("fixedpoint", "two", None)))]
    )
    name = "one" if first == WORD else "two"
    said = "that it is never reached, without an invariant that could be judged"
    assert found.finding == Undecided(f"{name} says {said}")
    assert found.certificate is None
    assert found.opinions == {"one": f"it says {said}" if first == WORD else "it was tired", "two": f"it says {said}"}


@pytest.mark.parametrize("answers", [(WORD, NEVER), (NEVER, WORD)])
def test_a_word_is_an_opinion_on_what_another_proves(answers: tuple[Finding, Finding]) -> None:
    found = together([(name, Answer(finding)) for name, finding in zip(("one", "two"), answers, strict=True)])
    assert found.finding == NEVER
    assert found.opinions == {"one": AGREES, "two": AGREES}


def test_three_engines_are_held_against_each_other() -> None:
    found = together([("one", Answer(SILENT)), ("two", Answer(NEVER)), ("three", Answer(reached(1)))])
    assert "three found a trace of 1 step, two a proof" in (found.divergence or "")
    assert found.opinions == {"one": "it was tired", "two": AGREES, "three": AGREES}


def test_a_judge_that_refuses_one_of_them_refuses_all() -> None:
    found = together([("one", Answer(NEVER)), ("two", Answer(NEVER, divergence="two found a proof that is none"))])
    assert found.divergence == "two found a proof that is none"


def test_of_several_problems_one_silence_is_told() -> None:
    answers = [Answer(NEVER, opinions={"one": AGREES, "two": said}) for said in (AGREES, "late", "tired")]
    assert merged(answers) == {"one": AGREES, "two": "late"}


# With a lifecycle


class Says:
    """An engine that has one answer to everything."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding

    def decide(self, problem: Problem, budget: Budget | None = None) -> Finding:
        return self.finding


@pytest.fixture(scope="module")
def safe(house: Path) -> Policy:
    return open_session([house / "safe.policy.toml"], {}).policies[0]


@pytest.fixture(scope="module")
def court(safe: Policy) -> Court:
    return assemble(safe.lifecycle, "auto")


def ask(policy: Policy, court: Court, other: Finding, name: str, deadline: Deadline | None = None) -> Result:
    """With an engine beside the court's own."""
    engines = (("ours", court.engine), ("theirs", Says(other)))
    panel = Panel(court.lifecycle, court.engine, court.certifier, court.twin, "all", court.basis, engines)
    rule = next(known for known in policy.lifecycle.properties if known.name == name)
    return PolicyCheck(policy, panel, Namer(policy.lifecycle), deadline or Deadline()).result(rule)


def test_a_silent_engine_leaves_the_verdict(safe: Policy, court: Court) -> None:
    result = ask(safe, court, SILENT, "secrecy")
    assert (result.verdict, result.engine) == ("PROVED", "all")
    assert result.opinions == {"ours": "agrees", "theirs": "it was tired"}


@pytest.mark.parametrize("name", ["secrecy", "audited", "restores"])
def test_a_word_without_an_invariant_leaves_all_unknown(safe: Policy, court: Court, name: str) -> None:
    """Whether it is about what is never to happen, about a `when`, or about what is possible."""
    result = ask(safe, replace(court, engine=Says(SILENT)), WORD, name)
    assert (result.verdict, result.certificate) == ("UNKNOWN", None)
    assert result.reason == "theirs says that it is never reached, without an invariant that could be judged"


def test_a_proof_that_the_certifier_refuses_is_a_divergence(safe: Policy, court: Court) -> None:
    result = ask(safe, court, Unreachable(Invariant(((),), frozenset())), "secrecy")
    assert result.verdict == "DIVERGED"
    assert "theirs found a proof that the certifier refuses" in (result.reason or "")


def test_a_trace_that_does_not_run_is_a_divergence(safe: Policy, court: Court) -> None:
    result = ask(safe, court, reached(1), "secrecy")
    assert result.verdict == "DIVERGED"
    assert "theirs found a trace that the interpreter refuses" in (result.reason or "")


def test_a_witness_that_another_denies_is_a_divergence(safe: Policy, court: Court) -> None:
    result = ask(safe, court, WORD, "restores")
    assert result.verdict == "DIVERGED"
    assert "theirs says that there is none" in (result.reason or "")


def test_all_but_the_first_have_little_time(safe: Policy, court: Court) -> None:
    class Hearing(Says):
        def decide(self, problem: Problem, budget: Budget | None = None) -> Finding:
            given.append(budget)
            return self.finding

    given: list[Budget | None] = []
    engines = tuple((name, Hearing(SILENT)) for name in ("ours", "theirs", "others"))
    panel = Panel(court.lifecycle, court.engine, court.certifier, court.twin, "all", court.basis, engines)
    rule = safe.lifecycle.properties[0]
    panel.ask(Problem(safe.lifecycle, safe.settings, Reach(rule.binders, rule.target)), Deadline())
    assert given == [Budget(), Budget(PATIENCE), Budget(PATIENCE)]


def test_time_that_is_up_is_unknown(safe: Policy, court: Court) -> None:
    assert ask(safe, court, NEVER, "secrecy", Deadline(0.0)).verdict == "UNKNOWN"


def test_where_the_first_is_silent_another_decides(safe: Policy, court: Court) -> None:
    silent = replace(court, engine=Says(SILENT))
    assert ask(safe, silent, court.engine.decide(problem(safe)), "secrecy").opinions["ours"] == "it was tired"


def problem(policy: Policy) -> Problem:
    from keyfate.lifecycle.problem import Reach

    rule = next(known for known in policy.lifecycle.properties if known.name == "secrecy")
    return Problem(policy.lifecycle, policy.settings, Reach(rule.binders, rule.target))
