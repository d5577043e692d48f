"""What the shipped library must show, of one run of the command that everybody runs first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from keyfate.language.library import folder
from keyfate.policy.finding import shipped_names

pytestmark = pytest.mark.timeout(3000)  # a generous kill: the first test waits for the whole library

Results = Mapping[str, Mapping[str, dict[str, Any]]]
PERSISTENT = "tdx-1.5-"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, dict[str, Any]]:
    """Exit status, text and JSON of `keyfate check --library`."""
    where = tmp_path_factory.mktemp("library")
    command = [sys.executable, "-m", "keyfate", "check", "--library", "--json-output", str(where / "out.json")]
    done = subprocess.run(
        command, cwd=where, capture_output=True, text=True, timeout=2700, env={**os.environ, "PYTHONUTF8": "1"}
    )
    return done.returncode, done.stdout + done.stderr, json.loads((where / "out.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def results(run: tuple[int, str, dict[str, Any]]) -> Results:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for result in run[2]["results"]:
        found.setdefault(result["policy"], {})[result["property"]] = result
    return found


def verdicts(results: Results, policy: str) -> dict[str, str]:
    return {name: result["verdict"] for name, result in results[policy].items()}


def test_every_verdict_is_as_expected(run: tuple[int, str, dict[str, Any]]) -> None:
    status, text, _ = run
    assert status == 0, text
    assert "next: keyfate" in text.splitlines()[-1]


def test_the_output_is_of_the_shipped_schema(run: tuple[int, str, dict[str, Any]]) -> None:
    schema = json.loads((folder("reports") / "result.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(run[2], schema)


def test_every_verdict_is_decided_and_judged(results: Results) -> None:
    """Never BOUNDED or UNKNOWN; what is proved has a checked invariant, what breaks happened in bytes."""
    for policy in results.values():
        for result in policy.values():
            verdict = result["verdict"]
            assert verdict in ("PROVED", "VIOLATED", "POSSIBLE", "IMPOSSIBLE", "DEPENDS", "VACUOUS"), result
            if verdict == "PROVED":
                assert result["certificate"]["checked_by"] == "z3"
                assert result["certificate"]["clauses"] is not None
            assert result["certificate"] is not None
            assert (result["trace"] is None) == (result["confirmed"] is None)
            if verdict in ("VIOLATED", "POSSIBLE"):
                assert result["confirmed"] is True
                assert result["steps"] == len(result["trace"])


def test_every_frontier_is_complete_and_every_number_of_states_known(run: tuple[int, str, dict[str, Any]]) -> None:
    _, text, report = run
    assert {extent["verdict"] for extent in report["frontiers"]} == {"COMPLETE"}
    assert {extent["lifecycle"] for extent in report["frontiers"]} == set(shipped_names())
    assert {count["policy"] for count in report["states"]} == {policy["policy"] for policy in report["policies"]}
    assert f"{len(report['frontiers'])} frontiers" in text


def test_hardened_policies_meet_what_they_require(results: Results) -> None:
    hardened = {policy for policy in results if policy.endswith("-hardened")}
    assert len(hardened) >= len(shipped_names()) - 1  # the volatile lifecycle has no control to set
    for policy in hardened:
        assert [name for name, result in results[policy].items() if not result["met"]] == []


def test_what_the_hardened_policy_of_the_persistent_seed_shows(results: Results) -> None:
    hardened = results["tdx-1.5-hardened"]
    assert hardened["survives_reboot"]["verdict"] == "POSSIBLE"
    assert hardened["survives_reboot"]["trace"]
    assert hardened["volatility"]["verdict"] == "VIOLATED"  # by design, and the report says so


def test_a_seed_in_flash_gives_the_memory_away(results: Results) -> None:
    broken = results["tdx-1.5-flash-on-by-default"]["confidentiality"]
    assert (broken["verdict"], broken["confirmed"], broken["met"]) == ("VIOLATED", True, False)
    told = json.dumps(broken["knowledge"])
    for word in ("platform_seed", "td-persistent-key-seed", "td-key", "snapshot"):
        assert word in told


def test_volatile_keys_survive_nothing(results: Results) -> None:
    found = verdicts(results, "tdx-1.0-volatile")
    assert (found["survives_reboot"], found["volatility"]) == ("IMPOSSIBLE", "PROVED")


def test_persistence_off_is_what_the_volatile_lifecycle_was(results: Results) -> None:
    before, off = verdicts(results, "tdx-1.0-volatile"), verdicts(results, "tdx-1.5-persistence-off")
    shared = before.keys() & off.keys()
    assert len(shared) >= 10
    assert {name: before[name] for name in shared} == {name: off[name] for name in shared}


@pytest.mark.parametrize(
    ("policy", "broken", "kept"),
    [
        ("shared-image-unbound", "isolation_same_image", "isolation_other_image"),
        ("no-erasure", "sanitization", "cpu_sanitization"),
        ("forged-quote", "attested_targets", "root_secrecy"),
        ("unattested-migration", "attested_targets", "cpu_sanitization"),
        ("no-replay-protection", "no_stale_resume", "confidentiality"),
        ("flipped-policy", "volatile_promise", "confidentiality"),
    ],
)
def test_one_safeguard_less_breaks_what_it_guards(results: Results, policy: str, broken: str, kept: str) -> None:
    found, whole = verdicts(results, PERSISTENT + policy), verdicts(results, "tdx-1.5-hardened")
    assert (found[broken], found[kept]) == ("VIOLATED", "PROVED")
    assert (whole[broken], whole[kept]) == ("PROVED", "PROVED")


def test_every_policy_that_ships_was_checked(results: Results) -> None:
    shipped = {path.name.removesuffix(".policy.toml") for path in (folder("models") / "policies").glob("*.toml")}
    assert results.keys() == shipped
    assert len(shipped) >= 9


def test_expected_answers_are_of_their_schema() -> None:
    for schema, where in (("expected", "expected"), ("expected-frontiers", "expected/frontiers")):
        asked = json.loads((folder("reports") / f"{schema}.schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(asked)
        files: list[Path] = sorted((folder("models") / where).glob("*.json"))
        assert files
        for path in files:
            jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), asked)
