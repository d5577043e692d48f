"""The frontier of one property, found by the engine and held against every other judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from keyfate.checking.frontier import Condition, FrontierTrace, PropertyFrontier
from keyfate.checking.judges import TIMEOUT, Deadline, Judgement, Twin
from keyfate.checking.naming import plain
from keyfate.checking.ranges import counted
from keyfate.checking.results import Certificate, Plain, Scope
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.account import explain
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
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

NOT_JUDGED = "it was not finished"


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
            tell(_Telling(problem, rule, last, time.perf_counter() - started).unfinished(NOT_JUDGED))
        last = found
    assert last is not None, "an engine gives at least what it has"
    telling = _Telling(problem, rule, last, 0.0)
    result = telling.judged(judges, deadline)
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
    known = _Telling(problem, rule, Frontier((), 0, 0, 0, None), 0.0).unfinished(NOT_JUDGED)
    return replace(known, configurations=None, reaching=None, undecided=None)


def _problem(lifecycle: Lifecycle, rule: Property, settings: Settings) -> Problem:
    """An honest run has no attacker, whatever is said of one."""
    honest = rule.kind == "possible"
    settings = Settings(settings.controls) if honest else settings
    return Problem(lifecycle, settings, Reach(rule.binders, rule.target), honest)


class _Telling:
    """One frontier on its way to data."""

    def __init__(self, problem: Problem, rule: Property, frontier: Frontier, seconds: float) -> None:
        self._problem = problem
        self._rule = rule
        self._frontier = frontier
        self._seconds = seconds
        self._traces = tuple(dict.fromkeys(trace for prime in frontier.primes for trace in prime.traces))
        self._costs = {c.name: c.cost for c in problem.lifecycle.capabilities}

    def unfinished(self, reason: str) -> PropertyFrontier:
        """As UNKNOWN, nothing of it judged."""
        return self._result("UNKNOWN", reason, tuple(self._trace(trace, False, ()) for trace in self._traces), None)

    def judged(self, judges: Judges, deadline: Deadline) -> PropertyFrontier:
        """With what every judge says of it."""
        frontier = self._frontier
        told: list[FrontierTrace] = []
        objections: list[_Objection] = []
        for trace in self._traces:
            if deadline.passed and frontier.reason:
                told.append(self._trace(trace, False, ()))
                continue
            objection, evidence = self._confirmed(judges, trace)
            told.append(self._trace(trace, objection is None, evidence))
            objections += filter(None, (objection,))
        objections += self._conditions_refused(judges)
        traces = tuple(told)
        complete = not frontier.open and not frontier.reason
        clauses = 0
        if complete and not objections:
            refused, clauses = self._complete(judges)
            objections += filter(None, (refused,))
        for objection in sorted(objections, key=lambda objection: objection.verdict):  # DIVERGED comes first
            return self._result(objection.verdict, objection.reason, traces, None)
        if not complete:
            return self._result("UNKNOWN", frontier.reason or TIMEOUT, traces, None)
        return self._result("COMPLETE", None, traces, Certificate("invariant", "z3", clauses))

    def _confirmed(self, judges: Judges, trace: Trace) -> tuple[_Objection | None, tuple[str, ...]]:
        """Who refuses the trace, if anybody; and the twin's evidence."""
        problem = self._problem
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
        assert isinstance(self._problem.target, Reach)
        if not self._frontier.instances:
            yield self._problem, self._frontier
            return
        for target, part in zip(confined(self._problem.target), self._frontier.instances, strict=True):
            yield replace(self._problem, target=target), part

    def _conditions_refused(self, judges: Judges) -> Iterator[_Objection]:
        for problem, part in self._parts():
            for prime in part.primes:
                objection = _objection(judges.certifier.reaches(problem, prime), "a condition")
                if objection is not None:
                    yield objection

    def _complete(self, judges: Judges) -> tuple[_Objection | None, int]:
        """Why the certifier does not accept that nothing else reaches the target, if it does not; and the clauses."""
        clauses = 0
        for problem, part in self._parts():
            excluded = tuple(prime.condition for prime in part.primes)
            if part.reaching < part.configurations:
                judgement = judges.certifier.certify(replace(problem, excluded=excluded), Unreachable(part.invariant))
            else:  # of no setting nothing can be proved: that none is left is what has to be shown
                judgement = judges.certifier.complements(problem, excluded)
            objection = _objection(judgement, "that nothing else does")
            if objection is not None:
                return objection, 0
            clauses += judgement.clauses
        conditions = tuple(prime.condition for prime in self._frontier.primes)
        if self._frontier.safe is not None:
            judgement = judges.certifier.complements(self._problem, conditions, self._frontier.safe)
            objection = _objection(judgement, "the description of all others")
            if objection is not None:
                return objection, 0
        if self._frontier.instances:
            parts = tuple(tuple(p.condition for p in part.primes) for part in self._frontier.instances)
            judgement = judges.certifier.combines(self._problem, conditions, parts)
            return _objection(judgement, "what the instances have in common"), clauses
        return None, clauses

    # Data

    def _result(
        self,
        verdict: Literal["COMPLETE", "UNKNOWN", "DIVERGED"],
        reason: str | None,
        traces: tuple[FrontierTrace, ...],
        certificate: Certificate | None,
    ) -> PropertyFrontier:
        rule, lifecycle, frontier = self._rule, self._problem.lifecycle, self._frontier
        fixed = self._problem.settings
        domains = control_domains(lifecycle)
        numbers = {trace: number for number, trace in enumerate(self._traces)}
        conditions = sorted((self._condition(prime, numbers) for prime in frontier.primes), key=_cheapest_first)
        others = None
        if frontier.safe is not None:
            others = tuple(sorted((self._implicant(safe) for safe in frontier.safe), key=_cheapest_first))
        shut: Mapping[str, Plain] = {str(n): plain(v) for n, v in fixed.controls.items()} | {
            str(n): on for n, on in fixed.capabilities.items()
        }
        return PropertyFrontier(
            lifecycle=lifecycle.name,
            property=rule.name,
            kind=rule.kind,
            text=rule.text,
            severity=rule.severity,
            verdict=verdict,
            reason=reason,
            scope=Scope({s.name: len(s.members) for s in lifecycle.sorts if not s.ordered}),
            fixed=shut,
            fixed_capabilities=tuple(map(str, fixed.capabilities)),
            open_controls={
                str(n): tuple(plain(v) for v in domains[n.name].values)
                for n in control_names(lifecycle)
                if n not in fixed.controls
            },
            open_capabilities=()
            if self._problem.honest
            else tuple(str(n) for n in capability_names(lifecycle) if n not in fixed.capabilities),
            conditions=tuple(conditions),
            others=others,
            traces=traces,
            configurations=frontier.configurations,
            reaching=frontier.reaching,
            undecided=frontier.open,
            symmetric=frontier.symmetric,
            certificate=certificate,
            seconds=self._seconds,
        )

    def _condition(self, prime: Prime, numbers: Mapping[Trace, int]) -> Condition:
        steps = min((len(trace.actions) for trace in prime.traces), default=None)
        traces = tuple(numbers[trace] for trace in prime.traces)
        return replace(self._implicant(prime.condition), steps=steps, traces=traces, implied=prime.implied)

    def _implicant(self, implicant: Implicant) -> Condition:
        on = [name for name, wanted in implicant.capabilities if wanted]
        assert len(on) == len(implicant.capabilities), "no condition asks that a capability be missing (R11)"
        costs = [self._costs[name.name] for name in on]
        known = [cost for cost in costs if cost is not None]
        return Condition(
            controls={str(name): tuple(plain(value) for value in values) for name, values in implicant.controls},
            capabilities=tuple(map(str, on)),
            cost=sum(known) if len(known) == len(costs) else None,
        )

    def _trace(self, trace: Trace, confirmed: bool, evidence: tuple[str, ...]) -> FrontierTrace:
        return FrontierTrace(
            controls={str(name): plain(value) for name, value in trace.controls},
            capabilities=tuple(str(name) for name, on in trace.capabilities if on),
            actions=tuple(map(str, trace.actions)),
            confirmed=confirmed,
            evidence=evidence,
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
