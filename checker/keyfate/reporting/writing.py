"""Outputs that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Literal


class OutputError(Exception):
    """A file that cannot be written, and why."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content`, a text as UTF-8, to `path` so that a reader sees the old content or the new and nothing between.

    Raises OutputError where the folder is missing or closed, or the disk full.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8")
    folder = path.parent
    if os.path.isdir(path):
        raise OutputError(f"`{path}` is a folder")
    if os.path.exists(path) and not os.path.isfile(path):
        # A pipe or a device: nothing to replace.
        _plainly(path, data)
        return
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name[:40]}.", suffix=".part")
    except OSError as error:
        raise OutputError(f"`{path}` cannot be written: {_reason(error)}") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, _mode(path))
        os.replace(name, path)
    except OSError as error:
        _remove(name)
        raise OutputError(f"`{path}` cannot be written: {_reason(error)}") from None
    except BaseException:  # an interrupt too must leave no partial file behind
        _remove(name)
        raise


def append(path: Path, text: str) -> None:
    """Write `text` behind what is in the file, which is made if there is none. Raises OutputError."""
    _plainly(path, text.encode("utf-8", "replace"), "ab")


def _plainly(path: Path, data: bytes, mode: Literal["wb", "ab"] = "wb") -> None:
    try:
        with path.open(mode) as stream:
            stream.write(data)
    except OSError as error:
        raise OutputError(f"`{path}` cannot be written: {_reason(error)}") from None


def _mode(path: Path) -> int:
    """The mode that the file has, or that a new file would get."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _remove(name: str) -> None:
    try:
        os.unlink(name)
    except OSError:
        return


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
