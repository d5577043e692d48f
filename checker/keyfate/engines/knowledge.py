"""Deduction as a circuit (R7, R8): what follows from the terms at hand, in one state.

Two literals for a term. *Analysed*: it is at hand, or comes out of an analysed container whose key is known.
*Known*: it is analysed, or composed of known parts. They need each other along the key graph; where that is
acyclic each is one formula, and inside a cycle the least fixpoint is reached by as many rounds as there are
literals whose removal breaks all its cycles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from keyfate.engines.circuit import FALSE, TRUE, Graph
from keyfate.lifecycle.deduction import Deduction, rules_of
from keyfate.lifecycle.names import Atom, Compound, Term

Node = tuple[Literal["analysed", "known"], Term]


class Closure:
    """What follows from `base` (each term with the literal under which it is at hand) and what is public."""

    def __init__(self, graph: Graph, base: Mapping[Term, int], deduction: Deduction) -> None:
        self._graph = graph
        self._base = base
        # What can be known at all bounds what has to be looked at.
        self._knowable = deduction.closure(base)
        self._containers: dict[Term, list[tuple[Term, Term | None]]] = {}  # content -> containers with their keys
        pending = list(base)
        seen = set(pending)
        while pending:
            container = pending.pop()
            for rule in rules_of(container):
                if rule.kind == "decompose":
                    key = rule.premises[1] if len(rule.premises) > 1 else None
                    if key is None or key in self._knowable:
                        self._containers.setdefault(rule.conclusion, []).append((container, key))
                        if rule.conclusion not in seen:
                            seen.add(rule.conclusion)
                            pending.append(rule.conclusion)
        self._solved: dict[Node, int] = {}

    def known(self, term: Term) -> int:
        """The literal that says that `term` is known."""
        if term not in self._knowable:
            return FALSE
        node: Node = ("known", term)
        if node not in self._solved:
            for component in self._components(node):
                self._solve(component)
        return self._solved[node]

    def _needs(self, node: Node) -> list[Node]:
        kind, term = node
        if isinstance(term, Atom) and term.public:
            return []
        if kind == "known":
            needs: list[Node] = []
            if term in self._base or term in self._containers:
                needs.append(("analysed", term))
            if isinstance(term, Compound) and all(arg in self._knowable for arg in term.args):
                needs.extend(("known", arg) for arg in term.args)
            return needs
        needs = []
        for container, key in self._containers.get(term, ()):
            needs.append(("analysed", container))
            if key is not None:
                needs.append(("known", key))
        return needs

    def _value(self, node: Node, values: Mapping[Node, int]) -> int:
        kind, term = node
        graph = self._graph
        if isinstance(term, Atom) and term.public:
            return TRUE
        if kind == "known":
            composed = FALSE
            if isinstance(term, Compound) and all(arg in self._knowable for arg in term.args):
                composed = graph.all(values["known", arg] for arg in term.args)
            if term in self._base or term in self._containers:
                return graph.either(values["analysed", term], composed)
            return composed
        ways = [self._base.get(term, FALSE)]
        for container, key in self._containers.get(term, ()):
            opened = values["analysed", container]
            ways.append(opened if key is None else graph.both(opened, values["known", key]))
        return graph.any(ways)

    def _components(self, root: Node) -> list[list[Node]]:
        """The strongly connected components below `root` that are not solved, each after those it needs
        (Tarjan 1972, without recursion); inside a component, in the order in which the search left its nodes."""
        number: dict[Node, int] = {root: 0}
        low: dict[Node, int] = {root: 0}
        open_nodes: list[Node] = [root]
        inside = {root}
        left: dict[Node, int] = {}
        components = []
        walk = [(root, iter(self._needs(root)))]
        while walk:
            node, needs = walk[-1]
            for need in needs:
                if need in self._solved:
                    continue
                if need not in number:
                    number[need] = low[need] = len(number)
                    open_nodes.append(need)
                    inside.add(need)
                    walk.append((need, iter(self._needs(need))))
                    break
                if need in inside:
                    low[node] = min(low[node], number[need])
            else:
                walk.pop()
                left[node] = len(left)
                if walk:
                    parent = walk[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == number[node]:
                    component = []
                    while True:
                        member = open_nodes.pop()
                        inside.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    component.sort(key=lambda member: left[member])
                    components.append(component)
        return components

    def _solve(self, component: list[Node]) -> None:
        solved = self._solved
        if len(component) == 1:
            node = component[0]
            solved[node] = FALSE  # read only where the node needs itself
            solved[node] = self._value(node, solved)
            return
        place = {node: at for at, node in enumerate(component)}
        early = {
            need
            for node in component
            for need in self._needs(node)
            if need in place and place[need] >= place[node]  # read before it is computed: breaks every cycle
        }
        for node in component:
            solved[node] = FALSE
        for _ in range(len(early) + 1):
            before = [solved[node] for node in early]
            for node in component:
                solved[node] = self._value(node, solved)
            if before == [solved[node] for node in early]:
                break
