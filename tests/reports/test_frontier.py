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
from keyfate.checking.frontier import FrontierReport, PropertyFrontier, reaches
from keyfate.checking.frontiers import Asked, Question, frontiers
from keyfate.checking.judges import Deadline
from keyfate.checking.naming import plain
from keyfate.checking.synthesizing import Judges, synthesize
from keyfate.engines.decide import Engine
from keyfate.language.loading import load, load_text
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.instances import capability_names
from keyfate.lifecycle.names import ActionName
from keyfate.lifecycle.problem import Budget, Frontier, Problem, Reach, Reached, Settings, Unreachable
from keyfate.policy.admissible import completions
from keyfate.reporting.frontier import frontier_text
from keyfate.reporting.json import document
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


def test_the_lookup_agrees_with_full_checks_of_random_configurations(
    root: Path, request: pytest.FixtureRequest
) -> None:
    """A hundred in CI; a thousand with `--hypothesis-profile deep`."""
    of = load(root / "models" / "tdx-1.5-persistent.kf").lifecycle
    report = found(of, "confidentiality", "root_sanitization")
    number = 500 if request.config.getoption("--hypothesis-profile") == "deep" else 50
    draw, engine = random.Random(5), Engine(of)
    every = list(completions(of, {}))
    names = capability_names(of)
    for frontier in report.frontiers:
        rule = next(rule for rule in of.properties if rule.name == frontier.property)
        seen = set()
        for _ in range(number):
            controls = draw.choice(every)
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


def test_of_what_is_not_complete_nothing_is_looked_up(report: FrontierReport) -> None:
    open_one = replace(report.frontiers[0], verdict="UNKNOWN", reason="it was late")
    with pytest.raises(ValueError, match="it was late"):
        reaches(open_one, {}, ())
    looked = next(f for f in report.frontiers if all(c.controls for c in f.conditions) and f.conditions)
    with pytest.raises(KeyError):
        reaches(looked, {}, looked.open_capabilities)


def test_the_cheapest_comes_first_and_what_others_cover_last(report: FrontierReport) -> None:
    for frontier in report.frontiers:
        marks = [(c.implied, c.cost is None, c.cost or 0) for c in frontier.conditions]
        assert marks == sorted(marks)
        for condition in frontier.conditions:
            assert condition.traces
            assert all(frontier.traces[number].confirmed for number in condition.traces)
            assert condition.steps == min(len(frontier.traces[number].actions) for number in condition.traces)


# Judges that disagree


@dataclass(frozen=True)
class Liar:
    """An engine whose frontiers are not what they should be."""

    truth: Engine
    lie: Any

    def frontier(self, problem: Problem, budget: Budget | None = None, *, safe: bool = False) -> Iterator[Frontier]:
        *_, last = self.truth.frontier(problem, budget, safe=safe)
        yield self.lie(last)


def without_the_first(frontier: Frontier) -> Frontier:
    left = tuple(prime for prime in frontier.primes if not prime.implied)[1:]
    return replace(frontier, primes=left)


def too_wide(frontier: Frontier) -> Frontier:
    first, *others = frontier.primes
    wider = replace(first, condition=replace(first.condition, controls=(), capabilities=()))
    return replace(frontier, primes=(wider, *others))


def traced_wrongly(frontier: Frontier) -> Frontier:
    first, *others = frontier.primes
    (shown, *more) = first.traces
    wrong = replace(shown, actions=(ActionName("nothing"), *shown.actions))
    return replace(frontier, primes=(replace(first, traces=(wrong, *more)), *others))


def unproved(frontier: Frontier) -> Frontier:
    assert frontier.invariant is not None
    return replace(frontier, invariant=replace(frontier.invariant, clauses=frontier.invariant.clauses[:1]))


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (without_the_first, "the certifier refuses that nothing else does"),
        (too_wide, "the certifier refuses a condition"),
        (traced_wrongly, "the interpreter refuses a trace"),
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


# For people


def test_rows_are_read_aloud(report: FrontierReport) -> None:
    lines = frontier_text(report, "keyfate check vault.kf").splitlines()
    assert any(line.split() == ["sealed[left]", "=", "false", "peek[left]", "?", "1"] for line in lines), "\n".join(
        lines
    )
    assert lines[-1] == "next: keyfate check vault.kf"
    assert any("complete: " in line and "configurations safe" in line for line in lines)


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
