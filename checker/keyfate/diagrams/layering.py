"""Which way a figure runs: a wide one is read sideways, since labels are wider than high."""

from __future__ import annotations

from collections import Counter

import networkx as nx

from keyfate.diagrams.figure import Direction, Figure

BROAD = 9
"""So many nodes beside each other are more than a page holds."""


def direction(figure: Figure) -> Direction:
    """The figure's own, unless that puts too many nodes beside each other."""
    return "right" if figure.direction == "right" or _breadth(figure) > BROAD else "down"


def _breadth(figure: Figure) -> int:
    """How many nodes stand beside each other if each stands below all that lead to it."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(node.name for node in figure.nodes)
    graph.add_edges_from((edge.source, edge.target) for edge in figure.edges)
    components = nx.condensation(graph)  # what lies on a cycle counts as one below the other
    ranks: dict[int, int] = {}
    for component in nx.topological_sort(components):
        ranks[component] = max((ranks[above] + 1 for above in components.predecessors(component)), default=0)
    return max(Counter(ranks.values()).values(), default=0)
