"""Twin and interpreter side by side at every point of a run, and what they must agree on.

After every step both sides must agree on the state, on what is enabled, on what the
attacker knows and on every property.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Protocol, Self, TypeVar

from keyfate.language.typed import Lifecycle, Property, Value
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import ActionName, CapabilityName, ControlName, StateName, Term
from keyfate.lifecycle.problem import Reach, Settings, Trace
from keyfate.twin.moments import Moment
from keyfate.twin.primitives import PRIMITIVES, Primitives
from keyfate.twin.run import Stage, Twin

_SETTINGS_LISTED = 5_000  # admissible settings are listed up to here, drawn and refused beyond


T = TypeVar("T")
R = TypeVar("R", bound="Run")


class Choose(Protocol):
    """Picks one of the options; `label` says what is picked."""

    def __call__(self, label: str, options: Sequence[T]) -> T: ...


class NoSettingError(ValueError):
    """The settings leave no admissible value to some control."""


@dataclass(frozen=True)
class Break:
    """A never or always property that does not hold at the end of `trace`, on bytes."""

    property: Property
    trace: Trace


@dataclass(frozen=True)
class Disagreement:
    """Twin and interpreter see the end of `trace` differently: a defect of keyfate, never of the lifecycle."""

    reason: str
    trace: Trace


class Grounds:
    """What the walks over one lifecycle share, and where they may start."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        settings: Settings,
        properties: Sequence[Property],
        *,
        primitives: Primitives = PRIMITIVES,
        attacker_primitives: Primitives = PRIMITIVES,
        seed: int = 0,
    ) -> None:
        self.lifecycle = lifecycle
        self.properties = [rule for rule in properties if rule.kind != "possible"]
        self.targets = {rule.name: Reach(rule.binders, rule.target) for rule in self.properties}
        self.stage = Stage(lifecycle, primitives, attacker_primitives, seed=seed)
        self.instances: dict[str, list[ActionName]] = {action.name: [] for action in lifecycle.actions}
        for instance in self.stage.instances:
            self.instances[instance.name].append(instance)
        self.basis = Basis(lifecycle)
        self._capabilities: dict[CapabilityName, tuple[bool, ...]] = {
            name: (settings.capabilities[name],) if name in settings.capabilities else (True, False)
            for name in capability_names(lifecycle)
        }
        domains = control_domains(lifecycle)
        self._controls: dict[ControlName, tuple[Value, ...]] = {
            name: (settings.controls[name],) if name in settings.controls else domains[name.name].values
            for name in control_names(lifecycle)
        }
        self._agreed: set[frozenset[Term]] = set()
        # beyond the limit settings are drawn one by one, so nothing is known of them here
        self.settings: Sequence[Mapping[ControlName, Value]] | None = None
        if prod(map(len, self._controls.values())) <= _SETTINGS_LISTED:
            self.settings = list(self._admissible())
            if not self.settings:
                raise NoSettingError("no value of the open controls satisfies the constraints")

    def _admissible(self) -> Iterator[Mapping[ControlName, Value]]:
        for values in product(*self._controls.values()):
            controls = dict(zip(self._controls, values, strict=True))
            if Twin(self.stage, controls, {}).admissible():
                yield controls

    def draw(self, choose: Choose, kind: type[R]) -> R | None:
        """A run at a first state under a setting that `choose` picks; None if it picked no admissible one."""
        if self.settings is not None:
            controls = choose("controls", self.settings)
        else:
            controls = {name: choose(str(name), values) for name, values in self._controls.items()}
            if not Twin(self.stage, controls, {}).admissible():
                return None
        # half of the walks have every capability: most breaks need several at once
        strong = choose("every capability", (True, False))
        capabilities = {
            name: options[0] if strong else choose(str(name), options) for name, options in self._capabilities.items()
        }
        free = Twin(self.stage, controls, capabilities).free_states()
        initial = {name: choose(str(name), options) for name, options in free.items()}
        return kind(self, controls, capabilities, initial)

    def knowledge_differs(self, now: Moment, state: State, twin: Twin) -> str | None:
        """The first term that one side knows and the other does not (R8)."""
        if state.observed in self._agreed:
            return None
        derived = self.basis.deduction.closure(state.observed)
        for term in self.basis.deduction.universe:
            if (term in derived) is not twin.reader.knows(now, term):
                return f"the attacker knows `{term}` {'by deduction' if term in derived else 'on bytes'} only"
        self._agreed.add(state.observed)
        return None


class Run:
    """The twin's side of one run, at one point of it after the other."""

    def __init__(
        self,
        grounds: Grounds,
        controls: Mapping[ControlName, Value],
        capabilities: Mapping[CapabilityName, bool],
        initial: Mapping[StateName, Value],
    ) -> None:
        self.grounds = grounds
        self.trace = Trace(tuple(controls.items()), tuple(capabilities.items()), tuple(initial.items()), ())
        self.twin = Twin(grounds.stage, controls, capabilities)
        self.now = self.twin.first(initial)

    @classmethod
    def of(cls, grounds: Grounds, trace: Trace) -> Self:
        """The run at the start of `trace`."""
        return cls(grounds, dict(trace.controls), dict(trace.capabilities), dict(trace.initial))

    @property
    def depth(self) -> int:
        """How many steps lie behind."""
        return len(self.trace.actions)

    def step(self, action: ActionName) -> None:
        """One step, by an enabled instance."""
        self.trace = replace(self.trace, actions=(*self.trace.actions, action))
        self.now = self.twin.step(self.now, action)

    def breaks(self, declared: Property) -> bool:
        """Whether the property does not hold here, on bytes."""
        return self.twin.reached(self.grounds.targets[declared.name], self.now) is not None

    def difference(self) -> str | None:
        """What another side sees differently here; None if nothing, or if there is no other side."""
        return None


class Pair(Run):
    """Twin and interpreter at the same point of one run."""

    def __init__(
        self,
        grounds: Grounds,
        controls: Mapping[ControlName, Value],
        capabilities: Mapping[CapabilityName, bool],
        initial: Mapping[StateName, Value],
    ) -> None:
        super().__init__(grounds, controls, capabilities, initial)
        watch = [target.condition for target in grounds.targets.values()]
        self._interpreter = Interpreter(grounds.lifecycle, controls, capabilities, watch=watch, basis=grounds.basis)
        self.state = next(
            state
            for state in self._interpreter.initial_states()
            if dict(self._interpreter.chosen_first(state)) == dict(initial)
        )
        self.enabled = self.twin.enabled(self.now)

    def step(self, action: ActionName) -> None:
        """One step of both sides, by an instance that both enable."""
        super().step(action)
        self.state = self._interpreter.step(self.state, action)
        self.enabled = self.twin.enabled(self.now)

    def difference(self) -> str | None:
        """What the two sides see differently here; None if nothing."""
        if dict(self.now.values) != dict(self.state.states):
            return "the states differ"
        if {place: frozenset(slots) for place, slots in self.now.places.items()} != dict(self.state.places):
            return "what the places hold differs"
        bytes_of = self.grounds.stage.vault.bytes_of
        if self.now.observed.keys() != {bytes_of(term) for term in self.state.observed}:
            return "what was observed differs"
        enabled = self._interpreter.enabled(self.state)
        if self.enabled != enabled:
            only = sorted(map(str, set(self.enabled) ^ set(enabled)))[0]
            return f"`{only}` is enabled on one side only"
        unlike = self.grounds.knowledge_differs(self.now, self.state, self.twin)
        if unlike is not None:
            return unlike
        for declared in self.grounds.properties:
            target = self.grounds.targets[declared.name]
            if self.breaks(declared) is not self._interpreter.reaches(target, self.state):
                return f"`{declared.name}` is broken on one side only"
        return None


def reaches(grounds: Grounds, rule: Property, trace: Trace) -> bool:
    """Whether `trace` runs on bytes and ends in a break of `rule`."""
    run = Run.of(grounds, trace)
    for action in trace.actions:
        if run.twin.refusal(run.now, action) is not None:
            return False
        run.step(action)
    return run.breaks(rule)


def differs(grounds: Grounds, trace: Trace) -> bool:
    """Whether twin and interpreter disagree at the end of `trace` and nowhere before."""
    pair = Pair.of(grounds, trace)
    for action in trace.actions:
        if pair.difference() is not None or action not in pair.enabled:
            return False
        pair.step(action)
    return pair.difference() is not None
