"""What `keyfate certify` says of certificates that are as they were written."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from certificates.shelf import judged, load, put, save, written
from keyfate.certifier import cvc5api
from keyfate.certifier.z3api import Solver, SolverError
from keyfate.commands.certifying import certify
from shell import keyfate
from vault import furnish

PROVED = "safe.secrecy.cert.json"


def test_every_kind_of_verdict_is_accepted(folder: Path) -> None:
    found = {path.name: judged(path) for path in sorted(folder.glob("*.cert.json"))}
    assert {one.answered for one in found.values()} == {"accepted"}
    verdicts = {one.read.verdict for one in found.values()}
    assert verdicts == {"PROVED", "VIOLATED", "VACUOUS", "POSSIBLE", "DEPENDS"}
    assert [len(found[f"{name}.restores.cert.json"].read.claims) for name in ("safe", "vault.kf")] == [2, 3]


def test_impossible_under_each_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shelf can be lit, but never both under one setting: a proof for each setting."""
    (tmp_path / "lamp.kf").write_text(
        "lifecycle lamp status assumed\nsort S = a | b\ncontrol which : left | right | neither\n"
        "component c inside\nstate lit[S] : bool = false\n"
        "action light_a by c when which = left then lit[a] := true\n"
        "action light_b by c when which = right then lit[b] := true\n"
        "property each for s: S possible lit[s]\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    report, kept = written([Path("lamp.kf")])
    assert [r.verdict for r in report.results] == ["IMPOSSIBLE"]
    (path,) = put(kept, tmp_path)
    assert judged(path).answered == "accepted"
    data = load(path)
    assert len(data["claims"]) == 3
    for left_out in range(3):
        rest = [claim for number, claim in enumerate(data["claims"]) if number != left_out]
        found = judged(save(data | {"claims": rest}, path))
        assert found.answered == "refused"
        assert "admissible setting" in found.rulings[0].reason


def test_impossible_but_for_what_a_proof_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof about all settings but some says nothing of those."""
    (tmp_path / "lamp.kf").write_text(
        "lifecycle lamp status assumed\ncontrol wired : bool\ncomponent c inside\nstate lit : bool = false\n"
        "action light by c when wired then lit := true\nproperty lights possible lit\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    report, kept = written([Path("lamp.kf")])
    assert [r.verdict for r in report.results] == ["DEPENDS"]
    (path,) = put(kept, tmp_path)
    data = load(path)
    (claim,) = (claim for claim in data["claims"] if "never_reached" in claim)
    claim["problem"] |= {
        "settings": {"controls": {}, "capabilities": {}},
        "excluded": [{"controls": {"wired": ["true"]}, "capabilities": {}}],
    }
    found = judged(save(data | {"verdict": "IMPOSSIBLE", "claims": [claim]}, path))
    assert {ruling.judge: ruling.answered for ruling in found.rulings} == {
        "keyfate": "refused",
        "z3": "accepted",
        "cvc5": "accepted",
    }
    assert found.answered == "refused"


GONE = {"name": "gone", "path": "gone.policy.toml"}
"""A policy that is no longer there: nothing says what its settings were."""


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("POSSIBLE", "no witness is under settings of the certificate"),
        ("IMPOSSIBLE", "no setting is admissible: of none, anything can be proved"),
    ],
)
def test_of_settings_that_no_constraint_admits_nothing_is_accepted(folder: Path, verdict: str, said: str) -> None:
    path = folder / "vault.kf.restores.cert.json"
    data = load(path)
    claims = [claim for claim in data["claims"] if "reached" in claim]
    for claim in claims:
        claim["problem"]["settings"] = {"controls": {}, "capabilities": {}}
    forged = {"controls": {"root": "flash", "wipe": "true"}, "capabilities": {}}
    found = judged(save(data | {"verdict": verdict, "policy": GONE, "settings": forged, "claims": claims}, path))
    assert found.answered == "refused"
    assert found.rulings[0].reason == f"its claims do not amount to {verdict}: {said}"
    assert {ruling.answered for ruling in found.rulings[1:]} == {"accepted"}


def test_depends_on_what_is_open_alone(folder: Path) -> None:
    """Of what is not saved, witnesses under settings that save say nothing."""
    path = folder / "vault.kf.restores.cert.json"
    data = load(path)
    assert data["verdict"] == "DEPENDS"
    refused = next(claim for claim in data["claims"] if "never_reached" in claim)
    assert refused["problem"]["settings"]["controls"]["saving"] == "false"
    forged = {"controls": {"saving": "false"}, "capabilities": {}}
    found = judged(save(data | {"policy": GONE, "settings": forged}, path))
    assert found.answered == "refused"
    assert "a setting that has a witness for every instance is missing" in found.rulings[0].reason
    assert {ruling.answered for ruling in found.rulings[1:]} == {"accepted"}


def test_certificates_are_the_same_bytes_again(tmp_path: Path) -> None:
    furnish(tmp_path)
    found = []
    for seed in ("1", "2"):
        done = keyfate("check", "safe.policy.toml", "--certificates", seed, cwd=tmp_path, PYTHONHASHSEED=seed)
        assert done.returncode == 0
        found.append({path.name: path.read_bytes() for path in (tmp_path / seed).glob("*.cert.json")})
    assert found[0] == found[1]
    assert len(found[0]) == 5


# The command


def test_a_folder_and_a_file(folder: Path) -> None:
    done = keyfate("certify", ".", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("✓ 15 of 15 certificates accepted\n")
    done = keyfate("certify", PROVED, cwd=folder)
    assert done.returncode == 0
    assert "accepted by z3, cvc5" in done.stdout


def test_what_a_check_writes_is_told(tmp_path: Path) -> None:
    furnish(tmp_path)
    done = keyfate("check", "safe.policy.toml", "--format", "json", "--certificates", "there", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == "wrote 5 certificates to there\nnext: keyfate certify there\n"
    assert done.stdout.startswith("{")
    done = keyfate("check", "safe.policy.toml", "-q", "--certificates", "there", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("", "")


def test_nothing_to_judge(tmp_path: Path) -> None:
    done = keyfate("certify", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert "error[KF587]: there is no certificate" in done.stderr


@pytest.mark.parametrize("words", [("--engine", "explicit"), ("--watch",)])
def test_what_goes_with_certificates(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = keyfate("check", furnish(tmp_path) / "vault.kf", "--certificates", "there", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert not (tmp_path / "there").exists()


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    for there, why in (("vault.kf", "exists"), ("no/where", "is in no folder that exists")):
        done = keyfate("check", "safe.policy.toml", "--certificates", there, cwd=folder)
        assert done.returncode == 2
        assert done.stdout == ""
        assert why in done.stderr
    if sys.platform == "linux":  # a folder that not even root writes to
        assert keyfate("check", "safe.policy.toml", "--certificates", "/proc", cwd=folder).returncode == 2


def test_a_file_that_cannot_be_written_leaves_no_part(tmp_path: Path) -> None:
    furnish(tmp_path)
    (tmp_path / "there" / PROVED).mkdir(parents=True)
    done = keyfate("check", "safe.policy.toml", "--certificates", "there", cwd=tmp_path)
    assert done.returncode == 2
    assert f"`there/{PROVED}` cannot be written: it is a folder" in done.stderr
    assert [path.name for path in (tmp_path / "there").iterdir() if path.suffix == ".part"] == []


# Where it is read


def test_it_finds_the_lifecycle_beside_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert judged(folder / PROVED).read.notes == ()
    assert judged(folder / PROVED).answered == "accepted"


def test_it_is_told_where_the_lifecycle_is(folder: Path) -> None:
    (folder / "sub").mkdir()
    shutil.move("vault.kf", "sub/renamed.kf")
    assert keyfate("certify", PROVED, cwd=folder).returncode == 2
    done = keyfate("certify", PROVED, "--lifecycle", "sub/renamed.kf", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "settings as the certificate has them: `safe.policy.toml` was not looked at" in done.stdout


# Judges that do not agree, or do not know


def statuses(folder: Path, timeout: float | None = None) -> tuple[str, int]:
    return certify([folder / PROVED], None, timeout, color=False, width=None)


def test_without_cvc5(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cvc5api, "installed", lambda: None)
    text, status = statuses(folder)
    assert status == 0
    assert "accepted by z3\n" in text
    assert "cvc5 was not asked: it is not installed" in text


@pytest.mark.parametrize(("answer", "status"), [("sat", 5), ("unsat", 5), ("unknown", 3)])
def test_cvc5_says_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int) -> None:
    monkeypatch.setattr(cvc5api, "answer", lambda script, seconds: answer)
    text, found = statuses(folder)
    assert found == status
    assert "by cvc5: " in text


def test_cvc5_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(script: str, seconds: float) -> str:
        raise SolverError("broken")

    monkeypatch.setattr(cvc5api, "answer", fails)
    text, status = statuses(folder)
    assert status == 3
    assert "not decided by cvc5: broken" in text


def test_cvc5_answers_what_it_is_asked() -> None:
    head = "(set-logic QF_UF)\n(declare-const a Bool)\n(assert a)\n"
    assert cvc5api.answer(head + "(check-sat)\n", 60.0) == "sat"
    assert cvc5api.answer(head + "(assert (not a))\n(check-sat)\n", 60.0) == "unsat"
    for wrong in (head, "(", head + "(assert b)", head + "(check-sat)(check-sat)"):
        with pytest.raises(SolverError):
            cvc5api.answer(wrong, 60.0)


def test_z3_does_not_know(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Solver, "check", lambda self, assumptions=(): "unknown")
    monkeypatch.setattr(Solver, "reason", lambda self: "tired")
    text, status = statuses(folder)
    assert status == 3
    assert "not decided by z3: Z3 does not know: tired" in text


def test_memory_runs_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> str:
        raise MemoryError

    monkeypatch.setattr("keyfate.certifier.certify.Certifier.__init__", fails)
    text, status = statuses(folder)
    assert status == 3
    assert "out of memory" in text
