"""One step between two copies of the variables of a system, as Z3 assertions."""

from __future__ import annotations

from collections.abc import Sequence

from keyfate.certifier.system import System
from keyfate.certifier.translation import Translation
from keyfate.certifier.z3api import Context, Expr, Solver


def step(
    context: Context, solver: Solver, system: System, now: Translation, after: Translation, label: str
) -> list[Expr]:
    """Asserts that at most one of the moves happens from `now` to `after`, and that what it
    does not change stays. Gives a variable for each move that says whether it does."""
    chosen = at_most_one(context, solver, len(system.moves), label)
    changing: dict[int, list[Expr]] = {variable: [] for variable in system.moving}
    for move, happens in zip(system.moves, chosen, strict=True):
        effects = [now.expr(move.enabled)]
        for variable, value in move.changes.items():
            changing[variable].append(happens)
            effects.append(context.equal(after.expr(variable), now.expr(value)))
        solver.add(context.implication(happens, context.conjunction(effects)))
    for variable, ways in changing.items():
        same = context.equal(after.expr(variable), now.expr(variable))
        solver.add(context.disjunction([*ways, same]))
    return chosen


def at_most_one(context: Context, solver: Solver, count: int, label: str) -> list[Expr]:
    """New variables of which at most one is true: a ladder (Sinz, CP 2005)."""
    variables = [context.variable(f"{label}.{number}") for number in range(count)]
    below: Expr | None = None
    for number, variable in enumerate(variables):
        reached = context.variable(f"{label}.{number}+")
        solver.add(context.implication(variable, reached))
        if below is not None:
            solver.add(context.implication(below, reached))
            solver.add(context.implication(below, context.negation(variable)))
        below = reached
    return variables


def admissible(
    context: Context, solver: Solver, system: System, now: Translation, groups: Sequence[Sequence[int]]
) -> None:
    """Asserts the constraint, and the types of all variables of `system`."""
    solver.add(now.expr(system.admissible))
    known = {*system.frozen, *system.moving}
    for group in groups:
        inside = now.exprs([variable for variable in group if variable in known])
        if len(inside) == len(group):
            solver.add(context.exactly_one(inside))
        elif inside:  # formulas are simplified by this, whatever of the group they are about
            solver.add(context.at_most_one(inside))
