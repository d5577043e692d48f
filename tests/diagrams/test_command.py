"""`keyfate draw`: a file or a text for every kind, a clear refusal for everything else."""

from __future__ import annotations

import re
import stat
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from diagrams.reading import with_graphviz, with_pydot
from diagrams.sketches import story
from keyfate.cli import main as cli
from keyfate.commands import drawing
from keyfate.diagrams import graphviz
from keyfate.diagrams.dot import dot
from keyfate.diagrams.graphviz import PictureError, find, picture
from vault import furnish

KINDS = (
    ("lifecycle", "vault.kf"),
    ("lifecycle", "flash.policy.toml"),
    ("lifecycle", "vault.kf", "--product"),
    ("lifecycle", "vault.kf", "--state", "power"),
    ("lifecycle", "flash.policy.toml", "secrecy"),
    ("keys", "vault.kf"),
    ("keys", "flash.policy.toml", "--falls", "seed"),
    ("dataflow", "vault.kf"),
    ("dataflow", "flash.policy.toml"),
    ("trace", "flash.policy.toml", "secrecy"),
    ("attack", "flash.policy.toml", "secrecy"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The vault's files in the current folder."""
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Shell:
    """The console script in this process: many words are tried."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["keyfate", "draw", *map(str, words)])
        limit = sys.getrecursionlimit()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        sys.setrecursionlimit(limit)
        said = self._capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def draw(monkeypatch, capsys) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.mark.parametrize("words", KINDS, ids=" ".join)
def test_every_kind_in_every_format(folder, draw, words):
    before = list(folder.iterdir())
    for name in ("it.dot", "it.gv", "it.SVG", "it.png", "it.mmd", "it.md"):
        status, out, err = draw(*words, "-o", name)
        assert (status, err) == (0, "")
        assert re.fullmatch(rf"wrote {re.escape(name)}: .*\nnext: keyfate \w+ .*\n", out), out
    assert (folder / "it.dot").read_bytes() == (folder / "it.gv").read_bytes()
    text = (folder / "it.dot").read_text(encoding="utf-8")
    assert set(with_pydot(text).nodes) == set(with_graphviz(text).nodes) != set()
    assert ElementTree.parse(folder / "it.SVG").getroot().tag.endswith("svg")
    assert (folder / "it.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "it.mmd").read_text(encoding="utf-8").startswith("---\ntitle: ")
    assert (folder / "it.md").read_text(encoding="utf-8").startswith("# ")
    assert len(list(folder.iterdir())) == len(before) + 6


def test_without_an_output_it_prints(folder, draw):
    trace = ("trace", "flash.policy.toml", "secrecy")
    shown = {form: draw(*trace, "--format", form) for form in ("dot", "mermaid", "svg")}
    assert {status for status, _, _ in shown.values()} == {0}
    assert shown["dot"][1].startswith('digraph "keyfate" {')
    assert "\nsequenceDiagram\n" in shown["mermaid"][1]
    assert "<svg" in shown["svg"][1]
    assert draw(*trace) == shown["dot"]


def test_a_shipped_lifecycle_goes_by_its_name(draw, tmp_path, monkeypatch):
    from keyfate.policy.loading import shipped_names

    monkeypatch.chdir(tmp_path)
    for name in shipped_names():
        status, out, err = draw("keys", name, "-o", "keys.mmd")
        assert (status, err) == (0, "")
        assert out.startswith("wrote keys.mmd: ")


REFUSED = (
    (("picture", "vault.kf"), "'picture' is not one of 'lifecycle', 'keys', 'dataflow', 'trace', 'attack'"),
    (("keys",), "Missing argument 'LIFECYCLE|POLICY'"),
    (("keys", "vault.kf", "-o", "out.jpg"), "`out.jpg` ends in `.jpg`, which is no format: "),
    (("keys", "vault.kf", "-o", "out.xhtml"), "which is no format: it may end in .dot, .gv, .mmd, .md, .svg, .png"),
    (("keys", "vault.kf", "-o", "out.svgg"), "did you mean `.svg`?"),
    (("keys", "vault.kf", "-o", "out"), "`out` has no extension"),
    (("keys", "vault.kf", "-o", "nowhere/out.svg"), "is in no folder that exists"),
    (("keys", "vault.kf", "-o", "folder.svg"), "is a folder"),
    (("keys", "copy.dot", "-o", "copy.dot"), "`copy.dot` is taken already"),
    (("keys", "vault.kf", "-o", "out.svg", "--format", "dot"), "--format goes without --output"),
    (("keys", "vault.kf", "--state", "power"), "--state means nothing to `draw keys`"),
    (("dataflow", "vault.kf", "--product"), "--product means nothing to `draw dataflow`"),
    (("lifecycle", "vault.kf", "--falls", "seed"), "--falls means nothing to `draw lifecycle`"),
    (("keys", "vault.kf", "secrecy"), "PROPERTY means nothing to `draw keys`"),
    (("keys", "vault.kf", "--timeout", "3"), "--timeout means nothing to `draw keys`"),
    (("lifecycle", "vault.kf", "--product", "--timeout", "3"), "--timeout means nothing to `draw lifecycle`"),
    (("lifecycle", "vault.kf", "--engine", "z3"), "--engine means nothing to `draw lifecycle` without PROPERTY"),
    (("lifecycle", "vault.kf", "--product", "--state", "power"), "it goes without --state"),
)
"""Said before anything is read."""

REFUSED_LATER = (
    (("keys", "vaults.kf"), "vaults.kf"),
    (("trace", "vault.kf"), "`draw trace` needs a property behind the lifecycle or policy"),
    (("attack", "vault.kf"), "help: it checks `secrecy`, `gone_is_gone`, "),
    (("trace", "vault.kf", "secracy"), "help: did you mean `secrecy`?"),
    (("trace", "safe.policy.toml", "secrecy"), "`secrecy` is PROVED under `safe`: there is no trace to draw"),
    (("attack", "safe.policy.toml", "secrecy"), "`secrecy` is PROVED under `safe`"),
    (("lifecycle", "vault.kf", "--state", "powers"), "powers"),
    (("keys", "vault.kf", "--falls", "sede"), "sede"),
    (("keys", "vault.kf", "--scope", "Shelves=3"), "Shelves"),
)


@pytest.mark.parametrize(("words", "said"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_bad_usage_is_refused_before_any_work(folder, draw, monkeypatch, words, said):
    def work(*_: object) -> None:
        raise AssertionError("it began to work")

    monkeypatch.setattr(drawing, "open_session", work)
    (folder / "folder.svg").mkdir()
    (folder / "copy.dot").write_bytes((folder / "vault.kf").read_bytes())
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    status, out, err = draw(*words)
    assert (status, out) == (2, "")
    assert said in re.sub(r"\s*\n\s*", " ", err)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize(("words", "said"), REFUSED_LATER, ids=[" ".join(words) for words, _ in REFUSED_LATER])
def test_what_cannot_be_drawn_says_why(folder, draw, words, said):
    before = set(folder.rglob("*"))
    status, out, err = draw(*words, "-o", "out.svg")
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert set(folder.rglob("*")) == before


@pytest.mark.parametrize("kind", ["lifecycle", "trace", "attack"])
@pytest.mark.parametrize(("verdict", "status"), [("DIVERGED", 5), ("UNKNOWN", 3), ("BOUNDED", 3)])
def test_of_what_has_no_answer_no_picture_is_made(folder, draw, monkeypatch, kind, verdict, status):
    """A run that some judge refuses must not look like a finding."""
    decided = drawing._decided

    def disputed(*words: object) -> object:
        policy, result = decided(*words)
        assert result.trace
        return policy, replace(result, verdict=verdict, reason="the twin refuses")

    monkeypatch.setattr(drawing, "_decided", disputed)
    ended, out, err = draw(kind, "flash.policy.toml", "secrecy", "-o", "out.svg")
    assert (ended, out) == (status, "")
    assert f"`secrecy` is {verdict} under `flash`: the twin refuses" in err
    assert not (folder / "out.svg").exists()


# Graphviz


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_graphviz_that_pip_brings_is_found_without_a_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = find()
    assert found is not None
    assert Path(found).name == "graphviz-pure"
    monkeypatch.setattr(sys, "executable", "/nowhere/python")  # as in a process that embeds Python
    assert find() == found


def without_pip(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    def files(_: str) -> None:
        raise graphviz.PackageNotFoundError

    monkeypatch.setattr(graphviz, "files", files)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", str(path))


def test_without_it_the_one_of_the_system_draws(monkeypatch, tmp_path):
    program(tmp_path / "dot", 'echo "drawn $*"')
    without_pip(monkeypatch, tmp_path)
    assert picture("digraph {}", "svg") == b"drawn -Tsvg\n"


def test_without_any_both_ways_are_told(folder, draw, monkeypatch, tmp_path):
    without_pip(monkeypatch, tmp_path / "empty")
    status, out, err = draw("keys", "vault.kf", "-o", "out.png")
    assert (status, out) == (2, "")
    assert "`pip install graphviz-pure`" in err
    assert "`dot` on the PATH" in err
    assert draw("keys", "vault.kf", "-o", "out.dot")[0] == 0
    assert not (folder / "out.png").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo 'Error: no' >&2; exit 3", "`dot` failed with status 3: Error: no"),
        ("exit 0", "`dot` failed with status 0: it says nothing"),
        ("kill -9 $$", "`dot` failed with status -9: it says nothing"),
        ("exec sleep 60", "`dot` took more than 1 seconds"),
    ],
)
def test_a_graphviz_that_fails_says_so(monkeypatch, tmp_path, text, said):
    program(tmp_path / "dot", text)
    monkeypatch.setattr(graphviz, "PATIENCE", 1)
    monkeypatch.setattr(graphviz, "find", lambda: str(tmp_path / "dot"))
    with pytest.raises(PictureError, match=re.escape(said)):
        picture("digraph {}", "png")


def test_a_graphviz_that_packing_kills_draws_without(monkeypatch, tmp_path, folder, draw):
    """`pack` in a name of the user's is none of it."""
    program(tmp_path / "dot", 'text=$(cat); case $text in *packmode=*) kill -11 $$;; esac; echo "$text"')
    without_pip(monkeypatch, tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    words = 'digraph {\n  graph [nodesep="1", pack="24", packmode="array_u1", rankdir="TB"];\n  "pack=\\"24\\"";\n}'
    left = 'digraph {\n  graph [nodesep="1", rankdir="TB"];\n  "pack=\\"24\\"";\n}\n'
    assert picture(words, "svg").decode() == left
    assert draw("keys", "vault.kf", "-o", "out.svg")[0] == 0  # so that what is taken out is what is written


def test_a_graphviz_that_is_no_program_says_so(monkeypatch, tmp_path):
    (tmp_path / "dot").write_text("no program")
    monkeypatch.setattr(graphviz, "find", lambda: str(tmp_path / "dot"))
    with pytest.raises(PictureError, match="`dot` does not run: permission denied"):
        picture("digraph {}", "png")


def test_pictures_are_the_same_bytes_each_time():
    text = dot(story())
    assert picture(text, "png") == picture(text, "png")
    assert b"\r" not in picture(text, "svg")


def test_time_that_runs_out_leaves_machines_undecided(folder: Path, draw: Shell) -> None:
    """Nothing is claimed of a step that no run shows: it is drawn as not decided."""
    (folder / "stuck.kf").write_text(
        "lifecycle stuck component cpu inside state x : a | b | c = a state gone : bool = false "
        "action go by cpu when x = a then x := b; gone := true action jump by cpu when x = a and gone then x := c",
        encoding="utf-8",
    )
    _, decided, _ = draw("lifecycle", "stuck.kf")
    assert "never reached" in decided
    assert "not decided" not in decided
    status, out, _ = draw("lifecycle", "stuck.kf", "--timeout", "0.000001")
    assert status == 0
    assert "never reached" not in out
    assert "«not decided»" in out
