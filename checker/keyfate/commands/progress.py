"""A progress bar on the error stream, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from keyfate.reporting.terminals import shows_color


def bar(title: str, total: int) -> AbstractContextManager[Callable[[str], None]]:
    """A bar on the error stream if that is a terminal, else nothing at all."""
    if not sys.stderr.isatty():
        return nullcontext(lambda _: None)
    return _Bar(title, total)


class _Bar(AbstractContextManager[Callable[[str], None]]):
    """Drawn only when something advances, so that processes are started without its thread."""

    def __init__(self, title: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True, no_color=not shows_color(sys.stderr))
        self._progress = Progress(console=console, transient=True)
        self._task = self._progress.add_task(title, total=total)
        self._started = False

    def __enter__(self) -> Callable[[str], None]:
        return self._advance

    def _advance(self, words: str) -> None:
        if not self._started:
            self._started = True
            self._progress.start()
        if words:
            self._progress.update(self._task, description=words)
        self._progress.advance(self._task)

    def __exit__(self, *ended: object) -> None:
        if self._started:
            self._progress.stop()
