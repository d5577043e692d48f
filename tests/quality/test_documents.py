"""Links lead somewhere, and CI runs what the README tells people to run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from keyfate.policy.loading import load_policy

DOCUMENTS = ("README.md", "CHANGELOG.md", "docs/language.md", "docs/development.md")

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a Markdown file's headings, as the usual hosts make them."""
    headings = re.findall(r"^#+ +(.+?) *$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(root: Path, name: str) -> None:
    document = root / name
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", _FENCED.sub("", text))
    dead = []
    for link in links:
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = document if not target else document.parent / target
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            dead.append(link)
    assert dead == []


def test_ci_runs_the_test_command_of_the_readme(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    demonstration, suite = re.findall(r"^```sh\n(.+)\n```", readme, re.MULTILINE)[:2]
    assert demonstration.endswith("/bin/keyfate check --library")
    install, test = (part.split("/bin/")[1] for part in suite.split(" && ")[1:])
    script = (root / ".ci" / "run").read_text(encoding="utf-8")
    ran = [line.replace('"', "").strip() for line in script.splitlines()]
    assert any(re.match(rf"\S+/bin/{re.escape(install)}( |$)", line) for line in ran), install
    assert any(re.match(rf"\S+/bin/{re.escape(test)}( |$)", line) for line in ran), test
    assert (root / ".ci" / "run").stat().st_mode & 0o111, "it can be run as it is"


def test_the_readme_shows_what_the_demonstration_answers(root: Path) -> None:
    """Verdicts as they are expected of the library's first policy."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```text\n(.+?)^```", readme, re.MULTILINE | re.DOTALL)
    head, *rows = shown.splitlines()
    lifecycle, policy, _ = head.split(" · ")
    expected = json.loads((root / "models" / "expected" / f"{policy}.json").read_text(encoding="utf-8"))
    assert lifecycle == expected["lifecycle"]
    assert [tuple(re.split(r"\s{2,}", row.strip())[:2]) for row in rows] == [
        (name, answer["verdict"] + (f" in {answer['steps']} steps" if answer["steps"] else ""))
        for name, answer in expected["properties"].items()
    ]


def test_the_policy_of_the_readme_can_be_read(root: Path, tmp_path: Path) -> None:
    (text,) = re.findall(
        r"^```toml\n(.+?)^```", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    path = tmp_path / "fleet.policy.toml"
    path.write_text(text, encoding="utf-8")
    assert load_policy(path).title.startswith("our fleet")


def test_every_room_and_suite_is_described(root: Path) -> None:
    text = (root / "docs" / "development.md").read_text(encoding="utf-8")
    package = root / "checker" / "keyfate"
    rooms = [path.name for path in package.iterdir() if (path / "__init__.py").exists()]
    suites = [path.name for path in (root / "tests").iterdir() if path.is_dir() and any(path.glob("test_*.py"))]
    assert [name for name in rooms if f"`{name}/`" not in text] == []
    assert [name for name in suites if f"`{name}`" not in text] == []
