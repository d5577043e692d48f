"""What must hold of any lifecycle, on small ones drawn at random."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.language.loading import load_text
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Lifecycle, Value
from keyfate.lifecycle.account import explain
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.deduction import Derivation
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import ControlName
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings


def drawn_controls(of: Lifecycle, data: st.DataObject) -> dict[ControlName, Value]:
    domains = control_domains(of)
    return {name: data.draw(st.sampled_from(domains[name.name].values)) for name in control_names(of)}


def walk(interpreter: Interpreter, data: st.DataObject, length: int = 6) -> list[State]:
    run = [data.draw(st.sampled_from(list(interpreter.initial_states())))]
    for _ in range(length):
        enabled = interpreter.enabled(run[-1])
        if not enabled:
            break
        run.append(interpreter.step(run[-1], data.draw(st.sampled_from(enabled))))
    return run


@given(lifecycles(), st.data())
def test_without_conflicts_no_step_disagrees_with_itself(text: str, data: st.DataObject) -> None:
    of = load_text(text).lifecycle
    found = conflicts(of)
    interpreter = Interpreter(of, drawn_controls(of, data), dict.fromkeys(capability_names(of), True))
    assume(interpreter.admissible())
    try:
        run = walk(interpreter, data)
    except LifecycleError:
        assert found  # the interpreter came upon it: the search must have seen it coming
        return
    terms = set(interpreter.universe)
    for state in run:
        assert state.observed <= terms
        assert all(content <= terms for content in state.places.values())


@given(lifecycles(), st.data())
def test_power_only_adds(text: str, data: st.DataObject) -> None:
    """R11: whatever an attacker can do and know, one with more capabilities can do and know as well."""
    of = load_text(text).lifecycle
    assume(not conflicts(of))
    controls = drawn_controls(of, data)
    weak = {name: data.draw(st.booleans()) for name in capability_names(of)}
    small, large = Interpreter(of, controls, weak), Interpreter(of, controls, dict.fromkeys(weak, True))
    assume(small.admissible())
    run = walk(small, data)
    other = next(s for s in large.initial_states() if s.states == run[0].states)
    for before, state in zip([None, *run], run, strict=False):
        if before is not None:
            assert state.did is not None
            assert large.obstacle(other, state.did) is None
            other = large.step(other, state.did)
        assert state.states == other.states
        assert state.places == other.places
        assert state.observed <= other.observed
        assert all(large.knows(other, term) for term in small.universe if small.knows(state, term))


@given(lifecycles(), st.data())
def test_traces_replay_and_their_reasons_are_sound(text: str, data: st.DataObject) -> None:
    of = load_text(text).lifecycle
    assume(not conflicts(of))
    controls = drawn_controls(of, data)
    assume(Interpreter(of, controls, {}).admissible())
    settings = Settings(controls, dict.fromkeys(capability_names(of), True))
    for rule in of.properties:
        target = Reach(rule.binders, rule.target)
        finding = explore(Problem(of, settings, target, rule.kind == "possible"), limit=60).finding
        if not isinstance(finding, Reached):
            continue
        told = explain(of, finding.trace, target, honest=rule.kind == "possible")
        assert told.binding is not None
        for step in told.steps[1:]:
            assert step.action is not None
        for reason in told.reasons:
            assert_leaves(reason.derivation, told.steps[reason.step].state)


def assert_leaves(tree: Derivation, state: State) -> None:
    if tree.rule == "observed":
        assert tree.term in state.observed
    elif tree.rule == "held":
        assert any(tree.term in content for content in state.places.values())
    for premise in tree.premises:
        assert_leaves(premise, state)
