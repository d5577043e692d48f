"""What is built once for all packaging tests, and where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from installing import Built, Environment, build, environment


@pytest.fixture(scope="session")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(*build(root, tmp_path_factory.mktemp("built")))


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel in it."""
    made = environment(tmp_path_factory.mktemp("wheel") / "venv")
    made.install(built.wheel)
    return made


@pytest.fixture(scope="session")
def editable(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with this checkout in it, editable."""
    made = environment(tmp_path_factory.mktemp("editable") / "venv")
    made.install("-e", root)
    return made
