"""What was proved before under the same settings, offered to the next question.

Of the clauses of earlier proofs, the largest part that is an inductive invariant of the question's circuit: what some
step breaks is dropped until no step breaks any (C. Flanagan, K. R. M. Leino, Houdini, an annotation assistant for
ESC/Java, FME 2001). Properties of one lifecycle rest on much that is the same, so that a proof which starts from
there is shorter (H. Chockler, A. Ivrii, A. Matsliah, S. Moran, Z. Nevo, Incremental formal verification of hardware,
FMCAD 2011).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from keyfate.engines.circuit import FALSE, TRUE, Circuit
from keyfate.engines.sat import Clock
from keyfate.engines.slicing import Constants, Question
from keyfate.engines.stepping import Literals, Stepping
from keyfate.lifecycle.names import Clause


class Lemmas:
    """Clauses of proofs under the settings that `constants` are of."""

    def __init__(self, constants: Constants) -> None:
        self._constants = constants
        self._clauses: dict[Clause, None] = {}

    def add(self, clauses: Iterable[Clause]) -> None:
        """Remember a proof."""
        self._clauses.update(dict.fromkeys(clauses))

    def facts(self, question: Question, known: Iterable[Literals], clock: Clock) -> tuple[Literals, ...]:
        """What they say of the question's states, of which these clauses are known. Raises OutOfBudgetError."""
        circuit = question.circuit
        return inductive(replace(circuit, known=(*circuit.known, *known)), self._read(question), clock)

    def _read(self, question: Question) -> tuple[Literals, ...]:
        """Over the question's latches; without clauses that hold anyway, or say something of what is not in it."""
        own = {latch.name: latch.literal for latch in question.circuit.latches}
        found: dict[Literals, None] = {}
        for clause in self._clauses:
            literals = []
            for one in clause:
                literal = own.get(one.bit)
                if literal is not None:
                    literals.append(literal ^ (not one.positive))
                elif self._constants.of(one.bit, one.positive) != FALSE:
                    break
            else:
                found[tuple(sorted(literals))] = None
        return tuple(found)


def inductive(circuit: Circuit, clauses: Sequence[Literals], clock: Clock) -> tuple[Literals, ...]:
    """The largest part of the clauses, over latch literals, that holds at first and is kept by every step.

    Raises OutOfBudgetError.
    """
    if not clauses:
        return ()
    return _Sieve(circuit, clauses, clock).kept()


class _Sieve:
    """A solver in which further literals say that a clause fails behind the step, and that the state is a first one."""

    def __init__(self, circuit: Circuit, clauses: Sequence[Literals], clock: Clock) -> None:
        self._clauses = clauses
        first = [(latch.literal, latch.initial) for latch in circuit.latches if latch.initial is not None]
        self._step = step = Stepping(circuit, clauses, clock, [initial for _, initial in first])
        self._solver = solver = step.solver
        self._first = solver.fresh()
        for latch, initial in first:
            own, value = step.code[latch], step.code[initial]
            solver.extend([[-self._first, -own, value], [-self._first, own, -value]])
        self._start = {latch: initial for latch, initial in first if initial in (FALSE, TRUE)}
        self._after = [step.after(clause) for clause in clauses]
        self._fails = [solver.fresh() for _ in clauses]
        for fails, after in zip(self._fails, self._after, strict=True):
            solver.extend([[-fails, -literal] for literal in after])
        self._some = solver.fresh()  # one of them fails
        solver.add([-self._some, *self._fails])

    def kept(self) -> tuple[Literals, ...]:
        left = {number for number, clause in enumerate(self._clauses) if self._holds_first(clause)}
        self._drop(set(range(len(self._clauses))) - left)
        switches = self._step.switches
        while left and self._solver.solve([self._some, *(switches[number] for number in sorted(left))]):
            model = self._solver.model()
            lost = {number for number in left if not _any(self._after[number], model)}
            assert lost, "the step leads to where one of them fails"
            left -= lost
            self._drop(lost)
        return tuple(self._clauses[number] for number in sorted(left))

    def _holds_first(self, clause: Literals) -> bool:
        if any(self._start.get(literal & ~1) == 1 - (literal & 1) for literal in clause):
            return True
        return not self._solver.solve([self._first, *(-self._step.code[literal] for literal in clause)])

    def _drop(self, lost: Iterable[int]) -> None:
        """It is of no more interest whether these fail."""
        for number in lost:
            self._solver.add([-self._fails[number]])


def _any(clause: Sequence[int], model: Sequence[int]) -> bool:
    """Whether a literal of the clause is true in the model."""
    return any((model[abs(literal) - 1] > 0) == (literal > 0) for literal in clause)
