"""The fragment of a TPM as the seed store of the persistent lifecycle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.language.library import folder

NAME = "tdx-1.5-persistent"

EDITS = (
    # What the fragment asks of whoever includes it.
    ("\n-- Who and what there is.\n", '\ninclude "parts/tpm.kf" as tpm\n\n-- Who and what there is.\n'),
    ("\ncomponent package ", '\ncapability reset_pcrs "forges measured state"\n\ncomponent package '),
    ("\nkey td_seed[", "\ndef sealed_secret[p: Platform] = platform_seed[p]\n\nkey td_seed["),
    # The platform's own seed is in the TPM; the seed store keeps what was imported.
    (
        "persistence != off and power[p] = off and not once did provision[p]\n  then seed_store[p] gains",
        "persistence != off and tpm.ready[p] and tpm.running[p] = tpm.expected and not once did provision[p]\n"
        "  then tpm.live[p] gains",
    ),
    ("using seed_store[p]", "using seed_store[p], tpm.live[p]"),
    ("then power[p] := asleep;", "then power[p] := asleep; clear tpm.live[p];"),
    ("then power[p] := off;", "then power[p] := off; clear tpm.live[p]; clear tpm.until_reset[p];"),
    # TPM2_Clear is what disposal does to a TPM, where it does anything.
    ("(erasure = verified implies erased)", "(erasure = verified implies erased) and (erased implies tpm.cleared[p])"),
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("composed")
    shutil.copytree(folder("models") / "parts", models / "parts")
    text = (folder("models") / f"{NAME}.kf").read_text(encoding="utf-8")
    for old, new in EDITS:
        assert old in text, old
        text = text.replace(old, new)
    (models / f"{NAME}.kf").write_text(text, encoding="utf-8")
    hardened = (folder("models") / "policies" / "tdx-1.5-hardened.policy.toml").read_text(encoding="utf-8")
    assert f'lifecycle = "{NAME}"' in hardened
    (models / "hardened.policy.toml").write_text(hardened.replace(f'"{NAME}"', f'"{NAME}.kf"'), encoding="utf-8")
    return models


POLICY = """
title = "the seed in a whole TPM"
extends = "hardened.policy.toml"

[controls]
"tpm.hierarchy" = "HIERARCHY"
"tpm.session" = "SESSION"
"tpm.pcr_policy" = true
"tpm.counter_policy" = false
"tpm.storage" = "in_chip"
"tpm.lost_state" = "refused"
"""


@pytest.mark.parametrize(
    ("hierarchy", "session", "expected"),
    [
        (
            "owner",
            "encrypted",
            {"root_secrecy": "PROVED", "root_sanitization": "PROVED", "survives_reboot": "POSSIBLE"},
        ),
        ("owner", "plain", {"root_secrecy": "VIOLATED"}),
        ("platform", "encrypted", {"root_sanitization": "VIOLATED"}),
        ("null", "encrypted", {"root_sanitization": "PROVED"}),
    ],
)
def test_the_tpm_decides_what_becomes_of_the_seed(
    models: Path, hierarchy: str, session: str, expected: dict[str, str]
) -> None:
    path = models / f"{hierarchy}-{session}.policy.toml"
    path.write_text(POLICY.replace("HIERARCHY", hierarchy).replace("SESSION", session), encoding="utf-8")
    report = open_session([path], {}).check(Options(workers=1, only=tuple(expected), sweep=False))
    assert {result.property: result.verdict for result in report.results} == expected
    assert all(result.certificate is not None for result in report.results)
