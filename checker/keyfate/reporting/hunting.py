"""What random walks came by, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from keyfate.checking.naming import plain
from keyfate.checking.results import BROKEN, DIVERGED, MET
from keyfate.checking.wording import listed
from keyfate.lifecycle.problem import Trace
from keyfate.policy.policy import Policy
from keyfate.reporting.text import printed
from keyfate.reporting.words import BROKEN_MARK, MET_MARK, clean, count

if TYPE_CHECKING:
    from keyfate.twin.hunt import HuntResult


def hunt_status(result: HuntResult) -> int:
    """5 where twin and interpreter disagree, 1 where a property broke, else 0."""
    return DIVERGED if result.disagreements else BROKEN if result.breaks else MET


def hunt_text(policy: Policy, result: HuntResult, *, color: bool = False, width: int | None = None) -> str:
    """Each break and disagreement as a trace; else how far the walks came."""
    return printed(_parts(policy, result), color=color, width=width)


def _parts(policy: Policy, result: HuntResult) -> Iterator[RenderableType]:
    for found in result.disagreements:
        yield Text(f"{BROKEN_MARK} twin and interpreter disagree: {clean(found.reason)}", style="bold red")
        yield from _trace(policy, found.trace)
    for broken in result.breaks:
        rule = broken.property
        yield Text(f"{BROKEN_MARK} {clean(rule.name)} broken on bytes: {clean(rule.broken or rule.text)}", style="red")
        yield from _trace(policy, broken.trace)
    covered = (
        f"{count(result.walks, 'walk')}, {count(result.steps, 'step')}, {count(result.states, 'different state')}, "
        f"{len(result.actions)} of {count(result.actions_total, 'action')}"
    )
    if result.breaks or result.disagreements:
        yield Text(f"{BROKEN_MARK} {covered}")
        first = result.breaks[0].property.name if result.breaks else None
        if first is not None:
            yield Text(f"next: keyfate explain {policy.path} {first}", style="bold")
        return
    missed = [a.name for a in policy.lifecycle.actions if a.name not in result.actions]
    yield Text(f"{MET_MARK} nothing broke: {covered}")
    if missed:
        yield Text(f"never happened: {clean(', '.join(missed))}")
    yield Text("a walk that finds nothing proves nothing", style="dim")
    yield Text(f"next: keyfate check {policy.path}", style="bold")


def _trace(policy: Policy, trace: Trace) -> Iterator[RenderableType]:
    fixed = policy.settings
    here = {str(n): plain(v) for n, v in trace.controls if n not in fixed.controls}
    on = [str(n) for n, value in trace.capabilities if value]
    if here:
        yield Padding(Text(f"with {clean(listed(here))}"), (0, 0, 0, 4))
    if on:
        yield Padding(Text(f"capabilities {clean(', '.join(on))}"), (0, 0, 0, 4))
    for name, value in trace.initial:
        yield Padding(Text(f"at first {clean(listed({str(name): plain(value)}))}"), (0, 0, 0, 4))
    for number, action in enumerate(trace.actions, start=1):
        yield Padding(Text(f"{number}. {clean(str(action))}"), (0, 0, 0, 4))
