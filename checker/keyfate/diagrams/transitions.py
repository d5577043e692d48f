"""Which transitions of a state variable happen: candidates that some action allows, and which of them are reached.

A candidate is a change that an action makes in some typed state, whatever the settings. Random simulation comes by
most of what is reachable; the interpreter replays each run and takes its transitions off. What is left of a variable
is put to the engine as one question, run by run, until it answers that none of the rest is ever reached and Z3 accepts
the proof. What was not decided so stays undecided: nothing is claimed that nobody found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING

from keyfate.diagrams.happening import Happening, Look
from keyfate.engines.decide import Engine
from keyfate.engines.sat import Clock
from keyfate.language import typed
from keyfate.language.typed import (
    And,
    Assign,
    Compare,
    Condition,
    Constant,
    Did,
    Domain,
    Lifecycle,
    Or,
    Param,
    Past,
    StateRef,
    Value,
    Var,
)
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.evaluation import Absent, State
from keyfate.lifecycle.instances import Env, assignments, state_names
from keyfate.lifecycle.interpreter import Interpreter, ReplayError
from keyfate.lifecycle.names import StateName
from keyfate.lifecycle.partial import Partial, SearchLimitError, Unknown, Wanted, all_hold, conjunction
from keyfate.lifecycle.problem import Budget, Problem, Reach, Reached, Settings, Trace, Unreachable
from keyfate.lifecycle.trees import nodes

if TYPE_CHECKING:
    from keyfate.certifier.certify import Certifier

_MANY = 1_000_000  # branches over controls: as many as whoever looks for an admissible setting tries
_BRANCHES = 500  # of the search for a typed state; given up, the candidate stands and the engine decides


@dataclass(frozen=True)
class Transition:
    """`action` takes an instance of the state variable `state` from one value to another."""

    state: str
    before: Value
    after: Value
    action: str


@dataclass(frozen=True)
class Reachable:
    """Every candidate, in the order of the text, and what is known of it.

    `values` has for each state variable the values with which some run begins, and those that some run reaches.
    """

    candidates: tuple[Transition, ...]
    reached: frozenset[Transition]
    undecided: frozenset[Transition]
    initial: Mapping[str, frozenset[Value]]

    def values(self, state: str) -> frozenset[Value]:
        """The values that an instance of the variable ever has."""
        return self.initial[state] | {t.after for t in self.reached if t.state == state}


def transitions(
    lifecycle: Lifecycle, settings: Settings, states: Sequence[str], *, seconds: float | None = None
) -> Reachable:
    """The transitions of these state variables, under any admissible setting that agrees with `settings`.

    Raises LifecycleError where the lifecycle is too large.
    """
    anything = Look.at(lifecycle, Settings())
    found: dict[Transition, None] = {}
    for happening in anything.happenings():
        found |= dict.fromkeys(_candidates(anything, happening, set(states), found))
    candidates = tuple(found)
    search = _Search(lifecycle, settings, states, candidates)
    search.run(Budget(seconds))
    initial = _initial(anything, settings, states)
    return Reachable(candidates, frozenset(search.reached), frozenset(search.left), initial)


def _initial(look: Look, settings: Settings, states: Sequence[str]) -> Mapping[str, frozenset[Value]]:
    """The first values of each state variable, over all its instances and all admissible settings."""
    fixed = [(name, value) for name, value in settings.controls.items()]
    constraints: tuple[Wanted, ...] = tuple((rule.condition, {}, True) for rule in look.lifecycle.constraints)

    def set_so(seen: Partial) -> bool | Unknown:
        return conjunction(seen.equal(seen.look(name), value) for name, value in fixed)

    def possible(state: typed.State, env: Env, value: Value) -> bool:
        if state.initial is None:
            return True
        first = state.initial
        tests = (lambda seen: seen.equal(seen.value(first, env), value), set_so, partial(all_hold, constraints))
        return look.frame.find(tests, _MANY) is not None

    return {
        state.name: frozenset(
            value
            for value in state.domain.values
            if any(possible(state, env, value) for env in assignments(state.params))
        )
        for state in look.lifecycle.states
        if state.name in states
    }


def _candidates(
    look: Look, happening: Happening, states: set[str], known: Mapping[Transition, None]
) -> Iterator[Transition]:
    """What an assignment may change, from which value to which, in some typed state; what is known is not asked."""
    effect = happening.effect
    if not isinstance(effect, Assign) or effect.target.name not in states:
        return
    domain = look.frame.states[effect.target.name].values
    index = Partial(look.frame, {}).index(effect.target.args, happening.env)
    for name in (n for n in state_names(look.lifecycle) if n.name == effect.target.name):
        if isinstance(index, Absent) or (isinstance(index, tuple) and index != name.args):
            continue
        for before in domain:
            for after in domain:
                transition = Transition(name.name, before, after, happening.action.name)
                if before == after or transition in known:
                    continue
                if _possible(look, happening, effect, name, before, after):
                    yield transition


def _possible(look: Look, happening: Happening, effect: Assign, name: StateName, before: Value, after: Value) -> bool:
    """Whether some typed state has `before`, satisfies guard and constraints, and is left for `after`."""
    constraints: tuple[Wanted, ...] = tuple((rule.condition, {}, True) for rule in look.lifecycle.constraints)

    def was(seen: Partial) -> bool | Unknown:
        return seen.equal(seen.look(name), before)

    def changes(seen: Partial) -> bool | Unknown:
        return conjunction(
            (
                seen.equal(seen.index(effect.target.args, happening.env), name.args),
                seen.equal(seen.value(effect.value, happening.env), after),
            )
        )

    try:
        found = look.frame.find((was, changes, partial(all_hold, (*happening.conditions, *constraints))), _BRANCHES)
    except SearchLimitError:
        return True
    return found is not None


class _Search:
    """Takes transitions off a question until it is answered."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        settings: Settings,
        states: Sequence[str],
        candidates: Sequence[Transition],
    ) -> None:
        self._lifecycle = lifecycle
        self._basis = Basis(lifecycle)
        self._settings = settings
        self._candidates = frozenset(candidates)
        self._states = frozenset(states)
        self.left = dict.fromkeys(candidates)
        self.reached: dict[Transition, None] = {}
        taken = [node.identity for node in nodes(lifecycle) if isinstance(node, Past)]
        self._identity = max(taken, default=0) + 1
        self._pasts: dict[tuple[StateName, Value], Past] = {}  # an engine knows a past by its identity

    def run(self, budget: Budget) -> None:
        """All questions together have the time of one."""
        engine = Engine(self._lifecycle)
        clock = Clock(budget)
        if self.left:
            for trace in engine.sample(self._problem(self.left), Budget(clock.left)):
                with suppress(ReplayError):  # a sample leaves out what its slice knows nothing of
                    self._learn(trace)
        for state in dict.fromkeys(transition.state for transition in self.left):
            self._decide(engine, state, clock)

    def _decide(self, engine: Engine, state: str, clock: Clock) -> None:
        """What is left of one variable: its cone is smaller than that of all."""
        while mine := [transition for transition in self.left if transition.state == state]:
            if clock.left == 0:
                return
            problem = self._problem(mine)
            finding = engine.decide(problem, Budget(clock.left), sampled=True)
            if isinstance(finding, Reached):
                self._learn(finding.trace)
                assert any(transition not in self.left for transition in mine), "a run shows what was asked for"
            else:
                if isinstance(finding, Unreachable) and self._certifier.certify(problem, finding).accepted:
                    for transition in mine:
                        del self.left[transition]
                return

    @cached_property
    def _certifier(self) -> Certifier:
        from keyfate.certifier.certify import Certifier

        return Certifier(self._lifecycle)

    def _problem(self, asked: Iterable[Transition]) -> Problem:
        """A state that was just entered by one of the transitions: one part of the question for each."""
        ways = [self._entered(transition) for transition in asked]
        which = Param("which", "which", Domain("transition", tuple(range(len(ways)))))
        chosen = [And((Compare("=", Var("which"), Constant(n)), way)) for n, way in enumerate(ways)]
        return Problem(self._lifecycle, self._settings, Reach((which,), Or(tuple(chosen))))

    def _entered(self, transition: Transition) -> Condition:
        ways = []
        for name in (n for n in state_names(self._lifecycle) if n.name == transition.state):
            ref = StateRef(name.name, tuple(map(Constant, name.args)))
            was = self._pasts.setdefault(
                (name, transition.before),
                Past(
                    "previously",
                    Compare("=", ref, Constant(transition.before)),
                    None,
                    self._identity + len(self._pasts),
                    (),
                ),
            )
            ways.append(And((Compare("=", ref, Constant(transition.after)), was)))
        action = next(a for a in self._lifecycle.actions if a.name == transition.action)
        return And((Did(action.name, (None,) * len(action.params)), Or(tuple(ways))))

    def _learn(self, trace: Trace) -> None:
        """Take every transition on the run off the question."""
        interpreter = Interpreter(
            self._lifecycle, dict(trace.controls), dict(trace.capabilities), watch=(), basis=self._basis
        )
        run = interpreter.replay(trace)
        for before, after in pairwise(run):
            for transition in changes(before, after):
                asked = transition.state in self._states
                assert not asked or transition in self._candidates, "what happens is possible"
                if transition in self.left:
                    del self.left[transition]
                    self.reached[transition] = None


def changes(before: State, after: State) -> Iterator[Transition]:
    """The transitions that one step made."""
    assert after.did is not None
    for name, value in after.states.items():
        if before.states[name] != value:
            yield Transition(name.name, before.states[name], value, after.did.name)
