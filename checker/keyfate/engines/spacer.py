"""Z3's fixedpoint engine Spacer over a circuit's Horn clauses (Komuravelli, Gurfinkel, Chaki, CAV 2014).

The one module of this room that uses Z3, which is untyped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keyfate.engines.circuit import FALSE, Circuit
from keyfate.engines.horn import RELATION, Names, horn
from keyfate.engines.ic3 import Proof
from keyfate.engines.provers import NoAnswerError, Reachable, Said, Word
from keyfate.engines.sat import Clock

_LONGEST = 2**31 - 1  # milliseconds that Z3 can count
_LATER = 20  # milliseconds


def spacer(circuit: Circuit, clock: Clock) -> Said:
    """A Prover. The length of a trace is not Spacer's to say."""
    if circuit.bad == FALSE or circuit.constraint == FALSE:
        return Proof((), 0)
    import z3

    context = z3.Context()
    solver = z3.SolverFor("HORN", ctx=context)
    clock.check()
    if clock.left is not None:  # not before the clock, which has the last word
        solver.set("timeout", min(int(clock.left * 1000) + _LATER, _LONGEST))
    names = Names(
        tuple(f"b{number}" for number in range(len(circuit.latches))),
        tuple(f"i{number}" for number in range(len(circuit.inputs))),
    )
    try:
        solver.from_string(horn(circuit, names))
        found = solver.check()
        if found == z3.unsat:
            return Reachable()
        if found == z3.sat:
            clauses = _clauses(circuit, solver.model())
            return Word() if clauses is None else Proof(clauses, 0)
        reason = solver.reason_unknown()
    except z3.Z3Exception as error:
        reason = str(error)
    if "interrupted" in reason:  # Z3 takes the signal for itself
        raise KeyboardInterrupt
    clock.check()
    raise NoAnswerError(f"Spacer gave up: {reason}")


def _clauses(circuit: Circuit, model: Any) -> tuple[tuple[int, ...], ...] | None:
    """The relation's interpretation as clauses over latches; None if it has another shape."""
    import z3

    relation = next((name for name in model.decls() if name.name() == RELATION), None)
    if relation is None:
        return ()  # any will do
    meaning = model[relation]
    if isinstance(meaning, z3.FuncInterp):
        if meaning.num_entries():
            return None
        meaning = meaning.else_value()
    found = []
    for conjunct, positive in _conjuncts(meaning, True):
        clause = []
        for part, negative in _conjuncts(conjunct, not positive):
            if not z3.is_var(part):
                return None
            clause.append(circuit.latches[z3.get_var_index(part)].literal ^ int(negative))
        found.append(tuple(clause))
    return tuple(found)


def _conjuncts(expr: Any, positive: bool) -> Iterator[tuple[Any, bool]]:
    """What `expr`, or its negation, is the conjunction of."""
    import z3

    if z3.is_not(expr):
        yield from _conjuncts(expr.arg(0), not positive)
    elif z3.is_true(expr) if positive else z3.is_false(expr):
        return
    elif z3.is_and(expr) if positive else z3.is_or(expr):
        for part in expr.children():
            yield from _conjuncts(part, positive)
    else:
        yield expr, positive
