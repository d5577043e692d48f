"""What README and docs/development.md say about this repository, where no block can be run to see it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings


@pytest.fixture
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def development(root: Path) -> str:
    return (root / "docs" / "development.md").read_text(encoding="utf-8")


def test_ci_runs_the_test_command_of_the_readme(root: Path, readme: str) -> None:
    demonstration, suite = re.findall(r"^```sh\n(.+)\n```", readme, re.MULTILINE)[:2]
    assert demonstration.endswith("/bin/keyfate check --library --quick")
    install, test = (part.split("/bin/")[1] for part in suite.split(" && ")[1:])
    script = (root / ".ci" / "run").read_text(encoding="utf-8")
    ran = [line.replace('"', "").strip() for line in script.splitlines()]
    assert any(re.match(rf"\S+/bin/{re.escape(install)}( |$)", line) for line in ran), install
    assert any(re.match(rf"\S+/bin/{re.escape(test)}( |$)", line) for line in ran), test
    assert (root / ".ci" / "run").stat().st_mode & 0o111, "it can be run as it is"


def test_the_readme_shows_what_the_demonstration_answers(root: Path, readme: str) -> None:
    """Verdicts as they are expected of the library's first policy."""
    (shown,) = re.findall(r"^```text\n(.+?)^```", readme, re.MULTILINE | re.DOTALL)
    head, *rows = shown.splitlines()
    lifecycle, policy, _ = head.split(" · ")
    expected = json.loads((root / "models" / "expected" / f"{policy}.json").read_text(encoding="utf-8"))
    assert lifecycle == expected["lifecycle"]
    assert [tuple(re.split(r"\s{2,}", row.strip())[:2]) for row in rows] == [
        (name, answer["verdict"] + (f" in {answer['steps']} steps" if answer["steps"] else ""))
        for name, answer in expected["properties"].items()
    ]


def test_every_folder_room_and_suite_is_described(root: Path, development: str) -> None:
    package = root / "checker" / "keyfate"
    rooms = [path.name for path in package.iterdir() if (path / "__init__.py").exists()]
    suites = [path.name for path in (root / "tests").iterdir() if path.is_dir() and any(path.glob("test_*.py"))]
    assert [name for name in rooms if f"`{name}/`" not in development] == []
    assert [name for name in suites if f"`{name}`" not in development] == []
    folders = re.findall(r"^(\w+)/", development, re.MULTILINE)
    assert {"models", "properties", "reports", "checker", "tests", "docs"} <= set(folders)
    assert [name for name in folders if not (root / name).is_dir()] == []


def test_deep_runs_and_the_benchmark_take_what_is_written(root: Path, development: str) -> None:
    for profile in re.findall(r"--hypothesis-profile (\w+)", development):
        assert settings.get_profile(profile).max_examples > settings.get_profile("default").max_examples
    text = development + (root / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    for script in ("run.py", "engines.py", "generating.py"):
        benchmark = [sys.executable, str(root / "tests" / "benchmarks" / script), "--help"]
        shown = subprocess.run(benchmark, capture_output=True, text=True, check=True).stdout
        lines = [line for line in text.splitlines() if f"python tests/benchmarks/{script}" in line]
        options = {option for line in lines for option in re.findall(r"--\w+", line)}
        assert options
        assert [option for option in options if option not in shown] == []
