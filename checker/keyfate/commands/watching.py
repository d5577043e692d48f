"""`keyfate check --watch`: a check, and another whenever a file changes that could make a difference."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keyfate.checking.changes import Changes, changes
from keyfate.checking.judges import EngineName
from keyfate.checking.pool import INTERRUPTED
from keyfate.checking.results import Report
from keyfate.checking.shelf import Scopes
from keyfate.commands.checking import check
from keyfate.language.source import LifecycleError
from keyfate.policy.files import shown_path
from keyfate.policy.finding import ENDING, folders_below
from keyfate.reporting.watching import error_text, look_text

_TEXTS = (".kf", ".toml")
Stamp = Mapping[Path, tuple[int, int, int]]
"""Every file that could matter, with what tells whether it is as it was."""


@dataclass(frozen=True)
class Look:
    """What one look at the files came to: a report, the error that stands in its way, or neither where there
    is no policy. `files` are those that changed since the last look, `changes` what that did."""

    files: tuple[str, ...]
    report: Report | None = None
    error: LifecycleError | None = None
    changes: Changes | None = None


def looks(
    paths: Sequence[Path], *, engine: EngineName, scope: Scopes, timeout: float | None, memory: int | None = None
) -> Iterator[Look]:
    """One look after the other, without end. An interrupt ends it, also in the midst of a check."""
    known: frozenset[Path] = frozenset()
    last: Report | None = None
    changed: tuple[str, ...] = ()
    while True:
        stamp = _stamp(paths, known)  # before anything is read: what changes meanwhile is seen afterwards
        report, error = None, None
        try:
            report = check(paths, engine=engine, scope=scope, timeout=timeout, memory=memory)
        except LifecycleError as raised:
            error = raised
            known |= {Path(d.span.path).absolute() for d in raised.diagnostics}
        if report is not None:
            if any(r.reason == INTERRUPTED for r in report.results):
                raise KeyboardInterrupt
            known = frozenset(Path(i.path).absolute() for i in report.inputs)
        yield Look(changed, report, error, None if last is None or report is None else changes(last, report))
        last = report or last
        changed = _wait(paths, known, stamp, anything=report is None)


def told(look: Look, *, quiet: bool, color: bool, width: int | None) -> str:
    """The look for a person."""
    if look.error is not None:
        return error_text(look.files, look.error.diagnostics, color=color, width=width)
    return look_text(look.files, look.report, look.changes, quiet=quiet, color=color, width=width)


def _wait(paths: Sequence[Path], known: frozenset[Path], before: Stamp, *, anything: bool) -> tuple[str, ...]:
    """Until a file is not as it was before: one that was read, or a policy; any text where something is
    missing. The system tells that there was a change, the files themselves tell which."""
    from watchfiles import watch

    while True:
        folders = _folders(paths, known)
        woken = watch(*folders, watch_filter=None, step=100, recursive=False, rust_timeout=1000, yield_on_timeout=True)
        for number, events in enumerate(woken):
            if not events and number:
                continue  # only its first awakening may have missed something
            now = _stamp(paths, known)
            differ = [p for p in sorted({*before, *now}) if before.get(p) != now.get(p)]
            if any(anything or p in known or p.name.endswith(ENDING) for p in differ):
                return tuple(map(shown_path, differ))
            before = now
            if _folders(paths, known) != folders:
                break


def _folders(paths: Sequence[Path], known: frozenset[Path]) -> list[Path]:
    """Where files lie that matter, or would if they were there."""
    found = {path.parent for path in known}
    for path in paths or (Path(),):
        found.update(folders_below(path) if path.is_dir() else [path.parent])
    return sorted({folder.absolute() for folder in found if folder.is_dir()})


def _stamp(paths: Sequence[Path], known: frozenset[Path]) -> Stamp:
    files = {folder / name for folder in _folders(paths, known) for name in _names(folder) if name.endswith(_TEXTS)}
    stamp = {}
    for file in files | known:
        try:
            status = os.stat(file)
        except (OSError, ValueError):
            continue
        stamp[file] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return stamp


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # it went while we looked
        return []
