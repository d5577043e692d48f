"""Walking the typed tree: what every reader of it needs and nothing that gives it meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keyfate.language.rewriting import parts
from keyfate.language.source import Span
from keyfate.language.typed import Domain, ForEach, Lifecycle, Message, MessageVar, Param, Past, Quantifier, Var

_LEAVES = (str, int, type(None), Span, Domain, Message)


def children(node: object) -> Iterator[object]:
    """The nodes directly below `node`, in the order of its fields; spans and values are no nodes."""
    found: list[object] = []
    for name in parts(node):
        _gather(getattr(node, name), found)
    return iter(found)


def _gather(value: object, found: list[object]) -> None:
    """A list is filled, not a generator asked for each field: every reader of the tree walks all of it."""
    if isinstance(value, tuple):
        for item in value:
            _gather(item, found)
    elif not isinstance(value, _LEAVES) and parts(value):
        found.append(value)


def nodes(node: object) -> Iterator[object]:
    """`node` and everything below it, parents first. A tuple of nodes will do as well."""
    pending: list[object] = []
    _gather(node, pending)
    pending.reverse()
    while pending:
        present = pending.pop()
        yield present
        pending.extend(reversed(tuple(children(present))))


def free_variables(node: object) -> frozenset[str]:
    """The names of the variables that occur in `node` and are bound outside it."""
    if isinstance(node, Var | MessageVar):
        return frozenset({node.name})
    if isinstance(node, Past):
        return frozenset(node.free)
    inner: frozenset[str] = frozenset().union(*map(free_variables, children(node)))
    return inner - {node.param.name} if isinstance(node, Quantifier | ForEach) else inner


def parameters(lifecycle: Lifecycle) -> Mapping[str, Param]:
    """Every bound variable of the lifecycle, by its unique name."""
    return {node.name: node for node in nodes(lifecycle) if isinstance(node, Param)}
