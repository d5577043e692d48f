"""The example pipelines, run step by step in a scratch repository as their hosts run them; nothing is fetched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shell import ENV

INSTALL = "python -m pip install keyfate"
PULL_REQUEST = "github.event_name == 'pull_request'"
EVEN_AFTER_A_FAILURE = "${{ !cancelled() }}"


@dataclass(frozen=True)
class Repository:
    """A clone and the bare repository that it comes from."""

    here: Path
    origin: Path

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
            cwd=self.here,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str, files: Mapping[str, str]) -> str:
        """Write the files and commit them; the commit."""
        for name, text in files.items():
            (self.here / name).parent.mkdir(parents=True, exist_ok=True)
            (self.here / name).write_text(text, encoding="utf-8")
        self.git("add", *files)
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")


def repository(folder: Path) -> Repository:
    """An empty one, its branch `main`."""
    origin, here = folder / "origin.git", folder / "clone"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", origin], check=True)
    subprocess.run(["git", "clone", "-q", origin, here], check=True, capture_output=True)
    made = Repository(here, origin)
    made.git("checkout", "-q", "-b", "main")
    return made


@dataclass(frozen=True)
class Run:
    """What a job came to: the status of the first step that failed, all that was printed, the summaries."""

    status: int
    output: str
    summary: str
    ran: tuple[str, ...]


def steps(workflow: Path, event: str) -> Iterator[tuple[str, str]]:
    """Name and script of each `run` step that the event asks for; every condition must be one that is known here."""
    (job,) = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    for step in job["steps"]:
        condition = step.get("if")
        assert condition in (None, PULL_REQUEST, EVEN_AFTER_A_FAILURE)
        if "run" in step and (condition != PULL_REQUEST or event == "pull_request"):
            yield step["name"], step["run"]


def github(workflow: Path, repository: Repository, scratch: Path, event: str) -> Run:
    """The job as a runner does it: each step a `bash -e` of its own, until one fails."""
    scratch.mkdir(parents=True)
    environment = {
        "RUNNER_TEMP": str(scratch),
        "GITHUB_WORKSPACE": str(repository.here),
        "GITHUB_EVENT_NAME": event,
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "us/fleet",
        "GITHUB_SHA": repository.git("rev-parse", "HEAD"),
        **({"GITHUB_BASE_REF": "main"} if event == "pull_request" else {}),
    }
    output, summaries, ran = "", "", []
    for name, script in steps(workflow, event):
        ran.append(name)
        page = scratch / f"summary-{len(ran)}.md"
        page.write_text("", encoding="utf-8")
        done = _bash(script, repository.here, environment | {"GITHUB_STEP_SUMMARY": str(page)}, scratch)
        output, summaries = output + done.stdout, summaries + page.read_text(encoding="utf-8")
        if done.returncode:
            return Run(done.returncode, output, summaries, tuple(ran))
    return Run(0, output, summaries, tuple(ran))


def gitlab(pipeline: Path, repository: Repository, scratch: Path, environment: Mapping[str, str]) -> Run:
    """The job as a runner does it: all its lines in one shell that ends with the first failure."""
    scratch.mkdir(parents=True)
    (job,) = yaml.safe_load(pipeline.read_text(encoding="utf-8")).values()
    lines: list[Any] = [*job["before_script"], *job["script"]]
    known = {"CI_PROJECT_DIR": str(repository.here), "TMPDIR": str(scratch)}
    done = _bash("set -o pipefail\n" + "\n".join(lines), repository.here, known | dict(environment), scratch)
    page = repository.here / "keyfate.md"
    return Run(done.returncode, done.stdout, page.read_text(encoding="utf-8") if page.exists() else "", ("script",))


def _bash(script: str, here: Path, environment: Mapping[str, str], scratch: Path) -> subprocess.CompletedProcess[str]:
    """With this installation in place of the one that the example fetches."""
    path = scratch / "step.sh"
    path.write_text(script.replace(INSTALL, "keyfate --version"), encoding="utf-8")
    return subprocess.run(
        ["bash", "-e", str(path)],
        cwd=here,
        env=ENV | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=500,
    )
