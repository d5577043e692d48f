"""And-inverter graphs, and the frozen sequential circuit that the engines decide.

A literal is `2 * node + sign`, as in AIGER (Biere, Heljanko, Wieringa: AIGER 1.9 and beyond, 2011):
even is the node itself, odd its negation, 0 false, 1 true. Nodes stand in topological order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keyfate.lifecycle.names import Bit

FALSE = 0
TRUE = 1
LEAF = -1  # both fan-ins of a node that is no gate


class Graph:
    """A growing and-inverter graph with structural hashing and constant folding."""

    def __init__(self) -> None:
        self.left: list[int] = [LEAF]  # node 0 is the constant false
        self.right: list[int] = [LEAF]
        self._gates: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.left)

    def leaf(self) -> int:
        """A new input or latch output, as a positive literal."""
        self.left.append(LEAF)
        self.right.append(LEAF)
        return 2 * len(self.left) - 2

    def both(self, a: int, b: int) -> int:
        """`a and b`."""
        if a > b:
            a, b = b, a
        if a < 2:
            return b if a else FALSE
        if a == b:
            return a
        if a ^ b == 1:
            return FALSE
        known = self._gates.get((a, b))
        if known is not None:
            return known
        # One level of absorption: b stands above a, so only b's fan-ins can repeat a.
        c = self.left[b >> 1]
        if c != LEAF:
            d = self.right[b >> 1]
            if b & 1:
                if a ^ c == 1 or a ^ d == 1:
                    return a
                if a == c:
                    return self.both(a, d ^ 1)
                if a == d:
                    return self.both(a, c ^ 1)
            else:
                if a in (c, d):
                    return b
                if a ^ c == 1 or a ^ d == 1:
                    return FALSE
        self.left.append(a)
        self.right.append(b)
        literal = 2 * len(self.left) - 2
        self._gates[a, b] = literal
        return literal

    def either(self, a: int, b: int) -> int:
        """`a or b`."""
        return self.both(a ^ 1, b ^ 1) ^ 1

    def all(self, literals: Iterable[int]) -> int:
        """All hold; true of none."""
        listed = list(literals)
        if len(listed) < 3:  # most of the time
            return self.both(*listed) if len(listed) == 2 else listed[0] if listed else TRUE
        result = TRUE
        for literal in sorted(set(listed)):
            result = self.both(result, literal)
            if result == FALSE:
                return FALSE
        return result

    def any(self, literals: Iterable[int]) -> int:
        """Some hold; false of none."""
        return self.all([literal ^ 1 for literal in literals]) ^ 1

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        """`then` where `condition` holds, else `otherwise`."""
        if then == otherwise:
            return then
        return self.either(self.both(condition, then), self.both(condition ^ 1, otherwise))


@dataclass(frozen=True)
class Latch:
    """One bit of state. `literal` is its leaf, `next` its next value.

    `initial` is a literal over latches that start free (constants most of the time), or None: it starts free.
    A `frozen` latch never changes (`next` is `literal`). `name` says what the bit means.
    """

    literal: int
    next: int
    initial: int | None
    frozen: bool
    name: Bit


@dataclass(frozen=True)
class Circuit:
    """A sequential circuit and the question whether `bad` can ever hold.

    `constraint` is over frozen latches and holds always. `known` are clauses over latch literals that the
    first states satisfy by definition and that every step keeps: of the values of one state exactly one holds.
    `bad` holds where one of `parts` does.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    inputs: tuple[int, ...]
    latches: tuple[Latch, ...]
    constraint: int
    known: tuple[tuple[int, ...], ...]
    bad: int
    parts: tuple[int, ...]

    def evaluate(self, leaves: Mapping[int, int], mask: int = 1) -> list[int]:
        """The value of every node, where `leaves` gives those of the leaves by literal (0 where missing).

        Values are bit vectors of which `mask` has every bit set: many simulations at once.
        """
        return evaluate(self.left, self.right, leaves, mask)


def cone(of: Graph | Circuit, roots: Iterable[int]) -> set[int]:
    """The nodes that these literals depend on, their own among them."""
    seen: set[int] = set()
    stack = [root >> 1 for root in roots]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            if of.left[node] != LEAF:
                stack += (of.left[node] >> 1, of.right[node] >> 1)
    return seen


def evaluate(left: Sequence[int], right: Sequence[int], leaves: Mapping[int, int], mask: int = 1) -> list[int]:
    """As Circuit.evaluate, of any graph."""
    values = [0] * len(left)
    for literal, value in leaves.items():
        values[literal >> 1] = value & mask
    for node in range(1, len(left)):
        a = left[node]
        if a != LEAF:
            b = right[node]
            x = values[a >> 1] ^ (mask if a & 1 else 0)
            values[node] = x & (values[b >> 1] ^ (mask if b & 1 else 0))
    return values


def value_of(values: Sequence[int], literal: int, mask: int = 1) -> int:
    """A literal's value, given its nodes'."""
    return values[literal >> 1] ^ (mask if literal & 1 else 0)
