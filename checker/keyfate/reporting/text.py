"""The table of verdicts and what to know beside it, for a terminal or a log."""

from __future__ import annotations

import io
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from keyfate.checking.changes import Changes
from keyfate.checking.judges import OUT_OF_MEMORY
from keyfate.checking.panel import AGREES
from keyfate.checking.panel import count as count_opinions
from keyfate.checking.results import Notice, PolicySummary, Report, Result, unanswered
from keyfate.checking.wording import listed, subject
from keyfate.reporting.changes import NOTHING_CHANGED, rows, versions
from keyfate.reporting.tables import Pairs
from keyfate.reporting.words import (
    ASSUMPTIONS,
    BROKEN_MARK,
    COLORS,
    MET_MARK,
    basis,
    clean,
    count,
    mark,
    not_decided,
    scope,
    verdict,
)

WIDTH = 160  # columns, where there is no terminal to ask
_INDENT = "  "
_REASONS = 3  # at most so many are told of each engine that has no answer


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


def report_text(
    report: Report,
    *,
    color: bool = False,
    width: int | None = None,
    changes: Changes | None = None,
    quiet: bool = False,
    longer: Sequence[str] = (),
) -> str:
    """The whole report: table, what changed, what is broken and why, what a reader must know, what to run next.

    `longer`: options of a check that has more time.
    `quiet`: only what is broken or has no answer, and nothing at all where every requirement is met.
    """
    if quiet:
        return printed(_quiet(report), color=color, width=width) if report.exit_status else ""
    return printed(_parts(report, width or WIDTH, changes, longer), color=color, width=width)


def _quiet(report: Report) -> Iterator[RenderableType]:
    if report.differences is not None:
        yield from _compared(report)
        return
    yield from _troubles(report, only=lambda r: not r.met or r.verdict in ("DIVERGED", "UNKNOWN", "BOUNDED"))
    yield Text(_totals(report))


def _parts(report: Report, width: int, changes: Changes | None, longer: Sequence[str]) -> Iterator[RenderableType]:
    yield from verdicts(report.results, width, marked=report.differences is None)
    if changes is not None:
        yield from changed(changes)
        yield Text("")
    if report.differences is None:
        yield from _troubles(report)
        yield from _notes(report)
        yield from _opinions(report)
        yield Text(_totals(report))
    else:
        yield from _compared(report)
    yield Padding(Text(ASSUMPTIONS, style="dim"), 0)
    following = next_command(report, longer)
    if following:
        yield Text(f"next: {following}", style="bold")


def verdicts(results: Iterable[Result], width: int = WIDTH, *, marked: bool = True) -> Iterator[RenderableType]:
    """For each policy a heading, and below it a row for each property. `marked`: whether
    requirements are met stands before the verdict."""
    results = tuple(results)
    columns = [max(map(cell_len, column)) for column in zip(*(_cells(r, marked) for r in results), strict=True)]
    fits = sum(columns) + len(_INDENT) + 2 * (len(columns) - 1) <= width
    for of, group in groupby(results, key=lambda r: (r.lifecycle, r.policy, scope(r.scope))):
        yield from _heading([clean(words) for words in of if words], width)
        for result in group:
            yield from _row(result, columns if fits else None, marked)
        yield Text("")


def _cells(result: Result, marked: bool) -> tuple[str, str, str]:
    sign = f"{mark(result)} " if marked else ""
    return clean(result.property), sign + verdict(result), basis(result)


def _heading(parts: Sequence[str], width: int) -> Iterator[RenderableType]:
    """Lifecycle, policy and scope on one line, or on one each."""
    line = " · ".join(parts)
    for text in [line] if cell_len(line) <= width else parts:
        yield Text(text, style="bold")


def _row(result: Result, columns: Sequence[int] | None, marked: bool) -> Iterator[RenderableType]:
    """`columns`: their widths; None where they do not fit beside each other."""
    name, decided, rests = _cells(result, marked)
    color = COLORS[result.verdict]
    if columns is None:
        yield Padding(Text(name), (0, 0, 0, 2))
        yield Padding(Text.assemble((decided, color), f" · {rests}"), (0, 0, 0, 4))
        return
    gaps = [" " * (2 + size - cell_len(cell)) for size, cell in zip(columns, (name, decided), strict=False)]
    yield Text.assemble(_INDENT, name, gaps[0], (decided, color), gaps[1], rests)


def _troubles(report: Report, only: Callable[[Result], bool] = lambda _: True) -> Iterator[RenderableType]:
    """Every requirement that is not met, and every disagreement, policy by policy."""
    for policy in report.policies:
        results = [r for r in report.results if (r.lifecycle, r.policy) == (policy.lifecycle, policy.policy)]
        lines = [line for result in filter(only, results) for line in _trouble(result)]
        if policy.diverged is not None:
            lines.append((BROKEN_MARK, "", Text(clean(policy.diverged), style=COLORS["DIVERGED"])))
        if lines:
            broken = sum(r.required is not None and not r.met for r in results)
            wanted = sum(r.required is not None for r in results)
            unmet = f": {broken} of {count(wanted, 'requirement')} not met" if broken else ""
            yield Text(f"{clean(policy.policy)}{unmet}", style="bold")
            yield _grid(lines)
            yield Text("")


def _trouble(result: Result) -> Iterator[tuple[str, str, Text]]:
    """A mark, the property and what is to be said of it; then how it comes about."""
    name, style = clean(result.property), COLORS[result.verdict]
    reason = clean(result.reason or "")
    if result.verdict == "DIVERGED":
        yield BROKEN_MARK, name, Text(f"DIVERGED: {reason}", style=style)
    elif not result.met:
        asked = f", required {result.required}" if result.required != _usual(result) else ""
        says = clean(result.says or "") or reason or clean(result.text)
        yield BROKEN_MARK, name, Text(f"{result.verdict}{asked}{f': {says}' if says else ''}", style=style)
        if result.trace:
            yield "", "", Text(" → ".join(clean(step.action) for step in result.trace), style="dim")
        if result.configuration:
            yield "", "", Text(f"with {clean(listed(result.configuration))}", style="dim")
    elif result.verdict in ("UNKNOWN", "BOUNDED") or (result.verdict == "VACUOUS" and result.required):
        yield "!", name, Text(f"{result.verdict}: {reason}", style=style)


def _usual(result: Result) -> str:
    """What is required of such a property where a policy asks for nothing else."""
    return "POSSIBLE" if result.kind == "possible" else "PROVED"


def _grid(lines: Iterable[tuple[str, str, Text]]) -> RenderableType:
    """A mark and a name, and what is said of it."""
    return Pairs([(Text.assemble((sign, text.style), f" {name}" if name else ""), text) for sign, name, text in lines])


def changed(changes: Changes, since: str = "against the baseline", *, files: bool = True) -> Iterator[RenderableType]:
    """What is not as it was; which files, unless that was said already."""
    found, note = list(rows(changes)), versions(changes)
    differ = changes.files if files else ()
    yield Text(f"{since}:" if found or differ else f"{since}: {NOTHING_CHANGED}", style="bold")
    if note is not None:
        yield Text(clean(f"  {note}"))
    lines = [(clean(row.policy), clean(str(row))) for row in found]
    lines += [("files", clean(", ".join(differ)))] if differ else []
    yield Pairs([(Text(name), Text(said)) for name, said in lines])


def _compared(report: Report) -> Iterator[RenderableType]:
    """The library against its expected answers."""
    undecided = unanswered(report)
    for difference in report.differences or ():
        if difference.reason is None:
            where = clean(": ".join(filter(None, subject(difference))))
            said = f"expected {clean(difference.expected)}, found {clean(difference.found)}"
            yield Text(f"{BROKEN_MARK} {where}: {said}", style=COLORS["DIVERGED"])
    for reason, number in not_decided(undecided):
        yield Text(f"{BROKEN_MARK} {number} not decided: {clean(reason)}", style=COLORS["UNKNOWN"])
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
        *([count(len(report.frontiers), "frontier")] if report.frontiers is not None else []),
    ]
    wrong = len(report.differences or ()) - len(undecided)
    heads = [count(wrong, "difference")] if wrong else []
    heads += [f"{len(undecided)} not decided"] if undecided else []
    head = f"{BROKEN_MARK} {', '.join(heads)}" if heads else f"{MET_MARK} all as expected"
    yield Text(f"{head}: {', '.join(parts)}")


def _notes(report: Report) -> Iterator[RenderableType]:
    """What the policies leave open or take out, and what is odd about the lifecycles."""
    for policy in report.policies:
        name = clean(policy.policy)
        if policy.open_controls:
            yield Text(f"{name}: open {clean(', '.join(policy.open_controls))}")
        if not policy.capabilities:
            yield Text(f"{name}: the attacker ({clean(policy.attacker)}) has no capability that the lifecycle knows")
        for result in report.results:
            if result.policy != policy.policy or result.lifecycle != policy.lifecycle:
                continue
            if result.verdict == "DEPENDS":
                yield Text(f"{name}: {clean(result.property)} is possible with {clean(listed(result.configuration))}")
                fails = clean(listed(result.fails_under or {}))
                yield Text(f"{' ' * len(name)}  and not with {fails}")
    spared: dict[tuple[str, str], list[str]] = {}
    for result in report.results:
        if result.not_required is not None:
            spared.setdefault((result.property, result.not_required), []).append(result.policy)
    for (rule, reason), names in spared.items():
        yield Text(clean(f"{', '.join(names)}: {rule} is not required: {reason}"))
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


def _opinions(report: Report) -> Iterator[RenderableType]:
    """How many properties each of several engines decided, and why it did not decide the others."""
    for name, (agreed, asked) in count_opinions(r.opinions for r in report.results).items():
        silent = Counter(r.opinions[name] for r in report.results if r.opinions.get(name, AGREES) != AGREES)
        why = "; ".join(f"{number} × {words}" for words, number in silent.most_common(_REASONS))
        more = len(silent) - _REASONS
        why += f"; {count(more, 'other reason')}" if more > 0 else ""
        yield Text(clean(f"{name}: agrees on {agreed} of {asked}{f' ({why})' if why else ''}"))


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


def next_command(report: Report, longer: Sequence[str] = ()) -> str | None:
    """The command that shows more of the most important thing in the report; where no verdict stands, a
    check of the first policy alone with the options `longer`, which give it more time, if that may help."""
    ranked = sorted(
        (r for r in report.results if r.trace or r.verdict in ("PROVED", "IMPOSSIBLE")),
        key=lambda r: (r.met, r.verdict != "VIOLATED", r.trace is None),
    )
    late = [r for r in report.results if r.verdict == "UNKNOWN" and r.reason != OUT_OF_MEMORY] if longer else []
    if not ranked and not late:
        return "keyfate list"
    first = (ranked or late)[0]
    policy = next((p for p in report.policies if p.policy == first.policy and p.lifecycle == first.lifecycle), None)
    if policy is None:
        return None
    if not ranked:
        return shlex.join(("keyfate", "check", policy.path, *longer))
    return f"keyfate explain {shlex.quote(policy.path)} {shlex.quote(first.property)}"
