"""IC3, also called property-directed reachability: a proof for any number of steps, or the answer that there is none.

A. R. Bradley, SAT-based model checking without unrolling, VMCAI 2011; N. Eén, A. Mishchenko, R. Brayton,
Efficient implementation of property directed reachability, FMCAD 2011.

What is peculiar here. Frozen latches are one variable before and after a step, so a cube over them needs no proof
that they stay. The next state is a function of state and inputs, total because an action that is chosen but not
enabled does nothing; so a lifted predecessor that still implies its successor keeps, of itself, the guard of the
action that was chosen. One solver holds the transition relation; each frame's clauses are switched on by a literal.
Now and then it is replaced, for the clauses of past questions pile up.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from keyfate.engines.circuit import FALSE, Circuit
from keyfate.engines.cnf import Encoding
from keyfate.engines.frames import ALWAYS, Cube, Frames
from keyfate.engines.sat import Clock, Solver

_STALE = 1_500  # clauses of past questions with which a solver is given up: its model lists their variables too


@dataclass(frozen=True)
class Proof:
    """An inductive invariant: clauses over the circuit's latch literals. With `Circuit.known`
    and `Circuit.constraint` they hold at first, are kept by every step and exclude the bad literal."""

    clauses: tuple[tuple[int, ...], ...]
    frames: int


@dataclass(frozen=True)
class Broken:
    """The bad literal can be reached, in at most `within` steps; a shorter way may exist."""

    within: int


@dataclass(frozen=True)
class Open:
    """Not reached within `steps`; undecided beyond."""

    steps: int


@dataclass(order=True)
class _Obligation:
    """`cube` must be shown unreachable within `frame` steps, else bad is `away` steps from it."""

    frame: int
    serial: int
    cube: Cube = field(compare=False)
    away: int = field(compare=False)


Answer = Proof | Broken | Open


def prove(circuit: Circuit, clock: Clock, steps: int | None = None) -> Answer:
    """Decide whether the bad literal can be reached. Raises OutOfBudgetError."""
    working = proving(circuit, clock, steps)
    while True:
        try:
            next(working)
        except StopIteration as end:
            answer: Answer = end.value
            return answer


def proving(circuit: Circuit, clock: Clock, steps: int | None = None) -> Generator[None, None, Answer]:
    """As `prove`, resting now and then, so that something else can be tried meanwhile."""
    if circuit.bad == FALSE or circuit.constraint == FALSE:
        return Proof((), 0)
    return (yield from Pdr(circuit, clock).run(steps))


class Pdr:
    """One proof, under fewer and fewer settings where some are left out meanwhile: what was learnt stays true."""

    def __init__(self, circuit: Circuit, clock: Clock) -> None:
        self._circuit = circuit
        self._clock = clock
        self._latches = len(circuit.latches)
        self._inputs = len(circuit.inputs)
        self._left_out: list[Sequence[int]] = []  # clauses of `constrain`
        self._switches: list[int] = []  # frame -> literal that switches on its clauses
        self._frames = Frames()
        self._outside = 0  # switches on the clause of the last question
        self._past = 0  # such clauses in the solver
        self._solver, self._code = self._load()
        self._next = [0, *(self._code[latch.next] for latch in circuit.latches)]
        # The value at first of latches that start at a constant; 0 of the others.
        self._start = [0] * (self._latches + 1)
        for variable, latch in enumerate(circuit.latches, 1):
            if latch.initial is not None and latch.initial < 2:
                self._start[variable] = variable if latch.initial else -variable
        self._one_first = all(self._start[1:])  # there is one first state
        self._activity = [0.0] * (self._latches + 1)
        self._serial = 0
        self._new_frame()

    def constrain(self, clause: Sequence[int]) -> None:
        """Leave out the settings that do not satisfy this clause over frozen latch literals."""
        self._left_out.append(clause)
        for solver, code in ((self._solver, self._code), self._first_states):
            solver.add([code[literal] for literal in clause])

    # Solvers

    def _load(self) -> tuple[Solver, Encoding]:
        """The transition relation; variables of latches first, then those of inputs."""
        circuit = self._circuit
        solver, code = self._blank()
        for literal in circuit.inputs:
            code.bind(literal, solver.fresh())
        code.encode([*circuit.parts, circuit.constraint, *(latch.next for latch in circuit.latches)])
        code.encode(latch.initial for latch in circuit.latches if latch.initial is not None)
        self._confine(solver, code)
        return solver, code

    def _renew(self) -> None:
        """Another solver, without the clauses of past questions. Its variables are the same, but for the switches."""
        frames = len(self._switches)
        self._solver, self._code = self._load()
        self._solver.extend([[self._code[literal] for literal in clause] for clause in self._left_out])
        self._switches.clear()
        for _ in range(frames):
            self._new_frame()
        for cube, frame in self._frames:
            self._switch_on(cube, frame)
        self._past = 0

    def _switch_on(self, cube: Cube, frame: int) -> None:
        clause = [-literal for literal in cube]
        self._solver.add(clause if frame == ALWAYS else [-self._switches[frame], *clause])

    def _blank(self) -> tuple[Solver, Encoding]:
        circuit = self._circuit
        solver = Solver(self._clock)
        code = Encoding(circuit.left, circuit.right, solver)
        for latch in circuit.latches:
            code.bind(latch.literal, solver.fresh())
        return solver, code

    def _confine(self, solver: Solver, code: Encoding) -> None:
        """To what is known of all states."""
        solver.add([code[self._circuit.constraint]])
        solver.extend([[code[literal] for literal in clause] for clause in self._circuit.known])

    @cached_property
    def _first_states(self) -> tuple[Solver, Encoding]:
        circuit = self._circuit
        solver, code = self._blank()
        code.encode([circuit.constraint, *(latch.initial for latch in circuit.latches if latch.initial is not None)])
        self._confine(solver, code)
        for latch in circuit.latches:
            if latch.initial is not None:
                own, value = code[latch.literal], code[latch.initial]
                solver.extend([[-own, value], [own, -value]])
        return solver, code

    def _new_frame(self) -> None:
        self._switches.append(self._solver.fresh())
        if len(self._switches) == 1:  # frame 0: the first states
            for variable, latch in enumerate(self._circuit.latches, 1):
                if latch.initial is not None:
                    value = self._code[latch.initial]
                    self._solver.add([-self._switches[0], -variable, value])
                    self._solver.add([-self._switches[0], variable, -value])

    def _initial(self, cube: Sequence[int]) -> bool:
        """Does `cube` hold a first state?"""
        start = self._start
        for literal in cube:
            if start[abs(literal)] == -literal:
                return False
        return self._one_first or self._first_states[0].solve(cube)

    def _prime(self, literal: int) -> int:
        return self._next[literal] if literal > 0 else -self._next[-literal]

    # Questions

    def _kept_out(self, cube: Cube, frame: int, inside: bool = False) -> Cube | None:
        """Where no step leads from frame - 1, outside the cube, into the cube: a part of it for which the same
        holds, free of first states. None where one does; then the solver has the model.

        `inside`: the cube is blocked in frame - 1 already."""
        self._release()
        solver = self._solver
        primes = {self._prime(literal): literal for literal in cube}
        assumed = [*primes, *self._switches[frame - 1 :]]
        if not inside:
            self._outside = solver.fresh()
            self._past += 1
            solver.add([-self._outside, *(-literal for literal in cube)])
            assumed.append(self._outside)
        if solver.solve(assumed):
            return None
        core = solver.core()
        part = sorted(primes[literal] for literal in core if literal in primes)
        if len(part) < len(cube) and self._initial(part):
            part = self._without_first(cube, part)
        return tuple(part)

    def _release(self) -> None:
        """The clause that was added for the last question is of no more use."""
        if self._outside:
            self._solver.add([-self._outside])
            self._outside = 0
        if self._past > _STALE:
            self._renew()

    def _without_first(self, cube: Cube, part: list[int]) -> list[int]:
        for literal in cube:
            if self._start[abs(literal)] == -literal:
                return sorted({*part, literal})
        rest = [literal for literal in cube if literal not in part]
        for literal in list(rest):  # drop what is not needed to keep the first states out
            fewer = [other for other in rest if other != literal]
            if not self._initial([*part, *fewer]):
                rest = fewer
        return sorted([*part, *rest])

    def _lift(self, target: Sequence[int]) -> Cube:
        """Of the state in the model, a part from which the chosen inputs lead to `target` (a cube after the step,
        as solver literals) whatever the rest."""
        model = self._solver.model()
        state, inputs = model[: self._latches], model[self._latches : self._latches + self._inputs]
        solver = self._solver
        switch = solver.fresh()
        self._past += 1
        solver.add([-switch, *(-literal for literal in target)])
        activity = self._activity
        # A core rather has what is assumed early: what is true, for little is, and what cubes had before.
        part = sorted(state, key=lambda literal: (literal < 0, -activity[abs(literal)]))
        for _ in range(2):  # a core of a core is smaller, and costs little
            reached = solver.solve([switch, *inputs, *part])
            assert not reached, "the next state is a function of state and inputs"
            core = set(solver.core())
            part = [literal for literal in reversed(part) if literal in core]
        solver.add([-switch])
        return tuple(sorted(part))

    # The algorithm

    def run(self, steps: int | None) -> Generator[None, None, Answer]:
        """Each part of the bad literal in turn. What was learnt of frames holds for all parts."""
        if not self._initial(()):
            return Proof(((),), 0)  # there is no first state
        within = 0
        for part in dict.fromkeys(self._circuit.parts):
            answer = yield from self._exclude(self._code[part], steps)
            if not isinstance(answer, int):
                return answer
            within = max(within, answer)
        return Proof(tuple(self._clause(cube) for cube in self._frames.at(ALWAYS)), within)

    def _exclude(self, bad: int, steps: int | None) -> Generator[None, None, Broken | Open | int]:
        """Prove that `bad` is never reached: the number of frames that took."""
        if self._solver.solve([self._switches[0], bad]):
            return Broken(0)
        last = 0
        while True:
            if steps is not None and last >= steps:
                return Open(last)
            last += 1
            if last == len(self._switches):
                self._new_frame()
            while self._solver.solve([*self._switches[last:], bad]):
                away = yield from self._block(self._lift([bad]), last)
                if away is not None:
                    return Broken(away)
            if (yield from self._propagate(last)):
                return last

    def _clause(self, cube: Cube) -> tuple[int, ...]:
        latches = self._circuit.latches
        return tuple(latches[abs(literal) - 1].literal ^ (1 if literal > 0 else 0) for literal in cube)

    def _block(self, cube: Cube, frame: int) -> Generator[None, None, int | None]:
        """Show `cube` unreachable within `frame` steps; else the number of steps to bad."""
        queue = [self._obligation(frame, cube, 0)]
        last = frame
        while queue:
            self._clock.check()
            yield
            task = heapq.heappop(queue)
            if self._frames.blocks(task.cube, task.frame):
                if task.frame < last:
                    heapq.heappush(queue, self._obligation(task.frame + 1, task.cube, task.away))
                continue
            if self._initial(task.cube):
                return task.away
            part = self._kept_out(task.cube, task.frame)
            if part is None:
                found = self._lift([self._prime(literal) for literal in task.cube])
                if task.frame == 1:
                    return task.away + 1
                heapq.heappush(queue, task)
                heapq.heappush(queue, self._obligation(task.frame - 1, found, task.away + 1))
                continue
            part = self._generalize(part, task.frame)
            frame = task.frame
            while frame < last:
                further = self._kept_out(part, frame + 1)
                if further is None:
                    break
                part = further
                frame += 1
            self._add(part, frame)
            if frame < last:
                heapq.heappush(queue, self._obligation(frame + 1, task.cube, task.away))
        return None

    def _obligation(self, frame: int, cube: Cube, away: int) -> _Obligation:
        self._serial += 1
        return _Obligation(frame, -self._serial, cube, away)

    def _generalize(self, cube: Cube, frame: int) -> Cube:
        """Drop literals while what is left is kept out relative to the frame before; rarest first."""
        activity = self._activity
        required: set[int] = set()
        for literal in sorted(cube, key=lambda literal: activity[abs(literal)]):
            if literal not in cube or literal in required or len(cube) == 1:
                continue
            fewer = tuple(other for other in cube if other != literal)
            if self._initial(fewer):
                required.add(literal)
                continue
            part = self._kept_out(fewer, frame)
            if part is None:
                required.add(literal)
            else:
                cube = part
        return cube

    def _add(self, cube: Cube, frame: int) -> None:
        for literal in cube:
            self._activity[abs(literal)] += 1.0
        self._frames.add(cube, frame)
        self._switch_on(cube, frame)

    def _propagate(self, last: int) -> Generator[None, None, bool]:
        """Push clauses forward; where a frame has none left, all later ones hold always."""
        for frame in range(1, last):
            yield
            for cube in sorted(self._frames.at(frame), key=len):
                if self._frames.last(cube) != frame:
                    continue  # a stronger one came meanwhile
                part = self._kept_out(cube, frame + 1, inside=True)
                if part is not None:
                    self._add(part, frame + 1)
            if not self._frames.at(frame):
                for later in range(frame + 1, len(self._switches)):
                    for cube in sorted(self._frames.at(later)):
                        self._frames.add(cube, ALWAYS)
                        self._switch_on(cube, ALWAYS)
                return True
        return False
