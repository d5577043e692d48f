"""A run as one page of Markdown: what changed, what is broken and how, for those who did not run it.

A step's summary may have 1 MiB on GitHub; this page keeps below half of that, whatever a lifecycle
holds, and counts what it leaves out.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from keyfate.checking.changes import Changes
from keyfate.checking.results import MET, Location, PolicySummary, Report, Result, Step
from keyfate.checking.wording import called, listed, subject
from keyfate.reporting.changes import NOTHING_CHANGED, rows, versions
from keyfate.reporting.explaining import computed, effects
from keyfate.reporting.markdown import code, details, fence, link, short, table, within, words
from keyfate.reporting.places import Places
from keyfate.reporting.words import (
    ASSUMPTIONS,
    BROKEN_MARK,
    MET_MARK,
    basis,
    count,
    mark,
    not_decided,
    scope,
    sight,
    verdict,
)

_TABLE, _STORY, _STORIES, _NOTES = 60_000, 30_000, 200_000, 30_000  # bytes: 440,000 in all
_STEPS = 60


def summary(report: Report, changes: Changes | None, places: Places) -> str:
    """The page. `changes`: against a baseline."""
    policies = {(p.lifecycle, p.policy): p for p in report.policies}
    unmet = [r for r in report.results if not r.met or r.verdict == "DIVERGED"] if report.differences is None else []
    broken = [r for r in unmet if r.verdict not in ("UNKNOWN", "BOUNDED")]
    unmet = [*broken, *(r for r in unmet if r.verdict in ("UNKNOWN", "BOUNDED"))]
    parts = [f"## {headline(report)}", *_scopes(report)]
    if changes is not None:
        parts += ["### What changed", *_changed(changes)]
    parts += _unexpected(report)
    if unmet:
        parts += ["### What is not met", _table(_UNMET, [_unmet_row(r, policies, places) for r in unmet])]
        kept = within((_story(r, policies[r.lifecycle, r.policy], places) for r in unmet), _STORIES)
        parts += [*kept, *_left(len(unmet) - len(kept), "requirement", "requirements")]
    if report.results:
        parts.append(details("every verdict", _table(_VERDICTS, [_verdict_row(r, report) for r in report.results])))
    notes = [f"- {line}" for line in _notes(report, places)]
    kept = within(notes, _NOTES)
    if kept:
        parts.append(details("what else to know", "\n".join(kept)))
    parts += [*_left(len(notes) - len(kept), "note", "notes"), ASSUMPTIONS]
    return "\n\n".join(parts) + "\n"


def no_verdict(text: str) -> str:
    """The page of a run that came to none; `text` is what the command line said."""
    told = text if len(text) <= _STORY else f"{text[:_STORY]}\n…"
    head = f"## {BROKEN_MARK} keyfate could not run: there is no verdict"
    return f"{head}\n\nNothing was decided, neither for better nor for worse. It said:\n\n{fence(told)}\n"


def nothing_found(text: str) -> str:
    """The page of a run that found no policy."""
    return f"## {BROKEN_MARK} keyfate: nothing was checked\n\n{fence(text)}\n"


def headline(report: Report) -> str:
    """The status in words."""
    wanted = [r for r in report.results if r.required is not None]
    unmet = [r for r in wanted if not r.met]
    undecided = sum(r.verdict in ("UNKNOWN", "BOUNDED") for r in unmet)
    of = f"of {count(len(wanted), 'requirement')}"
    match report.exit_status:
        case 0:
            said = "the library answers as expected" if report.differences is not None else f"all {of[3:]} met"
        case 1:
            also = f", {undecided} undecided" if undecided else ""
            said = f"{len(unmet) - undecided} {of} broken{also}"
        case 4:
            said = "nothing meaningful was checked"
        case 5:
            said = "judges disagree" if report.differences is None else "the library does not answer as expected"
        case _ if report.differences is not None:
            missing = ", ".join(number for _, number in not_decided(report.differences))
            said = f"{missing} of the library not decided, no other differs"
        case _:
            said = f"{undecided} {of} undecided, none broken"
    return f"{MET_MARK if report.exit_status == MET else BROKEN_MARK} keyfate: {said}"


def _scopes(report: Report) -> Iterator[str]:
    """What was checked, in one line."""
    lifecycles = dict.fromkeys(p.lifecycle for p in report.policies)
    shown = ", ".join(map(code, list(lifecycles)[:10])) + (", …" if len(lifecycles) > 10 else "")
    number = count(len(report.policies), "policy", "policies")
    asked = count(len(report.results), "property", "properties")
    yield f"{number} over {shown}, {asked}, keyfate {code(report.keyfate)}"


def _changed(changes: Changes) -> Iterator[str]:
    note = versions(changes)
    if note is not None:
        yield words(note)
    found = list(rows(changes))
    if found:
        cells = [[code(r.policy), (code if r.before else words)(r.what), code(r.before), code(r.after)] for r in found]
        yield _table(("policy", "what", "before", "now"), cells)
    elif not changes.files:
        yield NOTHING_CHANGED
    else:
        yield "no setting, requirement or verdict"
    if changes.files:
        shown = ", ".join(map(code, changes.files[:20]))
        more = f" and {len(changes.files) - 20} more" if len(changes.files) > 20 else ""
        yield f"files that differ: {shown}{more}"


def _unexpected(report: Report) -> Iterator[str]:
    if report.differences:
        cells = [[*map(code, subject(d)), code(d.expected), code(d.found)] for d in report.differences]
        yield _table(("of", "what", "expected", "found"), cells)


_UNMET = ("policy", "property", "severity", "verdict", "required", "asked for in")
_VERDICTS = ("policy", "property", "", "verdict", "rests on")


def _unmet_row(result: Result, policies: dict[tuple[str, str], PolicySummary], places: Places) -> Sequence[str]:
    policy = policies[result.lifecycle, result.policy]
    at = result.location.policy or result.location.check
    return (
        code(policy.policy),
        code(result.property),
        result.severity,
        f"**{verdict(result)}**",
        result.required or "",
        _place(at, places),
    )


def _verdict_row(result: Result, report: Report) -> Sequence[str]:
    sign = mark(result) if report.differences is None else ""
    return code(result.policy), code(result.property), sign, verdict(result), basis(result)


def _table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """As many rows as a page has room for."""
    kept = within((" | ".join(row) for row in cells), _TABLE)
    told = table(head, cells[: len(kept)])
    return "\n\n".join((told, *_left(len(cells) - len(kept), "row", "rows")))


def _left(number: int, one: str, many: str) -> Iterator[str]:
    if number:
        yield f"and {count(number, one, many)} more: `keyfate check` shows all of it"


def _story(result: Result, policy: PolicySummary, places: Places) -> str:
    """One requirement: what it says, how it comes about, how to see it again."""
    said = result.reason if result.verdict in ("DIVERGED", "UNKNOWN", "BOUNDED") else result.says
    checked = f"checked at {_place(result.location.check, places)}, {words(scope(result.scope))}"
    again = f"keyfate explain {shlex.quote(policy.path)} {shlex.quote(result.property)}"
    parts = [
        f"#### {code(result.policy)}: {code(result.property)}: {verdict(result)}",
        f"**{words(said or result.reason or result.text)}**",
        f"Asked: {words(result.text)} ({checked})",
    ]
    if result.configuration:
        parts.append(f"with {code(listed(result.configuration))}")
    if result.trace is not None:
        lines = list(_steps(result))
        told = within(lines, _STORY)
        body = "\n\n".join(("\n".join(told), *_left(len(lines) - len(told), "line", "lines")))
        parts.append(details(f"the trace, {count(len(result.trace), 'step')}", body))
    if result.knowledge:
        tree = computed(result, width=120)
        tree = tree if len(tree) <= _STORY else f"{tree[:_STORY]}\n…"
        parts.append(details("how the secret was computed", fence(tree)))
    return "\n\n".join((*parts, fence(again, "sh")))


def _steps(result: Result) -> Iterator[str]:
    """The trace as a numbered list."""
    if result.start is not None:
        for seen in result.start.observed:
            yield f"- at the start the attacker sees {code(sight(seen))}"
        if result.start.observed:
            yield ""  # one list ends and another begins
    trace = result.trace or ()
    if not trace:
        yield "in the first state, without any action"
    for number, step in enumerate(trace[:_STEPS], start=1):
        yield from _step(number, step)
    if len(trace) > _STEPS:
        yield f"\nand {count(len(trace) - _STEPS, 'step')} more"


def _step(number: int, step: Step) -> Iterator[str]:
    described = f": {words(step.description)}" if step.description else ""
    yield f"{number}. {code(called(step))} by {code(step.actor)}{described}"
    for change in step.changes:
        yield from (f"    - {code(line)}" for line in effects(change))
    for seen in step.observed:
        yield f"    - the attacker sees {code(sight(seen))}"


def _notes(report: Report, places: Places) -> Iterator[str]:
    """What is open, spared, dead or odd, each once with the policies it concerns."""
    for policy in report.policies:
        if policy.diverged is not None:
            yield f"{code(policy.policy)}: judges disagree: {words(policy.diverged)}"
        if policy.open_controls:
            yield f"{code(policy.policy)} leaves open: {code(', '.join(policy.open_controls))}"
    spared: dict[tuple[str, str], list[str]] = {}
    for result in report.results:
        if result.not_required is not None:
            spared.setdefault((result.property, result.not_required), []).append(result.policy)
    for (rule, reason), names in spared.items():
        yield f"{', '.join(map(code, names[:20]))}: {code(rule)} is not required: {words(reason)}"
    for notice in dict.fromkeys(n for p in report.policies for n in p.warnings):
        where = f"{_place(notice.location, places)}: " if notice.location is not None else ""
        yield f"{where}warning {notice.code}: {words(notice.message)}"


def _place(at: Location, places: Places) -> str:
    return link(f"{short(at.file)}:{at.line}", places.address(at))
