"""A frontier for people: rows that can be read aloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from keyfate.checking.frontier import Condition, FrontierReport, PropertyFrontier
from keyfate.checking.results import Plain
from keyfate.lifecycle.names import show_value
from keyfate.reporting.tables import Rows
from keyfate.reporting.text import printed
from keyfate.reporting.words import BROKEN_MARK, MET_MARK, OTHER_MARK, clean, count, scope

_COLORS = {"COMPLETE": "green", "UNKNOWN": "magenta", "DIVERGED": "bold red"}


def frontier_text(
    report: FrontierReport, following: str, *, traces: bool = False, color: bool = False, width: int | None = None
) -> str:
    """Each property with its conditions, what else there is, and what to run next."""
    return printed(_parts(report, following, traces), color=color, width=width)


def _parts(report: FrontierReport, following: str, traces: bool) -> Iterator[RenderableType]:
    for found in report.frontiers:
        yield Text(f"{found.property} · {clean(found.text)}", style="bold")
        alike = f" · members of {' and '.join(found.symmetric)} stand for each other" if found.symmetric else ""
        yield _indented(Text(f"{found.lifecycle} · {found.severity} · {scope(found.scope)}{alike}", style="dim"))
        for said in _fixed(found):
            yield _indented(Text(said, style="dim"))
        yield from _conditions(found)
        if found.others is not None:
            yield from _others(found)
        if traces:
            yield from _traces(found)
        yield _indented(Text(_summary(found), style=_COLORS[found.verdict]))
        yield Text("")
    yield Text(f"next: {following}", style="bold")


def _fixed(found: PropertyFrontier) -> Iterator[str]:
    """What was not open: settings of controls, and of the attacker."""
    on = [name for name, value in found.fixed.items() if name in found.fixed_capabilities and value]
    controls = {n: value for n, value in found.fixed.items() if n not in found.fixed_capabilities}
    if controls:
        yield f"with {clean(', '.join(f'{name} = {show_value(value)}' for name, value in controls.items()))}"
    if found.fixed_capabilities:
        off = len(found.fixed_capabilities) - len(on)
        kept = f"the attacker has {clean(', '.join(on)) or 'nothing'}"
        yield kept if not off else f"{kept}, and not the {off} other{'' if off == 1 else 's'} that were fixed"


def _conditions(found: PropertyFrontier) -> Iterator[RenderableType]:
    reached = "possible" if found.kind == "possible" else "breaks"
    shared = _shared(found.conditions)
    if shared:
        yield _indented(Text(f"only if {_controls(shared)}"))
    main = [condition for condition in found.conditions if not condition.implied]
    more = [condition for condition in found.conditions if condition.implied]
    if main:
        yield _table(f"{reached} if", main, shared, found)
    if more:
        yield _table(f"also minimal, though the rows above cover it: {reached} if", more, shared, found)


def _shared(conditions: Sequence[Condition]) -> Mapping[str, tuple[Plain, ...]]:
    """The settings of controls that every one of several conditions asks for."""
    first, *others = conditions or (None,)
    if first is None or not others:
        return {}
    return {n: kept for n, kept in first.controls.items() if all(c.controls.get(n) == kept for c in others)}


def _others(found: PropertyFrontier) -> Iterator[RenderableType]:
    assert found.others is not None
    if found.others:
        title = "impossible if" if found.kind == "possible" else "holds if"
        yield _indented(Rows((title,), [(_controls(condition.controls),) for condition in found.others]))


def _table(
    title: str, conditions: Sequence[Condition], shared: Mapping[str, object], found: PropertyFrontier
) -> RenderableType:
    traced = any(condition.traces for condition in conditions)
    own = [{name: kept for name, kept in c.controls.items() if name not in shared} for c in conditions]
    columns = [(title, list(map(_controls, own)))]
    if found.open_capabilities:
        columns.append(("the attacker has", [_capabilities(condition) for condition in conditions]))
        columns.append(("cost", ["?" if c.cost is None else str(c.cost) for c in conditions]))
    if traced:
        columns.append(("steps", ["?" if c.steps is None else str(c.steps) for c in conditions]))
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    return _indented(Rows([head for head, _ in columns], rows))


def _controls(controls: Mapping[str, tuple[Plain, ...]]) -> str:
    if not controls:
        return "whatever else is set"
    return clean(", ".join(f"{name} = {' or '.join(map(show_value, kept))}" for name, kept in controls.items()))


def _capabilities(condition: Condition) -> str:
    return clean(" and ".join(condition.capabilities)) or "no capability at all"


def _traces(found: PropertyFrontier) -> Iterator[RenderableType]:
    for number, trace in enumerate(found.traces):
        mark = MET_MARK if trace.confirmed else OTHER_MARK
        yield _indented(Text(f"{mark} trace {number}: {clean(' → '.join(trace.actions)) or 'the first state'}"))


def _summary(found: PropertyFrontier) -> str:
    number = count(len(found.conditions), "minimal condition")
    if found.verdict == "DIVERGED":
        return f"{BROKEN_MARK} judges disagree: {clean(found.reason or '')}"
    share = _share(found)
    if found.verdict == "UNKNOWN":
        left = "" if found.undecided is None or not found.configurations else f", {_part(found.undecided, found)} open"
        return f"{OTHER_MARK} incomplete, {number} so far{share}{left}: {clean(found.reason or '')}"
    runs = f", {count(len(found.traces), 'trace')} confirmed in bytes" if found.traces else ""
    checked = "" if found.certificate is None else "; Z3 accepts the proof"
    return f"{MET_MARK} complete: {number}{share}{runs}{checked}"


def _share(found: PropertyFrontier) -> str:
    """How many configurations satisfy none."""
    if not found.configurations or found.reaching is None:
        return ""
    said = "impossible" if found.kind == "possible" else "safe"
    if found.verdict == "COMPLETE":
        safe = found.configurations - found.reaching
        return f", {safe:,} of {found.configurations:,} configurations {said} ({_part(safe, found)})"
    return f", {_part(found.reaching, found)} of {found.configurations:,} configurations met"


def _part(number: int, found: PropertyFrontier) -> str:
    assert found.configurations
    if number in (0, found.configurations):
        return "none" if number == 0 else "all"
    percent = 100 * number / found.configurations
    return f"{min(max(percent, 0.1), 99.9):.1f} %"


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))
