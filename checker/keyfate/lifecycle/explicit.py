"""Explicit search: every reachable state, one by one, by the plain interpreter.

Breadth first from all first states of all admissible settings together, so the first
state found that the target asks for ends a shortest trace. It assumes nothing (not even
that a capability only adds), which is why the faster engines are tested against it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, TypeVar

from keyfate.language.typed import Condition, Did, Lifecycle, Truth, Value
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import ActionName, CapabilityName, ControlName
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    NotWithin,
    Problem,
    Reach,
    Reached,
    Settings,
    Trace,
    Undecided,
    Unreachable,
)
from keyfate.lifecycle.trees import nodes

if TYPE_CHECKING:
    import networkx as nx

STATE_LIMIT = 200_000
SETTING_LIMIT = 4_096


@dataclass(frozen=True)
class Exploration:
    """What a search found.

    `states` is the number of reachable states under one fixed setting, those that differ only
    in the past (`did`, history latches) counted once; None where settings are open or the
    search did not visit all. `graph`, if asked for, has the visited states as numbered nodes
    (attributes `state`, `initial`, `target`, and `setting`, the number of the setting) and the
    steps as edges (attribute `action`).
    """

    finding: Finding
    states: int | None
    graph: nx.MultiDiGraph[int] | None = None


@dataclass(frozen=True)
class _Node:
    interpreter: Interpreter
    setting: int
    state: State
    depth: int
    parent: _Node | None


def explore(
    problem: Problem, *, limit: int = STATE_LIMIT, budget: Budget | None = None, graph: bool = False
) -> Exploration:
    """Decide `problem` by visiting states; with `graph`, visit all of them whatever is found.

    Undecided past `limit` states, past the budget's seconds, or where too many settings are
    open to try each; NotWithin where the budget's steps end the search.
    """
    budget = budget or Budget()
    until = None if budget.seconds is None else time.monotonic() + budget.seconds
    settings = _settings(problem, until)
    if settings is None:
        return Exploration(_late(budget), None)
    if isinstance(settings, Undecided):
        return Exploration(settings, None)
    return _Search(problem, settings, limit, budget, until, graph).run()


def reachable_states(lifecycle: Lifecycle, settings: Settings, *, limit: int = STATE_LIMIT) -> int | None:
    """How many states are reachable under settings that leave nothing open, the past not counted;
    None if there are more than `limit`, or something is open."""
    return explore(Problem(lifecycle, settings, Reach((), Truth(False))), limit=limit).states


class _Search:
    def __init__(
        self,
        problem: Problem,
        settings: list[Interpreter],
        limit: int,
        budget: Budget,
        until: float | None,
        graph: bool,
    ) -> None:
        self._problem = problem
        self._settings = settings
        self._limit = limit
        self._budget = budget
        self._until = until
        self._remembered = _actions_asked_for(problem)
        self._visited: dict[Hashable, int] = {}
        self._present: set[Hashable] = set()  # what of them is not past
        self._queue: deque[tuple[int, _Node]] = deque()
        self._reached: Reached | None = None
        self._graph: nx.MultiDiGraph[int] | None = None
        if graph:
            import networkx

            self._graph = networkx.MultiDiGraph()

    def run(self) -> Exploration:
        for setting, interpreter in enumerate(self._settings):
            for first in interpreter.initial_states():
                self._visit(_Node(interpreter, setting, first, 0, None))
        cut = False  # whether the bound on steps left something out
        while self._queue and (self._reached is None or self._graph is not None):
            if len(self._visited) > self._limit:
                return self._stopped(f"more than {self._limit:,} states")
            if self._until is not None and time.monotonic() > self._until:
                return self._stopped(_late(self._budget).reason)
            number, node = self._queue.popleft()
            if self._budget.steps is not None and node.depth >= self._budget.steps:
                cut = True
                continue
            for action, state in node.interpreter.successors(node.state):
                found = self._visit(_Node(node.interpreter, node.setting, state, node.depth + 1, node))
                if self._graph is not None:
                    self._graph.add_edge(number, found, key=str(action), action=action)
        if self._reached is None and cut:
            assert self._budget.steps is not None
            return Exploration(NotWithin(self._budget.steps), None, self._graph)
        complete = not self._queue and not cut and len(self._settings) == 1
        finding = self._reached or Unreachable(None)
        return Exploration(finding, len(self._present) if complete else None, self._graph)

    def _stopped(self, reason: str) -> Exploration:
        return Exploration(self._reached or Undecided(reason), None, self._graph)

    def _visit(self, node: _Node) -> int:
        """The number of the node's state; queued, and held against the target, if it is new."""
        state = node.state
        did = state.did if state.did is not None and state.did.name in self._remembered else None
        present = (node.setting, tuple(state.states.values()), tuple(state.places.values()), state.observed)
        key = (present, did, tuple(state.history.values()))
        if key in self._visited:
            return self._visited[key]
        number = self._visited[key] = len(self._visited)
        self._present.add(present)
        self._queue.append((number, node))
        if self._reached is not None and self._graph is None:
            return number
        hit = node.interpreter.reaches(self._problem.target, state)
        if hit and self._reached is None:
            self._reached = Reached(_trace(node))
        if self._graph is not None:
            self._graph.add_node(number, state=state, initial=node.parent is None, target=hit, setting=node.setting)
        return number


def _trace(node: _Node) -> Trace:
    actions: list[ActionName] = []
    while node.parent is not None:
        assert node.state.did is not None
        actions.append(node.state.did)
        node = node.parent
    interpreter = node.interpreter
    return Trace(
        tuple(interpreter.controls.items()),
        tuple(interpreter.capabilities.items()),
        interpreter.chosen_first(node.state),
        tuple(reversed(actions)),
    )


def _actions_asked_for(problem: Problem) -> frozenset[str]:
    """The actions that some `did` asks for: of others it need not be remembered that they came last."""
    roots = (problem.lifecycle.actions, problem.lifecycle.exposures, problem.target)
    return frozenset(node.action for node in nodes(roots) if isinstance(node, Did))


def _late(budget: Budget) -> Undecided:
    return Undecided(f"no answer within {budget.seconds:.3g} s")


def _settings(problem: Problem, until: float | None) -> list[Interpreter] | Undecided | None:
    """One interpreter for each admissible setting that agrees with the problem's; None if the time was up before."""
    lifecycle, fixed = problem.lifecycle, problem.settings
    switches: dict[CapabilityName, tuple[bool, ...]] = {
        name: (False,)
        if problem.honest
        else (fixed.capabilities[name],)
        if name in fixed.capabilities
        else (False, True)
        for name in capability_names(lifecycle)
    }
    domains = control_domains(lifecycle)
    options: dict[ControlName, tuple[Value, ...]] = {
        name: (fixed.controls[name],) if name in fixed.controls else domains[name.name].values
        for name in control_names(lifecycle)
    }
    count = prod(map(len, options.values())) * prod(map(len, switches.values()))
    if count > SETTING_LIMIT * 16:  # constraints may leave few of them, within reason
        return _too_many(count)
    basis = Basis(lifecycle)
    watch: tuple[Condition, ...] = (problem.target.condition,) if isinstance(problem.target, Reach) else ()
    found: list[Interpreter] = []
    for controls in _each(options):
        if until is not None and time.monotonic() > until:
            return None
        if not Interpreter(lifecycle, controls, {}, watch=(), basis=basis).admissible():
            continue
        for capabilities in _each(switches):
            if len(found) == SETTING_LIMIT:
                return _too_many(count)
            if any(excluded.holds(controls, capabilities) for excluded in problem.excluded):
                continue
            found.append(Interpreter(lifecycle, controls, capabilities, problem.honest, watch=watch, basis=basis))
    return found


def _too_many(count: int) -> Undecided:
    return Undecided(f"{count:,} settings are open, too many to explore each; fix controls or capabilities")


_K = TypeVar("_K")
_V = TypeVar("_V")


def _each(options: Mapping[_K, tuple[_V, ...]]) -> Iterator[dict[_K, _V]]:
    """Every choice of one option for each key."""
    for values in product(*options.values()):
        yield dict(zip(options, values, strict=True))
