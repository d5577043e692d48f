"""A step of a circuit in a SAT solver, with clauses that can be switched on: what proofs are looked at with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyfate.engines.circuit import Circuit
from keyfate.engines.cnf import Encoding
from keyfate.engines.sat import Clock, Solver

Literals = tuple[int, ...]


class Stepping:
    """A step from any state of which the circuit's constraint holds, and what is `known` of it beside that.

    `switches`: of each of the clauses over latch literals, the solver's literal under which it holds before the step.
    `code` has the latches and `roots`. Questions raise OutOfBudgetError by `clock`.
    """

    def __init__(
        self,
        circuit: Circuit,
        clauses: Sequence[Literals],
        clock: Clock,
        roots: Iterable[int] = (),
        known: Iterable[Sequence[int]] = (),
    ) -> None:
        self.solver = solver = Solver(clock)
        self.code = code = Encoding(circuit.left, circuit.right, solver)
        for literal in (*(latch.literal for latch in circuit.latches), *circuit.inputs):
            code.bind(literal, solver.fresh())
        read = {literal & ~1 for clause in clauses for literal in clause}
        moving = [latch for latch in circuit.latches if latch.literal in read]
        code.encode([*roots, circuit.constraint, *(latch.next for latch in moving)])
        self._after = {latch.literal: code[latch.next] for latch in moving}
        solver.add([code[circuit.constraint]])
        solver.extend([[code[literal] for literal in clause] for clause in (*circuit.known, *known)])
        self.switches = [solver.fresh() for _ in clauses]
        for switch, clause in zip(self.switches, clauses, strict=True):
            solver.add([-switch, *(code[literal] for literal in clause)])

    def after(self, clause: Literals) -> list[int]:
        """One of the clauses, as solver literals of the state behind the step."""
        return [self._after[literal & ~1] * (-1 if literal & 1 else 1) for literal in clause]
