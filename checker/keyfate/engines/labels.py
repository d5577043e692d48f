"""Names in files that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from keyfate.lifecycle.names import Bit

Show = Callable[[Bit], str]
"""What a bit is called, on one line; that of lifecycles is `Spelling.show`, as certificates have it."""


def distinct(names: Iterable[str]) -> list[str]:
    """The names, those that are taken with a number behind."""
    taken: set[str] = set()
    found = []
    for name in names:
        own, number = name, 2
        while own in taken:
            own, number = f"{name} ({number})", number + 1
        taken.add(own)
        found.append(own)
    return found
