"""What may happen under a policy, as far as its settings alone tell: every effect that they do not rule out.

An effect is ruled out where a capability that its action needs is off, or where the guard or a condition around it is
false whatever the state is. What is left may still be out of reach; that is for whoever asks an engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keyfate.language.typed import (
    Action,
    CapabilityRef,
    Choose,
    Effect,
    ForEach,
    Leak,
    Lifecycle,
    Value,
)
from keyfate.lifecycle.instances import Env, assignments, instances_of
from keyfate.lifecycle.interpreter import Basic
from keyfate.lifecycle.names import ActionName, CapabilityName
from keyfate.lifecycle.partial import Frame, Partial, Variable, Wanted, all_hold
from keyfate.lifecycle.problem import Settings


@dataclass(frozen=True)
class Happening:
    """An effect of an instance, with the values of all that is bound around it and what must hold for it."""

    action: Action
    instance: ActionName
    env: Env
    effect: Basic
    conditions: tuple[Wanted, ...]


@dataclass(frozen=True)
class Look:
    """A lifecycle under settings that may leave controls and capabilities open."""

    lifecycle: Lifecycle
    settings: Settings
    frame: Frame

    @classmethod
    def at(cls, lifecycle: Lifecycle, settings: Settings) -> Look:
        """Raises LifecycleError where the lifecycle has too many terms."""
        return cls(lifecycle, settings, Frame(lifecycle))

    @property
    def known(self) -> Partial:
        """An evaluation that knows the controls that are set, and nothing else."""
        assigned: dict[Variable, Value | ActionName] = {}
        for name, value in self.settings.controls.items():
            assigned[name] = value
        return Partial(self.frame, assigned)

    def happenings(self) -> Iterator[Happening]:
        """Every effect that the settings do not rule out, in the order of the text."""
        for action in self.lifecycle.actions:
            for instance, env in instances_of(action):
                wanted: tuple[Wanted, ...] = ((action.guard, env, True),)
                if self.on(action.needs, env) and not self._refuted(wanted):
                    for effect, inner, conditions in self._reached(action.effects, env, wanted):
                        if not isinstance(effect, Leak) or self.on(effect.capabilities, inner):
                            yield Happening(action, instance, inner, effect, conditions)

    def exposed(self) -> Iterator[int]:
        """The numbers of the exposures that some capability which may be on sees in some state."""
        for number, exposure in enumerate(self.lifecycle.exposures):
            for env in assignments(exposure.params):
                if self.on(exposure.capabilities, env) and not self._refuted(((exposure.condition, env, True),)):
                    yield number
                    break

    def on(self, references: Sequence[CapabilityRef], env: Env) -> bool:
        """Whether all of these capabilities may be on."""
        for reference in references:
            index = self.known.index(reference.args, env)
            if isinstance(index, tuple) and not self.settings.capabilities.get(
                CapabilityName(reference.name, index), True
            ):
                return False
        return True

    def _refuted(self, conditions: Sequence[Wanted]) -> bool:
        return all_hold(conditions, self.known) is False

    def _reached(
        self, effects: Sequence[Effect], env: Env, conditions: tuple[Wanted, ...]
    ) -> Iterator[tuple[Basic, Env, tuple[Wanted, ...]]]:
        for effect in effects:
            match effect:
                case ForEach(param, where, body):
                    for value in param.domain.values:
                        inner = {**env, param.name: value}
                        more: Wanted = (where, inner, True)
                        if not self._refuted((more,)):
                            yield from self._reached(body, inner, (*conditions, more))
                case Choose(condition, then, otherwise):
                    for holds, branch in ((True, then), (False, otherwise)):
                        more = (condition, env, holds)
                        if not self._refuted((more,)):
                            yield from self._reached(branch, env, (*conditions, more))
                case _:
                    yield effect, env, conditions
