"""DOT as a picture, by a Graphviz that is there.

First choice is the one that `pip install` brings: it draws the same bytes everywhere, fonts included. Where
there is none for a platform, the system's `dot` draws nearly the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Literal

PACKAGE = "graphviz-pure"
PATIENCE = 120  # seconds
_PACKING = re.compile(r'\bpack="\d+", packmode="\w+", ')  # of the graph itself, whose attributes come first


class PictureError(Exception):
    """DOT that became no picture, and why."""


def picture(dot: str, form: Literal["svg", "png"]) -> bytes:
    """`dot` as an SVG or PNG file. Raises PictureError where there is no Graphviz, or it fails."""
    program = find()
    if program is None:
        raise PictureError(missing())
    return laid_out(program, dot, form)


def laid_out(program: str, dot: str, form: Literal["svg", "png", "plain"]) -> bytes:
    """What that Graphviz makes of `dot`. One that is killed by its own fault draws what needs no packing: version 2.43
    corrupts its memory over some graphs that it packs. Raises PictureError where it fails."""
    done = _run(program, dot, form)
    if done.returncode < 0:
        done = _run(program, _PACKING.sub("", dot, count=1), form)
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else "it says nothing"
        raise PictureError(f"`{Path(program).name}` failed with status {done.returncode}: {why}")
    return done.stdout


def _run(program: str, dot: str, form: str) -> subprocess.CompletedProcess[bytes]:
    name = Path(program).name
    try:
        return subprocess.run(
            [program, f"-T{form}"], input=dot.encode("utf-8"), capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise PictureError(f"`{name}` took more than {PATIENCE} seconds: `.dot` needs no layout") from None
    except OSError as error:
        raise PictureError(f"`{name}` does not run: {(error.strerror or str(error)).lower()}") from None


def missing() -> str:
    """What to say where there is no Graphviz."""
    return (
        f"there is no Graphviz to draw with: `pip install {PACKAGE}` brings one, or have your system's, "
        "with its `dot` on the PATH; `.dot`, `.mmd` and `.md` need none"
    )


def find() -> str | None:
    """The program that draws: beside this Python, where pip put it, or on the PATH."""
    return _installed() or shutil.which(PACKAGE) or shutil.which("dot")


def _installed() -> str | None:
    beside = shutil.which(PACKAGE, path=str(Path(sys.executable).parent))
    if beside is not None:
        return beside
    try:
        held = files(PACKAGE) or []
    except PackageNotFoundError:
        return None
    for file in held:
        if file.stem == PACKAGE:
            found = shutil.which(os.path.normpath(file.locate()))
            if found is not None:
                return found
    return None
