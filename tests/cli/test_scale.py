"""Sizes that make no sense, or too much: an error that names what grew, whatever the command, and no file."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import generating
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.language.library import folder
from keyfate.language.loading import load
from shell import keyfate

LIFECYCLE = str(folder("models") / "tdx-1.5-persistent.kf")
COMMANDS = {
    "check": ["check", LIFECYCLE],
    "frontier": ["frontier", LIFECYCLE, "confidentiality"],
    "export": ["export", LIFECYCLE, "confidentiality", "--to", "aiger", "--output", "question.aig"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("Platform=0", "`Platform=0` is not SORT=SIZE with a size of 1 or more"),
        ("Platform", "`Platform` is not SORT=SIZE"),
        ("Rack=2", "unknown sort `Rack`"),
        ("Platform=10000", "`Platform` would have 10000 members, the limit is 256"),
        ("Platform=20", "are of `restore`"),
        ("Platform=50", "`release` has 250,000 instances"),
        ("Platform=20,TD=20", "`restore` has 8,784,000 nodes"),
        ("TD=256", "`cpu_sanitization` has"),
    ],
)
def test_no_size_is_too_strange_for_an_error(tmp_path: Path, command: str, scope: str, said: str) -> None:
    done = keyfate(*COMMANDS[command], "--scope", scope, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 2, 2), (3, 1, 2)])
def test_generated_lifecycles_are_what_the_benchmark_takes_them_for(tmp_path: Path, size: tuple[int, int, int]) -> None:
    policies = generating.write(tmp_path, *size)
    assert [len(sort.members) for sort in load(tmp_path / "generated.kf").lifecycle.sorts] == list(size)
    report = open_session(policies, {}).check(Options())
    found = {(r.policy, r.property): r.verdict for r in report.results}
    for name in generating.BROKEN:
        assert found["guarded", name] == "PROVED"
        assert found["unguarded", name] == "VIOLATED"
    with pytest.raises(ValueError, match="needs"):
        generating.lifecycle(0, 1, 1)
