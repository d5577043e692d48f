"""Which files a person means by the words behind `keyfate check`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from keyfate.policy.loading import ENDING


def find(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Files as they are named, folders as the policies below them; each once, in that order.

    A path that does not exist is kept: whoever reads it says so.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in policies_below(path) if os.path.isdir(path) else (path,):
            found.setdefault(file.absolute(), file)
    return tuple(found.values())


def policies_below(folder: Path) -> Iterator[Path]:
    """Every `*.policy.toml` below `folder`, sorted; hidden folders and virtual environments left out."""
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not _environment(here / f))
        for name in sorted(files):
            if name.endswith(ENDING):
                yield here / name


def _environment(folder: Path) -> bool:
    return folder.name == "node_modules" or (folder / "pyvenv.cfg").exists()
