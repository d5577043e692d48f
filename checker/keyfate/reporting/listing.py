"""What there is: the library, or one lifecycle's controls, capabilities and properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from keyfate.language import typed as t
from keyfate.lifecycle.names import show_value
from keyfate.policy.policy import Policy
from keyfate.reporting.tables import Rows
from keyfate.reporting.text import printed
from keyfate.reporting.words import clean, count


@dataclass(frozen=True)
class Shipped:
    """A lifecycle under the name that policies call it by, and its policies."""

    name: str
    lifecycle: t.Lifecycle
    policies: tuple[Policy, ...]


def library_text(
    shipped: Sequence[Shipped], profiles: Mapping[str, str], *, color: bool = False, width: int | None = None
) -> str:
    """Every shipped lifecycle with its policies and checks, and the attacker profiles."""
    return printed(_library(shipped, profiles), color=color, width=width)


def lifecycle_text(name: str, lifecycle: t.Lifecycle, *, color: bool = False, width: int | None = None) -> str:
    """One lifecycle: what can be set, who attacks, what happens, what is checked."""
    return printed(_lifecycle(name, lifecycle), color=color, width=width)


def _library(shipped: Sequence[Shipped], profiles: Mapping[str, str]) -> Iterator[RenderableType]:
    for one in shipped:
        lifecycle = one.lifecycle
        head = Text(clean(one.name), style="bold")
        head.append(f"  {clean(lifecycle.title)}", style="not bold")
        head.append(f"  [{lifecycle.status}]", style="not bold dim")
        yield head
        yield _indented(
            f"{count(len(lifecycle.controls), 'control')}, "
            f"{count(len(lifecycle.capabilities), 'capability', 'capabilities')}, "
            f"{count(len(lifecycle.actions), 'action')}, "
            f"{count(len(lifecycle.properties), 'property', 'properties')}"
        )
        yield _rows(("policy", ""), [(p.name, p.title) for p in one.policies])
        yield _rows(("property", "applies", "kind", "severity"), [_checked(p) for p in lifecycle.properties])
        yield Text("")
    if profiles:
        yield _rows(("attacker profile", ""), list(profiles.items()), 0)
        yield Text("")
    if shipped:
        yield Text(f"next: keyfate list {shipped[0].name}", style="bold")
    else:
        yield Text("the library is empty")


def _checked(rule: t.Property) -> tuple[str, str, str, str]:
    at, text = rule.check_span, rule.span
    own = at.path == text.path and text.start <= at.start < text.end
    return rule.name, "" if own else rule.template, rule.kind, rule.severity


def _lifecycle(name: str, lifecycle: t.Lifecycle) -> Iterator[RenderableType]:
    head = Text(clean(lifecycle.name), style="bold")
    head.append(f"  {clean(lifecycle.title)}", style="not bold")
    yield head
    yield _indented(f"{lifecycle.path}, {lifecycle.status}")
    for source in lifecycle.sources:
        yield _indented(f"source: {source}")
    sorts = [
        (s.name, ", ".join(map(show_value, s.members)) if not s.ordered else f"{s.members[0]} .. {s.members[-1]}")
        for s in lifecycle.sorts
    ]
    yield from _section("sorts (--scope changes their sizes)", _rows(("sort", "members"), sorts))
    if lifecycle.controls:
        yield Text("controls", style="bold")
        for control in lifecycle.controls:
            yield from _control(control)
        yield Text("")
    capabilities = [
        (_indexed(c.name, c.index), c.description, ", ".join((*c.refs, *(f"CWE-{n}" for n in c.cwes))))
        for c in lifecycle.capabilities
    ]
    yield from _section("capabilities of the attacker", _rows(("capability", "", "references"), capabilities))
    actions = [
        (a.name, a.actor, a.status, a.description)
        for _, group in groupby(lifecycle.actions, key=lambda a: a.actor)
        for a in group
    ]
    yield from _section("actions", _rows(("action", "by", "status", ""), actions))
    properties = [(p.name, p.kind, p.severity, p.text) for p in lifecycle.properties]
    yield from _section("properties", _rows(("property", "kind", "severity", ""), properties))
    for constraint in lifecycle.constraints:
        said = constraint.description or constraint.span.text.removeprefix("constraint ")
        yield Text(f"constraint: {clean(said)}")
    yield Text(f"next: keyfate check {clean(lifecycle.path)}", style="bold")


def _control(control: t.Control) -> Iterator[RenderableType]:
    yield _indented(f"{_indexed(control.name, control.index)} : {' | '.join(map(show_value, control.domain.values))}")
    if control.description:
        yield _indented(control.description, 6)
    for value, words in control.values:
        yield _indented(f"{show_value(value)}: {words}", 6)
    if control.evidence:
        yield _indented(f"evidence: {control.evidence}", 6)


def _indexed(name: str, index: Sequence[t.Domain]) -> str:
    return f"{name}[{', '.join(d.label for d in index)}]" if index else name


def _section(title: str, rows: RenderableType) -> Iterator[RenderableType]:
    yield Text(title, style="bold")
    yield rows
    yield Text("")


def _indented(words: str, by: int = 4) -> RenderableType:
    return Padding(Text(clean(words)), (0, 0, 0, by))


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]], indent: int = 2) -> RenderableType:
    filled = rows or [["none", *[""] * (len(head) - 1)]]
    return Rows(head, [[clean(cell) for cell in row] for row in filled], indent)
