"""Tseitin's encoding of and-inverter graphs as clauses, on demand of a cone.

Conjunctions are flattened: an inner gate that only one gate reads gets no variable of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyfate.engines.circuit import LEAF
from keyfate.engines.sat import Solver


class Encoding:
    """Variables of `solver` for the nodes of a graph, clauses added when a node is first asked for."""

    def __init__(self, left: Sequence[int], right: Sequence[int], solver: Solver) -> None:
        self._left = left
        self._right = right
        self._solver = solver
        self._variable: dict[int, int] = {}

    def bind(self, literal: int, variable: int) -> None:
        """Let the leaf `literal` be this variable."""
        self._variable[literal >> 1] = variable

    def constant(self) -> int:
        """The variable of node 0, which is false."""
        if 0 not in self._variable:
            self._variable[0] = self._solver.fresh()
            self._solver.add([-self._variable[0]])
        return self._variable[0]

    def knows(self, literal: int) -> bool:
        """Has this literal a variable?"""
        return literal >> 1 in self._variable

    def __getitem__(self, literal: int) -> int:
        """The solver's literal of a literal encoded before."""
        variable = self._variable[literal >> 1]
        return -variable if literal & 1 else variable

    def encode(self, roots: Iterable[int]) -> None:
        """Make `roots` known to the solver."""
        self.constant()
        left, right, variable, fresh = self._left, self._right, self._variable, self._solver.fresh
        wanted = [root for root in roots if root >> 1 not in variable]
        if not wanted:
            return
        nodes = self._missing(wanted)
        readers: dict[int, int] = dict.fromkeys(nodes, 0)
        for node in nodes:
            if left[node] != LEAF:
                for fan in (left[node], right[node]):
                    if fan >> 1 in readers:  # a negated reader needs the variable, as two readers do
                        readers[fan >> 1] += 2 if fan & 1 else 1
        for root in wanted:
            readers[root >> 1] += 2
        clauses: list[list[int]] = []
        for node in nodes:
            if left[node] == LEAF:
                variable[node] = fresh()
            elif readers[node] > 1:
                inner: list[int] = []
                stack = [right[node], left[node]]
                while stack:
                    fan = stack.pop()
                    at = fan >> 1
                    if at in variable:
                        inner.append(-variable[at] if fan & 1 else variable[at])
                    else:
                        stack.append(right[at])
                        stack.append(left[at])
                own = fresh()
                variable[node] = own
                for literal in inner:
                    clauses.append([-own, literal])
                clauses.append([own, *(-literal for literal in inner)])
        self._solver.extend(clauses)

    def _missing(self, roots: Iterable[int]) -> list[int]:
        """The nodes below `roots` that have no variable yet, in topological order."""
        seen: set[int] = set()
        stack = [root >> 1 for root in roots]
        while stack:
            node = stack.pop()
            if node not in seen and node not in self._variable:
                seen.add(node)
                if self._left[node] != LEAF:
                    stack.append(self._left[node] >> 1)
                    stack.append(self._right[node] >> 1)
        return sorted(seen)
