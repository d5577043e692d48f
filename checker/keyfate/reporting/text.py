"""The table of verdicts and what to know beside it, for a terminal or a log."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from keyfate.checking.results import Notice, PolicySummary, Report, Result
from keyfate.reporting.words import (
    ASSUMPTIONS,
    BROKEN_MARK,
    COLORS,
    MET_MARK,
    basis,
    clean,
    count,
    mark,
    setting,
    verdict,
)

WIDTH = 160  # columns, where there is no terminal to ask
_NARROW = 80


def printed(parts: Iterable[RenderableType], *, color: bool, width: int | None) -> str:
    """The parts one after the other, as a text without trailing blanks."""
    console = Console(
        file=io.StringIO(),
        width=max(width or WIDTH, 40),
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def report_text(report: Report, *, color: bool = False, width: int | None = None) -> str:
    """The whole report: table, what is broken and why, what a reader must know, what to run next."""
    return printed(_parts(report, width or WIDTH), color=color, width=width)


def _parts(report: Report, width: int) -> Iterator[RenderableType]:
    yield table(report.results, width, marked=report.differences is None)
    if report.differences is None:
        yield from _troubles(report)
        yield from _notes(report)
        yield Text(_totals(report))
    else:
        yield from _compared(report)
    yield Padding(Text(ASSUMPTIONS, style="dim"), 0)
    following = next_command(report)
    if following:
        yield Text(f"next: {following}", style="bold")


def table(results: Iterable[Result], width: int = WIDTH, *, marked: bool = True) -> Table:
    """One row for each property; lifecycle and policy are named once. `marked`: whether
    requirements are met stands before the verdict."""
    narrow = width < _NARROW
    found = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    if not narrow:
        found.add_column("lifecycle", overflow="fold")
    found.add_column("policy", overflow="fold")
    found.add_column("property", overflow="fold")
    found.add_column("verdict", overflow="fold")
    found.add_column("scope · basis", overflow="fold")
    last_lifecycle = ""
    for (lifecycle, policy), group in groupby(results, key=lambda r: (r.lifecycle, r.policy)):
        first = True
        rows = list(group)
        for i, result in enumerate(rows):
            style = COLORS[result.verdict]
            cells = [
                Text(clean(policy) if first else ""),
                Text(clean(result.property)),
                Text(f"{mark(result)} {verdict(result)}" if marked else verdict(result), style=style),
                Text(basis(result)),
            ]
            if not narrow:
                cells.insert(0, Text(clean(lifecycle) if first and lifecycle != last_lifecycle else ""))
            found.add_row(*cells, end_section=i == len(rows) - 1)
            first, last_lifecycle = False, lifecycle
    return found


def _troubles(report: Report) -> Iterator[RenderableType]:
    """Every requirement that is not met, and every disagreement."""
    for result in report.results:
        where = f"{clean(result.policy)}: {clean(result.property)}"
        if result.verdict == "DIVERGED":
            yield Text(f"{BROKEN_MARK} {where} DIVERGED: {clean(result.reason or '')}", style=COLORS["DIVERGED"])
        elif not result.met:
            says = clean(result.says or result.reason or result.text)
            sides = f"is {result.verdict}, required {result.required}"
            yield Text(f"{BROKEN_MARK} {where} {sides}: {says}", style=COLORS[result.verdict])
            yield from _details(result)
        elif result.verdict in ("UNKNOWN", "BOUNDED") or (result.verdict == "VACUOUS" and result.required):
            yield Text(f"! {where} is {result.verdict}: {clean(result.reason or '')}", style=COLORS[result.verdict])
    for policy in report.policies:
        if policy.diverged is not None:
            yield Text(f"{BROKEN_MARK} {clean(policy.policy)}: {clean(policy.diverged)}", style=COLORS["DIVERGED"])


def _compared(report: Report) -> Iterator[RenderableType]:
    """The library against its expected answers."""
    for difference in report.differences or ():
        where = clean(
            difference.policy if difference.property is None else f"{difference.policy}: {difference.property}"
        )
        said = f"expected {clean(difference.expected)}, found {clean(difference.found)}"
        yield Text(f"{BROKEN_MARK} {where}: {said}", style=COLORS["DIVERGED"])
    for result in report.results:
        if result.verdict == "DIVERGED":
            yield Text(f"{BROKEN_MARK} {clean(result.policy)}: {clean(result.property)}: {clean(result.reason or '')}")
    confirmed = sum(1 for r in report.results if r.confirmed)
    certified = sum(1 for r in report.results if r.certificate is not None)
    parts = [
        count(len({p.lifecycle for p in report.policies}), "lifecycle"),
        count(len(report.policies), "policy", "policies"),
        f"{len(report.results)} verdicts",
        f"{certified} certified by Z3",
        f"{count(confirmed, 'trace')} re-enacted in bytes",
    ]
    differ = count(len(report.differences or ()), "difference")
    head = f"{BROKEN_MARK} {differ}" if report.differences else f"{MET_MARK} all as expected"
    yield Text(f"{head}: {', '.join(parts)}")


def _details(result: Result) -> Iterator[RenderableType]:
    if result.trace:
        names = " → ".join(step.action for step in result.trace)
        confirmed = ", confirmed in bytes" if result.confirmed else ""
        yield Padding(Text(f"{names}{confirmed}", style="dim"), (0, 0, 0, 4))
    if result.configuration:
        yield Padding(Text(f"with {clean(setting(result.configuration))}", style="dim"), (0, 0, 0, 4))


def _notes(report: Report) -> Iterator[RenderableType]:
    """What the policies leave open or take out, and what is odd about the lifecycles."""
    for policy in report.policies:
        name = clean(policy.policy)
        if policy.open_controls:
            yield Text(f"{name}: open {clean(', '.join(policy.open_controls))}")
        for result in report.results:
            if result.policy != policy.policy or result.lifecycle != policy.lifecycle:
                continue
            if result.not_required is not None:
                said = f"{name}: {clean(result.property)} is not required: {clean(result.not_required)}"
                yield Text(said)
            if result.verdict == "DEPENDS":
                yield Text(f"{name}: {clean(result.property)} is possible with {clean(setting(result.configuration))}")
                fails = clean(setting(result.fails_under or {}))
                yield Text(f"{' ' * len(name)}  and not with {fails}")
    yield from _once(report.policies)


def _once(policies: Iterable[PolicySummary]) -> Iterator[RenderableType]:
    """Notes that many policies share are told once, with the policies they concern."""
    policies = tuple(policies)
    dead: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    notices: dict[Notice, None] = {}
    for policy in policies:
        if policy.dead_actions:
            dead.setdefault((policy.lifecycle, policy.dead_actions), []).append(policy.policy)
        notices |= dict.fromkeys(policy.warnings)
    for (lifecycle, actions), names in dead.items():
        yield Text(f"{clean(lifecycle)}: never happens under {clean(', '.join(names))}: {clean(', '.join(actions))}")
    for notice in notices:
        at = f"{notice.location.file}:{notice.location.line}:{notice.location.column}: " if notice.location else ""
        yield Text(f"{clean(at)}warning[{notice.code}]: {clean(notice.message)}".replace(":warning", ": warning"))


def _totals(report: Report) -> str:
    wanted = [r for r in report.results if r.required is not None]
    met = sum(r.met for r in wanted)
    parts = [count(len(report.policies), "policy", "policies"), count(len(report.results), "property", "properties")]
    if wanted:
        parts.append(f"{met} of {count(len(wanted), 'requirement')} met")
    confirmed = sum(1 for r in report.results if r.confirmed)
    if confirmed:
        parts.append(f"{count(confirmed, 'trace')} re-enacted in bytes")
    sign = MET_MARK if report.exit_status == 0 else BROKEN_MARK
    return f"{sign} {', '.join(parts)}"


def next_command(report: Report) -> str | None:
    """The command that shows more of the most important thing in the report."""
    ranked = sorted(
        (r for r in report.results if r.trace or r.verdict in ("PROVED", "IMPOSSIBLE")),
        key=lambda r: (r.met, r.verdict != "VIOLATED", r.trace is None),
    )
    if not ranked:
        return "keyfate list"
    first = ranked[0]
    policy = next((p for p in report.policies if p.policy == first.policy and p.lifecycle == first.lifecycle), None)
    if policy is None:
        return None
    return f"keyfate explain {shlex.quote(policy.path)} {shlex.quote(first.property)}"
