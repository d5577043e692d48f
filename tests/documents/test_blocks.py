"""Every block of every document does what its readers are told; how a block is read stands in run.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from documents.exempt import EXEMPT
from documents.run import Reader, Shell, alike, blocks, changed, documents, follow, mended


@pytest.mark.parametrize("name", documents())
def test_a_reader_gets_through(name: str, tmp_path: Path) -> None:
    """After a change that is meant: `python tests/documents/run.py --update NAME`, and look at what changed."""
    problems = follow(name, tmp_path, exempt=EXEMPT.get(name, {}))
    assert not problems, "\n".join(f"{name}:{p.line}: {p.says}" for p in problems)


def test_no_exemption_outlives_its_block(root: Path) -> None:
    stale = []
    for name, exempt in EXEMPT.items():
        present = list(blocks((root / name).read_text(encoding="utf-8")))
        stale += [f"{name}: {words}" for words in exempt if not any(block.begins(words) for block in present)]
    assert stale == []


# The reader can stumble


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "here").mkdir()
    return Reader(tmp_path / "here", Shell(tmp_path / "here", tmp_path))


def stumbled(reader: Reader, text: str) -> list[str]:
    return [f"{problem.line}: {problem.says.splitlines()[0]}" for problem in reader.follow(text)]


def console(*lines: str) -> str:
    return "\n".join(["```console", *lines, "```"])


def test_what_is_shown_is_what_is_printed(reader: Reader) -> None:
    with reader.shell:
        assert stumbled(reader, console("$ echo a; echo b", "a", "b", "", "$ cd /", "$ echo c >&2", "c")) == []
        assert stumbled(reader, console("$ pwd", "/")) == [], "the shell keeps its state"
        assert stumbled(reader, console("$ echo a", "b")) == ["2: `echo a` prints"]
        assert stumbled(reader, console("$ echo a")) == ["2: `echo a` prints"]
        assert stumbled(reader, console("$ true", "a")) == ["2: `true` prints"]
        assert stumbled(reader, console("$ seq 9", "1", "…", "8", "…")) == []
        assert stumbled(reader, console("$ seq 9", "1", "…", "8")) == ["2: `seq 9` prints"]
        assert stumbled(reader, console("$ cat <<E", "> x", "> E", "x")) == []
        assert stumbled(reader, console("a")) == ["1: line 2: a console block begins with a command behind `$ `"]


def test_a_failure_is_shown(reader: Reader) -> None:
    with reader.shell:
        said = "2: `(exit 3)` ends with 3: show it by `$ echo $?` behind it"
        assert stumbled(reader, console("$ (exit 3)")) == [said]
        assert stumbled(reader, console("$ (exit 3)", "$ echo $?", "3", "$ (exit 3)")) == [], "shown once"
        assert stumbled(reader, "```sh\ntrue\nfalse\n```") == ["1: ends with 1"]
        assert stumbled(reader, console("$ exit 3", "$ true"))[0].startswith("1: `exit 3` ends the shell")


def test_nothing_of_who_runs_it_is_seen(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with reader.shell:
        printed, _ = reader.shell.run("env | grep GITHUB; tty; keyfate --help | head -1")
    assert printed == ["not a tty", "Usage: keyfate [OPTIONS] COMMAND [ARGS]..."]


def test_titled_blocks_are_files(reader: Reader) -> None:
    with reader.shell:
        assert stumbled(reader, 'In `a/b.toml`:\n```toml title="a/b.toml"\nx = 1\ny = 2\n```') == []
        assert (reader.folder / "a" / "b.toml").read_text() == "x = 1\ny = 2\n"
        assert stumbled(reader, '```toml title="c"\nx\n```') == ["1: the text before the block does not name `c`"]
        assert stumbled(reader, 'In `a/b.toml`\n```diff title="a/b.toml"\n x = 1\n-y = 2\n+y = 3\n```') == []
        assert (reader.folder / "a" / "b.toml").read_text() == "x = 1\ny = 3\n"
        assert stumbled(reader, 'In `a/b.toml`\n```diff title="a/b.toml"\n-y = 2\n+y = 3\n```') == [
            "2: the lines to change stand 0 times in the file"
        ]


def test_other_blocks_quote(reader: Reader) -> None:
    with reader.shell:
        stumbled(reader, 'In `a`:\n```toml title="a"\nx\ny\nz\n```' + "\n" + console("$ seq 3", "…"))
        assert stumbled(reader, "```kf\ny\nz\n```\n```text\n2\n3\n```") == []
        assert stumbled(reader, "```kf\nx\nz\n```")[0].startswith("1: neither run")
        (reader.folder / "d.mmd").write_text("graph\n")
        assert stumbled(reader, "```mermaid\ngraph\n```") == []
        assert stumbled(reader, "```mermaid\ngraph TD\n```") == ["1: no `*.mmd` file in the folder is this diagram"]


def test_a_block_is_whole() -> None:
    with pytest.raises(ValueError, match="begins at the left"):
        list(blocks("- a\n  ```sh\n  x\n  ```\n"))
    with pytest.raises(ValueError, match="never ends"):
        list(blocks("```sh\nx\n"))


def test_changes_apply_once() -> None:
    assert changed("a\nb\nc\nd\n", ["-a", "+A", "@@ below @@", " c", "+e"]) == "A\nb\nc\ne\nd\n"
    with pytest.raises(ValueError, match="2 times"):
        changed("a\na\n", ["-a"])


def test_an_update_writes_what_came_out(reader: Reader) -> None:
    def document(*printed: str) -> str:
        return "\n".join(["# A", console("$ echo a", *printed, "", "$ seq 3", "1", "…"), "and", "```sh\ntrue\n```", ""])

    with reader.shell:
        after = mended(document("b", "c"), reader.follow(document("b", "c")))
        assert after == document("a")
        assert stumbled(reader, after) == []


def test_elisions() -> None:
    assert alike(["a", "…"], ["a"])
    assert alike(["…", "b", "…", "d"], ["a", "b", "c", "d"])
    assert alike(["took … s", "b"], ["took 0.3 s", "b"])
    assert not alike(["took … s", "b"], ["took 0.3 s", "4 s", "b"])
    assert not alike(["…", "b"], ["a", "bb"])
