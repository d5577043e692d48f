"""State machines against every step that the plain interpreter takes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings

from diagrams.exploring import TEXTS, Policy, bare, world
from drawing import lifecycles
from keyfate.certifier.certify import Certifier, Judgement
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.diagrams.figure import Edge, Figure, UndrawableError
from keyfate.diagrams.machines import machines, product
from keyfate.engines.decide import Engine
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Value
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.explicit import Exploration
from keyfate.lifecycle.names import ControlName, show_value
from keyfate.lifecycle.problem import Budget, Settings, Undecided
from keyfate.policy.loading import load_policy
from vault import furnish

Step = tuple[str, str, str, str]


def drawn(figure: Figure, *, reached: bool) -> set[Step]:
    """Variable, value, value, action of every edge that is drawn as reached, or as never reached."""
    return {
        (source[0], source[1], target[1], action)
        for edge in figure.edges
        if ("unreachable" not in edge.marks) is reached
        for source, target in [(edge.source.split(" = "), edge.target.split(" = "))]
        for action in edge.label.split("\n")
    }


def taken(policy: Policy) -> set[Step]:
    return {
        (name.name, show_value(value), show_value(step.after.states[name]), step.action.name)
        for step in world(policy).steps
        for name, value in step.before.states.items()
        if step.after.states[name] != value
    }


def shown(name: str, value: Value) -> str:
    return f"{name} = {show_value(value)}"


def agrees(policy: Policy) -> None:
    figure = machines(policy)
    everything = world(policy)
    assert drawn(figure, reached=True) == taken(policy)
    had = {shown(name.name, value) for state in everything.states for name, value in state.states.items()}
    first = {shown(name.name, value) for state in everything.first for name, value in state.states.items()}
    declared = {shown(state.name, value) for state in policy.lifecycle.states for value in state.domain.values}
    assert {node.name for node in figure.nodes} == declared
    assert {node.name for node in figure.nodes if "unreachable" not in node.marks} == had
    assert {node.name for node in figure.nodes if "initial" in node.marks} == first
    assert not [e for e in (*figure.nodes, *figure.edges) if "undecided" in e.marks]


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_drawn_as_reached_is_what_happens(name: str) -> None:
    agrees(bare(TEXTS[name]))


@given(lifecycles())
@settings(max_examples=25)
def test_of_lifecycles_drawn_at_random(text: str) -> None:
    try:
        policy = bare(text)
    except LifecycleError:
        assume(False)
    assume(not conflicts(policy.lifecycle))
    agrees(policy)


def test_what_a_policy_rules_out_is_drawn_as_never_reached() -> None:
    policy = bare("""
      lifecycle l control hot : bool component cpu inside
      state x : a | b | c = a
      action go by cpu when x = a then x := b
      action jump by cpu when hot and x = b then x := c
      state y : a | b = a
      action turn by cpu when y = a then y := b
      action never_ by cpu when x = a and x = b then x := c
    """)
    assert drawn(machines(policy), reached=False) == set()
    cold = replace(policy, settings=Settings({ControlName("hot"): False}))
    figure = machines(cold)
    assert drawn(figure, reached=False) == {("x", "b", "c", "jump")}
    assert [node.name for node in figure.nodes if "unreachable" in node.marks] == ["x = c"]
    assert any(note.startswith("never reached: ") for note in figure.notes)
    walked = machines(cold, states=["y"])
    assert not any("never reached" in note for note in walked.notes)
    agrees(cold)


def test_where_it_begins_under_settings_and_constraints() -> None:
    policy = bare("""
      lifecycle l control hot : bool control way : left | middle | right component cpu inside
      constraint way != right
      state x : left | middle | right = way
      state y : bool = hot
      action turn by cpu then y := not y
    """)
    agrees(policy)
    cold = replace(policy, settings=Settings({ControlName("hot"): False}))
    agrees(cold)
    assert {n.name for n in machines(cold).nodes if "initial" in n.marks} == {"x = left", "x = middle", "y = false"}


def test_what_was_not_decided_is_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "sample", lambda *_: ())
    monkeypatch.setattr(Engine, "decide", lambda *_, **__: Undecided("out of time"))
    figure = machines(bare(TEXTS["laptop"]))
    assert all(edge.marks == {"undecided"} for edge in figure.edges)
    assert "what is not decided ran out of time" in figure.notes
    assert not any("never reached" in note for note in figure.notes)


def test_a_proof_that_z3_refuses_is_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = bare("""
      lifecycle l component cpu inside
      state x : a | b | c = a
      action go by cpu when x = a then x := b
      action leave by cpu when x = c then x := a
    """)
    assert drawn(machines(policy), reached=False) == {("x", "c", "a", "leave")}
    monkeypatch.setattr(Certifier, "certify", lambda *_: Judgement(False, "refused", 0))
    assert drawn(machines(policy), reached=False) == set()
    assert [edge.label for edge in machines(policy).edges if "undecided" in edge.marks] == ["leave"]


def test_one_variable_alone() -> None:
    policy = bare(TEXTS["vault"])
    figure = machines(policy, states=["uses"])
    assert {cluster.name for cluster in figure.clusters} == {"uses"}
    assert set(figure.edges) == {edge for edge in machines(policy).edges if edge.source.startswith("uses ")}


@pytest.mark.parametrize(("name", "says"), [("usse", "did you mean `uses`?"), ("zzz", "it has `power`, `uses`")])
def test_a_variable_that_there_is_not(name: str, says: str) -> None:
    with pytest.raises(UndrawableError, match="has no state variable") as refused:
        machines(bare(TEXTS["vault"]), states=[name])
    assert refused.value.help == says


def test_a_lifecycle_without_state() -> None:
    nothing = bare("lifecycle l component cpu inside action wait by cpu")
    with pytest.raises(UndrawableError):
        machines(nothing)
    with pytest.raises(UndrawableError):
        product(nothing)


def test_the_trace_is_marked(tmp_path) -> None:
    session = open_session((furnish(tmp_path) / "flash.policy.toml",), {})
    result = session.check(Options(only=("secrecy",), workers=1, sweep=False)).results[0]
    assert result.trace is not None
    figure = machines(session.policies[0], result=result)
    marked = {
        (edge.source, edge.target, action)
        for edge in figure.edges
        if "traced" in edge.marks
        for action in edge.label.split("\n")
    }
    told = {
        (shown(c.name, c.before), shown(c.name, c.after), step.action)
        for step in result.trace
        for c in step.changes
        if c.kind == "state"
    }
    assert marked == told
    joint = product(session.policies[0], result=result)
    assert len([edge for edge in joint.edges if "traced" in edge.marks]) == len(result.trace)


# All variables together


def joined(state) -> str:
    return ", ".join(f"{name} = {show_value(value)}" for name, value in state.states.items())


@pytest.mark.parametrize("name", TEXTS)
def test_the_product_is_the_joint_graph(name: str) -> None:
    policy = bare(TEXTS[name])
    figure = product(policy)
    everything = world(policy)
    assert {node.name for node in figure.nodes} == {joined(state) for state in everything.states}
    assert {node.name for node in figure.nodes if "initial" in node.marks} == {joined(s) for s in everything.first}
    edges = {(e.source, e.target, action) for e in figure.edges for action in e.label.split("\n")}
    assert edges == {
        (joined(step.before), joined(step.after), str(step.action))
        for step in everything.steps
        if joined(step.before) != joined(step.after)
    }
    assert len({node.label for node in figure.nodes}) == len(figure.nodes), "labels tell the states apart"


def test_a_product_that_is_too_large(tmp_path) -> None:
    policy = load_policy(furnish(tmp_path) / "safe.policy.toml")
    assert len(product(policy).nodes) < 200
    exact = len(product(policy).nodes)
    assert len(product(policy, limit=exact + 1).nodes) == exact
    with pytest.raises(UndrawableError, match=f"has {exact} states or more") as refused:
        product(policy, limit=exact)
    assert "--state" in refused.value.help


def test_a_product_that_was_not_visited_says_so_and_no_size(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Exploration(Undecided("more than 3 states"), None, None)
    monkeypatch.setattr("keyfate.diagrams.machines.explore", lambda *_, **__: stopped)
    with pytest.raises(UndrawableError, match="was not visited to its end: more than 3 states"):
        product(bare(TEXTS["vault"]))


def test_names_are_the_same_every_time() -> None:
    edges: list[tuple[Edge, ...]] = [machines(bare(TEXTS["vault"])).edges for _ in range(2)]
    assert edges[0] == edges[1]


def test_all_questions_together_have_the_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float | None] = []

    def asked(_: Engine, __: object, budget: Budget, **___: object) -> Undecided:
        given.append(budget.seconds)
        return Undecided("it is a test")

    monkeypatch.setattr(Engine, "sample", lambda *_: ())
    monkeypatch.setattr(Engine, "decide", asked)
    machines(bare(TEXTS["vault"]), seconds=60.0)
    assert len(given) > 1
    assert all(earlier is not None and earlier > later for earlier, later in pairwise(given))
