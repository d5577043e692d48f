"""Which transitions of a state variable happen: candidates that some action allows, and which of them are reached.

A candidate is a change that an action makes in some typed state, whatever the settings. All candidates that no run has
shown yet are put to the engine as one question; each run that it finds is replayed, with a look at every step that
was possible along it, and takes its transitions off the question, until the engine answers that none of the rest is
ever reached. What was not decided stays open: nothing is claimed that nobody found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from keyfate.diagrams.happening import Happening, Look, Wanted
from keyfate.engines.decide import Engine
from keyfate.language.typed import And, Assign, Compare, Condition, Constant, Did, Lifecycle, Or, Past, StateRef, Value
from keyfate.lifecycle.evaluation import Absent, State
from keyfate.lifecycle.instances import state_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import StateName
from keyfate.lifecycle.partial import Partial, SearchLimitError, Unknown, conjunction, negated
from keyfate.lifecycle.problem import Budget, Problem, Reach, Reached, Settings, Trace, Unreachable
from keyfate.lifecycle.trees import nodes

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
    candidates = tuple(dict.fromkeys(c for h in anything.happenings() for c in _candidates(anything, h, set(states))))
    search = _Search(lifecycle, settings, candidates)
    search.run(Budget(seconds))
    return Reachable(candidates, frozenset(search.reached), frozenset(search.left), _initial(anything, settings, states))


def _initial(look: Look, settings: Settings, states: Sequence[str]) -> Mapping[str, frozenset[Value]]:
    """The first values of each state variable, over all its instances; what hangs on an open control may be any."""
    known = Partial(look.frame, dict(settings.controls))
    found: dict[str, set[Value]] = {}
    for state in look.lifecycle.states:
        if state.name not in states:
            continue
        values = found.setdefault(state.name, set())
        for name in (n for n in state_names(look.lifecycle) if n.name == state.name):
            env = {param.name: value for param, value in zip(state.params, name.args, strict=True)}
            first = None if state.initial is None else known.value(state.initial, env)
            if state.initial is None or isinstance(first, Unknown):
                values.update(state.domain.values)
            else:
                assert not isinstance(first, Absent)
                values.add(first)
    return {name: frozenset(values) for name, values in found.items()}


def _candidates(look: Look, happening: Happening, states: set[str]) -> Iterator[Transition]:
    """What an assignment may change, from which value to which, in some typed state."""
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
                if before != after and _possible(look, happening, effect, name, before, after):
                    yield Transition(name.name, before, after, happening.action.name)


def _possible(
    look: Look, happening: Happening, effect: Assign, name: StateName, before: Value, after: Value
) -> bool:
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
        found = look.frame.find((was, changes, partial(_hold, (*happening.conditions, *constraints))), _BRANCHES)
    except SearchLimitError:
        return True
    return found is not None


def _hold(conditions: Sequence[Wanted], seen: Partial) -> bool | Unknown:
    outcomes = ((seen.holds(condition, env), wanted) for condition, env, wanted in conditions)
    return conjunction(outcome if wanted else negated(outcome) for outcome, wanted in outcomes)


class _Search:
    """Takes transitions off a question until it is answered."""

    def __init__(self, lifecycle: Lifecycle, settings: Settings, candidates: Sequence[Transition]) -> None:
        self._lifecycle = lifecycle
        self._settings = settings
        self.left = dict.fromkeys(candidates)
        self.reached: dict[Transition, None] = {}
        taken = [node.identity for node in nodes(lifecycle) if isinstance(node, Past)]
        self._identity = max(taken, default=0) + 1
        self._pasts: dict[tuple[StateName, Value], Past] = {}  # an engine knows a past by its identity

    def run(self, budget: Budget) -> None:
        engine = Engine(self._lifecycle)
        while self.left:
            finding = engine.decide(Problem(self._lifecycle, self._settings, self._target()), budget)
            if isinstance(finding, Reached):
                before = len(self.left)
                self._learn(finding.trace)
                assert len(self.left) < before, "a run shows what was asked for"
            else:
                if isinstance(finding, Unreachable):
                    self.left.clear()
                return

    def _target(self) -> Reach:
        """A state that was just entered by one of the transitions that are left."""
        ways: list[Condition] = []
        for name in state_names(self._lifecycle):
            for transition in self.left:
                if transition.state != name.name:
                    continue
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
                action = next(a for a in self._lifecycle.actions if a.name == transition.action)
                did = Did(action.name, (None,) * len(action.params))
                ways.append(And((did, Compare("=", ref, Constant(transition.after)), was)))
        return Reach((), Or(tuple(ways)))

    def _learn(self, trace: Trace) -> None:
        """Every transition on the run, and on every step that could have been taken from one of its states."""
        interpreter = Interpreter(self._lifecycle, dict(trace.controls), dict(trace.capabilities), watch=())
        for state in interpreter.replay(trace):
            for _, after in interpreter.successors(state):
                for transition in changes(state, after):
                    if transition in self.left:
                        del self.left[transition]
                        self.reached[transition] = None


def changes(before: State, after: State) -> Iterator[Transition]:
    """The transitions that one step made."""
    assert after.did is not None
    for name, value in after.states.items():
        if before.states[name] != value:
            yield Transition(name.name, before.states[name], value, after.did.name)
