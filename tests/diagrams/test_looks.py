"""Every kind and every mark is told apart without colour, and the legend tells what it means."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from typing import get_args

import pytest

from diagrams.reading import seen
from diagrams.sketches import story
from keyfate.diagrams.dot import dot
from keyfate.diagrams.figure import Cluster, Drawing, Edge, EdgeKind, Figure, Mark, Message, Node, NodeKind
from keyfate.diagrams.mermaid import mermaid
from keyfate.diagrams.styles import EDGES, MARKS, MESSAGES, NODES

DRAWERS = {"dot": dot, "mermaid": mermaid}


def bare(drawing: Drawing, name: str) -> str:
    """What is drawn, without colours, without the legend, and without the names that only the text has."""
    text = DRAWERS[name](drawing)
    if name == "dot":
        text = re.sub(r'(?:fill|font|bg|pen)?color="[^"]*"[,;]? ?', "", text)
        return "\n".join(line for line in text.split("\n") if "\\legend" not in line and "\\row" not in line)
    text = re.sub(r"(?:fill|stroke|color):#\w+,?", "", text)
    kept = [line for line in text.split("\n") if "legend" not in line or line.strip().startswith("class ")]
    for old in re.findall(r"classDef (\w+) (.*)", text):  # a class is what it looks like
        kept = [re.sub(rf"\b{old[0]}$", old[1], line) for line in kept if not line.startswith(f"  classDef {old[0]} ")]
    kept = [re.sub(r",?legend\w*", "", line) for line in kept]
    return "\n".join(line for line in kept if not re.fullmatch(r"  class\s+\S*", line.rstrip()))


def one(kind: NodeKind = "state", marks: frozenset[Mark] = frozenset()) -> Figure:
    return Figure("t", (Node("a", "a", kind, marks=marks), Node("b", "b", "state")), ())


def joined(kind: EdgeKind = "step", marks: frozenset[Mark] = frozenset()) -> Figure:
    nodes = (Node("a", "a", "state"), Node("b", "b", "state"))
    return Figure("t", nodes, (Edge("a", "b", "word", kind, marks),))


@pytest.mark.parametrize("drawer", DRAWERS)
def test_colour_is_never_the_only_sign(drawer):
    nodes = {kind: bare(one(kind), drawer) for kind in get_args(NodeKind)}
    edges = {kind: bare(joined(kind), drawer) for kind in get_args(EdgeKind)}
    for looks in (nodes, edges):
        for left, right in combinations(looks, 2):
            assert looks[left] != looks[right], f"{left} and {right} look the same"
    for kind in ("state", "place", "root", "fact"):
        marked = {mark: bare(one(kind, frozenset([mark])), drawer) for mark in get_args(Mark)}
        assert len({bare(one(kind), drawer), *marked.values()}) == len(marked) + 1
    for line in get_args(EdgeKind):
        marked = {mark: bare(joined(line, frozenset([mark])), drawer) for mark in get_args(Mark)}
        assert len({bare(joined(line), drawer), *marked.values()}) == len(marked) + 1


@pytest.mark.parametrize("drawer", DRAWERS)
def test_a_trust_boundary_is_told_from_a_frame(drawer):
    nodes = (Node("a", "a", "actor", cluster="c"),)
    inside, frame = (Figure("t", nodes, (), (Cluster("c", "host", boundary=boundary),)) for boundary in (True, False))
    assert bare(inside, drawer) != bare(frame, drawer)
    assert "trust boundary" in bare(inside, drawer)


@pytest.mark.parametrize("drawer", DRAWERS)
def test_messages_are_told_apart(drawer):
    first = story().moments[2]
    looks = set()
    for kind in MESSAGES:
        message = Message("actor:package", "place:disk[alpha]", "word", kind)
        looks.add(bare(replace(story(), moments=(replace(first, messages=(message,)),)), drawer))
    assert len(looks) == len(MESSAGES)


def everything() -> Figure:
    """Each kind and mark once."""
    nodes = [Node(kind, kind, kind) for kind in get_args(NodeKind)]
    nodes += [Node(mark, mark, "place", marks=frozenset([mark])) for mark in get_args(Mark)]
    edges = [Edge("state", "place", kind, kind) for kind in get_args(EdgeKind)]
    return Figure(
        "t", (*nodes, Node("i", "i", "actor", cluster="c")), tuple(edges), (Cluster("c", "c", boundary=True),)
    )


def legend_of(figure: Figure, drawer: str) -> str:
    """All that the legend says."""
    if drawer == "dot":
        shown, _, _ = seen(dot(figure))
        return " ".join(" ".join(*lines) for name, lines in shown.items() if name.startswith("\\legend"))
    inside = mermaid(figure).split('subgraph legend["legend"]')[1].split("\n  end")[0]
    return " ".join(re.findall(r'"([^"]*)"', inside)).replace("<br/>", " ").replace("#58;", ":")


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("drawer", DRAWERS)
def test_the_legend_lists_what_occurs_and_nothing_else(drawer):
    meanings = {
        **{kind: look.word for kind, look in NODES.items()},
        **{kind: look.word for kind, look in EDGES.items()},
        **{mark: look.word for mark, look in MARKS.items()},
        "boundary": "trust boundary",
    }
    said = words(legend_of(everything(), drawer))
    assert [name for name, word in meanings.items() if word not in said] == []
    small = words(legend_of(joined("derives", frozenset(["fallen"])), drawer))
    found = {name for name, word in meanings.items() if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", small)}
    assert found == {"state", "derives", "fallen"}


@pytest.mark.parametrize("drawer", DRAWERS)
def test_the_legend_of_a_sequence_lists_what_occurs(drawer):
    text = words(DRAWERS[drawer](story()).replace("#58;", ":"))
    for look in MESSAGES.values():
        assert look.word in text
    quiet = replace(story(), moments=story().moments[3:4])
    assert not any(look.word in DRAWERS[drawer](quiet) for look in MESSAGES.values())


def test_what_is_new_to_the_attacker_is_marked():
    shown, _, _ = seen(dot(story()))
    assert [line for line in shown["\\knows 4"][0] if line.startswith("+ ")] == [
        "+ platform_seed[alpha]",
        "+ memory[agent]",
    ]
    assert shown["\\knows 3"] == [["nothing new (1 known)"]]
    assert "\\knows 1" not in shown
