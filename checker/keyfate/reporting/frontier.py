"""A frontier for people: rows that can be read aloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from keyfate.checking.frontier import Condition, FrontierReport, PropertyFrontier
from keyfate.checking.results import Plain
from keyfate.lifecycle.names import show_value
from keyfate.reporting.tables import Cell, Items, Listing, Rows
from keyfate.reporting.text import printed
from keyfate.reporting.words import BROKEN_MARK, MET_MARK, OTHER_MARK, clean, count, scope

_COLORS = {"COMPLETE": "green", "UNKNOWN": "magenta", "DIVERGED": "bold red"}


def frontier_text(
    report: FrontierReport,
    following: str,
    note: str = "",
    *,
    traces: bool = False,
    color: bool = False,
    width: int | None = None,
) -> str:
    """Each property with its conditions, what else there is, and what to run next; `note` is said of the whole."""
    return printed(_parts(report, following, note, traces), color=color, width=width)


def _parts(report: FrontierReport, following: str, note: str, traces: bool) -> Iterator[RenderableType]:
    if note:
        yield Text(note)
        yield Text("")
    for found in report.frontiers:
        yield Text(" · ".join(filter(None, (found.property, clean(found.text)))), style="bold")
        about = (found.lifecycle, found.severity, scope(found.scope))
        yield _indented(Text(" · ".join(filter(None, about)), style="dim"))
        for part in (*_fixed(found), *_conditions(found, traces), *_others(found)):
            yield _indented(part)
        if traces:
            yield from map(_indented, _traces(found))
        yield _indented(Text(_summary(found), style=_COLORS[found.verdict]))
        yield Text("")
    yield Text(f"next: {following}", style="bold")


def _fixed(found: PropertyFrontier) -> Iterator[RenderableType]:
    """What is taken together, and what was not open: settings of controls, and of the attacker."""
    if found.symmetric:
        yield Text(f"members of {_all_of(found.symmetric)} stand for each other", style="dim")
    controls = [f"{n} = {show_value(v)}" for n, v in found.fixed.items() if n not in found.fixed_capabilities]
    if controls:
        yield _listing("with", controls)
    on = [name for name in found.fixed_capabilities if found.fixed[name]]
    off = [name for name in found.fixed_capabilities if not found.fixed[name]]
    if on:
        yield _listing("the attacker has", on)
    if off and found.open_capabilities:
        yield _listing("the attacker lacks", off)
    elif off:
        yield Text("and nothing else" if on else "the attacker has nothing", style="dim")


def _conditions(found: PropertyFrontier, traces: bool) -> Iterator[RenderableType]:
    if not found.conditions:
        if found.verdict == "COMPLETE":
            yield Text("nothing makes it possible" if found.kind == "possible" else "nothing breaks it")
        return
    shared = _shared(found.conditions)
    if shared:
        yield _listing("only if", _settings(shared), style="")
    title = "possible if" if found.kind == "possible" else "breaks if"
    main = [condition for condition in found.conditions if not condition.implied]
    more = [condition for condition in found.conditions if condition.implied]
    if main:
        yield _table(title, main, shared, found, traces)
    if more:
        yield Text("also minimal, though the rows above cover these together:")
        yield _table(title, more, shared, found, traces)


def _shared(conditions: Sequence[Condition]) -> Mapping[str, tuple[Plain, ...]]:
    """The settings of controls that every one of several conditions asks for."""
    first, *others = conditions or (None,)
    if first is None or not others:
        return {}
    return {n: kept for n, kept in first.controls.items() if all(c.controls.get(n) == kept for c in others)}


def _others(found: PropertyFrontier) -> Iterator[RenderableType]:
    if found.others:
        title = "impossible if" if found.kind == "possible" else "holds if"
        yield Rows((title,), [(_controls(condition.controls, found),) for condition in found.others])


def _table(
    title: str, conditions: Sequence[Condition], shared: Mapping[str, object], found: PropertyFrontier, traces: bool
) -> RenderableType:
    own = [{name: kept for name, kept in c.controls.items() if name not in shared} for c in conditions]
    attacker = "the attacker has"
    columns: list[tuple[str, list[Cell]]] = [(title, [_controls(controls, found) for controls in own])]
    if found.open_capabilities:
        # Where no control is asked for, only the attacker is told.
        columns = columns if any(own) else []
        columns.append((attacker if columns else f"{title} {attacker}", [_capabilities(c, found) for c in conditions]))
        columns.append(("cost", ["?" if c.cost is None else str(c.cost) for c in conditions]))
    if any(condition.traces for condition in conditions):
        columns.append(("steps", [_steps(c, found) for c in conditions]))
        if traces:
            columns.append(("traces", [Items(_listed(list(map(str, c.traces)))) for c in conditions]))
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    return Rows([head for head, _ in columns], rows)


def _steps(condition: Condition, found: PropertyFrontier) -> Cell:
    """From the shortest of its traces to the longest: some of its settings may need more steps than others."""
    if condition.steps is None:
        return "?"
    longest = max((len(found.traces[number].actions) for number in condition.traces), default=0)
    return Items([f"{condition.steps} to {longest}" if longest > condition.steps else str(condition.steps)])


def _controls(controls: Mapping[str, tuple[Plain, ...]], found: PropertyFrontier) -> Cell:
    if not controls:
        return Items(["whatever else is set" if found.fixed or len(found.conditions) > 1 else "whatever is set"])
    return Items(_listed(list(map(clean, _settings(controls)))))


def _settings(controls: Mapping[str, tuple[Plain, ...]]) -> list[str]:
    return [f"{name} = {' or '.join(map(show_value, kept))}" for name, kept in controls.items()]


def _capabilities(condition: Condition, found: PropertyFrontier) -> Cell:
    none = "nothing more" if any(found.fixed[name] for name in found.fixed_capabilities) else "no capability at all"
    *others, last = list(map(clean, condition.capabilities)) or [none]
    return Items([*_listed(others), f"and {last}"] if others else [last])


def _listed(words: Sequence[str]) -> list[str]:
    """Each but the last with a comma."""
    *others, last = words or ("",)
    return [*(f"{other}," for other in others), last]


def _all_of(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *others, last = words or ("",)
    return f"{', '.join(others)} and {last}" if others else last


def _listing(words: str, items: Sequence[str], style: str = "dim") -> RenderableType:
    return Listing(words, list(map(clean, items)), style)


def _traces(found: PropertyFrontier) -> Iterator[RenderableType]:
    """Each with what it ran under: of the controls, those that its rows name."""
    for number, trace in enumerate(found.traces):
        mark = MET_MARK if trace.confirmed else OTHER_MARK
        named = {name for c in found.conditions if number in c.traces for name in c.controls}
        settings = _settings({name: (value,) for name, value in trace.controls.items() if name in named})
        attacker = [name for name in trace.capabilities if name not in found.fixed_capabilities]
        *actions, last = map(clean, trace.actions or ("the first state",))
        head = [f"{mark} trace {number}", *_bracketed(list(map(clean, settings)), list(map(clean, attacker)))]
        yield Items([*head[:-1], f"{head[-1]}:", *(f"{action} →" for action in actions), last])


def _bracketed(settings: Sequence[str], attacker: Sequence[str]) -> list[str]:
    """`(a = x, b = y; c, d)`, word by word; nothing where there is nothing."""
    words = [*(_listed(settings) if settings else ()), *(_listed(attacker) if attacker else ())]
    if not words:
        return []
    if settings and attacker:
        words[len(settings) - 1] += ";"
    words[0] = f"({words[0]}"
    words[-1] += ")"
    return words


def _summary(found: PropertyFrontier) -> str:
    if found.verdict == "DIVERGED":
        return f"{BROKEN_MARK} judges disagree: {clean(found.reason or '')}"
    if found.verdict == "UNKNOWN":
        if found.conditions or found.reaching:
            parts = [f"{OTHER_MARK} incomplete, {count(len(found.conditions), 'condition')} so far"]
            parts += _share(found, "breaks")
        else:
            parts = [f"{OTHER_MARK} incomplete, none found yet", *_open(found)]
        parts += _confirmed(found)
        return f"{', '.join(parts)}: {clean(found.reason or '')}"
    parts = [count(len(found.conditions), "minimal condition")] if found.conditions else []
    parts += [*_share(found, "safe"), *_confirmed(found)]
    proof = ""
    if found.certificate is not None and found.reaching != found.configurations:
        proof = "; Z3 accepts the proof"
    within = f" within {' and '.join(found.scope.within)}" if found.scope.within else ""
    return f"{MET_MARK} complete{within}: {', '.join(parts)}{proof}"


def _share(found: PropertyFrontier, word: str) -> Iterator[str]:
    """In how many configurations it is `safe`, `breaks`, or is possible."""
    if not found.configurations or found.reaching is None:
        return
    if found.kind == "possible":
        word = "possible"
    number = found.configurations - found.reaching if word == "safe" else found.reaching
    yield f"{word} in {_of(number, found.configurations)}"
    if found.undecided:
        yield f"{_percent(found.undecided, found.configurations)} open"


def _open(found: PropertyFrontier) -> Iterator[str]:
    """How many configurations are not decided."""
    if found.configurations and found.undecided:
        noun = "configuration" if found.configurations == 1 else "configurations"
        yield f"{_percent(found.undecided, found.configurations)} of {found.configurations:,} {noun} open"


def _confirmed(found: PropertyFrontier) -> Iterator[str]:
    confirmed = sum(trace.confirmed for trace in found.traces)
    if confirmed < len(found.traces):
        yield f"{confirmed} of {count(len(found.traces), 'trace')} confirmed in bytes"
    elif found.traces:
        yield f"{count(confirmed, 'trace')} confirmed in bytes"


def _of(number: int, every: int) -> str:
    if every == 1:
        return "the only configuration" if number else "no configuration"
    if number in (0, every):
        return f"{'all' if number else 'none of the'} {every:,} configurations"
    return f"{number:,} of {every:,} configurations ({_percent(number, every)})"


def _percent(number: int, every: int) -> str:
    """Nothing is none of it, and less than all of it is not all."""
    if number == every:
        return "100 %"
    return f"{min(max(100 * number / every, 0.1), 99.9):.1f} %"


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))
