"""What every kind and every mark looks like, and what the legend calls it.

No two kinds share a shape or a kind of line, and every mark changes a border, a line or a word: colour
only repeats what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import get_args

from keyfate.diagrams.figure import EdgeKind, Figure, Mark, MessageKind, NodeKind, Sequence


@dataclass(frozen=True)
class NodeStyle:
    """`shape` and `style` are Graphviz's, `around` what Mermaid puts around a label; `said` stands in it."""

    word: str
    shape: str
    fill: str
    around: tuple[str, str]
    style: str = ""
    said: str = ""
    said_in_mermaid: str = ""  # which has fewer shapes


@dataclass(frozen=True)
class EdgeStyle:
    """`line` is Graphviz's style, `link` Mermaid's arrow and `strokes` what its line is made of."""

    word: str
    head: str
    color: str
    link: str
    line: str = "solid"
    width: float = 1.0
    strokes: str = ""
    prefix: str = ""


@dataclass(frozen=True)
class MarkStyle:
    """`said` stands in the label; `style`, `width` and `borders` are Graphviz's, `strokes` Mermaid's."""

    word: str
    said: str = ""
    said_in_mermaid: str = ""
    style: str = ""
    width: float = 0.0
    borders: int = 1
    strokes: str = ""


@dataclass(frozen=True)
class MessageStyle:
    """Of what goes from lane to lane; `said` stands before the label, `called` is Mermaid's arrow in words."""

    word: str
    head: str
    line: str
    color: str
    arrow: str
    called: str
    said: str = ""


MESSAGES: Mapping[MessageKind, MessageStyle] = {
    "acts": MessageStyle("acts, and moves nothing", "none", "solid", "#333333", "->", "back to itself"),
    "writes": MessageStyle("writes into a place", "normal", "solid", "#333333", "->>", "solid arrow"),
    "erases": MessageStyle("erases from a place", "teeempty", "dashed", "#333333", "-x", "crossed end", "erases "),
    "seen": MessageStyle("seen by the attacker", "inv", "dotted", "#b00020", "-->>", "dashed arrow"),
}

NODES: Mapping[NodeKind, NodeStyle] = {
    "state": NodeStyle("state", "box", "#f4f6fa", ("(", ")"), style="rounded"),
    "root": NodeStyle("secret that follows from nothing", "octagon", "#ffe9b8", ("{{", "}}")),
    "derived": NodeStyle("derived one way", "box", "#fff6dd", ("[", "]")),
    "sealed": NodeStyle("sealed: opens with a key", "folder", "#e4ecfb", ("[[", "]]")),
    "place": NodeStyle("place", "cylinder", "#e9e6f7", ("[(", ")]")),
    "actor": NodeStyle("component that acts", "component", "#e0f1ef", ("[/", "\\]")),
    "attacker": NodeStyle("attacker", "hexagon", "#fbdcd6", ("[\\", "/]")),
    "capability": NodeStyle("capability of the attacker", "parallelogram", "#fdeae4", (">", "]")),
    "goal": NodeStyle("what is to be reached", "invhouse", "#fbdcd6", ("[\\", "\\]"), said_in_mermaid="«goal»"),
    "and": NodeStyle("all below it are needed", "invtrapezium", "#ffffff", ("[/", "/]"), said="AND"),
    "or": NodeStyle("one below it is enough", "trapezium", "#ffffff", ("{", "}"), said="OR"),
    "fact": NodeStyle("seen, held or public", "underline", "#f3f3f3", ("[", "]"), said_in_mermaid="«fact»"),
}

EDGES: Mapping[EdgeKind, EdgeStyle] = {
    "step": EdgeStyle("action", "normal", "#333333", "-->"),
    "derives": EdgeStyle("derives", "empty", "#7a5900", "--o"),
    "opens": EdgeStyle("opens", "odiamond", "#1f4e9c", "-.-o"),
    "holds": EdgeStyle("holds", "dot", "#4b3f8f", "-.-", line="dotted", width=1.4),
    "flow": EdgeStyle("flow", "vee", "#333333", "==>"),
    "crossing": EdgeStyle(
        "flow across a trust boundary",
        "normalnormal",
        "#a33b00",
        "==>",
        width=1.8,
        strokes="stroke-dasharray:14 3",
        prefix="╫ ",
    ),
    "exposed": EdgeStyle("exposed to", "curve", "#b00020", "-.->", line="dotted", width=1.8),
    "leak": EdgeStyle("leaked to", "inv", "#b00020", "-.-x", line="dotted", width=2.2),
    "needs": EdgeStyle("needs", "none", "#333333", "---"),
}

MARKS: Mapping[Mark, MarkStyle] = {
    "initial": MarkStyle("where it begins"),  # an arrow out of a dot
    "target": MarkStyle("what it all leads to", borders=2, said_in_mermaid="«end»"),
    "unreachable": MarkStyle("never reached", style="dashed", strokes="stroke-dasharray:5 4"),
    "traced": MarkStyle("on the trace", width=3.4, strokes="stroke-width:4px"),
    "fallen": MarkStyle("known with what falls", said="× falls", width=2.4, strokes="stroke-width:3px"),
    "volatile": MarkStyle("forgets without power", said="«volatile»"),
    "persistent": MarkStyle("keeps without power", said="«persistent»"),
    "undecided": MarkStyle("not decided", said="«not decided»", style="dotted", strokes="stroke-dasharray:1 4"),
}

MARK_ORDER: tuple[Mark, ...] = get_args(Mark)


def message_kinds(sequence: Sequence) -> tuple[MessageKind, ...]:
    """Those that occur, in the order of their list."""
    used = {message.kind for moment in sequence.moments for message in moment.messages}
    return tuple(kind for kind in MESSAGES if kind in used)


@dataclass(frozen=True)
class Legend:
    """The kinds and marks that occur in a figure, in the order of their lists.

    A mark of both is shown on a node.
    """

    nodes: tuple[NodeKind, ...]
    edges: tuple[EdgeKind, ...]
    node_marks: tuple[Mark, ...]
    edge_marks: tuple[Mark, ...]
    boundary: bool


def legend(figure: Figure) -> Legend:
    node_kinds = {node.kind for node in figure.nodes}
    edge_kinds = {edge.kind for edge in figure.edges}
    node_marks = {mark for node in figure.nodes for mark in node.marks}
    edge_marks = {mark for edge in figure.edges for mark in edge.marks} - node_marks
    return Legend(
        nodes=tuple(kind for kind in NODES if kind in node_kinds),
        edges=tuple(kind for kind in EDGES if kind in edge_kinds),
        node_marks=tuple(mark for mark in MARKS if mark in node_marks),
        edge_marks=tuple(mark for mark in MARKS if mark in edge_marks),
        boundary=any(cluster.boundary for cluster in figure.clusters),
    )


def heading(kind: NodeKind, marks: Iterable[Mark], *, mermaid: bool = False) -> list[str]:
    """What kind and marks say above a node's label, if anything."""
    look = NODES[kind]
    return [*filter(None, [look.said or (look.said_in_mermaid if mermaid else ""), said(marks, mermaid=mermaid)])]


def said(marks: Iterable[Mark], *, mermaid: bool = False, edge: bool = False) -> str:
    """What `marks` say in a label, in their order; an edge says what a node's border shows."""
    words = []
    for mark in sorted(marks, key=MARK_ORDER.index):
        style = MARKS[mark]
        word = style.said or (style.said_in_mermaid if mermaid else "")
        if edge and not word and not style.strokes:
            word = f"«{style.word}»"
        words.append(word)
    return " ".join(filter(None, words))
