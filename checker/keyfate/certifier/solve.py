"""Deciding by Z3 alone, over the certifier's own encoding: bounded search, induction and Spacer in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from keyfate.certifier.encoding import Encoding
from keyfate.certifier.formulas import FALSE, TRUE
from keyfate.certifier.induction import Induction
from keyfate.certifier.search import Search
from keyfate.certifier.spacer import Spacer
from keyfate.certifier.steps import Step
from keyfate.certifier.system import System, reduced
from keyfate.language.typed import Value
from keyfate.lifecycle.names import BitLiteral, Clause
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    Invariant,
    NotWithin,
    Problem,
    Reached,
    Trace,
    Undecided,
    Unreachable,
)

# Seconds that each has before it is the next one's turn, and how they grow: search and induction go
# on where they stopped; Spacer starts again, and is worth starting only for some time.
_FIRST_TURN = 0.1
_GROWTH = 2.0
_SPACER = 0.8


def solve(
    encoding: Encoding,
    problem: Problem,
    assumptions: Sequence[int],
    settings: int,
    steps: Sequence[Step],
    budget: Budget,
    refusal: Callable[[Finding], str | None],
) -> Finding:
    """A shortest trace, or an invariant as clauses; else why not. `settings` are those in question; `refusal`
    says what is wrong with an invariant, if anything."""
    return _Solving(encoding, problem, assumptions, settings, budget, refusal).run(steps)


class _Solving:
    def __init__(
        self,
        encoding: Encoding,
        problem: Problem,
        assumptions: Sequence[int],
        settings: int,
        budget: Budget,
        refusal: Callable[[Finding], str | None],
    ) -> None:
        self._encoding = encoding
        self._problem = problem
        self._assumed = assumptions
        self._settings = settings
        self._budget = budget
        self._refusal = refusal
        self._until = None if budget.seconds is None else time.monotonic() + budget.seconds

    def run(self, steps: Sequence[Step]) -> Finding:
        system = reduced(self._encoding, self._assumed, self._settings, steps, self._encoding.target(self._problem))
        if system.target == FALSE or system.admissible == FALSE:
            return self._proved(system, [])
        formulas, groups = self._encoding.formulas, self._encoding.bits.exactly_one
        search = Search(formulas, system, groups)
        induction: Induction | None = None
        spacer: Spacer | None = None
        reached = False  # some trace is known to exist; only a shortest is wanted
        turn = _FIRST_TURN
        while not self._over():
            found = self._search(search, system, self._within(turn))
            if found is not None:
                return found
            if not reached and not self._over():
                induction = induction or Induction(formulas, system, groups)
                answer = induction.prove(self._within(turn))
                if answer == "unsat":
                    return self._proved(system, induction.clauses())
                reached = answer == "sat"
            if turn >= _SPACER and not reached and not self._over():
                spacer = spacer or Spacer(formulas, system, groups)
                answer = spacer.prove(self._within(turn))
                clauses = spacer.clauses() if answer == "unsat" else None
                if clauses is not None:  # else its invariant is no set of clauses
                    return self._proved(system, clauses)
                reached = answer == "sat"
            turn *= _GROWTH
        return Undecided(f"no answer within {self._budget.seconds:.3g} s")

    def _search(self, search: Search, system: System, seconds: float) -> Finding | None:
        """Looks further for `seconds`; None if nothing was found by then."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            answer = search.look(left)
            if answer == "sat":
                return Reached(self._trace(search, system))
            if answer == "unknown":
                return None
            if self._budget.steps is not None and search.depth >= self._budget.steps:
                return NotWithin(search.depth)
            if not search.deepen():
                return None
        return None

    def _within(self, seconds: float) -> float:
        left = self._left()
        return seconds if left is None else max(0.0, min(seconds, left))

    def _left(self) -> float | None:
        return None if self._until is None else self._until - time.monotonic()

    def _over(self) -> bool:
        left = self._left()
        return left is not None and left <= 0

    def _proved(self, system: System, clauses: Iterable[tuple[int, ...]]) -> Finding:
        """The invariant of `clauses` and of what never changes, if the certifier accepts it."""
        constants = [(v if value == TRUE else -v,) for v, value in system.constant.items()]
        named = tuple(self._named(clause) for clause in (*constants, *clauses))
        finding = Unreachable(Invariant(named, system.actions))
        refused = self._refusal(finding)
        return finding if refused is None else Undecided(f"an invariant was found but not confirmed: {refused}")

    def _named(self, clause: tuple[int, ...]) -> Clause:
        meaning = self._encoding.bits.meaning
        return tuple(BitLiteral(meaning[abs(literal)], literal > 0) for literal in clause)

    def _trace(self, search: Search, system: System) -> Trace:
        bits = self._encoding.bits
        free = {*system.frozen, *(v for v in system.moving if v not in system.first)}
        fixed = {abs(literal): literal > 0 for literal in self._assumed}

        def true(bit: int) -> bool:
            variable = abs(bit)
            value = search.first(variable) if variable in free else fixed.get(variable, False)
            return value == (bit > 0)

        def chosen(cases: Mapping[Value, int]) -> Value:
            # Of what nothing depends on any value will do.
            return next((value for value, bit in cases.items() if true(bit)), next(iter(cases)))

        return Trace(
            tuple((name, chosen(cases)) for name, cases in bits.controls.items()),
            tuple((name, true(bit)) for name, bit in bits.capabilities.items()),
            tuple((name, chosen(cases)) for name, cases in bits.states.items() if name.name in self._encoding.unset),
            search.actions(),
        )
