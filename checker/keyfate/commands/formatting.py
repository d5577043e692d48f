"""`keyfate format`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import BinaryIO

from keyfate.language.formatting import DEFECT, formatted
from keyfate.language.reading import read_stream, read_text, resolved
from keyfate.language.rendering import escape
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from keyfate.policy.files import shown_path
from keyfate.policy.finding import ENDING, LIFECYCLES, find
from keyfate.reporting.words import count
from keyfate.reporting.writing import OutputError, write_whole

STREAM = "<standard input>"

_TINTS = {"-": "\x1b[31m", "+": "\x1b[32m", "@": "\x1b[36m"}


@dataclass(frozen=True)
class Neat:
    """A text that can be read, as it is and as it should be. `name` is how a person would type its path."""

    name: str
    before: str
    after: str

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Outcome:
    """What became of each file. `diagnostics` and `unwritten` say why others are as they were."""

    texts: tuple[Neat, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    unwritten: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[Neat, ...]:
        return tuple(text for text in self.texts if text.changes)

    @property
    def empty(self) -> bool:
        """Whether there was no file at all."""
        return not (self.texts or self.diagnostics or self.unwritten)

    @property
    def defective(self) -> bool:
        """Whether keyfate itself was at fault."""
        return any(diagnostic.code == DEFECT for diagnostic in self.diagnostics)


def format_files(paths: Sequence[Path], *, write: bool) -> Outcome:
    """Every lifecycle that `paths` mean in canonical layout; with `write`, the files too.

    A file that cannot be read or written is left as it is; the others are done all the same.
    """
    texts: list[Neat] = []
    diagnostics: list[Diagnostic] = []
    unwritten: list[str] = []
    for path in _distinct(find(paths or (Path(),), LIFECYCLES)):
        try:
            text = _neat(path)
            if write and text.changes:
                _write(path, text)
            texts.append(text)
        except LifecycleError as error:
            diagnostics += error.diagnostics
        except OutputError as error:
            unwritten.append(str(error))
    return Outcome(tuple(texts), tuple(diagnostics), tuple(unwritten))


def format_stream(stream: BinaryIO) -> Outcome:
    """The lifecycle that comes out of `stream`. Raises LifecycleError where it cannot be read."""
    return Outcome((_laid_out(STREAM, read_stream(stream, STREAM)),))


def summary(outcome: Outcome, *, written: bool, words: Sequence[str]) -> str:
    """A line for each file that was or would be changed, how many of all, and what to run next.

    `words` are those behind `keyfate format`, to be said again without the option that wrote nothing.
    """
    changed, total = outcome.changed, len(outcome.texts)
    lines = [f"{'formatted' if written else 'would format'} {escape(text.name)}" for text in changed]
    files = count(total, "file")
    if changed:
        lines.append(f"{len(changed)} of {files} {'formatted' if written else 'not in canonical layout'}")
    elif total:
        lines.append(f"{files} in canonical layout")
    if changed and not written:
        lines.append(f"next: {escape(shlex.join(('keyfate', 'format', *words)))}")
    return "".join(f"{line}\n" for line in lines)


def differences(outcome: Outcome, *, color: bool) -> str:
    """What would change in which file, as unified diffs in printable characters."""
    return "".join(f"{line}\n" for text in outcome.changed for line in _difference(text, color))


def _difference(text: Neat, color: bool) -> Iterator[str]:
    name = escape(text.name)
    before, after = text.before.split("\n"), text.after.split("\n")
    for line in unified_diff(before, after, f"{name} (as it is)", f"{name} (canonical)", lineterm=""):
        tint = _TINTS.get(line[:1], "") if color else ""
        yield f"{tint}{escape(line)}\x1b[0m" if tint else escape(line)


def _neat(path: Path) -> Neat:
    name = shown_path(path)
    if path.name.endswith(ENDING):
        span = Span(Source(name, ""), 0, 0)
        hint = "policies have no canonical layout; name a `.kf` file, or a folder"
        raise LifecycleError([Diagnostic("KF560", f"`{name}` is a policy, not a lifecycle", span, help=hint)])
    return _laid_out(name, read_text(path, shown=name))


def _laid_out(name: str, text: str) -> Neat:
    return Neat(name, text, formatted(Source(name, text.removeprefix("\ufeff"))))


def _write(path: Path, text: Neat) -> None:
    target = resolved(path)  # a link stays one
    if not os.access(target, os.W_OK):  # replacing it would not ask
        raise OutputError(f"`{text.name}` cannot be written: it is read-only")
    write_whole(target, text.after)


def _distinct(paths: Iterable[Path]) -> list[Path]:
    """Each file once, by whatever links it was found."""
    found: dict[Path, Path] = {}
    for path in paths:
        found.setdefault(resolved(path), path)
    return list(found.values())
