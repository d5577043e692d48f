"""The SAT solvers of python-sat behind one typed face.

Literals are non-zero integers, as in DIMACS: `v` is variable `v`, `-v` its negation.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from keyfate.lifecycle.problem import Budget

SolverName = Literal["cadical153", "glucose4", "minisat22"]

_CONFLICTS = 2000  # between two looks at the clock: some hundredths of a second


class OutOfBudgetError(Exception):
    """A limit of the question was reached; the message says which, for people."""


class Clock:
    """How long one question may still take. `seconds` is counted from construction; None is for ever."""

    def __init__(self, budget: Budget) -> None:
        self._seconds = budget.seconds
        self._end = None if budget.seconds is None else time.monotonic() + budget.seconds

    def check(self) -> None:
        """Raise OutOfBudgetError where the time has passed."""
        if self._end is not None and time.monotonic() >= self._end:
            raise OutOfBudgetError(f"no answer within {self._seconds:.3g} s")

    @property
    def left(self) -> float | None:
        """The seconds that are left; None is for ever."""
        return None if self._end is None else max(self._end - time.monotonic(), 0.0)


def makers() -> Mapping[SolverName, Any]:
    """The solvers by name. Loading them takes a while, the first time."""
    from pysat import solvers

    return {"cadical153": solvers.Cadical153, "glucose4": solvers.Glucose4, "minisat22": solvers.Minisat22}


class Solver:
    """An incremental solver: clauses only come, assumptions hold for one question.

    `solve` raises OutOfBudgetError where `clock` says so, also in the midst of one long question.
    """

    def __init__(self, clock: Clock, name: SolverName = "cadical153") -> None:
        self._solver: Any = makers()[name]()
        self._clock = clock
        self.variables = 0

    def fresh(self) -> int:
        """A new variable."""
        self.variables += 1
        return self.variables

    def add(self, clause: Sequence[int]) -> None:
        """Add one clause; its variables must come from `fresh`."""
        self._solver.add_clause(clause)

    def extend(self, clauses: Iterable[Sequence[int]]) -> None:
        """Add clauses."""
        self._solver.append_formula(clauses)

    def solve(self, assumptions: Sequence[int] = ()) -> bool:
        """Is there a model in which `assumptions` hold?"""
        while True:
            answer = self.attempt(assumptions)
            if answer is not None:
                return answer

    def attempt(self, assumptions: Sequence[int] = ()) -> bool | None:
        """As `solve`, for some hundredths of a second; None if that was not enough, and the next attempt goes on."""
        self._clock.check()
        self._solver.conf_budget(_CONFLICTS)
        answer: bool | None = self._solver.solve_limited(assumptions=list(assumptions))
        return answer

    def model(self) -> list[int]:
        """After `solve` said yes: the literal of each variable, variable `v` at index `v - 1`.

        Variables that the solver never saw may be missing at the end.
        """
        found: list[int] = self._solver.get_model()
        return found

    def core(self) -> list[int]:
        """After `solve` said no: assumptions that cannot hold together (none: the clauses alone are contradictory)."""
        found: list[int] | None = self._solver.get_core()
        return found or []
