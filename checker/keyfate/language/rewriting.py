"""Substitution in typed trees, free variables, and size: generic over all node types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from keyfate.language import typed as t
from keyfate.language.source import Span

Node = TypeVar("Node")


def substitute(node: Node, values: Mapping[str, t.ValueExpr | t.TermExpr], past: Callable[[t.Past], t.Past]) -> Node:
    """`node` with variables replaced. `past` gives each rewritten past operator its identity.

    Bound variables have unique names, so nothing is captured. Unchanged parts are shared.
    """
    if not values:
        return node
    result: Node = _substitute(node, values, past)
    return result


def _substitute(node: Any, values: Mapping[str, Any], past: Callable[[t.Past], t.Past]) -> Any:
    if isinstance(node, t.Var | t.MessageVar):
        return values.get(node.name, node)
    if isinstance(node, tuple):
        items = tuple(_substitute(item, values, past) for item in node)
        return node if all(a is b for a, b in zip(items, node, strict=True)) else items
    if not is_dataclass(node) or isinstance(node, t.Param | t.Domain | t.Message | Span):
        return node
    changed = {}
    for f in fields(node):
        old = getattr(node, f.name)
        if isinstance(old, str | int | bool | None):
            continue
        new = _substitute(old, values, past)
        if new is not old:
            changed[f.name] = new
    if not changed:
        return node
    build: Any = type(node)
    rebuilt = build(**{f.name: changed.get(f.name, getattr(node, f.name)) for f in fields(node)})
    return past(rebuilt) if isinstance(rebuilt, t.Past) else rebuilt


def free_variables(node: object) -> frozenset[str]:
    """Names of the variables that `node` leaves unbound."""
    if isinstance(node, t.Var | t.MessageVar):
        return frozenset((node.name,))
    if isinstance(node, t.Quantifier):
        return free_variables(node.body) - {node.param.name}
    if isinstance(node, t.ForEach):
        return (free_variables(node.where) | free_variables(node.body)) - {node.param.name}
    if isinstance(node, tuple):
        return frozenset().union(*(free_variables(item) for item in node))
    if not is_dataclass(node) or isinstance(node, t.Param | t.Domain | t.Message | Span):
        return frozenset()
    return frozenset().union(*(free_variables(getattr(node, f.name)) for f in fields(node) if f.name != "free"))


def measure(node: object, memo: dict[int, tuple[int, int]] | None = None) -> tuple[int, int]:
    """How many nodes the tree has when shared parts are counted each time they occur, and how deep it is."""
    memo = {} if memo is None else memo
    known = memo.get(id(node))
    if known is not None:
        return known
    own = 0
    parts: list[object] = []
    if isinstance(node, tuple):
        parts.extend(node)
    elif is_dataclass(node) and not isinstance(node, t.Param | t.Domain | t.Message | Span):
        own = 1
        parts.extend(getattr(node, f.name) for f in fields(node))
    measured = [measure(part, memo) for part in parts]
    total = own + sum(size for size, _ in measured), own + max((depth for _, depth in measured), default=0)
    memo[id(node)] = total
    return total
