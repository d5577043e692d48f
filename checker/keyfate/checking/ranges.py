"""Ranges of numbers that a lifecycle counts in: what holds up to their ends need not hold behind them (R5)."""

from __future__ import annotations

from keyfate.language import typed as t
from keyfate.lifecycle.trees import nodes


def counted(lifecycle: t.Lifecycle) -> tuple[str, ...]:
    """Every range in which some action counts, with its ends."""
    ends = {(n.low, n.high) for a in lifecycle.actions for n in nodes(a.effects) if isinstance(n, t.Plus)}
    ranges = [s for s in lifecycle.sorts if s.ordered and (s.members[0], s.members[-1]) in ends]
    return tuple(f"{s.name} {s.members[0]} .. {s.members[-1]}" for s in ranges)
