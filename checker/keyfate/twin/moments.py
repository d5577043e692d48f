"""What holds at one moment of the twin's run: values, terms and conditions, decided on byte strings.

An evaluator of its own, so that it can disagree with the interpreter: a place *has* a
term if its byte string lies there; a term is *known*, *yielded* or *recoverable* if the
attacker's search reaches its byte string; the past is looked up in the past itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar, cast

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
from keyfate.lifecycle.instances import Env, place_names
from keyfate.lifecycle.names import ActionName, Atom, Compound, ControlName, PlaceName, StateName, Term
from keyfate.lifecycle.trees import free_variables, nodes
from keyfate.twin.attacker import Attacker, Knowledge
from keyfate.twin.honest import Slots, Vault, Workbench

N = TypeVar("N")
F = TypeVar("F")


class Lack(Enum):
    """Why an expression has no value (R5)."""

    NOTHING = "does not exist"  # indexed by `none`
    RANGE = "is out of range"  # `+ 1` past the end


Key = tuple[int, tuple[Value, ...]]


@dataclass(frozen=True, eq=False)
class Setting:
    """Frozen controls (R6). `terms` remembers terms that depend on nothing else but variables."""

    controls: Mapping[ControlName, Value]
    terms: dict[Key, Term | Lack] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, eq=False)
class Moment:
    """One state of the run, in bytes. `observed` says of each byte string where it was first seen;
    `before` is the moment before, None at first. The last three remember what was computed of it."""

    setting: Setting
    number: int
    values: Mapping[StateName, Value]
    places: Mapping[PlaceName, Slots]
    observed: Mapping[bytes, str]
    did: ActionName | None
    before: Moment | None
    decided: dict[Key, bool] = field(default_factory=dict, repr=False)
    benches: dict[tuple[PlaceName, ...], Workbench] = field(default_factory=dict, repr=False)
    searches: dict[tuple[tuple[PlaceName, ...], bool], Knowledge] = field(default_factory=dict, repr=False)


Values = Callable[[Env, Moment], "Value | Lack"]
Indices = Callable[[Env, Moment], "tuple[Value, ...] | Lack"]
Terms = Callable[[Env, Moment], "Term | Lack"]
Places = Callable[[Env, Moment], "PlaceName | Lack"]
PlaceSets = Callable[[Env, Moment], "tuple[PlaceName, ...] | Lack"]
Conditions = Callable[[Env, Moment], bool]


class Reader:
    """Reads moments of one lifecycle.

    Each expression is turned into a function of variables and moment once: walks ask the
    same few thousand expressions again and again.
    """

    def __init__(self, lifecycle: Lifecycle, vault: Vault, attacker: Attacker) -> None:
        self.vault = vault
        self.attacker = attacker
        self._order = {place: number for number, place in enumerate(place_names(lifecycle))}
        self._families = {family.name: family for family in lifecycle.terms}
        # by identity; the node is kept with its function so that its identity stays its own
        self._functions: dict[int, tuple[object, object]] = {}

    def value(self, expression: ValueExpr, env: Env, now: Moment) -> Value | Lack:
        return self._once(expression, self._value)(env, now)

    def values(self, args: tuple[ValueExpr, ...], env: Env, now: Moment) -> tuple[Value, ...] | Lack:
        """An index. One that is `none` outweighs one that is out of range."""
        return self._once(args, self._values)(env, now)

    def term(self, expression: TermExpr, env: Env, now: Moment) -> Term | Lack:
        return self._once(expression, self._term)(env, now)

    def place(self, reference: PlaceRef, env: Env, now: Moment) -> PlaceName | Lack:
        return self._once(reference, self._place)(env, now)

    def members(self, places: PlaceSet, env: Env, now: Moment) -> tuple[PlaceName, ...] | Lack:
        """The places meant, in the order of the text; one that does not exist contributes nothing."""
        return self._once(places, self._members)(env, now)

    def holds(self, condition: Condition, env: Env, now: Moment) -> bool:
        return self._once(condition, self._condition)(env, now)

    def search(self, now: Moment, places: tuple[PlaceName, ...], observed: bool) -> Knowledge:
        """What the bytes in these places, and those observed, come to in the attacker's hands."""
        found = now.searches.get((places, observed))
        if found is None:
            seen: set[bytes] = set(now.observed) if observed else set()
            for place in places:
                seen.update(now.places[place].values())
            found = now.searches[places, observed] = self.attacker.search(seen)
        return found

    def knows(self, now: Moment, term: Term) -> bool:
        """Whether the byte string of `term` comes out of what was observed."""
        return self.search(now, (), True).has(self.vault.bytes_of(term))

    def _once(self, node: N, make: Callable[[N], F]) -> F:
        known = self._functions.get(id(node))
        if known is None:
            known = self._functions[id(node)] = node, make(node)
        return cast("F", known[1])

    # Values

    def _value(self, expression: ValueExpr) -> Values:
        match expression:
            case Constant(value):
                return lambda env, now: value
            case Var(name):
                return lambda env, now: env[name]
            case StateRef(name, args):
                index = self._values(args)

                def state(env: Env, now: Moment) -> Value | Lack:
                    at = index(env, now)
                    return at if isinstance(at, Lack) else now.values[StateName(name, at)]

                return state
            case ControlRef(name, args):
                index = self._values(args)

                def control(env: Env, now: Moment) -> Value | Lack:
                    at = index(env, now)
                    return at if isinstance(at, Lack) else now.setting.controls[ControlName(name, at)]

                return control
            case Plus(operand, amount, low, high):
                base = self._value(operand)

                def plus(env: Env, now: Moment) -> Value | Lack:
                    number = base(env, now)
                    if not isinstance(number, int):
                        return number if isinstance(number, Lack) else Lack.NOTHING
                    return number + amount if low <= number + amount <= high else Lack.RANGE

                return plus
            case IfValue(condition, then, otherwise):
                test, one, other = self._condition(condition), self._value(then), self._value(otherwise)
                return lambda env, now: (one if test(env, now) else other)(env, now)

    def _values(self, args: tuple[ValueExpr, ...]) -> Indices:
        if not args:
            return lambda env, now: ()
        parts = [self._value(arg) for arg in args]

        def index(env: Env, now: Moment) -> tuple[Value, ...] | Lack:
            found = [part(env, now) for part in parts]
            if None in found or Lack.NOTHING in found:
                return Lack.NOTHING
            if Lack.RANGE in found:
                return Lack.RANGE
            return cast("tuple[Value, ...]", tuple(found))

        return index

    # Terms and places

    def _term(self, expression: TermExpr) -> Terms:
        made = self._made_term(expression)
        if any(isinstance(node, _MOMENTARY) for node in nodes(expression)):
            return made
        variables, identity = tuple(sorted(free_variables(expression))), id(expression)

        def remembered(env: Env, now: Moment) -> Term | Lack:
            key = identity, tuple([env[name] for name in variables])
            term = now.setting.terms.get(key)
            if term is None:
                term = now.setting.terms[key] = made(env, now)
            return term

        return remembered

    def _made_term(self, expression: TermExpr) -> Terms:
        match expression:
            case AtomTerm(name, args, public):
                index = self._values(args)

                def atom(env: Env, now: Moment) -> Term | Lack:
                    at = index(env, now)
                    return at if isinstance(at, Lack) else Atom(name, at, public)

                return atom
            case Apply(function, label, parts):
                arguments = [self._term(part) for part in parts]

                def compound(env: Env, now: Moment) -> Term | Lack:
                    found = [argument(env, now) for argument in arguments]
                    lacks = [part for part in found if isinstance(part, Lack)]
                    if lacks:
                        return Lack.NOTHING if Lack.NOTHING in lacks else Lack.RANGE
                    return Compound(function, label, cast("tuple[Term, ...]", tuple(found)))

                return compound
            case IfTerm(condition, then, otherwise):
                test, one, other = self._condition(condition), self._term(then), self._term(otherwise)
                return lambda env, now: (one if test(env, now) else other)(env, now)
            case Existing(args, term):
                index, inner = self._values(args), self._term(term)

                def existing(env: Env, now: Moment) -> Term | Lack:
                    at = index(env, now)
                    return at if isinstance(at, Lack) else inner(env, now)

                return existing
            case MessageVar(name):

                def message(env: Env, now: Moment) -> Term | Lack:
                    member = env[name]
                    assert isinstance(member, Message)
                    family = self._families[member.family]
                    bound = {param.name: arg for param, arg in zip(family.params, member.args, strict=True)}
                    return self.term(family.term, bound, now)

                return message

    def _place(self, reference: PlaceRef) -> Places:
        name, index = reference.name, self._values(reference.args or ())

        def place(env: Env, now: Moment) -> PlaceName | Lack:
            at = index(env, now)
            return at if isinstance(at, Lack) else PlaceName(name, at)

        return place

    def _members(self, places: PlaceSet) -> PlaceSets:
        whole = {reference.name for reference in places.places if reference.args is None}
        always = frozenset(place for place in self._order if place.name in whole)
        parts = [self._place(reference) for reference in places.places if reference.args is not None]
        order, everywhere = self._order, tuple(self._order)

        def members(env: Env, now: Moment) -> tuple[PlaceName, ...] | Lack:
            named = set(always)
            for part in parts:
                place = part(env, now)
                if isinstance(place, PlaceName):
                    named.add(place)
                elif place is Lack.RANGE:
                    return place
            if places.complement:
                return tuple(place for place in everywhere if place not in named)
            return tuple(sorted(named, key=order.__getitem__))

        return members

    # Conditions

    def _condition(self, condition: Condition) -> Conditions:
        match condition:
            case Truth(value):
                return lambda env, now: value
            case Compare(operator, left, right):
                one, other, compare = self._value(left), self._value(right), _COMPARE[operator]
                return lambda env, now: compare(one(env, now), other(env, now))
            case Not(operand):
                negated = self._condition(operand)
                return lambda env, now: not negated(env, now)
            case And(operands):
                parts = [self._condition(operand) for operand in operands]

                def conjunction(env: Env, now: Moment) -> bool:
                    for part in parts:  # noqa: SIM110 - a generator costs more than what it runs
                        if not part(env, now):
                            return False
                    return True

                return conjunction
            case Or(operands):
                choices = [self._condition(operand) for operand in operands]

                def disjunction(env: Env, now: Moment) -> bool:
                    for choice in choices:  # noqa: SIM110 - as above
                        if choice(env, now):
                            return True
                    return False

                return disjunction
            case Quantifier(kind, param, body):
                inner, name, domain = self._condition(body), param.name, param.domain.values
                if kind == "all":
                    return lambda env, now: all(inner({**env, name: value}, now) for value in domain)
                return lambda env, now: any(inner({**env, name: value}, now) for value in domain)
            case Has(reference, expression):
                return self._has(self._place(reference), self._term(expression))
            case Derivable(places, observed, expression):
                return self._derivable(self._members(places), observed, self._term(expression))
            case Did(action, args):
                return self._did(action, args)
            case Past():
                return self._past(condition)

    def _has(self, place: Places, term: Terms) -> Conditions:
        def has(env: Env, now: Moment) -> bool:
            where, what = place(env, now), term(env, now)
            if isinstance(where, Lack) or isinstance(what, Lack):
                return False
            return self.vault.bytes_of(what) in now.places[where].values()

        return has

    def _derivable(self, members: PlaceSets, observed: bool, term: Terms) -> Conditions:
        def derivable(env: Env, now: Moment) -> bool:
            what, where = term(env, now), members(env, now)
            if isinstance(what, Lack) or isinstance(where, Lack):
                return False
            return self.search(now, where, observed).has(self.vault.bytes_of(what))

        return derivable

    def _did(self, action: str, args: tuple[ValueExpr | None, ...]) -> Conditions:
        wanted = [(number, self._value(arg)) for number, arg in enumerate(args) if arg is not None]

        def did(env: Env, now: Moment) -> bool:
            done = now.did
            if done is None or done.name != action:
                return False
            return all(want(env, now) == done.args[number] for number, want in wanted)

        return did

    def _past(self, condition: Past) -> Conditions:
        was, free, identity = self._was(condition), condition.free, condition.identity

        def past(env: Env, now: Moment) -> bool:
            key = identity, tuple([env[name] for name in free])
            known = now.decided.get(key)
            if known is None:
                known = now.decided[key] = was(env, now)
            return known

        return past

    def _was(self, condition: Past) -> Conditions:
        """R12 as it reads: a search backwards through the run."""
        operand = self._condition(condition.operand)
        left = self._condition(condition.left) if condition.left is not None else None
        operator = condition.operator

        def previously(env: Env, now: Moment) -> bool:
            return now.before is not None and operand(env, now.before)

        def until(env: Env, now: Moment) -> bool:
            """Backwards to where the answer lies: at the start, `historically` is true, the others false."""
            moment: Moment | None = now
            while moment is not None:
                if operand(env, moment) is not (operator == "historically"):
                    return operator != "historically"
                if left is not None and not left(env, moment):
                    return False
                moment = moment.before
            return operator == "historically"

        return previously if operator == "previously" else until


# What makes an expression depend on more than controls and variables.
_MOMENTARY = (StateRef, Has, Derivable, Did, Past, MessageVar)


def _equal(left: Value | Lack, right: Value | Lack) -> bool:
    return left == right and not isinstance(left, Lack)


def _less(left: Value | Lack, right: Value | Lack) -> bool:
    # only numbers have an order, `none` among them has none
    return isinstance(left, int) and isinstance(right, int) and left < right


def _at_most(left: Value | Lack, right: Value | Lack) -> bool:
    return isinstance(left, int) and isinstance(right, int) and left <= right


_COMPARE = {"=": _equal, "<": _less, "<=": _at_most}
