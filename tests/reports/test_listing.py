"""`keyfate list`: the library in one screen, its verdicts those that are expected, and a lifecycle with the rest."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from keyfate.commands.listing import listing
from keyfate.policy.finding import shipped_names
from keyfate.reporting.listing import Asked, Shipped, library_text
from shipping import instead
from vault import FLASH, LIFECYCLE, SAFE


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of one lifecycle and three policies, of which two have answers."""
    found = tmp_path / "models"
    for inner in ("policies", "expected/frontiers"):
        (found / inner).mkdir(parents=True)
    (found / "vault.kf").write_text(LIFECYCLE, encoding="utf-8")
    for name, text in (("safe", SAFE), ("flash", FLASH.replace("safe.", "vault-safe.")), ("new", SAFE)):
        text = text.replace("vault.kf", "../vault.kf")
        (found / "policies" / f"vault-{name}.policy.toml").write_text(text, encoding="utf-8")
    (found / "attackers.toml").write_text('[thief]\ntitle = "takes disks"\ncapabilities = ["steal", "other"]\n')
    safe = dict.fromkeys(("secrecy", "gone_is_gone", "off_is_empty"), "PROVED") | {
        "audited": "VACUOUS",
        "restores": "POSSIBLE",
    }
    flash = safe | {"secrecy": "VIOLATED", "gone_is_gone": "VIOLATED"}
    for name, verdicts in (("safe", safe), ("flash", flash)):
        properties = {
            rule: {"verdict": verdict, "steps": None, "basis": "claimed"} for rule, verdict in verdicts.items()
        }
        data = {"lifecycle": "vault", "states": None, "properties": properties}
        (found / "expected" / f"vault-{name}.json").write_text(json.dumps(data))
    extents = {rule: {"conditions": i, "reaching": i, "configurations": 384} for i, rule in enumerate(safe)}
    data = {"lifecycle": "vault", "scope": {}, "properties": extents}
    (found / "expected" / "frontiers" / "vault.json").write_text(json.dumps(data))
    instead(found, monkeypatch)
    monkeypatch.chdir(tmp_path)
    return found


def test_the_shipped_library_in_one_screen() -> None:
    lines = listing(None, {}, False, 110).splitlines()
    assert len(lines) <= 5 * len(shipped_names()) + 5
    assert max(map(cell_len, lines)) <= 110
    assert [line.partition("  ")[0] for line in lines if re.match(r"\S+  \S", line)] == list(shipped_names())
    assert not any("not known" in line for line in lines)
    assert lines[-1] == f"next: keyfate list {shipped_names()[0]}"


def test_what_can_be_included_is_named(models: Path) -> None:
    assert "fragments" not in listing(None, {}, False, 110)
    (models / "parts").mkdir()
    (models / "parts" / "box.kf").write_text("component box inside\n", encoding="utf-8")
    assert listing(None, {}, False, 110).splitlines()[-2] == "fragments to include a copy of: parts/box.kf"


def test_what_an_architect_reads_of_a_lifecycle(models: Path) -> None:
    """Nothing is decided for it: `flash` is said to break two properties, one of which it need not keep."""
    assert listing(None, {}, False, 110).splitlines() == [
        "vault  A vault that can be switched off  [documented]",
        "  4 controls, 3 capabilities, 4 actions (3 documented, 1 claimed), 5 properties, 3 policies",
        "  met: safe (3 PROVED, 1 POSSIBLE, 1 VACUOUS)",
        "  not met: flash 1",
        "  not known: new",
        "names of policies begin with their lifecycle's, where nothing else is said: vault-flash",
        "attacker profiles: thief",
        "next: keyfate list vault",
    ]


def test_a_lifecycle_of_the_library_has_the_rest(models: Path) -> None:
    lines = listing("models/vault.kf", {}, False, 160).splitlines()
    rows = {
        line.split()[0]: re.split(r" {3,}", line.strip()) for line in lines if line.startswith("  ") and line.strip()
    }
    assert rows["open_tpm"] == ["open_tpm", "8", "reads the TPM", "a paper"]
    assert rows["steal"] == ["steal", "reads the disk of a vault that is off", "CWE-311"]
    assert rows["thief"] == ["thief", "takes disks", "steal"]
    assert rows["off_is_empty"] == ["off_is_empty", "never", "high", "2", "No shelf holds an item while off"]
    assert rows["vault-safe"] == ["vault-safe", "locked and in the TPM", "met", "3 PROVED, 1 POSSIBLE, 1 VACUOUS"]
    assert rows["vault-flash"][2:] == ["1 not met", "1 PROVED, 1 POSSIBLE, 2 VIOLATED, 1 VACUOUS"]
    assert rows["vault-new"][2:] == ["not known"]


def test_of_other_sizes_no_frontier_is_known(models: Path) -> None:
    assert "conditions" in listing("models/vault.kf", {}, False, 160)
    assert "conditions" not in listing("models/vault.kf", {"Shelf": 1}, False, 160)


def test_answers_of_properties_that_are_gone_are_not_shown(models: Path) -> None:
    path = models / "expected" / "vault-safe.json"
    path.write_text(path.read_text().replace("audited", "inspected"))
    assert "  not known: new, safe" in listing(None, {}, False, 110).splitlines()


def test_names_are_shortened_by_what_all_begin_with() -> None:
    from keyfate.language.loading import load_text

    lifecycle = load_text(LIFECYCLE).lifecycle

    def shown(name: str, *policies: str) -> list[str]:
        text = library_text([Shipped(name, lifecycle, tuple(Asked(p, "") for p in policies))], ())
        return [text.splitlines()[1].rpartition(" ")[2], text.splitlines()[2]]

    assert shown("a-1-x", "a-1-y", "a-1-z") == ["a-1-…", "  not known: y, z"]
    assert shown("a-x", "a-x-y", "a-x-z") == ["policies", "  not known: y, z"]
    assert shown("a-x", "a-x", "a-x-y") == ["a-…", "  not known: x, x-y"]
    assert shown("a-x", "a-x") == ["policy", "  not known: a-x"]
    assert shown("a-x", "b", "c") == ["policies", "  not known: b, c"]
