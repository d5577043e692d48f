"""The judge: a fresh Z3 checks whatever an engine claims.

Trusted are this room, Z3, and what the rooms below fix (types and names). An
invariant is accepted if it holds in the first states, is kept by every action
instance, and leaves no state of the target; a trace is accepted if each of its
steps can happen and its last state is one of the target. Everything else,
`unknown` included, is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from keyfate.certifier.bits import mismatch
from keyfate.certifier.encoding import Encoding
from keyfate.certifier.formulas import FALSE
from keyfate.certifier.judgement import GaveUpError, Judgement, RefusalError, judged
from keyfate.certifier.running import runs
from keyfate.certifier.smtlib import Printer, Script
from keyfate.certifier.solve import solve
from keyfate.certifier.steps import Step
from keyfate.certifier.traces import Traces
from keyfate.certifier.translation import Translation
from keyfate.certifier.z3api import Context, Expr, Solver, SolverError
from keyfate.language import typed as t
from keyfate.lifecycle.names import BitLiteral, ControlName
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    Implicant,
    Invariant,
    NotWithin,
    Prime,
    Problem,
    Reached,
    Settings,
    Trace,
    Undecided,
    Unreachable,
)

SECONDS = 60.0  # one question to Z3; what a certificate needs is hundredths


@dataclass(frozen=True)
class Obligations:
    """What makes an invariant a proof, as formulas.

    `known` is true of every state; the invariant, as it reads in the first state, is `at_first`; `inside`
    says that a state is in it (and has observed what is exposed, see `Encoding.caught_up`); no such state is
    one of `target`, nor one in which an instance of `broken` happens and leads out of it.
    """

    known: tuple[int, ...]
    at_first: int
    inside: tuple[int, ...]
    target: int
    broken: tuple[tuple[Step, int], ...]


class Certifier:
    """Judges findings about one lifecycle, which is encoded once."""

    def __init__(self, lifecycle: t.Lifecycle, seconds: float = SECONDS) -> None:
        self.lifecycle = lifecycle
        self.seconds = seconds
        self.encoding = Encoding(lifecycle)
        self.context = Context()
        self._ends: dict[int, list[tuple[Step, int]]] = {}
        self.now = Translation(self.context, self.encoding.formulas, "b{}".format)

    def certify(self, problem: Problem, finding: Finding) -> Judgement:
        """Whether `finding` is right about `problem`, which must be about this lifecycle."""
        clauses = len(finding.invariant.clauses) if isinstance(finding, Unreachable) and finding.invariant else 0

        def check() -> None:
            match finding:
                case Unreachable(invariant):
                    if invariant is None:
                        raise RefusalError("no invariant was given")
                    self._check_invariant(problem, invariant)
                case Reached(trace):
                    self._traces.check(problem, self.known(problem), trace)
                case NotWithin(steps):
                    raise RefusalError(f"a search of {steps} steps is no proof")
                case Undecided(reason):
                    raise RefusalError(f"undecided: {reason}")

        return judged(check, clauses)

    def solve(self, problem: Problem, budget: Budget | None = None) -> Finding:
        """Decides `problem` by Z3 alone: a shortest trace, an invariant that `certify` accepts,
        `NotWithin` where the budget's steps ran out, or Undecided with the reason."""

        def refusal(finding: Finding) -> str | None:
            judgement = self.certify(problem, finding)
            return None if judgement.accepted else judgement.reason

        try:
            assumed, steps = self.assumptions(problem), tuple(self.steps(problem))
            return solve(self.encoding, problem, assumed, self.open(problem), steps, budget or Budget(), refusal)
        except RefusalError as error:
            return Undecided(str(error))
        except SolverError as error:
            return Undecided(f"Z3 failed: {error}")
        except MemoryError:
            return Undecided("out of memory")

    def uncovered(self, problem: Problem, traces: Sequence[Trace]) -> Settings | None:
        """A full setting of the controls, admissible and in agreement with the problem, under which
        none of `traces` can run to the target; None if there is none. Raises SolverError where Z3
        gives up, RefusalError where the lifecycle does not have what the settings name."""
        solver = self.fresh(problem)
        solver.add(*self.now.exprs([-runs(self.encoding, problem, trace) for trace in traces]))
        answer = solver.check()
        if answer == "unknown":
            raise SolverError(solver.reason())
        if answer == "unsat":
            return None
        chosen: dict[ControlName, t.Value] = {}
        for control, cases in self.encoding.bits.controls.items():
            truths = solver.truths(self.now.exprs(list(cases.values())))
            chosen[control] = next(value for value, true in zip(cases, truths, strict=True) if true)
        return Settings(chosen, problem.settings.capabilities)

    def reaches(self, problem: Problem, prime: Prime) -> Judgement:
        """Whether under each admissible setting of the condition, whatever else the attacker can do, one of its
        traces runs to the target. That they do under their own settings is for `certify` to say."""

        def check() -> None:
            solver = self.fresh(problem)
            solver.add(self.now.expr(self.implicant(prime.condition)))
            if not self._possible(solver):
                raise RefusalError("no setting of the condition is admissible")
            ways = [runs(self.encoding, problem, trace, any_attacker=True) for trace in prime.traces]
            self._excluded(solver, -self.encoding.formulas.any_of(ways), "under some setting of it no trace runs")

        return judged(check, 0)

    def combines(
        self, problem: Problem, conditions: Sequence[Implicant], parts: Sequence[Sequence[Implicant]]
    ) -> Judgement:
        """Whether the admissible settings of `conditions` are just those that meet some condition of each part."""

        def check() -> None:
            formulas = self.encoding.formulas
            some = formulas.any_of([self.implicant(condition) for condition in conditions])
            every = formulas.all_of([formulas.any_of([self.implicant(c) for c in part]) for part in parts])
            said = "the conditions are not those that all instances have in common"
            self._excluded(self.fresh(problem), formulas.all_of((some, -every)), said)
            self._excluded(self.fresh(problem), formulas.all_of((every, -some)), said)

        return judged(check, 0)

    def complements(
        self, problem: Problem, conditions: Sequence[Implicant], others: Sequence[Implicant] = ()
    ) -> Judgement:
        """Whether there are admissible settings, and `others` are just those of them that satisfy no condition."""

        def check() -> None:
            formulas = self.encoding.formulas
            some = formulas.any_of([self.implicant(condition) for condition in conditions])
            rest = formulas.any_of([self.implicant(other) for other in others])
            self._some_admissible(problem)
            for both, where in (((some, rest), "either"), ((-some, -rest), "neither")):
                said = f"some setting is said to be on {where} side"
                self._excluded(self.fresh(problem), formulas.all_of(both), said)

        return judged(check, 0)

    # What both kinds of claim rest on

    def assumptions(self, problem: Problem) -> list[int]:
        """What never changes: the problem's settings; with `honest`, every capability off."""
        bits = self.encoding.bits
        wrong = mismatch(bits, problem.settings)
        if wrong is not None:
            raise RefusalError(wrong)
        fixed = [bits.controls[control][value] for control, value in problem.settings.controls.items()]
        for capability, on in problem.settings.capabilities.items():
            fixed.append(bits.capabilities[capability] if on else -bits.capabilities[capability])
        if problem.honest:
            fixed.extend(-bit for bit in bits.capabilities.values())
        return fixed

    def known(self, problem: Problem) -> tuple[int, ...]:
        """True of every state: constraints, what the problem excludes and what it fixes."""
        return (self.encoding.constraint, self.open(problem), *self.assumptions(problem))

    def background(self, problem: Problem) -> Iterator[Expr]:
        """True of every state: types, constraints and what the problem fixes."""
        yield self._typing
        yield from self.settings(problem)

    def settings(self, problem: Problem) -> Iterator[Expr]:
        """What is asked of what never changes: constraints, what the problem excludes and what it fixes."""
        yield from self.now.exprs(self.known(problem))

    def open(self, problem: Problem) -> int:
        """The settings that are in question: those that the problem does not exclude."""
        return self.encoding.formulas.all_of([-self.implicant(excluded) for excluded in problem.excluded])

    def implicant(self, implicant: Implicant) -> int:
        """Its settings. Raises RefusalError where the lifecycle does not have what it names."""
        formulas, bits = self.encoding.formulas, self.encoding.bits
        kept = []
        for control, values in implicant.controls:
            cases = bits.controls.get(control, {})
            if any(value not in cases for value in values):
                raise RefusalError(f"the lifecycle has no control `{control}` of these values")
            kept.append(formulas.any_of([cases[value] for value in values]))
        for capability, on in implicant.capabilities:
            if capability not in bits.capabilities:
                raise RefusalError(f"the lifecycle has no capability `{capability}`")
            kept.append(bits.capabilities[capability] if on else -bits.capabilities[capability])
        return formulas.all_of(kept)

    @cached_property
    def _traces(self) -> Traces:
        return Traces(self.encoding, self.context, self.now, self._exactly_one)

    @cached_property
    def _typing(self) -> Expr:
        """Each control and state of more than two values has exactly one (see `bits`)."""
        return self.context.conjunction(self._exactly_one)

    @cached_property
    def _exactly_one(self) -> list[Expr]:
        # Written in Z3 itself: the store of formulas takes it for granted and would fold it away.
        return [self.context.exactly_one(self.now.exprs(group)) for group in self.encoding.bits.exactly_one]

    def steps(self, problem: Problem) -> Iterator[Step]:
        """The instances that may happen."""
        for step in self.encoding.steps.values():
            if not (problem.honest and step.by_attacker):
                yield step

    def fresh(self, problem: Problem) -> Solver:
        """A new solver that knows the background of `problem`."""
        solver = self.context.solver(self.seconds)
        solver.add(*self.background(problem))
        return solver

    # Invariants

    def scripts(self, problem: Problem, invariant: Invariant) -> tuple[Script, ...]:
        """The questions behind `certify` as SMT-LIB, for any solver. Raises RefusalError as `certify` refuses."""
        shown = self.obligations(problem, invariant)
        known = ("what the lifecycle asks of its controls, and what the question fixes", shown.known)
        inside = ("the invariant; and what is exposed is observed, as it is in every state", shown.inside)
        out = [formula for _, formula in shown.broken]
        printer = self._printer
        return (
            printer.script("admissible", [known]),
            printer.script("initiation", [known, ("the first state, outside of the invariant", [-shown.at_first])]),
            printer.script(
                "consecution",
                [known, inside, ("some instance happens and leads outside", [self.encoding.formulas.any_of(out)])],
            ),
            printer.script("safety", [known, inside, ("the target", [shown.target])]),
        )

    @cached_property
    def _printer(self) -> Printer:
        return Printer(self.encoding)

    def conjuncts(self, invariant: Invariant) -> list[int]:
        """The clauses of an invariant, those that differ in nothing but settings as one formula: under settings that
        never change they are kept, or not, together."""
        formulas, frozen = self.encoding.formulas, self.encoding.bits.frozen
        groups: dict[tuple[int, ...], list[int]] = {}
        for clause in invariant.clauses:
            literals = [self.literal(literal) for literal in clause]
            moving = tuple(literal for literal in literals if formulas.support(literal) & ~frozen)
            settings = [literal for literal in literals if not formulas.support(literal) & ~frozen]
            groups.setdefault(moving, []).append(formulas.any_of(settings))
        return [formulas.any_of([*moving, formulas.all_of(settings)]) for moving, settings in groups.items()]

    def literal(self, literal: BitLiteral) -> int:
        """A literal of a clause as a formula."""
        bit = self.encoding.literal(literal.bit)
        if bit is None:
            raise RefusalError(f"the invariant speaks of {literal.bit}, which this lifecycle does not have")
        return bit if literal.positive else -bit

    def obligations(self, problem: Problem, invariant: Invariant) -> Obligations:
        """What is to be shown of `invariant`. Raises RefusalError where it is not about this lifecycle."""
        formulas = self.encoding.formulas
        target = self.encoding.target(problem)
        clauses = self.conjuncts(invariant)
        support = formulas.support(target)
        for clause in clauses:
            support |= formulas.support(clause)
        return Obligations(
            known=self.known(problem),
            at_first=formulas.all_of([self.encoding.at_first(clause) for clause in clauses]),
            inside=(*clauses, *self.encoding.caught_up(support)),
            target=target,
            broken=tuple(self.broken(problem, clauses)),
        )

    def _check_invariant(self, problem: Problem, invariant: Invariant) -> None:
        shown = self.obligations(problem, invariant)
        self._some_admissible(problem)
        self._excluded(self.fresh(problem), -shown.at_first, "the invariant does not hold in every first state")
        inside = self.now.exprs(shown.inside)
        safe = self.fresh(problem)
        safe.add(*inside)
        self._excluded(safe, shown.target, "the invariant does not exclude the target")

        keeps = self.fresh(problem)
        # One question for all instances; each alone costs ten times as much and says no more.
        out = self.encoding.formulas.any_of([formula for _, formula in shown.broken])
        keeps.add(*inside, self.now.expr(out))
        if out != FALSE and self._possible(keeps):
            happens = keeps.truths(self.now.exprs([formula for _, formula in shown.broken]))
            names = [str(step.name) for (step, _), true in zip(shown.broken, happens, strict=True) if true]
            raise RefusalError(f"the invariant is not kept by {names[0] if names else 'some action'}")

    def _some_admissible(self, problem: Problem) -> None:
        if not self._possible(self.fresh(problem)):
            raise RefusalError("no setting is admissible: of none, anything can be proved")

    def broken(self, problem: Problem, clauses: list[int]) -> Iterator[tuple[Step, int]]:
        """For each instance, when it happens and leads from these clauses to where one of them
        fails; instances that touch none of them are left out."""
        formulas = self.encoding.formulas
        ways: dict[Step, list[int]] = {}
        for clause in clauses:
            for step, failing in self._breaking(clause):
                ways.setdefault(step, []).append(failing)
        for step in self.steps(problem):
            if step in ways:
                happens = formulas.all_of((step.enabled, formulas.any_of(ways[step])))
                if happens != FALSE:
                    yield step, happens

    def _breaking(self, clause: int) -> list[tuple[Step, int]]:
        """For each instance that may end `clause`, when it does if it happens: the same in every problem."""
        found = self._ends.get(clause)
        if found is None:
            found = self._ends[clause] = []
            formulas = self.encoding.formulas
            changers = map(self.encoding.changers, formulas.variables(formulas.support(clause)))
            for step in dict.fromkeys(step for steps in changers for step in steps):
                after = step.after(clause)
                if after != clause:
                    failing = formulas.all_of((clause, -after))
                    if failing != FALSE:
                        found.append((step, failing))
        return found

    def _excluded(self, solver: Solver, formula: int, otherwise: str) -> None:
        """Refuses unless `formula` is impossible under what `solver` knows, which it knows from now on."""
        if formula == FALSE:
            return
        solver.add(self.now.expr(formula))  # as an assumption it would cost Z3 twice as much
        if self._possible(solver):
            raise RefusalError(otherwise)

    def _possible(self, solver: Solver) -> bool:
        answer = solver.check()
        if answer == "unknown":
            raise GaveUpError(f"Z3 does not know: {solver.reason()}")
        return answer == "sat"
