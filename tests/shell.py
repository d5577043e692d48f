"""keyfate as a user runs it from a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_OF_HOSTS = ("GITHUB_", "CI_", "RUNNER_")
_OF_COLOUR = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS")
ENV = {k: v for k, v in os.environ.items() if k not in _OF_COLOUR and not k.startswith(_OF_HOSTS)}
"""This process's environment, without what speaks of a terminal or of a host of repositories."""


def keyfate(*words: object, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A process of its own; never a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "keyfate", *map(str, words)],
        cwd=cwd,
        env=ENV | {"PYTHONIOENCODING": "utf-8"} | more,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done
