"""What holds at one moment of the twin's run: values, terms and conditions, decided on byte strings.

An evaluator of its own, so that it can disagree with the interpreter: a place *has* a
term if its byte string lies there; a term is *known*, *yielded* or *recoverable* if the
attacker's search reaches its byte string; the past is looked up in the past itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
from keyfate.twin.attacker import Attacker, Knowledge
from keyfate.twin.honest import Slots, Vault, Workbench


@dataclass(frozen=True, eq=False)
class Moment:
    """One state of the run, in bytes. `observed` says of each byte string where it was first seen;
    `before` is the moment before, None at first. `decided` and `benches` remember what was computed of it."""

    number: int
    values: Mapping[StateName, Value]
    places: Mapping[PlaceName, Slots]
    observed: Mapping[bytes, str]
    did: ActionName | None
    before: Moment | None
    decided: dict[tuple[int, tuple[Value, ...]], bool] = field(default_factory=dict, repr=False)
    benches: dict[tuple[PlaceName, ...], Workbench] = field(default_factory=dict, repr=False)


class Lack(Enum):
    """Why an expression has no value (R5)."""

    NOTHING = "does not exist"  # indexed by `none`
    RANGE = "is out of range"  # `+ 1` past the end


class Reader:
    """Reads moments of one lifecycle under fixed controls."""

    def __init__(
        self, lifecycle: Lifecycle, controls: Mapping[ControlName, Value], vault: Vault, attacker: Attacker
    ) -> None:
        self.controls = controls
        self.vault = vault
        self.attacker = attacker
        self.all_places = place_names(lifecycle)
        self._families = {family.name: family for family in lifecycle.terms}

    # Values

    def value(self, expression: ValueExpr, env: Env, now: Moment) -> Value | Lack:
        match expression:
            case Constant(value):
                return value
            case Var(name):
                return env[name]
            case StateRef(name, args):
                at = self.values(args, env, now)
                return at if isinstance(at, Lack) else now.values[StateName(name, at)]
            case ControlRef(name, args):
                at = self.values(args, env, now)
                return at if isinstance(at, Lack) else self.controls[ControlName(name, at)]
            case Plus(operand, amount, low, high):
                number = self.value(operand, env, now)
                if not isinstance(number, int):
                    return number if isinstance(number, Lack) else Lack.NOTHING
                return number + amount if low <= number + amount <= high else Lack.RANGE
            case IfValue(condition, then, otherwise):
                return self.value(then if self.holds(condition, env, now) else otherwise, env, now)

    def values(self, args: Iterable[ValueExpr], env: Env, now: Moment) -> tuple[Value, ...] | Lack:
        """An index. One that is `none` outweighs one that is out of range."""
        found = [self.value(arg, env, now) for arg in args]
        if None in found or Lack.NOTHING in found:
            return Lack.NOTHING
        if Lack.RANGE in found:
            return Lack.RANGE
        return tuple(value for value in found if not isinstance(value, Lack))

    # Terms, places and their bytes

    def term(self, expression: TermExpr, env: Env, now: Moment) -> Term | Lack:
        match expression:
            case AtomTerm(name, args, public):
                at = self.values(args, env, now)
                return at if isinstance(at, Lack) else Atom(name, at, public)
            case Apply(function, label, args):
                parts = [self.term(arg, env, now) for arg in args]
                lacks = [part for part in parts if isinstance(part, Lack)]
                if lacks:
                    return Lack.NOTHING if Lack.NOTHING in lacks else Lack.RANGE
                return Compound(function, label, tuple(part for part in parts if not isinstance(part, Lack)))
            case IfTerm(condition, then, otherwise):
                return self.term(then if self.holds(condition, env, now) else otherwise, env, now)
            case Existing(args, inner):
                at = self.values(args, env, now)
                return at if isinstance(at, Lack) else self.term(inner, env, now)
            case MessageVar(name):
                message = env[name]
                assert isinstance(message, Message)
                family = self._families[message.family]
                bound = {param.name: arg for param, arg in zip(family.params, message.args, strict=True)}
                return self.term(family.term, bound, now)

    def place(self, reference: PlaceRef, env: Env, now: Moment) -> PlaceName | Lack:
        at = self.values(reference.args or (), env, now)
        return at if isinstance(at, Lack) else PlaceName(reference.name, at)

    def members(self, places: PlaceSet, env: Env, now: Moment) -> tuple[PlaceName, ...] | Lack:
        """The places meant; one that does not exist contributes nothing."""
        named: set[PlaceName] = set()
        whole: set[str] = set()
        for reference in places.places:
            if reference.args is None:
                whole.add(reference.name)
                continue
            place = self.place(reference, env, now)
            if place is Lack.RANGE:
                return place
            if isinstance(place, PlaceName):
                named.add(place)
        return tuple(
            place for place in self.all_places if (place in named or place.name in whole) is not places.complement
        )

    def search(self, now: Moment, places: Iterable[PlaceName], observed: bool) -> Knowledge:
        """What the bytes in these places, and those observed, come to in the attacker's hands."""
        seen: set[bytes] = set(now.observed) if observed else set()
        for place in places:
            seen.update(now.places[place].values())
        return self.attacker.search(seen)

    def knows(self, now: Moment, term: Term) -> bool:
        """Whether the byte string of `term` comes out of what was observed."""
        return self.search(now, (), True).has(self.vault.bytes_of(term))

    # Conditions

    def holds(self, condition: Condition, env: Env, now: Moment) -> bool:
        match condition:
            case Truth(value):
                return value
            case Compare(operator, left, right):
                return _compare(operator, self.value(left, env, now), self.value(right, env, now))
            case Not(operand):
                return not self.holds(operand, env, now)
            case And(operands):
                return all(self.holds(operand, env, now) for operand in operands)
            case Or(operands):
                return any(self.holds(operand, env, now) for operand in operands)
            case Quantifier(kind, param, body):
                answers = (self.holds(body, {**env, param.name: value}, now) for value in param.domain.values)
                return all(answers) if kind == "all" else any(answers)
            case Has(reference, expression):
                place, term = self.place(reference, env, now), self.term(expression, env, now)
                if isinstance(place, Lack) or isinstance(term, Lack):
                    return False
                return self.vault.bytes_of(term) in now.places[place].values()
            case Derivable(places, observed, expression):
                term, members = self.term(expression, env, now), self.members(places, env, now)
                if isinstance(term, Lack) or isinstance(members, Lack):
                    return False
                return self.search(now, members, observed).has(self.vault.bytes_of(term))
            case Did(action, args):
                done = now.did
                if done is None or done.name != action:
                    return False
                wanted = [None if arg is None else (self.value(arg, env, now),) for arg in args]
                return all(want is None or want[0] == given for want, given in zip(wanted, done.args, strict=True))
            case Past(identity=identity, free=free):
                key = identity, tuple(env[name] for name in free)
                if key not in now.decided:
                    now.decided[key] = self._was(condition, env, now)
                return now.decided[key]

    def _was(self, condition: Past, env: Env, now: Moment) -> bool:
        """R12 as it reads: a search backwards through the run."""
        moment: Moment | None = now
        match condition.operator:
            case "previously":
                return now.before is not None and self.holds(condition.operand, env, now.before)
            case "once":
                while moment is not None:
                    if self.holds(condition.operand, env, moment):
                        return True
                    moment = moment.before
                return False
            case "historically":
                while moment is not None:
                    if not self.holds(condition.operand, env, moment):
                        return False
                    moment = moment.before
                return True
            case "since":
                assert condition.left is not None
                while moment is not None:
                    if self.holds(condition.operand, env, moment):
                        return True
                    if not self.holds(condition.left, env, moment):
                        return False
                    moment = moment.before
                return False


def _compare(operator: str, left: Value | Lack, right: Value | Lack) -> bool:
    if isinstance(left, Lack) or isinstance(right, Lack):
        return False
    if operator == "=":
        return left == right
    if not isinstance(left, int) or not isinstance(right, int):
        return False  # only numbers have an order, `none` among them has none
    return left < right if operator == "<" else left <= right
