"""What changed between two reports, and a baseline read back from the JSON that keyfate wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from keyfate.checking.baseline import load_report
from keyfate.checking.changes import Changes, PolicyChanges, Turn, changes
from keyfate.checking.results import Input, Report, Scope
from keyfate.language.source import LifecycleError
from keyfate.reporting.changes import rows
from keyfate.reporting.json import to_json
from keyfate.reporting.text import report_text


def test_nothing_changed(report: Report) -> None:
    assert changes(report, report) == Changes((report.keyfate, report.keyfate), (), ())
    assert "\nagainst the baseline: nothing changed\n" in report_text(report, changes=changes(report, report))


def test_settings_requirements_and_verdicts(report: Report) -> None:
    safe = next(p for p in report.policies if p.policy == "safe")
    controls = {k: v for k, v in safe.controls.items() if k != "wipe"} | {"root": "flash"}
    turned = replace(safe, controls=controls, attacker="thief", capabilities=("steal", "open_tpm"))
    results = tuple(
        replace(r, verdict="VIOLATED", met=False, required=None, scope=Scope({"Shelf": 2}))
        if (r.policy, r.property) == ("safe", "secrecy")
        else r
        for r in report.results
        if (r.policy, r.property) != ("safe", "restores")
    )
    after = replace(report, policies=tuple(turned if p is safe else p for p in report.policies), results=results)
    (found,) = changes(report, after).policies
    assert (found.policy, found.how, found.path) == ("safe", "changed", safe.path)
    assert found.turns == (
        Turn("control", "root", "tpm", "flash"),
        Turn("control", "wipe", "true", None),
        Turn("attacker", "attacker", safe.attacker, "thief"),
        Turn("capability", "open_tpm", None, "on"),
        Turn("capability", "peek[left]", "on", None),
        Turn("capability", "peek[right]", "on", None),
        Turn("requirement", "secrecy", "PROVED", None),
        Turn("verdict", "secrecy", "PROVED within Count 0 .. 2", "VIOLATED"),
        Turn("verdict", "restores", "POSSIBLE", None),
    )
    assert [str(r) for r in rows(changes(report, after))] == [
        "root: tpm → flash",
        "wipe: true → open",
        f"attacker: {safe.attacker} → thief",
        "capability open_tpm: off → on",
        "capability peek[left]: on → off",
        "capability peek[right]: on → off",
        "requirement secrecy: PROVED → not required",
        "secrecy: PROVED within Count 0 .. 2 → VIOLATED",
        "restores: POSSIBLE → not checked",
    ]


def test_a_larger_scope(report: Report) -> None:
    results = tuple(replace(r, scope=replace(r.scope, sorts={"Shelf": 3})) for r in report.results)
    found = changes(report, replace(report, results=results)).policies
    assert {t for p in found for t in p.turns} == {Turn("scope", "Shelf", "2", "3")}


def test_policies_that_came_and_went(report: Report) -> None:
    first, *others = report.policies
    fewer = replace(report, policies=tuple(others))
    assert changes(report, fewer).policies == (PolicyChanges(first.policy, first.lifecycle, first.path, "removed"),)
    assert changes(fewer, report).policies == (PolicyChanges(first.policy, first.lifecycle, first.path, "added"),)
    assert [str(r) for r in rows(changes(report, fewer))] == ["the policy was removed"]


def test_a_moved_policy_is_the_same(report: Report) -> None:
    moved = replace(report, policies=tuple(replace(p, path=f"elsewhere/{p.path}") for p in report.policies))
    assert changes(report, moved).policies == ()


def test_of_namesakes_that_moved_none_is_the_same(report: Report) -> None:
    first = report.policies[0]
    before = replace(report, policies=(replace(first, path="a/x"), replace(first, path="b/x")))
    after = replace(report, policies=(replace(first, path="c/x"),))
    assert [(p.path, p.how) for p in changes(before, after).policies] == [
        ("c/x", "added"),
        ("a/x", "removed"),
        ("b/x", "removed"),
    ]


def test_files_that_differ(report: Report) -> None:
    first, *others = report.inputs
    inputs = (replace(first, sha256="0" * 64), *others[1:], Input("new.kf", "1" * 64))
    assert changes(report, replace(report, inputs=inputs)).files == (first.path, "new.kf", others[0].path)


def test_another_keyfate_is_noted(report: Report) -> None:
    older = replace(report, keyfate="0.0.1")
    text = report_text(report, changes=changes(older, report))
    assert f"the baseline was made by keyfate 0.0.1, this is {report.keyfate}" in text


# The baseline


def test_a_baseline_comes_back_as_it_was(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    path.write_text(to_json(report), encoding="utf-8")
    assert to_json(load_report(path)) == to_json(report)
    assert changes(load_report(path), report).policies == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not JSON", "KF590"),
        ("", "KF590"),
        ("[" * 200_000, "KF590"),
        ('{"keyfate": ' + "9" * 5000 + "}", "KF590"),
        ("[]", "KF591"),
        ("{}", "KF591"),
        ('{"results": [' + "1," * 50_000 + "1]}", "KF591"),
    ],
)
def test_bad_baselines(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "base.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LifecycleError) as caught:
        load_report(path)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert len(found.message) < 400
    assert found.help is not None
    assert "`the file`" not in found.message


def test_no_baseline_there(tmp_path: Path) -> None:
    with pytest.raises(LifecycleError) as caught:
        load_report(tmp_path / "base.json")
    (found,) = caught.value.diagnostics
    assert (found.code, found.help) == ("KF403", "a baseline is what `keyfate check --json-output FILE` wrote")


def test_a_baseline_of_another_shape(report: Report, tmp_path: Path) -> None:
    data = json.loads(to_json(report))
    data["results"][0]["verdict"] = "FINE"
    path = tmp_path / "base.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(LifecycleError, match="`results/0/verdict` is not as a report has it: 'FINE'"):
        load_report(path)


def test_a_baseline_nested_beyond_measure(report: Report, tmp_path: Path) -> None:
    data = json.loads(to_json(report))
    known = next(r for r in data["results"] if r["knowledge"])
    leaf = known["knowledge"][0] | {"premises": []}
    for _ in range(400):
        leaf = leaf | {"premises": [leaf]}
    known["knowledge"] = [leaf]
    path = tmp_path / "base.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(LifecycleError, match="nested too deeply"):
        load_report(path)


def test_a_baseline_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LifecycleError, match="there is no file"):
        load_report(tmp_path / "base.json")
