"""Unbounded proof by incremental induction, with Z3 answering every question.

IC3 (Bradley, VMCAI 2011) in the form of Eén, Mishchenko and Brayton (FMCAD 2011):
level i over-approximates what i steps reach, as clauses; a state from which the
target is reached is blocked at its level or traced to its predecessors; it is proved
when two levels are equal. What it finds is only a claim: `certify` judges it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from keyfate.certifier import unrolling
from keyfate.certifier.formulas import FALSE, TRUE, Formulas
from keyfate.certifier.system import System
from keyfate.certifier.translation import Translation
from keyfate.certifier.z3api import Answer, Context, Expr, SolverError

Cube = tuple[int, ...]  # literals, sorted by variable: the states in which all are true

# After so many questions the solver starts anew, free of what earlier questions left in it.
_QUESTIONS = 3_000

_OUT_OF_TIME = ("timeout", "canceled")  # in Z3's words


class _TimeOverError(Exception):
    """The present turn is over; everything learnt stays."""


class Induction:
    """A proof in the making: `prove` goes on where it stopped."""

    def __init__(self, formulas: Formulas, system: System, exactly_one: Sequence[Sequence[int]]) -> None:
        self._formulas = formulas
        self._system = system
        self._groups = exactly_one
        self._variables = (*system.frozen, *system.moving)
        self._levels: list[list[Cube]] = [[], []]  # the cubes blocked up to that level and no further
        self._obligations: list[tuple[int, int, Cube]] = []
        self._count = 0
        self._until = 0.0
        self._fixed_at: int | None = None
        self._begin()

    def _begin(self) -> None:
        self._context = context = Context()
        self._now = Translation(context, self._formulas, "b{}".format)
        self._after = Translation(context, self._formulas, "b{}'".format)
        for variable in self._system.frozen:
            self._after.define(variable, self._now.expr(variable))
        self._solver = context.solver()
        unrolling.admissible(context, self._solver, self._system, self._now, self._groups)
        # No move at all is let happen too: it leads nowhere new, and states without a successor stay.
        self._chosen = unrolling.step(context, self._solver, self._system, self._now, self._after, "step")
        self._active: list[Expr] = []
        self._questions = 0
        for level, cubes in enumerate(self._levels):
            self._activate(level)
            for cube in cubes:
                self._assert(cube, level)
        self._starts = context.solver()
        unrolling.admissible(context, self._starts, self._system, self._now, self._groups)
        for variable, value in self._system.first.items():
            equal = context.equal(self._now.expr(variable), self._now.expr(value))
            self._starts.add(equal)
            self._solver.add(context.implication(self._active[0], equal))

    def _activate(self, level: int) -> None:
        self._active.append(self._context.variable(f"level{level}"))

    def _assert(self, cube: Cube, level: int) -> None:
        self._solver.add(self._context.implication(self._active[level], self._negated(cube)))

    def _negated(self, cube: Cube) -> Expr:
        return self._context.disjunction(self._now.exprs([-literal for literal in cube]))

    # Questions

    def _ask(self, assumptions: Sequence[Expr]) -> Answer:
        left = self._until - time.monotonic()
        if left <= 0:
            raise _TimeOverError
        self._solver.limit(left)
        self._questions += 1
        answer = self._solver.check(assumptions)
        if answer == "unknown":
            if self._solver.reason() in _OUT_OF_TIME or time.monotonic() >= self._until:
                raise _TimeOverError
            raise SolverError(self._solver.reason())
        return answer

    def _within(self, level: int) -> list[Expr]:
        """What holds of every state reached in `level` steps."""
        return self._active[level:]

    def _reached(self, cube: Cube, level: int, *, itself: bool) -> Cube | None:
        """Whether a state of `cube` is a step away from level `level - 1` (unless `itself`, from outside
        of `cube`): None if so, with the model left in the solver; else a part of `cube` that is not."""
        assumed = self._within(level - 1)
        if not itself:
            assumed.append(self._context.stands_for(self._solver, self._negated(cube)))
        goal = self._after.exprs(cube)
        if self._ask([*assumed, *goal]) == "sat":
            return None
        needed = self._solver.core(goal)
        return tuple(literal for literal, in_core in zip(cube, needed, strict=True) if in_core)

    def _starts_in(self, cube: Iterable[int]) -> bool:
        """Whether some first state is one of `cube`."""
        cube = tuple(cube)
        if any(self._system.first.get(abs(literal)) == (FALSE if literal > 0 else TRUE) for literal in cube):
            return False
        return self._starts.check(self._now.exprs(cube)) != "unsat"

    # The proof

    def prove(self, seconds: float) -> Answer:
        """`unsat`: proved; `sat`: the target is reached; `unknown` after so many seconds."""
        self._until = time.monotonic() + seconds
        try:
            while self._fixed_at is None:
                if not self._block_all():
                    return "sat"
                self._advance()
        except _TimeOverError:
            return "unknown"
        return "unsat"

    def clauses(self) -> list[tuple[int, ...]]:
        """The invariant found."""
        assert self._fixed_at is not None
        return [tuple(-literal for literal in cube) for cubes in self._levels[self._fixed_at :] for cube in cubes]

    def _block_all(self) -> bool:
        """Blocks the target at the last level; False if it is reached."""
        last = len(self._levels) - 1
        while True:
            if not self._obligations:
                target = self._now.expr(self._system.target)
                if self._ask([*self._within(last), self._context.stands_for(self._solver, target)]) == "unsat":
                    return True
                self._oblige(last, self._sufficient(self._system.target))
            level, _, cube = self._obligations[0]
            if level == 0 or self._starts_in(cube):
                return False
            if self._is_blocked(cube, level):
                heappop(self._obligations)
                continue
            part = self._reached(cube, level, itself=False)
            if part is None:
                self._oblige(level - 1, self._predecessor(cube))
                continue
            part, level = self._generalised(cube, part, level)
            self._block(part, level)
            heappop(self._obligations)
            if level < last:
                self._oblige(level + 1, cube)

    def _oblige(self, level: int, cube: Cube) -> None:
        self._count += 1
        heappush(self._obligations, (level, self._count, cube))

    def _is_blocked(self, cube: Cube, level: int) -> bool:
        literals = set(cube)
        return any(literals.issuperset(known) for cubes in self._levels[level:] for known in cubes)

    def _block(self, cube: Cube, level: int) -> None:
        literals = set(cube)
        for cubes in self._levels[1 : level + 1]:
            cubes[:] = [known for known in cubes if not literals.issubset(known)]
        self._levels[level].append(cube)
        self._assert(cube, level)

    def _generalised(self, cube: Cube, part: Cube, level: int) -> tuple[Cube, int]:
        """A larger set of states, `cube` among them, that is blocked too; and how far."""
        part = self._off_start(part, cube)
        for literal in part:
            if literal not in part:
                continue
            fewer = tuple(other for other in part if other != literal)
            if fewer and not self._starts_in(fewer):
                smaller = self._reached(fewer, level, itself=False)
                if smaller is not None:
                    part = self._off_start(smaller, fewer)
        last = len(self._levels) - 1
        while level < last and self._reached(part, level + 1, itself=False) is not None:
            level += 1
        return part, level

    def _off_start(self, part: Cube, whole: Cube) -> Cube:
        """`part` with as much of `whole` again as keeps first states out of it."""
        if not self._starts_in(part):
            return part
        kept = set(part)
        for literal in whole:
            first = self._system.first.get(abs(literal))
            if first == (FALSE if literal > 0 else TRUE):
                kept.add(literal)
                return tuple(other for other in whole if other in kept)
        return whole

    def _advance(self) -> None:
        """One more level; clauses move up to where they still hold."""
        self._levels.append([])
        self._activate(len(self._levels) - 1)
        if self._questions > _QUESTIONS:
            self._begin()
        for level in range(1, len(self._levels) - 1):
            for cube in list(self._levels[level]):
                if self._reached(cube, level + 1, itself=True) is not None:
                    self._levels[level].remove(cube)
                    self._levels[level + 1].append(cube)
                    self._assert(cube, level + 1)
            if not self._levels[level]:
                self._fixed_at = level + 1
                return

    # States of models

    def _predecessor(self, cube: Cube) -> Cube:
        """States from which one move leads into `cube`: what of the model's state that needs, the
        guard of the move included."""
        happens = self._solver.truths(self._chosen)
        move = next(move for move, true in zip(self._system.moves, happens, strict=True) if true)
        after = []
        for literal in cube:
            value = move.changes.get(abs(literal), abs(literal))
            after.append(value if literal > 0 else -value)
        return self._sufficient(self._formulas.all_of([move.enabled, *after]))

    def _sufficient(self, formula: int) -> Cube:
        """Literals of the model that make `formula` true."""
        truths = self._solver.truths(self._now.exprs(self._variables))
        values = dict(zip(self._variables, truths, strict=True))
        return tuple(sorted(self._formulas.justify(formula, values), key=abs))
