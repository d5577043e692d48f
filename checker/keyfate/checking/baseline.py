"""An earlier report, read from the JSON that keyfate wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from keyfate.checking.results import Report
from keyfate.language.library import folder
from keyfate.language.reading import read_text
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span

LARGEST = 64 * 1024 * 1024  # bytes; the whole library's report has under three megabytes
_HELP = "a baseline is what `keyfate check --json-output FILE` wrote"


def load_report(path: Path) -> Report:
    """The report in the file at `path`, of this keyfate or another whose reports have the same shape.

    Raises LifecycleError: KF590 where it is not JSON, KF591 where it does not follow
    reports/result.schema.json, the codes of any text where it cannot be read.
    """
    try:
        source = Source(str(path), read_text(path, largest=LARGEST))
    except LifecycleError as error:  # its hints are for lifecycles
        raise LifecycleError([replace(found, help=_HELP) for found in error.diagnostics]) from None
    try:
        data = json.loads(source.text)
    except json.JSONDecodeError as error:
        raise _wrong("KF590", f"this is not JSON: {error.msg.lower()}", source, error.pos) from None
    except (RecursionError, ValueError):  # nested without end, or a number of thousands of digits
        raise _wrong("KF590", "this JSON is nested too deeply, or holds too large a number", source) from None
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from pydantic import TypeAdapter, ValidationError

    schema = json.loads((folder("reports") / "result.schema.json").read_text(encoding="utf-8"))
    try:
        fault = best_match(Draft202012Validator(schema).iter_errors(data))
        if fault is None:
            return TypeAdapter(Report).validate_python(data)
        at, said = "/".join(map(str, fault.absolute_path)), _short(fault.message)
    except (RecursionError, ValidationError):  # a tree of knowledge deeper than any that was ever found
        at, said = "", "it is nested too deeply"
    raise _wrong("KF591", f"{f'`{at}`' if at else 'the file'} is not as a report has it: {said}", source)


def _short(message: str) -> str:
    """The fault without a value of many pages."""
    return message if len(message) <= 200 else f"{message[:100]} … {message[-80:]}"


def _wrong(code: str, message: str, source: Source, at: int = 0) -> LifecycleError:
    return LifecycleError([Diagnostic(code, message, Span(source, at, at + 1), help=_HELP)])
