"""Files that are no certificate, or one of something else: an error, never a verdict."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from certificates.shelf import judged, load, read, right, save
from keyfate.language.source import LifecycleError
from shell import keyfate

PROVED, BROKEN, OPEN = "safe.gone_is_gone.cert.json", "flash.secrecy.cert.json", "vault.kf.restores.cert.json"
EMPTY = "flash.audited.cert.json"


def code(path: Path) -> str:
    with pytest.raises(LifecycleError) as caught:
        read(path)
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize("name", [PROVED, BROKEN, OPEN])
def test_truncated_at_every_line(folder: Path, name: str) -> None:
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    for number in range(len(lines)):
        (folder / name).write_text("\n".join(lines[:number]), encoding="utf-8")
        assert code(folder / name) == "KF580"


@pytest.mark.parametrize("name", [PROVED, BROKEN, OPEN])
def test_bytes_flipped(folder: Path, name: str) -> None:
    """Whatever one bit does: no traceback, and nothing is accepted that the interpreter refutes."""
    whole, chance = (folder / name).read_bytes(), random.Random(name)
    outcomes = set()
    for _ in range(120):
        at = chance.randrange(len(whole))
        changed = bytes([whole[at] ^ (1 << chance.randrange(8))])
        (folder / name).write_bytes(whole[:at] + changed + whole[at + 1 :])
        try:
            found = judged(folder / name)
        except LifecycleError as error:
            outcomes.add(error.diagnostics[0].code)
            continue
        outcomes.add(found.answered)
        assert found.answered != "accepted" or right(found.read)
    assert {"KF580", "KF581"} <= outcomes


Change = Callable[[dict], object]


@pytest.mark.parametrize(
    ("wrong", "change"),
    [
        ("KF582", lambda d: d.update(keyfate_certificate=2)),
        ("KF582", lambda d: d.update(keyfate="9.0.0")),
        ("KF581", lambda d: d.update(keyfate_certificate=True)),
        ("KF581", lambda d: d.pop("claims")),
        ("KF581", lambda d: d.update(claims=[])),
        ("KF581", lambda d: d.update(verdict="UNKNOWN")),
        ("KF581", lambda d: d["claims"][0].update(extra=1)),
        ("KF581", lambda d: d["claims"][0].update(reached={})),
        ("KF583", lambda d: d["lifecycle"]["texts"][0].update(sha256="0" * 64)),
        ("KF583", lambda d: d["lifecycle"]["texts"].append({"name": "more.kf", "sha256": "0" * 64})),
        ("KF583", lambda d: d["lifecycle"].update(name="safe")),
        ("KF403", lambda d: d["lifecycle"].update(path="nowhere.kf")),
        ("KF584", lambda d: d["property"].update(name="privacy")),
        ("KF584", lambda d: d["property"].update(name="secrecy")),
        ("KF584", lambda d: d["property"].update(text="all is well")),
        ("KF584", lambda d: d["scope"].pop("Shelf")),
        ("KF202", lambda d: d["scope"].update(Wall=2)),
        ("KF585", lambda d: d["settings"]["controls"].update({"sealed[left]": "false"})),
        ("KF585", lambda d: d["settings"]["capabilities"].update({"open_tpm": True})),
        ("KF586", lambda d: d["settings"]["controls"].update(root="moon")),
        ("KF586", lambda d: d["settings"]["controls"].update(roof="tpm")),
        ("KF586", lambda d: d["terms"].update(x="kdf(")),
        ("KF586", lambda d: d["terms"].update(x="y")),
        ("KF586", lambda d: d["terms"].update(x="pub(" * 5000 + "seed" + ")" * 5000)),
        ("KF586", lambda d: d["claims"][0]["problem"]["target"].update(property="secrecy")),
        ("KF586", lambda d: d["claims"][0]["problem"]["target"].update(instance=["up"])),
        ("KF586", lambda d: d["claims"][0]["problem"]["target"].update(instance=[])),
        ("KF586", lambda d: d["claims"][0]["never_reached"]["invariant"]["never"].append("state power = asleep")),
        ("KF586", lambda d: d["claims"][0]["never_reached"]["invariant"]["always"].append("weather = fine")),
        ("KF586", lambda d: d["claims"][0]["never_reached"]["invariant"]["never"].append("latch 9 of once true")),
        ("KF586", lambda d: d["claims"][0]["never_reached"]["invariant"]["never_holds"].update(attic=[])),
        ("KF586", lambda d: d["claims"][0]["never_reached"]["rests_on"].append("fly")),
    ],
)
def test_edited_into_nonsense(folder: Path, wrong: str, change: Change) -> None:
    data = load(folder / PROVED)
    change(data)
    assert code(save(data, folder / PROVED)) == wrong


def test_a_key_that_stands_twice(folder: Path) -> None:
    text = (folder / PROVED).read_text(encoding="utf-8")
    (folder / PROVED).write_text(text.replace('"verdict"', '"verdict": "VACUOUS", "verdict"', 1), encoding="utf-8")
    assert code(folder / PROVED) == "KF580"


def test_json_of_another_kind(folder: Path) -> None:
    for text in ("[]", "1", '"x"', "null", "{}", "[" * 100_000, "9" * 10_000):
        (folder / PROVED).write_text(text, encoding="utf-8")
        assert code(folder / PROVED) in ("KF580", "KF581")


def test_another_lifecycle(folder: Path) -> None:
    shutil.copy("vault.kf", "other.kf")
    with Path("other.kf").open("a", encoding="utf-8") as stream:
        stream.write("// another\n")
    done = keyfate("certify", PROVED, "--lifecycle", "other.kf", cwd=folder)
    assert done.returncode == 2
    assert "error[KF583]: this is about another lifecycle: `other.kf` has SHA-256 " in done.stderr


def test_a_policy_that_changed(folder: Path) -> None:
    text = Path("safe.policy.toml").read_text(encoding="utf-8")
    Path("safe.policy.toml").write_text(text.replace("wipe = true", "wipe = false"), encoding="utf-8")
    assert code(folder / PROVED) == "KF585"


def test_a_policy_that_is_over_another_lifecycle_of_that_name(folder: Path) -> None:
    """The text that the certificate is about is still there, but the policy no longer asks about it."""
    text = Path("vault.kf").read_text(encoding="utf-8")
    Path("new.kf").write_text(text.replace("when not sealed[s]", ""), encoding="utf-8")
    policy = Path("safe.policy.toml").read_text(encoding="utf-8")
    Path("safe.policy.toml").write_text(policy.replace("vault.kf", "new.kf"), encoding="utf-8")
    done = keyfate("certify", PROVED, cwd=folder)
    assert done.returncode == 2
    assert "error[KF585]: `safe.policy.toml` now is over another lifecycle" in done.stderr


@pytest.mark.parametrize("policy", [None, {"name": "flash", "path": "safe.policy.toml"}])
def test_a_verdict_about_less_is_none_about_another_policy(folder: Path, policy: object) -> None:
    """The settings are those of `safe`: they are neither all that is open without a policy, nor those of `flash`."""
    assert code(save(load(folder / PROVED) | {"policy": policy}, folder / PROVED)) == "KF585"


def test_two_policies_of_one_name_are_called_by_their_paths(folder: Path) -> None:
    named = {"name": "safe.policy.toml", "path": "safe.policy.toml"}
    assert judged(save(load(folder / PROVED) | {"policy": named}, folder / PROVED)).status == 0


@pytest.mark.parametrize("path", ["x" * 5000, "x\0y", "\ud800"])
def test_a_policy_where_none_can_be(folder: Path, path: str) -> None:
    data = load(folder / PROVED)
    data["policy"]["path"] = path
    assert any("was not looked at" in note for note in read(save(data, folder / PROVED)).notes)


def test_everything_that_is_wrong_is_told_at_once(folder: Path) -> None:
    for name in (PROVED, BROKEN):
        save(load(folder / name) | {"keyfate_certificate": 7}, folder / name)
    done = keyfate("certify", ".", cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("the certificate has format 7, and this keyfate reads format 1") == 2


# Claims that make sense, and are not true


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        (PROVED, lambda d: d.update(verdict="VIOLATED"), "do not amount to VIOLATED"),
        (PROVED, lambda d: d.update(verdict="VACUOUS"), "do not amount to VACUOUS"),
        (PROVED, lambda d: d.update(verdict="POSSIBLE"), "can never be POSSIBLE"),
        (PROVED, lambda d: d["claims"][0]["problem"].update(honest=True), "do not amount to PROVED"),
        (PROVED, lambda d: d["claims"][0]["problem"]["target"].update(part="when"), "do not amount to PROVED"),
        (
            PROVED,
            lambda d: d["claims"][0]["problem"]["settings"]["capabilities"].update(steal=False),
            "do not amount to PROVED",
        ),
        (BROKEN, lambda d: d["claims"][0]["reached"]["actions"].pop(), "does not end in a state of the target"),
        (BROKEN, lambda d: d["claims"][0]["reached"]["actions"].reverse(), "is not enabled"),
        (BROKEN, lambda d: d["claims"][0]["reached"]["controls"].pop("root"), "does not fix just the controls"),
        (BROKEN, lambda d: d["claims"][0]["reached"]["controls"].update(root="tpm"), "not admissible, or not that"),
        (OPEN, lambda d: d.update(verdict="POSSIBLE"), "some admissible setting has no witness"),
        (OPEN, lambda d: d.update(verdict="IMPOSSIBLE"), "not shown to have no witness"),
        (OPEN, lambda d: d["claims"].pop(), "a setting without a witness is missing"),
        (OPEN, lambda d: d["claims"].pop(0), "a setting that has a witness for every instance is missing"),
    ],
)
def test_refused(folder: Path, name: str, change: Change, why: str) -> None:
    data = load(folder / name)
    change(data)
    found = judged(save(data, folder / name))
    assert found.status == 5
    assert any(why in ruling.reason for ruling in found.rulings), found.rulings


@pytest.mark.parametrize("name", ["vault.kf.audited.cert.json", EMPTY])
def test_what_is_vacuous_is_not_proved(folder: Path, name: str) -> None:
    """That nothing breaks it is right, and every judge accepts it: it is no proof that the property says anything."""
    data = load(folder / name)
    assert data["verdict"] == "VACUOUS"
    data["claims"][0]["problem"]["target"]["part"] = "target"
    found = judged(save(data | {"verdict": "PROVED"}, folder / name))
    assert {ruling.judge: ruling.answered for ruling in found.rulings} == {
        "keyfate": "refused",
        "z3": "accepted",
        "cvc5": "accepted",
    }
    assert "a trace to a state of its `when`, under the very settings of" in found.rulings[0].reason


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d["claims"].pop(), "a trace to a state of its `when`, under the very settings of"),
        (lambda d: d["claims"][1]["problem"].update(honest=True), "a trace to a state of its `when`"),
        (lambda d: d["claims"][1]["problem"]["settings"]["controls"].clear(), "a trace to a state of its `when`"),
        (lambda d: d["claims"][1]["reached"]["actions"].clear(), "does not end in a state of the target"),
    ],
)
def test_proved_of_what_is_not_shown_to_happen(folder: Path, change: Change, why: str) -> None:
    data = load(folder / PROVED)
    assert data["claims"][1]["problem"]["target"]["part"] == "when"
    change(data)
    found = judged(save(data, folder / PROVED))
    assert found.status == 5
    assert any(why in ruling.reason for ruling in found.rulings), found.rulings


def test_what_is_impossible_under_some_settings_is_not_impossible(folder: Path) -> None:
    """The only setting with a witness is out of the question; the proof about the others is one."""
    data = load(folder / OPEN)
    (claim,) = (claim for claim in data["claims"] if "never_reached" in claim)
    claim["problem"]["settings"]["controls"] = {}
    claim["problem"]["excluded"] = [{"controls": {"saving": ["true"]}, "capabilities": {}}]
    found = judged(save(data | {"verdict": "IMPOSSIBLE", "claims": [claim]}, folder / OPEN))
    assert {ruling.reason for ruling in found.rulings if ruling.answered == "refused"} == {
        "its claims do not amount to IMPOSSIBLE: some admissible setting is not shown to have no witness"
    }


def test_the_command_ends_with_5(folder: Path) -> None:
    data = load(folder / PROVED)
    said = data["claims"][0]["never_reached"]["invariant"]
    data["claims"][0]["never_reached"]["invariant"] = {group: type(rows)() for group, rows in said.items()}
    done = keyfate("certify", save(data, folder / PROVED), BROKEN, cwd=folder)
    assert done.returncode == 5
    assert "refused by z3: " in done.stdout
    assert "refused by cvc5: " in done.stdout
    assert "1 of 2 certificates accepted" in done.stdout
    assert json.loads((folder / PROVED).read_text(encoding="utf-8")) == data
