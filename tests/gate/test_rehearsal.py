"""The rehearsal: a policy change that breaks what is required turns the gate red, at the line that did it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import Repository, Run, github, repository
from runner import annotations
from vault import LIFECYCLE

POLICY = """\
title = "locked, in the TPM, wiped"
lifecycle = "../vault.kf"

[controls]
root = "tpm"
saving = true
sealed = true
wipe = true

[attacker]
capabilities = ["steal", "peek"]

[require]
restores = "POSSIBLE"
"""


@pytest.fixture
def workflow(root: Path) -> Path:
    return root / "docs" / "ci" / "github.yml"


def branched(folder: Path, files: dict[str, str]) -> Repository:
    """A repository whose main branch has the files, and a branch to change them on."""
    made = repository(folder)
    made.commit("the fleet", files)
    made.git("push", "-q", "origin", "main")
    made.git("checkout", "-q", "-b", "change")
    return made


def test_red_and_green(tmp_path: Path, workflow: Path) -> None:
    fleet = branched(tmp_path, {"vault.kf": LIFECYCLE, "policies/fleet.policy.toml": POLICY})

    def gate(event: str = "pull_request") -> Run:
        return github(workflow, fleet, tmp_path / fleet.git("rev-parse", "HEAD") / event, event)

    pushed = gate("push")
    assert pushed.status == 0, pushed.output
    assert pushed.summary.startswith("## ✓ keyfate: all 5 requirements met\n")
    assert "What changed" not in pushed.summary

    broken = POLICY.replace("wipe = true", "wipe = false")
    fleet.commit("nobody needs to wipe", {"policies/fleet.policy.toml": broken})
    red = gate()
    assert red.status == 1, red.output
    assert red.ran[-1] == "Check the policies"
    (shown,) = annotations(red.output)
    assert (shown.name, shown.properties["title"]) == ("error", "broken: gone_is_gone")
    assert shown.properties["file"] == "policies/fleet.policy.toml"
    assert broken.splitlines()[int(shown.properties["line"]) - 1] == "wipe = false"
    assert "changed: wipe: true → false" in shown.message
    assert red.summary.startswith("## ✗ keyfate: 1 of 5 requirements broken\n")
    assert "| `fleet` | `wipe` | `true` | `false` |" in red.summary
    assert "by `host`: thrown away" in red.summary  # the trace
    assert "held in store" in red.summary  # how the secret was computed
    assert f"https://github.com/us/fleet/blob/{fleet.git('rev-parse', 'HEAD')}/vault.kf#L" in red.summary

    fleet.git("revert", "--no-edit", "HEAD")
    green = gate()
    assert green.status == 0, green.output
    assert annotations(green.output) == []
    assert "### What changed\n\nnothing changed\n" in green.summary

    fleet.commit("a slip", {"policies/fleet.policy.toml": POLICY.replace('root = "tpm"', "root = tpm")})
    slip = gate()
    assert slip.status == 2, slip.output
    (shown,) = annotations(slip.output)
    assert (shown.name, shown.properties["title"]) == ("error", "keyfate could not run")
    assert (shown.properties["file"], shown.properties["line"]) == ("policies/fleet.policy.toml", "5")
    assert slip.summary.startswith("## ✗ keyfate could not run: there is no verdict\n")
    assert "broken" not in slip.summary


def test_a_target_branch_without_an_answer_fails_nobody(tmp_path: Path, workflow: Path) -> None:
    fleet = branched(tmp_path, {"vault.kf": LIFECYCLE, "policies/fleet.policy.toml": "lifecycle = \n"})
    fleet.commit("mended", {"policies/fleet.policy.toml": POLICY})
    mended = github(workflow, fleet, tmp_path / "scratch", "pull_request")
    assert mended.status == 0, mended.output
    assert "What changed" not in mended.summary


def test_a_shipped_policy_whose_seeds_are_left_behind(tmp_path: Path, root: Path, workflow: Path) -> None:
    """The lifecycle that keyfate ships, over the smallest scope in which all that is required can be met."""
    shipped = next((root / "models" / "policies").glob("*-hardened.policy.toml")).read_text(encoding="utf-8")
    policy = f"{shipped}\n[scope]\nPlatform = 2\nTD = 1\nImage = 1\n"
    fleet = branched(tmp_path, {"fleet.policy.toml": policy})
    broken = policy.replace('erasure = "verified"', 'erasure = "skipped"')
    assert broken != policy
    fleet.commit("disposal takes too long", {"fleet.policy.toml": broken})
    red = github(workflow, fleet, tmp_path / "red", "pull_request")
    assert red.status == 1, red.output
    shown = annotations(red.output)
    assert "broken: sanitization" in [a.properties["title"] for a in shown]
    for one in shown:
        assert one.properties["file"] == "fleet.policy.toml"
        assert broken.splitlines()[int(one.properties["line"]) - 1] == 'erasure = "skipped"'
    assert "| `fleet` | `erasure` | `verified` | `skipped` |" in red.summary
    assert "`dispose[" in red.summary
    assert "held in seed_store" in red.summary
    assert len(red.summary.encode()) < 200_000

    fleet.git("revert", "--no-edit", "HEAD")
    green = github(workflow, fleet, tmp_path / "green", "pull_request")
    assert (green.status, annotations(green.output)) == (0, []), green.output
