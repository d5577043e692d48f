"""Engines whose frontiers are not what they should be, and a certifier that comes to no answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from keyfate.certifier.judgement import Judgement
from keyfate.checking.synthesizing import FrontierCertifier
from keyfate.engines.decide import Engine
from keyfate.lifecycle.names import ActionName
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    Frontier,
    Implicant,
    Prime,
    Problem,
)

GAVE_UP = Judgement(False, "out of memory", 0, gave_up=True)


@dataclass(frozen=True)
class Liar:
    """An engine whose frontiers are not what they should be."""

    truth: Engine
    lie: Any

    def decide(self, problem: Problem, budget: Budget | None = None) -> Finding:
        return self.truth.decide(problem, budget)

    def frontier(self, problem: Problem, budget: Budget | None = None, *, safe: bool = False) -> Iterator[Frontier]:
        *_, last = self.truth.frontier(problem, budget, safe=safe)
        yield self.lie(last)


def without_the_first(frontier: Frontier) -> Frontier:
    left = tuple(prime for prime in frontier.primes if not prime.implied)[1:]
    return replace(frontier, primes=left)


def too_wide(frontier: Frontier) -> Frontier:
    first, *others = frontier.primes
    wider = replace(first, condition=replace(first.condition, controls=(), capabilities=()))
    return replace(frontier, primes=(wider, *others))


def traced_wrongly(frontier: Frontier) -> Frontier:
    first, *others = frontier.primes
    (shown, *more) = first.traces
    wrong = replace(shown, actions=(ActionName("nothing"), *shown.actions))
    return replace(frontier, primes=(replace(first, traces=(wrong, *more)), *others))


def cut_short(frontier: Frontier) -> Frontier:
    first, *others = frontier.primes
    (shown, *more) = first.traces
    return replace(
        frontier, primes=(replace(first, traces=(replace(shown, actions=shown.actions[:-1]), *more)), *others)
    )


def unproved(frontier: Frontier) -> Frontier:
    assert frontier.invariant is not None
    return replace(frontier, invariant=replace(frontier.invariant, clauses=frontier.invariant.clauses[:1]))


def all_of_it(frontier: Frontier) -> Frontier:
    return replace(without_the_first(frontier), reaching=frontier.configurations)


def none_of_it(frontier: Frontier) -> Frontier:
    return Frontier((), 0, 0, 0, None)


def safer(frontier: Frontier) -> Frontier:
    return replace(frontier, safe=(Implicant(),))


@dataclass(frozen=True)
class Tired:
    """A certifier that comes to no answer on one kind of question."""

    honest: FrontierCertifier
    on: str

    def certify(self, problem: Problem, finding: Finding) -> Judgement:
        tired = self.on == type(finding).__name__ or self.on == type(problem.target).__name__
        return GAVE_UP if tired else self.honest.certify(problem, finding)

    def reaches(self, problem: Problem, prime: Prime) -> Judgement:
        return GAVE_UP if self.on == "Prime" else self.honest.reaches(problem, prime)

    def combines(
        self, problem: Problem, conditions: tuple[Implicant, ...], parts: tuple[tuple[Implicant, ...], ...]
    ) -> Judgement:
        return GAVE_UP if self.on == "combines" else self.honest.combines(problem, conditions, parts)

    def complements(
        self, problem: Problem, conditions: tuple[Implicant, ...], others: tuple[Implicant, ...] = ()
    ) -> Judgement:
        return GAVE_UP if self.on == "complements" else self.honest.complements(problem, conditions, others)
