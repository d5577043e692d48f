"""The run of a lifecycle on real bytes: first moments, which instances may happen, and what they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from keyfate.language.typed import (
    Assign,
    Become,
    CapabilityRef,
    Choose,
    Copy,
    Effect,
    ForEach,
    Gain,
    Leak,
    Lifecycle,
    Lose,
    Origin,
    PlaceRef,
    PlaceSet,
    TermExpr,
    Value,
)
from keyfate.lifecycle.instances import Env, action_instances, assignments
from keyfate.lifecycle.names import ActionName, CapabilityName, ControlName, PlaceName, StateName, Term
from keyfate.lifecycle.problem import Enabled, OutOfRange, Reach, Target
from keyfate.twin.attacker import Attacker
from keyfate.twin.honest import Vault, Workbench
from keyfate.twin.moments import Lack, Moment, Reader, Setting
from keyfate.twin.primitives import PRIMITIVES, Primitives, remembering
from keyfate.twin.recipes import design

Basic = Assign | Gain | Lose | Become | Copy | Leak


@dataclass(frozen=True)
class Refusal:
    """Why an instance cannot happen. `range_only`: for nothing but its range (R5)."""

    reason: str
    range_only: bool = False


@dataclass(frozen=True)
class Written:
    """A byte string that a step writes or leaks, and where its bytes came from."""

    term: Term
    data: bytes
    origin: str


class Stage:
    """What all runs of one lifecycle share, whatever their settings: its secrets' bytes and the attacker's workshop.

    `primitives` are the honest side's, `attacker_primitives` the attacker's; `seed` draws the bytes of the secrets.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        primitives: Primitives = PRIMITIVES,
        attacker_primitives: Primitives = PRIMITIVES,
        *,
        seed: int = 0,
    ) -> None:
        self.lifecycle = lifecycle
        self.primitives = remembering(primitives)
        self.vault = Vault(self.primitives, seed)
        self.attacker = Attacker(design(lifecycle), attacker_primitives)
        self.actions = {action.name: action for action in lifecycle.actions}
        self.instances = dict(action_instances(lifecycle))
        self.reader = Reader(lifecycle, self.vault, self.attacker)


class Twin:
    """One lifecycle on bytes, under one setting of its controls and capabilities."""

    def __init__(
        self,
        stage: Stage,
        controls: Mapping[ControlName, Value],
        capabilities: Mapping[CapabilityName, bool],
        *,
        honest: bool = False,
    ) -> None:
        self.lifecycle = stage.lifecycle
        self.honest = honest
        self.vault = stage.vault
        self.reader = stage.reader
        self._unborn = Moment(Setting(controls), 0, {}, {}, {}, None, None)
        self._on = frozenset(name for name, on in capabilities.items() if on and not honest)
        self._primitives = stage.primitives
        self._actions = stage.actions
        self._instances = stage.instances

    # The first moment

    def admissible(self) -> bool:
        """Whether the controls satisfy every constraint."""
        return all(self.reader.holds(rule.condition, {}, self._unborn) for rule in self.lifecycle.constraints)

    def free_states(self) -> Mapping[StateName, Sequence[Value]]:
        """The states that start as `any`, with their possible values."""
        return {
            StateName(state.name, tuple(env.values())): state.domain.values
            for state in self.lifecycle.states
            if state.initial is None
            for env in assignments(state.params)
        }

    def first(self, chosen: Mapping[StateName, Value]) -> Moment:
        """The first moment, with `chosen` for the states that start as `any`."""
        values: dict[StateName, Value] = {}
        for state in self.lifecycle.states:
            for env in assignments(state.params):
                name = StateName(state.name, tuple(env.values()))
                if state.initial is None:
                    values[name] = chosen[name]
                else:
                    value = self.reader.value(state.initial, env, self._unborn)
                    assert not isinstance(value, Lack)
                    values[name] = value
        places: dict[PlaceName, dict[Term, bytes]] = {}
        for place in self.lifecycle.places:
            for env in assignments(place.params):
                slots = places[PlaceName(place.name, tuple(env.values()))] = {}
                for start in place.starts:
                    term = self.reader.term(start, env, self._unborn)
                    if not isinstance(term, Lack):
                        slots[term] = self.vault.bytes_of(term)
        return self._watched(replace(self._unborn, values=values, places=places))

    # Steps

    def enabled(self, now: Moment) -> tuple[ActionName, ...]:
        """Every instance that may happen, in the order of the text."""
        return tuple(name for name in self._instances if self.refusal(now, name) is None)

    def refusal(self, now: Moment, name: ActionName) -> Refusal | None:
        """Why the instance cannot happen now; None if it can."""
        env = self._instances.get(name)
        if env is None:
            return Refusal(f"`{name}` is no instance of an action")
        action = self._actions[name.name]
        if self.honest and action.actor == "attacker":
            return Refusal(f"`{name}` is the attacker's")
        if not all(self._has(need, env, now) for need in action.needs):
            return Refusal(f"`{name}` needs a capability that is off")
        if not self.reader.holds(action.guard, env, now):
            return Refusal(f"the guard of `{name}` does not hold on bytes")
        beyond: Refusal | None = None
        for effect, bound in self._effects(action.effects, env, now):
            refusal = self._lacks(effect, bound, now)
            if refusal is not None and not refusal.range_only:
                return refusal
            beyond = beyond or refusal
        return beyond

    def step(self, now: Moment, name: ActionName) -> Moment:
        """The moment after an enabled instance."""
        action, env = self._actions[name.name], self._instances[name]
        effects = list(self._effects(action.effects, env, now))
        values = dict(now.values)
        contents = {place: dict(slots) for place, slots in self._replaced(effects, now)}
        observed = dict(now.observed)
        for effect, bound in effects:
            if isinstance(effect, Lose):
                place = self._place(effect.place, bound, now)
                term = self.reader.term(effect.term, bound, now)
                assert not isinstance(term, Lack)
                data = self.vault.bytes_of(term)
                slots = contents[place] if place in contents else dict(now.places[place])
                contents[place] = {slot: held for slot, held in slots.items() if held != data}
        for effect, bound in effects:
            match effect:
                case Assign(target, value):
                    at = self.reader.values(target.args, bound, now)
                    given = self.reader.value(value, bound, now)
                    assert not isinstance(at, Lack)
                    assert not isinstance(given, Lack)
                    values[StateName(target.name, at)] = given
                case Gain(reference, expression, origin):
                    written = self._ready(expression, origin, bound, now)
                    place = self._place(reference, bound, now)
                    contents.setdefault(place, dict(now.places[place]))[written.term] = written.data
                case Copy(reference, source, False):
                    place = self._place(reference, bound, now)
                    copied = now.places[self._place(source, bound, now)]
                    contents.setdefault(place, dict(now.places[place])).update(copied)
                case Leak(expression, places, capabilities):
                    if all(self._has(need, bound, now) for need in capabilities):
                        leaked = self._ready(expression, Origin("using", places), bound, now)
                        to = _listed(capability.name for capability in capabilities)
                        observed.setdefault(leaked.data, f"leaked by {name} to {to} (step {now.number + 1})")
        after = Moment(now.setting, now.number + 1, values, {**now.places, **contents}, observed, name, now)
        return self._watched(after)

    def _replaced(
        self, effects: Iterable[tuple[Basic, Env]], now: Moment
    ) -> Iterator[tuple[PlaceName, dict[Term, bytes]]]:
        """The places whose whole content is set, with that content."""
        for effect, bound in effects:
            if isinstance(effect, Become):
                slots: dict[Term, bytes] = {}
                for expression, origin in effect.terms:
                    written = self._ready(expression, origin, bound, now)
                    slots[written.term] = written.data
                yield self._place(effect.place, bound, now), slots
            elif isinstance(effect, Copy) and effect.replace:
                source = self._place(effect.origin, bound, now)
                yield self._place(effect.place, bound, now), dict(now.places[source])

    def writes(self, now: Moment, name: ActionName) -> Iterator[tuple[PlaceName, Written]]:
        """What an enabled instance would put where, in the order of its effects."""
        action, env = self._actions[name.name], self._instances[name]
        for effect, bound in self._effects(action.effects, env, now):
            if isinstance(effect, Gain):
                yield self._place(effect.place, bound, now), self._ready(effect.term, effect.origin, bound, now)
            elif isinstance(effect, Become):
                for expression, origin in effect.terms:
                    yield self._place(effect.place, bound, now), self._ready(expression, origin, bound, now)

    def _effects(self, effects: Sequence[Effect], env: Env, now: Moment) -> Iterator[tuple[Basic, Env]]:
        """The effects that apply: their enclosing conditions hold now."""
        for effect in effects:
            if isinstance(effect, ForEach):
                for value in effect.param.domain.values:
                    bound = {**env, effect.param.name: value}
                    if self.reader.holds(effect.where, bound, now):
                        yield from self._effects(effect.body, bound, now)
            elif isinstance(effect, Choose):
                chosen = effect.then if self.reader.holds(effect.condition, env, now) else effect.otherwise
                yield from self._effects(chosen, env, now)
            else:
                yield effect, env

    # What an effect needs

    def _lacks(self, effect: Basic, env: Env, now: Moment) -> Refusal | None:
        read = self.reader
        found: list[object] = []
        match effect:
            case Assign(target, value):
                found = [read.values(target.args, env, now), read.value(value, env, now)]
            case Gain(place, term, origin):
                found = [read.place(place, env, now), self._write(term, origin, env, now)]
            case Lose(place, term):
                found = [read.place(place, env, now), read.term(term, env, now)]
            case Become(place, terms):
                found = [read.place(place, env, now)]
                found += [self._write(term, origin, env, now) for term, origin in terms]
            case Copy(place, origin):
                found = [read.place(place, env, now), read.place(origin, env, now)]
            case Leak(term, places, capabilities):
                found = [read.values(capability.args, env, now) for capability in capabilities]
                found.append(self._write(term, Origin("using", places), env, now))
        words = " ".join(effect.span.text.split())
        for item in found:
            if isinstance(item, Refusal):
                return item
            if item is Lack.NOTHING:
                return Refusal(f"something in `{words}` does not exist")
        return Refusal(f"a value in `{words}` is out of range", range_only=True) if Lack.RANGE in found else None

    def _write(self, expression: TermExpr, origin: Origin, env: Env, now: Moment) -> Written | Refusal | Lack:
        """The bytes that are written, computed as their origin says (R3, R10)."""
        term = self.reader.term(expression, env, now)
        if isinstance(term, Lack):
            return term
        match origin.kind:
            case "create":
                return Written(term, self.vault.bytes_of(term), "made now")
            case "public":
                return Written(term, self.vault.bytes_of(term), "public")
            case "ideal":
                return Written(term, self.vault.bytes_of(term), "of unmodelled sources")
            case "known":
                canary = self.vault.bytes_of(term)
                if not self.reader.search(now, (), True).has(canary):
                    return Refusal(f"what the attacker saw does not yield the bytes of `{term}`")
                return Written(term, canary, "the attacker's own")
            case "using":
                members = self.reader.members(origin.places or PlaceSet(()), env, now)
                if isinstance(members, Lack):
                    return members
                data = self._bench(members, now).compute(term)
                if data is None:
                    return Refusal(f"the bytes in {_listed(map(str, members))} do not yield `{term}`")
                return Written(term, data, f"computed from {_listed(map(str, members))}")

    def _bench(self, members: tuple[PlaceName, ...], now: Moment) -> Workbench:
        bench = now.benches.get(members)
        if bench is None:
            slots: dict[Term, bytes] = {}
            for member in members:
                slots.update(now.places[member])
            bench = now.benches[members] = Workbench(self._primitives, slots)
        return bench

    def _place(self, reference: PlaceRef, env: Env, now: Moment) -> PlaceName:
        place = self.reader.place(reference, env, now)
        assert isinstance(place, PlaceName)
        return place

    def _ready(self, expression: TermExpr, origin: Origin, env: Env, now: Moment) -> Written:
        """What an enabled instance writes."""
        written = self._write(expression, origin, env, now)
        assert isinstance(written, Written)
        return written

    # Watching

    def _has(self, reference: CapabilityRef, env: Env, now: Moment) -> bool:
        at = self.reader.values(reference.args, env, now)
        return not isinstance(at, Lack) and CapabilityName(reference.name, at) in self._on

    def _watched(self, now: Moment) -> Moment:
        """R9: every byte string in a place that is exposed now is observed."""
        observed = dict(now.observed)
        for exposure in self.lifecycle.exposures:
            for env in assignments(exposure.params):
                if not all(self._has(need, env, now) for need in exposure.capabilities):
                    continue
                place = self.reader.place(exposure.place, env, now)
                if isinstance(place, Lack) or not self.reader.holds(exposure.condition, env, now):
                    continue
                for data in now.places[place].values():
                    if data not in observed:
                        to = _listed(need.name for need in exposure.capabilities)
                        when = f"after step {now.number}" if now.number else "at first"
                        observed[data] = f"in {place}, exposed to {to} ({when})"
        # what was computed of the moment before it was watched is not carried on
        return replace(now, observed=observed, decided={}, benches={}, searches={})

    # Questions

    def reached(self, target: Target, now: Moment) -> Env | None:
        """Values of the target's variables for which it is reached now; None if there are none."""
        match target:
            case Reach(binders, condition):
                return next((env for env in assignments(binders) if self.reader.holds(condition, env, now)), None)
            case Enabled(actions):
                names = (name for name in self._instances if name.name in actions)
                return {} if any(self.refusal(now, name) is None for name in names) else None
            case OutOfRange():
                refusals = (self.refusal(now, name) for name in self._instances)
                return {} if any(refusal is not None and refusal.range_only for refusal in refusals) else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "no place"
