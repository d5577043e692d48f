"""Bounded search: the shortest run of a circuit to its bad literal.

Incremental bounded model checking (Biere, Cimatti, Clarke, Zhu, TACAS 1999): the transition function is
unrolled into one and-inverter graph, so that the first state's constants fold the early steps away.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from keyfate.engines.circuit import FALSE, LEAF, Circuit, Graph
from keyfate.engines.cnf import Encoding
from keyfate.engines.sat import Clock, Solver, SolverName


@dataclass(frozen=True)
class Run:
    """A run to the bad literal: the first state, and the inputs of each step, by literal."""

    first: dict[int, bool]
    inputs: tuple[dict[int, bool], ...]


class Unrolling:
    """The circuit's values at each time frame, as literals of one combinational graph."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._fans = [
            (node, a >> 1, a & 1, b >> 1, b & 1)
            for node, (a, b) in enumerate(zip(circuit.left, circuit.right, strict=True))
            if node and a != LEAF
        ]
        self.graph = Graph()
        self.frames: list[list[int]] = []  # frame -> node -> literal of `graph`
        self.inputs: list[dict[int, int]] = []  # frame -> input -> literal of `graph`
        self.first: dict[int, int] = {}  # latches that start free -> literal of `graph`

    def extend(self) -> list[int]:
        """One more frame: a literal of `graph` for each node of the circuit."""
        circuit, graph = self._circuit, self.graph
        values = [FALSE] * len(circuit.left)
        if not self.frames:
            for latch in circuit.latches:
                if latch.initial is None:
                    self.first[latch.literal] = values[latch.literal >> 1] = graph.leaf()
            self._gates(values)  # what the other latches' first values need
            for latch in circuit.latches:
                if latch.initial is not None:
                    values[latch.literal >> 1] = _read(values, latch.initial)
        else:
            last = self.frames[-1]
            for latch in circuit.latches:
                values[latch.literal >> 1] = _read(last, latch.next)
        inputs = {literal: graph.leaf() for literal in circuit.inputs}
        for literal, own in inputs.items():
            values[literal >> 1] = own
        self._gates(values)
        self.frames.append(values)
        self.inputs.append(inputs)
        return values

    def _gates(self, values: list[int]) -> None:
        both = self.graph.both
        for node, a, negated_a, b, negated_b in self._fans:
            x, y = values[a] ^ negated_a, values[b] ^ negated_b
            # Constants are folded here: most gates of early frames are, and a call costs more than they do.
            if x > 1 and y > 1:
                values[node] = both(x, y)
            elif x and y:
                values[node] = max(x, y)  # one of them is true
            else:
                values[node] = FALSE


def _read(values: Sequence[int], literal: int) -> int:
    return values[literal >> 1] ^ (literal & 1)


class Search:
    """Bounded search from depth 0 up; `avoid` latches are false in the run where that is possible at its length."""

    def __init__(
        self, circuit: Circuit, clock: Clock, avoid: Sequence[int] = (), solver: SolverName = "minisat22"
    ) -> None:
        self._circuit = circuit
        self._clock = clock
        self._avoid = avoid
        self._unrolling = Unrolling(circuit)
        self._solver = Solver(clock, solver)
        self._encoding = Encoding(self._unrolling.graph.left, self._unrolling.graph.right, self._solver)
        self.depth = -1  # no run is this short

    def deepen(self) -> Generator[None, None, Run | None]:
        """A run one step longer than all those refuted so far. Rests now and then. Raises OutOfBudgetError."""
        self.lengthen()
        return (yield from self.find())

    def lengthen(self) -> None:
        """Go on to runs of one step more, where all shorter ones are refuted."""
        self._clock.check()
        frame = self._unrolling.extend()
        if len(self._unrolling.frames) == 1:
            graph = self._unrolling.graph
            holds = [_read(frame, self._circuit.constraint)]
            holds += [graph.any(_read(frame, literal) for literal in clause) for clause in self._circuit.known]
            self._encoding.encode(holds)
            for literal in holds:
                self._solver.add([self._encoding[literal]])

    def find(self) -> Generator[None, None, Run | None]:
        """A run of the present length; None where there is none, which then is refuted."""
        bad = _read(self._unrolling.frames[-1], self._circuit.bad)
        if bad != FALSE:
            self._encoding.encode([bad])
            target = self._encoding[bad]
            while (found := self._solver.attempt([target])) is None:
                yield
            if found:
                return self._run(target)
            self._solver.add([-target])
        self.depth += 1
        return None

    def exclude(self, clause: Sequence[int]) -> None:
        """From now on only runs whose settings satisfy this clause over frozen latch literals."""
        own = [self._unrolling.first[literal & ~1] ^ (literal & 1) for literal in clause]
        self._encoding.encode(own)
        self._solver.add([self._encoding[literal] for literal in own])

    def _run(self, target: int) -> Run:
        fixed = [target]
        model = self._solver.model()
        for literal in self._avoid:
            own = self._unrolling.first.get(literal)
            if own is None:
                continue
            self._encoding.encode([own])
            wanted = -self._encoding[own]
            if self._solver.solve([*fixed, wanted]):
                fixed.append(wanted)
                model = self._solver.model()
        true = {literal for literal in model if literal > 0}

        def value(literal: int) -> bool:
            if not self._encoding.knows(literal):
                return False  # no gate of the question reads it
            return self._encoding[literal] in true

        return Run(
            {latch: value(own) for latch, own in self._unrolling.first.items()},
            tuple({name: value(own) for name, own in inputs.items()} for inputs in self._unrolling.inputs[:-1]),
        )


def search(circuit: Circuit, clock: Clock, steps: int | None = None, avoid: Sequence[int] = ()) -> Run | None:
    """The shortest run, or None where none has at most `steps` steps. Raises OutOfBudgetError.

    Without `steps` it ends only where there is a run.
    """
    working = searching(circuit, clock, steps, avoid)
    while True:
        try:
            next(working)
        except StopIteration as end:
            run: Run | None = end.value
            return run


def searching(
    circuit: Circuit, clock: Clock, steps: int | None = None, avoid: Sequence[int] = ()
) -> Generator[None, None, Run | None]:
    """As `search`, resting now and then, so that something else can be tried meanwhile."""
    if circuit.bad == FALSE or circuit.constraint == FALSE:
        return None
    looking = Search(circuit, clock, avoid)
    while steps is None or looking.depth < steps:
        run = yield from looking.deepen()
        if run is not None:
            return run
        yield
    return None
