"""The files of models/expected: what the library must answer.

`<policy>.json` has its lifecycle, how many states are reachable (None where that is not counted), and for each property
the verdict and, where there is a trace, its length. `frontiers/<lifecycle>.json` has, for each property, how far its
frontier extends with everything open, and the sizes of sorts for which that stands, where they are not its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyfate.checking.results import Result, Verdict
from keyfate.language.library import folder
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from keyfate.policy.files import read_source

ENDING = ".json"
_ANEW = "delete it, and `keyfate check --library --update` writes it anew"

Answer = tuple[Verdict, int | None]
"""A verdict, and the length of its shortest trace."""


@dataclass(frozen=True)
class Extent:
    """The size of a frontier: its minimal conditions, and the configurations that satisfy one of them, of all."""

    conditions: int
    reaching: int
    configurations: int


@dataclass(frozen=True)
class Answers:
    """What is expected of one policy."""

    source: Source
    lifecycle: str
    states: int | None
    properties: Mapping[str, Answer]


@dataclass(frozen=True)
class Frontiers:
    """What is expected of one lifecycle, its sorts resized by `scope`."""

    source: Source
    lifecycle: str
    scope: Mapping[str, int]
    properties: Mapping[str, Extent]


def load_answers(path: Path) -> Answers:
    """Raises LifecycleError (KF550) where the file does not follow reports/expected.schema.json."""
    source, data = _read(path, "expected")
    properties = {name: (p["verdict"], p["steps"]) for name, p in data["properties"].items()}
    return Answers(source, data["lifecycle"], data["states"], properties)


def load_frontiers(path: Path) -> Frontiers:
    """Raises LifecycleError (KF550) where the file does not follow reports/expected-frontiers.schema.json."""
    source, data = _read(path, "expected-frontiers")
    properties = {name: Extent(**extent) for name, extent in data["properties"].items()}
    return Frontiers(source, data["lifecycle"], data["scope"], properties)


def answers_text(lifecycle: str, states: int | None, results: Sequence[Result]) -> str:
    """The text of a policy's file that expects what was found."""
    rows = {r.property: {"verdict": r.verdict, "steps": r.steps} for r in results}
    return _text({"lifecycle": lifecycle, "states": states}, rows)


def frontiers_text(lifecycle: str, scope: Mapping[str, int], extents: Mapping[str, Extent]) -> str:
    """The text of a lifecycle's file that expects what was found."""
    rows = {name: dict(vars(extent)) for name, extent in extents.items()}
    return _text({"lifecycle": lifecycle, "scope": dict(scope)}, rows)


def place_of(source: Source, name: str) -> Span:
    """Where a file has this name as a word of its own, else its begin."""
    word = json.dumps(name)
    at = max(source.text.find(word), 0)
    return Span(source, at, at + len(word) if source.text.startswith(word, at) else at + 1)


def _read(path: Path, schema: str) -> tuple[Source, Any]:
    source = read_source(path)
    try:
        data = json.loads(source.text, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        raise _wrong(Span(source, error.pos, error.pos + 1), f"this is not JSON: {error.msg.lower()}") from None
    except _TwiceError as error:
        raise _wrong(place_of(source, error.name), f"`{error.name}` is there twice") from None
    from jsonschema import Draft202012Validator

    wanted = json.loads((folder("reports") / f"{schema}.schema.json").read_text(encoding="utf-8"))
    for fault in Draft202012Validator(wanted).iter_errors(data):
        way = [str(part) for part in fault.absolute_path]
        at = place_of(source, way[-1]) if way else Span(source, 0, 1)
        raise _wrong(at, f"`{'/'.join(way) or 'the file'}` is not as the schema asks: {fault.message}")
    return source, data


class _TwiceError(Exception):
    """A name that an object has twice, of which JSON would keep the last."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


def _distinct(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError(name)
        found[name] = value
    return found


def _text(head: Mapping[str, object], rows: Mapping[str, Mapping[str, object]]) -> str:
    """One line for each property, so that a changed answer is a changed line."""

    def lines() -> Iterator[str]:
        yield from (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items())
        properties = ",\n".join(f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        yield f'  "properties": {{\n{properties}\n  }}'

    return "{\n" + ",\n".join(lines()) + "\n}\n"


def _wrong(at: Span, message: str) -> LifecycleError:
    return LifecycleError([Diagnostic("KF550", message, at, help=_ANEW)])
