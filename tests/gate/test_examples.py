"""The examples of docs/ci.md: valid for their hosts, run step by step, shown as they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import keyfate
from keyfate.language.formatting import formatted
from keyfate.language.source import Source
from pipelines import Run, gitlab, repository
from shell import ENV
from shell import keyfate as shell
from vault import FLASH, LIFECYCLE, SAFE

FILES = {"vault.kf": LIFECYCLE, "safe.policy.toml": SAFE}


def program(name: str) -> str:
    """A script of this environment."""
    return str(Path(sys.executable).parent / name)


@pytest.mark.parametrize(
    ("schema", "name"), [("vendor.github-workflows", "github.yml"), ("vendor.gitlab-ci", "gitlab-ci.yml")]
)
def test_the_hosts_schemas(root: Path, tmp_path: Path, schema: str, name: str) -> None:
    more = ["--data-transform", "gitlab-ci"] if "gitlab" in schema else []
    words = [program("check-jsonschema"), "--builtin-schema", schema, *more]
    done = subprocess.run([*words, root / "docs" / "ci" / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.yml"
    wrong.write_text((root / "docs" / "ci" / name).read_text(encoding="utf-8").replace("script:", "scribble:"))
    wrong.write_text(wrong.read_text(encoding="utf-8").replace("steps:", "stairs:"))
    assert subprocess.run([*words, wrong], capture_output=True, check=False).returncode == 1


def test_the_schemas_of_pre_commit(root: Path) -> None:
    for words in (
        ("validate-config", root / "docs" / "ci" / "pre-commit-config.yaml"),
        ("validate-manifest", root / ".pre-commit-hooks.yaml"),
    ):
        done = subprocess.run([program("pre-commit"), *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_page_shows_the_files(root: Path) -> None:
    page = (root / "docs" / "ci.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml title=\S+\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for path in sorted((root / "docs" / "ci").iterdir()):
        assert path.read_text(encoding="utf-8") in blocks, path.name
        assert f"(ci/{path.name})" in page


def test_the_page_names_every_status(root: Path) -> None:
    page = (root / "docs" / "ci.md").read_text(encoding="utf-8")
    listed = re.findall(r"^ +(\d+)  ", shell("check", "--help", cwd=root).stdout, re.MULTILINE)
    assert {int(n) for n in listed} | {70} == {int(n) for n in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}


# GitLab


def test_gitlab(root: Path, tmp_path: Path) -> None:
    pipeline = root / "docs" / "ci" / "gitlab-ci.yml"
    fleet = repository(tmp_path)
    base = fleet.commit("the fleet", FILES)

    def run(name: str, **more: str) -> Run:
        return gitlab(pipeline, fleet, tmp_path / name, more)

    assert run("pushed").status == 0
    broken = SAFE.replace('root = "tpm"', 'root = "flash"').replace("wipe = true", "wipe = false")
    fleet.commit("flash is cheaper", {"safe.policy.toml": broken})
    red = run(
        "red", CI_MERGE_REQUEST_DIFF_BASE_SHA=base, CI_PROJECT_URL="https://gitlab.com/us/fleet", CI_COMMIT_SHA="abc"
    )
    assert red.status == 1, red.output
    assert "✗ secrecy  VIOLATED" in red.output
    assert "| `safe` | `root` | `tpm` | `flash` |" in red.summary
    assert "https://gitlab.com/us/fleet/-/blob/abc/vault.kf#L" in red.summary
    assert (fleet.here / "keyfate.json").exists()
    fleet.commit("a slip", {"safe.policy.toml": "lifecycle = vault.kf\n"})
    slip = run("slip", CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert slip.status == 2, slip.output
    assert slip.summary.count("## ✗ keyfate could not run: there is no verdict") == 1


# pre-commit


def test_the_revision_is_this_one(root: Path) -> None:
    config = yaml.safe_load((root / "docs" / "ci" / "pre-commit-config.yaml").read_text(encoding="utf-8"))
    offered = {hook["id"] for hook in hooks(root)}
    (used,) = config["repos"]
    assert used["rev"] == f"v{keyfate.__version__}"
    assert {hook["id"] for hook in used["hooks"]} == offered


def hooks(root: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    return found


def test_pre_commit_runs_the_hooks(root: Path, tmp_path: Path) -> None:
    """As it is, but for the environment: pre-commit would fetch what this one has."""
    fleet = repository(tmp_path)
    here = [hook | {"language": "system"} for hook in hooks(root)]
    config = yaml.safe_dump({"repos": [{"repo": "local", "hooks": here}]})

    def run() -> dict[str, str]:
        done = subprocess.run(
            [program("pre-commit"), "run", "--all-files"],
            cwd=fleet.here,
            env=ENV | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout, done.stdout
        return dict(re.findall(r"^(keyfate \w+)\.+(?:\(.*\))?(\w+)$", done.stdout, re.MULTILINE))

    laid_out = {name: formatted(Source(name, text)) for name, text in FILES.items() if name.endswith(".kf")}
    fleet.commit("the fleet", {**FILES, **laid_out, ".pre-commit-config.yaml": config})
    names = [str(hook["name"]) for hook in hooks(root)]
    assert run() == dict.fromkeys(names, "Passed")
    (path,) = laid_out
    fleet.commit("a hurried edit", {path: laid_out[path].replace("\n\n", "\n\n\n", 1)})
    assert run() == dict.fromkeys(names, "Passed") | {"keyfate format": "Failed"}
    fleet.commit("laid out", laid_out)
    fleet.commit("a spare secret", {path: laid_out[path] + "\nsecret spare\n"})
    assert run()["keyfate lint"] == "Failed"
    fleet.commit("nobody needs it", laid_out)
    fleet.commit("flash is cheaper", {"flash.policy.toml": FLASH})
    assert run()["keyfate check"] == "Failed"
    fleet.git("rm", "-q", "*.toml", "*.kf")
    fleet.commit("nothing left", {"README": "nothing"})
    assert set(run().values()) == {"Skipped"}
