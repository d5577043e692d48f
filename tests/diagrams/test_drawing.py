"""DOT and Mermaid say exactly what a drawing holds, whatever its texts are."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagrams.reading import Mermaid, ours, seen, with_graphviz, with_pydot
from diagrams.sketches import HOSTILE, hostile, hostile_sequence, large, story
from keyfate.diagrams import lettering
from keyfate.diagrams.dot import dot
from keyfate.diagrams.figure import Cluster, Edge, Figure, Lane, Message, Moment, Node, Sequence
from keyfate.diagrams.layering import direction
from keyfate.diagrams.lettering import columns, lines
from keyfate.diagrams.mermaid import markdown, mermaid
from keyfate.diagrams.plotting import identifier
from keyfate.language.rendering import escape

SKETCHES = {"hostile": hostile, "large": large, "story": story, "hostile_sequence": hostile_sequence}
ANY = st.text(st.characters(), max_size=60) | st.sampled_from(HOSTILE)


@st.composite
def figures(draw: st.DrawFn) -> Figure:
    names = draw(st.lists(ANY, min_size=1, max_size=6, unique=True))
    frames = draw(st.lists(ANY, max_size=2, unique=True))
    clusters = tuple(Cluster(name, draw(ANY), boundary=draw(st.booleans())) for name in frames)
    nodes = tuple(
        Node(name, draw(ANY), draw(st.sampled_from(("state", "place", "root"))), draw(st.sampled_from((None, *frames))))
        for name in names
    )
    ends = st.sampled_from(names)
    edges = tuple(
        Edge(draw(ends), draw(ends), draw(ANY), draw(st.sampled_from(("step", "flow"))))
        for _ in range(draw(st.integers(0, 4)))
    )
    return Figure(draw(ANY), nodes, edges, clusters, notes=tuple(draw(st.lists(ANY, max_size=2))))


@st.composite
def sequences(draw: st.DrawFn) -> Sequence:
    names = draw(st.lists(ANY, min_size=1, max_size=4, unique=True))
    kinds = st.sampled_from(("actor", "place", "attacker"))
    lanes = tuple(Lane(name, draw(ANY), draw(kinds)) for name in names)
    ends = st.sampled_from(names)
    messages = st.builds(Message, ends, ends, ANY, st.sampled_from(("acts", "writes", "erases", "seen")))
    some = st.lists(ANY, max_size=3).map(tuple)
    moments = tuple(
        Moment(number, draw(ANY), tuple(draw(st.lists(messages, max_size=3))), draw(some), draw(some))
        for number in range(draw(st.integers(1, 3)))
    )
    return Sequence(draw(ANY), lanes, moments, draw(ANY), draw(some))


def whole(text: str) -> str:
    """A text as it is shown: what is invisible as its code, lines as they are."""
    return "".join(map(escape, text.split("\n")))


# DOT


def same_as(figure: Figure, text: str, *programs: str | None) -> None:
    """pydot and Graphviz find the figure's nodes and edges in `text`, and nothing else of the figure's."""
    names = {node.name for node in figure.nodes}
    edges = sorted((edge.source, edge.target) for edge in figure.edges)
    for read in (with_pydot(text), *(with_graphviz(text, program) for program in programs)):
        assert set(read.nodes) == names
        assert sorted((source, target) for source, target, _ in read.edges) == edges
    shown, told, framed = seen(text)
    for node in figure.nodes:
        assert whole(node.label).strip() in ["".join(told).strip() for told in shown[_titled(node.name)]]
    assert "".join(*shown["\\title"]).strip() == whole(figure.title).strip()
    assert "".join(*shown.get("\\notes", ([],))).strip() == "".join(map(whole, figure.notes)).strip()
    labels = sorted("".join(text.removeprefix(" ").removesuffix(" ") for text in label).strip() for label in told)
    wanted = sorted("".join(part.rstrip() for part in lines(edge.label, 24)).strip() for edge in figure.edges)
    assert [label for label in labels if label] == [label for label in wanted if label]
    frames = {"".join(text).removeprefix("trust boundary:").strip() for text in framed}
    assert {whole(cluster.label).strip() for cluster in figure.clusters if _used(figure, cluster)} <= frames


def _titled(name: str) -> str:
    return html.unescape(identifier(name))


def _used(figure: Figure, cluster: Cluster) -> bool:
    return any(node.cluster == cluster.name for node in figure.nodes)


def test_hostile_names_and_labels_come_back_from_dot():
    same_as(hostile(), dot(hostile()), None)


def test_a_graphviz_of_the_system_reads_the_same():
    """Where there is one: the one that pip brings is asked everywhere."""
    program = shutil.which("dot")
    same_as(hostile(), dot(hostile()), *filter(None, [program]))


@settings(max_examples=20)
@given(figures())
def test_any_names_and_labels_come_back_from_dot(figure):
    same_as(figure, dot(figure), None)


@settings(max_examples=20)
@given(sequences())
def test_any_sequence_comes_back_from_dot(sequence):
    text = dot(sequence)
    shown, _, _ = seen(text)
    for lane in sequence.lanes:
        assert whole(lane.label).strip() in ["".join(told).strip() for told in shown[_titled(lane.name)]]
    assert set(with_pydot(text).nodes) == {lane.name for lane in sequence.lanes}
    for moment in sequence.moments:
        told = "".join(["".join(*shown[f"\\moment {moment.number}"])])
        assert plain(told).startswith(squeezed(f"{moment.number}{moment.label}") + "".join(map(squeezed, moment.state)))
        for number, message in enumerate(moment.messages, start=1):
            said = plain("".join(*shown[f"\\message {moment.number}.{number}"]))
            assert said.removeprefix("erases" if message.kind == "erases" else "") == squeezed(message.label)
    assert plain("".join(*shown["\\outcome"])) == squeezed(sequence.outcome)


def plain(shown: str) -> str:
    return shown.replace(" ", "")


def squeezed(text: str) -> str:
    return whole(text).replace(" ", "")


@pytest.mark.parametrize("name", SKETCHES)
def test_the_same_bytes_whatever_the_hashes(name):
    code = f"""
import sys
from diagrams.sketches import {name} as it
from keyfate.diagrams.dot import dot
from keyfate.diagrams.graphviz import picture
from keyfate.diagrams.mermaid import markdown, mermaid
text = dot(it())
sys.stdout.buffer.write((text + mermaid(it()) + markdown(it())).encode() + picture(text, "png"))
"""
    found = set()
    for seed in ("0", "1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "tests"}
        found.add(subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout)
    assert len(found) == 1


def test_edges_that_end_nowhere_are_refused():
    with pytest.raises(ValueError, match="no node"):
        dot(Figure("t", (Node("a", "a", "state"),), (Edge("a", "b", "", "step"),)))


def test_no_two_names_become_one():
    names = [*HOSTILE, "\\x00", "nul\\x00", "a\\\\\\", "\\title", "\\\\title", "right\\u202eleft"]
    assert len({identifier(name) for name in names}) == len(set(names))
    assert not any(map(ours, map(identifier, names)))


# Labels


@given(ANY, st.integers(5, 40))
def test_wrapping_loses_nothing(text, width):
    assert "".join(lines(text, width)) == whole(text)


def test_a_long_line_is_looked_at_a_few_times_only(monkeypatch):
    looked = 0

    def width(char: str) -> int:
        nonlocal looked
        looked += 1
        return 1

    monkeypatch.setattr(lettering, "_columns", width)
    lines("word " * 2_000)
    assert looked < 50_000


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200))
def test_wrapped_lines_fit(text):
    assert all(columns(line.rstrip()) <= 28 for line in lines(text))


def test_lines_break_where_a_reader_expects_it():
    assert lines("enc(td_key[alpha, public_image, agent], memory[agent])") == [
        "enc(td_key[alpha, ",
        "public_image, agent], ",
        "memory[agent])",
    ]
    assert lines("a_name_that_has_no_end_and_goes_on") == ["a_name_that_has_no_end_", "and_goes_on"]


def test_many_nodes_beside_each_other_run_sideways():
    """Sixty wide labels in three rows would be a strip that no page holds."""
    assert direction(large()) == "right"
    few = Figure("t", large().nodes[:3], ())
    assert direction(few) == "down"


# Mermaid


def entries(sequence: Sequence) -> list[str]:
    """The texts of a sequence's messages, in order."""
    said = {"erases": "erases "}
    return [said.get(m.kind, "") + m.label for moment in sequence.moments for m in moment.messages]


def check_figure(figure: Figure, found: dict) -> None:
    assert "error" not in found, found
    nodes = {node["name"]: node["label"] for node in found["nodes"]}
    for number, node in enumerate(figure.nodes, start=1):
        assert squeezed(nodes[f"n{number}"]) == squeezed(node.label)
    numbers = {node.name: f"n{number}" for number, node in enumerate(figure.nodes, start=1)}
    own = [edge for edge in found["edges"] if not edge["from"].startswith(("i", "legend"))]
    assert [(edge["from"], edge["to"]) for edge in own] == [
        (numbers[e.source], numbers[e.target]) for e in figure.edges
    ]
    assert [squeezed(edge["label"]) for edge in own] == [squeezed(e.label) for e in figure.edges]
    inside = {name: frame["name"] for frame in found["frames"] for name in frame["nodes"]}
    for node in figure.nodes:
        place = next((f"c{i}" for i, c in enumerate(figure.clusters, start=1) if c.name == node.cluster), None)
        assert inside.get(numbers[node.name]) == place


def check_sequence(sequence: Sequence, found: dict) -> None:
    assert "error" not in found, found
    shown = [squeezed(lane["label"]).removeprefix("«place»") for lane in found["lanes"]]
    assert shown == [squeezed(lane.label).removeprefix("«place»") for lane in sequence.lanes]
    messages = [squeezed(message["label"]) for message in found["messages"] if message["type"] != NOTE]
    assert messages == [squeezed(text) for text in entries(sequence)]


NOTE = 2  # Mermaid's number for a note


def test_mermaid_reads_what_was_drawn_by_hand(parser: Mermaid):
    drawings = [hostile(), large(), hostile_sequence(), story()]
    texts = [mermaid(drawing) for drawing in drawings] + [fenced(markdown(drawing)) for drawing in drawings]
    for drawing, found in zip([*drawings, *drawings], parser.read(texts), strict=True):
        (check_sequence if isinstance(drawing, Sequence) else check_figure)(drawing, found)


def fenced(page: str) -> str:
    """The diagram in a Markdown page, fenced as CommonMark says."""
    opening = re.search(r"^(`{3,})mermaid\n", page, re.MULTILINE)
    return re.search(rf"^{opening[1]}mermaid\n(.*?)^{opening[1]}`*$", page, re.MULTILINE | re.DOTALL)[1]


def test_mermaid_reads_any_text(parser: Mermaid):
    drawn: list[Figure | Sequence] = []

    @given(figures() | sequences())
    def collect(drawing):
        drawn.append(drawing)

    collect()
    assert len(drawn) > 20
    for drawing, found in zip(drawn, parser.read([mermaid(drawing) for drawing in drawn]), strict=True):
        (check_sequence if isinstance(drawing, Sequence) else check_figure)(drawing, found)


def test_the_parser_is_asked(parser: Mermaid):
    """It refuses what is no diagram, and reads words that mean something to it otherwise."""
    broken, plain = parser.read(["flowchart TB\n  end --> graph", "flowchart TB\n  a[x] --> b"])
    assert "error" in broken
    assert [node["label"] for node in plain["nodes"]] == ["x", "b"]


@given(ANY)
def test_a_title_is_one_line_of_yaml(title):
    first, second, third, fourth, *_ = mermaid(Figure(title, (Node("a", "a", "state"),), ())).split("\n")
    assert (first, third, fourth) == ("---", "---", "flowchart TB")
    assert json.loads(second.removeprefix("title: ")) == escape(title.replace("\n", " "))


def test_a_page_holds_a_heading_a_fence_and_the_notes():
    page = markdown(hostile())
    assert page.startswith('# "title" \\\\T \\<b\\>\\&amp; \\`\\`\\`\n\n```mermaid\nflowchart ')
    below = page.rsplit("```\n", 1)[1].strip().split("\n")
    assert len(below) == len(HOSTILE)
    assert "- \\</script\\>\\<img src=x onerror=alert(1)\\>" in below
    assert "- \\*\\*bold\\*\\* \\_it\\_ 1. one" in below
