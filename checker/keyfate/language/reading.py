"""Texts out of files and streams."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from keyfate.language.source import Diagnostic, LifecycleError, Source, Span

LARGEST_FILE = 512 * 1024


def read_text(path: Path, *, shown: str | None = None, largest: int = LARGEST_FILE) -> str:
    """The text of a file.

    Raises LifecycleError where it is missing, no file, too large, or not UTF-8.
    """
    name = shown if shown is not None else str(path)
    try:
        if path.is_dir():
            raise _wrong(name, "KF401", f"`{name}` is a folder", "name a file")
        status = path.stat()
        if not S_ISREG(status.st_mode):  # a pipe would keep us waiting, a device never end
            raise _wrong(name, "KF401", f"`{name}` is a pipe or a device", "name a file")
        size = status.st_size
        if size > largest:
            raise _wrong(
                name,
                "KF402",
                f"`{name}` has {size // 1024} KiB, the limit is {largest // 1024} KiB",
                "a lifecycle is a text for people; split what is not needed off",
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise _wrong(
            name, "KF403", f"there is no file `{name}`", "look at the path; `keyfate list` names the library"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _wrong(
            name, "KF404", f"`{name}` cannot be read: {reason.lower()}", "look at the path and its permissions"
        ) from None
    return _decoded(data, name)


def read_stream(stream: BinaryIO, name: str) -> str:
    """The text that comes out of `stream`. Raises LifecycleError where it is too large or not UTF-8."""
    data = stream.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        message = f"`{name}` has more than {LARGEST_FILE // 1024} KiB, which is the limit"
        raise _wrong(name, "KF402", message, "a lifecycle is a text for people; split what is not needed off")
    return _decoded(data, name)


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8")
        source = Source(name, good + "�")
        span = Span(source, len(good), len(good))
        diagnostic = Diagnostic("KF405", f"`{name}` is not UTF-8", span, help="save the file as UTF-8")
        raise LifecycleError([diagnostic]) from None


def _wrong(name: str, code: str, message: str, help: str) -> LifecycleError:
    return LifecycleError([Diagnostic(code, message, Span(Source(name, ""), 0, 0), help=help)])


def resolved(path: Path) -> Path:
    """`path` with no link in it; links in a circle are left to whoever reads the file."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()
