from __future__ import annotations

from pathlib import Path

import pytest

from certificates.shelf import put, written
from keyfate.checking.certificates import Certified
from vault import furnish


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Certified, ...]:
    """The certificates of the vault and of both its policies, written in its folder."""
    folder = furnish(tmp_path_factory.mktemp("vault"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        report, kept = written([Path("safe.policy.toml"), Path("flash.policy.toml"), Path("vault.kf")])
    assert len(kept) == len(report.results)
    return tuple(kept)


@pytest.fixture
def folder(tmp_path: Path, texts: tuple[Certified, ...], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The vault's folder, with its certificates."""
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    put(texts, tmp_path)
    return tmp_path
