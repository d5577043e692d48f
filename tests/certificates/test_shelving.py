"""The folder of certificates over several checks: it holds what the last one showed, and whatever else lay there."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyfate.commands.certifying import shelved
from keyfate.commands.checking import check
from vault import furnish

SECRECY = {
    "safe.secrecy.cert.json",
    *(f"safe.secrecy.{part}.smt2" for part in ("admissible", "initiation", "consecution", "safety")),
}


@pytest.fixture
def proofs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "proofs"


def names(folder: Path, timeout: float | None = None) -> set[str]:
    """What is in the folder after a check of the policy."""
    policy = Path("safe.policy.toml")
    report = check((policy,), engine="auto", scope={}, timeout=timeout, keep=shelved(folder))
    assert report is not None
    return {path.name for path in folder.iterdir()}


def test_every_file_of_a_certificate_goes_with_its_verdict(proofs: Path) -> None:
    before = names(proofs)
    assert {name for name in before if ".secrecy." in name} == SECRECY
    policy = Path("safe.policy.toml")
    text = policy.read_text(encoding="utf-8").replace('"tpm"', '"flash"').replace("wipe = true", "wipe = false")
    policy.write_text(text, encoding="utf-8")
    assert {name for name in names(proofs) if ".secrecy." in name} == {"safe.secrecy.cert.json"}
    assert "VIOLATED" in (proofs / "safe.secrecy.cert.json").read_text(encoding="utf-8")
    assert names(proofs, timeout=1e-9) == set()


def test_no_other_file_is_touched(proofs: Path) -> None:
    names(proofs)
    others = {
        "notes.txt",
        "safe.secrecy",
        "safe.secrecy.cert.json.bak",
        "safe.secrecy.notes.smt2",
        "safe.secrecy.older.safety.smt2",
        "safe.other.cert.json",
        "safer.secrecy.cert.json",
        "my.safe.secrecy.cert.json",
        "flash.secrecy.safety.smt2",
    }
    for name in others:
        (proofs / name).write_text("mine", encoding="utf-8")
    (proofs / "safe.secrecy.7.safety.smt2").mkdir()
    (proofs / "safe.gone_is_gone.3.safety.smt2").symlink_to("notes.txt")
    assert names(proofs, timeout=1e-9) == {*others, "safe.secrecy.7.safety.smt2"}
    assert {(proofs / name).read_text(encoding="utf-8") for name in others} == {"mine"}
