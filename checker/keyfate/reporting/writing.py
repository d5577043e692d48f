"""Outputs that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Literal

_OF_SYSTEM = ("/dev/", "/proc/")  # devices, and the streams that this process was given


class OutputError(Exception):
    """A file that cannot be written, and why."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content`, a text as UTF-8, to `path` so that a reader sees the old content or the new and nothing between.

    Raises OutputError where the folder is missing or closed, or the disk full.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8")
    why = refusal(path)
    if why:
        raise OutputError(f"`{path}` cannot be written: it {why}")
    if _stream(path) is not None or (os.path.exists(path) and not os.path.isfile(path)):
        # One of our own, or a device: nothing to replace.
        _plainly(path, data)
        return
    target = Path(os.path.realpath(path))  # a link stays one
    folder = target.parent
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{target.name[:40]}.", suffix=".part")
    except OSError as error:
        raise OutputError(f"`{path}` cannot be written: {_reason(error)}") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, _mode(target))
        os.replace(name, target)
    except OSError as error:
        raise OutputError(f"`{path}` cannot be written: {_reason(error)}") from None
    finally:
        _remove(name)  # where it did not come into its place: an interrupt too leaves no part of a file behind


def make_folder(folder: Path) -> None:
    """The folder, made if it is not there. Raises OutputError where nothing can be written to it."""
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise OutputError(f"`{folder}` is in no folder that exists") from None
    except OSError as error:
        raise OutputError(f"`{folder}` cannot be made: {(error.strerror or str(error)).lower()}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"`{folder}` cannot be written to: permission denied")


def append(path: Path, text: str) -> None:
    """Write `text` behind what is in the file, which is made if there is none. Raises OutputError."""
    why = refusal(path)
    if why:
        raise OutputError(f"`{path}` cannot be written: it {why}")
    _plainly(path, text.encode("utf-8", "replace"), "ab")


def refusal(path: Path) -> str:
    """Why nothing can be written there, as far as the path says it; else empty."""
    if os.path.isdir(path):
        return "is a folder"
    real = os.path.realpath(path)
    if os.path.islink(real):
        return "is a link that leads to itself"
    if not os.path.isdir(os.path.dirname(real)):
        return "is in no folder that exists"
    ours = _stream(path) is not None or real.startswith(_OF_SYSTEM)
    # A pipe that nobody reads would keep us waiting for ever.
    odd = os.path.exists(path) and not os.path.isfile(path) and not ours
    return "is a pipe or a device: name a file, or `/dev/stdout`" if odd else ""


def _stream(path: Path) -> int | None:
    """The standard output or the error stream, if that is what the path leads to."""
    for number in (1, 2):
        try:
            if os.path.samestat(os.stat(path), os.fstat(number)):
                return number
        except OSError:  # there is no such file, or the stream was closed
            continue
    return None


def _plainly(path: Path, data: bytes, mode: Literal["wb", "ab"] = "wb") -> None:
    ours = _stream(path)
    try:
        # Opened anew, a file behind a stream would be written from its start, and again by whoever has the stream.
        with path.open(mode) if ours is None else os.fdopen(os.dup(ours), mode) as stream:
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
