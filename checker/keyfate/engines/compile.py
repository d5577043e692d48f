"""A lifecycle as an and-inverter graph: what its bits are at first and after a step, and when a target is reached.

Built once, without any setting; everything in it comes into being when it is first asked for. An instance happens
where its `pick` leaf is chosen and it is enabled; how picks exclude each other is settled when a question is sliced
(`slicing`). Where none happens, the state stays as it is, `did` and the past included: such a step is no step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from keyfate.engines.bits import Bits
from keyfate.engines.circuit import FALSE, TRUE, Graph
from keyfate.engines.effects import Instance, Leaking, PlaceCopy, PlaceWrite, Possibility, StateWrite, read_instance
from keyfate.engines.knowledge import Closure
from keyfate.engines.reading import Names, Reader
from keyfate.engines.views import After, First, Now, Sketch
from keyfate.language import typed as t
from keyfate.lifecycle.deduction import Deduction
from keyfate.lifecycle.instances import assignments, instances_of
from keyfate.lifecycle.names import (
    ActionName,
    Before,
    Bit,
    CapabilityOn,
    ControlIs,
    Happened,
    Holds,
    Observed,
    PlaceName,
    StateIs,
    StateName,
    Term,
)
from keyfate.lifecycle.problem import Enabled, Implicant, OutOfRange, Reach, Target
from keyfate.lifecycle.universe import universe


class Compilation:
    """The transition system of one lifecycle as literals of `graph`."""

    def __init__(self, lifecycle: t.Lifecycle, deduction: Deduction | None = None) -> None:
        self.lifecycle = lifecycle
        self.graph = Graph()
        self.honest = self.graph.leaf()  # constant in every question: attackers do not act
        self.stepped = self.graph.leaf()  # some instance happens; its meaning is settled in slicing
        self.bits = Bits(self.graph, lifecycle)
        self._deduction = deduction or Deduction(universe(lifecycle))
        self._pasts: dict[int, t.Past] = {}
        self._next: dict[int, int] = {}
        self._initial: dict[int, int | None] = {}
        self._targets: dict[Target, tuple[int, ...]] = {}
        self._actions = {name: (env, action) for action in lifecycle.actions for name, env in instances_of(action)}
        names = Names(lifecycle, tuple(self._actions))
        self.now = Reader(self.graph, names, Now(self))
        self._after = Reader(self.graph, names, After(self))
        self._first = Reader(self.graph, names, First(self))
        self._possibility = Possibility(self.graph, self.now)
        self._enabled: dict[ActionName, int] = {}
        self.picks: dict[ActionName, int] = {name: self.graph.leaf() for name in self._actions}
        self._starts = self._first_contents()
        self.instances, self.content = self._bounded(Reader(self.graph, names, Sketch(self)))
        self._writers()

    # Instances, and a bound on what places may hold

    def _first_contents(self) -> dict[PlaceName, dict[Term, int]]:
        starts: dict[PlaceName, dict[Term, int]] = {}
        for place in self.lifecycle.places:
            for env in assignments(place.params):
                ways: dict[Term, list[int]] = {}
                for expression in place.starts:
                    for term, under in self._first.term(expression, env).of.items():
                        ways.setdefault(term, []).append(under)
                held = {term: self.graph.any(literals) for term, literals in ways.items()}
                starts[PlaceName(place.name, tuple(env.values()))] = held
        return starts

    def _bounded(self, sketching: Reader) -> tuple[dict[ActionName, Instance], dict[PlaceName, dict[Term, int]]]:
        """Every instance; and the bits of each place: what it starts with, what an instance writes there, and
        what may be copied there. Other terms are never in it."""
        sketch = sketching.view
        assert isinstance(sketch, Sketch)
        instances: dict[ActionName, Instance] = {}
        unread: list[ActionName] = []
        content: dict[PlaceName, dict[Term, None]] = {name: dict.fromkeys(held) for name, held in self._starts.items()}
        copies: dict[PlaceName, set[PlaceName]] = {}
        self._leakable: dict[Term, None] = {}
        for name, (env, action) in self._actions.items():
            drawn = sketch.drawn
            instance = read_instance(self.graph, sketching, action, name, env)
            if sketch.drawn == drawn:
                instances[name] = instance
            else:  # it reads what places hold: again, when that is bounded
                unread.append(name)
            for write in instance.writes:
                if isinstance(write, PlaceWrite) and write.kind != "lose":
                    for place in write.place.of:
                        for sourced in write.terms:
                            content[place].update(dict.fromkeys(sourced.term.of))
                elif isinstance(write, PlaceCopy):
                    for place in write.place.of:
                        for origin in write.origin.of:
                            copies.setdefault(origin, set()).add(place)
                elif isinstance(write, Leaking):
                    self._leakable.update(dict.fromkeys(write.term.term.of))
        pending = list(copies)
        while pending:
            origin = pending.pop()
            for place in copies.get(origin, ()):
                if not content[origin].keys() <= content[place].keys():
                    content[place].update(content[origin])
                    pending.append(place)
        held = {
            place: {term: self.bits.latch(Holds(place, term)) for term in terms} for place, terms in content.items()
        }
        self.content = held
        for name in unread:
            env, action = self._actions[name]
            instances[name] = read_instance(self.graph, self.now, action, name, env)
        return {name: instances[name] for name in self._actions}, held

    def _writers(self) -> None:
        """Who writes what."""
        self._state_writes: dict[StateName, list[tuple[Instance, StateWrite]]] = {}
        self._place_writes: dict[PlaceName, list[tuple[Instance, PlaceWrite | PlaceCopy]]] = {}
        self._leaks: dict[Term, list[tuple[Instance, Leaking]]] = {}
        for instance in self.instances.values():
            for write in instance.writes:
                match write:
                    case StateWrite():
                        for state in write.target.of:
                            self._state_writes.setdefault(state, []).append((instance, write))
                    case PlaceWrite() | PlaceCopy():
                        for place in write.place.of:
                            self._place_writes.setdefault(place, []).append((instance, write))
                    case Leaking():
                        for term in write.term.term.of:
                            self._leaks.setdefault(term, []).append((instance, write))
        self._writing: dict[StateName | PlaceName | Term, set[str]] = {}
        for found in (self._state_writes, self._place_writes, self._leaks):
            for written, by in found.items():
                self._writing[written] = {instance.name.name for instance, _ in by}

    def writers(self, bit: Bit) -> frozenset[str]:
        """The names of the actions that may change this bit by an effect (an exposure is none)."""
        match bit:
            case StateIs(name, _) | Holds(name, _) | Observed(name):
                return frozenset(self._writing.get(name, ()))
            case Happened(action):
                return frozenset((action.name,))
            case _:
                return frozenset()

    # Steps

    def enabled(self, name: ActionName) -> int:
        """When the instance may happen."""
        known = self._enabled.get(name)
        if known is None:
            instance = self.instances[name]
            known = self._possibility.enabled(instance)
            if instance.by_attacker:
                known = self.graph.both(known, self.honest ^ 1)
            self._enabled[name] = known
        return known

    def fires(self, name: ActionName) -> int:
        """The instance happens now."""
        return self.graph.both(self.picks[name], self.enabled(name))

    def next(self, latch: int) -> int:
        """A latch's value after the step."""
        known = self._next.get(latch)
        if known is None:
            self._compute_next(latch)
            known = self._next[latch]
        return known

    def _compute_next(self, latch: int) -> None:
        graph = self.graph
        match self.bits.meaning[latch]:
            case ControlIs() | CapabilityOn():
                self._next[latch] = latch
            case StateIs(state, _):
                self._next.update(self._state_after(state))
            case Holds(place, _):
                self._next.update(self._place_after(place))
            case Observed(term):
                leaked = graph.any(
                    graph.all((self.fires(instance.name), write.path, write.on, write.term.term.of[term]))
                    for instance, write in self._leaks.get(term, ())
                )
                exposed = self._exposed(self._after).get(term, FALSE)
                self._next[latch] = graph.any((latch, leaked, exposed))
            case Happened(action):
                self._next[latch] = graph.choose(self.stepped, self.fires(action), latch)
            case Before(identity, binding):
                past = self._pasts[identity]
                env = dict(zip(past.free, binding, strict=True))
                if past.operator == "previously":
                    self._next[latch] = graph.choose(self.stepped, self.now.condition(past.operand, env), latch)
                else:  # what a step that is none would add is what is read in the present state anyway
                    self._next[latch] = self.now.past(past, env)

    def _state_after(self, state: StateName) -> dict[int, int]:
        graph = self.graph
        touched: list[int] = []
        ways: dict[t.Value, list[int]] = {}
        for instance, write in self._state_writes.get(state, ()):
            here = graph.all((self.fires(instance.name), write.path, write.target.of[state]))
            if here == FALSE:
                continue
            touched.append(here)
            for value, is_ in write.value.of.items():
                ways.setdefault(value, []).append(graph.both(here, is_))
        kept = graph.any(touched) ^ 1
        after: dict[int, int] = {}
        for value, literal in self.bits.states[state].items():
            if literal > 1 and not literal & 1:
                after[literal] = graph.any([*ways.get(value, ()), graph.both(kept, literal)])
        return after

    def _place_after(self, place: PlaceName) -> dict[int, int]:
        graph = self.graph
        held = self.content[place]
        gains: dict[Term, list[int]] = {term: [] for term in held}
        loses: dict[Term, list[int]] = {term: [] for term in held}
        replaced: list[int] = []
        for instance, write in self._place_writes.get(place, ()):
            here = graph.all((self.fires(instance.name), write.path, write.place.of[place]))
            if here == FALSE:
                continue
            if isinstance(write, PlaceCopy):
                if write.replace:
                    replaced.append(here)
                for origin, from_ in write.origin.of.items():
                    under = graph.both(here, from_)
                    for term, bit in self.content[origin].items():
                        if term in held:
                            gains[term].append(graph.both(under, bit))
                continue
            if write.kind == "become":
                replaced.append(here)
            into = loses if write.kind == "lose" else gains
            for sourced in write.terms:
                for term, is_ in sourced.term.of.items():
                    if term in held:
                        into[term].append(graph.both(here, is_))
        whole = graph.any(replaced)
        after = {}
        for term, latch in held.items():
            kept = graph.all((latch, whole ^ 1, graph.any(loses[term]) ^ 1))
            after[latch] = graph.either(graph.any(gains[term]), kept)
        return after

    # First states

    def initial(self, latch: int) -> int | None:
        """A latch's first value, over latches that start free; None if it does."""
        if latch not in self._initial:
            self._initial[latch] = self._compute_initial(latch)
        return self._initial[latch]

    def _compute_initial(self, latch: int) -> int | None:
        match self.bits.meaning[latch]:
            case ControlIs() | CapabilityOn():
                return None
            case StateIs(state, value):
                declared, env = self.bits.first_values[state]
                if declared.initial is None:
                    return None
                return self._first.value(declared.initial, env).of.get(value, FALSE)
            case Holds(place, term):
                return self._starts[place].get(term, FALSE)
            case Observed(term):
                return self._exposed(self._first).get(term, FALSE)
            case Happened():
                return FALSE
            case Before(identity, _):
                return TRUE if self._pasts[identity].operator == "historically" else FALSE

    # Observation

    @cached_property
    def observable(self) -> dict[Term, int]:
        """The bits of terms that may ever be observed."""
        terms = dict(self._leakable)
        for exposure in self.lifecycle.exposures:
            for env in assignments(exposure.params):
                for place in self.now.place(exposure.place, env).of:
                    terms.update(dict.fromkeys(self.content[place]))
        return {term: self.bits.latch(Observed(term)) for term in terms}

    def _exposed(self, reader: Reader) -> Mapping[Term, int]:
        """What is seen in the reader's state (R1, R9), each term with its literal."""
        return self._exposed_after if reader is self._after else self._exposed_first

    @cached_property
    def _exposed_after(self) -> Mapping[Term, int]:
        return self._seen(self._after)

    @cached_property
    def _exposed_first(self) -> Mapping[Term, int]:
        return self._seen(self._first)

    def _seen(self, reader: Reader) -> Mapping[Term, int]:
        graph = self.graph
        visible: dict[PlaceName, list[int]] = {}
        for exposure in self.lifecycle.exposures:
            for env in assignments(exposure.params):
                seeing = [reader.capability(reference, env) for reference in exposure.capabilities]
                here = graph.all([*seeing, reader.condition(exposure.condition, env)])
                if here != FALSE:
                    for place, at in reader.place(exposure.place, env).of.items():
                        visible.setdefault(place, []).append(graph.both(here, at))
        ways: dict[Term, list[int]] = {}
        for place, literals in visible.items():
            here = graph.any(literals)
            for term in self.content[place]:
                ways.setdefault(term, []).append(graph.both(here, reader.view.holds(place, term)))
        return {term: graph.any(literals) for term, literals in ways.items()}

    # Questions

    @cached_property
    def constraint(self) -> int:
        """What the lifecycle asks of its controls, but that each has exactly one value (`bits.exactly_one`)."""
        return self.graph.all(self.now.condition(constraint.condition, {}) for constraint in self.lifecycle.constraints)

    def settings(self, excluded: Iterable[Implicant]) -> int:
        """The admissible settings that are none of these (but for `bits.exactly_one`)."""
        return self.graph.all((self.constraint, *(self._implicant(implicant) ^ 1 for implicant in excluded)))

    def _implicant(self, implicant: Implicant) -> int:
        graph, bits = self.graph, self.bits
        kept = [graph.any(bits.controls[control][value] for value in values) for control, values in implicant.controls]
        kept += [bits.capabilities[capability] ^ (not on) for capability, on in implicant.capabilities]
        return graph.all(kept)

    def target(self, target: Target) -> tuple[int, ...]:
        """When the present state is one that `target` asks for: one of these, each for one choice of its variables."""
        known = self._targets.get(target)
        if known is None:
            match target:
                case Reach():
                    ways = [self.instance(target, tuple(env.values())) for env in assignments(target.binders)]
                case Enabled(actions):
                    ways = [self.enabled(name) for name in self._actions if name.name in actions]
                case OutOfRange():
                    ways = [self._range_only(instance) for instance in self.instances.values()]
            known = self._targets[target] = tuple(dict.fromkeys(ways))
        return known

    def instance(self, target: Reach, instance: tuple[t.Value, ...]) -> int:
        """When the present state is one that the target asks for with these values of its variables."""
        names = (binder.name for binder in target.binders)
        return self.now.condition(target.condition, dict(zip(names, instance, strict=True)))

    def _range_only(self, instance: Instance) -> int:
        found = self._possibility.range_only(instance)
        return self.graph.both(found, self.honest ^ 1) if instance.by_attacker else found

    def finish(self) -> None:
        """Compute all that a question may ask for: instances, and the first and next values of every latch there is."""
        for name in self.picks:
            self.fires(name)
        assert self.constraint >= 0
        at = 0
        while at < len(self.bits.meaning):  # which grows meanwhile
            fresh = list(self.bits.meaning)[at:]
            at += len(fresh)
            for latch in fresh:
                self.initial(latch)
                self.next(latch)

    # For the views

    def before(self, past: t.Past, binding: tuple[t.Value, ...]) -> int:
        self._pasts[past.identity] = past
        return self.bits.latch(Before(past.identity, binding))

    def closure(self, base: Mapping[Term, int]) -> Closure:
        return Closure(self.graph, base, self._deduction)
