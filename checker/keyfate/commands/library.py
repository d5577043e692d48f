"""`keyfate check --library`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keyfate.checking.expected import answers_text, frontiers_text
from keyfate.checking.library import (
    Expected,
    answers_path,
    compared,
    extent_of,
    frontiers_path,
    load_expected,
)
from keyfate.checking.measuring import Measuring, measured
from keyfate.checking.pool import INTERRUPTED
from keyfate.checking.results import Report
from keyfate.checking.running import Options
from keyfate.checking.session import Session, open_session
from keyfate.checking.shelf import Scopes, Shelf
from keyfate.commands import naming
from keyfate.commands.progress import bar
from keyfate.language.reading import resolved
from keyfate.language.symbols import did_you_mean
from keyfate.policy.finding import shipped_lifecycles, shipped_policies
from keyfate.policy.loading import lifecycle_of
from keyfate.reporting.writing import OutputError, make_folder, write_whole

if TYPE_CHECKING:
    from keyfate.commands.certifying import Shelved


@dataclass(frozen=True)
class Extra:
    """Beside verdicts: nothing else (`quick`), or all that is expected; `update`: it is written."""

    quick: bool = False
    update: bool = False


def check_library(
    names: Sequence[str], options: Options, scope: Scopes, extra: Extra, keep: Shelved | None = None
) -> Report | None:
    """The report on these lifecycles of the library and their policies, all of them without names; None if there is no
    policy. Raises LifecycleError with all that is wrong with any file, OutputError where nobody should expect what was
    found."""
    there = shipped_lifecycles()
    chosen = tuple(dict.fromkeys(_known(name, there) for name in names)) or tuple(there)
    paths = {resolved(there[name]) for name in chosen}
    found = [path for path in shipped_policies() if not names or lifecycle_of(path) in paths]
    if not found:
        return None
    shelf = Shelf()
    session = open_session(found, scope, shelf)
    expected = load_expected(chosen, session.policies, scope, shelf, anew=extra.update)
    asked = Measuring({} if extra.quick else expected.lifecycles, session.policies, options.deadline)
    steps = session.questions() + (0 if extra.quick else len(asked.questions()))
    with bar("checking", steps) as advance:
        report = session.check(options, lambda policy, rule: advance(f"{policy}: {rule}"), keep)
        if not extra.quick and not any(result.reason == INTERRUPTED for result in report.results):
            frontiers, states = measured(asked, memory=options.memory, tick=lambda of, what: advance(f"{of}: {what}"))
            report = replace(report, frontiers=frontiers, states=states)
    if keep is not None:
        keep.tidy(session.policies)
    if extra.update:
        _write(report, session, expected)
        expected = load_expected(chosen, session.policies, scope, shelf, anew=False)
    return compared(report, expected)


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        hint = did_you_mean(name, names) or "`keyfate list` shows the shipped lifecycles"
        raise naming.on_command_line("KF506", f"the library has no lifecycle `{name}`", name, hint)
    return name


def _write(report: Report, session: Session, expected: Expected) -> None:
    """What was found as what is expected, all of it or nothing."""
    for result in report.results:
        if result.verdict in ("UNKNOWN", "BOUNDED", "DIVERGED"):
            _refuse(f"{result.policy}: {result.property} is {result.verdict}", result.reason)
    for count in report.states or ():
        if count.reason is not None:
            _refuse(f"{count.policy}: its states are not counted", count.reason)
    for one in report.frontiers or ():
        if one.verdict != "COMPLETE":
            _refuse(f"{one.lifecycle}: the frontier of {one.property} is {one.verdict}", one.reason)
    for needed in (answers_path("").parent, frontiers_path("").parent):
        make_folder(needed)
    counts = {count.policy: count.states for count in report.states or ()}
    for policy in session.policies:
        results = [r for r in report.results if r.policy == policy.name]
        path = answers_path(policy.name)
        write_whole(path, answers_text(policy.lifecycle.name, counts[policy.name], results))
    for name, lifecycle in expected.lifecycles.items():
        extents = {f.property: e for f in report.frontiers or () if f.lifecycle == name and (e := extent_of(f))}
        path = frontiers_path(name)
        write_whole(path, frontiers_text(lifecycle.name, expected.scopes[name], extents))


def _refuse(what: str, reason: str | None) -> None:
    raise OutputError(f"{what}, which nobody should expect: {reason}")
