"""What changes in a circuit when some of its leaves do, gate by gate in topological order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence

from keyfate.engines.circuit import LEAF, Circuit


def readers_of(circuit: Circuit) -> list[list[int]]:
    """Of each node, the gates that it is a fan-in of."""
    readers: list[list[int]] = [[] for _ in circuit.left]
    for node, (a, b) in enumerate(zip(circuit.left, circuit.right, strict=True)):
        if a != LEAF:
            readers[a >> 1].append(node)
            if a >> 1 != b >> 1:
                readers[b >> 1].append(node)
    return readers


def settle(gates: Iterable[int], readers: Sequence[Sequence[int]], again: Callable[[int], bool]) -> Iterator[int]:
    """Look `again` at `gates` and at all that read a gate which changed; gives the gates that did."""
    waiting = set(gates)
    heap = sorted(waiting)  # which is a heap
    while heap:
        node = heapq.heappop(heap)
        waiting.discard(node)
        if again(node):
            yield node
            for reader in readers[node]:
                if reader not in waiting:
                    waiting.add(reader)
                    heapq.heappush(heap, reader)
