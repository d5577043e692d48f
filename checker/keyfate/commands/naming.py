"""What a person means by a word behind a command."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from stat import S_ISREG

from keyfate.language.reading import LARGEST_FILE
from keyfate.language.source import Diagnostic, Label, LifecycleError, Source, Span
from keyfate.language.symbols import did_you_mean
from keyfate.language.typed import Lifecycle
from keyfate.policy.finding import files_below, lifecycle_path, shipped_names

_HEADER = re.compile(rb"^(?:\xef\xbb\xbf)?[ \t]*lifecycle\b", re.MULTILINE)


def policy_or_lifecycle(name: str) -> Path:
    """A policy or a lifecycle: a path, or the name of a shipped lifecycle. Whoever reads it says if it is missing."""
    path = Path(name)
    return path if os.path.exists(path) else lifecycle_path(name) or path


def lifecycle(name: str) -> Path:
    """A lifecycle: a path, or the name of a shipped one. Raises LifecycleError (KF506) where there is none."""
    path = Path(name)
    if os.path.exists(path):
        return path
    found = lifecycle_path(name)
    if found is None:
        hint = did_you_mean(name, shipped_names()) or "`keyfate list` shows the shipped lifecycles"
        raise on_command_line("KF506", f"there is no lifecycle `{name}`", name, hint)
    return found


def lifecycles_below(folder: Path) -> Iterator[Path]:
    """Every lifecycle below `folder`; fragments and shared properties are none by themselves."""
    return files_below(folder, ".kf", _is_lifecycle)


def known_property(lifecycle: Lifecycle, name: str) -> None:
    """Raises LifecycleError (KF530) where the lifecycle checks no property of that name."""
    names = [rule.name for rule in lifecycle.properties]
    if name not in names:
        hint = did_you_mean(name, names) or f"it checks {', '.join(f'`{n}`' for n in names) or 'nothing'}"
        raise on_command_line("KF530", f"`{lifecycle.name}` has no property `{name}`", name, hint)


def _is_lifecycle(path: Path) -> bool:
    """Whether the file has a `lifecycle` line."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE:  # a pipe would keep us waiting
            return True
        return _HEADER.search(path.read_bytes()) is not None
    except OSError:
        return True  # whoever reads it says why it cannot be read


def on_command_line(code: str, message: str, word: str, help: str, labels: Sequence[Label] = ()) -> LifecycleError:
    """An error that stands in a word of the command line; `labels` are other places that bear on it."""
    source = Source("<command line>", word)
    return LifecycleError([Diagnostic(code, message, Span(source, 0, len(word)), tuple(labels), help=help)])
