"""What traces have shown already, so that it need not be asked again.

Every trace found under a policy is a run that its settings allow. Which actions happen, and
whether the `when` of another property is reached, can be read off. A trace found under another
policy over the same lifecycle may be a run under this one too, which the judges then say. Only
what no trace shows is put to the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.instances import instances_of
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.problem import Enabled, Reach, Settings, Target, Trace

TRIES = 12
"""Traces of other policies that are tried for one question; each costs less than half of what the engine does."""


@dataclass
class Rumours:
    """Traces found under any policy over one lifecycle, and what each reached."""

    _reached: dict[Target, list[Trace]] = field(default_factory=dict)
    _all: dict[tuple[object, ...], Trace] = field(default_factory=dict)

    def add(self, trace: Trace, target: Target | None = None) -> None:
        """Remember a trace, and its target if another policy may ask for the same."""
        self._all.setdefault((trace.initial, trace.actions), trace)
        if target is not None:
            self._reached.setdefault(target, []).append(trace)

    def likely(self, target: Target, settings: Settings) -> Iterator[Trace]:
        """Traces to try for that target, under these settings."""
        if isinstance(target, Enabled):
            traces: Iterable[Trace] = self._leading_to(target.actions)
        else:
            traces = reversed(self._reached.get(target, ()))
        tried = dict.fromkeys(brought_under(trace, settings) for trace in islice(traces, TRIES))
        return iter(tried)

    def _leading_to(self, names: frozenset[str]) -> Iterator[Trace]:
        """Those in which most of the actions happen, as far as the last of them."""
        found = []
        for trace in self._all.values():
            at = [number for number, action in enumerate(trace.actions) if action.name in names]
            if at:
                count = len({trace.actions[number].name for number in at})
                found.append((-count, at[-1], replace(trace, actions=trace.actions[: at[-1]])))
        yield from (trace for _, _, trace in sorted(found, key=lambda ranked: ranked[:2]))


def brought_under(trace: Trace, settings: Settings) -> Trace:
    """The trace with what `settings` fix."""
    return replace(
        trace,
        controls=tuple((name, settings.controls.get(name, value)) for name, value in trace.controls),
        capabilities=tuple((name, settings.capabilities.get(name, on)) for name, on in trace.capabilities),
    )


@dataclass
class Memory:
    """Traces of one policy, in the order they were found."""

    lifecycle: Lifecycle
    basis: Basis
    _runs: list[_Run] = field(default_factory=list)

    def add(self, trace: Trace) -> None:
        """Remember a trace that the interpreter has replayed."""
        self._runs.append(_Run(self, trace))

    @property
    def happened(self) -> set[str]:
        """Names of the actions of all traces."""
        return {action.name for run in self._runs for action in run.trace.actions}

    def run_to(self, target: Reach) -> Trace | None:
        """The first trace that passes a state of the target, as far as there. Only targets that are the `when` of a
        property can be looked for."""
        for run in self._runs:
            for steps, state in enumerate(run.states):
                if run.interpreter.reaches(target, state):
                    return replace(run.trace, actions=run.trace.actions[:steps])
        return None

    def enabled_at_last(self, names: set[str]) -> set[str]:
        """Those of the actions that are enabled where the latest trace ends."""
        run = self._runs[-1]
        instances = (n for a in self.lifecycle.actions if a.name in names for n, _ in instances_of(a))
        return {n.name for n in instances if run.interpreter.obstacle(run.states[-1], n) is None}


@dataclass
class _Run:
    memory: Memory
    trace: Trace

    @cached_property
    def interpreter(self) -> Interpreter:
        return Interpreter(
            self.memory.lifecycle,
            dict(self.trace.controls),
            dict(self.trace.capabilities),
            watch=[rule.when for rule in self.memory.lifecycle.properties if rule.when is not None],
            basis=self.memory.basis,
        )

    @cached_property
    def states(self) -> tuple[State, ...]:
        return self.interpreter.replay(self.trace)
