"""The files of models/expected: what the library must answer.

`<policy>.json` has its lifecycle, how many states are reachable (None where that is not counted), and for each property
the verdict, where there is a trace its length, and the weakest status that it rests on. `frontiers/<lifecycle>.json`
has, for each property, how far its frontier extends with everything open, and the sizes of sorts for which that stands,
where they are not its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyfate.checking.json_texts import JsonError, follow, parsed
from keyfate.checking.results import Result, Verdict
from keyfate.language.source import Diagnostic, LifecycleError, Source
from keyfate.language.typed import Status
from keyfate.policy.files import read_source

ENDING = ".json"
_ANEW = "delete it, and `keyfate check --library --update` writes it anew"


@dataclass(frozen=True)
class Answer:
    """A verdict, the length of its shortest trace (None: there is none), and the weakest status that it rests on."""

    verdict: Verdict
    steps: int | None
    basis: Status

    @classmethod
    def of(cls, result: Result) -> Answer:
        """What was found."""
        return cls(result.verdict, result.steps, result.basis)

    @property
    def short(self) -> str:
        """`VIOLATED in 2`."""
        return self.verdict if self.steps is None else f"{self.verdict} in {self.steps}"

    @property
    def whole(self) -> str:
        """`VIOLATED in 2, claimed`."""
        return f"{self.short}, {self.basis}"


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
    properties = {name: Answer(**answer) for name, answer in data["properties"].items()}
    return Answers(source, data["lifecycle"], data["states"], properties)


def load_frontiers(path: Path) -> Frontiers:
    """Raises LifecycleError (KF550) where the file does not follow reports/expected-frontiers.schema.json."""
    source, data = _read(path, "expected-frontiers")
    properties = {name: Extent(**extent) for name, extent in data["properties"].items()}
    return Frontiers(source, data["lifecycle"], data["scope"], properties)


def answers_text(lifecycle: str, states: int | None, results: Sequence[Result]) -> str:
    """The text of a policy's file that expects what was found."""
    rows = {result.property: dict(vars(Answer.of(result))) for result in results}
    return _text({"lifecycle": lifecycle, "states": states}, rows)


def frontiers_text(lifecycle: str, scope: Mapping[str, int], extents: Mapping[str, Extent]) -> str:
    """The text of a lifecycle's file that expects what was found."""
    rows = {name: dict(vars(extent)) for name, extent in extents.items()}
    return _text({"lifecycle": lifecycle, "scope": dict(scope)}, rows)


def _read(path: Path, schema: str) -> tuple[Source, Any]:
    source = read_source(path)
    try:
        data = parsed(source)
        follow(data, source, schema, "the schema")
    except JsonError as error:
        raise LifecycleError([Diagnostic("KF550", error.message, error.span, help=_ANEW)]) from None
    return source, data


def _text(head: Mapping[str, object], rows: Mapping[str, Mapping[str, object]]) -> str:
    """One line for each property, so that a changed answer is a changed line."""

    def lines() -> Iterator[str]:
        yield from (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items())
        properties = ",\n".join(f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        yield f'  "properties": {{\n{properties}\n  }}'

    return "{\n" + ",\n".join(lines()) + "\n}\n"
