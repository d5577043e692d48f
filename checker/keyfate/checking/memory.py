"""What the traces of one policy have shown already, so that it need not be asked again.

Every trace found under a policy is a run that its settings allow. Which actions happen, and
whether the `when` of another property is reached, can be read off; only what no trace shows
is put to the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.deduction import Deduction
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.instances import instances_of
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.problem import Reach, Trace


@dataclass
class Memory:
    """Traces of one policy, in the order they were found."""

    lifecycle: Lifecycle
    deduction: Deduction
    _runs: list[_Run] = field(default_factory=list)

    def add(self, trace: Trace) -> None:
        """Remember a trace that the interpreter has replayed."""
        self._runs.append(_Run(self, trace))

    @property
    def happened(self) -> set[str]:
        """Names of the actions of all traces."""
        return {action.name for run in self._runs for action in run.trace.actions}

    def reaches_when(self, rule: Property) -> bool:
        """Whether some trace passes a state in which the property's `when` holds."""
        if rule.when is None:
            return False
        target = Reach(rule.binders, rule.when)
        return any(run.interpreter.reaches(target, state) for run in self._runs for state in run.states)

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
            deduction=self.memory.deduction,
        )

    @cached_property
    def states(self) -> tuple[State, ...]:
        return self.interpreter.replay(self.trace)
