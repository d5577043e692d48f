"""A check as a gate: what a log, a reviewer and a summary's reader are told, with a verdict or without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keyfate.checking.baseline import load_report
from keyfate.checking.changes import Changes, changes
from keyfate.checking.results import Report
from keyfate.language.source import Diagnostic
from keyfate.reporting.annotations import NO_VERDICT, NOTHING_CHECKED, Annotation, of_diagnostics, of_report
from keyfate.reporting.github import log
from keyfate.reporting.json import to_json
from keyfate.reporting.places import places
from keyfate.reporting.summary import no_verdict, nothing_found, summary
from keyfate.reporting.text import report_text
from keyfate.reporting.words import clean

Form = Literal["text", "json", "github"]


@dataclass(frozen=True)
class Gate:
    """In which form a run is told, where its page of Markdown is added (if anywhere), what the
    machine says of itself, and the options of the same run with more time."""

    form: str
    summary: Path | None
    environment: Mapping[str, str]
    longer: Sequence[str] = ()


@dataclass(frozen=True)
class Told:
    """A text for the standard output (or the file in its place), one for the error stream, and a page."""

    text: str
    error: str
    page: str


def gate(form: str, summary: Path | None, environment: Mapping[str, str], longer: Sequence[str] = ()) -> Gate:
    """On GitHub a step has a summary without being asked."""
    own = environment.get("GITHUB_STEP_SUMMARY") if form == "github" else None
    return Gate(form, summary or (Path(own) if own else None), environment, longer)


def baseline(path: Path | None) -> Report | None:
    """The earlier report. Raises LifecycleError where it is none."""
    return None if path is None else load_report(path)


def verdict(
    report: Report, before: Report | None, gate: Gate, *, quiet: bool, color: bool = False, width: int | None = None
) -> Told:
    """A report in the form asked for, and its page; with what changed since `before`."""
    found = None if before is None else changes(before, report)
    return Told(_text(report, found, gate, quiet, color, width), "", _page(report, found, gate))


def _text(report: Report, found: Changes | None, gate: Gate, quiet: bool, color: bool, width: int | None) -> str:
    if gate.form == "json":
        return to_json(report)
    text = report_text(report, color=color, width=width, changes=found, quiet=quiet, longer=gate.longer)
    if gate.form == "github":
        return log(text, of_report(report, found), places(gate.environment, Path.cwd()))
    return text


def _page(report: Report, found: Changes | None, gate: Gate) -> str:
    return "" if gate.summary is None else summary(report, found, places(gate.environment, Path.cwd()))


def nothing(text: str, gate: Gate) -> Told:
    """No policy was found: `text` says so."""
    found = Annotation("error", NOTHING_CHECKED, tuple(map(clean, text.splitlines())))
    return _without(text, [found], nothing_found(text), gate)


def failure(text: str, said: str, diagnostics: Sequence[Diagnostic], gate: Gate) -> Told:
    """There is no verdict. `text` is what a person at a terminal would read, `said` the same in a line,
    for where there are no diagnostics."""
    found = of_diagnostics(diagnostics) or (Annotation("error", NO_VERDICT, (clean(said),)),)
    return _without(text, found, no_verdict(text), gate)


def _without(text: str, found: Sequence[Annotation], page: str, gate: Gate) -> Told:
    """On GitHub all of it on one stream: commands and what must not be obeyed must keep their order."""
    if gate.form != "github":
        return Told("", text, page)
    return Told(log(text, found, places(gate.environment, Path.cwd())), "", page)
