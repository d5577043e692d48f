"""The frontier as data: its schema, its lookup, and what a report says of it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from keyfate.checking.assembling import assemble_frontier
from keyfate.checking.frontier import Condition, FrontierReport, PropertyFrontier, reaches
from keyfate.checking.frontiers import Asked, Question, frontiers
from keyfate.checking.judges import Deadline
from keyfate.checking.naming import plain
from keyfate.checking.synthesizing import Judges, synthesize
from keyfate.engines.decide import Engine
from keyfate.language.loading import load, load_text
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.names import ControlName
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    Frontier,
    Invariant,
    Problem,
    Reach,
    Reached,
    Settings,
    Unreachable,
)
from keyfate.policy.admissible import completions
from keyfate.reporting.frontier import frontier_text
from keyfate.reporting.json import document
from keyfate.twin.confirm import Confirmation
from lying import (
    Liar,
    Tired,
    all_of_it,
    cut_short,
    none_of_it,
    safer,
    too_wide,
    traced_wrongly,
    unproved,
    without_the_first,
)
from vault import LIFECYCLE

VAULT = load_text(LIFECYCLE).lifecycle


def found(of: Lifecycle, *names: str, settings: Settings | None = None, safe: bool = False) -> FrontierReport:
    rules = [rule for rule in of.properties if not names or rule.name in names]
    questions = tuple(Question(rule, settings or Settings(), safe) for rule in rules)
    return frontiers(Asked(of, questions, Deadline()), ())


@pytest.fixture(scope="module")
def report() -> FrontierReport:
    return found(VAULT)


@pytest.fixture(scope="module")
def schema(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((root / "reports" / "frontier.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return loaded


def test_json_follows_its_schema(report: FrontierReport, schema: dict[str, Any]) -> None:
    assert {frontier.verdict for frontier in report.frontiers} == {"COMPLETE"}
    jsonschema.validate(document(report), schema)


@pytest.mark.parametrize("field", ["conditions", "traces", "configurations", "undecided", "certificate", "symmetric"])
def test_the_schema_asks_for_every_field_and_allows_no_other(
    report: FrontierReport, schema: dict[str, Any], field: str
) -> None:
    data: Any = document(report)
    del data["frontiers"][0][field]
    with pytest.raises(jsonschema.ValidationError, match=field):
        jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError, match="extra"):
        jsonschema.validate({**document(report), "extra": 1}, schema)


def configurations(of: Lifecycle) -> Iterator[tuple[dict[Any, Any], dict[Any, bool]]]:
    names = capability_names(of)
    for controls in completions(of, {}):
        for switches in product((False, True), repeat=len(names)):
            yield controls, dict(zip(names, switches, strict=True))


def looked_up(frontier: PropertyFrontier, controls: dict[Any, Any], capabilities: dict[Any, bool]) -> bool:
    said = {str(name): plain(value) for name, value in controls.items()}
    return reaches(frontier, said, [str(name) for name, on in capabilities.items() if on])


def test_the_lookup_answers_for_every_configuration_of_the_vault(report: FrontierReport) -> None:
    engine = Engine(VAULT)
    rules = {rule.name: rule for rule in VAULT.properties}
    for frontier in report.frontiers:
        rule = rules[frontier.property]
        if rule.kind == "possible":
            continue
        broken = 0
        for controls, capabilities in configurations(VAULT):
            problem = Problem(VAULT, Settings(controls, capabilities), Reach(rule.binders, rule.target))
            truth = isinstance(engine.decide(problem), Reached)
            assert looked_up(frontier, controls, capabilities) == truth, (rule.name, controls, capabilities)
            broken += truth
        assert frontier.reaching == broken


@pytest.fixture(scope="module")
def shipped(root: Path) -> tuple[Lifecycle, FrontierReport]:
    of = load(root / "models" / "tdx-1.5-persistent.kf").lifecycle
    assert not of.constraints, "every combination is admissible"
    return of, found(of, "derived_seed_secrecy", "root_sanitization")


def test_the_lookup_agrees_with_full_checks_of_random_configurations(
    shipped: tuple[Lifecycle, FrontierReport], request: pytest.FixtureRequest
) -> None:
    """Fifty of each property in CI; five hundred with `--hypothesis-profile deep`."""
    of, report = shipped
    number = 500 if request.config.getoption("--hypothesis-profile") == "deep" else 50
    draw, engine = random.Random(5), Engine(of)
    domains = control_domains(of)
    names = capability_names(of)
    for frontier in report.frontiers:
        rule = next(rule for rule in of.properties if rule.name == frontier.property)
        seen = set()
        for _ in range(number):
            controls = {name: draw.choice(domains[name.name].values) for name in control_names(of)}
            few = set(draw.sample(names, draw.randint(0, 4)))
            capabilities = {name: name in few for name in names}
            answer = engine.decide(Problem(of, Settings(controls, capabilities), Reach(rule.binders, rule.target)))
            assert isinstance(answer, Reached | Unreachable)
            truth = looked_up(frontier, controls, capabilities)
            assert truth == isinstance(answer, Reached), (controls, few)
            seen.add(truth)
            # Power only adds (R11).
            more = {**capabilities, draw.choice(names): True}
            assert not truth or looked_up(frontier, controls, more)
        assert seen == {False, True}


def test_no_condition_of_a_shipped_lifecycle_asks_for_more_than_it_must(
    shipped: tuple[Lifecycle, FrontierReport],
) -> None:
    """With a capability removed, or a value added to a control, each covers an admissible setting that is safe."""
    _, report = shipped
    for frontier in report.frontiers:
        named = {name for condition in frontier.conditions for name in condition.controls}
        # Of settings that differ in nothing that a condition names, one.
        ranges = [values if name in named else values[:1] for name, values in frontier.open_controls.items()]
        settings = [dict(zip(frontier.open_controls, values, strict=True)) for values in product(*ranges)]

        def covers_safe(condition: Condition, frontier: PropertyFrontier = frontier, settings: Any = settings) -> bool:
            attacker = condition.capabilities
            return any(condition.holds(s, attacker) and not reaches(frontier, s, attacker) for s in settings)

        assert frontier.conditions
        for condition in frontier.conditions:
            assert not covers_safe(condition)
            for name in condition.capabilities:
                fewer = tuple(other for other in condition.capabilities if other != name)
                assert covers_safe(replace(condition, capabilities=fewer)), (condition, name)
            for name, kept in condition.controls.items():
                for value in set(frontier.open_controls[name]) - set(kept):
                    wider = {**condition.controls, name: (*kept, value)}
                    assert covers_safe(replace(condition, controls=wider)), (condition, name, value)


def test_of_what_is_not_complete_nothing_is_looked_up(report: FrontierReport) -> None:
    open_one = replace(report.frontiers[0], verdict="UNKNOWN", reason="it was late")
    with pytest.raises(ValueError, match="it was late"):
        reaches(open_one, {}, ())
    looked = next(f for f in report.frontiers if all(c.controls for c in f.conditions) and f.conditions)
    with pytest.raises(KeyError):
        reaches(looked, {}, looked.open_capabilities)


def test_of_configurations_that_are_none_of_its_own_nothing_is_looked_up(report: FrontierReport) -> None:
    """A misspelt word satisfies no condition: it was taken for a safe setting."""
    frontier = next(f for f in report.frontiers if f.property == "secrecy")
    right: dict[str, Any] = {name: values[0] for name, values in frontier.open_controls.items()}
    assert reaches(frontier, right, frontier.open_capabilities) in (True, False)
    fixed = replace(frontier, fixed={"lid": "shut", "shout": True, "hear": False}, fixed_capabilities=("shout", "hear"))
    reaches(fixed, right | {"lid": "shut"}, ("shout",))
    for asked, controls, capabilities, said in (
        (frontier, right | {"root": "falsh"}, (), "`falsh` is no value of `root`"),
        (frontier, right | {"rot": "flash"}, (), "no control `rot`"),
        (frontier, right, ("steel",), "no capability `steel`"),
        (fixed, right | {"lid": "open"}, (), "is one of `lid = shut`"),
        (fixed, right, ("hear",), "no capability `hear`"),
        (fixed, right | {"shout": True}, (), "no control `shout`"),
    ):
        with pytest.raises(ValueError, match=said):
            reaches(asked, controls, capabilities)
    with pytest.raises(KeyError):
        reaches(frontier, {}, ())
    possible = next(f for f in report.frontiers if f.kind == "possible")
    reaches(possible, right, ("steal",))


def test_the_cheapest_comes_first_and_what_others_cover_last(report: FrontierReport) -> None:
    for frontier in report.frontiers:
        marks = [(c.implied, c.cost is None, c.cost or 0) for c in frontier.conditions]
        assert marks == sorted(marks)
        for condition in frontier.conditions:
            assert condition.traces
            assert all(frontier.traces[number].confirmed for number in condition.traces)
            assert condition.steps == min(len(frontier.traces[number].actions) for number in condition.traces)


# Judges that disagree


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (all_of_it, "the certifier refuses that nothing else does"),
        (none_of_it, "the certifier refuses that nothing else does"),
        (safer, "the certifier refuses the description of all others"),
        (without_the_first, "the certifier refuses that nothing else does"),
        (too_wide, "the certifier refuses a condition"),
        (traced_wrongly, "the interpreter refuses a trace"),
        (cut_short, "the interpreter replays a trace to a state that is not asked for"),
        (unproved, "the certifier refuses that nothing else does"),
    ],
)
def test_a_frontier_that_a_judge_refuses_is_diverged(lie: Any, said: str) -> None:
    honest = assemble_frontier(VAULT)
    judges = Judges(VAULT, Liar(Engine(VAULT), lie), honest.certifier, honest.twin, honest.basis)
    rule = next(rule for rule in VAULT.properties if rule.name == "secrecy")
    told = synthesize(judges, rule, Settings(), Deadline())
    assert told.verdict == "DIVERGED"
    assert told.reason is not None
    assert told.reason.startswith(said)
    text = frontier_text(FrontierReport("0", (), 5, (told,)), "nothing")
    assert f"judges disagree: {said}" in text


def test_a_trace_that_does_not_happen_in_bytes_is_diverged() -> None:
    nothing = Confirmation(False, "the canary is not out", ("looked",))
    judges = replace(assemble_frontier(VAULT), twin=lambda problem, trace: nothing)
    rule = next(rule for rule in VAULT.properties if rule.name == "secrecy")
    told = synthesize(judges, rule, Settings(), Deadline())
    assert (told.verdict, told.reason) == ("DIVERGED", "a trace does not happen in bytes: the canary is not out")
    assert {trace.confirmed for trace in told.traces} == {False}
    assert {trace.evidence for trace in told.traces} == {("looked",)}


def test_what_is_complete_is_judged_even_if_the_time_is_up() -> None:
    class Late(Engine):
        def frontier(self, problem: Problem, budget: Budget | None = None, **more: Any) -> Iterator[Frontier]:
            return super().frontier(problem, None, **more)

    judges = replace(assemble_frontier(VAULT), engine=Late(VAULT))
    rule = next(rule for rule in VAULT.properties if rule.name == "secrecy")
    told = synthesize(judges, rule, Settings(), Deadline(0.0))
    assert told.verdict == "COMPLETE"
    assert {trace.confirmed for trace in told.traces} == {True}


@pytest.mark.parametrize(
    ("rule", "on", "what"),
    [
        ("secrecy", "Reached", "a trace"),
        ("secrecy", "Prime", "a condition"),
        ("secrecy", "Unreachable", "that nothing else does"),
        ("restores", "combines", "what the instances have in common"),
    ],
)
def test_a_judge_that_gives_up_refuses_nothing(rule: str, on: str, what: str) -> None:
    honest = assemble_frontier(VAULT)
    judges = replace(honest, certifier=Tired(honest.certifier, on))
    asked = next(one for one in VAULT.properties if one.name == rule)
    told = synthesize(judges, asked, Settings(), Deadline())
    assert (told.verdict, told.reason) == ("UNKNOWN", f"the certifier cannot tell {what}: out of memory")
    assert told.certificate is None


def test_who_gives_up_does_not_hide_who_refuses() -> None:
    honest = assemble_frontier(VAULT)
    judges = Judges(VAULT, Liar(Engine(VAULT), too_wide), Tired(honest.certifier, "Reached"), honest.twin, honest.basis)
    rule = next(rule for rule in VAULT.properties if rule.name == "secrecy")
    assert synthesize(judges, rule, Settings(), Deadline()).verdict == "DIVERGED"


# Ranges

COUNTER = """\
lifecycle counter "It counts" source "a test" status assumed
sort Count = 0 .. 2
control bad : bool "whether it goes wrong"
control counting : bool "whether it counts"
component host outside
secret item "what is kept"
place store persistent at host
state uses : Count = 0
action use "once more" by host when counting GUARD then uses := uses + 1
action leak "wrong" by host when bad then store gains item
property kept "Nothing is stored" holds "kept" broken "stored" never store has item
"""


@pytest.mark.parametrize(
    ("guard", "settings", "within"),
    [
        ("", {}, ("Count 0 .. 2",)),
        ("and uses < 2", {}, ()),
        ("", {"counting": False}, ()),
    ],
)
def test_a_frontier_says_within_which_ranges_it_is_complete(
    guard: str, settings: dict[str, bool], within: tuple[str, ...]
) -> None:
    of = load_text(COUNTER.replace("GUARD", guard)).lifecycle
    fixed = Settings({ControlName(name): value for name, value in settings.items()}, {})
    (frontier,) = found(of, "kept", settings=fixed).frontiers
    assert frontier.verdict == "COMPLETE"
    assert frontier.scope.within == within


def test_where_all_is_reached_no_range_matters() -> None:
    of = load_text(COUNTER.replace("GUARD", "")).lifecycle
    (frontier,) = found(of, "kept", settings=Settings({ControlName("bad"): True}, {})).frontiers
    assert frontier.reaching == frontier.configurations
    assert frontier.scope.within == ()


def test_a_range_that_the_certifier_does_not_find_closed_is_a_divergence() -> None:
    of = load_text(COUNTER.replace("GUARD", "")).lifecycle

    @dataclass(frozen=True)
    class Closing(Liar):
        def decide(self, problem: Problem, budget: Budget | None = None) -> Finding:
            return Unreachable(Invariant((), frozenset()))

    honest = assemble_frontier(of)
    judges = replace(honest, engine=Closing(Engine(of), lambda frontier: frontier))
    told = synthesize(judges, of.properties[0], Settings(), Deadline())
    assert told.verdict == "DIVERGED"
    assert told.reason is not None
    assert told.reason.startswith("the certifier refuses that no range ends")


# Attackers


def test_what_is_possible_needs_no_attacker_and_minds_none() -> None:
    attackers = [Settings({}, dict.fromkeys(capability_names(VAULT), on)) for on in (False, True)]
    first, second, free = (
        replace(found(VAULT, "restores", settings=settings).frontiers[0], seconds=0.0)
        for settings in (*attackers, Settings())
    )
    assert first == second == free
    assert first.verdict == "COMPLETE"


# For people


def test_rows_are_read_aloud(report: FrontierReport) -> None:
    lines = frontier_text(report, "keyfate check vault.kf").splitlines()
    assert any(line.split() == ["sealed[left]", "=", "false", "peek[left]", "?", "1"] for line in lines), "\n".join(
        lines
    )
    assert lines[-1] == "next: keyfate check vault.kf"
    assert any("✓ complete within Count 0 .. 2: " in line and "safe in " in line for line in lines)


def test_what_is_safe_is_described_where_it_was_asked_for() -> None:
    fixed = Settings({}, dict.fromkeys(capability_names(VAULT), True))
    report = found(VAULT, "secrecy", settings=fixed, safe=True)
    (frontier,) = report.frontiers
    assert frontier.others is not None
    for controls in completions(VAULT, {}):
        said = {str(name): plain(value) for name, value in controls.items()}
        safe = any(condition.holds(said, ()) for condition in frontier.others)
        assert safe != reaches(frontier, said, ())
    assert ("holds if" in frontier_text(report, "")) == bool(frontier.others)
