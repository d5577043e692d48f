"""Paths and texts that a policy names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from keyfate.language.reading import read_text
from keyfate.language.source import LifecycleError, Source, Span


def read_source(path: Path, *, at: Span | None = None) -> Source:
    """The text at `path`, shown relative to the current folder where it lies below it.

    Raises LifecycleError where it is missing, a folder, unreadable, too large or not UTF-8;
    the diagnostic stands at `at`, the words of another file that named this one.
    """
    shown = shown_path(path)
    try:
        text = read_text(path, shown=shown)
    except LifecycleError as error:
        if at is None:
            raise
        raise LifecycleError([replace(d, span=at) for d in error.diagnostics]) from None
    return Source(shown, text.removeprefix("\ufeff"))


def shown_path(path: Path) -> str:
    """`path` as a person would type it here."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError, RuntimeError):
        return path.as_posix()
