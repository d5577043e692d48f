"""What a reviewer is shown beside the line: broken requirements, what has no answer, warnings."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from keyfate.checking.changes import Changes
from keyfate.checking.notices import location
from keyfate.checking.results import NOTHING, Location, Notice, PolicySummary, Report, Result, unanswered
from keyfate.checking.wording import listed, subject
from keyfate.language.source import Diagnostic
from keyfate.reporting.changes import turn
from keyfate.reporting.words import clean, not_decided

NO_VERDICT = "keyfate could not run"
NOTHING_CHECKED = "nothing was checked"

_SEVEREST_FIRST = ("critical", "high", "medium", "low")


@dataclass(frozen=True)
class Annotation:
    """`kind` says what it means for the job: only an error fails it. `lines` are texts of one line each."""

    kind: Literal["error", "warning"]
    title: str
    lines: tuple[str, ...]
    at: Location | None = None


def of_report(report: Report, changes: Changes | None = None) -> tuple[Annotation, ...]:
    """Of a report, the most severe first. With `changes`, a new break stands where a changed control is set."""
    if report.differences is not None:
        return tuple(_unexpected(report))
    found = (*_judges(report), *_results(report, changes))
    if report.exit_status == NOTHING:
        told = "no property applies" if not report.results else "every property is VACUOUS"
        found = (*found, Annotation("error", NOTHING_CHECKED, (told,)))
    return (*found, *_warnings(report.policies))


def of_diagnostics(diagnostics: Iterable[Diagnostic]) -> tuple[Annotation, ...]:
    """Of what keeps keyfate from running, each at its place."""
    return tuple(
        Annotation(
            "error",
            NO_VERDICT,
            _told(d),
            location(d.span),
        )
        for d in diagnostics
        if d.severity == "error"
    )


def _unexpected(report: Report) -> Iterator[Annotation]:
    """Where the shipped library does not answer as expected."""
    undecided = unanswered(report)
    if undecided:
        told = (clean(f"{number} not decided: {reason}") for reason, number in not_decided(undecided))
        yield Annotation("error", "undecided", tuple(told))
    for one in report.differences or ():
        if one.reason is None:
            where = ": ".join(filter(None, subject(one)))
            said = clean(f"{where}: expected {one.expected}, found {one.found}")
            yield Annotation("error", "not as expected", (said,))


def _judges(report: Report) -> Iterator[Annotation]:
    for policy in report.policies:
        if policy.diverged is not None:
            said = clean(f"{policy.policy}: {policy.diverged}")
            yield Annotation("error", "judges disagree", (said,), policy.location)


def _results(report: Report, changes: Changes | None) -> Iterator[Annotation]:
    policies = {(p.lifecycle, p.policy): p for p in report.policies}
    ranked = sorted(report.results, key=lambda r: (_rank(r), _SEVEREST_FIRST.index(r.severity)))
    for result in ranked:
        policy = policies[result.lifecycle, result.policy]
        undecided = result.verdict in ("UNKNOWN", "BOUNDED")
        if result.verdict == "DIVERGED":
            yield _of("judges disagree", result, policy, changes)
        elif not result.met:
            yield _of("undecided" if undecided else "broken", result, policy, changes)
        elif undecided:
            yield _of("undecided", result, policy, changes, "warning")


def _rank(result: Result) -> int:
    """Disagreements before breaks before what has no answer."""
    if result.verdict == "DIVERGED":
        return 0
    if result.verdict in ("UNKNOWN", "BOUNDED"):
        return 2 if not result.met else 3
    return 1


def _of(
    word: str,
    result: Result,
    policy: PolicySummary,
    changes: Changes | None,
    kind: Literal["error", "warning"] = "error",
) -> Annotation:
    return Annotation(
        kind,
        f"{word}: {clean(result.property)}",
        tuple(_lines(result, policy, changes)),
        _at(result, policy, changes),
    )


def _lines(result: Result, policy: PolicySummary, changes: Changes | None) -> Iterator[str]:
    asked = f", required {result.required}" if result.required is not None else ""
    said = result.reason if result.verdict in ("DIVERGED", "UNKNOWN", "BOUNDED") else result.says
    yield f"{clean(policy.policy)}: {result.verdict}{asked}: {clean(said or result.reason or result.text)}"
    turned = changes.of(policy) if changes is not None else None
    if turned is not None and turned.turned("verdict", result.property):
        for one in turned.turns:
            if one.what in ("control", "attacker", "capability", "scope"):
                yield f"changed: {clean(str(turn(policy.policy, one)))}"
    if result.trace:
        yield " → ".join(clean(step.action) for step in result.trace)
    if result.configuration:
        yield f"with {clean(listed(result.configuration))}"
    at = result.location.check
    yield f"the lifecycle asks for it at {clean(at.file)}:{at.line}"
    yield f"next: keyfate explain {clean(shlex.quote(policy.path))} {clean(shlex.quote(result.property))}"


def _at(result: Result, policy: PolicySummary, changes: Changes | None) -> Location:
    """The changed control under which it broke, else what requires it, in the policy's own file."""
    turned = changes.of(policy) if changes is not None else None
    if turned is not None and turned.turned("verdict", result.property):
        for one in turned.turns:
            if one.what == "control" and one.name in policy.set_at:
                return policy.set_at[one.name]
    required = result.location.policy
    if policy.location is None or required is None:
        return result.location.check
    return required if required.file == policy.path else policy.location


def _warnings(policies: Iterable[PolicySummary]) -> Iterator[Annotation]:
    """Each once, however many policies share it."""
    notices: dict[Notice, None] = {}
    for policy in policies:
        notices |= dict.fromkeys(policy.warnings)
    for notice in notices:
        yield Annotation("warning", "warning", _told(notice), notice.location)


def _told(one: Diagnostic | Notice) -> tuple[str, ...]:
    return (f"{one.code}: {clean(one.message)}", *([clean(one.help)] if one.help else []))
