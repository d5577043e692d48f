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
        readers = self._readers(wanted)
        clauses: list[list[int]] = []
        for node in sorted(readers):
            a = left[node]
            if a == LEAF:
                variable[node] = fresh()
            elif readers[node] > 1:
                inner: list[int] = []
                stack = [right[node], a]
                while stack:
                    fan = stack.pop()
                    at = fan >> 1
                    known = variable.get(at)
                    if known is not None:
                        inner.append(-known if fan & 1 else known)
                    else:
                        stack.append(right[at])
                        stack.append(left[at])
                variable[node] = own = fresh()
                clauses += [[-own, literal] for literal in inner]
                clauses.append([own, *[-literal for literal in inner]])
        self._solver.extend(clauses)

    def _readers(self, roots: Iterable[int]) -> dict[int, int]:
        """The nodes below `roots` that have no variable yet, each with how often it is read. What a root or a
        negation reads needs a variable, as what is read twice does, and counts as two."""
        left, right, variable = self._left, self._right, self._variable
        readers = dict.fromkeys([root >> 1 for root in roots], 2)
        stack = list(readers)
        while stack:
            node = stack.pop()
            a = left[node]
            if a == LEAF:
                continue
            for fan in (a, right[node]):
                at = fan >> 1
                if at not in variable:
                    count = readers.get(at)
                    if count is None:
                        stack.append(at)
                        count = 0
                    readers[at] = count + (2 if fan & 1 else 1)
        return readers
