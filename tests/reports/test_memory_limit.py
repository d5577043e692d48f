"""`--memory`: what needs more is UNKNOWN and says why; everything else is decided as ever."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from keyfate.checking.deciding import PolicyCheck
from keyfate.checking.judges import Answer
from keyfate.checking.pool import FORKS, resident
from keyfate.checking.results import Report, Result
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.language.typed import Property
from vault import furnish

SPARE = 256 << 20


def limit() -> int:
    """More than a worker needs, which begins with all that this process holds."""
    return resident(os.getpid()) + SPARE


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("memory")) / "flash.policy.toml"


def checked(policy: Path, memory: int | None, workers: int = 1) -> Report:
    return open_session([policy], {}).check(Options(memory=memory, workers=workers))


def verdicts(report: Report) -> dict[str, str]:
    return {result.property: result.verdict for result in report.results}


def before_each(monkeypatch: pytest.MonkeyPatch, act: Callable[[Property], None]) -> None:
    decided = PolicyCheck.decided

    def acting(self: PolicyCheck, rule: Property) -> tuple[Result, tuple[Answer, ...]]:
        act(rule)
        return decided(self, rule)

    monkeypatch.setattr(PolicyCheck, "decided", acting)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("at", [0, 1, -1])
def test_what_needs_more_is_unknown_and_the_rest_is_kept(
    policy: Path, monkeypatch: pytest.MonkeyPatch, at: int, workers: int
) -> None:
    unlimited = verdicts(checked(policy, None))
    greedy = list(unlimited)[at]

    def act(rule: Property) -> None:
        if rule.name == greedy:
            kept = b"x" * (2 * SPARE)
            while limited_now:
                time.sleep(0.1)
            del kept

    limited_now = False
    before_each(monkeypatch, act)
    assert verdicts(checked(policy, None, workers)) == unlimited
    limited_now = True
    limited = checked(policy, limit(), workers)
    assert verdicts(limited) == unlimited | {greedy: "UNKNOWN"}
    assert next(r.reason for r in limited.results if r.property == greedy) == "out of memory"
    assert list(verdicts(limited)) == list(unlimited)


def test_a_process_that_is_killed_costs_one_verdict(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = verdicts(checked(policy, None))
    victim = list(unlimited)[1]

    def act(rule: Property) -> None:
        if rule.name == victim:
            os.kill(os.getpid(), signal.SIGKILL)

    before_each(monkeypatch, act)
    limited = checked(policy, limit())
    assert verdicts(limited) == unlimited | {victim: "UNKNOWN"}
    assert "signal 9" in str(next(r.reason for r in limited.results if r.property == victim))


_LOADED = """
import sys
from pathlib import Path
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
session = open_session([Path(sys.argv[1])], {})
session.check(Options(workers=2, memory=int(sys.argv[2]) or None))
print(*[name for name in ("pysat.solvers", "z3") if name in sys.modules])
"""


@pytest.mark.parametrize(("memory", "loaded"), [(0, "pysat.solvers z3"), (4 << 30, "")])
def test_solvers_are_loaded_before_workers_are_forked(policy: Path, memory: int, loaded: str) -> None:
    """But not where each may hold so much: it would count as its own."""
    command = [sys.executable, "-c", _LOADED, str(policy), str(memory)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == (
        loaded if FORKS else ""
    )


def test_too_little_for_anything_is_no_pass(tmp_path: Path) -> None:
    policy = str(furnish(tmp_path) / "safe.policy.toml")
    command = [sys.executable, "-m", "keyfate", "check", policy, "--memory", "1", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert done.stderr == ""
    results = json.loads(done.stdout)["results"]
    assert {result["verdict"] for result in results} == {"UNKNOWN"}
    assert all("memory" in result["reason"] for result in results)


def test_room_that_is_set_aside_and_not_used_is_no_matter(tmp_path: Path) -> None:
    """Decision diagrams set a gigabyte of address space aside."""
    policy = str(furnish(tmp_path) / "vault.kf")
    command = [sys.executable, "-m", "keyfate", "check", policy, "--format", "json"]
    free = subprocess.run(command, capture_output=True, text=True, check=False)
    bound = subprocess.run([*command, "--memory", "600"], capture_output=True, text=True, check=False)
    assert bound.stderr == ""
    assert [r["verdict"] for r in json.loads(bound.stdout)["results"]] == [
        r["verdict"] for r in json.loads(free.stdout)["results"]
    ]
