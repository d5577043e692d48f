"""What one problem needs of the encoding: its settings put in, constants swept, the rest left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyfate.certifier.encoding import Encoding
from keyfate.certifier.formulas import FALSE, TRUE
from keyfate.certifier.steps import Step
from keyfate.lifecycle.names import ActionName


@dataclass(frozen=True)
class Move:
    """An instance that may happen where `enabled`; `changes` has the next values that differ."""

    name: ActionName
    enabled: int
    changes: Mapping[int, int]


@dataclass(frozen=True)
class System:
    """A transition system.

    `frozen` never change and are free within `admissible`; `moving` start as `first` says, or
    anyhow where it says nothing. `constant` are variables that have the same value in every
    reachable state and occur nowhere else here: together an inductive invariant. `actions` are
    all that can happen and bear on the target, those included that only matter to `constant`.
    """

    frozen: tuple[int, ...]
    moving: tuple[int, ...]
    first: Mapping[int, int]
    admissible: int
    moves: tuple[Move, ...]
    target: int
    constant: Mapping[int, int]
    actions: frozenset[str]


class _Reading:
    """Formulas with some variables replaced by constants."""

    def __init__(self, encoding: Encoding, constants: Mapping[int, int]) -> None:
        self._formulas = encoding.formulas
        self._constants = constants
        self._memo: dict[int, int] = {}
        self._mask = 0
        for variable in constants:
            self._mask |= encoding.formulas.mask(variable)

    def __call__(self, formula: int) -> int:
        if not self._formulas.support(formula) & self._mask:
            return formula
        return self._formulas.substitute(formula, self._mask, self._constants.__getitem__, self._memo)


def reduced(
    encoding: Encoding, assumptions: Iterable[int], settings: int, steps: Iterable[Step], target: int
) -> System:
    """The part of the lifecycle that decides whether `target` can be reached under `assumptions`,
    literals of what never changes, and `settings`, a formula over it."""
    formulas, bits = encoding.formulas, encoding.bits
    fixed = {abs(literal): TRUE if literal > 0 else FALSE for literal in assumptions if literal != TRUE}
    for group in bits.exactly_one:
        if any(fixed.get(variable) == TRUE for variable in group):
            fixed.update({variable: FALSE for variable in group if fixed.get(variable) != TRUE})
    read = _Reading(encoding, fixed)
    first, moves = _cone(encoding, read, steps, read(target))
    constant = _constants(encoding, first, moves)
    swept = _Reading(encoding, constant)

    moved = []
    for move in moves:
        enabled = swept(move.enabled)
        changes = {v: swept(after) for v, after in move.changes.items() if v not in constant}
        changes = {v: after for v, after in changes.items() if after != v}
        if enabled != FALSE and changes:
            moved.append(Move(move.name, enabled, changes))
    first = {v: swept(value) for v, value in first.items() if v not in constant}
    goal, admissible = swept(read(target)), read(formulas.all_of((encoding.constraint, settings)))
    support = formulas.support(goal) | formulas.support(admissible)
    for formula in first.values():
        support |= formulas.support(formula)
    for move in moved:
        support |= formulas.support(move.enabled)
        for formula in move.changes.values():
            support |= formulas.support(formula)
    for v in formulas.variables(support & bits.frozen):
        support |= bits.siblings.get(v, 0)
    return System(
        frozen=tuple(v for v in formulas.variables(support & bits.frozen) if v not in fixed),
        moving=tuple(first),
        first={v: value for v, value in first.items() if value != v},
        admissible=admissible,
        moves=tuple(moved),
        target=goal,
        constant=constant,
        actions=frozenset(move.name.name for move in moves),
    )


def _cone(encoding: Encoding, read: _Reading, steps: Iterable[Step], target: int) -> tuple[dict[int, int], list[Move]]:
    """First values of all variables that the target depends on, and the instances that change any."""
    formulas = encoding.formulas
    enabled = {step: when for step in steps if (when := read(step.enabled)) != FALSE}
    changes: dict[Step, dict[int, int]] = {step: {} for step in enabled}
    relevant: set[Step] = set()
    first: dict[int, int] = {}
    moving = ~encoding.bits.frozen
    support = formulas.support(target) & moving
    done = 0
    while support & ~done:
        fresh = formulas.variables(support & ~done)
        done = support
        for variable in fresh:
            support |= encoding.bits.siblings.get(variable, 0)
            first[variable] = read(encoding.first(variable))
            support |= formulas.support(first[variable]) & moving
            for step, when in enabled.items():
                after = step.next(variable)
                if after == variable or (after := read(after)) == variable:
                    continue
                changes[step][variable] = after
                support |= formulas.support(after) & moving
                if step not in relevant:
                    relevant.add(step)
                    support |= formulas.support(when) & moving
    return first, [Move(step.name, enabled[step], changes[step]) for step in enabled if step in relevant]


def _constants(encoding: Encoding, first: Mapping[int, int], moves: Iterable[Move]) -> dict[int, int]:
    """The variables that keep their first value: the greatest set that no move leaves."""
    formulas = encoding.formulas
    constant = {v: value for v, value in first.items() if value in (TRUE, FALSE)}
    supports: dict[ActionName, int] = {}
    for move in moves:
        support = formulas.support(move.enabled)
        for after in move.changes.values():
            support |= formulas.support(after)
        supports[move.name] = support
    stale = ~0
    while stale:
        read = _Reading(encoding, constant)
        left: set[int] = set()
        for move in moves:
            if not supports[move.name] & stale and stale != ~0:
                continue
            when = read(move.enabled)
            if when == FALSE:
                continue
            for variable, after in move.changes.items():
                if variable in constant and variable not in left:
                    then = read(after)
                    leaves = -then if constant[variable] == TRUE else then
                    if formulas.all_of((when, leaves)) != FALSE:
                        left.add(variable)
        stale = 0
        for variable in left:
            del constant[variable]
            stale |= formulas.mask(variable)
    return constant
