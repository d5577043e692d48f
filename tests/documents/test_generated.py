"""What commands generate into docs/ is what they generate now, byte for byte, and nothing else lies there."""

from __future__ import annotations

from pathlib import Path

import yaml

from shell import keyfate


def test_pages_of_the_library_are_those_that_the_command_writes(root: Path, tmp_path: Path) -> None:
    done = keyfate("page", "--library", "--output", "library", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    written = {path.name: path.read_bytes() for path in (tmp_path / "library").iterdir()}
    kept = {path.name: path.read_bytes() for path in (root / "docs" / "library").iterdir()}
    assert kept.keys() == written.keys()
    assert [name for name in kept if kept[name] != written[name]] == []


def test_answers_are_those_that_the_command_writes(root: Path, tmp_path: Path) -> None:
    done = keyfate("answers", "--output", "answers.md", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "answers.md").read_bytes() == (root / "docs" / "answers.md").read_bytes()


def test_every_page_is_in_the_navigation(root: Path) -> None:
    text = (root / "mkdocs.yml").read_text(encoding="utf-8").partition("\ntheme:")[0]
    navigation = str(yaml.safe_load(text)["nav"])
    for path in sorted((root / "docs" / "library").glob("*.md")):
        assert f"library/{path.name}" in navigation
