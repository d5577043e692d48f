"""A graph with Graphviz's attributes, written as DOT: the only door to pydot.

pydot decides by a text's looks whether to quote it: a colon makes it a port, `node` a default for all nodes,
`<b>` markup. So every name and value is quoted here, before pydot sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import pydot

from keyfate.language.rendering import escape

Attributes = Mapping[str, str]


@dataclass(frozen=True)
class Frame:
    """A subgraph: Graphviz draws one whose name begins with `cluster` as a frame, and lays out others' ranks."""

    name: str
    parent: str | None
    attributes: Attributes


class Plot:
    """Nodes and edges as they are drawn, each in the frame that it names.

    `upwards`: frames begin at the bottom, as those of a graph that runs sideways do for Graphviz.
    """

    def __init__(self, *, graph: Attributes, node: Attributes, edge: Attributes, upwards: bool = False) -> None:
        self._upwards = upwards
        self.graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self._defaults = {"graph": dict(graph), "node": dict(node), "edge": dict(edge)}
        self._frames: list[Frame] = []

    def frame(self, name: str, parent: str | None = None, **attributes: str) -> str:
        self._frames.append(Frame(name, parent, attributes))
        return name

    def node(self, name: str, frame: str | None = None, first: bool = False, /, **attributes: str) -> str:
        """`first`: ahead of the others in the text, where Graphviz begins to go along the edges."""
        self.graph.add_node(name, frame=frame, first=first, attributes=attributes)
        return name

    def edge(self, source: str, target: str, **attributes: str) -> None:
        for end in (source, target):
            if end not in self.graph:
                raise ValueError(f"an edge ends at `{end}`, which is no node")
        self.graph.add_edge(source, target, key=self.graph.number_of_edges(), attributes=attributes)

    def dot(self) -> str:
        """Nodes by frame, then edges."""
        whole = pydot.Dot(_quoted("keyfate"), graph_type="digraph")
        for of, attributes in self._defaults.items():
            whole.add_node(pydot.Node(of, **_all_quoted(attributes)))
        framed: dict[str | None, Any] = {None: whole}
        frames = self._frames[:: -1 if self._upwards else 1]
        nodes = [(name, self.graph.nodes[name]) for name in self.graph]
        for frame in frames:
            framed[frame.name] = pydot.Subgraph(_quoted(frame.name), **_all_quoted(frame.attributes))
        for name, data in sorted(nodes, key=lambda node: not node[1]["first"]):
            framed[data["frame"]].add_node(pydot.Node(_quoted(name), **_all_quoted(data["attributes"])))
        for frame in frames:
            framed[frame.parent].add_subgraph(framed[frame.name])
        edges = sorted(self.graph.edges(keys=True, data=True), key=lambda edge: edge[2])
        for source, target, _, data in edges:
            whole.add_edge(pydot.Edge(_quoted(source), _quoted(target), **_all_quoted(data["attributes"])))
        text: str = whole.to_string(indent=2)
        return text


def identifier(name: str) -> str:
    """`name` as the name of a node: itself, but backslashes, which DOT cannot have everywhere, are doubled, and
    what is invisible, or a percent sign at the beginning, by which Graphviz knows nodes without a name, is
    written as its code. No two names become one.

    A single backslash before a letter other than `x`, `u` and `U` stands in no such name: in ours it is the first.
    """
    found = escape(name.replace("\\", "\\\\"))
    return f"\\x25{found[1:]}" if found.startswith("%") else found


def label(lines: Sequence[str], end: str = "\\n") -> str:
    """Lines as a label that shows just these: no escape sequence and no entity of Graphviz's stands in them.

    `end`: `\\l` sets them flush left.
    """
    shown = [line.replace("\\", "\\\\").replace("&", "&amp;") for line in lines]
    return end.join(shown) + (end if end != "\\n" else "")


def _quoted(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _all_quoted(attributes: Attributes) -> dict[str, str]:
    return {name: _quoted(value) for name, value in sorted(attributes.items())}
