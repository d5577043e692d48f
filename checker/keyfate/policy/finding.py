"""Which files a person means by the words behind a command."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

ENDING = ".policy.toml"
LIFECYCLES = ".kf"


def find(paths: Iterable[Path], ending: str = ENDING) -> tuple[Path, ...]:
    """Files as they are named, folders as the policies (or what ends otherwise) below them; each once, in that order.

    A path that does not exist is kept: whoever reads it says so.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in below(path, ending) if os.path.isdir(path) else (path,):
            found.setdefault(file.absolute(), file)
    return tuple(found.values())


def policies_below(folder: Path) -> Iterator[Path]:
    """Every `*.policy.toml` below `folder`, as `below` finds them."""
    return below(folder, ENDING)


def below(folder: Path, ending: str) -> Iterator[Path]:
    """Every file below `folder` that ends so, sorted; hidden folders and virtual environments left out."""
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not _environment(here / f))
        for name in sorted(files):
            if name.endswith(ending):
                yield here / name


def _environment(folder: Path) -> bool:
    return folder.name == "node_modules" or (folder / "pyvenv.cfg").exists()
