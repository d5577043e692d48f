"""Substitution in typed trees, free variables, and size: generic over all node types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from keyfate.language import typed as t
from keyfate.language.source import Span

Node = TypeVar("Node")


def parts(node: object) -> Iterable[str]:
    """Names of the fields of a dataclass's instance, none for anything else.

    `dataclasses.fields` builds a tuple at each call, and trees ask very often.
    """
    names: Iterable[str] = getattr(type(node), "__dataclass_fields__", ())
    return names


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
    names = parts(node)
    if not names or isinstance(node, t.Param | t.Domain | t.Message | Span):
        return node
    changed = {}
    for name in names:
        old = getattr(node, name)
        if isinstance(old, str | int | bool | None):
            continue
        new = _substitute(old, values, past)
        if new is not old:
            changed[name] = new
    if not changed:
        return node
    build: Any = type(node)
    rebuilt = build(**{name: changed.get(name, getattr(node, name)) for name in names})
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
    if isinstance(node, t.Param | t.Domain | t.Message | Span):
        return frozenset()
    below = (getattr(node, name) for name in parts(node) if name != "free")
    return frozenset().union(*map(free_variables, below))


def unrolled(node: object, memo: dict[int, int] | None = None) -> int:
    """How many nodes the tree has when each binder in it stands written out for every member."""
    memo = {} if memo is None else memo
    known = memo.get(id(node))
    if known is not None:
        return known
    total = 0
    if isinstance(node, tuple):
        total = sum(unrolled(item, memo) for item in node)
    elif not isinstance(node, t.Param | t.Domain | t.Message | Span) and (names := parts(node)):
        total = 1 + sum(unrolled(getattr(node, name), memo) for name in names)
        if isinstance(node, t.Quantifier | t.ForEach):
            total *= len(node.param.domain.values)
    memo[id(node)] = total
    return total


def measure(node: object, memo: dict[int, tuple[int, int]] | None = None) -> tuple[int, int]:
    """How many nodes the tree has when shared parts are counted each time they occur, and how deep it is."""
    memo = {} if memo is None else memo
    known = memo.get(id(node))
    if known is not None:
        return known
    own = 0
    below: list[object] = []
    if isinstance(node, tuple):
        below.extend(node)
    elif not isinstance(node, t.Param | t.Domain | t.Message | Span) and (names := parts(node)):
        own = 1
        below.extend(getattr(node, name) for name in names)
    measured = [measure(part, memo) for part in below]
    total = own + sum(size for size, _ in measured), own + max((depth for _, depth in measured), default=0)
    memo[id(node)] = total
    return total
