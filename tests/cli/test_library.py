"""The shipped library against its expected answers, and what a difference looks like."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from keyfate.checking import library
from keyfate.checking.results import Report
from keyfate.checking.session import open_session
from keyfate.commands import checking
from keyfate.commands.library import Extra
from keyfate.language.library import folder as shipped
from keyfate.language.source import LifecycleError
from keyfate.policy.finding import shipped_policies
from keyfate.reporting.annotations import of_report
from keyfate.reporting.json import document
from keyfate.reporting.places import places
from keyfate.reporting.summary import headline, summary
from keyfate.reporting.text import report_text
from keyfate.reporting.writing import OutputError
from shipping import instead
from vault import FLASH, LIFECYCLE, SAFE


def furnished(place: Path) -> Path:
    """A library of one lifecycle and two policies."""
    found = place / "models"
    (found / "policies").mkdir(parents=True)
    (found / "vault.kf").write_text(LIFECYCLE, encoding="utf-8")
    for name, text in (("safe", SAFE), ("flash", FLASH)):
        text = text.replace("vault.kf", "../vault.kf")
        (found / "policies" / f"{name}.policy.toml").write_text(text, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What it answers, as `--update` writes it."""
    models = furnished(tmp_path_factory.mktemp("library"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        instead(models, monkeypatch)
        assert check(update=True).exit_status == 0
    return models / "expected"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: Path) -> Path:
    """A library in place of the shipped one, with what it answers written beside it."""
    models = furnished(tmp_path)
    shutil.copytree(expected, models / "expected")
    instead(models, monkeypatch)
    return models


def check(*names: str, update: bool = False, quick: bool = False, timeout: float | None = None) -> Report:
    report = checking.check(
        tuple(map(Path, names)), library=Extra(quick, update), engine="auto", scope={}, timeout=timeout
    )
    assert report is not None
    return report


def differences(report: Report) -> list[tuple[str | None, str | None, str, str]]:
    return [(d.policy or d.lifecycle, d.property, d.expected, d.found) for d in report.differences or ()]


def edit(file: Path, change: Callable[[Any], object]) -> None:
    data = json.loads(file.read_text(encoding="utf-8"))
    change(data)
    file.write_text(json.dumps(data, indent=2), encoding="utf-8")


def flash(models: Path) -> Path:
    return models / "expected" / "flash.json"


def frontiers(models: Path) -> Path:
    return models / "expected" / "frontiers" / "vault.json"


def test_what_was_written_is_expected(written: Path) -> None:
    report = check()
    assert (report.exit_status, report.differences) == (0, ())
    text = report_text(report)
    assert "✓ all as expected: 1 lifecycle, 2 policies, 10 verdicts, 10 certified by Z3, 4 traces" in text
    assert "5 frontiers" in text
    assert "✗" not in text  # that `flash` breaks a requirement is as expected
    expected = json.loads(flash(written).read_text(encoding="utf-8"))
    assert expected["lifecycle"] == "vault"
    assert expected["properties"]["secrecy"] == {"verdict": "VIOLATED", "steps": 2, "basis": "claimed"}
    assert isinstance(expected["states"], int)
    found = json.loads(frontiers(written).read_text(encoding="utf-8"))
    assert (found["lifecycle"], found["scope"]) == ("vault", {})
    assert found["properties"]["off_is_empty"] == {"conditions": 0, "reaching": 0, "configurations": 384}
    assert found["properties"]["secrecy"]["conditions"] > 0
    jsonschema.validate(document(report), json.loads((shipped("reports") / "result.schema.json").read_text("utf-8")))


def test_a_quick_look_leaves_frontiers_and_states_out(written: Path) -> None:
    edit(frontiers(written), lambda data: data["properties"]["secrecy"].update(conditions=77))
    edit(flash(written), lambda data: data.update(states=77))
    report = check(quick=True)
    assert (report.exit_status, report.frontiers, report.states) == (0, None, None)
    assert "frontier" not in report_text(report)


def test_the_lifecycles_that_are_named_are_checked(written: Path) -> None:
    (written / "other.kf").write_text(LIFECYCLE.replace("lifecycle vault", "lifecycle other"), encoding="utf-8")
    assert check("vault").exit_status == 0  # nothing is expected of the other one yet
    with pytest.raises(LifecycleError) as error:
        check()
    assert [d.code for d in error.value.diagnostics] == ["KF551"]
    with pytest.raises(LifecycleError) as error:
        check("vualt")
    assert [(d.code, d.help) for d in error.value.diagnostics] == [("KF506", "did you mean `vault`?")]


def test_what_is_not_decided_in_time_is_not_wrong(written: Path) -> None:
    report = check(timeout=1e-9)
    assert report.differences is not None
    assert (report.exit_status, len(report.differences)) == (3, 17)
    text = report_text(report, quiet=True)
    assert "✗ 10 verdicts not decided: the time given was up\n" in text
    assert "✗ 5 frontiers not decided: the time given was up\n" in text
    assert "✗ 2 numbers of states not decided: the time given was up\n" in text
    assert "expected" not in text
    assert "✗ 17 not decided: 1 lifecycle, 2 policies" in text
    missing = "10 verdicts, 2 numbers of states, 5 frontiers"
    assert headline(report) == f"✗ keyfate: {missing} of the library not decided, no other differs"
    assert [[line.partition(" ")[0] for line in a.lines] for a in of_report(report)] == [["10", "2", "5"]]


def test_nothing_is_written_of_what_was_not_decided(written: Path) -> None:
    before = flash(written).read_text(encoding="utf-8")
    with pytest.raises(OutputError, match="is UNKNOWN, which nobody should expect: the time given was up"):
        check(update=True, timeout=1e-9)
    assert flash(written).read_text(encoding="utf-8") == before


def test_where_no_folder_can_be_made_nothing_is_written(written: Path) -> None:
    shutil.rmtree(written / "expected")
    (written / "expected").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="expected` cannot be made: file exists"):
        check(update=True)


def test_a_wrong_answer_counts_before_those_that_are_missing(written: Path) -> None:
    edit(
        flash(written),
        lambda data: data["properties"].update(secrecy={"verdict": "PROVED", "steps": None, "basis": "claimed"}),
    )
    report = check(quick=True)
    last = report.results[-1]
    mixed = [replace(r, verdict="UNKNOWN", reason="interrupted") if r == last else r for r in report.results]
    shelf = library.Shelf()
    policies = open_session(shipped_policies(), {}, shelf).policies
    wanted = library.load_expected(("vault",), policies, {}, shelf, anew=False)
    report = library.compared(replace(report, results=tuple(mixed)), wanted)
    assert (report.exit_status, len(report.differences or ())) == (5, 2)
    text = report_text(report)
    assert "flash: secrecy: expected PROVED, found VIOLATED in 2" in text
    assert "✗ 1 verdict not decided: interrupted\n" in text
    assert "✗ 1 difference, 1 not decided: " in text
    assert [a.title for a in of_report(report)] == ["undecided", "not as expected"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            lambda data: data["properties"]["off_is_empty"].update(verdict="VIOLATED", steps=3),
            ("flash", "off_is_empty", "VIOLATED in 3", "PROVED"),
        ),
        (
            lambda data: data["properties"]["secrecy"].update(steps=1),
            ("flash", "secrecy", "VIOLATED in 1", "VIOLATED in 2"),
        ),
        (
            lambda data: data["properties"]["off_is_empty"].update(basis="measured"),
            ("flash", "off_is_empty", "PROVED, measured", "PROVED, claimed"),
        ),
        (lambda data: data.update(states=data["states"] + 1), ("flash", None, "9", "8")),
        (lambda data: data.update(states=None), ("flash", None, "not counted", "8")),
    ],
)
def test_another_answer_is_a_difference(
    written: Path, change: Callable[[Any], object], found: tuple[str, str | None, str, str]
) -> None:
    edit(flash(written), change)
    report = check("vault")
    assert (report.exit_status, differences(report)) == (5, [found])
    policy, rule, expected, got = found
    said = f"{policy}: {rule or 'reachable states'}: expected {expected}, found {got}"
    assert f"✗ {said}\n" in report_text(report, quiet=True)
    assert [a.lines for a in of_report(report)] == [(said,)]


@pytest.mark.parametrize("name", ["conditions", "reaching", "configurations"])
def test_another_frontier_is_a_difference(written: Path, name: str) -> None:
    edit(frontiers(written), lambda data: data["properties"]["secrecy"].update({name: 77}))
    report = check()
    assert (report.exit_status, [d[:2] for d in differences(report)]) == (5, [("vault", "secrecy")])
    assert "✗ vault: frontier of secrecy: expected " in report_text(report, quiet=True)
    assert "frontier of secrecy" in summary(report, None, places({}, Path.cwd()))


def test_a_frontier_may_be_of_another_scope_which_an_update_keeps(written: Path) -> None:
    edit(frontiers(written), lambda data: data.update(scope={"Shelf": 1}))
    assert check().exit_status == 5
    check(update=True)
    assert json.loads(frontiers(written).read_text(encoding="utf-8"))["scope"] == {"Shelf": 1}
    assert check().exit_status == 0


@pytest.mark.parametrize(
    ("file", "change", "code", "said"),
    [
        (flash, lambda d: d["properties"].pop("secrecy"), "KF553", "checks `secrecy`, of which nothing is expected"),
        (
            frontiers,
            lambda d: d["properties"].pop("secrecy"),
            "KF553",
            "checks `secrecy`, of which nothing is expected",
        ),
        (flash, lambda d: d["properties"].update(gone=d["properties"]["secrecy"]), "KF553", "`gone` is expected here"),
        (frontiers, lambda d: d["properties"].update(gone=d["properties"]["secrecy"]), "KF553", "`gone` is expected"),
        (flash, lambda d: d.update(lifecycle="volt"), "KF552", "expected of `volt`, and the lifecycle is `vault`"),
        (frontiers, lambda d: d.update(lifecycle="volt"), "KF552", "expected of `volt`, and the lifecycle is `vault`"),
        (flash, lambda d: d["properties"]["secrecy"].pop("basis"), "KF550", "'basis' is a required property"),
        (flash, lambda d: d.update(states=-1), "KF550", "`states` is not as the schema has it"),
        (frontiers, lambda d: d.update(scope={"Shelf": 0}), "KF550", "`scope/Shelf` is not as the schema has it"),
        (frontiers, lambda d: d.update(scope={"Shelves": 1}), "KF202", "Shelves"),
    ],
)
def test_a_file_that_lists_other_things_than_are_decided_is_refused(
    written: Path, file: Callable[[Path], Path], change: Callable[[Any], object], code: str, said: str
) -> None:
    edit(file(written), change)
    with pytest.raises(LifecycleError) as error:
        check()
    (found,) = error.value.diagnostics
    assert found.code == code
    assert said in found.message
    assert found.help
    assert Path(found.span.path).name == file(written).name
    assert found.span.line > 1 or code == "KF550"


def test_a_name_that_is_there_twice_is_refused(written: Path) -> None:
    text = flash(written).read_text(encoding="utf-8")
    flash(written).write_text(text.replace('"off_is_empty"', '"secrecy"'), encoding="utf-8")
    with pytest.raises(LifecycleError, match="`secrecy` stands twice in one object"):
        check()


@pytest.mark.parametrize("file", [flash, frontiers])
def test_a_file_that_is_missing_is_an_error_and_one_of_nothing_too(written: Path, file: Callable[[Path], Path]) -> None:
    """What is gone is not read as agreement, nor as a difference that an update hides."""
    old = file(written)
    new = old.rename(old.with_name("gone.json"))
    with pytest.raises(LifecycleError) as error:
        check()
    assert [d.code for d in error.value.diagnostics] == ["KF554", "KF551"]
    assert "`gone`" in error.value.diagnostics[0].message
    with pytest.raises(LifecycleError) as error:
        check(update=True)  # it would be there still
    assert [d.code for d in error.value.diagnostics] == ["KF554"]
    new.unlink()
    check(update=True)
    assert check().exit_status == 0


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"lifecycle": "x", "states": -1, "properties": {}}', "[" * 200_000, '{"states": ' + "9" * 5000 + "}"],
    ids=["torn", "a list", "below nothing", "deep", "long"],
)
def test_a_file_that_is_no_answer_is_refused(written: Path, text: str) -> None:
    flash(written).write_text(text)
    with pytest.raises(LifecycleError) as error:
        check()
    assert {d.code for d in error.value.diagnostics} == {"KF550"}
