"""Reads a lifecycle from a file: text, includes, shared properties, checks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keyfate.language import syntax as s
from keyfate.language.checking import check
from keyfate.language.declaring import Placed
from keyfate.language.library import folder
from keyfate.language.parsing import parse
from keyfate.language.reading import LARGEST_FILE, read_text, resolved
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from keyfate.language.typed import Lifecycle

FOLLOWING = {"KF260", "KF261"}  # no action, no header: perhaps among what could not be read

MOST_INCLUDES = 100  # by a lifecycle, with those of what it includes


@dataclass(frozen=True)
class Loaded:
    """A lifecycle that can be checked, and what should be said about it all the same.

    `placed` are the declarations as they were written, for who asks about names and not about meaning.
    """

    lifecycle: Lifecycle
    warnings: tuple[Diagnostic, ...]
    placed: tuple[Placed, ...] = ()


def load(path: str | Path, *, scope: Mapping[str, int] | None = None) -> Loaded:
    """The lifecycle in the file at `path`, with sorts sized by `scope`.

    Raises LifecycleError with every diagnostic of the file.
    """
    return _load(Source(str(path), read_text(Path(path), shown=str(path))), Path(path), scope or {})


def load_text(text: str, path: str = "<text>", *, scope: Mapping[str, int] | None = None) -> Loaded:
    """Like `load`, of a text that is not (yet) a file; includes are found beside `path`."""
    return _load(Source(path, text), Path(path), scope or {})


def declarations(path: str | Path) -> tuple[Placed, ...]:
    """What the file at `path` and its includes declare, as far as it can be read: unchecked, and quick.

    Raises LifecycleError where the file itself cannot be read.
    """
    source = Source(str(path), read_text(Path(path), shown=str(path)))
    reader = _Reader(resolved(Path(path).parent))
    return tuple(reader.read(source, "", (resolved(Path(path)),)))


def _load(source: Source, path: Path, scope: Mapping[str, int]) -> Loaded:
    reader = _Reader(resolved(path.parent))
    placed = tuple(reader.read(source, "", (resolved(path),)))
    lifecycle, found = check(
        placed,
        path=source.path,
        files=(source.path, *reader.files),
        library=shared_properties,
        scope=scope,
        whole=Span(source, 0, len(source.text)),
    )
    if lifecycle is None or reader.diagnostics:
        found = tuple(d for d in found if not reader.caused(d))
        diagnostics = (*reader.diagnostics, *found)
        raise LifecycleError(sorted(diagnostics, key=lambda d: (d.span.path != source.path, d.span.path, d.span.start)))
    return Loaded(lifecycle, found, placed)


class _Reader:
    """Follows includes; `root` is the folder that none may leave."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.diagnostics: list[Diagnostic] = []
        self.files: list[str] = []
        self.unread: set[str] = set()
        self.missing: list[str] = []  # the prefixes of what could not be included
        self.size, self.full = 0, False

    def caused(self, diagnostic: Diagnostic) -> bool:
        """Whether it only follows from what could not be read, and so would mislead."""
        if not self.diagnostics:
            return False
        name = diagnostic.span.text
        return (
            diagnostic.severity == "warning"
            or diagnostic.code in FOLLOWING
            or name in self.unread
            or name.startswith(tuple(self.missing))
        )

    def read(self, source: Source, prefix: str, stack: tuple[Path, ...]) -> list[Placed]:
        file, found = parse(source)
        self.diagnostics.extend(found)
        self.unread.update(word.text for word in file.unread)
        placed: list[Placed] = []
        for declaration in file.declarations:
            if isinstance(declaration, s.IncludeDecl):
                placed.extend(self._include(declaration, source, prefix, stack))
            else:
                placed.append(Placed(prefix, declaration))
        return placed

    def _include(
        self, declaration: s.IncludeDecl, source: Source, prefix: str, stack: tuple[Path, ...]
    ) -> list[Placed]:
        word = declaration.file
        names = [f"{declaration.prefix.text}.", f"{prefix}{declaration.prefix.text}."]
        if self.full:  # said once
            self.missing += names
            return []

        def wrong(code: str, message: str, help: str) -> list[Placed]:
            self.diagnostics.append(Diagnostic(code, message, word.span, help=help))
            self.missing += names
            return []

        try:
            target = (stack[-1].parent / word.text).resolve()
        except (OSError, ValueError, RuntimeError):  # RuntimeError: links in a circle
            return wrong("KF406", f"`{word.text}` is no path", "name a file beside this one or below")
        if not target.is_relative_to(self.root):
            return wrong(
                "KF406", f"`{word.text}` leads out of the model's folder", "include from the same folder or below"
            )
        if target in stack:
            return wrong("KF407", f"`{word.text}` includes itself", "break the circle")
        shown = str(Path(source.path).parent / word.text)
        try:
            text = read_text(target, shown=shown)
        except LifecycleError as error:
            shipped = folder("models") / word.text
            copy = f"keyfate ships such a fragment: copy it from {shipped}" if os.path.isfile(shipped) else None
            return wrong("KF408", error.diagnostics[0].message, copy or error.diagnostics[0].help or "")
        self.files.append(shown)
        self.size += len(text)
        if len(self.files) > MOST_INCLUDES or self.size > LARGEST_FILE:
            most = f"{MOST_INCLUDES} files" if len(self.files) > MOST_INCLUDES else f"{LARGEST_FILE // 1024} KiB"
            self.full = True
            said = f"with `{word.text}` this includes more than {most}, each as often as it is included"
            return wrong("KF409", said, "include less")
        return self.read(Source(shown, text), f"{prefix}{declaration.prefix.text}.", (*stack, target))


def shared_properties() -> Mapping[str, Placed]:
    """The shared properties that keyfate ships, by name."""
    shared: dict[str, Placed] = {}
    for path in sorted(folder("properties").glob("*.kf")):
        shown = f"properties/{path.name}"
        file, found = parse(Source(shown, read_text(path, shown=shown)))
        if found:
            raise LifecycleError(found)
        for declaration in file.declarations:
            if isinstance(declaration, s.PropertyDecl):
                shared.setdefault(declaration.name.text, Placed("", declaration))
    return shared
