"""Expressions of the typed tree, read in the present state, as formulas.

A value or a term is a set of cases: what it may be, each with the condition under
which it is that. Conditions of different cases exclude each other. Where no case
holds a term does not exist (R5), unless it ran out of a range.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from keyfate.certifier.formulas import FALSE, TRUE, Formulas
from keyfate.language import typed as t
from keyfate.lifecycle.names import ActionName, Atom, CapabilityName, Compound, ControlName, PlaceName, StateName, Term

Env = Mapping[str, t.Value]
T = TypeVar("T")


@dataclass(frozen=True)
class Cases(Generic[T]):
    """`of` says when it is what; `overflow` when it is out of a range (then it is none of them)."""

    of: Mapping[T, int]
    overflow: int = FALSE


Branch = Callable[[], Cases[T]]
Lookup = Callable[[tuple[t.Value, ...]], Mapping[t.Value, int]]


class Vocabulary(Protocol):
    """What the leaves of expressions mean."""

    def state(self, name: StateName) -> Mapping[t.Value, int]: ...
    def control(self, name: ControlName) -> Mapping[t.Value, int]: ...
    def capability(self, name: CapabilityName) -> int: ...
    def holds(self, place: PlaceName, term: Term) -> int: ...
    def derivable(self, places: tuple[tuple[PlaceName, int], ...], observed: bool, term: Term) -> int: ...
    def happened(self, action: ActionName) -> int: ...
    def before(self, past: t.Past, binding: tuple[t.Value, ...]) -> int: ...


class Reader:
    """Evaluates expressions over a vocabulary."""

    def __init__(
        self,
        lifecycle: t.Lifecycle,
        formulas: Formulas,
        vocabulary: Vocabulary,
        places: Iterable[PlaceName],
        actions: Iterable[ActionName],
    ) -> None:
        self._formulas = formulas
        self._vocabulary = vocabulary
        self._places = tuple(places)
        self._instances: dict[str, list[ActionName]] = {}
        for action in actions:
            self._instances.setdefault(action.name, []).append(action)
        self._messages = {family.name: family for family in lifecycle.terms if family.kind == "message"}

    # Values

    def value(self, expr: t.ValueExpr, env: Env) -> Cases[t.Value]:
        match expr:
            case t.Constant():
                return Cases({expr.value: TRUE})
            case t.Var():
                return Cases({env[expr.name]: TRUE})
            case t.StateRef():
                return self._cell(expr.args, env, lambda args: self._vocabulary.state(StateName(expr.name, args)))
            case t.ControlRef():
                return self._cell(expr.args, env, lambda args: self._vocabulary.control(ControlName(expr.name, args)))
            case t.Plus():
                operand = self.value(expr.operand, env)
                sums: dict[t.Value, int] = {}
                overflow = [operand.overflow]
                for number, condition in operand.of.items():
                    assert isinstance(number, int)
                    if number + expr.amount <= expr.high:
                        sums[number + expr.amount] = condition
                    else:
                        overflow.append(condition)
                return Cases(sums, self._formulas.any_of(overflow))
            case t.IfValue():
                return self._either(
                    self.condition(expr.condition, env),
                    lambda: self.value(expr.then, env),
                    lambda: self.value(expr.otherwise, env),
                )

    def _cell(self, args: tuple[t.ValueExpr, ...], env: Env, lookup: Lookup) -> Cases[t.Value]:
        indices = self.indices(args, env)
        only = next(iter(indices.of)) if len(indices.of) == 1 else None
        if only is not None and None not in only and indices.overflow == FALSE:
            return Cases(lookup(only))
        collected: dict[t.Value, list[int]] = {}
        for index, chosen in indices.of.items():
            for value, condition in lookup(index).items() if None not in index else ():
                collected.setdefault(value, []).append(self._formulas.all_of((chosen, condition)))
        return Cases(self._merged(collected), indices.overflow)

    def indices(self, args: tuple[t.ValueExpr, ...], env: Env) -> Cases[tuple[t.Value, ...]]:
        """All arguments at once. One that is `none` comes before one out of range: no range would mend it."""
        if all(isinstance(arg, t.Var | t.Constant) for arg in args):
            return Cases({tuple(env[arg.name] if isinstance(arg, t.Var) else _constant(arg) for arg in args): TRUE})
        tuples: dict[tuple[t.Value, ...], int] = {(): TRUE}
        overflow: list[int] = []
        present: list[int] = []
        for arg in args:
            cases = self.value(arg, env)
            overflow.append(cases.overflow)
            present.append(-cases.of.get(None, FALSE))
            tuples = {
                (*front, value): both
                for front, chosen in tuples.items()
                for value, condition in cases.of.items()
                if (both := self._formulas.all_of((chosen, condition))) != FALSE
            }
        return Cases(tuples, self._formulas.all_of((self._formulas.any_of(overflow), *present)))

    def _either(self, condition: int, then: Branch[T], otherwise: Branch[T]) -> Cases[T]:
        if condition == TRUE:
            return then()
        if condition == FALSE:
            return otherwise()
        collected: dict[T, list[int]] = {}
        overflow = []
        for chosen, branch in ((condition, then()), (-condition, otherwise())):
            for case, holds in branch.of.items():
                collected.setdefault(case, []).append(self._formulas.all_of((chosen, holds)))
            overflow.append(self._formulas.all_of((chosen, branch.overflow)))
        return Cases(self._merged(collected), self._formulas.any_of(overflow))

    def _merged(self, collected: Mapping[T, list[int]]) -> dict[T, int]:
        merged = {}
        for case, conditions in collected.items():
            condition = self._formulas.any_of(conditions)
            if condition != FALSE:
                merged[case] = condition
        return merged

    # Terms and places

    def term(self, expr: t.TermExpr, env: Env) -> Cases[Term]:
        match expr:
            case t.AtomTerm():
                indices = self.indices(expr.args, env)
                return Cases(
                    {Atom(expr.name, args, expr.public): c for args, c in indices.of.items() if None not in args},
                    indices.overflow,
                )
            case t.Apply():
                parts = [self.term(arg, env) for arg in expr.args]
                tuples: dict[tuple[Term, ...], int] = {(): TRUE}
                for part in parts:
                    tuples = {
                        (*front, term): both
                        for front, chosen in tuples.items()
                        for term, condition in part.of.items()
                        if (both := self._formulas.all_of((chosen, condition))) != FALSE
                    }
                return Cases(
                    {Compound(expr.function, expr.label, args): c for args, c in tuples.items()},
                    self._lost(parts),
                )
            case t.IfTerm():
                return self._either(
                    self.condition(expr.condition, env),
                    lambda: self.term(expr.then, env),
                    lambda: self.term(expr.otherwise, env),
                )
            case t.Existing():
                indices = self.indices(expr.args, env)
                exists = self._formulas.any_of([c for args, c in indices.of.items() if None not in args])
                inner = self.term(expr.term, env)
                return Cases(
                    self._merged({term: [self._formulas.all_of((exists, c))] for term, c in inner.of.items()}),
                    self._formulas.any_of((indices.overflow, self._formulas.all_of((exists, inner.overflow)))),
                )
            case t.MessageVar():
                member = env[expr.name]
                assert isinstance(member, t.Message)
                family = self._messages[member.family]
                return self.term(
                    family.term, {p.name: value for p, value in zip(family.params, member.args, strict=True)}
                )

    def _lost(self, parts: Sequence[Cases[Term]]) -> int:
        """When a part is out of range and none is missing."""
        beyond = self._formulas.any_of([part.overflow for part in parts])
        if beyond == FALSE:
            return FALSE
        return self._formulas.all_of(
            [beyond, *(self._formulas.any_of([*part.of.values(), part.overflow]) for part in parts)]
        )

    def place(self, ref: t.PlaceRef, env: Env) -> Cases[PlaceName]:
        """The one place that `ref` is."""
        assert ref.args is not None
        indices = self.indices(ref.args, env)
        return Cases(
            {PlaceName(ref.name, args): c for args, c in indices.of.items() if None not in args}, indices.overflow
        )

    def places(self, chosen: t.PlaceSet, env: Env) -> tuple[tuple[tuple[PlaceName, int], ...], int]:
        """The members of a set, each with the condition under which it is one; and when an
        index is out of range. What does not exist contributes nothing."""
        members: dict[PlaceName, list[int]] = {}
        overflow: list[int] = []
        for ref in chosen.places:
            if ref.args is None:
                for place in self._places:
                    if place.name == ref.name:
                        members.setdefault(place, []).append(TRUE)
            else:
                cases = self.place(ref, env)
                overflow.append(cases.overflow)
                for place, condition in cases.of.items():
                    members.setdefault(place, []).append(condition)
        merged = self._merged(members)
        if chosen.complement:
            merged = {place: -merged.get(place, FALSE) for place in self._places}
        found = tuple((place, merged[place]) for place in self._places if merged.get(place, FALSE) != FALSE)
        return found, self._formulas.any_of(overflow)

    def capability(self, ref: t.CapabilityRef, env: Env) -> int:
        """Whether the capability is on."""
        indices = self.indices(ref.args, env)
        return self._formulas.any_of(
            [
                self._formulas.all_of((c, self._vocabulary.capability(CapabilityName(ref.name, args))))
                for args, c in indices.of.items()
            ]
        )

    # Conditions

    def condition(self, expr: t.Condition, env: Env) -> int:
        match expr:
            case t.Truth():
                return TRUE if expr.value else FALSE
            case t.Compare():
                return self._compare(expr, env)
            case t.Not():
                return -self.condition(expr.operand, env)
            case t.And():
                return self._formulas.all_of(list(self._until(expr.operands, env, FALSE)))
            case t.Or():
                return self._formulas.any_of(list(self._until(expr.operands, env, TRUE)))
            case t.Quantifier():
                bodies = [self.condition(expr.body, {**env, expr.param.name: v}) for v in expr.param.domain.values]
                return self._formulas.all_of(bodies) if expr.kind == "all" else self._formulas.any_of(bodies)
            case t.Has():
                return self._formulas.any_of(
                    [
                        self._formulas.all_of((at, is_, self._vocabulary.holds(place, term)))
                        for place, at in self.place(expr.place, env).of.items()
                        for term, is_ in self.term(expr.term, env).of.items()
                    ]
                )
            case t.Derivable():
                members, overflow = self.places(expr.places, env)
                ways = [
                    self._formulas.all_of((is_, self._vocabulary.derivable(members, expr.observed, term)))
                    for term, is_ in self.term(expr.term, env).of.items()
                ]
                return self._formulas.all_of((-overflow, self._formulas.any_of(ways)))
            case t.Did():
                return self._did(expr, env)
            case t.Past():
                return self._past(expr, env)

    def _until(self, operands: tuple[t.Condition, ...], env: Env, end: int) -> Iterator[int]:
        for operand in operands:
            formula = self.condition(operand, env)
            yield formula
            if formula == end:
                return

    def _compare(self, expr: t.Compare, env: Env) -> int:
        left = self.value(expr.left, env).of
        right = self.value(expr.right, env).of
        if expr.operator == "=":
            pairs = [(c, right[value]) for value, c in left.items() if value in right]
        else:
            pairs = [(c, d) for a, c in left.items() for b, d in right.items() if _ordered(a, b, expr.operator)]
        return self._formulas.any_of([self._formulas.all_of(pair) for pair in pairs])

    def _did(self, expr: t.Did, env: Env) -> int:
        wanted = [None if arg is None else self.value(arg, env).of for arg in expr.args]
        ways = []
        for instance in self._instances.get(expr.action, ()):
            conditions = [
                cases.get(actual, FALSE)
                for cases, actual in zip(wanted, instance.args, strict=True)
                if cases is not None
            ]
            if FALSE not in conditions:
                ways.append(self._formulas.all_of([*conditions, self._vocabulary.happened(instance)]))
        return self._formulas.any_of(ways)

    def _past(self, expr: t.Past, env: Env) -> int:
        """R12; see `lifecycle.names.Before`."""
        before = self._vocabulary.before(expr, tuple(env[name] for name in expr.free))
        if expr.operator == "previously":
            return before
        operand = self.condition(expr.operand, env)
        if expr.operator == "once":
            return self._formulas.any_of((operand, before))
        if expr.operator == "historically":
            return self._formulas.all_of((operand, before))
        assert expr.left is not None
        left = self.condition(expr.left, env)
        return self._formulas.any_of((operand, self._formulas.all_of((left, before))))

    def latched(self, expr: t.Past, env: Env) -> int:
        """What the operator's latch holds after a step from here."""
        return self.condition(expr.operand, env) if expr.operator == "previously" else self._past(expr, env)


def _ordered(left: t.Value, right: t.Value, operator: str) -> bool:
    if not isinstance(left, int) or not isinstance(right, int):
        return False  # `none` has no order
    return left < right if operator == "<" else left <= right


def _constant(expr: t.ValueExpr) -> t.Value:
    assert isinstance(expr, t.Constant)
    return expr.value
