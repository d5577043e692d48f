"""The commands as a user runs them: words in, text and exit status out."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keyfate.cli import main as cli
from keyfate.commands import checking
from keyfate.engines.berkeley import installed
from keyfate.language.library import LibraryError
from keyfate.policy.finding import shipped_names
from keyfate.reporting.text import next_command
from shell import ENV, keyfate
from vault import furnish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


# check


def test_all_requirements_met(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✓ PROVED" in done.stdout
    assert done.stderr == ""


def test_what_ran_out_of_time_is_asked_again_with_more(folder: Path) -> None:
    """The same question of one policy: the scope stays."""
    given = ("--scope", "Shelf=1", "--engine", "explicit", "--memory", "4000")
    done = keyfate("check", "safe.policy.toml", "flash.policy.toml", "--timeout", "0.0005", *given, cwd=folder)
    assert done.returncode == 3, done.stdout + done.stderr
    words = shlex.split(done.stdout.splitlines()[-1])
    assert words[:2] == ["next:", "keyfate"]
    assert words[2:] == ["check", "safe.policy.toml", "--timeout", "0.005", *given]


@pytest.mark.parametrize(
    ("reason", "longer", "following"),
    [
        ("no answer within 0.9 s", ("--timeout", "10"), "keyfate check flash.policy.toml --timeout 10"),
        ("interrupted", (), "keyfate list"),
        ("out of memory", ("--timeout", "10"), "keyfate list"),
    ],
)
def test_more_time_is_proposed_where_it_may_help(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reason: str, longer: tuple[str, ...], following: str
) -> None:
    monkeypatch.chdir(folder)
    policies = (Path("flash.policy.toml"),)
    report = checking.check(policies, engine="auto", scope={}, timeout=1e-9)
    assert report is not None
    open_ones = tuple(replace(result, reason=reason) for result in report.results)
    assert next_command(replace(report, results=open_ones), longer) == following


def test_a_requirement_broken(folder: Path) -> None:
    done = keyfate("check", "flash.policy.toml", cwd=folder)
    assert done.returncode == 1
    assert "✗ secrecy  VIOLATED: " in done.stdout
    assert done.stdout.rstrip().endswith("next: keyfate explain flash.policy.toml secrecy")


def test_without_arguments_the_policies_below(folder: Path) -> None:
    done = keyfate("check", "--format", "json", cwd=folder)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert [p["policy"] for p in report["policies"]] == ["flash", "safe"]
    assert report["exit_status"] == 1


def test_no_policy_found(tmp_path: Path) -> None:
    for words in ((), (".",)):
        done = keyfate("check", *words, cwd=tmp_path)
        assert done.returncode == 4
        assert "no policy found" in done.stderr
        assert "next: keyfate check --library" in done.stderr
    (tmp_path / "part.kf").write_text("secret fragment\n", encoding="utf-8")  # no lifecycle by itself
    (tmp_path / "vault two.kf").write_text('lifecycle vault ""\n', encoding="utf-8")
    assert keyfate("check", cwd=tmp_path).stderr.endswith("next: keyfate new policy 'vault two.kf'\n")


def test_nothing_applies(folder: Path) -> None:
    text = (folder / "vault.kf").read_text(encoding="utf-8")
    (folder / "vault.kf").write_text(text[: text.index("property ")], encoding="utf-8")
    (folder / "mine.policy.toml").write_text('lifecycle = "vault.kf"\n')
    assert keyfate("check", "mine.policy.toml", cwd=folder).returncode == 4


@pytest.mark.parametrize(("engine", "seconds"), [("spacer", "inf"), *([("abc", "3e6")] if installed() else [])])
def test_any_time(folder: Path, engine: str, seconds: str) -> None:
    """However long may be waited, nobody is asked to wait for longer than it can count."""
    words = ("check", "safe.policy.toml", "--engine", engine, "--timeout", seconds)
    assert keyfate(*words, "--certificates", "proofs", cwd=folder).returncode == 0
    assert keyfate("certify", "proofs", "--timeout", seconds, cwd=folder).returncode in (0, 2)


def test_more_memory_than_there_can_be(folder: Path) -> None:
    assert keyfate("check", "safe.policy.toml", "flash.policy.toml", "--memory", "9" * 24, cwd=folder).returncode == 1


def test_time_is_up(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", "--timeout", "0.000001", "--format", "json", cwd=folder)
    assert done.returncode == 3
    assert {r["verdict"] for r in json.loads(done.stdout)["results"]} == {"UNKNOWN"}


def test_a_policy_that_expects_the_break_is_met(folder: Path) -> None:
    (folder / "mine.policy.toml").write_text('extends = "flash.policy.toml"\n[require]\nsecrecy = "VIOLATED"\n')
    assert keyfate("check", "mine.policy.toml", cwd=folder).returncode == 0


def test_vacuous_meets_no_named_requirement(folder: Path) -> None:
    (folder / "mine.policy.toml").write_text('extends = "safe.policy.toml"\n[require]\naudited = "PROVED"\n')
    done = keyfate("check", "mine.policy.toml", cwd=folder)
    assert done.returncode == 1
    assert "✗ audited  VACUOUS: no reachable state" in done.stdout


def test_a_bare_lifecycle(folder: Path) -> None:
    done = keyfate("check", "vault.kf", "--format", "json", cwd=folder)
    assert done.returncode == 1
    assert {r["property"]: r["verdict"] for r in json.loads(done.stdout)["results"]}["restores"] == "DEPENDS"


@pytest.mark.parametrize("engine", ["z3", "explicit", "spacer", *(["abc"] if installed() else [])])
def test_other_engines(folder: Path, engine: str) -> None:
    done = keyfate("check", "--engine", engine, "--format", "json", cwd=folder)
    assert done.returncode == 1
    assert {r["engine"] for r in json.loads(done.stdout)["results"]} == {engine}


def test_all_engines_agree(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", "--engine", "all", "--format", "json", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout)["results"]
    assert {r["engine"] for r in results} == {"all"}
    expected = {"ic3": "agrees", "z3": "agrees", "spacer": "agrees", "explicit": "agrees"}
    for result in results:
        assert expected.items() <= result["opinions"].items()
        assert result["opinions"]["abc"] == ("agrees" if installed() else "ABC is not installed")
    told = keyfate("check", "safe.policy.toml", "--engine", "all", cwd=folder).stdout
    assert f"spacer: agrees on {len(results)} of {len(results)}\n" in told
    assert "explicit: agrees" in keyfate("explain", "safe.policy.toml", "secrecy", "--engine", "all", cwd=folder).stdout


def test_an_abc_that_is_not_there(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "keyfate", "check", "safe.policy.toml", "--engine", "abc"],
        cwd=folder,
        env={**ENV, "PATH": str(folder)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2
    assert "`abc` is not installed: no `berkeley-abc` or `abc` in PATH" in done.stderr


def test_a_larger_scope(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", "--scope", "Shelf=3", "--format", "json", cwd=folder)
    assert done.returncode == 0
    assert {r["scope"]["sorts"]["Shelf"] for r in json.loads(done.stdout)["results"]} == {3}


def test_the_same_words_twice_give_the_same_bytes(folder: Path) -> None:
    outputs = []
    for seed in ("1", "2"):
        done = keyfate("check", ".", "vault.kf", "--format", "json", cwd=folder, PYTHONHASHSEED=seed)
        report = json.loads(done.stdout)
        for result in report["results"]:
            result["seconds"] = 0
        outputs.append(report)
    assert outputs[0] == outputs[1]


# Outputs


def test_json_beside_text(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", "--json-output", "out.json", cwd=folder)
    assert done.returncode == 0
    assert "✓ PROVED" in done.stdout
    assert json.loads((folder / "out.json").read_text(encoding="utf-8"))["exit_status"] == 0


def test_text_to_a_file(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", "--output", "out.txt", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert "✓ PROVED" in (folder / "out.txt").read_text(encoding="utf-8")


def test_bad_input_leaves_the_old_output(folder: Path) -> None:
    (folder / "out.txt").write_text("old")
    (folder / "bad.policy.toml").write_text("x = 1\n")
    done = keyfate("check", "bad.policy.toml", "--output", "out.txt", cwd=folder)
    assert done.returncode == 2
    assert (folder / "out.txt").read_text() == "old"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--output", "."], "is a folder"),
        (["--output", "missing/out.txt"], "in no folder that exists"),
        (["--output", "safe.policy.toml"], "taken already"),
        (["--output", "o", "--json-output", "o"], "taken already"),
        (["--output", "folder/../safe.policy.toml"], "taken already"),
        (["--summary", "link"], "taken already"),
        (["--summary", "hard"], "taken already"),
        (["--summary", "flash.policy.toml"], "is what keyfate reads"),
        (["--summary", "base.json", "--baseline=base.json"], "taken already"),
        (["--summary", "hard", "--engine", "steam"], "'steam' is not one of"),
        (["--output", "folder/../o", "--json-output", "o"], "taken already"),
        (["--output", "vault.kf"], "is what keyfate reads"),
        (["--json-output", "flash.policy.toml"], "is what keyfate reads"),
    ],
)
def test_outputs_that_cannot_be(folder: Path, words: list[str], says: str) -> None:
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("safe.policy.toml")
    (folder / "hard").hardlink_to(folder / "safe.policy.toml")
    (folder / "base.json").write_text("{}")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    done = keyfate("check", "safe.policy.toml", *words, cwd=folder)
    assert done.returncode == 2
    assert says in done.stderr
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


STREAMS = (
    ("check vault.kf >/dev/full", 2),
    ("check nothing.kf 2>/dev/full", 2),
    ("check nothing.kf >/dev/full 2>/dev/full", 2),
    ("check nothing.kf --format github >/dev/full", 2),
    ("draw keys vault.kf >/dev/full", 2),
    ("format - <vault.kf >/dev/full", 2),
    ("completion bash >/dev/full", 2),
    ("--help >/dev/full", 2),
    ("list vault.kf 1</dev/null", 2),
    ("check safe.policy.toml >&-", 0),
    ("check flash.policy.toml >&- 2>&-", 1),
    ("check nothing.kf 2>&-", 2),
    ("format --diff vault.kf >&-", 0),
)


@pytest.mark.parametrize(("words", "status"), STREAMS, ids=[words for words, _ in STREAMS])
def test_a_stream_that_is_full_or_closed_changes_no_status_into_a_verdict(
    folder: Path, words: str, status: int
) -> None:
    command = f"{shlex.quote(sys.executable)} -m keyfate {words}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=ENV, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    if ">/dev/full" in words and "2>" not in words and "nothing" not in words:
        assert done.stderr == "error: the standard output cannot be written: no space left on device\n"


@pytest.mark.parametrize("words", ["list vault.kf", "completion bash", "check --help", "draw keys vault.kf -o k.dot"])
def test_a_reader_that_hangs_up(folder: Path, words: str) -> None:
    command = [sys.executable, "-m", "keyfate", *words.split()]
    with subprocess.Popen(command, cwd=folder, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_a_terminal_without_unicode(folder: Path) -> None:
    done = keyfate("check", "safe.policy.toml", cwd=folder, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0
    assert "PROVED" in done.stdout


@pytest.mark.parametrize(("more", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_and_progress_on_a_terminal_only(folder: Path, more: dict[str, str], colored: bool) -> None:
    leader, follower = pty.openpty()
    words = [sys.executable, "-m", "keyfate", "check", "safe.policy.toml"]
    env = ENV | {"TERM": "xterm"} | more
    with subprocess.Popen(words, cwd=folder, env=env, stdout=follower, stderr=subprocess.PIPE) as process:
        os.close(follower)
        shown = b"".join(parts(leader))
        os.close(leader)
        assert process.stderr is not None
        assert process.stderr.read() == b""  # no bar where the error stream is no terminal
        assert process.wait(60) == 0
    assert (b"\x1b[" in shown) is colored


def parts(leader: int) -> Iterator[bytes]:
    """What is written to the other end of a terminal, until it is closed."""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:
            return
        if not part:
            return
        yield part


# Usage


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["check", "--engine", "spin"], "spin"),
        (["check", "--scope", "Shelf"], "SORT=SIZE"),
        (["check", "--scope", "Shelf=0"], "SORT=SIZE"),
        (["check", "--scope", "Shelf=" + "9" * 5000], "SORT=SIZE"),
        (["check", "--timeout", "0"], "timeout"),
        (["check", "--timeout", "nan"], "no number"),
        (["check", "--scope", "Shelf=2,Shelf=3"], "`Shelf` has two sizes, 2 and 3"),
        (["check", "--output", "a" * 300], "cannot be written"),
        (["list", "a" * 300], "there is no lifecycle"),
        (["list", "vault.kf", "--output", "vault.kf"], "taken already"),
        (["hunt", "vault.kf", "--output", "./vault.kf"], "taken already"),
        (["check", "--format", "xml"], "xml"),
        (["check", "--library", "safe.policy.toml"], "the library has no lifecycle `safe.policy.toml`"),
        (["check", "--library", "tdx-1.0-volatil"], "did you mean `tdx-1.0-volatile`?"),
        (["check", "--update"], "--update goes with --library"),
        (["check", "--quick"], "--quick goes with --library"),
        (["check", "--library", "--update", "--quick"], "leave --quick out"),
        (["check", "vault.kf", "--scope", "Shelve=3"], "did you mean `Shelf`?"),
        (["explain", "flash.policy.toml", "secrcy"], "did you mean `secrecy`?"),
        (["explain", "nowhere.policy.toml", "secrecy"], "there is no file"),
        (["list", "valt.kf"], "there is no lifecycle"),
        (["hunt", "nowhere.kf"], "there is no file"),
        (["hunt", "vault.kf", "--walks", "0"], "walks"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_bad_usage(folder: Path, words: list[str], says: str) -> None:
    done = keyfate(*words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_help_and_version(tmp_path: Path) -> None:
    assert "check" in keyfate("--help", cwd=tmp_path).stdout
    assert keyfate("--version", cwd=tmp_path).stdout.startswith("keyfate, version ")
    for command in ("check", "explain", "list", "hunt"):
        assert keyfate(command, "--help", cwd=tmp_path).returncode == 0


def test_every_command_is_said_in_a_whole_sentence(tmp_path: Path) -> None:
    for words in ((), ("new",)):
        assert "..." not in keyfate(*words, "--help", cwd=tmp_path).stdout.partition("Commands:")[2]


# explain, list, hunt


def test_explain(folder: Path) -> None:
    done = keyfate("explain", "flash.policy.toml", "secrecy", cwd=folder)
    assert done.returncode == 0
    assert "how the attacker computes item[" in done.stdout
    done = keyfate("explain", "flash.policy.toml", "secrecy", "--format", "json", cwd=folder)
    assert [r["property"] for r in json.loads(done.stdout)["results"]] == ["secrecy"]


def test_list_a_lifecycle(folder: Path) -> None:
    text = keyfate("list", "vault.kf", cwd=folder).stdout
    for words in (
        "A vault that can be switched off",
        "sealed[Shelf] : false | true",
        "flash: on the disk",
        "peek[Shelf]",
        "CWE-311",
        "a paper",
        "secrecy",
        "Nobody learns an item",
        "flash cannot be wiped",
    ):
        assert words in text


def test_list_the_library(tmp_path: Path) -> None:
    done = keyfate("list", cwd=tmp_path)
    assert done.returncode == 0
    assert "next: keyfate list " in done.stdout


def test_hunt_finds_a_break_again_and_again(folder: Path) -> None:
    done = keyfate("hunt", "flash.policy.toml", "--walks", "50", "--seed", "1", cwd=folder)
    assert done.returncode == 1
    assert "✗ secrecy broken on bytes" in done.stdout
    assert "2. stop" in done.stdout
    assert keyfate("hunt", "flash.policy.toml", "--walks", "50", "--seed", "1", cwd=folder).stdout == done.stdout


def test_shipped_lifecycles_go_by_name(tmp_path: Path) -> None:
    name = next(name for name in shipped_names() if "." in name)  # which is no file's ending
    assert keyfate("hunt", name, "--walks", "2", cwd=tmp_path).returncode in (0, 1)
    assert keyfate("list", name, cwd=tmp_path).returncode == 0


def test_hunt_without_a_break(folder: Path) -> None:
    done = keyfate("hunt", "safe.policy.toml", "--walks", "20", cwd=folder)
    assert done.returncode == 0
    assert "✓ nothing broke: 20 walks" in done.stdout
    assert "a walk that finds nothing proves nothing" in done.stdout


# Interrupts and crashes


def ends_with(words: list[str], monkeypatch: pytest.MonkeyPatch, raised: BaseException) -> object:
    """The status of a command in which `raised` comes up."""

    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(checking, "check", fail)
    monkeypatch.setattr(sys, "argv", ["keyfate", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize("script", [True, False])
def test_an_interrupt_while_it_is_loaded_is_quiet(script: bool, tmp_path: Path, root: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n")
    entry = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]["keyfate"]
    module, _, function = entry.partition(":")
    words = ["-c", f"from {module} import {function}; {function}()"] if script else ["-m", "keyfate"]
    done = subprocess.run(
        [sys.executable, *words], env=ENV | {"PYTHONPATH": str(tmp_path)}, capture_output=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize(
    "words",
    ["frontier ../vault.kf", "check {}/safe.policy.toml --format github", "check --watch", "check {} --output x"],
)
def test_a_current_folder_that_is_gone_is_no_defect(words: str, folder: Path) -> None:
    (folder / "gone").mkdir()
    command = f"cd gone && rmdir ../gone && {shlex.quote(sys.executable)} -m keyfate {words.format(folder)}"
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=ENV, capture_output=True, text=True, timeout=300)
    said = "error: the current folder is gone: change to one that exists (`cd`), and run it there\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_an_interrupt_is_no_verdict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(["check"], monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_a_crash_is_no_verdict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(["check"], monkeypatch, ZeroDivisionError("a defect")) == 70
    assert "this is a defect of keyfate" in capsys.readouterr().err


def test_a_damaged_installation_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert ends_with(["check"], monkeypatch, LibraryError("the folder is missing")) == 2
    assert "error: the folder is missing" in capsys.readouterr().err
