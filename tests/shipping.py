"""A library of a test's own in place of the shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyfate.checking import library
from keyfate.commands import shipped
from keyfate.language import loading
from keyfate.language.library import folder
from keyfate.policy import finding


def instead(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lifecycles, policies, attackers, fragments and what is expected of them are found in `models`."""
    for module in (library, finding, shipped, loading):
        monkeypatch.setattr(module, "folder", lambda name: models if name == "models" else folder(name))
