"""The lifecycle as formulas over one frame of variables.

First state, typing, targets; and for each action instance when it is enabled and the
next values of the bits that it changes. What it leaves alone is not mentioned, so
there are no frame axioms. Everything is made when first asked for and then kept:
settings, honesty and targets come in as assumptions, never into a formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from functools import cached_property
from typing import TypeVar

from keyfate.certifier.bits import Bits
from keyfate.certifier.deduction import Closure
from keyfate.certifier.effects import Content, Members
from keyfate.certifier.formulas import FALSE, TRUE, Formulas
from keyfate.certifier.reading import Env, Reader
from keyfate.certifier.steps import Step, guard_and_writes
from keyfate.language import typed as t
from keyfate.language.source import Span
from keyfate.lifecycle import instances
from keyfate.lifecycle.names import (
    ActionName,
    Before,
    Bit,
    CapabilityName,
    CapabilityOn,
    ControlIs,
    ControlName,
    Happened,
    Holds,
    Observed,
    PlaceName,
    StateIs,
    StateName,
    Term,
)
from keyfate.lifecycle.problem import Enabled, OutOfRange, Problem, Reach

_K = TypeVar("_K")


class Encoding:
    """The transition system of one lifecycle."""

    def __init__(self, lifecycle: t.Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.formulas = Formulas()
        self.bits = Bits(lifecycle, self.formulas)
        self._pasts: dict[int, t.Past] = {}
        self._domains: dict[str, t.Domain] = {}
        self._closures: dict[tuple[Members, bool], Closure] = {}
        self._known: dict[tuple[Members, bool, Term], int] = {}
        self._first: dict[int, int] = {}
        self._exposed: dict[Term, int] = {}
        self._changers: dict[int, tuple[Step, ...]] = {}
        self._place_names = instances.place_names(lifecycle)
        names = [name for name, _ in instances.action_instances(lifecycle)]
        self.reader = Reader(lifecycle, self.formulas, self, self._place_names, names)
        self._bound()

    def _bound(self) -> None:
        """Encodes instances as far as no place is read, and bounds what places may hold."""
        sketch = Sketch(self)
        names = [name for name, _ in instances.action_instances(self.lifecycle)]
        reader = Reader(self.lifecycle, self.formulas, sketch, self._place_names, names)
        content = Content()
        self._starts: dict[PlaceName, dict[Term, int]] = {}
        for place in self.lifecycle.places:
            for index in instances.assignments(place.params):
                at = PlaceName(place.name, tuple(index.values()))
                starts: dict[Term, list[int]] = {}
                for expr in place.starts:
                    for term, condition in self.reader.term(expr, index).of.items():
                        starts.setdefault(term, []).append(condition)
                self._starts[at] = {term: self.formulas.any_of(ways) for term, ways in starts.items()}
                content.hold(at, starts)
        self.steps: dict[ActionName, Step] = {}
        for action in self.lifecycle.actions:
            for name, env in instances.instances_of(action):
                drawn = sketch.drawn
                read = guard_and_writes(self.formulas, reader, action, env)
                for write in read[1]:
                    content.add(self.formulas, write)
                exact = sketch.drawn == drawn  # then it read no place
                self.steps[name] = Step(self, action, name, env, read if exact else None)
        self._exposures: list[tuple[t.Exposure, Env]] = [
            (exposure, env) for exposure in self.lifecycle.exposures for env in instances.assignments(exposure.params)
        ]
        exposed: dict[PlaceName, None] = {}
        for exposure, bound in self._exposures:
            if reader.condition(exposure.condition, bound) != FALSE:
                exposed.update(dict.fromkeys(reader.place(exposure.place, bound).of))
        content.close(exposed)
        self.holding: dict[PlaceName, dict[Term, int]] = {
            place: {term: self.bits.holds(place, term) for term in terms} for place, terms in content.places.items()
        }
        self._observable = content.observed

    def changers(self, variable: int) -> tuple[Step, ...]:
        """The instances that may give a variable another value; no other does (see `Step.next`)."""
        found = self._changers.get(variable)
        if found is None:
            found = self._changers[variable] = tuple(self._may_change(variable))
        return found

    def _may_change(self, variable: int) -> Iterable[Step]:
        match self.bits.meaning[variable]:
            case ControlIs() | CapabilityOn():
                return ()
            case StateIs() | Holds():
                return self._writers.get(variable, ())
            case Observed(term):
                seen = self.formulas.variables(self.formulas.support(self.exposed(term)))
                ways = [self._leakers.get(term, ()), *map(self.changers, seen)]
                return dict.fromkeys(step for steps in ways for step in steps)
            case Happened() | Before():
                return self.steps.values()

    @cached_property
    def _writers(self) -> dict[int, list[Step]]:
        return _inverse((step, step.changes) for step in self.steps.values())

    @cached_property
    def _leakers(self) -> dict[Term, list[Step]]:
        return _inverse((step, step.leaked) for step in self.steps.values())

    # What leaves of expressions mean (see `reading.Vocabulary`)

    def state(self, name: StateName) -> Mapping[t.Value, int]:
        return self.bits.states[name]

    def control(self, name: ControlName) -> Mapping[t.Value, int]:
        return self.bits.controls[name]

    def capability(self, name: CapabilityName) -> int:
        return self.bits.capabilities[name]

    def holds(self, place: PlaceName, term: Term) -> int:
        return self.holding.get(place, {}).get(term, FALSE)

    def observed(self, term: Term) -> int:
        return self.bits.observed(term) if term in self._observable else FALSE

    def happened(self, action: ActionName) -> int:
        return self.bits.happened(action)

    def before(self, past: t.Past, binding: tuple[t.Value, ...]) -> int:
        self._pasts[past.identity] = past
        return self.bits.before(past.identity, binding)

    def derivable(self, places: Members, observed: bool, term: Term) -> int:
        key = (places, observed, term)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._closure(places, observed).known(term)
        return found

    def _closure(self, places: Members, observed: bool) -> Closure:
        found = self._closures.get((places, observed))
        if found is None:
            given: dict[Term, list[int]] = {}
            for place, member in places:
                for term, bit in self.holding.get(place, {}).items():
                    given.setdefault(term, []).append(self.formulas.all_of((member, bit)))
            if observed:
                for term in self._observable:
                    given.setdefault(term, []).append(self.bits.observed(term))
            found = Closure(self.formulas, {term: self.formulas.any_of(ways) for term, ways in given.items()})
            self._closures[places, observed] = found
        return found

    # The first state

    @cached_property
    def constraint(self) -> int:
        """What the lifecycle asks of the controls. That each has exactly one value is
        `bits.exactly_one`."""
        return self.formulas.all_of([self.reader.condition(c.condition, {}) for c in self.lifecycle.constraints])

    @cached_property
    def unset(self) -> frozenset[str]:
        """The states that start as `any`."""
        return frozenset(state.name for state in self.lifecycle.states if state.initial is None)

    @cached_property
    def _initial(self) -> dict[int, int]:
        """First values of the bits of states; those that may be anything are left out."""
        first = {}
        for state in self.lifecycle.states:
            if state.initial is not None:
                for env in instances.assignments(state.params):
                    cases = self.reader.value(state.initial, env).of
                    for value, bit in self.bits.states[StateName(state.name, tuple(env.values()))].items():
                        if bit > 1:
                            first[bit] = cases.get(value, FALSE)
        return first

    def first(self, variable: int) -> int:
        """The first value of a variable: a formula over what is free in the first state."""
        found = self._first.get(variable)
        if found is None:
            found = self._first[variable] = self._first_value(variable)
        return found

    def _first_value(self, variable: int) -> int:
        match self.bits.meaning[variable]:
            case ControlIs() | CapabilityOn():
                return variable
            case StateIs():
                return self._initial.get(variable, variable)
            case Holds(place, term):
                return self._starts.get(place, {}).get(term, FALSE)
            case Happened():
                return FALSE
            case Before(identity, _):
                return TRUE if self._pasts[identity].operator == "historically" else FALSE
            case Observed(term):
                return self.at_first(self.exposed(term))

    def at_first(self, formula: int) -> int:
        """`formula` in the first state."""
        changing = ~self.bits.frozen
        return self.formulas.substitute(formula, changing, self.first, self._first_memo)

    @cached_property
    def _first_memo(self) -> dict[int, int]:
        return {}

    # Observation and the past

    def exposed(self, term: Term) -> int:
        """Whether `term` is seen in the present state (R1, R9)."""
        found = self._exposed.get(term)
        if found is None:
            ways = [
                self.formulas.all_of((seen, self.holding[place][term]))
                for place, seen in self._visible.items()
                if term in self.holding.get(place, {})
            ]
            found = self._exposed[term] = self.formulas.any_of(ways)
        return found

    def caught_up(self, support: int) -> list[int]:
        """For each observation in `support`: what is exposed is observed. True of every reachable
        state, since each step, and the first state, observes all that is exposed after it."""
        return [
            self.formulas.implies(self.exposed(bit.term), variable)
            for variable in self.formulas.variables(support & self.bits.observed_mask)
            if isinstance(bit := self.bits.meaning[variable], Observed)
        ]

    @cached_property
    def _visible(self) -> dict[PlaceName, int]:
        """When the content of each place is seen."""
        ways: dict[PlaceName, list[int]] = {}
        for exposure, env in self._exposures:
            sees = self.formulas.all_of([self.reader.capability(ref, env) for ref in exposure.capabilities])
            here = self.formulas.all_of((sees, self.reader.condition(exposure.condition, env)))
            for place, at in self.reader.place(exposure.place, env).of.items():
                ways.setdefault(place, []).append(self.formulas.all_of((here, at)))
        return {place: self.formulas.any_of(conditions) for place, conditions in ways.items()}

    def latched(self, variable: int) -> int:
        """The next value of a history latch, whatever the step."""
        bit = self.bits.meaning[variable]
        assert isinstance(bit, Before)
        past = self._pasts[bit.identity]
        return self.reader.latched(past, dict(zip(past.free, bit.binding, strict=True)))

    def register(self, node: object) -> None:
        """Makes the past operators below `node` known, and what its variables range over, so
        that invariants may name latches."""
        pending = [node]
        while pending:
            present = pending.pop()
            if isinstance(present, t.Past):
                self._pasts[present.identity] = present
            elif isinstance(present, t.Param):
                self._domains[present.name] = present.domain
            pending.extend(_parts(present))

    def _latch(self, identity: int, binding: tuple[t.Value, ...]) -> int | None:
        if identity not in self._pasts:
            self.register(self.lifecycle)
        past = self._pasts.get(identity)
        if past is None or len(past.free) != len(binding):
            return None
        if any(name not in self._domains for name in past.free):
            self.register(self.lifecycle)
        for name, value in zip(past.free, binding, strict=True):
            domain = self._domains.get(name)
            if domain is None or value not in domain.values:
                return None
        return self.before(past, binding)

    # Names of bits in invariants

    def literal(self, bit: Bit) -> int | None:
        """The formula of a named bit: false where it can never be true, None where the
        lifecycle has no such thing."""
        match bit:
            case ControlIs(control, value):
                return self.bits.controls.get(control, {}).get(value)
            case CapabilityOn(capability):
                return self.bits.capabilities.get(capability)
            case StateIs(state, value):
                return self.bits.states.get(state, {}).get(value)
            case Holds(place, term):
                return self.holds(place, term) if place in self._starts else None
            case Observed(term):
                return self.observed(term)
            case Happened(action):
                return self.bits.happened(action) if action in self.steps else None
            case Before(identity, binding):
                return self._latch(identity, binding)

    # Targets

    def target(self, problem: Problem) -> int:
        """The condition that `problem` asks about, in the present state."""
        match problem.target:
            case Reach(binders, condition):
                self.register((binders, condition))
                ways = [self.reader.condition(condition, env) for env in instances.assignments(binders)]
            case Enabled(actions):
                ways = [
                    step.enabled
                    for step in self.steps.values()
                    if step.name.name in actions and not (problem.honest and step.by_attacker)
                ]
            case OutOfRange():
                ways = [step.out_of_range for step in self.steps.values() if not (problem.honest and step.by_attacker)]
        return self.formulas.any_of(ways)


class Sketch:
    """A vocabulary in which every place may hold anything: for what is read before places are bounded."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self.drawn = 0  # how often a place was read

    def state(self, name: StateName) -> Mapping[t.Value, int]:
        return self._encoding.state(name)

    def control(self, name: ControlName) -> Mapping[t.Value, int]:
        return self._encoding.control(name)

    def capability(self, name: CapabilityName) -> int:
        return self._encoding.capability(name)

    def happened(self, action: ActionName) -> int:
        return self._encoding.happened(action)

    def before(self, past: t.Past, binding: tuple[t.Value, ...]) -> int:
        return self._encoding.before(past, binding)

    def holds(self, place: PlaceName, term: Term) -> int:
        return self._opaque()

    def derivable(self, places: Members, observed: bool, term: Term) -> int:
        return self._opaque()

    def _opaque(self) -> int:
        self.drawn += 1
        return self._encoding.bits.opaque()


def _inverse(of: Iterable[tuple[Step, Iterable[_K]]]) -> dict[_K, list[Step]]:
    found: dict[_K, list[Step]] = {}
    for step, keys in of:
        for key in keys:
            found.setdefault(key, []).append(step)
    return found


def _parts(node: object) -> Iterable[object]:
    if isinstance(node, tuple):
        return node
    if is_dataclass(node) and not isinstance(node, Span | t.Domain | t.Message):
        return tuple(vars(node).values())
    return ()
