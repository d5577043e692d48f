"""The search for a typed state is exact: what it finds is one, and where it finds none there is none."""

from __future__ import annotations

from functools import partial
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.language.loading import load_text
from keyfate.language.typed import And, Condition, Lifecycle, Not, Past, Value
from keyfate.lifecycle.evaluation import Evaluator, State
from keyfate.lifecycle.instances import (
    assignments,
    control_domains,
    control_names,
    place_names,
    state_domains,
    state_names,
)
from keyfate.lifecycle.names import ActionName, Before, StateName
from keyfate.lifecycle.partial import Assignment, Content, Frame, LastStep, Partial, Unknown, Variable
from keyfate.lifecycle.trees import nodes, parameters


def evaluated(condition: Condition, env: dict[str, Value], look: Partial) -> bool | Unknown:
    return look.holds(condition, env)


def befores(of: Lifecycle) -> list[Before]:
    params = parameters(of)
    return [
        Before(node.identity, tuple(env.values()))
        for node in nodes(of)
        if isinstance(node, Past)
        for env in assignments(params[name] for name in node.free)
    ]


def completed(of: Lifecycle, assigned: Assignment) -> tuple[Evaluator, State]:
    """The assignment made a whole state, with the first value, or nothing, for what it leaves open."""
    controls, states = control_domains(of), state_domains(of)

    def value(name: StateName) -> Value:
        found = assigned.get(name, states[name.name].values[0])
        assert not isinstance(found, ActionName)
        return found

    present = [fact for fact, holds in assigned.items() if isinstance(fact, Content) and holds]
    step = assigned.get(LastStep())
    state = State(
        {name: value(name) for name in state_names(of)},
        {name: frozenset(fact.term for fact in present if fact.place == name) for name in place_names(of)},
        frozenset(fact.term for fact in present if fact.place is None),
        step if isinstance(step, ActionName) else None,
        {before: bool(assigned.get(before, False)) for before in befores(of)},
    )
    settings = {name: assigned.get(name, controls[name.name].values[0]) for name in control_names(of)}
    return Evaluator(of, settings), state


def arbitrary(of: Lifecycle, frame: Frame, random: Random) -> dict[Variable, Value | ActionName]:
    """Any typed state, as an assignment of everything but what follows from it."""
    assigned: dict[Variable, Value | ActionName] = {}
    for name in (*control_names(of), *state_names(of), LastStep(), *befores(of)):
        assigned[name] = random.choice(frame.domain(name))
    for place in (*place_names(of), None):
        for term in frame.deduction.universe:
            assigned[Content(place, term)] = random.random() < 0.2
    return assigned


@given(lifecycles(), st.data())
def test_the_search_is_exact(text: str, data: st.DataObject) -> None:
    of = load_text(text).lifecycle
    frame = Frame(of)
    rules = [rule.target for rule in of.properties] + [action.guard for action in of.actions]
    one, two = data.draw(st.sampled_from(rules)), data.draw(st.sampled_from(rules))
    condition = And((one, data.draw(st.sampled_from([two, Not(two)]))))
    params = [p for rule in of.properties for p in rule.binders] + [p for a in of.actions for p in a.params]
    env = {param.name: data.draw(st.sampled_from(param.domain.values)) for param in params}
    assigned = frame.find([partial(evaluated, condition, env)], 20_000)
    if assigned is not None:
        evaluator, state = completed(of, assigned)
        assert evaluator.holds(condition, env, state)
        return
    random = Random(data.draw(st.integers(0, 2**32)))
    for _ in range(10):
        evaluator, state = completed(of, arbitrary(of, frame, random))
        assert not evaluator.holds(condition, env, state)


@given(lifecycles(), st.data())
def test_what_a_part_decides_the_whole_decides_alike(text: str, data: st.DataObject) -> None:
    of = load_text(text).lifecycle
    frame = Frame(of)
    random = Random(data.draw(st.integers(0, 2**32)))
    for rule in of.properties:
        env = {param.name: random.choice(param.domain.values) for param in rule.binders}
        whole = arbitrary(of, frame, random)
        evaluator, state = completed(of, whole)
        for share in (0.0, 0.5, 0.9, 1.0):
            some = {name: value for name, value in whole.items() if random.random() <= share}
            outcome = Partial(frame, some).holds(rule.target, env)
            if not isinstance(outcome, Unknown):
                assert evaluator.holds(rule.target, env, state) == outcome
