"""Bad input of policies and attackers: file, line, column, the words at fault underlined, a hint, status 2.

The lifecycle's half is tested beside the parser and the checker; here each row goes through
the command line, so that what a user sees is what is tested.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from keyfate.cli import main as cli
from keyfate.language.rendering import render
from keyfate.language.source import LifecycleError
from keyfate.policy.attackers import load_attackers
from keyfate.policy.loading import load_policy
from vault import furnish


@dataclass(frozen=True)
class Shown:
    """One rendered diagnostic, taken apart."""

    file: str
    line: int
    column: int
    code: str
    message: str
    underlined: str
    text: str


def shown(text: str) -> list[Shown]:
    """Every diagnostic of a rendered text: the words above the carets are those underlined."""
    found = []
    for part in re.split(r"\n\n(?=\S+:\d+:\d+: )", text):
        head = re.match(r"(?P<file>.*?):(?P<line>\d+):(?P<column>\d+): error\[(?P<code>KF\d+)\]: (?P<message>.*)", part)
        if head is None:
            continue
        lines = part.splitlines()
        marks = next((i for i, line in enumerate(lines) if re.fullmatch(r"\s*\|\s*\^+.*", line)), None)
        under = ""
        if marks is not None:
            caret = re.search(r"\^+", lines[marks])
            assert caret is not None
            under = lines[marks - 1][caret.start() : caret.end()]
        found.append(
            Shown(
                Path(head["file"]).name,
                int(head["line"]),
                int(head["column"]),
                head["code"],
                head["message"],
                under,
                part,
            )
        )
    return found


def refused(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> list[Shown]:
    """What the command line says about the policy; it must end with status 2."""
    monkeypatch.setattr("sys.argv", ["keyfate", "check", str(path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()
    assert ended.value.code == 2, captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err
    found = shown(captured.err)
    assert found, captured.err
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


HEAD = 'lifecycle = "vault.kf"\n'

ROWS = [
    # what is wrong, the policy's text, code, line, column, underlined, a word of the hint
    ("unknown lifecycle", 'lifecycle = "volt"\n', "KF506", 1, 13, '"volt"', "keyfate list"),
    ("lifecycle slip", 'lifecycle = "valt.kf"\n', "KF506", 1, 13, '"valt.kf"', "did you mean `vault.kf`?"),
    ("no lifecycle", 'title = "x"\n', "KF505", 1, 1, "", 'write `lifecycle = "'),
    ("unknown control", HEAD + "[controls]\nsavin = true\n", "KF510", 3, 1, "savin", "did you mean `saving`?"),
    ("unknown value", HEAD + '[controls]\nroot = "tmp"\n', "KF511", 3, 8, '"tmp"', "did you mean `tpm`?"),
    ("value of a wrong type", HEAD + '[controls]\nwipe = "true"\n', "KF511", 3, 8, '"true"', "write true"),
    ("value that is a list", HEAD + "[controls]\nroot = [1]\n", "KF511", 3, 8, "[1]", "its values are"),
    (
        "wrong index",
        HEAD + "[controls]\nsealed = { up = true }\n",
        "KF512",
        3,
        12,
        "up",
        "its members are `left`, `right`",
    ),
    ("wrong index in a name", HEAD + '[controls]\n"sealed[lefd]" = true\n', "KF512", 3, 1, '"sealed[lefd]"', "`left`"),
    ("one index too many", HEAD + '[controls]\n"root[left]" = "tpm"\n', "KF512", 3, 1, '"root[left]"', "write `root`"),
    ("violated constraint", HEAD + '[controls]\nroot = "flash"\nwipe = true\n', "KF514", 4, 1, "wipe", "change one"),
    ("unknown capability", HEAD + '[attacker]\ncapabilities = ["stel"]\n', "KF520", 3, 17, '"stel"', "`steal`"),
    ("unknown profile", HEAD + '[attacker]\nprofile = "theif"\n', "KF521", 3, 11, '"theif"', "did you mean `thief`?"),
    ("unknown property", HEAD + '[require]\nsecrcy = "PROVED"\n', "KF530", 3, 1, "secrcy", "did you mean `secrecy`?"),
    ("unknown exemption", HEAD + '[not_required]\nnope = "x"\n', "KF530", 3, 1, "nope", "it checks `secrecy`"),
    ("verdict of another kind", HEAD + '[require]\nrestores = "PROVED"\n', "KF531", 3, 12, '"PROVED"', "POSSIBLE"),
    ("no verdict", HEAD + '[require]\nsecrecy = "PROVEN"\n', "KF504", 3, 11, '"PROVEN"', "did you mean `PROVED`?"),
    (
        "required and not",
        HEAD + '[require]\nsecrecy = "PROVED"\n[not_required]\nsecrecy = "x"\n',
        "KF532",
        5,
        1,
        "secrecy",
        "keep one",
    ),
    ("no reason", HEAD + '[not_required]\nsecrecy = ""\n', "KF504", 3, 11, '""', ""),
    ("unknown setting", HEAD + "[control]\nroot = 1\n", "KF503", 2, 1, "[control]", "did you mean `controls`?"),
    ("unknown setting inside", HEAD + '[attacker]\nprofil = "x"\n', "KF503", 3, 1, "profil", "did you mean `profile`?"),
    ("wrong type", HEAD + "title = 3\n", "KF504", 2, 9, "3", ""),
    ("table for a word", HEAD + "extends = { a = 1 }\n", "KF504", 2, 11, "{ a = 1 }", "a table"),
    ("size of an unknown sort", HEAD + "[scope]\nShelve = 3\n", "KF202", 3, 1, "Shelve", "did you mean `Shelf`?"),
    ("size of nothing", HEAD + "[scope]\nShelf = 0\n", "KF504", 3, 9, "0", ""),
    ("missing base", 'extends = "base.policy.toml"\n', "KF403", 1, 11, '"base.policy.toml"', "look at the path"),
    ("itself as base", 'extends = "mine.policy.toml"\n', "KF507", 1, 11, '"mine.policy.toml"', "break the circle"),
    ("no TOML", HEAD + "[controls\n", "KF501", 2, 10, "", "is written"),
    ("a word without quotes", HEAD + "[controls]\nroot = tpm\n", "KF501", 3, 8, "tpm", "is written"),
    ("set twice", HEAD + "[controls]\nwipe = true\nwipe = false\n", "KF501", 4, 1, "wipe", "keep one"),
    ("a table twice", HEAD + "[controls]\n[controls]\n", "KF501", 3, 1, "[controls]", "keep one"),
    ("ends too early", HEAD + 'title = "x\n', "KF501", 2, 11, "", "is written"),
    ("endless number", HEAD + "[scope]\nShelf = " + "9" * 5000, "KF501", 3, 9, "", "a smaller one"),
    ("fraction", HEAD + "[scope]\nShelf = 1.5\n", "KF504", 3, 9, "1.5", "a whole number"),
    ("word for a list", HEAD + '[attacker]\ncapabilities = "steal"\n', "KF504", 3, 16, '"steal"', "write a list"),
    ("word for a table", HEAD + "controls = 3\n", "KF504", 2, 12, "3", "write a table"),
    ("nothing extended", 'extends = ""\n', "KF504", 1, 11, '""', "between the quotes"),
    ("deep nesting", HEAD + "x = " + "[" * 10_000, "KF501", 1, 1, "", "two levels"),
]


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "under", "hint"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_every_row(
    text: str,
    code: str,
    line: int,
    column: int,
    under: str,
    hint: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "attackers.toml").write_text('[thief]\ncapabilities = ["steal"]\n')
    path = folder / "mine.policy.toml"
    path.write_text(text, encoding="utf-8")
    (found,) = refused(path, capsys, monkeypatch)
    assert (found.file, found.line, found.column, found.code) == ("mine.policy.toml", line, column, code), found.text
    if under:
        assert found.underlined == under, found.text
    assert hint in found.text


def test_all_errors_of_a_policy_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "mine.policy.toml"
    path.write_text(
        HEAD + '[controls]\nrot = "tpm"\nwipe = "x"\n[attacker]\ncapabilities = ["a", "b"]\n[require]\nc = "PROVED"\n'
    )
    assert [f.code for f in refused(path, capsys, monkeypatch)] == ["KF510", "KF511", "KF520", "KF520", "KF530"]


def test_all_policies_of_a_folder_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.policy.toml").write_text(HEAD + "[controls]\na = 1\n")
    (folder / "b.policy.toml").write_text("lifecycle = 1\n")
    assert [f.file for f in refused(folder, capsys, monkeypatch)] == ["a.policy.toml", "b.policy.toml"]


def test_a_broken_lifecycle_is_told_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (folder / "vault.kf").read_text(encoding="utf-8").replace("for s: Shelf never", "for s: Shelff never", 1)
    (folder / "vault.kf").write_text(text, encoding="utf-8")
    (found,) = refused(folder, capsys, monkeypatch)
    assert (found.file, found.underlined) == ("vault.kf", "Shelff")


def test_no_setting_is_left(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = (folder / "vault.kf").read_text(encoding="utf-8")
    more = 'constraint root = tpm implies wipe "a"\nconstraint saving or not wipe "b"\ncomponent chip'
    (folder / "vault.kf").write_text(text.replace("component chip", more, 1), encoding="utf-8")
    path = folder / "mine.policy.toml"
    path.write_text(HEAD + '[controls]\nroot = "tpm"\nsaving = false\n')
    (found,) = refused(path, capsys, monkeypatch)
    assert (found.code, found.line, found.underlined) == ("KF514", 2, "[controls]")
    assert "no setting of the open controls satisfies the constraints" in found.message


@pytest.mark.parametrize("constraint", ["wipe and not wipe", "false", "all s: Shelf { false }"])
def test_a_lifecycle_without_any_setting_proves_nothing(
    constraint: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "vault.kf"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("component chip", f"constraint {constraint}\ncomponent chip", 1), encoding="utf-8")
    (found,) = refused(path, capsys, monkeypatch)
    assert (found.code, found.file) == ("KF514", "vault.kf")
    assert found.underlined.startswith("constraint ")
    assert "no setting" in found.message


def _chain(length: int, each: int) -> str:
    """Profiles of which each includes the next, `each` times."""
    links = "".join(f"[p{n}]\nincludes = {[f'p{n + 1}'] * each}\n" for n in range(length))
    return f'[thief]\nincludes = ["p0"]\n{links}[p{length}]\ncapabilities = ["steal"]\n'


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("length", "each"), [(40, 2), (2_000, 1)])
def test_profiles_that_include_others_are_followed_once_each(folder: Path, length: int, each: int) -> None:
    (folder / "attackers.toml").write_text(_chain(length, each))
    grants = load_attackers(folder / "attackers.toml").grants
    assert [word for word, _ in grants["thief"]] == ["steal"]


@pytest.mark.parametrize(
    ("attackers", "code", "under"),
    [
        ('[thief]\nincludes = ["nobody"]\n', "KF521", '"nobody"'),
        ('[thief]\nincludes = ["thief"]\n', "KF522", '"thief"'),
        ('[thief]\nincludes = ["b"]\n[b]\nincludes = ["thief"]\n', "KF522", '"thief"'),
        ('[thief]\nincludes = ["b"]\n[b]\nincludes = ["c"]\n[c]\nincludes = ["b"]\n', "KF522", '"b"'),
        ("thief = 3\n", "KF504", "thief"),
        ('[thief]\ncapability = ["steal"]\n', "KF503", "capability"),
        ("[thief\n", "KF501", ""),
    ],
)
def test_attackers(
    attackers: str,
    code: str,
    under: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "attackers.toml").write_text(attackers)
    path = folder / "mine.policy.toml"
    path.write_text(HEAD + '[attacker]\nprofile = "thief"\n')
    found = refused(path, capsys, monkeypatch)[0]
    assert (found.file, found.code) == ("attackers.toml", code)
    if under:
        assert found.underlined == under


def test_every_circle_of_profiles_is_told_at_once(folder: Path) -> None:
    text = '[a]\nincludes = ["b"]\n[b]\nincludes = ["a", "c"]\n[c]\nincludes = ["b", "c", "nobody"]\n'
    (folder / "attackers.toml").write_text(text)
    with pytest.raises(LifecycleError) as error:
        load_attackers(folder / "attackers.toml")
    found = {(d.code, d.span.line, d.span.text) for d in error.value.diagnostics}
    assert found == {
        ("KF521", 6, '"nobody"'),
        ("KF522", 4, '"a"'),
        ("KF522", 6, '"b"'),
        ("KF522", 6, '"c"'),
    }


def test_attackers_that_are_not_there(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "mine.policy.toml"
    path.write_text(HEAD + '[attacker]\nprofile = "thief"\nprofiles = "nowhere.toml"\n')
    (found,) = refused(path, capsys, monkeypatch)
    assert (found.file, found.line, found.underlined) == ("mine.policy.toml", 4, '"nowhere.toml"')


def test_files_that_cannot_be_read(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    latin = folder / "latin.policy.toml"
    latin.write_bytes(HEAD.encode() + 'title = "caf\xe9"\n'.encode("latin-1"))
    (found,) = refused(latin, capsys, monkeypatch)
    assert (found.line, found.column) == (2, 13)
    assert "not UTF-8" in found.message
    (missing,) = refused(folder / "missing.policy.toml", capsys, monkeypatch)
    assert "there is no file" in missing.message
    large = folder / "large.policy.toml"
    large.write_text("# " + "x" * 5_000_000)
    (found,) = refused(large, capsys, monkeypatch)
    assert "KiB" in found.message
    directory = folder / "a.kf"
    directory.mkdir()
    (folder / "mine.policy.toml").write_text('lifecycle = "a.kf"\n')
    (found,) = refused(folder / "mine.policy.toml", capsys, monkeypatch)
    assert "is a folder" in found.message


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["mine.policy.toml", "mine.kf"])
@pytest.mark.parametrize("kind", ["pipe", "device", "circle", "long"])
def test_what_is_no_file_is_not_read(
    name: str, kind: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "circle":
        path.symlink_to(path)
    else:
        path = folder / ("a" * 300 + name)
    (found,) = refused(path, capsys, monkeypatch)
    assert found.code == ("KF401" if kind in ("pipe", "device") else "KF404")
    if kind in ("pipe", "device"):
        naming = folder / "naming.policy.toml"
        naming.write_text(f'{"extends" if name.endswith("toml") else "lifecycle"} = "{name}"\n')
        (found,) = refused(naming, capsys, monkeypatch)
        assert "is a pipe or a device" in found.message


@pytest.mark.parametrize("ending", [".kf", ".policy.toml"])
def test_random_bytes_are_refused_and_never_crash(ending: str, folder: Path) -> None:
    samples = [b"\x00", b"\xff\xfe", b"[" * 10_000, b"(" * 10_000, b"\xe2\x80\xae", b"a = 1\r\n\r", b"", b"=\n", b"'''"]
    for number, sample in enumerate(samples):
        path = folder / f"{number}{ending}"
        path.write_bytes(sample)
        outcome: Result = CliRunner().invoke(cli.keyfate, ["check", str(path)])
        assert isinstance(outcome.exception, LifecycleError), (sample, outcome.exception)
        assert render(outcome.exception.diagnostics)


def test_a_policy_error_says_all_in_its_message(folder: Path) -> None:
    path = folder / "mine.policy.toml"
    path.write_text(HEAD + "[controls]\na = 1\nb = 2\n")
    with pytest.raises(LifecycleError, match=r"no control `a`.*no control `b`"):
        load_policy(path)
