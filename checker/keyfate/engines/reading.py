"""Expressions of the typed tree as literals: values, terms and conditions in one state.

A value that depends on the state is a map from each value it may have to the literal under which it has it.
What the leaves mean (the present state, the state after a step, the first state) is the `View`'s affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic, Protocol, TypeVar

from keyfate.engines.circuit import FALSE, TRUE, Graph
from keyfate.language import typed as t
from keyfate.lifecycle.instances import Env, place_names
from keyfate.lifecycle.names import (
    ActionName,
    Atom,
    CapabilityName,
    Compound,
    ControlName,
    PlaceName,
    StateName,
    Term,
)

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Cases(Generic[T]):
    """What something may be, each with the literal under which it is; these exclude each other.

    `overflow`: it has no value because of nothing but a range. Under none of all these, it does not exist (R5).
    """

    of: Mapping[T, int]
    overflow: int = FALSE


Members = tuple[tuple[PlaceName, int], ...]  # places, each with the literal under which it is one of the set


class View(Protocol):
    """What the leaves of expressions mean in one state."""

    def state(self, name: StateName) -> Mapping[t.Value, int]: ...

    def control(self, name: ControlName) -> Mapping[t.Value, int]: ...

    def capability(self, name: CapabilityName) -> int: ...

    def holds(self, place: PlaceName, term: Term) -> int: ...

    def derivable(self, members: Members, observed: bool, term: Term) -> int: ...

    def happened(self, action: ActionName) -> int: ...

    def before(self, past: t.Past, binding: tuple[t.Value, ...]) -> int: ...


class Names:
    """What a lifecycle declares, as expressions ask for it."""

    def __init__(self, lifecycle: t.Lifecycle, actions: Sequence[ActionName]) -> None:
        self.places = place_names(lifecycle)
        self._order = {name: number for number, name in enumerate(self.places)}
        self.messages = {family.name: family for family in lifecycle.terms if family.kind == "message"}
        self.instances: dict[str, list[ActionName]] = {}
        for action in actions:
            self.instances.setdefault(action.name, []).append(action)
        self._compounds: dict[tuple[str, str | None, tuple[Term, ...]], Compound] = {}

    def order(self, place: PlaceName) -> int:
        """Where a place stands among all."""
        return self._order[place]

    def compound(self, function: t.Function, label: str | None, args: tuple[Term, ...]) -> Compound:
        """The one object for this term, so that its hash is computed once."""
        key = (function, label, args)
        known = self._compounds.get(key)
        if known is None:
            known = self._compounds[key] = Compound(function, label, args)
        return known


class Reader:
    """Reads expressions in one view."""

    def __init__(self, graph: Graph, names: Names, view: View) -> None:
        self._graph = graph
        self._names = names
        self.view = view

    # Values

    def value(self, expression: t.ValueExpr, env: Env) -> Cases[t.Value]:
        match expression:
            case t.Constant(value):
                return Cases({value: TRUE})
            case t.Var(name):
                return Cases({env[name]: TRUE})
            case t.StateRef(name, args):
                return self._lookup(args, env, lambda index: self.view.state(StateName(name, index)))
            case t.ControlRef(name, args):
                return self._lookup(args, env, lambda index: self.view.control(ControlName(name, index)))
            case t.Plus(operand, amount, _, high):
                found = self.value(operand, env)
                within: dict[t.Value, int] = {}
                beyond = [found.overflow]
                for value, literal in found.of.items():
                    assert isinstance(value, int)
                    if value + amount > high:
                        beyond.append(literal)
                    else:
                        within[value + amount] = literal
                return Cases(within, self._graph.any(beyond))
            case t.IfValue(condition, then, otherwise):
                chosen = self.condition(condition, env)
                if chosen < 2:
                    return self.value(then if chosen else otherwise, env)
                return self._choose(chosen, self.value(then, env), self.value(otherwise, env))

    def _lookup(
        self,
        args: tuple[t.ValueExpr, ...],
        env: Env,
        read: Callable[[tuple[t.Value, ...]], Mapping[t.Value, int]],
    ) -> Cases[t.Value]:
        index = self.index(args, env)
        if len(index.of) == 1:
            ((only, under),) = index.of.items()
            if under == TRUE:
                return Cases(read(only))
        merged: dict[t.Value, list[int]] = {}
        for at, under in index.of.items():
            for value, literal in read(at).items():
                merged.setdefault(value, []).append(self._graph.both(under, literal))
        return Cases(self._merge(merged), index.overflow)

    def _merge(self, ways: Mapping[T, list[int]]) -> dict[T, int]:
        merged = {}
        for item, literals in ways.items():
            literal = self._graph.any(literals) if len(literals) > 1 else literals[0]
            if literal != FALSE:
                merged[item] = literal
        return merged

    def _choose(self, condition: int, then: Cases[T], otherwise: Cases[T]) -> Cases[T]:
        both = self._graph.both
        ways: dict[T, list[int]] = {}
        for item, literal in then.of.items():
            ways.setdefault(item, []).append(both(condition, literal))
        for item, literal in otherwise.of.items():
            ways.setdefault(item, []).append(both(condition ^ 1, literal))
        return Cases(self._merge(ways), self._graph.choose(condition, then.overflow, otherwise.overflow))

    def index(self, args: tuple[t.ValueExpr, ...], env: Env) -> Cases[tuple[t.Value, ...]]:
        """The values of `args` together; a `none` among them makes an index that does not exist."""
        if all(isinstance(arg, t.Var | t.Constant) for arg in args):
            fixed = tuple(env[arg.name] if isinstance(arg, t.Var) else _constant(arg) for arg in args)
            return Cases({} if None in fixed else {fixed: TRUE})
        return self._together([self.value(arg, env) for arg in args], tuple, none=True)

    def _together(self, parts: Sequence[Cases[T]], make: Callable[[Iterable[T]], U], none: bool = False) -> Cases[U]:
        """Every combination of `parts`; missing where one is missing, else overflowing where one overflows."""
        graph = self._graph
        found: dict[U, int] = {}
        options = [[item for item in part.of.items() if not (none and item[0] is None)] for part in parts]
        for combination in product(*options):
            under = TRUE
            for _, literal in combination:
                under = graph.both(under, literal)
            if under != FALSE:
                found[make(item for item, _ in combination)] = under
        overflow = FALSE
        if any(part.overflow for part in parts):
            there = [
                graph.any([part.overflow, *(literal for _, literal in items)])
                for part, items in zip(parts, options, strict=True)
            ]
            overflow = graph.both(graph.any(part.overflow for part in parts), graph.all(there))
        return Cases(found, overflow)

    # Terms and places

    def term(self, expression: t.TermExpr, env: Env) -> Cases[Term]:
        match expression:
            case t.AtomTerm(name, args, public):
                index = self.index(args, env)
                return Cases({Atom(name, at, public): under for at, under in index.of.items()}, index.overflow)
            case t.Apply(function, label, args):
                compound = self._names.compound
                parts = [self.term(arg, env) for arg in args]
                return self._together(parts, lambda chosen: compound(function, label, tuple(chosen)))
            case t.IfTerm(condition, then, otherwise):
                chosen = self.condition(condition, env)
                if chosen < 2:
                    return self.term(then if chosen else otherwise, env)
                return self._choose(chosen, self.term(then, env), self.term(otherwise, env))
            case t.Existing(args, inner):
                index = self.index(args, env)
                there = self._graph.any(index.of.values())
                if there == TRUE:
                    return self.term(inner, env)
                found = self.term(inner, env)
                both = self._graph.both
                cases = {item: both(there, literal) for item, literal in found.of.items()}
                overflow = self._graph.either(index.overflow, both(there, found.overflow))
                return Cases({item: literal for item, literal in cases.items() if literal != FALSE}, overflow)
            case t.MessageVar(name):
                message = env[name]
                assert isinstance(message, t.Message)
                family = self._names.messages[message.family]
                inside = {param.name: arg for param, arg in zip(family.params, message.args, strict=True)}
                return self.term(family.term, inside)

    def place(self, reference: t.PlaceRef, env: Env) -> Cases[PlaceName]:
        """The one place that a reference with an index means."""
        index = self.index(reference.args or (), env)
        return Cases({PlaceName(reference.name, at): under for at, under in index.of.items()}, index.overflow)

    def members(self, places: t.PlaceSet, env: Env) -> tuple[Members, int]:
        """The places of a set; and the literal under which one of them is out of range."""
        listed: dict[PlaceName, list[int]] = {}
        beyond = []
        for reference in places.places:
            if reference.args is None:
                for name in self._names.places:
                    if name.name == reference.name:
                        listed.setdefault(name, []).append(TRUE)
            else:
                found = self.place(reference, env)
                beyond.append(found.overflow)
                for name, under in found.of.items():
                    listed.setdefault(name, []).append(under)
        merged = self._merge(listed)
        if places.complement:
            merged = {name: merged.get(name, FALSE) ^ 1 for name in self._names.places}
        members = [(name, merged[name]) for name in sorted(merged, key=self._names.order) if merged[name] != FALSE]
        return tuple(members), self._graph.any(beyond)

    def capability(self, reference: t.CapabilityRef, env: Env) -> int:
        """Whether the capability is on."""
        index = self.index(reference.args, env)
        both, view = self._graph.both, self.view
        return self._graph.any(
            both(under, view.capability(CapabilityName(reference.name, at))) for at, under in index.of.items()
        )

    # Conditions

    def condition(self, condition: t.Condition, env: Env) -> int:
        graph = self._graph
        match condition:
            case t.Truth(value):
                return TRUE if value else FALSE
            case t.Compare(operator, left, right):
                return self._compare(operator, self.value(left, env), self.value(right, env))
            case t.Not(operand):
                return self.condition(operand, env) ^ 1
            case t.And(operands):
                return self._every(operands, env)
            case t.Or(operands):
                return self._every([t.Not(operand) for operand in operands], env) ^ 1
            case t.Quantifier(kind, param, body):
                wanted = 0 if kind == "all" else 1
                literals = []
                for member in param.domain.values:
                    literal = self.condition(body, {**env, param.name: member}) ^ wanted
                    if literal == FALSE:
                        return FALSE ^ wanted
                    literals.append(literal)
                return graph.all(literals) ^ wanted
            case t.Has(reference, expression):
                places, terms = self.place(reference, env), self.term(expression, env)
                return graph.any(
                    graph.all((at, is_, self.view.holds(place, term)))
                    for place, at in places.of.items()
                    for term, is_ in terms.of.items()
                )
            case t.Derivable(places, observed, expression):
                terms = self.term(expression, env)
                members, beyond = self.members(places, env)
                ways = [graph.both(is_, self.view.derivable(members, observed, term)) for term, is_ in terms.of.items()]
                return graph.both(beyond ^ 1, graph.any(ways))
            case t.Did(action, args):
                return self._did(action, args, env)
            case t.Past():
                return self.past(condition, env)

    def _every(self, operands: Iterable[t.Condition], env: Env) -> int:
        literals = []
        for operand in operands:
            literal = self.condition(operand, env)
            if literal == FALSE:
                return FALSE
            literals.append(literal)
        return self._graph.all(literals)

    def _compare(self, operator: str, left: Cases[t.Value], right: Cases[t.Value]) -> int:
        both = self._graph.both
        if operator == "=":
            return self._graph.any(
                both(literal, right.of[value]) for value, literal in left.of.items() if value in right.of
            )
        ways = []
        for low, first in left.of.items():
            for high, second in right.of.items():
                if not isinstance(low, int) or not isinstance(high, int):
                    continue  # `none` has no order
                if low < high or (low == high and operator == "<="):
                    ways.append(both(first, second))
        return self._graph.any(ways)

    def _did(self, action: str, args: tuple[t.ValueExpr | None, ...], env: Env) -> int:
        asked = [None if arg is None else self.value(arg, env).of for arg in args]
        ways = []
        for instance in self._names.instances.get(action, ()):
            under = [
                wanted.get(value, FALSE)
                for wanted, value in zip(asked, instance.args, strict=True)
                if wanted is not None
            ]
            if FALSE not in under:
                ways.append(self._graph.all([*under, self.view.happened(instance)]))
        return self._graph.any(ways)

    def past(self, condition: t.Past, env: Env) -> int:
        """R12: `once`, `historically` and `since` include the present; `previously` is about the state before."""
        before = self.view.before(condition, tuple(env[name] for name in condition.free))
        match condition.operator:
            case "once":
                return self._graph.either(before, self.condition(condition.operand, env))
            case "historically":
                return self._graph.both(before, self.condition(condition.operand, env))
            case "previously":
                return before
            case "since":
                assert condition.left is not None
                kept = self._graph.both(before, self.condition(condition.left, env))
                return self._graph.either(self.condition(condition.operand, env), kept)


def _constant(expression: t.ValueExpr) -> t.Value:
    assert isinstance(expression, t.Constant)
    return expression.value
