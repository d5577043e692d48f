"""Completion: what a shell is told when it asks, and that a real one understands it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keyfate.cli.completing import VARIABLE
from keyfate.policy.finding import shipped_names
from vault import furnish

ENV = {k: v for k, v in os.environ.items() if not k.startswith(("COMP_", "_KEYFATE"))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    furnish(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    return tmp_path


def process(*words: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "keyfate", *words]
    return subprocess.run(command, cwd=cwd, env=ENV | more, capture_output=True, text=True, timeout=120)


def offered(line: str, cwd: Path) -> list[str]:
    """What bash is told for the last word of `line`, as TYPE,VALUE."""
    number = str(len(line.split(" ")) - 1)
    done = process(cwd=cwd, COMP_WORDS=line, COMP_CWORD=number, **{VARIABLE: "bash_complete"})
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("keyfate ne", ["plain,new"]),
        ("keyfate new ", ["plain,lifecycle", "plain,policy"]),
        ("keyfate completion ", ["plain,bash", "plain,zsh", "plain,fish"]),
        ("keyfate lint --str", ["plain,--strict"]),
        ("keyfate explain safe.policy.toml s", ["plain,secrecy"]),
        ("keyfate explain flash.policy.toml g", ["plain,gone_is_gone"]),  # through what it extends
        ("keyfate explain vault.kf a", ["plain,audited"]),
        ("keyfate explain tdx-1.0-volatile c", ["plain,confidentiality", "plain,cpu_sanitization"]),
        ("keyfate explain tdx-1.0-volatile key", ["plain,key_secrecy"]),  # checked `as` another name
        ("keyfate draw trace safe.policy.toml g", ["plain,gone_is_gone"]),
        ("keyfate draw keys tdx-1.0", ["plain,tdx-1.0-volatile"]),
        ("keyfate explain nowhere.kf ", []),
        ("keyfate hunt vault.kf --scope ", ["plain,Shelf=", "plain,Count="]),
        ("keyfate check safe.policy.toml vault.kf --scope C", ["plain,Count="]),
        ("keyfate check --scope ", []),
        ("keyfate draw lifecycle safe.policy.toml --state p", ["plain,power"]),
        ("keyfate check sa", ["plain,safe.policy.toml"]),
        ("keyfate check flash", ["plain,flash.policy.toml"]),
        ("keyfate new policy v", ["plain,vault.kf"]),
        ("keyfate new policy sa", ["file,sa"]),  # no policies here: the shell may still know a folder
        ("keyfate list tdx-1.0", ["plain,tdx-1.0-volatile"]),
        ("keyfate check mod", ["file,mod"]),
        ("keyfate check models/", ["file,models/"]),
        ("keyfate check nowhere/x", ["file,nowhere/x"]),
        ("keyfate check --engine e", ["plain,explicit"]),
    ],
)
def test_what_is_offered(line: str, told: list[str], folder: Path) -> None:
    assert offered(line, folder) == told


def test_all_there_is(folder: Path) -> None:
    found = offered("keyfate check ", folder)
    names = [*shipped_names(), "flash.policy.toml", "models/", "safe.policy.toml", "vault.kf"]
    assert found == [f"plain,{name}" for name in names]
    assert f"plain,{folder}/vault.kf" in offered(f"keyfate check {folder}/", folder)


def test_names_that_a_shell_would_read_otherwise_are_left_to_it(folder: Path) -> None:
    (folder / "a b.kf").write_text("", encoding="utf-8")
    (folder / "$(x).kf").write_text("", encoding="utf-8")
    assert offered("keyfate check a", folder) == ["file,a"]
    assert not any("x" in word or " " in word for word in offered("keyfate check ", folder) if "tdx" not in word)


@pytest.mark.parametrize(
    "text",
    [
        "lifecycle = [",
        "lifecycle = 3",
        'lifecycle = "nowhere.kf"',
        'lifecycle = "../"',
        'extends = "broken.policy.toml"',
        'extends = "nowhere.policy.toml"',
        "[" * 5_000,
        "",
        "\x00",
    ],
)
def test_whatever_is_broken_offers_nothing_and_says_nothing(text: str, folder: Path) -> None:
    (folder / "broken.policy.toml").write_text(text, encoding="utf-8")
    assert offered("keyfate explain broken.policy.toml ", folder) == []


@pytest.mark.parametrize("data", [b"\xff\xfe", b"lifecycle", b"property property property", b"check (", b"sort"])
def test_a_broken_lifecycle_offers_what_can_be_read(data: bytes, folder: Path) -> None:
    (folder / "bad.kf").write_bytes(data)
    assert offered("keyfate explain bad.kf ", folder) == []
    (folder / "bad.kf").write_bytes(b'property one never true\nproperty two "unfinished\n')
    assert offered("keyfate explain bad.kf ", folder) == ["plain,one"]
    assert offered("keyfate explain models ", folder) == []


def test_the_other_shells_are_told_in_their_own_way(folder: Path) -> None:
    words = "keyfate explain safe.policy.toml s"
    zsh = process(cwd=folder, COMP_WORDS=words, COMP_CWORD="3", **{VARIABLE: "zsh_complete"})
    assert (zsh.stdout.splitlines(), zsh.stderr) == (["plain", "secrecy", "_"], "")
    fish = process(cwd=folder, COMP_WORDS=words, COMP_CWORD="s", **{VARIABLE: "fish_complete"})
    assert (fish.stdout.splitlines(), fish.stderr) == (["plain,secrecy"], "")


def test_an_answer_loads_what_it_needs_and_no_more(folder: Path) -> None:
    heavy = "pydantic z3 pysat networkx hypothesis rich jsonschema keyfate.lifecycle.conflicts"
    code = f"""
import sys
sys.argv = ["keyfate"]
from keyfate.cli.main import main
try:
    main()
except SystemExit:
    print([name for name in {heavy.split()} if name in sys.modules], file=sys.stderr)
"""
    asking = {"COMP_WORDS": "keyfate explain safe.policy.toml s", "COMP_CWORD": "3", VARIABLE: "bash_complete"}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=folder, env=ENV | asking, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("plain,secrecy\n", "[]\n")


# The scripts


@pytest.mark.parametrize(
    ("shell", "first", "second"),
    [
        ("bash", "# to install: keyfate completion bash > ~/", "_keyfate_completion() {"),
        ("zsh", "#compdef keyfate", "# to install: keyfate completion zsh > "),
        ("fish", "# to install: keyfate completion fish > ~/", "function _keyfate_completion"),
    ],
)
def test_each_script_says_where_it_belongs(shell: str, first: str, second: str, folder: Path) -> None:
    done = process("completion", shell, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(first)
    assert lines[1].startswith(second)
    assert f"{VARIABLE}={shell}_complete" in done.stdout


@pytest.mark.parametrize(
    "asked",
    [
        {VARIABLE: "nonsense"},
        {VARIABLE: "bash"},
        {VARIABLE: "bash_sing"},
        {VARIABLE: "ksh_source"},
        {VARIABLE: "bash_complete"},
        {VARIABLE: "bash_complete", "COMP_WORDS": "keyfate check"},
        {VARIABLE: "zsh_complete", "COMP_WORDS": "keyfate check", "COMP_CWORD": "one"},
        {VARIABLE: "fish_complete", "COMP_CWORD": "c"},
    ],
    ids=" ".join,
)
def test_what_no_shell_asks_is_bad_usage(asked: dict[str, str], folder: Path) -> None:
    done = process(cwd=folder, **asked)
    assert (done.returncode, done.stdout) == (2, "")
    assert "`keyfate completion` teaches one to ask" in done.stderr.replace("\n", " ")


def test_unknown_shells_are_refused(folder: Path) -> None:
    done = process("completion", "tcsh", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'bash', 'zsh', 'fish'" in done.stderr


def test_a_real_bash_understands(folder: Path) -> None:
    """It reads the script, asks, and has the answers to offer."""
    bash = shutil.which("bash")
    assert bash is not None
    (folder / "bin").mkdir()
    runner = folder / "bin" / "keyfate"
    runner.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m keyfate "$@"\n', encoding="utf-8")
    runner.chmod(0o755)
    script = r"""
      set -eu
      source <(keyfate completion bash)
      complete -p keyfate
      asks() {
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
        _keyfate_completion keyfate
        printf '%s\n' "${COMPREPLY[@]}"
      }
      asks keyfate explain flash.policy.toml re
      asks keyfate comp
      asks keyfate new policy v
    """
    env = ENV | {"PATH": f"{runner.parent}{os.pathsep}{ENV.get('PATH', '')}"}
    done = subprocess.run([bash, "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done
    known, *answers = done.stdout.splitlines()
    assert known.endswith("-F _keyfate_completion keyfate")
    assert answers == ["restores", "completion", "vault.kf"]
