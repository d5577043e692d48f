"""What may ever be where: for each place, the shapes of the terms that could come into it.

A shape is a term without its indices (`td_key`, not `td_key[alpha, agent]`). Guards are believed to hold
unless they ask for what can never be, indices to fit, capabilities to be on: so a place may be thought to hold
what it never does, and never the other way round. Deduction over shapes is the one over terms (R7): where terms
follow, their shapes do. The least fixpoint: what only follows from something that cannot be is not there either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from keyfate.language.typed import (
    Action,
    And,
    Apply,
    AtomTerm,
    Become,
    Choose,
    Condition,
    Copy,
    Derivable,
    Did,
    Effect,
    Existing,
    ForEach,
    Gain,
    Has,
    IfTerm,
    Leak,
    Lifecycle,
    Message,
    MessageVar,
    Not,
    Or,
    Origin,
    Param,
    Past,
    PlaceSet,
    Quantifier,
    TermExpr,
    Truth,
)
from keyfate.lifecycle.deduction import Deduction, subterms
from keyfate.lifecycle.names import Atom, Compound, Term
from keyfate.lifecycle.trees import children, parameters

_MOST_SHAPES = 256  # of one term: conditions inside it multiply them
_MOST_LOOKS = 100_000  # at actions: each round of the fixpoint looks at all of them

Shapes = frozenset[Term]


class TooManyShapesError(Exception):
    """Terms have so many shapes, or follow from each other so slowly, that nothing is said about the lifecycle."""


@dataclass(frozen=True)
class Lack:
    """What an effect or a condition asks for and can never have: one of `shapes` out of `places`.

    `places` None: out of what the attacker saw. `node` is the effect or the condition.
    """

    places: tuple[str, ...] | None
    shapes: Shapes
    node: object


@dataclass
class Contents:
    """The shapes that each place may hold, those that may be observed, and the actions that may happen."""

    lifecycle: Lifecycle
    places: dict[str, set[Term]] = field(default_factory=dict)
    observed: set[Term] = field(default_factory=set)
    happening: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._shaper = _Shaper(self.lifecycle)
        self._indexed = {place.name: bool(place.params) for place in self.lifecycle.places}
        self._deduction = Deduction(dict.fromkeys(self._universe()))
        for place in self.lifecycle.places:
            self.places[place.name] = {shape for start in place.starts for shape in self.shapes(start)}
        size, looks = -1, 0
        while size != self._size():
            size, looks = self._size(), looks + len(self.lifecycle.actions)
            if looks > _MOST_LOOKS:
                raise TooManyShapesError
            self._round()

    def _universe(self) -> Iterator[Term]:
        """Enough: a deduction needs the parts of what is there and of what is asked, and no other term."""
        for atom in self.lifecycle.atoms:
            yield Atom(atom.name, (), atom.public)
        starts = tuple(start for place in self.lifecycle.places for start in place.starts)
        for term in _terms((starts, self.lifecycle.actions, self.lifecycle.exposures)):
            for shape in self.shapes(term):
                yield from subterms(shape)

    def _size(self) -> int:
        return sum(map(len, self.places.values())) + len(self.observed) + len(self.happening)

    def _round(self) -> None:
        for exposure in self.lifecycle.exposures:
            if self.can_hold(exposure.condition):
                self.observed |= self.places[exposure.place.name]
        for action in self.lifecycle.actions:
            writes = self._writes(action)
            if writes is not None:
                self.happening.add(action.name)
                for effect in writes:
                    self._write(effect)

    # What actions do

    def _writes(self, action: Action) -> list[Effect] | None:
        """The effects that may happen; None if the action cannot."""
        return self._reached(action.effects) if self.can_hold(action.guard) else None

    def _reached(self, effects: Sequence[Effect]) -> list[Effect] | None:
        """The effects among these that may happen; None if one is among them that cannot: the instance is disabled."""
        found: list[Effect] = []
        for effect in effects:
            if self.lacks(effect):
                return None
            match effect:
                case ForEach(_, where, body):
                    inner = self._reached(body) if self.can_hold(where) else []
                    if inner is None and where == Truth(True):
                        return None
                    found.extend(inner or ())
                case Choose(condition, then, otherwise):
                    branches = [
                        self._reached(branch)
                        for branch, may in (
                            (then, self.can_hold(condition)),
                            (otherwise, self.can_fail(condition)),
                        )
                        if may
                    ]
                    if branches and all(branch is None for branch in branches):
                        return None
                    for branch in branches:
                        found.extend(branch or ())
                case _:
                    found.append(effect)
        return found

    def _write(self, effect: Effect) -> None:
        match effect:
            case Gain(place, term):
                self.places[place.name] |= self.shapes(term)
            case Become(place, terms):
                self.places[place.name].update(shape for term, _ in terms for shape in self.shapes(term))
            case Copy(place, origin):
                self.places[place.name] |= self.places[origin.name]
            case Leak(term):
                self.observed |= self.shapes(term)

    # What can be

    def shapes(self, term: TermExpr) -> Shapes:
        """The shapes that the term may have."""
        return self._shaper.of(term)

    def lacks(self, effect: object) -> tuple[Lack, ...]:
        """The sources of the effect itself (not of effects inside it) that can never yield what it writes."""
        match effect:
            case Gain(_, term, origin):
                wanted = [(term, origin)]
            case Become(_, terms):
                wanted = list(terms)
            case Leak(term, places):
                wanted = [(term, Origin("using", places))]
            case _:
                return ()
        return tuple(
            Lack(self._listed(origin), self.shapes(term), effect)
            for term, origin in wanted
            if not self._founded(term, origin)
        )

    @staticmethod
    def _listed(origin: Origin) -> tuple[str, ...] | None:
        return None if origin.places is None else tuple(dict.fromkeys(p.name for p in origin.places.places))

    def _founded(self, term: TermExpr, origin: Origin) -> bool:
        if origin.kind == "known":
            return self._follows(PlaceSet(()), True, term)
        return origin.kind != "using" or self._follows(origin.places or PlaceSet(()), False, term)

    def _follows(self, places: PlaceSet, observed: bool, term: TermExpr) -> bool:
        base = set(self.observed) if observed else set()
        for name in self._members(places):
            base |= self.places[name]
        return not self._deduction.closure(base).isdisjoint(self.shapes(term))

    def _members(self, places: PlaceSet) -> Iterable[str]:
        if not places.complement:
            return (place.name for place in places.places)
        whole = {p.name for p in places.places if p.args is None or not self._indexed[p.name]}
        return (name for name in self.places if name not in whole)

    def can_hold(self, condition: Condition) -> bool:
        """False only where no reachable state, under any settings, has the condition."""
        match condition:
            case Truth(value):
                return value
            case Not(operand):
                return self.can_fail(operand)
            case And(operands):
                return all(map(self.can_hold, operands))
            case Or(operands):
                return any(map(self.can_hold, operands))
            case Quantifier(_, _, body):
                return self.can_hold(body)
            case Has(place, term):
                return not self.shapes(term).isdisjoint(self.places[place.name])
            case Derivable(places, observed, term):
                return self._follows(places, observed, term)
            case Did(action):
                return action in self.happening
            case Past(_, operand):  # each needs its operand in some state, now or before
                return self.can_hold(operand)
        return True

    def can_fail(self, condition: Condition) -> bool:
        """False only where every reachable state, under any settings, has the condition."""
        match condition:
            case Truth(value):
                return not value
            case Not(operand):
                return self.can_hold(operand)
            case And(operands):
                return any(map(self.can_fail, operands))
            case Or(operands):
                return all(map(self.can_fail, operands))
            case Quantifier(_, _, body):
                return self.can_fail(body)
        return True

    def missing(self, condition: Condition) -> Iterator[Lack | Did]:
        """Why a condition cannot hold: what it asks of places and the past and never finds."""
        if self.can_hold(condition):
            return
        match condition:
            case And(operands) | Or(operands):
                for operand in operands:
                    yield from self.missing(operand)
            case Quantifier(_, _, body):
                yield from self.missing(body)
            case Past(_, operand):
                yield from self.missing(operand)
            case Has(place, term):
                yield Lack((place.name,), self.shapes(term), condition)
            case Derivable(places, observed, term):
                listed = None if observed else tuple(dict.fromkeys(p.name for p in places.places))
                yield Lack(listed, self.shapes(term), condition)
            case Did():
                yield condition


class _Shaper:
    """The shapes of terms, each term looked at once."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._known: dict[int, tuple[TermExpr, Shapes]] = {}  # by identity; the term is kept, so that it stays itself

    def of(self, term: TermExpr) -> Shapes:
        found = self._known.get(id(term))
        if found is None:
            found = self._known[id(term)] = (term, self._of(term))
            if len(found[1]) > _MOST_SHAPES:
                raise TooManyShapesError
        return found[1]

    def _of(self, term: TermExpr) -> Shapes:
        match term:
            case AtomTerm(name, _, public):
                return frozenset((Atom(name, (), public),))
            case Apply(function, label, args):
                parts = [self.of(arg) for arg in args]
                size = 1
                for part in parts:
                    size *= len(part)
                if size > _MOST_SHAPES:
                    raise TooManyShapesError
                return frozenset(Compound(function, label, chosen) for chosen in product(*parts))
            case IfTerm(_, then, otherwise):
                return self.of(then) | self.of(otherwise)
            case Existing(_, inner):
                return self.of(inner)
            case MessageVar(name):
                message = self._parameters[name].domain.values[0]  # all are of one family
                assert isinstance(message, Message)
                return self.of(self._messages[message.family])

    @cached_property
    def _parameters(self) -> Mapping[str, Param]:
        return parameters(self._lifecycle)

    @cached_property
    def _messages(self) -> Mapping[str, TermExpr]:
        return {family.name: family.term for family in self._lifecycle.terms if family.kind == "message"}


def _terms(node: object) -> Iterator[TermExpr]:
    """The outermost terms below `node`."""
    pending: list[object] = [node]
    while pending:
        present = pending.pop()
        if isinstance(present, tuple):
            pending.extend(present)
        elif isinstance(present, AtomTerm | Apply | IfTerm | Existing | MessageVar):
            yield present
        else:
            pending.extend(children(present))
