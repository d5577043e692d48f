"""The engine: a problem in, a finding out.

What settings leave open is bounded first, which may be the whole proof. Else bounded search looks for the shortest
trace and IC3 for a proof, by turns. Instances that exchanges of members take to each other are decided together.
Another prover may stand in for all of that. Nothing here is trusted: the certifier judges the invariant or the trace
on the whole lifecycle.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from keyfate.engines.answers import happening, invariant, trace
from keyfate.engines.bound import bound
from keyfate.engines.circuit import FALSE, Circuit
from keyfate.engines.compile import Compilation
from keyfate.engines.frontier import Exploration
from keyfate.engines.ic3 import Answer, Broken, Open, Proof, proving
from keyfate.engines.lemmas import Lemmas
from keyfate.engines.propagation import readers_of
from keyfate.engines.provers import NoAnswerError, Prover, Reachable, Word
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.search import Run, search, searching
from keyfate.engines.shrinking import shrunk
from keyfate.engines.simulation import covering
from keyfate.engines.slicing import Constants, Question, slice_question
from keyfate.engines.space import space_of
from keyfate.engines.synthesis import synthesized
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle import renaming
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.names import CapabilityOn
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    Frontier,
    NotWithin,
    Problem,
    Reach,
    Reached,
    Target,
    Trace,
    Undecided,
    Unreachable,
)
from keyfate.lifecycle.symmetry import Symmetries, Symmetry, trivial

PRIMES = 10_000
"""Minimal conditions past which none is listed."""
_LEAD = 0.1  # seconds
_LONG_LEAD = 2.0  # of the proof, where whoever asks has looked for a run already


@dataclass(frozen=True)
class _Settings:
    """What is known under the same settings."""

    constants: Constants
    lemmas: Lemmas


class Engine:
    """Decides problems about one lifecycle, whose circuit is built once. `prover` stands in for IC3; `basis` may be
    shared with others. `remembering`: a proof may begin with clauses of earlier ones, so that which of several proofs
    is found depends on what was asked before; it changes nothing else."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        prover: Prover | None = None,
        *,
        basis: Basis | None = None,
        remembering: bool = False,
    ) -> None:
        self.lifecycle = lifecycle
        self._prover = prover
        self._basis = basis or Basis(lifecycle)
        self._remembering = remembering
        self._settings: dict[tuple[tuple[int, int], ...], _Settings] = {}
        self._answers: dict[Circuit, Proof | Run] = {}
        self._reached: dict[tuple[Target, bool], bool] = {}  # whether there was a run, when last asked

    @cached_property
    def _compiled(self) -> Compilation:
        return Compilation(self.lifecycle, self._basis.deduction)

    @cached_property
    def _symmetries(self) -> Symmetries:
        return Symmetries(self.lifecycle)

    def decide(self, problem: Problem, budget: Budget | None = None, *, sampled: bool = False) -> Finding:
        """Whether the problem's target can be reached, with an invariant or a shortest trace.

        `sampled`: `sample` came by no run, so that a proof is likely and is begun with; it changes no answer.

        Undecided, with the reason, where the budget's seconds or the memory run out, NotWithin where its steps do.
        Raises KeyError for settings that the lifecycle does not have.
        """
        budget = budget or Budget()
        clock = Clock(budget)
        try:
            found = self._answer(problem, budget, clock, sampled, exact=False)
            if found is None:  # its only shortest runs need a step of which the slice knows nothing
                found = self._answer(problem, budget, clock, sampled, exact=True)
        except (OutOfBudgetError, NoAnswerError) as error:
            return Undecided(str(error))
        except MemoryError:
            return Undecided("out of memory")
        assert found is not None, "an exact slice has no step of which it knows nothing"
        return found

    def _answer(self, problem: Problem, budget: Budget, clock: Clock, sampled: bool, exact: bool) -> Finding | None:
        # Another prover is asked for each instance, so that its opinion is one on symmetry, too.
        symmetry = trivial(problem.target) if self._prover is not None else self._symmetries.of(problem)
        question = self.question(problem, exact, symmetry)
        lemmas = self._lemmas(problem)
        answer: Proof | Word | Open | Run | None = None
        if budget.steps is None:  # many settings differ in nothing that the question sees
            answer = self._answers.get(question.circuit)
        if answer is None and self._prover is not None:
            answer = _told(self._prover, question, budget, clock)
        elif answer is None:
            asked = (problem.target, problem.honest)
            answer = self._bound_or_race(
                question, lemmas, budget, clock, *_handicap(problem, sampled, self._reached.get(asked))
            )
            self._reached[asked] = isinstance(answer, Run)
        if isinstance(answer, Proof | Run):
            self._answers[question.circuit] = answer
        match answer:
            case Proof():
                proof = invariant(question, answer.clauses)
                if lemmas is not None:
                    lemmas.add(proof.clauses)
                return Unreachable(renaming.invariant(proof, symmetry.images) if len(symmetry.images) > 1 else proof)
            case Word():
                return Unreachable(None)
            case Open(steps):
                return NotWithin(steps)
            case Run():
                actions = happening(question, answer)
                if None in actions:
                    return None
                return Reached(trace(self._compiled, question, problem, answer, tuple(filter(None, actions))))
        raise AssertionError(answer)

    def question(self, problem: Problem, exact: bool = False, symmetry: Symmetry | None = None) -> Question:
        """The circuit of a problem, or of the representatives of its target. With `exact`, see `slicing`."""
        compilation = self._compiled
        settings = compilation.settings(problem.excluded)
        kept: tuple[int, ...] = ()
        if symmetry is not None and isinstance(problem.target, Reach):
            asked = [compilation.instance(problem.target, instance) for instance in symmetry.representatives]
            parts = tuple(dict.fromkeys(asked))
            # What is found of the representatives is said of settings on which only others depend.
            kept = compilation.bits.moved(symmetry.place)
        else:
            parts = compilation.target(problem.target)
        return slice_question(compilation, self._under(problem).constants, settings, parts, exact, kept)

    def _under(self, problem: Problem) -> _Settings:
        """What is known under the problem's settings, of the whole graph as it is now."""
        compilation = self._compiled
        fixed = compilation.bits.fixed(problem.settings)
        if problem.honest:
            fixed.update(dict.fromkeys(compilation.bits.capabilities.values(), FALSE))
        fixed[compilation.honest] = int(problem.honest)
        key = tuple(sorted(fixed.items()))
        known = self._settings.get(key)
        if known is None:
            constants = Constants(compilation, fixed)
            known = self._settings[key] = _Settings(constants, Lemmas(constants))
        known.constants.update()
        return known

    def _lemmas(self, problem: Problem) -> Lemmas | None:
        return self._under(problem).lemmas if self._remembering else None

    def _bound_or_race(
        self, question: Question, lemmas: Lemmas | None, budget: Budget, clock: Clock, share: float, lead: float
    ) -> Proof | Open | Run:
        """What can ever hold under which settings is the whole proof, or helps to find one."""
        circuit = question.circuit
        if not any(latch.frozen for latch in circuit.latches):
            # Nothing is open, and constants were propagated when the circuit was cut: the bound knows no more.
            return _race(question, _proving(question, (), lemmas, budget, clock), budget, clock, share, lead)
        bits = self._compiled.bits
        space = space_of(circuit, bits.controls, bits.capabilities)
        above = bound(circuit, space, readers_of(circuit), clock)
        admissible = above.can(circuit.constraint)
        facts = above.facts(circuit, space, admissible)
        if not (above.can(circuit.bad) & admissible).satisfiable():
            return Proof(shrunk(circuit, facts, clock), 0)
        return _race(question, _proving(question, facts, lemmas, budget, clock), budget, clock, share, lead)

    def frontier(
        self, problem: Problem, budget: Budget | None = None, *, limit: int = PRIMES, safe: bool = False
    ) -> Iterator[Frontier]:
        """Every minimal condition on what the problem leaves open under which its target can be reached.

        Of an honest problem, under which each instance of its target can be (R13). Gives what is known so far whenever
        more of it is, and at last the whole; or what was found until the budget's seconds, the memory or the `limit` on
        minimal conditions ended it, with the reason. `safe`: describe all other settings too. Raises KeyError for
        settings that the lifecycle does not have.
        """

        def explore(asked: Problem, exact: bool, symmetry: Symmetry) -> Exploration:
            question = self.question(asked, exact, symmetry)
            return Exploration(self._compiled, question, asked, limit, symmetry, self._lemmas(asked))

        symmetry = self._symmetries.of(problem)
        return synthesized(self._compiled, explore, problem, symmetry, Clock(budget or Budget()), limit, safe=safe)

    def exactly(self, problem: Problem) -> Question:
        """The circuit of a problem in which every step is an instance's: bad is reached only if the target is."""
        question = self.question(problem)
        if any(name is None for name, _ in question.fires):
            return self.question(problem, exact=True)
        return question

    def sample(self, problem: Problem, budget: Budget | None = None) -> tuple[Trace, ...]:
        """A few runs that, step by step, pass states for which the target asks: what random simulation comes by.

        Each of `Reach.binders` may be met by another of them. They are no shortest ones, leave out steps of which the
        slice knows nothing, and like all of an engine's are not to be believed before the interpreter replays them.
        None is the beginning of another.
        """
        clock = None if budget is None else Clock(budget)
        question = self.question(problem)
        found = [
            trace(self._compiled, question, problem, sample.run, sample.actions)
            for sample in covering(question, clock=clock)
        ]
        return tuple(run for run in dict.fromkeys(found) if not any(_goes_on(other, run) for other in found))


def _goes_on(trace: Trace, beginning: Trace) -> bool:
    """Whether `trace` is longer and begins so."""
    length = len(beginning.actions)
    return len(trace.actions) > length and replace(trace, actions=trace.actions[:length]) == beginning


def _handicap(problem: Problem, sampled: bool, reached: bool | None) -> tuple[float, float]:
    """The search's share of the proof's time, and how many seconds the proof is ahead.

    `reached`: whether there was a run under the settings that were asked before, if any were: most often there is
    now, too. Else who asks for a witness expects one, and the search begins, and else the proof does.
    """
    if sampled:
        return 0.5, _LONG_LEAD
    if reached is None:
        return (1.0, -_LEAD) if problem.honest else (0.5, _LEAD)
    return (1.0, -_LEAD / 2) if reached else (0.5, 2 * _LEAD)


def _proving(
    question: Question, facts: tuple[tuple[int, ...], ...], lemmas: Lemmas | None, budget: Budget, clock: Clock
) -> Generator[None, None, Answer]:
    """IC3, from what holds of every state: `facts`, and what earlier proofs say. No work is done before its turn."""
    circuit = question.circuit
    if lemmas is not None and circuit.bad != FALSE:
        facts += lemmas.facts(question, facts, clock)
    answer = yield from proving(replace(circuit, known=(*circuit.known, *facts)), clock, budget.steps)
    if not isinstance(answer, Proof) or not facts:
        return answer
    return replace(answer, clauses=shrunk(circuit, (*facts, *answer.clauses), clock))


def _race(
    question: Question,
    proof: Generator[None, None, Answer] | None,
    budget: Budget,
    clock: Clock,
    share: float,
    lead: float,
) -> Proof | Open | Run:
    """Proof and search by turns: where there is a run, search is the faster of the two, and its run is a shortest.

    Which of them ends it does not depend on how the time is shared.
    """
    search: Generator[None, None, Run | None] | None = searching(
        question.circuit, clock, budget.steps, _capabilities(question)
    )
    proved, searched = 0.0, 0.0  # seconds so far
    while True:
        begin = time.perf_counter()
        if proof is not None and (search is None or searched >= share * (proved - lead)):
            try:
                next(proof)
            except StopIteration as end:
                answer: Answer = end.value
                if not isinstance(answer, Broken):
                    return answer
                proof = None  # there is a run: only its length is open
            proved += time.perf_counter() - begin
        elif search is not None:
            try:
                next(search)
            except StopIteration as end:
                run: Run | None = end.value
                if run is not None:
                    return run
                search = None
            searched += time.perf_counter() - begin
        else:  # all runs are longer than the budget's steps
            assert budget.steps is not None
            return Open(budget.steps)


def _told(prover: Prover, question: Question, budget: Budget, clock: Clock) -> Proof | Word | Open | Run:
    """What another prover says; where it names no run, bounded search does."""
    said = prover(question.circuit, clock)
    if isinstance(said, Run) and budget.steps is not None and len(said.inputs) > budget.steps:
        return Open(budget.steps)
    if not isinstance(said, Reachable):
        return said
    run = search(question.circuit, clock, budget.steps, _capabilities(question))
    if run is None:
        assert budget.steps is not None
        return Open(budget.steps)
    return run


def _capabilities(question: Question) -> tuple[int, ...]:
    return tuple(latch.literal for latch in question.circuit.latches if isinstance(latch.name, CapabilityOn))
