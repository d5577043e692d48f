"""Annotations as GitHub Actions reads them from the log of a step: workflow commands.

A command is a line `::error file=…,line=…,title=…::message`. The runner un-escapes `%25`, `%0D` and
`%0A` in a message, `%3A` and `%2C` too in the rest; it keeps ten annotations of each kind for a step and
4,096 characters of each. It obeys commands in whatever a step prints, so that everything else is printed
between `stop-commands` and a word that ends it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from keyfate.reporting.annotations import Annotation
from keyfate.reporting.places import Places

SHOWN = 10  # annotations of each kind that the runner keeps for a step
_MESSAGE, _TITLE = 4_000, 200  # characters


def log(text: str, found: Sequence[Annotation], places: Places) -> str:
    """What a step prints: the text for its log, then the annotations, folded."""
    commands = list(_commands(found, places))
    folded = ["::group::annotations", *commands, "::endgroup::"] if commands else []
    return guarded(text) + "".join(f"{line}\n" for line in folded)


def guarded(text: str) -> str:
    """The text, with every command in it switched off. The word that ends that is made of the text,
    which therefore cannot hold it."""
    if not text:
        return ""
    word = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return f"::stop-commands::{word}\n{text}{'' if text.endswith(chr(10)) else chr(10)}::{word}::\n"


def _commands(found: Sequence[Annotation], places: Places) -> Iterator[str]:
    for kind in ("error", "warning"):
        of_kind = [a for a in found if a.kind == kind]
        kept = of_kind if len(of_kind) <= SHOWN else of_kind[: SHOWN - 1]
        yield from (_command(a, places) for a in kept)
        if len(kept) < len(of_kind):
            rest = len(of_kind) - len(kept)
            yield f"::{kind} title=and {rest} more::and {rest} more, see the summary"


def _command(one: Annotation, places: Places) -> str:
    properties = {"title": one.title[:_TITLE]}
    name = places.name(one.at.file) if one.at is not None else None
    if one.at is not None and name is not None:
        properties = {"file": name, "line": str(one.at.line), "col": str(one.at.column)} | properties
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{one.kind} {listed}::{_message(_cut(one.lines))}"


def _cut(lines: Sequence[str]) -> str:
    """The first line and the last, which says what to do, whatever is between."""
    whole = "\n".join(lines)
    if len(whole) <= _MESSAGE:
        return whole
    return "\n".join((whole[: _MESSAGE - 600], "…", lines[-1][:500]))


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
