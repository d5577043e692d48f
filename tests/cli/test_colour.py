"""Colour where a terminal shows it and nobody asked for none, in reports, errors and the progress bar alike."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from shell import ENV, keyfate
from vault import furnish

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


def on_a_terminal(words: list[str], cwd: Path, more: Mapping[str, str]) -> str:
    """All that both streams show."""
    leader, follower = pty.openpty()
    env = ENV | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"} | more
    with subprocess.Popen(
        [sys.executable, "-m", "keyfate", *words], cwd=cwd, env=env, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        said = b""
        while part := _read(leader):
            said += part
        process.wait(120)
    os.close(leader)
    return said.decode()


def _read(stream: int) -> bytes:
    try:
        return os.read(stream, 65536)
    except OSError:  # its other end is closed
        return b""


@pytest.mark.parametrize(
    ("more", "colored"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, False),
        ({"CLICOLOR": "0"}, False),
        ({"CLICOLOR": "1"}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_on_a_terminal(folder: Path, more: dict[str, str], colored: bool) -> None:
    (folder / "bad.policy.toml").write_text("x = \n", encoding="utf-8")
    for words in (["check", "safe.policy.toml"], ["check", "bad.policy.toml"]):  # with a progress bar; an error
        assert bool(COLOUR.search(on_a_terminal(words, folder, more))) is colored, words


def test_on_a_narrow_terminal_no_line_is_too_long(folder: Path) -> None:
    seen = on_a_terminal(["frontier", "vault.kf", "secrecy"], folder, {"COLUMNS": "44", "NO_COLOR": "1"})
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen))
    assert "sealed[left]" in seen
    assert max(map(len, lines)) <= 44


def test_no_command_disregards_no_color(folder: Path) -> None:
    for words in (
        ["frontier", "vault.kf", "secrecy"],
        ["hunt", "flash.policy.toml", "--walks", "5"],
        ["list", "vault.kf"],
        ["explain", "flash.policy.toml", "secrecy"],
        ["lint", "vault.kf"],
        ["check", "--nonsense"],
        ["--help"],
    ):
        assert not COLOUR.search(on_a_terminal(words, folder, {"NO_COLOR": "1"})), words


def test_where_colour_is_forced(folder: Path) -> None:
    (folder / "bad.policy.toml").write_text("x = \n", encoding="utf-8")
    for words in (["check", "safe.policy.toml"], ["check", "bad.policy.toml"]):
        plain, forced = keyfate(*words, cwd=folder), keyfate(*words, cwd=folder, CLICOLOR_FORCE="1")
        assert not COLOUR.search(plain.stdout + plain.stderr)
        assert COLOUR.search(forced.stdout + forced.stderr)
        assert COLOUR.sub("", forced.stdout + forced.stderr) == plain.stdout + plain.stderr
    written = keyfate("check", "safe.policy.toml", "--output", "out.txt", cwd=folder, CLICOLOR_FORCE="1")
    assert (written.returncode, "\x1b" in (folder / "out.txt").read_text(encoding="utf-8")) == (0, False)
