"""What a shell may offer: shipped lifecycles, files, and names of the lifecycle that was given.

A word that is half written names nothing yet, so whatever cannot be read offers nothing and says nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from keyfate.language import syntax as s
from keyfate.language.declaring import Placed
from keyfate.language.library import LibraryError
from keyfate.language.loading import declarations
from keyfate.language.source import LifecycleError
from keyfate.policy.files import read_source
from keyfate.policy.finding import ENDING, lifecycle_path, shipped_names
from keyfate.policy.toml import parse

_LONGEST_CHAIN = 20  # of `extends`


def properties(word: str) -> tuple[str, ...]:
    """The properties that the lifecycle, or the policy's lifecycle, checks."""
    return tuple(dict.fromkeys(_properties(_declared(word))))


def sorts(word: str) -> tuple[str, ...]:
    """The sorts that can be resized."""
    return tuple(i.prefix + i.declaration.name.text for i in _declared(word) if isinstance(i.declaration, s.SortDecl))


def states(word: str) -> tuple[str, ...]:
    """The state variables."""
    return tuple(i.prefix + i.declaration.name.text for i in _declared(word) if isinstance(i.declaration, s.StateDecl))


def shipped() -> tuple[str, ...]:
    """The names of the shipped lifecycles."""
    try:
        return shipped_names()
    except LibraryError:
        return ()


def files(word: str, *, policies: bool) -> tuple[str, ...]:
    """Lifecycles, policies where wanted, and folders (with a slash), whose paths begin with `word`."""
    head, beginning = os.path.split(word)
    try:
        entries = sorted(os.scandir(head or "."), key=lambda entry: entry.name)
    except OSError:
        return ()
    endings = (".kf", ENDING) if policies else (".kf",)
    found = []
    for entry in entries:
        if not entry.name.startswith(beginning) or not entry.name.isprintable():
            continue
        if entry.is_dir():
            if beginning or not entry.name.startswith("."):
                found.append(os.path.join(head, entry.name) + "/")
        elif entry.name.endswith(endings):
            found.append(os.path.join(head, entry.name))
    return tuple(found)


def _properties(placed: tuple[Placed, ...]) -> Iterator[str]:
    for item in placed:
        match item.declaration:
            case s.PropertyDecl(name, params) if not params:
                yield item.prefix + name.text
            case s.CheckDecl(shape, _, alias):
                yield item.prefix + (alias or shape).text


def _declared(word: str) -> tuple[Placed, ...]:
    try:
        path = Path(word) if os.path.exists(word) else lifecycle_path(word)
        if path is not None and path.suffix != ".kf":
            path = _lifecycle_of(path)
        return () if path is None else declarations(path)
    except (LifecycleError, LibraryError, OSError):
        return ()


def _lifecycle_of(policy: Path) -> Path | None:
    """The lifecycle that a policy is about, itself or through what it extends."""
    for _ in range(_LONGEST_CHAIN):
        data = parse(read_source(policy)).data
        named, extended = data.get("lifecycle"), data.get("extends")
        if isinstance(named, str):
            return lifecycle_path(named, policy)
        if not isinstance(extended, str):
            return None
        policy = policy.parent / extended
    return None
