"""The lifecycles of one run: each read once, with all that is wrong with it. Imports no engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keyfate.language.loading import Loaded
from keyfate.language.loading import load as load_lifecycle
from keyfate.language.reading import resolved
from keyfate.language.source import LifecycleError
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.lints import lint
from keyfate.policy.files import shown_path

Scopes = Mapping[str, int]


class Shelf:
    """Lifecycles, each read once for each scope, with its conflicts (R2) and warnings looked for, but for one that is
    only to be `shown`."""

    def __init__(self, *, shown: bool = False) -> None:
        self._shown = shown
        self._read: dict[tuple[Path, tuple[tuple[str, int], ...]], Loaded | LifecycleError] = {}

    def load(self, path: Path, scope: Scopes) -> Loaded:
        """Raises LifecycleError, the same one each time it is asked."""
        key = (resolved(path), tuple(sorted(scope.items())))
        if key not in self._read:
            try:
                self._read[key] = self._load(path, scope)
            except LifecycleError as error:
                self._read[key] = error
        found = self._read[key]
        if isinstance(found, LifecycleError):
            raise LifecycleError(found.diagnostics)
        return found

    def _load(self, path: Path, scope: Scopes) -> Loaded:
        loaded = load_lifecycle(shown_path(path), scope=scope)
        if self._shown:
            return loaded
        found = conflicts(loaded.lifecycle)
        if any(d.severity == "error" for d in found):
            raise LifecycleError(found)
        return Loaded(loaded.lifecycle, (*loaded.warnings, *found, *lint(loaded.lifecycle)), loaded.placed)
