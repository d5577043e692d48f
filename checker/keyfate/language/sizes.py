"""How large one declaration may grow when its definitions and indices are written out."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from keyfate.language import typed as t
from keyfate.language.rewriting import measure, unrolled
from keyfate.language.source import Diagnostic, Span

LARGEST_TREE = 100_000
DEEPEST_TREE = 200
MOST_INSTANCES = 100_000
MOST_UNROLLED = 5_000_000  # nodes over all instances: what every engine walks at least once
MOST_STEPS = 1_000_000  # nodes over all instances of all actions: engines build gates for each, some minute's work


def too_many_steps(actions: Sequence[t.Action], sorts: Sequence[t.Sort]) -> Diagnostic | None:
    """What makes all actions together too large, if they are."""
    nodes = {action: prod(len(p.domain.values) for p in action.params) * unrolled(action) for action in actions}
    together = sum(nodes.values())
    if together <= MOST_STEPS:
        return None
    most = max(nodes, key=lambda action: nodes[action])
    return Diagnostic(
        "KF224",
        f"the actions have {together:,} nodes when written out for every member, the limit is {MOST_STEPS:,}: "
        f"{nodes[most]:,} are of `{most.name}`",
        most.span,
        help=_smaller(sorts),
    )


def too_big(node: object, name: str, span: Span, sorts: Sequence[t.Sort]) -> Diagnostic | None:
    """What makes the declaration `name` too large, if anything."""
    size, depth = measure(node)
    if depth > DEEPEST_TREE:
        return Diagnostic(
            "KF223",
            f"`{name}` nests {depth} deep when its definitions are expanded, the limit is {DEEPEST_TREE}",
            span,
            help="a chain of `def`s nests each in the next; say it flatter",
        )
    if size > LARGEST_TREE:
        return Diagnostic(
            "KF223",
            f"`{name}` grows past {LARGEST_TREE:,} nodes when its definitions are expanded",
            span,
            help="a `def` that uses another several times multiplies it; use fewer, or smaller sorts",
        )
    return _too_many(node, name, span, sorts)


def _too_many(node: object, name: str, span: Span, sorts: Sequence[t.Sort]) -> Diagnostic | None:
    if isinstance(node, t.AtomFamily):
        return None  # counted with the terms (KF303)
    params: tuple[t.Param, ...] = getattr(node, "params", getattr(node, "binders", ()))
    domains: tuple[t.Domain, ...] = getattr(node, "index", tuple(p.domain for p in params))
    instances = prod(len(domain.values) for domain in domains)
    nodes = instances * unrolled(node)
    if instances <= MOST_INSTANCES and nodes <= MOST_UNROLLED:
        return None
    many = f"{instances:,} instances, the limit is {MOST_INSTANCES:,}"
    if instances <= MOST_INSTANCES:
        many = f"{nodes:,} nodes when written out for every member, the limit is {MOST_UNROLLED:,}"
    return Diagnostic("KF224", f"`{name}` has {many}", span, help=_smaller(sorts))


def _smaller(sorts: Sequence[t.Sort]) -> str:
    sizes = ", ".join(f"`{sort.name}` {len(sort.members)}" for sort in sorts)
    now = f" (members now: {sizes})" if sizes else ""
    return f"use smaller sorts{now}, or fewer indices and quantifiers"
