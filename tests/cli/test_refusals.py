"""What no command works on: status 2, nothing on the standard output, the place, the words at fault, a hint."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from keyfate.cli import main as cli
from keyfate.language.library import folder as shipped
from keyfate.policy import finding
from keyfate.policy.files import shown_path
from shipping import instead
from vault import furnish

Refused = Callable[..., str]

PARTS = {
    "missing": ('include "parts/gone.kf" as part', "KF408", "there is no file `parts/gone.kf`", "parts/gone.kf"),
    "long": (f'include "{"a" * 5_000}" as part', "KF408", "cannot be read: file name too long", "look at the path"),
    "itself": ('include "mine.kf" as part', "KF407", "`mine.kf` includes itself", "break the circle"),
    "circle": ('include "parts/round.kf" as part', "KF407", "`round.kf` includes itself", "break the circle"),
    "outside": (
        'include "../elsewhere.kf" as part',
        "KF406",
        "`../elsewhere.kf` leads out",
        "the same folder or below",
    ),
    "link": ('include "parts/link.kf" as part', "KF406", "`parts/link.kf` leads out", "the same folder or below"),
}


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    """What a command line is told that must end with status 2."""

    def told(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["keyfate", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert (ended.value.code, said.out) == (2, ""), said.err
        assert "Traceback" not in said.err
        return said.err

    return told


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize(
    "words",
    [("check",), ("check", "mine.policy.toml"), ("frontier",), ("lint",), ("draw", "lifecycle"), ("list",), ("hunt",)],
    ids=" ".join,
)
def test_an_include_that_leads_nowhere(
    kind: str, words: tuple[str, ...], tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    include, code, message, hint = PARTS[kind]
    (tmp_path / "home").mkdir()
    home = furnish(tmp_path / "home")
    (tmp_path / "elsewhere.kf").write_text("secret s\n", encoding="utf-8")
    (home / "parts").mkdir()
    (home / "parts" / "round.kf").write_text('include "round.kf" as again\nsecret s\n', encoding="utf-8")
    (home / "parts" / "link.kf").symlink_to(tmp_path / "elsewhere.kf")
    text = (home / "vault.kf").read_text(encoding="utf-8")
    (home / "mine.kf").write_text(f"{text}\n{include}\n", encoding="utf-8")
    (home / "mine.policy.toml").write_text('lifecycle = "mine.kf"\n', encoding="utf-8")
    monkeypatch.chdir(home)
    said = refused(*(words if len(words) > 1 and words[0] == "check" else (*words, "mine.kf")))
    assert f"error[{code}]: " in said
    assert message in said
    assert hint in said
    at = "parts/round.kf:1:9" if kind == "circle" else f"mine.kf:{len(text.splitlines()) + 2}:9"
    assert said.startswith(f"{at}: ")


def test_what_only_follows_from_a_missing_part_is_not_said(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name of the part would be one more error. Where keyfate ships such a part, the hint says where from."""
    home = furnish(tmp_path)
    text = (home / "vault.kf").read_text(encoding="utf-8")
    uses = "property kept never part.store has part.seed\nproperty shut always part.ready\n"
    (home / "mine.kf").write_text(f'{text}\ninclude "parts/safe.kf" as part\n{uses}', encoding="utf-8")
    monkeypatch.chdir(home)
    said = refused("check", "mine.kf")
    assert "error[KF408]: there is no file `parts/safe.kf`" in said
    assert said.endswith("\n1 error\n")
    models = tmp_path / "models"
    (models / "parts").mkdir(parents=True)
    (models / "parts" / "safe.kf").write_text("secret seed\n", encoding="utf-8")
    instead(models, monkeypatch)
    assert f"keyfate ships such a fragment: copy it from {models / 'parts' / 'safe.kf'}" in refused("check", "mine.kf")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("times", "length", "filler", "most"),
    [(2, 25, "", "100 files"), (1, 300, "", "100 files"), (2, 1, "-- filler\n" * 30_000, "512 KiB")],
    ids=["twofold", "deep", "large"],
)
def test_includes_without_end(
    times: int, length: int, filler: str, most: str, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice two files, twenty-five deep, would be read 33 million times."""
    home = furnish(tmp_path)
    (home / f"f{length}.kf").write_text(f"{filler}secret s\n", encoding="utf-8")
    for n in range(length):
        lines = (f'include "f{n + 1}.kf" as part_{k}\n' for k in range(times))
        (home / f"f{n}.kf").write_text("".join(lines), encoding="utf-8")
    text = (home / "vault.kf").read_text(encoding="utf-8")
    (home / "mine.kf").write_text(f'{text}\ninclude "f0.kf" as part\n', encoding="utf-8")
    monkeypatch.chdir(home)
    said = refused("check", "mine.kf")
    assert said.count("error[KF409]: ") == 1
    assert f"this includes more than {most}" in said
    assert said.startswith("f")
    assert said.partition(" ")[0].endswith(".kf:1:9:") or said.partition(" ")[0].endswith(".kf:2:9:")


def test_a_folder_that_nobody_may_look_into_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", closed)  # as of a folder of another user
    (tmp_path / "inner").mkdir()
    assert list(finding.policies_below(tmp_path)) == []


def test_a_policy_that_is_called_as_reports_call_it(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = furnish(tmp_path)
    (home / "mine.policy.toml").write_text('lifecycle = "vault.kf"\n', encoding="utf-8")
    monkeypatch.chdir(home)
    assert "= help: did you mean `mine.policy.toml`?" in refused("explain", "mine", "secrecy")
    path = finding.shipped_policies()[0]
    name = path.name.removesuffix(finding.ENDING)
    assert f"= help: did you mean `{shown_path(path)}`?" in refused("explain", name, "secrecy")
    assert "= help: look at the path" in refused("explain", "nothing_like_it", "secrecy")


def test_a_control_of_another_lifecycle(tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a shipped one the hint says which."""
    models = tmp_path / "models"
    models.mkdir()
    text = (furnish(tmp_path) / "vault.kf").read_text(encoding="utf-8")
    names = ("one", "two", "three", "four")
    for name in names:
        (models / f"{name}.kf").write_text(text.replace("lifecycle vault", f"lifecycle {name}"), encoding="utf-8")
    plain = text.replace("control wipe :", "control wiped :").replace("if wipe {", "if wiped {")
    (models / "plain.kf").write_text(plain.replace("(wipe and", "(wiped and"), encoding="utf-8")
    instead(models, monkeypatch)
    monkeypatch.chdir(tmp_path)
    policy = tmp_path / "mine.policy.toml"
    policy.write_text('lifecycle = "plain"\n[controls]\nwipe = true\n', encoding="utf-8")
    for command in ("check", "frontier", "hunt"):
        said = refused(command, "mine.policy.toml")
        assert said.startswith("mine.policy.toml:3:1: error[KF510]: `vault` has no control `wipe`\n")
        assert "`four` and `one` and `three`, and 1 more, have it: is the policy one of another lifecycle?" in said
    policy.write_text('lifecycle = "one"\n[controls]\nwiped = true\n', encoding="utf-8")
    said = refused("check", "mine.policy.toml")
    assert "`one` has no control `wiped`" in said
    assert "`plain` has it: is the policy one of another lifecycle?" in said  # though `wipe` is near
    policy.write_text('lifecycle = "one"\n[controls]\nnothing_like_it = true\n', encoding="utf-8")
    said = refused("check", "mine.policy.toml")
    listing = said.partition("`keyfate list ")[2].partition("`")[0]
    assert Path(listing).is_file()  # what the hint says works
    policy.write_text('lifecycle = "one"\n[attacker]\ncapabilities = ["stroll"]\n', encoding="utf-8")
    (models / "plain.kf").write_text(plain.replace("capability steal", "capability stroll"), encoding="utf-8")
    said = refused("check", "mine.policy.toml")
    assert "error[KF520]: `one` has no capability `stroll`" in said
    assert "`plain` has it" in said


def test_files_of_expected_answers(tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is decided: the shipped library alone would take a minute."""
    shutil.copytree(shipped("models"), tmp_path / "models")
    instead(tmp_path / "models", monkeypatch)
    monkeypatch.chdir(tmp_path)
    expected = tmp_path / "models" / "expected"
    name = next(iter(finding.shipped_lifecycles()))
    old = expected / "frontiers" / f"{name}.json"
    old.rename(expected / "frontiers" / "gone.json")
    said = refused("check", "--library", name)
    assert "models/expected/frontiers/gone.json:1:1: error[KF554]: the library has no lifecycle `gone`" in said
    assert f"{name}.kf:" in said
    assert "error[KF551]: " in said
    assert f"`models/expected/frontiers/{name}.json` is missing" in said
    assert "`keyfate check --library --update` writes it" in said
