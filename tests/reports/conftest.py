"""One check of the sample policies, shared by the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyfate.checking.results import Report
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from vault import furnish


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample lifecycle and its policies."""
    return furnish(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def report(house: Path) -> Report:
    """Both policies and the bare lifecycle."""
    paths = [house / "safe.policy.toml", house / "flash.policy.toml", house / "vault.kf"]
    return open_session(paths, {}).check(Options(workers=1))
