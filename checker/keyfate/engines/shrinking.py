"""A part of an invariant that is one itself, and excludes as much.

A. Ivrii, A. Gurfinkel, A. Belov, Small inductive safe invariants, FMCAD 2014: the clauses that keep the bad literal
out, those that a step needs to keep these, and so on. What is left is quicker to judge and to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyfate.engines.circuit import Circuit
from keyfate.engines.cnf import Encoding
from keyfate.engines.sat import Clock, Solver

Clause = tuple[int, ...]


def shrunk(
    circuit: Circuit, clauses: Sequence[Clause], clock: Clock, excluded: Iterable[Sequence[int]] = ()
) -> tuple[Clause, ...]:
    """Those of the clauses of a proof (see `ic3.Proof`) that it needs, in their order.

    `excluded`: clauses over frozen latch literals that the settings in question satisfy. Raises OutOfBudgetError.
    """
    return _Shrinking(circuit, clauses, clock, excluded).needed()


class _Shrinking:
    def __init__(
        self, circuit: Circuit, clauses: Sequence[Clause], clock: Clock, excluded: Iterable[Sequence[int]]
    ) -> None:
        self._circuit = circuit
        self._clauses = clauses
        self._solver = solver = Solver(clock)
        self._code = code = Encoding(circuit.left, circuit.right, solver)
        for literal in (*(latch.literal for latch in circuit.latches), *circuit.inputs):
            code.bind(literal, solver.fresh())
        code.encode([*circuit.parts, circuit.constraint, *(latch.next for latch in circuit.latches)])
        self._after = {latch.literal: code[latch.next] for latch in circuit.latches}
        solver.add([code[circuit.constraint]])
        solver.extend([[code[literal] for literal in clause] for clause in (*circuit.known, *excluded)])
        self._switches = [solver.fresh() for _ in clauses]  # of each clause, the literal that switches it on
        for switch, clause in zip(self._switches, clauses, strict=True):
            solver.add([-switch, *(code[literal] for literal in clause)])
        self._number = {switch: number for number, switch in enumerate(self._switches)}

    def needed(self) -> tuple[Clause, ...]:
        found: dict[int, None] = {}  # numbers of clauses, in the order in which they turned out to be needed
        questions = [[self._code[part]] for part in self._circuit.parts]
        done = 0
        while questions:
            for question in questions:
                found.update(dict.fromkeys(self._reasons(question, found)))
            questions = [self._broken(self._clauses[number]) for number in list(found)[done:]]
            done += len(questions)
        return tuple(clause for number, clause in enumerate(self._clauses) if number in found)

    def _broken(self, clause: Clause) -> list[int]:
        """That a step leads to where the clause fails."""
        return [self._after[literal & ~1] * (1 if literal & 1 else -1) for literal in clause]

    def _reasons(self, question: Sequence[int], known: Iterable[int]) -> list[int]:
        """Further clauses that exclude the question, where the known ones do not."""
        if not self._solver.solve([*question, *(self._switches[number] for number in known)]):
            return []
        possible = self._solver.solve([*question, *self._switches])
        assert not possible, "the clauses are a proof"
        return [self._number[literal] for literal in self._solver.core() if literal in self._number]
