"""The plain interpreter: one lifecycle under fixed settings, run step by step.

It is the oracle of every test and the judge of last resort, so it is kept plain: rules R1
to R16 as docs/language.md states them, evaluated on the typed tree; the only thing
remembered from one state to the next are the closures of term sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from keyfate.language.source import Span
from keyfate.language.typed import (
    Action,
    Assign,
    Become,
    CapabilityRef,
    Choose,
    Condition,
    Copy,
    Effect,
    Exposure,
    ForEach,
    Gain,
    Leak,
    Lifecycle,
    Lose,
    Origin,
    PlaceSet,
    TermExpr,
    Value,
)
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.deduction import Sighting
from keyfate.lifecycle.evaluation import Absent, Evaluator, State
from keyfate.lifecycle.instances import (
    Env,
    assignments,
    capability_names,
    control_domains,
    control_names,
)
from keyfate.lifecycle.names import (
    ActionName,
    Before,
    CapabilityName,
    ControlName,
    PlaceName,
    StateName,
    Term,
)
from keyfate.lifecycle.problem import Enabled, OutOfRange, Reach, Target, Trace
from keyfate.lifecycle.writes import Writes, conflict

Basic = Assign | Gain | Lose | Become | Copy | Leak  # an effect that is no bracket around others


class ReplayError(Exception):
    """A trace that is no run: step `step` (from 1; 0 is the start) fails for `reason`."""

    def __init__(self, step: int, reason: str) -> None:
        self.step = step
        self.reason = reason
        super().__init__(f"step {step}: {reason}" if step else reason)


@dataclass(frozen=True)
class Obstacle:
    """Why an instance is not enabled. `range_only`: it is disabled by nothing but its range (R5)."""

    reason: str
    range_only: bool = False


class Interpreter:
    """A lifecycle under one setting of its controls and capabilities.

    `honest` disables the attacker's actions and every capability (R13, `possible`).
    `watch` are the conditions, besides those of actions and exposures, whose past is kept;
    without it, those of all properties. `basis` may be shared by interpreters of one lifecycle.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        controls: Mapping[ControlName, Value],
        capabilities: Mapping[CapabilityName, bool],
        honest: bool = False,
        *,
        watch: Sequence[Condition] | None = None,
        basis: Basis | None = None,
    ) -> None:
        self.lifecycle = lifecycle
        self.controls = dict(controls)
        self.honest = honest
        self.capabilities = {name: not honest and capabilities.get(name, False) for name in capability_names(lifecycle)}
        basis = basis or Basis(lifecycle)
        self._evaluator = Evaluator(lifecycle, self.controls, basis.deduction)
        self._declared = {action.name: action for action in lifecycle.actions}
        self._instances = basis.instances
        watched = [rule.target for rule in lifecycle.properties] if watch is None else watch
        self._pasts = basis.pasts(watched)

    # Settings and first states

    def admissible(self) -> bool:
        """Whether the controls have values, and values that every constraint allows (R6)."""
        domains = control_domains(self.lifecycle)
        return all(
            name in self.controls and self.controls[name] in domains[name.name].values
            for name in control_names(self.lifecycle)
        ) and all(
            self._evaluator.holds(constraint.condition, {}, _NOWHERE) for constraint in self.lifecycle.constraints
        )

    def initial_states(self) -> Iterator[State]:
        """Every first state: one for each choice of the values of states that start as `any`."""
        options: dict[StateName, tuple[Value, ...]] = {}
        for state in self.lifecycle.states:
            for env in assignments(state.params):
                name = StateName(state.name, tuple(env.values()))
                if state.initial is None:
                    options[name] = state.domain.values
                else:
                    value = self._evaluator.value(state.initial, env, _NOWHERE)
                    assert not isinstance(value, Absent)
                    options[name] = (value,)
        for values in product(*options.values()):
            yield self._first(dict(zip(options, values, strict=True)))

    def chosen_first(self, state: State) -> tuple[tuple[StateName, Value], ...]:
        """The values in `state` of the states that start as `any`: `Trace.initial`, if it is a first state."""
        free = {declared.name for declared in self.lifecycle.states if declared.initial is None}
        return tuple((name, value) for name, value in state.states.items() if name.name in free)

    def _first(self, states: Mapping[StateName, Value]) -> State:
        places: dict[PlaceName, frozenset[Term]] = {}
        for place in self.lifecycle.places:
            for env in assignments(place.params):
                terms = (self._evaluator.term(start, env, _NOWHERE) for start in place.starts)
                name = PlaceName(place.name, tuple(env.values()))
                places[name] = frozenset(term for term in terms if not isinstance(term, Absent))
        history = {before: past.operator == "historically" for before, past, _ in self._pasts}
        return self._observing(State(states, places, frozenset(), None, history))

    # Steps

    def enabled(self, state: State) -> tuple[ActionName, ...]:
        """Every instance that may happen in `state`, in the order of the text."""
        return tuple(name for name in self._instances if self.obstacle(state, name) is None)

    def successors(self, state: State) -> Iterator[tuple[ActionName, State]]:
        """Every step from `state`."""
        history = self._history_after(state)  # the same whatever happens
        for name in self.enabled(state):
            yield name, self._after(state, name, history)

    def step(self, state: State, action: ActionName) -> State:
        """The state after `action`. Raises ReplayError if it is not enabled."""
        obstacle = self.obstacle(state, action)
        if obstacle is not None:
            raise ReplayError(1, obstacle.reason)
        return self._after(state, action, self._history_after(state))

    def obstacle(self, state: State, name: ActionName) -> Obstacle | None:
        """Why the instance is not enabled in `state`; None if it is."""
        if name not in self._instances:
            return Obstacle(f"`{name}` is no instance of an action")
        action, env = self._declared[name.name], self._instances[name]
        if self.honest and action.actor == "attacker":
            return Obstacle(f"`{name}` is an action of the attacker")
        for need in action.needs:
            if not self._on(need, env, state):
                return Obstacle(f"`{name}` needs `{need.name}`, which is off")
        if not self._evaluator.holds(action.guard, env, state):
            return Obstacle(f"the guard of `{name}` does not hold")
        overflow: Obstacle | None = None
        for effect, inner in self._reached(action.effects, env, state):
            lacking = self._lacking(effect, inner, state)
            if lacking is Absent.OVERFLOW:
                overflow = Obstacle(f"a value in `{_words(effect.span)}` is out of range", range_only=True)
            elif lacking is Absent.MISSING:
                return Obstacle(f"a term or place in `{_words(effect.span)}` does not exist")
            elif lacking is not None:
                return Obstacle(lacking)
        return overflow

    def out_of_range(self, state: State) -> bool:
        """Whether some instance is disabled by nothing but a range: all else that it asks for holds (R5)."""
        obstacles = (self.obstacle(state, name) for name in self._instances)
        return any(obstacle is not None and obstacle.range_only for obstacle in obstacles)

    def _on(self, reference: CapabilityRef, env: Env, state: State) -> bool:
        index = self._evaluator.index(reference.args, env, state)
        return not isinstance(index, Absent) and self.capabilities[CapabilityName(reference.name, index)]

    def _reached(self, effects: Sequence[Effect], env: Env, state: State) -> Iterator[tuple[Basic, Env]]:
        """The effects whose enclosing conditions hold in the state before, with the values of their variables."""
        for effect in effects:
            match effect:
                case ForEach(param, where, body):
                    for value in param.domain.values:
                        inner = {**env, param.name: value}
                        if self._evaluator.holds(where, inner, state):
                            yield from self._reached(body, inner, state)
                case Choose(condition, then, otherwise):
                    branch = then if self._evaluator.holds(condition, env, state) else otherwise
                    yield from self._reached(branch, env, state)
                case _:
                    yield effect, env

    def _lacking(self, effect: Basic, env: Env, state: State) -> Absent | str | None:
        """What an effect that is reached needs and has not; a missing thing before a range."""
        look = self._evaluator
        found: list[Absent | str | None] = []
        match effect:
            case Assign(target, value):
                found += [_absent(look.index(target.args, env, state)), _absent(look.value(value, env, state))]
            case Gain(place, term, origin):
                found += [_absent(look.place(place, env, state)), self._unfounded(term, origin, env, state)]
            case Lose(place, term):
                found += [_absent(look.place(place, env, state)), _absent(look.term(term, env, state))]
            case Become(place, terms):
                found.append(_absent(look.place(place, env, state)))
                found += [self._unfounded(term, origin, env, state) for term, origin in terms]
            case Copy(place, origin):
                found += [_absent(look.place(place, env, state)), _absent(look.place(origin, env, state))]
            case Leak(term, places, capabilities):
                found += [_absent(look.index(reference.args, env, state)) for reference in capabilities]
                found.append(self._unfounded(term, Origin("using", places), env, state))
        lacking = [item for item in found if item is not None]
        for item in lacking:
            if item is not Absent.OVERFLOW:
                return item
        return lacking[0] if lacking else None

    def _unfounded(self, expression: TermExpr, origin: Origin, env: Env, state: State) -> Absent | str | None:
        """R3, R10: what keeps a term from being written."""
        term = self._evaluator.term(expression, env, state)
        if isinstance(term, Absent):
            return term
        if origin.kind == "known" and not self._evaluator.knows(state, term):
            return f"the attacker does not know `{term}`"
        if origin.kind == "using":
            members = self._evaluator.members(origin.places or PlaceSet(()), env, state)
            if isinstance(members, Absent):
                return members
            if not self._evaluator.yields(members, term, state):
                return f"{_listed(members)} do not yield `{term}`"
        return None

    def _history_after(self, state: State) -> Mapping[Before, bool]:
        return {before: self._evaluator.latched(past, bound, state) for before, past, bound in self._pasts}

    def _after(self, state: State, name: ActionName, history: Mapping[Before, bool]) -> State:
        """R1: all effects at once, read in the state before; then what is exposed in the state after is observed."""
        action, env = self._declared[name.name], self._instances[name]
        effects = tuple(self._reached(action.effects, env, state))
        states = {**state.states, **self._assigned(action, effects, state)}
        places = {**state.places, **self._moved(action, effects, state)}
        leaked = {sighting.term for sighting in self._leaks(effects, state)}
        return self._observing(State(states, places, state.observed | leaked, name, history))

    def _assigned(
        self, action: Action, effects: Sequence[tuple[Basic, Env]], state: State
    ) -> Mapping[StateName, Value]:
        values: dict[StateName, tuple[Value, Span]] = {}
        for effect, env in effects:
            if isinstance(effect, Assign):
                index = self._evaluator.index(effect.target.args, env, state)
                value = self._evaluator.value(effect.value, env, state)
                assert not isinstance(index, Absent)
                assert not isinstance(value, Absent)
                name = StateName(effect.target.name, index)
                if name in values and values[name][0] != value:
                    raise conflict(action, str(name), values[name][1], effect.span)
                values[name] = (value, effect.span)
        return {name: value for name, (value, _) in values.items()}

    def _moved(
        self, action: Action, effects: Sequence[tuple[Basic, Env]], state: State
    ) -> Mapping[PlaceName, frozenset[Term]]:
        writes: dict[PlaceName, Writes] = {}
        for effect, env in effects:
            if isinstance(effect, Assign | Leak):
                continue
            place = self._evaluator.place(effect.place, env, state)
            assert isinstance(place, PlaceName)
            write = writes.setdefault(place, Writes([], {}, {}))
            match effect:
                case Gain(_, expression):
                    write.gained[self._closed(expression, env, state)] = effect.span
                case Lose(_, expression):
                    write.lost[self._closed(expression, env, state)] = effect.span
                case Become(_, terms):
                    content = frozenset(self._closed(expression, env, state) for expression, _ in terms)
                    write.whole.append((content, effect.span))
                case Copy(_, origin, replace):
                    source = self._evaluator.place(origin, env, state)
                    assert isinstance(source, PlaceName)
                    if replace:
                        write.whole.append((state.places[source], effect.span))
                    else:
                        write.gained.update(dict.fromkeys(state.places[source], effect.span))
        return {place: write.applied(state.places[place], action, place) for place, write in writes.items()}

    def _closed(self, expression: TermExpr, env: Env, state: State) -> Term:
        term = self._evaluator.term(expression, env, state)
        assert not isinstance(term, Absent)
        return term

    # Observing

    def _leaks(self, effects: Sequence[tuple[Basic, Env]], state: State, step: int = 0) -> Iterator[Sighting]:
        for effect, env in effects:
            if isinstance(effect, Leak) and all(self._on(ref, env, state) for ref in effect.capabilities):
                term = self._closed(effect.term, env, state)
                yield Sighting(term, step, None, self._named(effect.capabilities, env, state))

    def _exposed(self, state: State, step: int) -> Iterator[Sighting]:
        """R9: every term in every place that is exposed in `state` to capabilities that are on."""
        for exposure, env, place in self._open(state):
            for term in sorted(state.places[place], key=str):
                yield Sighting(term, step, place, self._named(exposure.capabilities, env, state))

    def _open(self, state: State) -> Iterator[tuple[Exposure, Env, PlaceName]]:
        """The places that are exposed."""
        for exposure in self.lifecycle.exposures:
            for env in assignments(exposure.params):
                if not all(self._on(reference, env, state) for reference in exposure.capabilities):
                    continue
                place = self._evaluator.place(exposure.place, env, state)
                if isinstance(place, Absent) or not self._evaluator.holds(exposure.condition, env, state):
                    continue
                yield exposure, env, place

    def _named(self, references: Sequence[CapabilityRef], env: Env, state: State) -> tuple[CapabilityName, ...]:
        named = []
        for reference in references:
            index = self._evaluator.index(reference.args, env, state)
            assert not isinstance(index, Absent)
            named.append(CapabilityName(reference.name, index))
        return tuple(named)

    def _observing(self, state: State) -> State:
        seen = state.observed.union(*(state.places[place] for _, _, place in self._open(state)))
        return State(state.states, state.places, seen, state.did, state.history)

    def sightings(self, before: State | None, after: State, step: int) -> tuple[Sighting, ...]:
        """Every way in which a term was seen for the first time in the step from `before` to `after`
        (which its `did` names), or in the first state, `before` None. Leaks first."""
        found: list[Sighting] = []
        if before is not None and after.did is not None:
            action, env = self._declared[after.did.name], self._instances[after.did]
            found.extend(self._leaks(tuple(self._reached(action.effects, env, before)), before, step))
        found.extend(self._exposed(after, step))
        old = frozenset() if before is None else before.observed
        return tuple(dict.fromkeys(sighting for sighting in found if sighting.term not in old))

    # Questions

    def holds(self, condition: Condition, env: Env, state: State) -> bool:
        """Whether `condition` holds in `state` for these values of its free variables."""
        return self._evaluator.holds(condition, env, state)

    def knows(self, state: State, term: Term) -> bool:
        """R8: whether the attacker can derive `term` in `state`."""
        return self._evaluator.knows(state, term)

    def term(self, expression: TermExpr, env: Env, state: State) -> Term | None:
        """The closed term that an expression means in `state`; None if it does not exist."""
        term = self._evaluator.term(expression, env, state)
        return None if isinstance(term, Absent) else term

    def places(self, places: PlaceSet, env: Env, state: State) -> tuple[PlaceName, ...]:
        """The places that a set means in `state`."""
        members = self._evaluator.members(places, env, state)
        return () if isinstance(members, Absent) else members

    @property
    def universe(self) -> tuple[Term, ...]:
        return self._evaluator.deduction.universe

    def reaches(self, target: Target, state: State) -> bool:
        """Whether `state` is one that `target` asks for."""
        match target:
            case Reach(binders, condition):
                return any(self.holds(condition, env, state) for env in assignments(binders))
            case Enabled(actions):
                return any(name.name in actions and self.obstacle(state, name) is None for name in self._instances)
            case OutOfRange():
                return self.out_of_range(state)

    def replay(self, trace: Trace) -> tuple[State, ...]:
        """The states of the run, the first one included. Raises ReplayError at the first step that is none."""
        if dict(trace.controls) != self.controls or not self.admissible():
            raise ReplayError(0, "the controls of the trace are not an admissible setting")
        if not self.honest and dict(trace.capabilities) != self.capabilities:
            raise ReplayError(0, "the capabilities of the trace are not those of the setting")
        if self.honest and any(on for _, on in trace.capabilities):
            raise ReplayError(0, "an honest run uses no capability")
        for first in self.initial_states():
            if dict(self.chosen_first(first)) == dict(trace.initial):
                break
        else:
            raise ReplayError(0, "the first values of the trace are not possible")
        run = [first]
        for number, action in enumerate(trace.actions, start=1):
            obstacle = self.obstacle(run[-1], action)
            if obstacle is not None:
                raise ReplayError(number, obstacle.reason)
            run.append(self._after(run[-1], action, self._history_after(run[-1])))
        return tuple(run)


# Where first values and constraints are read: nothing but controls exists yet.
_NOWHERE = State({}, {}, frozenset(), None, {})


def _absent(found: object) -> Absent | None:
    return found if isinstance(found, Absent) else None


def _words(span: Span) -> str:
    return " ".join(span.text.split())


def _listed(places: Sequence[PlaceName]) -> str:
    return ", ".join(f"`{place}`" for place in places) if places else "no places"
