"""`keyfate export`: whole files that other tools read, or an error and no file."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from engines import aigs
from engines.smt import by_z3
from keyfate.cli import main as cli
from shell import ENV, keyfate
from vault import furnish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


def exported(folder: Path, *words: str) -> str:
    """What is printed; the command ends well."""
    done = keyfate("export", *words, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_aiger_in_text_and_in_binary_are_one_circuit(folder: Path) -> None:
    for name in ("q.aag", "q.aig"):
        assert exported(folder, "flash.policy.toml", "secrecy", "--to", "aiger", "-o", name).startswith(
            f"wrote {name}: "
        )
    text, binary = (aigs.read((folder / name).read_bytes()) for name in ("q.aag", "q.aig"))
    assert text == binary
    assert text.symbols["b0"] == "secrecy"
    assert {"state power = off", "place shelf[left] has item[left]"} <= set(text.symbols.values())


def test_the_comment_says_what_is_asked(folder: Path) -> None:
    exported(folder, "flash.policy.toml", "secrecy", "--to", "aiger", "-o", "q.aag", "--scope", "Shelf=3")
    comment = "\n".join(aigs.read((folder / "q.aag").read_bytes()).comment)
    for said in ("lifecycle vault", "policy flash", "property secrecy: ", "Shelf=3", "one step longer than the trace"):
        assert said in comment


@pytest.mark.parametrize(("policy", "answer"), [("flash.policy.toml", "unsat"), ("safe.policy.toml", "sat")])
def test_horn_clauses_have_the_verdict(folder: Path, policy: str, answer: str) -> None:
    exported(folder, policy, "secrecy", "--to", "smtlib", "-o", "q.smt2")
    assert by_z3((folder / "q.smt2").read_text(encoding="utf-8")) == answer


def test_of_what_is_possible_the_honest_runs_are_asked(folder: Path) -> None:
    exported(folder, "safe.policy.toml", "restores", "--to", "smtlib", "-o", "q.smt2")
    text = (folder / "q.smt2").read_text(encoding="utf-8")
    assert "; attacker none" in text
    assert "; bad: a run that the property wants" in text
    assert by_z3(text) == "unsat"  # there is one


def test_the_same_words_twice_give_the_same_bytes(folder: Path) -> None:
    for name in ("one.aig", "two.aig"):
        exported(folder, "vault.kf", "secrecy", "--to", "aiger", "-o", name)
    assert (folder / "one.aig").read_bytes() == (folder / "two.aig").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("safe.policy.toml", "secrcy", "--to", "aiger", "-o", "q.aig"), "did you mean `secrecy`?"),
        (("safe.policy.toml", "secrecy", "--to", "blif", "-o", "q.aig"), "'blif' is not one of 'aiger', 'smtlib'"),
        (("safe.policy.toml", "secrecy", "-o", "q.aig"), "Missing option '--to'"),
        (("safe.policy.toml", "secrecy", "--to", "aiger"), "Missing option '-o'"),
        (("safe.policy.toml", "secrecy", "--to", "aiger", "-o", "q.txt"), "it may end in .aag (text) or .aig (binary)"),
        (("safe.policy.toml", "secrecy", "--to", "smtlib", "-o", "."), "`.` is a folder"),
        (("safe.policy.toml", "secrecy", "--to", "aiger", "-o", "no/q.aig"), "`no/q.aig` is in no folder that exists"),
        (("safe.policy.toml", "secrecy", "--to", "smtlib", "-o", "vault.kf"), "is what keyfate reads"),
        (("nowhere.kf", "secrecy", "--to", "aiger", "-o", "q.aig"), "nowhere.kf"),
        (("safe.policy.toml", "secrecy", "--to", "aiger", "-o", "q.aig", "--scope", "Shelf=0"), "`Shelf=0` is not"),
        (("safe.policy.toml", "secrecy", "--to", "aiger", "-o", "q.aig", "--scope", "Shlf=2"), "Shlf"),
    ],
)
def test_what_cannot_be_exported_leaves_no_file(folder: Path, words: tuple[str, ...], said: str) -> None:
    before = sorted(folder.iterdir())
    done = keyfate("export", *words, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("-o /dev/stdout", 0, "(check-sat)"),
        ("-o /dev/stdout | cat", 0, "(check-sat)"),
        ("-o /dev/stdout >out; cat out", 0, "(check-sat)"),
        ("-o stdout >out; cat out", 0, "(check-sat)"),
        ("-o /dev/null", 0, "wrote /dev/null"),
        ("-o /dev/full", 2, "`/dev/full` cannot be written: no space left"),
        ("-o pipe", 2, "`pipe` is a pipe or a device"),
        ("-o to_pipe", 2, "`to_pipe` is a pipe or a device"),
        ("-o to_policy", 2, "is what keyfate reads"),
    ],
)
def test_what_is_no_file(folder: Path, words: str, status: int, said: str) -> None:
    """Streams that it was given and devices are written to; a pipe that nobody may ever read is refused at once."""
    os.mkfifo(folder / "pipe")
    for name, target in (("to_pipe", "pipe"), ("stdout", "/dev/stdout"), ("to_policy", "safe.policy.toml")):
        (folder / name).symlink_to(target)
    command = f"{shlex.quote(sys.executable)} -m keyfate export flash.policy.toml secrecy --to smtlib {words}"
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=ENV, capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr
    assert said in done.stdout + done.stderr
    if "check-sat" in said:
        assert done.stdout.startswith(";")  # whole, and what is told of it behind it
        assert "\nwrote " in done.stdout
    assert (folder / "stdout").is_symlink()


def test_a_folder_that_is_closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the system answers in its place."""
    before = sorted(folder.iterdir())

    def closed(*words: object, **more: object) -> tuple[int, str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.chdir(folder)
    monkeypatch.setattr("tempfile.mkstemp", closed)
    done = CliRunner().invoke(cli.keyfate, ["export", "safe.policy.toml", "secrecy", "--to", "smtlib", "-o", "q.smt2"])
    assert str(done.exception) == "`q.smt2` cannot be written: permission denied"
    assert sorted(folder.iterdir()) == before


def test_a_disk_that_is_full_leaves_what_was_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "q.smt2").write_text("old", encoding="utf-8")
    before = sorted(folder.iterdir())

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(os, "fsync", full)
    done = CliRunner().invoke(cli.keyfate, ["export", "safe.policy.toml", "secrecy", "--to", "smtlib", "-o", "q.smt2"])
    assert "no space left on device" in str(done.exception)
    assert (folder / "q.smt2").read_text(encoding="utf-8") == "old"
    assert sorted(folder.iterdir()) == before
