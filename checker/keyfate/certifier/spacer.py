"""Unbounded proof by Z3's fixedpoint engine (Komuravelli, Gurfinkel, Chaki, CAV 2014)."""

from __future__ import annotations

from collections.abc import Sequence

from keyfate.certifier.formulas import Formulas
from keyfate.certifier.system import System
from keyfate.certifier.translation import Translation
from keyfate.certifier.z3api import Answer, Context


class Spacer:
    """Tries to prove that the target of a system cannot be reached."""

    def __init__(self, formulas: Formulas, system: System, exactly_one: Sequence[Sequence[int]]) -> None:
        context = Context()
        now = Translation(context, formulas, "b{}".format)
        self._variables = (*system.frozen, *system.moving)
        self._engine = context.reachability([f"b{v}" for v in self._variables])
        known = set(self._variables)
        start = [now.expr(system.admissible)]
        for group in exactly_one:
            if known.issuperset(group) and not any(v in system.first for v in group):
                start.append(context.exactly_one(now.exprs(group)))
        for variable, value in system.first.items():
            start.append(context.equal(now.expr(variable), now.expr(value)))
        self._engine.first(context.conjunction(start))
        for move in system.moves:
            after = [now.expr(move.changes.get(v, v)) for v in self._variables]
            self._engine.step(now.expr(move.enabled), after)
        self._target = now.expr(system.target)

    def prove(self, seconds: float) -> Answer:
        """`unsat`: proved; `sat`: the target is reached; `unknown` after so many seconds."""
        return self._engine.ask(self._target, seconds)

    def reason(self) -> str:
        return self._engine.reason()

    def clauses(self) -> list[tuple[int, ...]] | None:
        """The invariant found, as clauses of literals; None if it has another shape."""
        found = self._engine.clauses()
        if found is None:
            return None
        return [tuple(self._variables[i] if positive else -self._variables[i] for i, positive in c) for c in found]
