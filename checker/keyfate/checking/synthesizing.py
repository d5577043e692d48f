"""The frontier of one property, found by the engine and held against every other judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from keyfate.checking.frontier import PropertyFrontier
from keyfate.checking.frontier_data import Ruling, as_data, traces_of
from keyfate.checking.judges import TIMEOUT, Deadline, Judgement, Twin
from keyfate.checking.ranges import counted
from keyfate.checking.results import Certificate
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.account import explain
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.interpreter import ReplayError
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    Frontier,
    Implicant,
    OutOfRange,
    Prime,
    Problem,
    Reach,
    Reached,
    Settings,
    Trace,
    Unreachable,
    confined,
)

_NOT_JUDGED = Ruling("UNKNOWN", "it was not finished")


class Synthesizer(Protocol):
    """The engine that finds frontiers; trusted by nobody."""

    def decide(self, problem: Problem, budget: Budget = ...) -> Finding: ...
    def frontier(self, problem: Problem, budget: Budget = ..., *, safe: bool = ...) -> Iterator[Frontier]: ...


class FrontierCertifier(Protocol):
    """The small trusted judge."""

    def certify(self, problem: Problem, finding: Finding) -> Judgement: ...
    def reaches(self, problem: Problem, prime: Prime) -> Judgement: ...
    def combines(
        self, problem: Problem, conditions: tuple[Implicant, ...], parts: tuple[tuple[Implicant, ...], ...]
    ) -> Judgement: ...
    def complements(
        self, problem: Problem, conditions: tuple[Implicant, ...], others: tuple[Implicant, ...] = ...
    ) -> Judgement: ...


@dataclass(frozen=True)
class Judges:
    """Those who judge the frontiers of one lifecycle."""

    lifecycle: Lifecycle
    engine: Synthesizer
    certifier: FrontierCertifier
    twin: Twin
    basis: Basis


def synthesize(
    judges: Judges,
    rule: Property,
    settings: Settings,
    deadline: Deadline,
    *,
    safe: bool = False,
    tell: Callable[[PropertyFrontier], None] = lambda _: None,
) -> PropertyFrontier:
    """The frontier of `rule` over what `settings` leave open. What is known on the way is told, and judged only at the
    end: `safe` asks for a description of all that satisfies no condition too."""
    started = time.perf_counter()
    problem = _problem(judges.lifecycle, rule, settings)
    last: Frontier | None = None
    for found in judges.engine.frontier(problem, deadline.budget(), safe=safe):
        if last is not None:
            tell(as_data(problem, rule, last, _NOT_JUDGED, time.perf_counter() - started))
        last = found
    assert last is not None, "an engine gives at least what it has"
    result = as_data(problem, rule, last, _Judging(judges, problem, last).ruling(deadline), 0.0)
    if result.verdict == "COMPLETE" and result.reaching != result.configurations:
        result = _within(judges, problem, result, deadline)
    return replace(result, seconds=round(time.perf_counter() - started, 4))


def _within(judges: Judges, problem: Problem, result: PropertyFrontier, deadline: Deadline) -> PropertyFrontier:
    """The frontier with the ranges that some reachable state runs out of (R5)."""
    ranges = counted(problem.lifecycle)
    if not ranges:
        return result
    asked = replace(problem, target=OutOfRange())
    finding = judges.engine.decide(asked, deadline.budget())
    if not isinstance(finding, Unreachable):  # not decided counts as reachable: the weaker claim
        return replace(result, scope=replace(result.scope, within=ranges))
    judgement = judges.certifier.certify(asked, finding)
    objection = _objection(judgement, "that no range ends")
    if objection is None:
        return result
    return replace(result, verdict=objection.verdict, reason=objection.reason, certificate=None)


@dataclass(frozen=True)
class _Objection:
    """Why a judge does not accept something: because it is wrong (DIVERGED), or could not be judged (UNKNOWN)."""

    reason: str
    verdict: Literal["UNKNOWN", "DIVERGED"] = "DIVERGED"


def _objection(judgement: Judgement, what: str) -> _Objection | None:
    if judgement.accepted:
        return None
    if judgement.gave_up:
        return _Objection(f"the certifier cannot tell {what}: {judgement.reason}", "UNKNOWN")
    return _Objection(f"the certifier refuses {what}: {judgement.reason}")


def nothing_known(lifecycle: Lifecycle, rule: Property, settings: Settings) -> PropertyFrontier:
    """UNKNOWN, for a question of which nothing was heard: not even how many configurations there are."""
    problem = _problem(lifecycle, rule, settings)
    known = as_data(problem, rule, Frontier((), 0, 0, 0, None), _NOT_JUDGED, 0.0)
    return replace(known, configurations=None, reaching=None, undecided=None)


def _problem(lifecycle: Lifecycle, rule: Property, settings: Settings) -> Problem:
    """An honest run has no attacker, whatever is said of one."""
    honest = rule.kind == "possible"
    settings = Settings(settings.controls) if honest else settings
    return Problem(lifecycle, settings, Reach(rule.binders, rule.target), honest)


@dataclass(frozen=True)
class _Judging:
    """One frontier before its judges."""

    judges: Judges
    problem: Problem
    frontier: Frontier

    def ruling(self, deadline: Deadline) -> Ruling:
        """What every judge says of it."""
        frontier = self.frontier
        confirmed: set[Trace] = set()
        evidence: dict[Trace, tuple[str, ...]] = {}
        objections: list[_Objection] = []
        for trace in traces_of(frontier):
            if deadline.passed and frontier.reason:
                continue
            objection, evidence[trace] = self._confirmed(trace)
            if objection is None:
                confirmed.add(trace)
            else:
                objections.append(objection)
        objections += self._conditions_refused()
        ruling = Ruling("UNKNOWN", frontier.reason or TIMEOUT, frozenset(confirmed), evidence)
        complete = not frontier.open and not frontier.reason
        clauses = 0
        if complete and not objections:
            refused, clauses = self._complete()
            objections += filter(None, (refused,))
        for objection in sorted(objections, key=lambda objection: objection.verdict):  # DIVERGED comes first
            return replace(ruling, verdict=objection.verdict, reason=objection.reason)
        if not complete:
            return ruling
        return replace(ruling, verdict="COMPLETE", reason=None, certificate=Certificate("invariant", "z3", clauses))

    def _confirmed(self, trace: Trace) -> tuple[_Objection | None, tuple[str, ...]]:
        """Who refuses the trace, if anybody; and the twin's evidence."""
        judges, problem = self.judges, self.problem
        try:
            account = explain(judges.lifecycle, trace, problem.target, honest=problem.honest, basis=judges.basis)
        except ReplayError as error:
            return _Objection(f"the interpreter refuses a trace: {error}"), ()
        if account.binding is None:
            return _Objection("the interpreter replays a trace to a state that is not asked for"), ()
        objection = _objection(judges.certifier.certify(problem, Reached(trace)), "a trace")
        if objection is not None:
            return objection, ()
        confirmation = judges.twin(problem, trace)
        if not confirmation.confirmed:
            return _Objection(f"a trace does not happen in bytes: {confirmation.reason}"), confirmation.evidence
        return None, confirmation.evidence

    def _parts(self) -> Iterator[tuple[Problem, Frontier]]:
        """Each instance with its own frontier, where each must be reached; else the whole."""
        assert isinstance(self.problem.target, Reach)
        if not self.frontier.instances:
            yield self.problem, self.frontier
            return
        for target, part in zip(confined(self.problem.target), self.frontier.instances, strict=True):
            yield replace(self.problem, target=target), part

    def _conditions_refused(self) -> Iterator[_Objection]:
        for problem, part in self._parts():
            for prime in part.primes:
                objection = _objection(self.judges.certifier.reaches(problem, prime), "a condition")
                if objection is not None:
                    yield objection

    def _complete(self) -> tuple[_Objection | None, int]:
        """Why the certifier does not accept that nothing else reaches the target, if it does not; and the clauses."""
        certifier, clauses = self.judges.certifier, 0
        for problem, part in self._parts():
            excluded = tuple(prime.condition for prime in part.primes)
            if part.reaching < part.configurations:
                judgement = certifier.certify(replace(problem, excluded=excluded), Unreachable(part.invariant))
            else:  # of no setting nothing can be proved: that none is left is what has to be shown
                judgement = certifier.complements(problem, excluded)
            objection = _objection(judgement, "that nothing else does")
            if objection is not None:
                return objection, 0
            clauses += judgement.clauses
        conditions = tuple(prime.condition for prime in self.frontier.primes)
        if self.frontier.safe is not None:
            judgement = certifier.complements(self.problem, conditions, self.frontier.safe)
            objection = _objection(judgement, "the description of all others")
            if objection is not None:
                return objection, 0
        if self.frontier.instances:
            parts = tuple(tuple(p.condition for p in part.primes) for part in self.frontier.instances)
            judgement = certifier.combines(self.problem, conditions, parts)
            return _objection(judgement, "what the instances have in common"), clauses
        return None, clauses
