"""Lifecycles of a few lines, and runs of them that are asked in strings."""

from __future__ import annotations

from collections.abc import Mapping

from keyfate.language.loading import load_text
from keyfate.language.typed import Lifecycle, Value
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import action_instances, capability_names, control_domains, control_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import ActionName
from keyfate.lifecycle.problem import Finding, Problem, Reach, Reached, Settings, Trace

HEAD = """
lifecycle small "a small one" status assumed
component cpu inside
component host outside
"""


def lifecycle(text: str) -> Lifecycle:
    idle = "" if "action " in text else "\naction idle by cpu"  # a lifecycle has an action
    return load_text(HEAD + text + idle).lifecycle


def action(of: Lifecycle, shown: str) -> ActionName:
    return next(name for name, _ in action_instances(of) if str(name) == shown)


class Run:
    """One run of a lifecycle: controls take their first value, capabilities are off, unless named."""

    def __init__(
        self,
        text: str,
        controls: Mapping[str, Value] | None = None,
        on: tuple[str, ...] = (),
        first: int = 0,
        honest: bool = False,
    ) -> None:
        self.lifecycle = lifecycle(text)
        domains = control_domains(self.lifecycle)
        wanted = controls or {}
        settings = {name: wanted.get(str(name), domains[name.name].values[0]) for name in control_names(self.lifecycle)}
        power = {name: str(name) in on for name in capability_names(self.lifecycle)}
        self.interpreter = Interpreter(self.lifecycle, settings, power, honest)
        self.state: State = list(self.interpreter.initial_states())[first]
        self.first = self.state

    @property
    def enabled(self) -> list[str]:
        return [str(name) for name in self.interpreter.enabled(self.state)]

    def step(self, *actions: str) -> Run:
        for shown in actions:
            self.state = self.interpreter.step(self.state, action(self.lifecycle, shown))
        return self

    def value(self, shown: str) -> Value:
        return next(value for name, value in self.state.states.items() if str(name) == shown)

    def place(self, shown: str) -> set[str]:
        return next({str(t) for t in terms} for name, terms in self.state.places.items() if str(name) == shown)

    @property
    def observed(self) -> set[str]:
        return {str(term) for term in self.state.observed}

    @property
    def known(self) -> set[str]:
        return {str(t) for t in self.interpreter.universe if self.interpreter.knows(self.state, t)}

    def target(self, name: str) -> bool:
        """Whether the present state is what the property's trace must reach."""
        rule = next(rule for rule in self.lifecycle.properties if rule.name == name)
        return self.interpreter.reaches(Reach(rule.binders, rule.target), self.state)

    def trace(self, *actions: str) -> Trace:
        return Trace(
            tuple(self.interpreter.controls.items()),
            tuple(self.interpreter.capabilities.items()),
            self.interpreter.chosen_first(self.first),
            tuple(action(self.lifecycle, shown) for shown in actions),
        )


def problem(of: Lifecycle, name: str, settings: Settings | None = None) -> Problem:
    rule = next(rule for rule in of.properties if rule.name == name)
    return Problem(of, settings or Settings(), Reach(rule.binders, rule.target), rule.kind == "possible")


def decide(of: Lifecycle, name: str, settings: Settings | None = None) -> Finding:
    return explore(problem(of, name, settings)).finding


def steps(finding: Finding) -> list[str]:
    assert isinstance(finding, Reached)
    return [str(action) for action in finding.trace.actions]
