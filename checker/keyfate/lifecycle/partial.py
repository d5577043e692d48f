"""Three-valued evaluation under a partial assignment, and the search for a typed state with it.

A typed state is any valuation of controls, states, places, observations and past, reachable
or not. The variables are the ones that a condition mentions; whatever is unassigned makes an
expression UNKNOWN unless the rest decides it, so a branch ends as soon as it can. This is
backtracking search over finite domains; it is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

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
from keyfate.lifecycle.deduction import Deduction, Rule
from keyfate.lifecycle.evaluation import Absent
from keyfate.lifecycle.instances import Env, control_domains, instances_of, place_names, state_domains
from keyfate.lifecycle.names import ActionName, Atom, Before, Compound, ControlName, PlaceName, StateName, Term
from keyfate.lifecycle.trees import nodes
from keyfate.lifecycle.universe import universe


class Unknown(Enum):
    UNKNOWN = "depends on what is not assigned"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True)
class Content:
    """Whether `place` has `term`; without a place, whether `term` was observed."""

    place: PlaceName | None
    term: Term


@dataclass(frozen=True)
class Follows:
    """Whether `term` follows from what `places` hold, what was observed (if so), and what is public."""

    places: tuple[PlaceName, ...]
    observed: bool
    term: Term


@dataclass(frozen=True)
class LastStep:
    """The instance that entered the state, if any."""


Variable = ControlName | StateName | Content | Follows | LastStep | Before
Assignment = Mapping[Variable, Value | ActionName]
Test = Callable[["Partial"], "bool | Unknown"]
Wanted = tuple[Condition, Env, bool]
"""That a condition holds, or that it does not."""


class SearchLimitError(Exception):
    """The search was given up."""


class Frame:
    """What a search needs of a lifecycle, computed once."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.controls = control_domains(lifecycle)
        self.states = state_domains(lifecycle)
        self.places = place_names(lifecycle)
        self.messages = {family.name: family for family in lifecycle.terms if family.kind == "message"}
        self.deduction = Deduction(universe(lifecycle))
        self.concluding: dict[Term, list[Rule]] = {}
        for rule in self.deduction.rules:
            self.concluding.setdefault(rule.conclusion, []).append(rule)
        asked = {node.action for node in nodes(lifecycle) if isinstance(node, Did)}
        self.steps: tuple[ActionName | None, ...] = (
            None,
            *(name for action in lifecycle.actions if action.name in asked for name, _ in instances_of(action)),
        )

    def domain(self, variable: Variable) -> Sequence[Value | ActionName]:
        match variable:
            case ControlName(name):
                return self.controls[name].values
            case StateName(name):
                return self.states[name].values
            case LastStep():
                return self.steps
            case _:
                return (True, False)

    def find(self, tests: Sequence[Test], limit: int) -> dict[Variable, Value | ActionName] | None:
        """An assignment under which every test is true in a typed state, or None if there is none.

        Variables that stay unassigned may have any value. The tests' own order is the order in
        which they are asked for variables to branch on. Raises SearchLimitError past `limit` branches.
        """
        budget = [limit]
        return self._find(tests, {}, budget)

    def _find(
        self, tests: Sequence[Test], assigned: dict[Variable, Value | ActionName], budget: list[int]
    ) -> dict[Variable, Value | ActionName] | None:
        if budget[0] <= 0:
            raise SearchLimitError
        budget[0] -= 1
        branch: Variable | None = None
        for test in tests:
            partial = Partial(self, assigned)
            outcome = test(partial)
            if outcome is False:
                return None
            if outcome is UNKNOWN and branch is None:
                branch = partial.wanted
        if branch is None:
            return self._realised(self._needed(tests, assigned), budget)
        for value in self.domain(branch):
            found = self._find(tests, {**assigned, branch: value}, budget)
            if found is not None:
                return found
        return None

    def _needed(
        self, tests: Sequence[Test], assigned: dict[Variable, Value | ActionName]
    ) -> dict[Variable, Value | ActionName]:
        """What of a solution makes it one; nobody wants to read the rest."""
        for variable in tuple(assigned):
            fewer = {other: value for other, value in assigned.items() if other != variable}
            if all(test(Partial(self, fewer)) is True for test in tests):
                assigned = fewer
        return assigned

    # What follows from what is a fact about contents, so the assignment must fit some contents.

    def _realised(
        self, assigned: dict[Variable, Value | ActionName], budget: list[int]
    ) -> dict[Variable, Value | ActionName] | None:
        wanted = [(v, holds) for v, holds in assigned.items() if isinstance(v, Follows)]
        if not wanted:
            return assigned
        held = {v for v, holds in assigned.items() if isinstance(v, Content) and holds}
        barred = {v for v, holds in assigned.items() if isinstance(v, Content) and not holds}
        following = [follows for follows, holds in wanted if holds]
        refused = [follows for follows, holds in wanted if not holds]
        for contents in self._contents(following, held, barred, budget):
            if not any(self._follows(follows, contents) for follows in refused):
                return {**assigned, **dict.fromkeys(contents, True)}
        return None

    def _contents(
        self, following: Sequence[Follows], held: set[Content], barred: set[Content], budget: list[int]
    ) -> Iterator[set[Content]]:
        """Ways to extend `held`, adding nothing that is barred, until all of `following` follow."""
        if not following:
            yield held
            return
        first, rest = following[0], following[1:]
        ways = iter([held]) if self._follows(first, held) else self._ways(first, held, barred, (), budget)
        for contents in ways:
            yield from self._contents(rest, contents, barred, budget)

    def _ways(
        self, wanted: Follows, held: set[Content], barred: set[Content], above: tuple[Term, ...], budget: list[int]
    ) -> Iterator[set[Content]]:
        """Ways to make one term follow: it is there already, is put into a place, or is deduced from premises."""
        budget[0] -= 1
        if budget[0] <= 0:
            raise SearchLimitError
        if self._follows(wanted, held):
            yield held
            return
        homes: tuple[PlaceName | None, ...] = (*wanted.places, None) if wanted.observed else wanted.places
        for home in homes:
            if Content(home, wanted.term) not in barred:
                yield held | {Content(home, wanted.term)}
        for rule in self.concluding.get(wanted.term, ()):
            if not any(premise in above or premise == wanted.term for premise in rule.premises):
                yield from self._all_ways(rule.premises, wanted, held, barred, (*above, wanted.term), budget)

    def _all_ways(
        self,
        premises: Sequence[Term],
        wanted: Follows,
        held: set[Content],
        barred: set[Content],
        above: tuple[Term, ...],
        budget: list[int],
    ) -> Iterator[set[Content]]:
        if not premises:
            yield held
            return
        first = Follows(wanted.places, wanted.observed, premises[0])
        for contents in self._ways(first, held, barred, above, budget):
            yield from self._all_ways(premises[1:], wanted, contents, barred, above, budget)

    def _follows(self, wanted: Follows, contents: Iterable[Content]) -> bool:
        base = frozenset(
            content.term
            for content in contents
            if (wanted.observed if content.place is None else content.place in wanted.places)
        )
        return wanted.term in self.deduction.closure(base)


class Partial:
    """Evaluates under a partial assignment; `wanted` is the first unassigned variable that was looked at."""

    def __init__(self, frame: Frame, assigned: Assignment) -> None:
        self._frame = frame
        self._assigned = assigned
        self.wanted: Variable | None = None

    @property
    def universe(self) -> tuple[Term, ...]:
        return self._frame.deduction.universe

    def look(self, variable: Variable) -> Value | ActionName | Unknown:
        if variable in self._assigned:
            return self._assigned[variable]
        self.wanted = self.wanted or variable
        return UNKNOWN

    def _true(self, variable: Content | Follows | Before) -> bool | Unknown:
        found = self.look(variable)
        return UNKNOWN if isinstance(found, Unknown) else bool(found)

    def value(self, expression: ValueExpr, env: Env) -> Value | Absent | Unknown:
        match expression:
            case Constant(value):
                return value
            case Var(name):
                return env[name]
            case StateRef(name, args) | ControlRef(name, args):
                index = self.index(args, env)
                if isinstance(index, Absent | Unknown):
                    return index
                kind = StateName if isinstance(expression, StateRef) else ControlName
                found = self.look(kind(name, index))
                assert not isinstance(found, ActionName)
                return found
            case Plus(operand, amount, _, high):
                number = self.value(operand, env)
                if isinstance(number, Absent | Unknown):
                    return number
                assert isinstance(number, int)
                return Absent.OVERFLOW if number + amount > high else number + amount
            case IfValue(condition, then, otherwise):
                holds = self.holds(condition, env)
                return UNKNOWN if isinstance(holds, Unknown) else self.value(then if holds else otherwise, env)

    def index(self, args: Iterable[ValueExpr], env: Env) -> tuple[Value, ...] | Absent | Unknown:
        values: list[Value] = []
        absent: Absent | Unknown | None = None
        for arg in args:
            value = self.value(arg, env)
            if value is None or isinstance(value, Absent):
                return Absent.MISSING  # a reason is not asked for here
            if isinstance(value, Unknown):
                absent = value
            else:
                values.append(value)
        return absent or tuple(values)

    def term(self, expression: TermExpr, env: Env) -> Term | Absent | Unknown:
        match expression:
            case AtomTerm(name, args, public):
                index = self.index(args, env)
                return index if isinstance(index, Absent | Unknown) else Atom(name, index, public)
            case Apply(function, label, args):
                parts: list[Term] = []
                unknown: Unknown | None = None
                for arg in args:
                    part = self.term(arg, env)
                    if isinstance(part, Absent):
                        return part
                    if isinstance(part, Unknown):
                        unknown = part
                    else:
                        parts.append(part)
                return unknown or Compound(function, label, tuple(parts))
            case IfTerm(condition, then, otherwise):
                holds = self.holds(condition, env)
                return UNKNOWN if isinstance(holds, Unknown) else self.term(then if holds else otherwise, env)
            case Existing(args, inner):
                index = self.index(args, env)
                return index if isinstance(index, Absent | Unknown) else self.term(inner, env)
            case MessageVar(name):
                message = env[name]
                assert isinstance(message, Message)
                family = self._frame.messages[message.family]
                inside = {param.name: arg for param, arg in zip(family.params, message.args, strict=True)}
                return self.term(family.term, inside)

    def holds(self, condition: Condition, env: Env) -> bool | Unknown:
        match condition:
            case Truth(value):
                return value
            case Compare(operator, left, right):
                first, second = self.value(left, env), self.value(right, env)
                if isinstance(first, Absent) or isinstance(second, Absent):
                    return False
                if isinstance(first, Unknown) or isinstance(second, Unknown):
                    return UNKNOWN
                if operator == "=":
                    return first == second
                if not isinstance(first, int) or not isinstance(second, int):
                    return False
                return first < second if operator == "<" else first <= second
            case Not(operand):
                return negated(self.holds(operand, env))
            case And(operands):
                return conjunction(self.holds(operand, env) for operand in operands)
            case Or(operands):
                return disjunction(self.holds(operand, env) for operand in operands)
            case Quantifier(kind, param, body):
                each = (self.holds(body, {**env, param.name: value}) for value in param.domain.values)
                return conjunction(each) if kind == "all" else disjunction(each)
            case Has(place, expression):
                index, term = self.index(place.args or (), env), self.term(expression, env)
                if isinstance(index, Absent) or isinstance(term, Absent):
                    return False
                if isinstance(index, Unknown) or isinstance(term, Unknown):
                    return UNKNOWN
                return self.has(PlaceName(place.name, index), term)
            case Derivable(places, observed, expression):
                term = self.term(expression, env)
                if isinstance(term, Absent):
                    return False
                members = self._members(places, env)
                if isinstance(term, Unknown) or isinstance(members, Unknown):
                    return UNKNOWN
                return self._true(Follows(members, observed, term))
            case Did(action, args):
                done = self.look(LastStep())
                if isinstance(done, Unknown):
                    return UNKNOWN
                if not isinstance(done, ActionName) or done.name != action:
                    return False
                return conjunction(
                    True if arg is None else self.equal(self.value(arg, env), value)
                    for arg, value in zip(args, done.args, strict=True)
                )
            case Past():
                return self._past(condition, env)

    def has(self, place: PlaceName, term: Term) -> bool | Unknown:
        return self._true(Content(place, term))

    def equal(self, left: object, right: object) -> bool | Unknown:
        """Whether two values, indices or terms are equal; nothing absent equals anything."""
        if isinstance(left, Absent) or isinstance(right, Absent):
            return False
        return UNKNOWN if isinstance(left, Unknown) or isinstance(right, Unknown) else left == right

    def _members(self, places: PlaceSet, env: Env) -> tuple[PlaceName, ...] | Unknown:
        listed: set[PlaceName] = set()
        for reference in places.places:
            if reference.args is None:
                listed.update(name for name in self._frame.places if name.name == reference.name)
                continue
            index = self.index(reference.args, env)
            if isinstance(index, Unknown):
                return index
            if not isinstance(index, Absent):
                listed.add(PlaceName(reference.name, index))
        return tuple(name for name in self._frame.places if (name in listed) != places.complement)

    def _past(self, condition: Past, env: Env) -> bool | Unknown:
        before = self._true(Before(condition.identity, tuple(env[name] for name in condition.free)))
        if condition.operator == "previously":
            return before
        present = self.holds(condition.operand, env)
        match condition.operator:
            case "once":
                return disjunction((present, before))
            case "historically":
                return conjunction((present, before))
            case _:
                assert condition.left is not None
                return disjunction((present, conjunction((before, self.holds(condition.left, env)))))


def negated(value: bool | Unknown) -> bool | Unknown:
    return value if isinstance(value, Unknown) else not value


def conjunction(values: Iterable[bool | Unknown]) -> bool | Unknown:
    """False if one is; else UNKNOWN if one is (Kleene's strong logic)."""
    unknown = False
    for value in values:
        if value is False:
            return False
        unknown = unknown or isinstance(value, Unknown)
    return UNKNOWN if unknown else True


def disjunction(values: Iterable[bool | Unknown]) -> bool | Unknown:
    """True if one is; else UNKNOWN if one is."""
    return negated(conjunction(negated(value) for value in values))


def all_hold(conditions: Iterable[Wanted], look: Partial) -> bool | Unknown:
    """Whether each condition is as it is wanted."""
    outcomes = ((look.holds(condition, env), wanted) for condition, env, wanted in conditions)
    return conjunction(outcome if wanted else negated(outcome) for outcome, wanted in outcomes)
