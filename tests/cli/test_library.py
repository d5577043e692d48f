"""The shipped library against its expected answers, and what a difference looks like."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from keyfate.checking import library
from keyfate.checking.library import compared
from keyfate.checking.results import Report
from keyfate.commands import checking
from keyfate.language.library import folder as shipped
from keyfate.language.source import LifecycleError
from keyfate.reporting.annotations import of_report
from keyfate.reporting.summary import headline
from keyfate.reporting.text import report_text
from vault import FLASH, LIFECYCLE, SAFE


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of two policies, in place of the shipped one."""
    policies = tmp_path / "models" / "policies"
    policies.mkdir(parents=True)
    (policies / "vault.kf").write_text(LIFECYCLE, encoding="utf-8")
    (policies / "safe.policy.toml").write_text(SAFE, encoding="utf-8")
    (policies / "flash.policy.toml").write_text(FLASH, encoding="utf-8")
    monkeypatch.setattr(library, "folder", lambda name: tmp_path / name if name == "models" else shipped(name))
    return tmp_path / "models"


def check(update: int | None = None) -> Report:
    report = checking.check((), library=True, update=update, engine="auto", scope={}, timeout=None)
    assert report is not None
    return report


def differences(report: Report) -> list[tuple[str, str | None, str, str]]:
    return [(d.policy, d.property, d.expected, d.found) for d in report.differences or ()]


def test_without_expected_answers_everything_differs(models: Path) -> None:
    report = check()
    assert report.exit_status == 5
    assert differences(report) == [
        ("flash", None, "a file of expected answers", "none"),
        ("safe", None, "a file of expected answers", "none"),
    ]


def test_what_was_written_is_expected(models: Path) -> None:
    check(update=2_000)
    report = check()
    assert (report.exit_status, report.differences) == (0, ())
    text = report_text(report)
    assert "✓ all as expected: 1 lifecycle, 2 policies, 10 verdicts, 10 certified by Z3, 4 traces" in text
    assert "✗" not in text  # that `flash` breaks a requirement is as expected
    expected = json.loads((models / "expected" / "flash.json").read_text(encoding="utf-8"))
    assert expected["lifecycle"] == "vault"
    assert expected["properties"]["secrecy"] == {"verdict": "VIOLATED", "steps": 2}
    assert isinstance(expected["states"], int)


def test_what_is_not_decided_in_time_is_not_wrong(models: Path) -> None:
    check(update=0)
    report = checking.check((), library=True, update=None, engine="auto", scope={}, timeout=1e-9)
    assert report is not None
    assert report.differences is not None
    assert (report.exit_status, len(report.differences)) == (3, 10)
    text = report_text(report, quiet=True)
    assert "✗ 10 verdicts not decided: the time given was up\n" in text
    assert "expected" not in text
    assert "✗ 10 not decided: 1 lifecycle, 2 policies" in text
    assert headline(report) == "✗ keyfate: 10 verdicts of the library not decided, no other differs"
    assert [a.lines for a in of_report(report)] == [("10 verdicts not decided: the time given was up",)]


def test_a_wrong_answer_counts_before_those_that_are_missing(models: Path) -> None:
    check(update=0)
    path = models / "expected" / "flash.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["properties"]["secrecy"] = {"verdict": "PROVED", "steps": None}
    path.write_text(json.dumps(data))
    report = check()
    last = report.results[-1]
    mixed = [replace(r, verdict="UNKNOWN", reason="interrupted") if r == last else r for r in report.results]
    report = compared(replace(report, results=tuple(mixed)))
    assert (report.exit_status, len(report.differences or ())) == (5, 2)
    text = report_text(report)
    assert "flash: secrecy: expected PROVED, found VIOLATED in 2" in text
    assert "✗ 1 verdict not decided: interrupted\n" in text
    assert "✗ 1 difference, 1 not decided: " in text
    assert [a.title for a in of_report(report)] == ["undecided", "not as expected"]


def test_an_answer_that_nobody_expects_is_wrong_though_it_is_none(models: Path) -> None:
    check(update=0)
    path = models / "expected" / "flash.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["properties"]["secrecy"]
    path.write_text(json.dumps(data))
    report = checking.check((), library=True, update=None, engine="auto", scope={}, timeout=1e-9)
    assert report is not None
    assert report.exit_status == 5


def edit(
    models: Path, change: Callable[[dict[str, dict[str, object]]], object]
) -> list[tuple[str, str | None, str, str]]:
    check(update=0)
    path = models / "expected" / "flash.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data["properties"])
    path.write_text(json.dumps(data))
    report = check()
    assert report.exit_status == (5 if report.differences else 0)
    return differences(report)


def test_another_verdict_is_a_difference(models: Path) -> None:
    found = edit(models, lambda p: p["off_is_empty"].update(verdict="VIOLATED", steps=3))
    assert found == [("flash", "off_is_empty", "VIOLATED in 3", "PROVED")]


def test_another_length_is_a_difference(models: Path) -> None:
    assert edit(models, lambda p: p["secrecy"].update(steps=1)) == [
        ("flash", "secrecy", "VIOLATED in 1", "VIOLATED in 2")
    ]


def test_an_answer_too_few_or_too_many_is_a_difference(models: Path) -> None:
    assert edit(models, lambda p: p.pop("secrecy")) == [("flash", "secrecy", "nothing", "VIOLATED in 2")]
    found = edit(models, lambda p: p.update(gone={"verdict": "PROVED", "steps": None}))
    assert found == [("flash", "gone", "PROVED", "nothing")]


@pytest.mark.parametrize("text", ["{", "[]", '{"lifecycle": "x", "states": -1, "properties": {}}'])
def test_a_file_that_is_no_answer_is_refused(models: Path, text: str) -> None:
    (models / "expected").mkdir()
    (models / "expected" / "safe.json").write_text(text)
    with pytest.raises(LifecycleError) as error:
        check()
    assert {d.code for d in error.value.diagnostics} == {"KF550"}


def test_the_shipped_library_answers_as_expected() -> None:
    report = check()
    assert differences(report) == []
    assert report.exit_status == 0
    verdicts = {r.verdict for r in report.results}
    assert verdicts <= {"PROVED", "VIOLATED", "POSSIBLE", "IMPOSSIBLE", "DEPENDS"}
    for result in report.results:
        assert result.certificate is not None
        assert result.certificate.checked_by == "z3"
        assert result.confirmed in (True, None)
        assert (result.trace is None) == (result.confirmed is None)


def test_every_expected_file_has_its_policy() -> None:
    names = {path.name.removesuffix(".policy.toml") for path in library.library_policies()}
    assert {path.stem for path in (shipped("models") / "expected").glob("*.json")} == names
