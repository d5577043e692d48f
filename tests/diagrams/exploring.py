"""Small lifecycles and everything that the plain interpreter sees of them: what figures are held against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from keyfate.checking.naming import Namer
from keyfate.language.loading import load_text
from keyfate.language.typed import Lifecycle, Truth
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.names import ActionName, Term
from keyfate.lifecycle.problem import Problem, Reach, Settings
from keyfate.policy.loading import lifecycle_policy
from keyfate.policy.policy import Policy
from vault import LIFECYCLE

MANUAL = Path(__file__).parents[2] / "docs" / "language.md"


def laptop() -> str:
    """The manual's lifecycle of a laptop's disk."""
    (text,) = (b for b in re.findall(r"^```kf\n(.+?)^```", MANUAL.read_text(), re.M | re.S) if "lifecycle laptop" in b)
    return text


TEXTS = {"vault": LIFECYCLE, "laptop": laptop()}


def bare(text: str) -> Policy:
    """The lifecycle with everything open and every capability on; LifecycleError where no setting is admissible."""
    loaded = load_text(text)
    return lifecycle_policy("drawn.kf", load=lambda path, scope: loaded)


def family(namer: Namer, term: Term) -> str:
    """The term as it is shown, without any index."""
    return re.sub(r"\[[^\]]*\]", "", namer.term(term))


@dataclass(frozen=True)
class Seen:
    """A step between two reachable states, under one setting."""

    before: State
    action: ActionName
    after: State


@dataclass(frozen=True)
class World:
    """Every reachable state and step of a lifecycle, under every admissible setting that agrees with `settings`."""

    lifecycle: Lifecycle
    settings: Settings

    @cached_property
    def _graph(self):
        graph = explore(Problem(self.lifecycle, self.settings, Reach((), Truth(False))), graph=True).graph
        assert graph is not None
        return graph

    @property
    def states(self) -> Iterator[State]:
        for _, data in self._graph.nodes(data=True):
            yield data["state"]

    @property
    def first(self) -> Iterator[State]:
        for _, data in self._graph.nodes(data=True):
            if data["initial"]:
                yield data["state"]

    @property
    def steps(self) -> Iterator[Seen]:
        states = dict(self._graph.nodes(data="state"))
        for source, target, data in self._graph.edges(data=True):
            yield Seen(states[source], data["action"], states[target])


def world(policy: Policy) -> World:
    return World(policy.lifecycle, policy.settings)
