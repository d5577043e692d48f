"""Annotations: un-escaped as the runner does it, they say what was meant, and nothing else in the log is obeyed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from hostile import TEXTS, texts
from keyfate.checking.changes import changes
from keyfate.checking.results import Difference, Location, Notice, Report, Result, exit_status
from keyfate.language.source import Diagnostic, Source, Span
from keyfate.reporting.annotations import Annotation, of_diagnostics, of_report
from keyfate.reporting.github import guarded, log
from keyfate.reporting.places import Places, places
from keyfate.reporting.text import report_text
from keyfate.reporting.words import clean
from runner import annotations, obeyed


@pytest.fixture
def at_home(house: Path) -> Places:
    return Places(house, house)


def only(report: Report, *results: Result) -> Report:
    """The report with these results, and the status they mean."""
    return replace(report, results=results, exit_status=exit_status(report.policies, results))


def of(report: Report, policy: str, name: str) -> Result:
    return next(r for r in report.results if (r.policy, r.property) == (policy, name))


def test_a_break_stands_at_the_line_that_requires_it(report: Report, at_home: Places, house: Path) -> None:
    shown = annotations(log(report_text(report), of_report(report), at_home))
    (first,) = [a for a in shown if a.properties["title"] == "broken: secrecy" and "flash: " in a.message]
    # The default requirement stands in the file that it extends; what is broken is this policy.
    assert first.name == "error"
    assert (first.properties["file"], first.properties["line"]) == ("flash.policy.toml", "2")
    assert (house / "flash.policy.toml").read_text(encoding="utf-8").splitlines()[1].startswith("extends")
    assert first.message.splitlines()[:2] == ["flash: VIOLATED, required PROVED: an item is read", "start → stop"]
    assert "vault.kf:" in first.message
    assert first.message.splitlines()[-1].endswith("flash.policy.toml secrecy")


def test_a_requirement_of_its_own_file_is_where_it_is_written(report: Report, at_home: Places, house: Path) -> None:
    result = replace(of(report, "safe", "restores"), verdict="IMPOSSIBLE", met=False)
    (shown,) = of_report(only(report, result))
    assert shown.at is not None
    line = (house / "safe.policy.toml").read_text(encoding="utf-8").splitlines()[shown.at.line - 1]
    assert line == 'restores = "POSSIBLE"'


def test_without_a_policy_it_is_the_lifecycles_line(report: Report) -> None:
    result = of(report, "(no policy)", "secrecy")
    assert not result.met
    (shown,) = of_report(only(report, result))
    assert shown.at == result.location.check


def test_a_new_break_stands_at_the_changed_control(report: Report) -> None:
    policy = next(p for p in report.policies if p.policy == "safe")
    broken = replace(of(report, "safe", "secrecy"), verdict="VIOLATED", met=False)
    after = only(replace(report, policies=(replace(policy, controls=policy.controls | {"root": "flash"}),)), broken)
    before = only(replace(report, policies=(policy,)), of(report, "safe", "secrecy"))
    (shown,) = of_report(after, changes(before, after))
    assert shown.at == policy.set_at["root"] != policy.location
    assert "changed: root: tpm → flash" in shown.lines
    # What was broken before is not blamed on it.
    (shown,) = of_report(after, changes(only(after, broken), after))
    assert shown.at == policy.location or shown.at == broken.location.policy


def test_what_fails_is_told_apart(report: Report) -> None:
    one = of(report, "safe", "secrecy")
    found = {
        "broken: secrecy": replace(one, verdict="VIOLATED", met=False),
        "undecided: secrecy": replace(one, verdict="UNKNOWN", met=False, reason="time is up"),
        "judges disagree: secrecy": replace(one, verdict="DIVERGED", met=False, reason="one says so"),
    }
    for title, result in found.items():
        (shown,) = of_report(only(report, result))
        assert (shown.title, shown.kind) == (title, "error")
    spared = replace(one, verdict="UNKNOWN", required=None, reason="time is up")
    (shown,) = of_report(only(report, spared))
    assert (shown.title, shown.kind) == ("undecided: secrecy", "warning")
    assert of_report(only(report, one)) == ()


def test_nothing_checked_is_an_error(report: Report) -> None:
    for results in ((), (replace(of(report, "safe", "audited"), verdict="VACUOUS"),)):
        (shown,) = of_report(only(report, *results))
        assert (shown.kind, shown.title) == ("error", "nothing was checked")


def test_judges_that_disagree_about_a_lifecycle(report: Report) -> None:
    policies = (replace(report.policies[0], diverged="one says so"), *report.policies[1:])
    (shown,) = of_report(only(replace(report, policies=policies), of(report, "safe", "secrecy")))
    assert (shown.kind, shown.title, shown.lines) == ("error", "judges disagree", ("safe: one says so",))


def test_the_runner_keeps_ten_of_a_kind(report: Report, at_home: Places) -> None:
    one = of(report, "flash", "secrecy")
    severities = ("low", "medium", "high", "critical")
    many = [replace(one, property=f"p{i}", severity=severities[i % 4]) for i in range(17)]
    notices = tuple(Notice("KF999", f"warning {i}", None) for i in range(12))
    policies = tuple(replace(p, warnings=notices) for p in report.policies)
    shown = annotations(log("", of_report(only(replace(report, policies=policies), *many)), at_home))
    errors, warnings = ([a for a in shown if a.name == kind] for kind in ("error", "warning"))
    assert (len(errors), len(warnings)) == (10, 10)
    assert [a.properties["title"] for a in errors[:4]] == [f"broken: p{i}" for i in (3, 7, 11, 15)]
    assert errors[-1].message == "and 8 more, see the summary"
    assert warnings[-1].message == "and 3 more, see the summary"


def test_ten_are_all_shown(report: Report, at_home: Places) -> None:
    many = [replace(of(report, "flash", "secrecy"), property=f"p{i}") for i in range(10)]
    shown = annotations(log("", of_report(only(report, *many)), at_home))
    assert [a.properties["title"] for a in shown] == [f"broken: p{i}" for i in range(10)]


def test_what_keeps_keyfate_from_running(house: Path, at_home: Places) -> None:
    source = Source("vault.kf", "line one\nline two\n")
    found = of_diagnostics(
        [
            Diagnostic("KF101", "expected `by`", Span(source, 9, 13), help="write `by`"),
            Diagnostic("KF900", "odd", Span(source, 0, 1), severity="warning"),
        ]
    )
    (shown,) = annotations(log("", found, at_home))
    assert shown.properties == {"file": "vault.kf", "line": "2", "col": "1", "title": "keyfate could not run"}
    assert shown.message == "KF101: expected `by`\nwrite `by`"


def test_files_below_the_root_only(house: Path, tmp_path: Path) -> None:
    nested = Places(house.parent, house)
    assert nested.name("vault.kf") == f"{house.name}/vault.kf"
    assert nested.name(str(house / "vault.kf")) == f"{house.name}/vault.kf"
    assert Places(tmp_path, house).name("vault.kf") is None
    assert nested.name("<command line>") is None
    assert nested.name("properties/secrecy.kf") is None
    (tmp_path / "link").symlink_to(house, target_is_directory=True)
    assert Places(tmp_path / "link", house).name("vault.kf") == "vault.kf"


def test_an_annotation_elsewhere_has_no_place(tmp_path: Path, house: Path) -> None:
    one = Annotation("error", "t", ("m",), Location("vault.kf", 3, 1))
    (shown,) = annotations(log("", [one], Places(tmp_path, house)))
    assert shown.properties == {"title": "t"}


def test_the_address_of_a_line(house: Path) -> None:
    github = {
        "GITHUB_WORKSPACE": str(house),
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "us/fleet",
        "GITHUB_SHA": "abc",
    }
    gitlab = {"CI_PROJECT_DIR": str(house), "CI_PROJECT_URL": "https://gitlab.com/us/fleet", "CI_COMMIT_SHA": "abc"}
    (house / "a b#.kf").write_text("", encoding="utf-8")
    at = Location("a b#.kf", 7, 1)
    assert places(github, house).address(at) == "https://github.com/us/fleet/blob/abc/a%20b%23.kf#L7"
    assert places(gitlab, house).address(at) == "https://gitlab.com/us/fleet/-/blob/abc/a%20b%23.kf#L7"
    assert places({}, house).address(at) is None
    (house / "a b#.kf").unlink()


@pytest.mark.parametrize("text", TEXTS)
def test_each_hostile_text_comes_back_as_it_was(text: str) -> None:
    comes_back(text, text, text)


@given(title=texts, line=texts, name=texts)
def test_hostile_texts_come_back_as_they_were(title: str, line: str, name: str) -> None:
    comes_back(title, line, name)


def comes_back(title: str, line: str, name: str) -> None:
    one = Annotation("error", clean(title), (clean(name)[:1000], clean(line)[:1000]))
    (shown,) = annotations(log("", [one], Places(Path(), Path())))
    assert shown.message == f"{clean(name)[:1000]}\n{clean(line)[:1000]}"
    assert shown.properties.get("title", "") == clean(title)[:200]


@given(text=texts)
def test_nothing_in_the_log_is_obeyed(text: str) -> None:
    assert next(obeyed(guarded(text) + "::error::ours\n")).message == "ours"


def test_the_reports_own_texts_are_not_obeyed(report: Report, at_home: Places) -> None:
    for text in TEXTS:
        results = tuple(replace(r, says=text, text=text, not_required=text, reason=text) for r in report.results)
        shown = annotations(log(report_text(only(report, *results)), of_report(only(report, *results)), at_home))
        assert [a.properties["title"] for a in shown] == ["broken: secrecy"] * 2 + ["broken: gone_is_gone"]
        assert all(len(a.message) <= 4096 for a in shown)


def test_names_of_files_stay_on_their_line(report: Report) -> None:
    """A file's name may hold anything: every line of an annotation is one line, in printable characters."""
    for text in TEXTS:
        policies = tuple(replace(p, policy=text, path=f"{text}.policy.toml") for p in report.policies[:1])
        one = replace(of(report, "flash", "secrecy"), lifecycle=policies[0].lifecycle, policy=text)
        (shown,) = of_report(only(replace(report, policies=policies), one))
        assert len(shown.lines) > 2
        assert all(line.isprintable() for line in (shown.title, *shown.lines))


def test_a_log_without_guard_would_be(at_home: Places) -> None:
    """The test's runner sees what the guard is there for."""
    assert [c.name for c in obeyed("a ##[error]owned\n  ::error::owned\n")] == ["error", "error"]


def test_breaks_stand_before_what_has_no_answer(report: Report) -> None:
    one = replace(of(report, "safe", "secrecy"), met=False)
    kinds = (("UNKNOWN", "critical"), ("VIOLATED", "low"), ("VIOLATED", "high"), ("DIVERGED", "low"))
    results = [replace(one, property=f"{v}-{s}", verdict=v, severity=s) for v, s in kinds]
    titles = [a.title.partition(": ")[2] for a in of_report(only(report, *results))]
    assert titles == ["DIVERGED-low", "VIOLATED-high", "VIOLATED-low", "UNKNOWN-critical"]


def test_the_library_is_held_against_what_is_expected(report: Report) -> None:
    """There, what is broken is not what matters."""
    assert of_report(replace(report, differences=(), exit_status=0)) == ()
    unexpected = (
        Difference("safe", None, "secrecy", "verdict", "VIOLATED", "PROVED"),
        Difference("safe", None, None, "states", "8", "9"),
        Difference(None, "vault", "secrecy", "frontier", "2 conditions", "3 conditions"),
    )
    shown = of_report(replace(report, differences=unexpected, exit_status=5))
    assert [(a.kind, a.title, *a.lines) for a in shown] == [
        ("error", "not as expected", "safe: secrecy: expected VIOLATED, found PROVED"),
        ("error", "not as expected", "safe: reachable states: expected 8, found 9"),
        ("error", "not as expected", "vault: frontier of secrecy: expected 2 conditions, found 3 conditions"),
    ]
