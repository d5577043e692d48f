"""Z3's fixedpoint engine Spacer over a circuit's Horn clauses (Komuravelli, Gurfinkel, Chaki, CAV 2014).

The one module of this room that uses Z3, which is untyped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from keyfate.engines.circuit import FALSE, Circuit
from keyfate.engines.horn import RELATION, Names, horn
from keyfate.engines.ic3 import Proof
from keyfate.engines.provers import NoAnswerError, Reachable, Said, Word
from keyfate.engines.sat import Clock

_LONGEST = 2**31 - 1  # milliseconds that Z3 can count
_LATER = 20  # milliseconds
_CLAUSES = 1000  # of one conjunct
_PATIENCE = 5000  # milliseconds for the quantifiers of one conjunct


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
    """The relation's interpretation as clauses over latches; None if it takes too many, or too long."""
    import z3

    relation = next((name for name in model.decls() if name.name() == RELATION), None)
    if relation is None:
        return None  # it was simplified away
    meaning = model[relation]
    if isinstance(meaning, z3.FuncInterp):
        if meaning.num_entries():
            return None
        meaning = meaning.else_value()
    bits = [z3.Bool(f"b{number}", meaning.ctx) for number in range(len(circuit.latches))]
    literal = {bit.get_id(): latch.literal for bit, latch in zip(bits, circuit.latches, strict=True)}
    found: list[tuple[int, ...]] = []
    for conjunct, positive in _conjuncts(z3.substitute_vars(meaning, *bits), True):
        parts = list(_conjuncts(conjunct, not positive))
        if all(part.get_id() in literal for part, _ in parts):
            found.append(tuple(literal[part.get_id()] ^ int(negative) for part, negative in parts))
            continue
        # Where a rule was unfolded in its interpretation, choices are quantified.
        free = z3.TryFor(z3.Tactic("qe", ctx=meaning.ctx), _PATIENCE)
        try:
            split = _split(free(conjunct if positive else z3.Not(conjunct)).as_expr(), bits)
        except z3.Z3Exception:
            return None
        if split is None:
            return None
        found += [tuple(literal[bit.get_id()] ^ int(negative) for bit, negative in clause) for clause in split]
    return tuple(found)


def _split(formula: Any, bits: Sequence[Any]) -> list[list[tuple[Any, bool]]] | None:
    """Clauses, of (bit, whether negative), whose conjunction is `formula`: each excludes what a model of its negation
    and the formula cannot agree on. None if they are too many."""
    import z3

    outside, inside = z3.SolverFor("QF_FD", ctx=formula.ctx), z3.SolverFor("QF_FD", ctx=formula.ctx)
    outside.add(z3.Not(formula))
    inside.add(formula)
    clauses: list[list[tuple[Any, bool]]] = []
    while outside.check() == z3.sat:
        if len(clauses) == _CLAUSES:
            return None
        model = outside.model()
        cube = {bit.get_id(): (bit, z3.is_true(model[bit])) for bit in bits if model[bit] is not None}
        refuted = inside.check(*(bit if true else z3.Not(bit) for bit, true in cube.values()))
        assert refuted == z3.unsat, "what the model leaves open does not matter"
        core = [part for literal in inside.unsat_core() for part, _ in _conjuncts(literal, True)]
        clauses.append([cube[bit.get_id()] for bit in core])
        outside.add(z3.Or(*(z3.Not(bit) if true else bit for bit, true in clauses[-1])))
    return clauses


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
