"""Conditions of the typed tree as a person would write them: what a history latch remembers, in words.

Names are the user's own, sugar is gone, and nothing is meant to be parsed again.
"""

from __future__ import annotations

from collections.abc import Iterable

from keyfate.language import typed as t
from keyfate.lifecycle.names import show_composed, show_value


def shown_variable(name: str) -> str:
    """What the user wrote for a variable, of its unique name."""
    return name.partition("'")[0]


def show_condition(expr: t.Condition) -> str:
    """`once did boot[p]`, `power[p] = on and not wiped`."""
    match expr:
        case t.Truth(value):
            return show_value(value)
        case t.Compare(operator, left, right):
            return f"{_value(left)} {operator} {_value(right)}"
        case t.Not(operand):
            return f"not {_closed(operand)}"
        case t.And(operands):
            return " and ".join(map(_closed, operands))
        case t.Or(operands):
            return " or ".join(map(_closed, operands))
        case t.Quantifier(kind, param, body):
            return f"{kind} {param.shown}: {param.domain.label} ({show_condition(body)})"
        case t.Has(place, term):
            return f"{_place(place)} has {_term(term)}"
        case t.Derivable(places, observed, term):
            if observed and not places.places:
                return f"{_term(term)} recoverable" if places.complement else f"attacker knows {_term(term)}"
            listed = ", ".join(map(_place, places.places))
            if observed and places.complement:
                return f"{_term(term)} recoverable except ({listed})"
            seen = " and from what was seen" if observed else ""
            return f"({'all but ' if places.complement else ''}{listed}) yields {_term(term)}{seen}"
        case t.Did(action, args):
            return f"did {indexed(action, ('_' if arg is None else _value(arg) for arg in args))}"
        case t.Past(operator, operand, left):
            past = f"{operator} {_closed(operand)}"
            return past if left is None else f"{_closed(left)} {past}"


def _closed(expr: t.Condition) -> str:
    shown = show_condition(expr)
    simple = isinstance(expr, t.Truth | t.Compare | t.Not | t.Has | t.Did | t.Quantifier)
    return shown if simple else f"({shown})"


def _value(expr: t.ValueExpr) -> str:
    match expr:
        case t.Constant(value):
            return show_value(value)
        case t.Var(name):
            return shown_variable(name)
        case t.StateRef(name, args) | t.ControlRef(name, args):
            return indexed(name, map(_value, args))
        case t.Plus(operand, amount):
            return f"{_value(operand)} + {amount}"
        case t.IfValue(condition, then, otherwise):
            return f"(if {show_condition(condition)} then {_value(then)} else {_value(otherwise)})"


def _term(expr: t.TermExpr) -> str:
    match expr:
        case t.AtomTerm(name, args):
            return indexed(name, map(_value, args))
        case t.Apply(function, label, args):
            return show_composed(function, label, map(_term, args))
        case t.IfTerm(condition, then, otherwise):
            return f"(if {show_condition(condition)} then {_term(then)} else {_term(otherwise)})"
        case t.Existing(_, term):
            return _term(term)
        case t.MessageVar(name):
            return shown_variable(name)


def _place(ref: t.PlaceRef) -> str:
    return indexed(ref.name, () if ref.args is None else map(_value, ref.args))


def indexed(name: str, args: Iterable[str]) -> str:
    """`disk[alpha, agent]`, `power[Platform]`, `keyid`."""
    listed = ", ".join(args)
    return f"{name}[{listed}]" if listed else name
