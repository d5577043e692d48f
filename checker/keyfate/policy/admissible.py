"""Which settings of the controls the constraints admit (R6), decided before any engine runs.

Controls are filled in one by one; a constraint is evaluated as soon as what is filled in
decides it (Kleene's strong three-valued logic: true, false, or None for not yet known).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import product
from typing import Final

from keyfate.language import typed as t
from keyfate.lifecycle.names import ControlName

Environment = Mapping[str, t.Value]
Setting = Mapping[ControlName, t.Value]

LIMIT = 3_000_000
"""Work after which the search for admissible settings gives up, some seconds of it: parts of constraints looked at,
and `_STEP` more for each partial setting."""
_STEP = 10


class _Open(Enum):
    """In the place of a value that hangs on controls not yet set."""

    OPEN = "open"


_OPEN: Final = _Open.OPEN


class TooManyError(Exception):
    """The search met its limit."""


def instances(lifecycle: t.Lifecycle) -> tuple[tuple[ControlName, t.Domain], ...]:
    """Every control instance with its values, in the order of the text."""
    return tuple(
        (ControlName(control.name, args), control.domain)
        for control in lifecycle.controls
        for args in product(*(domain.values for domain in control.index))
    )


def refuted(lifecycle: t.Lifecycle, setting: Setting) -> tuple[t.Constraint, ...]:
    """The constraints that `setting`, however completed, cannot satisfy by themselves."""
    return tuple(c for c in lifecycle.constraints if truth(c.condition, {}, setting) is False)


def completions(lifecycle: t.Lifecycle, setting: Setting) -> Iterator[dict[ControlName, t.Value]]:
    """Every admissible full setting that agrees with `setting`, in a fixed order.

    Raises TooManyError past LIMIT.
    """
    domains = instances(lifecycle)
    named = [mentioned(c.condition) for c in lifecycle.constraints]
    # Controls that constraints mention come first, so that a dead end shows early.
    open_ones = [(n, d) for n, d in domains if n not in setting]
    order = sorted(open_ones, key=lambda nd: (all(nd[0].name not in names for names in named), open_ones.index(nd)))
    budget = [LIMIT]
    weighed = [(constraint, _cost(constraint.condition)) for constraint in lifecycle.constraints]
    for full in _fill(weighed, order, dict(setting), budget):
        yield {name: full[name] for name, _ in domains}


def _fill(
    constraints: Sequence[tuple[t.Constraint, int]],
    order: Sequence[tuple[ControlName, t.Domain]],
    setting: dict[ControlName, t.Value],
    budget: list[int],
) -> Iterator[dict[ControlName, t.Value]]:
    budget[0] -= _STEP + sum(cost for _, cost in constraints)
    if budget[0] < 0:
        raise TooManyError
    undecided = []
    for constraint, cost in constraints:
        decided = truth(constraint.condition, {}, setting)
        if decided is False:
            return
        if decided is None:
            undecided.append((constraint, cost))
    if not order:
        yield setting
        return
    name, domain = order[0]
    for value in domain.values:
        yield from _fill(undecided, order[1:], {**setting, name: value}, budget)


def _cost(part: t.Condition | t.ValueExpr) -> int:
    """How many parts are looked at, at most, to find its value."""
    match part:
        case t.Quantifier(_, param, body):
            return 1 + len(param.domain.values) * _cost(body)
        case t.And(operands) | t.Or(operands):
            return 1 + sum(map(_cost, operands))
        case t.Not(operand):
            return 1 + _cost(operand)
        case t.Compare(_, left, right):
            return 1 + _cost(left) + _cost(right)
        case t.IfValue(test, then, otherwise):
            return 1 + _cost(test) + _cost(then) + _cost(otherwise)
        case t.ControlRef(_, args):
            return 1 + sum(map(_cost, args))
    return 1


def truth(condition: t.Condition, env: Environment, setting: Setting) -> bool | None:
    """The condition's value under a partial setting, or None where that does not decide it."""
    match condition:
        case t.Truth(known):
            return known
        case t.Not(operand):
            inner = truth(operand, env, setting)
            return None if inner is None else not inner
        case t.And(operands):
            return _all(truth(o, env, setting) for o in operands)
        case t.Or(operands):
            return _any(truth(o, env, setting) for o in operands)
        case t.Quantifier(kind, param, body):
            values = (truth(body, {**env, param.name: value}, setting) for value in param.domain.values)
            return _all(values) if kind == "all" else _any(values)
        case t.Compare(operator, left, right):
            return _compare(operator, _value(left, env, setting), _value(right, env, setting))
    raise AssertionError(f"a constraint mentions controls only (R6), not {type(condition).__name__}")


def _all(values: Iterator[bool | None]) -> bool | None:
    result: bool | None = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def _any(values: Iterator[bool | None]) -> bool | None:
    result: bool | None = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result


def _value(expression: t.ValueExpr, env: Environment, setting: Setting) -> t.Value | _Open:
    match expression:
        case t.Constant(constant):
            return constant
        case t.Var(name):
            return env[name]
        case t.ControlRef(name, args):
            values = [_value(a, env, setting) for a in args]
            known = tuple(value for value in values if value is not _OPEN)
            return setting.get(ControlName(name, known), _OPEN) if len(known) == len(values) else _OPEN
        case t.IfValue(test, then, otherwise):
            chosen = truth(test, env, setting)
            if chosen is not None:
                return _value(then if chosen else otherwise, env, setting)
            left, right = _value(then, env, setting), _value(otherwise, env, setting)
            if left is not _OPEN and type(left) is type(right) and left == right:
                return left
            return _OPEN
    raise AssertionError(f"a constraint mentions controls only (R6), not {type(expression).__name__}")


def _compare(operator: str, left: object, right: object) -> bool | None:
    if left is _OPEN or right is _OPEN:
        return None
    if operator == "=":
        return type(left) is type(right) and left == right
    if not isinstance(left, int) or not isinstance(right, int):
        raise AssertionError("only numbers are ordered")
    return left < right if operator == "<" else left <= right


def mentioned(condition: object) -> frozenset[str]:
    """Names of the controls that a condition over controls mentions."""
    match condition:
        case t.ControlRef(name, args):
            return frozenset((name,)).union(*(mentioned(a) for a in args))
        case t.Not(operand):
            return mentioned(operand)
        case t.And(operands) | t.Or(operands):
            return frozenset().union(*(mentioned(o) for o in operands))
        case t.Quantifier(_, _, body):
            return mentioned(body)
        case t.Compare(_, left, right):
            return mentioned(left) | mentioned(right)
        case t.IfValue(test, then, otherwise):
            return mentioned(test) | mentioned(then) | mentioned(otherwise)
        case t.Plus(operand, _, _, _):
            return mentioned(operand)
    return frozenset()
