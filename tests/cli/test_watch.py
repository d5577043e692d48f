"""`keyfate check --watch`, in a process of its own: files change below it, and it says what that did."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from keyfate.checking.pool import INTERRUPTED
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.commands import watching as commands
from keyfate.commands.watching import looks
from shell import ENV, keyfate
from vault import FLASH, LIFECYCLE, SAFE, furnish

PATIENCE = 120.0  # seconds until a test gives up
SETTLED = "watching; Ctrl-C ends it"


@dataclass
class Watcher:
    process: subprocess.Popen[bytes]
    stream: int

    def next(self) -> str:
        """What it says until it waits again."""
        said, end = b"", time.monotonic() + PATIENCE
        while SETTLED.encode() not in said or not said.endswith(b"\n"):
            ready, _, _ = select.select([self.stream], [], [], max(0.0, end - time.monotonic()))
            part = os.read(self.stream, 65536) if ready else b""
            assert part, said.decode()
            said += part
        return said.decode().replace("\r", "")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@contextmanager
def watching(folder: Path, *words: str, terminal: bool = False) -> Iterator[Watcher]:
    leader, follower = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "keyfate", "check", "--watch", *words],
        cwd=folder,
        env=ENV | {"TERM": "xterm", "COLUMNS": "120", "LINES": "50"},
        stdout=follower,
        stderr=subprocess.PIPE,
    )
    os.close(follower)
    try:
        yield Watcher(process, leader)
    finally:
        process.kill()
        process.wait()
        os.close(leader)
        assert process.stderr is not None
        process.stderr.close()


def put(path: Path, text: str) -> None:
    """At once, as an editor saves: nobody sees half of it."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    put(path, text.replace(old, new))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


def test_a_change_is_seen_and_told(folder: Path) -> None:
    with watching(folder, "safe.policy.toml") as watcher:
        first = watcher.next()
        assert "✓ 1 policy, 5 properties, 4 of 4 requirements met" in first
        assert "changed:" not in first
        assert "\x1b" not in first

        edit(folder / "safe.policy.toml", "sealed = true", "sealed = false")
        second = watcher.next()
        assert second.startswith("changed: safe.policy.toml\nsince the last check:\n")
        assert "safe  sealed[left]: true → false\n" in second
        assert "safe  secrecy: PROVED within Count 0 .. 2 → VIOLATED" in second
        assert "✗ secrecy  VIOLATED: an item is read" in second

        edit(folder / "safe.policy.toml", "sealed = false", "sealed = ")
        third = watcher.next()
        assert "error[KF501]: this is not TOML" in third
        assert "✗ no verdict: 1 error\n" in third

        edit(folder / "safe.policy.toml", "sealed = ", "sealed = true")
        fourth = watcher.next()
        assert "since the last check:\n  safe  sealed[left]: false → true\n" in fourth
        assert "4 of 4 requirements met" in fourth

        edit(folder / "vault.kf", "Nobody learns an item", "Nobody ever learns an item")
        fifth = watcher.next()
        assert fifth.startswith("changed: vault.kf\nsince the last check: nothing changed\n")

        assert watcher.stop() == 130
        assert watcher.process.stderr is not None
        assert watcher.process.stderr.read().strip() == b"interrupted"


def test_policies_come_and_go(tmp_path: Path) -> None:
    with watching(tmp_path) as watcher:
        assert "no policy found\n" in watcher.next()
        put(tmp_path / "vault.kf", LIFECYCLE)
        assert "no policy found\n" in watcher.next()
        below = tmp_path / "fleet" / "north"
        below.mkdir(parents=True)
        time.sleep(2)  # it looks into the new folders, finds nothing, and goes on to watch them
        put(below / "safe.policy.toml", SAFE.replace("vault.kf", "../../vault.kf"))
        assert "4 of 4 requirements met" in watcher.next()
        put(below / "flash.policy.toml", FLASH)
        added = watcher.next()
        assert "flash  the policy was added\n" in added
        assert "7 of 8 requirements met" in added
        (below / "flash.policy.toml").unlink()
        assert "flash  the policy was removed\n" in watcher.next()
        edit(tmp_path / "vault.kf", '"A vault', '"The vault')  # it lies elsewhere than what uses it
        assert watcher.next().startswith("changed: vault.kf\n")
        assert watcher.stop() == 130


def test_quiet_says_only_what_is_broken(folder: Path) -> None:
    with watching(folder, "--quiet", "safe.policy.toml") as watcher:
        assert watcher.next().strip() == SETTLED
        edit(folder / "safe.policy.toml", "sealed = true", "sealed = false")
        said = watcher.next()
        assert "✗ secrecy  VIOLATED" in said
        assert "✓ PROVED" not in said


def test_a_terminal_is_cleared(folder: Path) -> None:
    with watching(folder, "safe.policy.toml", terminal=True) as watcher:
        assert "\x1b[2J" in watcher.next()
        assert watcher.stop() == 130


def test_what_changes_during_a_check_is_not_missed(folder: Path) -> None:
    seen = looks([folder], engine="auto", scope={}, timeout=None)
    next(seen)
    edit(folder / "safe.policy.toml", "sealed = true", "sealed = false")  # before it waits again
    second = next(seen)
    assert [Path(f).name for f in second.files] == ["safe.policy.toml"]
    assert second.changes is not None
    assert {p.policy for p in second.changes.policies} == {"safe", "flash"}
    seen.close()


def test_an_interrupt_in_the_midst_of_a_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a check ends with what it had, the rest UNKNOWN; a watcher shows none of it."""
    report = open_session([folder / "safe.policy.toml"], {}).check(Options(workers=1))
    results = (replace(report.results[0], verdict="UNKNOWN", reason=INTERRUPTED), *report.results[1:])
    monkeypatch.setattr(commands, "check", lambda *_, **__: replace(report, results=results))
    with pytest.raises(KeyboardInterrupt):
        next(looks([folder], engine="auto", scope={}, timeout=None))


@pytest.mark.parametrize(
    "words",
    [
        ["--library"],
        ["--format", "json"],
        ["--format", "github"],
        ["--output", "o.txt"],
        ["--json-output", "o.json"],
        ["--summary", "o.md"],
        ["--baseline", "o.json"],
    ],
)
def test_what_does_not_go_with_it(folder: Path, words: list[str]) -> None:
    done = keyfate("check", "--watch", *words, cwd=folder)
    assert done.returncode == 2
    assert "only --quiet goes with it" in done.stderr + done.stdout
