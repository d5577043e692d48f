"""Bounded search: is there a trace of so many steps? (Biere, Cimatti, Clarke, Zhu, TACAS 1999.)"""

from __future__ import annotations

from collections.abc import Sequence

from keyfate.certifier import unrolling
from keyfate.certifier.formulas import Formulas
from keyfate.certifier.system import System
from keyfate.certifier.translation import Translation
from keyfate.certifier.z3api import Answer, Context, Expr
from keyfate.lifecycle.names import ActionName


class Search:
    """Looks for traces of 0, 1, 2, … steps to the target."""

    def __init__(self, formulas: Formulas, system: System, exactly_one: Sequence[Sequence[int]]) -> None:
        self._formulas = formulas
        self._system = system
        self._context = Context()
        self._solver = self._context.solver()
        start = Translation(self._context, formulas, "b{}".format)
        unrolling.admissible(self._context, self._solver, system, start, exactly_one)
        for variable, value in system.first.items():
            self._solver.add(self._context.equal(start.expr(variable), start.expr(value)))
        self._frames = [start]
        self._choices: list[list[Expr]] = []  # for each step, whether each move happens

    @property
    def depth(self) -> int:
        """How many steps the traces have that `look` looks for."""
        return len(self._choices)

    def look(self, seconds: float) -> Answer:
        """Whether some trace of `depth` steps ends in the target; `unknown` after so many seconds."""
        self._solver.limit(seconds)
        return self._solver.check_with(self._frames[-1].expr(self._system.target))

    def deepen(self) -> bool:
        """One more step; False if no instance can ever happen."""
        if not self._system.moves:
            return False
        now, depth = self._frames[-1], self.depth + 1
        after = Translation(self._context, self._formulas, lambda variable: f"b{variable}@{depth}")
        for variable in self._system.frozen:
            after.define(variable, now.expr(variable))
        chosen = unrolling.step(self._context, self._solver, self._system, now, after, f"step{depth}")
        self._solver.add(self._context.disjunction(chosen))
        self._frames.append(after)
        self._choices.append(chosen)
        return True

    # After `sat`

    def first(self, variable: int) -> bool:
        """The value of a variable in the first state of the trace found."""
        return self._solver.truth(self._frames[0].expr(variable))

    def actions(self) -> tuple[ActionName, ...]:
        """The steps of the trace found."""
        return tuple(
            next(m.name for m, happens in zip(self._system.moves, self._solver.truths(chosen), strict=True) if happens)
            for chosen in self._choices
        )
