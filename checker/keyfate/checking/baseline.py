"""An earlier report, read from the JSON that keyfate wrote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from keyfate.checking.json_texts import JsonError, follow, parsed
from keyfate.checking.results import Report
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
    from pydantic import TypeAdapter, ValidationError

    try:
        data = parsed(source)
        follow(data, source, "result", "a report")
        return TypeAdapter(Report).validate_python(data)
    except JsonError as error:
        raise _wrong("KF591" if error.shape else "KF590", error.message, error.span) from None
    except (RecursionError, ValidationError):  # a tree of knowledge deeper than any that was ever found
        said = "the file is not as a report has it: it is nested too deeply"
        raise _wrong("KF591", said, Span(source, 0, 1)) from None


def _wrong(code: str, message: str, span: Span) -> LifecycleError:
    return LifecycleError([Diagnostic(code, message, span, help=_HELP)])
