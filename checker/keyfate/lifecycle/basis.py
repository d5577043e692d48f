"""What hangs on a lifecycle alone: worked out once for all that is interpreted of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from keyfate.language.typed import Condition, Lifecycle, Param, Past
from keyfate.lifecycle.deduction import Deduction
from keyfate.lifecycle.instances import Env, action_instances, assignments
from keyfate.lifecycle.names import ActionName, Before
from keyfate.lifecycle.trees import nodes
from keyfate.lifecycle.universe import universe


class Basis:
    """May be shared by all interpreters of one lifecycle."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self._pasts: dict[Condition, dict[int, Past]] = {}

    @cached_property
    def deduction(self) -> Deduction:
        return Deduction(universe(self.lifecycle))

    @cached_property
    def instances(self) -> dict[ActionName, Env]:
        """Every instance of every action, with the values of its parameters."""
        return dict(action_instances(self.lifecycle))

    def pasts(self, watched: Sequence[Condition]) -> tuple[tuple[Before, Past, Env], ...]:
        """Every past operator of actions, exposures and `watched`, at every value of its free variables."""
        found = dict(self._always)
        for condition in watched:
            if condition not in self._pasts:
                self._pasts[condition] = self._below((condition,))
            found |= self._pasts[condition]
        return tuple(
            (Before(past.identity, tuple(env.values())), past, env)
            for past in found.values()
            for env in assignments(self._params[name] for name in past.free)
        )

    @cached_property
    def _params(self) -> dict[str, Param]:
        return {param.name: param for rule in self.lifecycle.properties for param in rule.binders}

    @cached_property
    def _always(self) -> dict[int, Past]:
        return self._below((self.lifecycle.actions, self.lifecycle.exposures))

    def _below(self, roots: Iterable[object]) -> dict[int, Past]:
        found: dict[int, Past] = {}
        for node in nodes(tuple(roots)):
            if isinstance(node, Past):
                found[node.identity] = node
            elif isinstance(node, Param):
                self._params[node.name] = node
        return found
