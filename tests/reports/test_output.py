"""Reports for people and machines: what they must say, and that they say it whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from keyfate.checking.results import Difference, FrontierExtent, Knowledge, Notice, Report, StateCount
from keyfate.language.loading import load_text
from keyfate.reporting.explaining import explanation
from keyfate.reporting.json import document, to_json
from keyfate.reporting.listing import Shipped, lifecycle_text
from keyfate.reporting.text import next_command, report_text
from keyfate.reporting.writing import OutputError, append, write_whole


@pytest.fixture(scope="session")
def schema(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((root / "reports" / "result.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return loaded


def story(report: Report, policy: str, name: str) -> str:
    summary = next(p for p in report.policies if p.policy == policy)
    result = next(r for r in report.results if (r.policy, r.property) == (policy, name))
    return explanation(summary, result)


def test_json_follows_its_schema(report: Report, schema: dict[str, Any]) -> None:
    jsonschema.validate(document(report), schema)
    differences = (
        Difference("p", None, None, "states", "1", "2"),
        Difference(None, "l", "r", "frontier", "a", "b", "c"),
    )
    extents = (
        FrontierExtent("l", "r", "COMPLETE", 1, 2, 3),
        FrontierExtent("l", "s", "UNKNOWN", None, None, None, "c"),
    )
    counts = (StateCount("p", 3), StateCount("q", None, "late"))
    jsonschema.validate(document(replace(report, differences=differences, frontiers=extents, states=counts)), schema)


@pytest.mark.parametrize("field", ["verdict", "location", "configuration", "fingerprint", "knowledge", "certificate"])
def test_the_schema_asks_for_every_field(report: Report, schema: dict[str, Any], field: str) -> None:
    data: Any = document(report)
    del data["results"][0][field]
    with pytest.raises(jsonschema.ValidationError, match=field):
        jsonschema.validate(data, schema)


def test_the_schema_allows_no_other_field(report: Report, schema: dict[str, Any]) -> None:
    data: Any = document(report)
    data["results"][0]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError, match="extra"):
        jsonschema.validate(data, schema)


def test_json_has_the_hash_of_every_text(report: Report) -> None:
    names = {Path(i.path).name for i in report.inputs}
    assert names == {"safe.policy.toml", "flash.policy.toml", "vault.kf"}
    for text in report.inputs:
        assert text.sha256 == hashlib.sha256(Path(text.path).read_bytes()).hexdigest()


def test_each_policy_has_a_heading_and_a_row_for_each_property(report: Report) -> None:
    head, *rows = report_text(report).splitlines()
    assert head == "vault · safe · Shelf=2"
    assert re.split(r"\s{2,}", rows[0].strip()) == ["secrecy", "✓ PROVED within Count 0 .. 2", "documented"]
    assert re.search(r"\n\nvault · flash · Shelf=2\n  secrecy +✗ VIOLATED in 2 steps +claimed\n", report_text(report))


def test_verdicts_stand_below_each_other(report: Report) -> None:
    rows = [line for line in report_text(report).splitlines() if re.match(r"  \w+ +[✓✗·] [A-Z]{6}", line)]
    assert len(rows) == len(report.results)
    assert len({re.search("[✓✗·]", row).start() for row in rows if re.search("[✓✗·]", row)}) == 1
    assert len({row.rindex("  ") for row in rows}) == 1


def test_long_names_are_whole(report: Report) -> None:
    policy, rule = "hardened-against-who-opens-the-security-chip-in-a-laboratory", "isolation_of_the_same_image"
    result = replace(report.results[0], policy=policy, property=rule)
    summary = replace(report.policies[0], policy=policy)
    long = replace(report, policies=(summary,), results=(result,))
    wide = report_text(long, width=100).splitlines()
    assert wide[:2] == [
        f"vault · {policy} · Shelf=2",
        f"  {rule}  ✓ PROVED within Count 0 .. 2  documented",
    ]
    assert report_text(long, width=62).splitlines()[:5] == [
        "vault",
        policy,
        "Shelf=2",
        f"  {rule}",
        "    ✓ PROVED within Count 0 .. 2 · documented",
    ]


def test_the_report_tells_what_a_reader_must_know(report: Report) -> None:
    text = report_text(report, width=200)
    assert re.search(r"\nflash: 1 of \d requirements not met\n  ✗ secrecy  VIOLATED: an item is read\n", text)
    assert re.search(r"\n +start → stop\n", text)
    assert "safe, flash: gone_is_gone is not required: the disk is shredded" in text
    assert "(no policy): open root, saving, sealed[left], sealed[right], wipe" in text
    assert "  ! audited  VACUOUS: no reachable state satisfies its `when`" in text
    assert "vault: never happens under safe, flash, (no policy): audit" in text
    assert "perfect cryptography" in text
    assert "Equality of ciphertexts is out of scope" in text
    assert text.splitlines()[-1].startswith("next: keyfate explain ")


def test_an_attacker_that_can_do_nothing_is_told_of(report: Report) -> None:
    """A profile whose capabilities another lifecycle names would else prove everything."""
    powerless = replace(report.policies[0], attacker="storage_thief", capabilities=())
    said = "safe: the attacker (storage_thief) has no capability that the lifecycle knows"
    assert said in report_text(replace(report, policies=(powerless, *report.policies[1:])))
    assert "has no capability" not in report_text(report)


def test_the_next_command_is_about_the_worst(report: Report) -> None:
    command = next_command(report)
    assert command is not None
    assert re.search(r"explain \S*flash\.policy\.toml secrecy$", command)


def test_a_divergence_stands_out(report: Report) -> None:
    diverged = replace(report.results[0], verdict="DIVERGED", met=False, reason="one says so, the other not")
    text = report_text(replace(report, results=(diverged,), exit_status=5), width=200)
    assert "✗ secrecy  DIVERGED: one says so, the other not" in text


def test_a_break_of_which_nothing_is_said_ends_with_its_verdict(report: Report) -> None:
    wordless = replace(report.results[0], verdict="VIOLATED", met=False, says=None, reason=None, text="")
    lines = report_text(replace(report, results=(wordless,)), width=200).splitlines()
    assert "  ✗ secrecy  VIOLATED" in [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", [40, 60, 79, 80, 120, 200])
def test_no_line_is_wider_than_asked(report: Report, width: int) -> None:
    assert max(len(line) for line in report_text(report, width=width).splitlines()) <= width
    for result in report.results:
        summary = next(p for p in report.policies if p.policy == result.policy)
        lines = explanation(summary, result, width=width).splitlines()
        assert max(len(line) for line in lines) <= width


def test_colour_only_where_asked(report: Report) -> None:
    assert "\x1b[" not in report_text(report)
    colored = report_text(report, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored).split() == report_text(report).split()


def test_hostile_words_stay_words(report: Report) -> None:
    word = "[red]a[/red]\x1b[31m\u202eb\nc"
    hostile = replace(
        report.results[0], policy=word, property=word, met=False, says=word, verdict="VIOLATED", not_required=word
    )
    summary = replace(report.policies[0], policy=word, title=word, warnings=(Notice("KF1", word, None),))
    for text in (
        report_text(replace(report, policies=(summary,), results=(hostile,)), width=400),
        explanation(summary, hostile, width=400),
    ):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]a[/red]\\x1b[31m\\u202eb c" in text


def test_an_explanation_goes_step_by_step_and_then_to_the_secret(report: Report) -> None:
    text = story(report, "flash", "secrecy")
    order = [
        "vault · flash · secrecy: VIOLATED in 2 steps, confirmed in bytes",
        "fixed by the policy: root = flash, saving = true",
        "at the start",
        "the attacker sees seed, in store by steal",
        "1. start by chip: power comes",
        "power: off → on",
        "2. stop by chip: power goes",
        "how the attacker computes item[",
        "decrypted from the enc below",
        'computed: kdf "box"',
        "seed  seen in store at the start by steal",
        "every step of the trace checked by z3",
        "in bytes, each value by the first bytes of its SHA-256",
        "  opened enc (AES-256-GCM) ",
    ]
    at = -1
    for words in order:
        found = text.find(words, at + 1)
        assert found > at, words
        at = found


def test_what_goes_on_stands_further_in(report: Report) -> None:
    summary = next(p for p in report.policies if p.policy == "flash")
    long = replace(summary, capabilities=tuple(f"capability_{i}" for i in range(20)))
    result = next(r for r in report.results if r.policy == "flash" and r.trace)
    lines = explanation(long, result, width=60).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("the attacker ("))
    assert lines[at + 1].startswith("  capability_")


def test_who_computes_is_who_has_what_it_takes(report: Report) -> None:
    result = next(r for r in report.results if r.policy == "flash" and r.trace)
    summary = next(p for p in report.policies if p.policy == "flash")
    seen = Knowledge("key", "observed", place="disk", step=1)
    held, public = Knowledge("pin", "held", place="head"), Knowledge("label", "public")
    for leaves, who in (
        ((seen, public), "the attacker computes"),
        ((held, public), "what is left yields"),
        ((seen, held), "what is left, with what was seen, yields"),
        ((public,), "everybody computes"),
    ):
        tree = Knowledge("root", "compose", "kdf", "use", premises=leaves)
        assert f"how {who} root\n" in explanation(summary, replace(result, knowledge=(tree,)))


def test_an_explanation_shows_only_what_changed(report: Report) -> None:
    text = story(report, "flash", "secrecy")
    second = text[text.index("2. stop") : text.index("how the attacker")]
    assert "uses" not in second
    assert "store" not in second


def test_a_proof_is_explained_by_its_certificate(report: Report) -> None:
    text = story(report, "safe", "secrecy")
    assert re.search(r"an inductive invariant of \d+ clauses?, checked by a fresh z3", text)


def test_depends_is_explained_by_both_settings(report: Report) -> None:
    text = story(report, "(no policy)", "restores")
    assert re.search(r"open, here: .*saving = true", text)
    assert re.search(r"no run does it with: .*saving = false", text)


def test_the_list_names_the_shared_property_where_the_check_is_called_otherwise() -> None:
    lifecycle = load_text(
        'lifecycle x "x" status assumed\ncomponent host outside\nsecret pin[S]\nsort S = a | b\n'
        "place box persistent at host\naction put[s: S] by host then box gains pin[s]\n"
        "check confidentiality(pin)\ncheck confidentiality(pin) as again\nproperty own never box has pin[a]\n"
    ).lifecycle
    lines = [line.split()[:4] for line in lifecycle_text(Shipped("x", lifecycle, ())).splitlines()]
    assert ["confidentiality", "never", "critical", "The"] in lines
    assert ["again", "never", "critical", "confidentiality"] in lines
    assert ["own", "never", "high"] in lines


def test_a_constraint_is_called_so_once() -> None:
    text = (
        'lifecycle x "x" status assumed\ncomponent host outside\ncontrol a : bool\ncontrol b : bool\n'
        'constraint a or b\nconstraint not b "why"\naction act by host\nproperty acts possible did act\n'
    )
    lines = lifecycle_text(Shipped("x", load_text(text).lifecycle, ())).splitlines()
    assert [line for line in lines if "constraint" in line] == ["constraint: a or b", "constraint: why"]


def test_a_file_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    write_whole(path, "new")
    assert path.read_text() == "new"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OutputError, match="no space left"):
        write_whole(path, "half")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        write_whole(tmp_path, "x")
    with pytest.raises(OutputError, match="in no folder that exists"):
        write_whole(tmp_path / "missing" / "out", "x")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OutputError, match="leads to itself"):
        write_whole(tmp_path / "loop", "x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        for write in (write_whole, append):
            with pytest.raises(OutputError, match="is a pipe or a device"):
                write(tmp_path / name, "x")


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    for name in ("there", "new"):
        (tmp_path / name).symlink_to(f"far/{name}")
    (tmp_path / "far" / "there").write_text("old")
    (tmp_path / "far" / "there").chmod(0o600)
    for name in ("there", "new"):
        write_whole(tmp_path / name, "written")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "far" / name).read_text() == "written"
    assert (tmp_path / "far" / "there").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["new", "there"]


def test_json_is_stable_text(report: Report) -> None:
    assert to_json(report) == to_json(report)
    assert json.loads(to_json(report)) == document(report)
