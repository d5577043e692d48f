"""A part of an invariant that is one itself, and excludes as much.

A. Ivrii, A. Gurfinkel, A. Belov, Small inductive safe invariants, FMCAD 2014: the clauses that keep the bad literal
out, those that a step needs to keep these, and so on. What is left is quicker to judge and to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyfate.engines.circuit import Circuit
from keyfate.engines.sat import Clock
from keyfate.engines.stepping import Literals, Stepping


def shrunk(
    circuit: Circuit, clauses: Sequence[Literals], clock: Clock, excluded: Iterable[Sequence[int]] = ()
) -> tuple[Literals, ...]:
    """Those of the clauses of a proof (see `ic3.Proof`) that it needs, in their order.

    `excluded`: clauses over frozen latch literals that the settings in question satisfy. Raises OutOfBudgetError.
    """
    return _Shrinking(circuit, clauses, clock, excluded).needed()


class _Shrinking:
    def __init__(
        self, circuit: Circuit, clauses: Sequence[Literals], clock: Clock, excluded: Iterable[Sequence[int]]
    ) -> None:
        self._circuit = circuit
        self._clauses = clauses
        self._step = Stepping(circuit, clauses, clock, circuit.parts, excluded)
        self._number = {switch: number for number, switch in enumerate(self._step.switches)}

    def needed(self) -> tuple[Literals, ...]:
        found: dict[int, None] = {}  # numbers of clauses, in the order in which they turned out to be needed
        questions = [[self._step.code[part]] for part in self._circuit.parts]
        done = 0
        while questions:
            for question in questions:
                found.update(dict.fromkeys(self._reasons(question, found)))
            questions = [self._broken(self._clauses[number]) for number in list(found)[done:]]
            done += len(questions)
        return tuple(clause for number, clause in enumerate(self._clauses) if number in found)

    def _broken(self, clause: Literals) -> list[int]:
        """That a step leads to where the clause fails."""
        return [-literal for literal in self._step.after(clause)]

    def _reasons(self, question: Sequence[int], known: Iterable[int]) -> list[int]:
        """Further clauses that exclude the question, where the known ones do not."""
        solver, switches = self._step.solver, self._step.switches
        if not solver.solve([*question, *(switches[number] for number in known)]):
            return []
        possible = solver.solve([*question, *switches])
        assert not possible, "the clauses are a proof"
        return [self._number[literal] for literal in solver.core() if literal in self._number]
