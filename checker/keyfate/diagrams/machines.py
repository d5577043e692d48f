"""State machines: how each state variable changes, and the joint graph of all of them where it is small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from keyfate.checking.naming import plain
from keyfate.checking.results import Plain, Result
from keyfate.diagrams.figure import Cluster, Edge, Figure, Mark, Node, UndrawableError
from keyfate.diagrams.settings import fixed
from keyfate.diagrams.transitions import Reachable, Transition, transitions
from keyfate.language.symbols import did_you_mean
from keyfate.language.typed import Lifecycle, State, Truth, Value
from keyfate.lifecycle.evaluation import State as Valuation
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.names import StateName, show_value
from keyfate.lifecycle.problem import Problem, Reach, Undecided
from keyfate.policy.policy import Policy

PRODUCT_LIMIT = 200
_VISITED = 20_000  # states with places and past, of which many are one joint state


def machines(
    policy: Policy, *, states: Sequence[str] = (), result: Result | None = None, seconds: float | None = None
) -> Figure:
    """One machine for each state variable, or for those named: its values, and the actions between them.

    An indexed variable has one machine for all its instances. What no reachable state does under the policy's
    settings is marked so, the steps of `result`'s trace too. What was not decided within `seconds` is marked undecided.
    Raises UndrawableError where the lifecycle has no such variable, or none at all.
    """
    lifecycle = policy.lifecycle
    chosen = _chosen(lifecycle, states)
    found = transitions(lifecycle, policy.settings, [state.name for state in chosen], seconds=seconds)
    traced = set() if result is None else set(_traced(result))
    return Figure(
        title=f"{lifecycle.name}: how {_listed([s.name for s in chosen])} may change",
        nodes=tuple(node for state in chosen for node in _values(state, found, traced)),
        edges=tuple(edge for state in chosen for edge in _steps(state, found, traced)),
        clusters=tuple(Cluster(state.name, _heading(state)) for state in chosen),
        direction="right",
        notes=tuple(_notes(policy, result, found)),
    )


def product(policy: Policy, *, result: Result | None = None, limit: int = PRODUCT_LIMIT) -> Figure:
    """The joint graph of all state variables, under every admissible setting that the policy leaves open.

    States that differ only in what places hold, in what was seen or in the past are one. Raises UndrawableError
    where it has `limit` states or more.
    """
    lifecycle = policy.lifecycle
    _chosen(lifecycle, ())
    problem = Problem(lifecycle, policy.settings, Reach((), Truth(False)))
    explored = explore(problem, limit=_VISITED, graph=True)
    narrower = "draw single variables with `--state`, fix controls in a policy, or shrink sorts with `--scope`"
    graph = explored.graph
    if graph is None or isinstance(explored.finding, Undecided):
        reason = explored.finding.reason if isinstance(explored.finding, Undecided) else "nothing was visited"
        raise UndrawableError(f"the joint graph of `{lifecycle.name}` was not visited to its end: {reason}", narrower)
    valuations: dict[int, tuple[tuple[StateName, Value], ...]] = {}
    initial: set[tuple[tuple[StateName, Value], ...]] = set()
    for number, data in graph.nodes(data=True):
        valuation: Valuation = data["state"]
        valuations[number] = tuple(valuation.states.items())
        if data["initial"]:
            initial.add(valuations[number])
    distinct = tuple(dict.fromkeys(valuations.values()))
    if len(distinct) >= limit:
        raise UndrawableError(f"the joint graph of `{lifecycle.name}` has {limit} states or more", narrower)
    names = {joint: _joint_name(joint) for joint in distinct}
    path = [] if result is None else _path(result)
    steps: dict[tuple[str, str], dict[str, None]] = {}
    for source, target, data in graph.edges(data=True):
        ends = (names[valuations[source]], names[valuations[target]])
        if ends[0] != ends[1]:
            steps.setdefault(ends, {})[str(data["action"])] = None
    varying = _varying(distinct)
    traced = set(pairwise(path))
    return Figure(
        title=f"{lifecycle.name}: all state variables together",
        nodes=tuple(
            Node(
                names[joint],
                "\n".join(f"{name} = {show_value(value)}" for name, value in joint if name in varying) or "any state",
                "state",
                None,
                _marks(initial=joint in initial, traced=names[joint] in path),
            )
            for joint in distinct
        ),
        edges=tuple(
            Edge(source, target, "\n".join(actions), "step", _marks(traced=(source, target) in traced))
            for (source, target), actions in steps.items()
        ),
        direction="down",
        notes=("states that differ only in what places hold, in what was seen or in the past are drawn as one",),
    )


def _chosen(lifecycle: Lifecycle, names: Sequence[str]) -> tuple[State, ...]:
    known = {state.name: state for state in lifecycle.states}
    if not known:
        raise UndrawableError(
            f"`{lifecycle.name}` has no state variable", "draw its data flow: `keyfate draw dataflow`"
        )
    for name in names:
        if name not in known:
            help = did_you_mean(name, known) or f"it has {', '.join(f'`{n}`' for n in known)}"
            raise UndrawableError(f"`{lifecycle.name}` has no state variable `{name}`", help)
    return tuple(known[name] for name in dict.fromkeys(names)) if names else lifecycle.states


def _heading(state: State) -> str:
    index = ", ".join(param.domain.label for param in state.params)
    name = f"{state.name}[{index}]" if index else state.name
    return f"{name}: {state.description}" if state.description else name


def value_node(state: str, value: Plain | Value) -> str:
    """`power = off`."""
    return f"{state} = {show_value(value)}"


def _values(state: State, found: Reachable, traced: set[Transition]) -> Iterator[Node]:
    visited = {value for t in traced if t.state == state.name for value in (t.before, t.after)}
    undecided = {t.after for t in found.undecided if t.state == state.name}
    reached = found.values(state.name)
    for value in state.domain.values:
        yield Node(
            value_node(state.name, value),
            show_value(value),
            "state",
            state.name,
            _marks(
                initial=value in found.initial[state.name],
                unreachable=value not in reached and value not in undecided,
                undecided=value not in reached and value in undecided,
                traced=plain(value) in visited,
            ),
        )


def _steps(state: State, found: Reachable, traced: set[Transition]) -> Iterator[Edge]:
    """One edge for all actions that take one value to another and are alike in their marks."""
    lines: dict[tuple[Value, Value, frozenset[Mark]], list[str]] = {}
    for transition in found.candidates:
        if transition.state != state.name:
            continue
        told = Transition(transition.state, plain(transition.before), plain(transition.after), transition.action)
        marks = _marks(
            unreachable=transition not in found.reached and transition not in found.undecided,
            undecided=transition in found.undecided,
            traced=told in traced,
        )
        lines.setdefault((transition.before, transition.after, marks), []).append(transition.action)
    for (before, after, marks), actions in lines.items():
        source, target = value_node(state.name, before), value_node(state.name, after)
        yield Edge(source, target, "\n".join(actions), "step", marks)


def _marks(**marks: bool) -> frozenset[Mark]:
    known: Mapping[str, Mark] = {
        "initial": "initial",
        "unreachable": "unreachable",
        "undecided": "undecided",
        "traced": "traced",
    }
    return frozenset(known[name] for name, holds in marks.items() if holds)


def _traced(result: Result) -> Iterator[Transition]:
    """The transitions of the trace, in the values that a result has."""
    for step in result.trace or ():
        for change in step.changes:
            if change.kind == "state":
                yield Transition(change.name.partition("[")[0], change.before, change.after, step.action)


def _path(result: Result) -> list[str]:
    """The joint states that the trace passes, by name."""
    if result.start is None or result.trace is None:
        return []
    now = dict(result.start.states)
    passed = [_joint_name(now.items())]
    for step in result.trace:
        now |= {change.name: change.after for change in step.changes if change.kind == "state"}
        passed.append(_joint_name(now.items()))
    return passed


def _joint_name(joint: Iterable[tuple[object, Plain | Value]]) -> str:
    return ", ".join(f"{name} = {show_value(value)}" for name, value in joint)


def _varying(joints: Sequence[tuple[tuple[StateName, Value], ...]]) -> set[StateName]:
    """The variables that are not the same everywhere."""
    seen: dict[StateName, set[Value]] = {}
    for joint in joints:
        for name, value in joint:
            seen.setdefault(name, set()).add(value)
    return {name for name, values in seen.items() if len(values) > 1}


def _notes(policy: Policy, result: Result | None, found: Reachable) -> Iterator[str]:
    yield from fixed(policy)
    if any(step not in found.reached and step not in found.undecided for step in found.candidates):
        yield "never reached: an action allows the step by itself, but no run takes it; Z3 has checked the proof"
    if found.undecided:
        yield "what is not decided ran out of time"
    if result is not None and result.trace is not None:
        yield f"traced: {result.property}, {result.verdict} in {len(result.trace)} steps"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else "the state variables"
