"""`keyfate check` as a gate: annotations, summary, baseline, quiet; with a verdict and without one."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from keyfate.cli import main as cli
from keyfate.commands import checking
from runner import Command, annotations
from shell import keyfate
from vault import furnish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


def the_one(output: str) -> Command:
    (found,) = annotations(output)
    return found


# On GitHub


def test_a_break_is_annotated_and_summed_up(folder: Path) -> None:
    (folder / "page.md").write_text("what another step wrote\n", encoding="utf-8")
    words = ("check", "flash.policy.toml", "--format", "github")
    done = keyfate(*words, cwd=folder, GITHUB_WORKSPACE=str(folder), GITHUB_STEP_SUMMARY=str(folder / "page.md"))
    assert (done.returncode, done.stderr) == (1, "")
    shown = the_one(done.stdout)
    assert shown.properties["title"] == "broken: secrecy"
    assert (shown.properties["file"], shown.properties["line"]) == ("flash.policy.toml", "2")
    assert "✗ secrecy  VIOLATED: an item is read" in done.stdout
    page = (folder / "page.md").read_text(encoding="utf-8")
    assert page.startswith("what another step wrote\n")
    assert "## ✗ keyfate: 1 of 4 requirements broken" in page
    assert "the trace, 2 steps" in page


def test_all_met_is_not_annotated(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", "--format", "github", "--summary", "page.md", cwd=folder)
    assert (done.returncode, annotations(done.stdout)) == (0, [])
    assert (folder / "page.md").read_text(encoding="utf-8").startswith("## ✓ keyfate: all 4 requirements met\n")


@pytest.mark.parametrize(
    ("words", "says", "line"),
    [
        (["bad.policy.toml"], "KF501: this is not TOML", "2"),
        (["safe.policy.toml", "--scope", "Shelf"], "`Shelf` is not SORT=SIZE", None),
        (["safe.policy.toml", "--scop=3"], "No such option", None),
        (["safe.policy.toml", "--timeout"], "requires an argument", None),
        (["nowhere.policy.toml"], "KF403: there is no file", None),
        (["safe.policy.toml", "--baseline", "vault.kf"], "KF590: this is not JSON", "1"),
        (["safe.policy.toml", "--output", "nowhere/out.txt"], "is in no folder that exists", None),
    ],
)
def test_what_could_not_run_looks_different(folder: Path, words: list[str], says: str, line: str | None) -> None:
    (folder / "bad.policy.toml").write_text('lifecycle = "vault.kf"\ntitle = \n', encoding="utf-8")
    done = keyfate("check", "--format", "github", "--summary", "page.md", *words, cwd=folder)
    assert (done.returncode, done.stderr) == (2, "")
    shown = the_one(done.stdout)
    assert shown.properties["title"] == "keyfate could not run"
    assert says in shown.message
    assert shown.properties.get("line") == line
    page = (folder / "page.md").read_text(encoding="utf-8")
    assert page.startswith("## ✗ keyfate could not run: there is no verdict\n")
    assert "broken" not in page


def test_a_wrong_command_too(folder: Path) -> None:
    done = keyfate("chekc", "--format=github", cwd=folder)
    assert done.returncode == 2
    assert "chekc" in the_one(done.stdout).message


def test_no_policy(tmp_path: Path) -> None:
    done = keyfate("check", "--format", "github", "--summary", "page.md", cwd=tmp_path)
    assert (done.returncode, the_one(done.stdout).properties["title"]) == (4, "nothing was checked")
    assert (tmp_path / "page.md").read_text(encoding="utf-8").startswith("## ✗ keyfate: nothing was checked\n")


@pytest.mark.parametrize(
    ("raised", "status", "says"),
    [(ZeroDivisionError("1 / 0"), 70, "a defect of keyfate: ZeroDivisionError: 1 / 0"), (KeyboardInterrupt(), 130, "")],
)
def test_a_defect_or_an_interrupt_is_no_break(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    status: int,
    says: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(checking, "check", fail)
    monkeypatch.setattr(sys, "argv", ["keyfate", "check", str(folder), "--format", "github"])
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "page.md"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == status
    shown = the_one(capsys.readouterr().out)
    assert shown.properties["title"] == "keyfate could not run"
    assert says in shown.message
    assert "there is no verdict" in (folder / "page.md").read_text(encoding="utf-8")


def test_a_summary_that_cannot_be_written(folder: Path) -> None:
    words = ("check", "safe.policy.toml", "--format", "github")
    done = keyfate(*words, cwd=folder, GITHUB_STEP_SUMMARY=str(folder / "nowhere" / "page.md"))
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    done = keyfate("check", "safe.policy.toml", "--summary", ".", cwd=folder)
    assert done.returncode == 2
    assert "is a folder" in done.stderr
    done = keyfate("check", "safe.policy.toml", "--summary", "safe.policy.toml", cwd=folder)
    assert (done.returncode, "taken already" in done.stderr) == (2, True)


# A summary without GitHub


def test_a_page_for_any_other_host(folder: Path) -> None:
    done = keyfate("check", "flash.policy.toml", "--summary", "page.md", cwd=folder, GITHUB_STEP_SUMMARY="elsewhere.md")
    assert done.returncode == 1
    assert annotations(done.stdout) == []
    assert "1 of 4 requirements broken" in (folder / "page.md").read_text(encoding="utf-8")
    assert not (folder / "elsewhere.md").exists()
    bad = keyfate("check", "nowhere.kf", "--summary", "page.md", cwd=folder)
    assert (bad.returncode, "there is no file" in bad.stderr) == (2, True)
    assert "there is no verdict" in (folder / "page.md").read_text(encoding="utf-8")


# A baseline


def test_what_changed_since_a_baseline(folder: Path) -> None:
    keyfate("check", "safe.policy.toml", "--json-output", "base.json", cwd=folder)
    policy = folder / "safe.policy.toml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("sealed = true", "sealed = false"), encoding="utf-8")
    words = ("check", "safe.policy.toml", "--baseline", "base.json", "--format", "github", "--summary", "page.md")
    done = keyfate(*words, cwd=folder)
    assert done.returncode == 1
    assert re.search(r"\n  safe +sealed\[left\]: true → false\n", done.stdout)
    shown = the_one(done.stdout)
    line = policy.read_text(encoding="utf-8").splitlines()[int(shown.properties["line"]) - 1]
    assert line == "sealed = false"
    assert "| `safe` | `sealed[left]` | `true` | `false` |" in (folder / "page.md").read_text(encoding="utf-8")


def test_a_baseline_decides_nothing(folder: Path) -> None:
    keyfate("check", "flash.policy.toml", "--json-output", "base.json", cwd=folder)
    done = keyfate("check", "flash.policy.toml", "--baseline", "base.json", cwd=folder)
    assert (done.returncode, "against the baseline: nothing changed" in done.stdout) == (1, True)
    done = keyfate("check", "safe.policy.toml", "--baseline", "base.json", cwd=folder)
    assert done.returncode == 0
    assert re.search(r"\n  flash +the policy was removed\n", done.stdout)


def test_a_baseline_nested_beyond_measure(folder: Path) -> None:
    keyfate("check", "flash.policy.toml", "--json-output", "base.json", cwd=folder)
    data = json.loads((folder / "base.json").read_text(encoding="utf-8"))
    known = next(r for r in data["results"] if r["knowledge"])
    for depth in (400, 4_000):
        leaf = json.dumps(known["knowledge"][0] | {"premises": []})
        before, _, after = leaf.partition('"premises": []')
        nested = f'{before}"premises": [' * depth + leaf + f"]{after}" * depth
        whole = json.dumps(data).replace(json.dumps(known["knowledge"]), f"[{nested}]")
        (folder / "deep.json").write_text(whole, encoding="utf-8")
        done = keyfate("check", "flash.policy.toml", "--baseline", "deep.json", cwd=folder)
        assert done.returncode == 2, done.stderr[-500:]
        assert "nested too deeply" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--baseline", "nowhere.json"], "there is no file"),
        (["--baseline", "vault.kf"], "KF590"),
        (["--baseline", "base.json", "--format", "json"], "--baseline goes with a text or --summary"),
        (["--baseline", "base.json", "--json-output", "base.json"], "taken already"),
        (["--quiet", "--format", "json"], "--quiet shortens a text"),
    ],
)
def test_bad_usage(folder: Path, words: list[str], says: str) -> None:
    (folder / "base.json").write_text("{}", encoding="utf-8")
    done = keyfate("check", "safe.policy.toml", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


# Quiet


def test_quiet(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", "--quiet", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = keyfate("check", "-q", "flash.policy.toml", "safe.policy.toml", cwd=folder)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[:2] == ["flash: 1 of 4 requirements not met", "  ✗ secrecy  VIOLATED: an item is read"]
    assert "safe" not in done.stdout
    assert lines[-1].startswith("✗ 2 policies")
    done = keyfate("check", "-q", "safe.policy.toml", "--timeout", "0.000001", cwd=folder)
    assert (done.returncode, "secrecy" in done.stdout, "UNKNOWN" in done.stdout) == (3, True, True)
    done = keyfate("check", "-q", "nowhere.kf", cwd=folder)
    assert (done.returncode, "there is no file" in done.stderr) == (2, True)


def test_quiet_to_a_file_leaves_it_empty(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", "--quiet", "--output", "out.txt", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert (folder / "out.txt").read_text(encoding="utf-8") == ""
