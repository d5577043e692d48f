"""Bounded search: is there a trace of so many steps? (Biere, Cimatti, Clarke, Zhu, TACAS 1999.)"""

from __future__ import annotations

from collections.abc import Sequence

from keyfate.certifier.formulas import Formulas
from keyfate.certifier.system import System
from keyfate.certifier.translation import Translation
from keyfate.certifier.z3api import Answer, Context, Expr
from keyfate.lifecycle.names import ActionName


class Search:
    """Looks for traces of 0, 1, 2, … steps to the target.

    Each state is a function of what is free in the first state and of the numbers, in binary,
    of the instances chosen: exactly one happens at each step.
    """

    def __init__(self, formulas: Formulas, system: System, exactly_one: Sequence[Sequence[int]]) -> None:
        self._formulas = formulas
        self._system = system
        self._context = Context()
        self._solver = self._context.solver()
        self._frozen = Translation(self._context, formulas, "b{}".format)
        start = self._frame()
        for variable in system.moving:
            if variable in system.first:
                start.define(variable, self._frozen.expr(system.first[variable]))
            else:
                start.define(variable, self._frozen.expr(variable))
        self._frames = [start]
        self._choices: list[list[Expr]] = []  # for each step, a selector for each move
        self._solver.add(self._frozen.expr(system.admissible))
        free = {*system.frozen, *(v for v in system.moving if v not in system.first)}
        for group in exactly_one:
            if free.issuperset(group):
                self._solver.add(self._context.exactly_one(self._frozen.exprs(group)))

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
        moves = self._system.moves
        if not moves:
            return False
        frame, after = self._frames[-1], self._frame()
        selectors = self._selectors(len(moves))
        ways: dict[int, list[Expr]] = {}
        taken: dict[int, list[Expr]] = {}
        for move, chosen in zip(moves, selectors, strict=True):
            self._solver.add(self._context.implication(chosen, frame.expr(move.enabled)))
            for variable, value in move.changes.items():
                taken.setdefault(variable, []).append(chosen)
                ways.setdefault(variable, []).append(self._context.conjunction([chosen, frame.expr(value)]))
        self._solver.add(self._context.disjunction(selectors))
        for variable in self._system.moving:
            kept = frame.expr(variable)
            if variable in ways:
                others = self._context.negation(self._context.disjunction(taken[variable]))
                kept = self._context.disjunction([*ways[variable], self._context.conjunction([others, kept])])
            after.define(variable, kept)
        self._frames.append(after)
        self._choices.append(selectors)
        return True

    def _selectors(self, count: int) -> list[Expr]:
        bits = max(1, (count - 1).bit_length())
        digits = []
        for place in range(bits):
            digit = self._context.variable(f"choice{len(self._choices)}.{place}")
            digits.append((self._context.negation(digit), digit))
        return [
            self._context.conjunction([digits[place][number >> place & 1] for place in range(bits)])
            for number in range(count)
        ]

    def _frame(self) -> Translation:
        frame = Translation(self._context, self._formulas, "b{}".format)
        for variable in self._system.frozen:
            frame.define(variable, self._frozen.expr(variable))
        return frame

    # After `sat`

    def first(self, variable: int) -> bool:
        """The value of a variable in the first state of the trace found."""
        return self._solver.truth(self._frozen.expr(variable))

    def actions(self) -> tuple[ActionName, ...]:
        """The steps of the trace found."""
        return tuple(
            next(m.name for m, chosen in zip(self._system.moves, selectors, strict=True) if self._solver.truth(chosen))
            for selectors in self._choices
        )
