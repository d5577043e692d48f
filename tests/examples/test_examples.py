"""The examples: every policy answers what is written beside it. Their READMEs are followed by tests/documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from keyfate.checking.results import Report, Result, exit_status
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.language.library import folder
from keyfate.lifecycle.explicit import reachable_states

EXAMPLES = Path(__file__).parents[2] / "examples"
FLEET, LAPTOP = EXAMPLES / "fleet", EXAMPLES / "laptop"

MET: Mapping[Path, set[str]] = {FLEET: {"base", "production", "edge"}, LAPTOP: {"careful", "hotel"}}
"""The policies that meet what they require; every other one is there to break."""

BREAKS = {
    "closed-lid": {"confidentiality", "key_secrecy", "closed_is_empty"},
    "forgetful": {"confidentiality", "closed_is_empty"},
    "tpm-only": {"confidentiality", "key_secrecy"},
    "escrowed": {"confidentiality", "key_secrecy"},
    "sold": {"sanitization", "key_sanitization", "disposable"},
}
"""What each of those does not meet, and nothing else."""


@pytest.fixture(scope="module")
def reports() -> Mapping[Path, Report]:
    """One check of each folder, as `keyfate check FOLDER` does it."""
    return {
        place: open_session(sorted(place.glob("*.policy.toml")), {}).check(Options())
        for place in sorted(EXAMPLES.iterdir())
        if place.is_dir()
    }


def of(report: Report, policy: str) -> dict[str, Result]:
    return {result.property: result for result in report.results if result.policy == policy}


def test_every_example_is_known(reports: Mapping[Path, Report]) -> None:
    assert set(reports) == set(MET)
    assert {p.policy for p in reports[FLEET].policies} == MET[FLEET]
    assert {p.policy for p in reports[LAPTOP].policies} == MET[LAPTOP] | set(BREAKS)


def test_every_policy_answers_as_expected(reports: Mapping[Path, Report]) -> None:
    schema = json.loads((folder("reports") / "expected.schema.json").read_text(encoding="utf-8"))
    for place, report in reports.items():
        files = {path.stem: path for path in (place / "expected").glob("*.json")}
        assert set(files) == {p.policy for p in report.policies}
        for name, path in files.items():
            expected = json.loads(path.read_text(encoding="utf-8"))
            jsonschema.validate(expected, schema)
            found = of(report, name)
            answers = expected["properties"]
            assert {p: (r.verdict, r.steps) for p, r in found.items()} == {
                p: (answer["verdict"], answer["steps"]) for p, answer in answers.items()
            }
            # Of two shortest traces either may be found.
            proved = {p: r.basis for p, r in found.items() if r.steps is None}
            assert proved == {p: answers[p]["basis"] for p in proved}
            assert {r.lifecycle for r in found.values()} == {expected["lifecycle"]}


def test_two_laptops_have_as_many_states_as_one_has_squared() -> None:
    """They share no state: so the states that are expected are counted here in another, quicker way."""
    policies = open_session(sorted(LAPTOP.glob("*.policy.toml")), {"Laptop": 1}).policies
    for policy in policies:
        path = LAPTOP / "expected" / f"{policy.name}.json"
        expected = json.loads(path.read_text(encoding="utf-8"))["states"]
        alone = reachable_states(policy.lifecycle, policy.settings, limit=1_000)
        assert alone is not None
        assert expected == (alone**2 if alone**2 <= 20_000 else None)


def test_every_verdict_was_judged_and_every_trace_happened_in_bytes(reports: Mapping[Path, Report]) -> None:
    for report in reports.values():
        for result in report.results:
            assert result.certificate is not None
            assert result.certificate.checked_by == "z3"
            assert (result.confirmed is True) == (result.trace is not None)


def test_examples_end_with_the_status_that_their_readme_promises(reports: Mapping[Path, Report]) -> None:
    for place, report in reports.items():
        for summary in report.policies:
            results = tuple(of(report, summary.policy).values())
            assert exit_status([summary], results) == (0 if summary.policy in MET[place] else 1)
            broken = {r.property for r in results if r.required is not None and not r.met}
            assert broken == BREAKS.get(summary.policy, set())


def test_examples_give_no_warning(reports: Mapping[Path, Report]) -> None:
    assert [w for report in reports.values() for p in report.policies for w in p.warnings] == []


def test_no_property_of_the_laptop_is_empty(reports: Mapping[Path, Report]) -> None:
    """Each is met by the careful policy and broken by some other; each benefit has a run."""
    report = reports[LAPTOP]
    careful = of(report, "careful")
    assert len(careful) >= 9
    for name, result in careful.items():
        found = {r.verdict for r in report.results if r.property == name}
        assert "VACUOUS" not in found
        if result.kind == "possible":
            assert result.verdict == "POSSIBLE"
        else:
            assert {"PROVED", "VIOLATED"} <= found, name


def test_every_action_of_the_laptop_happens_somewhere(reports: Mapping[Path, Report]) -> None:
    dead = [set(summary.dead_actions or ()) for summary in reports[LAPTOP].policies]
    assert set.intersection(*dead) == set()
