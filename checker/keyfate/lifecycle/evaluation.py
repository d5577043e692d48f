"""The meaning of values, terms and conditions in one state: docs/language.md word for word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from keyfate.language.typed import (
    And,
    Apply,
    AtomTerm,
    Compare,
    Condition,
    Constant,
    ControlRef,
    Derivable,
    Did,
    Existing,
    Has,
    IfTerm,
    IfValue,
    Lifecycle,
    Message,
    MessageVar,
    Not,
    Or,
    Past,
    PlaceRef,
    PlaceSet,
    Plus,
    Quantifier,
    StateRef,
    TermExpr,
    Truth,
    Value,
    ValueExpr,
    Var,
)
from keyfate.lifecycle.deduction import Deduction
from keyfate.lifecycle.instances import Env, place_names
from keyfate.lifecycle.names import (
    ActionName,
    Atom,
    Before,
    Compound,
    ControlName,
    PlaceName,
    StateName,
    Term,
)
from keyfate.lifecycle.universe import universe


@dataclass(frozen=True)
class State:
    """One state of a run. `history` has the value of every past operator in the state before.

    Made by the interpreter, which keeps the mappings in the order of the text.
    """

    states: Mapping[StateName, Value]
    places: Mapping[PlaceName, frozenset[Term]]
    observed: frozenset[Term]
    did: ActionName | None
    history: Mapping[Before, bool]

    @cached_property
    def _hash(self) -> int:
        return hash((tuple(self.states.values()), tuple(self.places.values()), self.observed, self.did))

    def __hash__(self) -> int:
        return self._hash


class Absent(Enum):
    """Why an expression has no value: it is indexed by `none`, or `+ 1` left its range (R5)."""

    MISSING = "does not exist"
    OVERFLOW = "is out of range"


class Evaluator:
    """Evaluates expressions of one lifecycle under fixed controls."""

    def __init__(
        self, lifecycle: Lifecycle, controls: Mapping[ControlName, Value], deduction: Deduction | None = None
    ) -> None:
        self.lifecycle = lifecycle
        self.controls = controls
        self.deduction = deduction or Deduction(universe(lifecycle))
        self.place_names = place_names(lifecycle)
        self._messages = {family.name: family for family in lifecycle.terms if family.kind == "message"}

    # Values

    def value(self, expression: ValueExpr, env: Env, state: State) -> Value | Absent:
        """The value; OVERFLOW past a range. (No value but an index is ever MISSING.)"""
        match expression:
            case Constant(value):
                return value
            case Var(name):
                return env[name]
            case StateRef(name, args):
                index = self.index(args, env, state)
                return index if isinstance(index, Absent) else state.states[StateName(name, index)]
            case ControlRef(name, args):
                index = self.index(args, env, state)
                return index if isinstance(index, Absent) else self.controls[ControlName(name, index)]
            case Plus(operand, amount, _, high):
                number = self.value(operand, env, state)
                if isinstance(number, Absent):
                    return number
                assert isinstance(number, int)
                return Absent.OVERFLOW if number + amount > high else number + amount
            case IfValue(condition, then, otherwise):
                return self.value(then if self.holds(condition, env, state) else otherwise, env, state)

    def index(self, args: Iterable[ValueExpr], env: Env, state: State) -> tuple[Value, ...] | Absent:
        """The values of `args` as an index: MISSING if one is `none`, else OVERFLOW if one is out of range."""
        values: list[Value] = []
        absent: set[Absent] = set()
        for arg in args:
            value = self.value(arg, env, state)
            if isinstance(value, Absent):
                absent.add(value)
            elif value is None:
                absent.add(Absent.MISSING)
            else:
                values.append(value)
        return _worst(absent) if absent else tuple(values)

    # Terms and places

    def term(self, expression: TermExpr, env: Env, state: State) -> Term | Absent:
        match expression:
            case AtomTerm(name, args, public):
                index = self.index(args, env, state)
                return index if isinstance(index, Absent) else Atom(name, index, public)
            case Apply(function, label, args):
                parts: list[Term] = []
                absent: set[Absent] = set()
                for arg in args:
                    part = self.term(arg, env, state)
                    if isinstance(part, Absent):
                        absent.add(part)
                    else:
                        parts.append(part)
                return _worst(absent) if absent else Compound(function, label, tuple(parts))
            case IfTerm(condition, then, otherwise):
                return self.term(then if self.holds(condition, env, state) else otherwise, env, state)
            case Existing(args, inner):
                index = self.index(args, env, state)
                return index if isinstance(index, Absent) else self.term(inner, env, state)
            case MessageVar(name):
                message = env[name]
                assert isinstance(message, Message)
                family = self._messages[message.family]
                inside = {param.name: arg for param, arg in zip(family.params, message.args, strict=True)}
                return self.term(family.term, inside, state)

    def place(self, reference: PlaceRef, env: Env, state: State) -> PlaceName | Absent:
        """The one place that a reference with an index means."""
        index = self.index(reference.args or (), env, state)
        return index if isinstance(index, Absent) else PlaceName(reference.name, index)

    def members(self, places: PlaceSet, env: Env, state: State) -> tuple[PlaceName, ...] | Absent:
        """The places of a set; a reference to a place that does not exist adds none, one out of range is OVERFLOW."""
        listed: set[PlaceName] = set()
        for reference in places.places:
            if reference.args is None:
                listed.update(name for name in self.place_names if name.name == reference.name)
                continue
            name = self.place(reference, env, state)
            if name is Absent.OVERFLOW:
                return name
            if isinstance(name, PlaceName):
                listed.add(name)
        return tuple(name for name in self.place_names if (name in listed) != places.complement)

    # Knowledge

    def knows(self, state: State, term: Term) -> bool:
        """R8: the attacker derives `term` from what was observed and what is public."""
        return term in self.deduction.closure(state.observed)

    def yields(self, places: Iterable[PlaceName], term: Term, state: State, *, observed: bool = False) -> bool:
        """R8: `term` follows from what `places` hold together (and what was observed) and what is public."""
        base = frozenset[Term]().union(*(state.places[name] for name in places))
        return term in self.deduction.closure(base | state.observed if observed else base)

    # Conditions

    def holds(self, condition: Condition, env: Env, state: State) -> bool:
        match condition:
            case Truth(value):
                return value
            case Compare(operator, left, right):
                return self._compare(operator, self.value(left, env, state), self.value(right, env, state))
            case Not(operand):
                return not self.holds(operand, env, state)
            case And(operands):
                return all(self.holds(operand, env, state) for operand in operands)
            case Or(operands):
                return any(self.holds(operand, env, state) for operand in operands)
            case Quantifier(kind, param, body):
                each = (self.holds(body, {**env, param.name: value}, state) for value in param.domain.values)
                return all(each) if kind == "all" else any(each)
            case Has(reference, expression):
                place = self.place(reference, env, state)
                term = self.term(expression, env, state)
                if isinstance(place, Absent) or isinstance(term, Absent):
                    return False
                return term in state.places[place]
            case Derivable(places, observed, expression):
                term = self.term(expression, env, state)
                members = self.members(places, env, state)
                if isinstance(members, Absent) or isinstance(term, Absent):
                    return False
                return self.yields(members, term, state, observed=observed)
            case Did(action, args):
                if state.did is None or state.did.name != action:
                    return False
                return all(
                    arg is None or self.value(arg, env, state) == done
                    for arg, done in zip(args, state.did.args, strict=True)
                )
            case Past():
                return self._past(condition, env, state)

    @staticmethod
    def _compare(operator: str, left: Value | Absent, right: Value | Absent) -> bool:
        if isinstance(left, Absent) or isinstance(right, Absent):
            return False
        if operator == "=":
            return left == right
        if not isinstance(left, int) or not isinstance(right, int):
            return False  # `none` has no order
        return left < right if operator == "<" else left <= right

    def _past(self, condition: Past, env: Env, state: State) -> bool:
        """R12: `once`, `historically` and `since` include the present; `previously` is about the state before."""
        before = state.history[Before(condition.identity, tuple(env[name] for name in condition.free))]
        match condition.operator:
            case "once":
                return before or self.holds(condition.operand, env, state)
            case "historically":
                return before and self.holds(condition.operand, env, state)
            case "previously":
                return before
            case "since":
                assert condition.left is not None
                return self.holds(condition.operand, env, state) or (before and self.holds(condition.left, env, state))

    def latched(self, condition: Past, env: Env, state: State) -> bool:
        """What the history of the next state says of this operator in `state`."""
        if condition.operator == "previously":
            return self.holds(condition.operand, env, state)
        return self._past(condition, env, state)


def _worst(absent: Iterable[Absent]) -> Absent:
    """Of several reasons, a missing part counts: no range would mend it."""
    return Absent.MISSING if Absent.MISSING in absent else Absent.OVERFLOW
