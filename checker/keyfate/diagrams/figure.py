"""What a diagram shows, before anything is said about how it is drawn.

A figure is data: a set of nodes and edges that a test can compare with one computed another way. Who draws it
(`dot`, `mermaid`) gives every kind and every mark a shape or a line of its own; colour only repeats what they say.
Texts are the lifecycle's own, whatever they hold: escaping is the drawers' matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NodeKind = Literal[
    "state",  # a value of a state variable, or a joint state
    "root",  # a secret: nothing that it follows from
    "derived",  # kdf, hash, mac, sign, pub: what follows one way
    "sealed",  # enc, seal, wrap, page, aenc: what opens with a key
    "place",
    "actor",  # a component, where it acts
    "attacker",
    "capability",
    "goal",  # what was to be reached
    "and",  # everything below is needed
    "or",  # one of what is below is enough
    "fact",  # a leaf: seen, held or public
]
EdgeKind = Literal["step", "derives", "opens", "holds", "flow", "crossing", "exposed", "leak", "needs"]
MessageKind = Literal["acts", "writes", "erases", "seen"]
Mark = Literal["initial", "target", "unreachable", "traced", "fallen", "volatile", "persistent", "undecided"]
Direction = Literal["down", "right"]


@dataclass(frozen=True)
class Node:
    """`name` is unique in its figure and stable from run to run; `label` is what people read, its lines as they are."""

    name: str
    label: str
    kind: NodeKind
    cluster: str | None = None
    marks: frozenset[Mark] = frozenset()


@dataclass(frozen=True)
class Edge:
    """Several edges may join the same two nodes. `label` may be empty."""

    source: str
    target: str
    label: str
    kind: EdgeKind
    marks: frozenset[Mark] = frozenset()


@dataclass(frozen=True)
class Cluster:
    """A frame around nodes. `boundary`: crossing it is crossing a trust boundary (R3)."""

    name: str
    label: str
    parent: str | None = None
    boundary: bool = False


@dataclass(frozen=True)
class Figure:
    """Nodes, edges and frames in the order in which they are drawn; `notes` stand below, as sentences.

    The legend is not here: who draws knows which kinds and marks occur, and what each looks like.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    clusters: tuple[Cluster, ...] = ()
    direction: Direction = "down"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lane:
    """A vertical line of a sequence: who acts, a place, or the attacker."""

    name: str
    label: str
    kind: Literal["actor", "attacker", "place"]


@dataclass(frozen=True)
class Message:
    """Something that goes from lane to lane, or stays in one (`source` = `target`)."""

    source: str
    target: str
    label: str
    kind: MessageKind


@dataclass(frozen=True)
class Moment:
    """One step of a trace (0: the first state): what it is called, its messages, and `state`, what it changed, in
    words. `knows` is everything that the attacker has seen by then, and can compute of what the property asks for."""

    number: int
    label: str
    messages: tuple[Message, ...]
    state: tuple[str, ...] = ()
    knows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sequence:
    """A trace over lanes. `outcome` says what the last moment breaks or reaches."""

    title: str
    lanes: tuple[Lane, ...]
    moments: tuple[Moment, ...]
    outcome: str
    notes: tuple[str, ...] = ()


Drawing = Figure | Sequence


class UndrawableError(Exception):
    """Something that has no such picture: `message` says why, `help` what can be drawn instead."""

    def __init__(self, message: str, help: str) -> None:
        self.message, self.help = message, help
        super().__init__(message)
