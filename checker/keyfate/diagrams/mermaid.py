"""A drawing as Mermaid, for reviews that live in Markdown.

Nodes are called n1, n2, …, and every text stands in characters that neither Mermaid's grammars nor Markdown give a
meaning to; the others are written as its entities (`#35;`), which it shows as the character.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Ordered
from itertools import pairwise

from keyfate.diagrams.figure import Cluster, Drawing, Edge, EdgeKind, Figure, Mark, NodeKind, Sequence
from keyfate.diagrams.layering import direction
from keyfate.diagrams.lettering import WIDTH, lines
from keyfate.diagrams.styles import EDGES, MARKS, MESSAGES, NODES, heading, legend, message_kinds, said
from keyfate.language.rendering import escape

_WIDE = 60  # columns of notes
_ROW = 4  # samples of the legend that are linked
_MEANT = re.compile(
    r"""(?<=\d)\)          # `1)` begins a list
      | (?<=\])\(          # `](` a link
      | (?<![A-Za-z0-9])_ | _(?![A-Za-z0-9])  # emphasis
      | ^\ +               # indented code
      | [!-'*+./:-@\\^`{-~-]  # the rest of ASCII's punctuation
      | [°¶ßﬂ]             # what Mermaid puts in the place of an entity while it reads
    """,
    re.VERBOSE,
)
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~&!$^]|(?<=:)/(?=/)|^[-+=]")
_NUMBERED = re.compile(r"^(\d+)([.)])")


def mermaid(drawing: Drawing) -> str:
    """A flowchart or a sequence diagram, with title, notes and legend."""
    return "\n".join(["---", f"title: {_front(drawing.title)}", "---", *_body(drawing, notes=True), ""])


def markdown(drawing: Drawing) -> str:
    """The same as a Markdown page: a heading, the diagram, the notes as a list."""
    text = "\n".join(_body(drawing, notes=False))
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    parts = [f"# {_plain(drawing.title)}", f"{fence}mermaid\n{text}\n{fence}"]
    if drawing.notes:
        parts.append("\n".join(f"- {_plain(note)}" for note in drawing.notes))
    return "\n\n".join(parts) + "\n"


def entities(text: str) -> str:
    """`text` on one line, in characters that mean nothing to Mermaid."""
    return _MEANT.sub(lambda found: "".join(f"#{ord(char)};" for char in found[0]), escape(text)) or "#32;"


def _label(shown: Iterable[str]) -> str:
    return "<br/>".join(map(entities, shown))


def _front(text: str) -> str:
    """In the YAML that stands before a diagram: what HTML or Mermaid could take for theirs as codes."""
    quoted = json.dumps(escape(" ".join(text.split("\n"))), ensure_ascii=False)
    return re.sub(r"[<>%#`&;{}-]", lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _plain(text: str) -> str:
    """As Markdown that says just this."""
    plain = _MARKDOWN.sub(r"\\\g<0>", escape(" ".join(text.split("\n"))).strip())
    return _NUMBERED.sub(r"\1\\\2", plain)


def _body(drawing: Drawing, *, notes: bool) -> Iterator[str]:
    if isinstance(drawing, Sequence):
        return _sequence(drawing, drawing.notes if notes else ())
    return _Chart(drawing).lines(drawing.notes if notes else ())


class _Chart:
    """Numbers what it writes: Mermaid styles a link by its number, a node by its class."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._down = direction(figure) == "down"
        self._clusters = {cluster.name for cluster in figure.clusters}
        self._names = {node.name: f"n{number}" for number, node in enumerate(figure.nodes, start=1)}
        self._links = 0
        self._strokes: dict[str, list[str]] = {}
        self._classes: dict[str, list[str]] = {}
        self._begins = 0

    def lines(self, notes: Iterable[str]) -> Iterator[str]:
        yield f"flowchart {'TB' if self._down else 'LR'}"
        if not self._down:  # what comes first is set lowest
            yield from self._legend()
        yield from self._within(None, "  ")
        for edge in self._figure.edges:
            source, target = self._names[edge.source], self._names[edge.target]
            yield f"  {self._link(source, target, edge.kind, edge.marks, _said(edge))}"
        if notes:
            yield f'  notes["{_label(line for note in notes for line in lines(note, _WIDE))}"]'
            self._is("plain", "notes")
        if self._down:
            yield from self._legend()
        for name, members in self._classes.items():
            yield f"  class {','.join(members)} {name}"
        for name in self._classes:
            yield f"  classDef {name} {_class(name)}"
        for style, links in self._strokes.items():
            yield f"  linkStyle {','.join(links)} {style}"

    def _is(self, name: str, member: str) -> None:
        self._classes.setdefault(name, []).append(member)

    def _drawn(self, style: str) -> None:
        """The link that is written next looks so."""
        self._strokes.setdefault(style, []).append(str(self._links))
        self._links += 1

    def _within(self, frame: str | None, indent: str) -> Iterator[str]:
        """The nodes that stand in a frame, and the frames in it."""
        for node in self._figure.nodes:
            if (node.cluster if node.cluster in self._clusters else None) == frame:
                yield from self._node(self._names[node.name], node.kind, node.marks, lines(node.label), indent)
        frames = list(enumerate(self._figure.clusters, start=1))
        for number, cluster in frames if self._down else reversed(frames):
            if (cluster.parent if cluster.parent in self._clusters else None) == frame:
                yield f'{indent}subgraph c{number}["{_label(_framed(cluster))}"]'
                yield from self._within(cluster.name, f"{indent}  ")
                yield f"{indent}end"
                self._is("boundary" if cluster.boundary else "frame", f"c{number}")

    def _node(
        self, name: str, kind: NodeKind, marks: Iterable[Mark], shown: Iterable[str], indent: str
    ) -> Iterator[str]:
        look = NODES[kind]
        words = _label([*heading(kind, marks, mermaid=True), *shown])
        yield f'{indent}{name}{look.around[0]}"{words}"{look.around[1]}'
        self._is(f"kind_{kind}", name)
        for mark in sorted(marks):
            if MARKS[mark].strokes:
                self._is(f"mark_{mark}", name)
        if "initial" in marks:
            self._begins += 1
            self._drawn("stroke:#333333")
            self._is("dot", f"i{self._begins}")
            yield f'{indent}i{self._begins}((" ")) --> {name}'

    def _link(self, source: str, target: str, kind: EdgeKind, marks: Iterable[Mark], shown: Iterable[str]) -> str:
        look = EDGES[kind]
        strokes = {"stroke": look.color, **_stroke(look.strokes)}
        for mark in sorted(marks):
            strokes.update(_stroke(MARKS[mark].strokes))
        self._drawn(",".join(f"{name}:{value}" for name, value in strokes.items()))
        words = list(shown)
        return f'{source} {look.link}|"{_label(words)}"| {target}' if words else f"{source} {look.link} {target}"

    def _legend(self) -> Iterator[str]:
        shown = legend(self._figure)
        samples: list[str] = []  # the node with which each begins
        yield '  subgraph legend["legend"]'
        for kind in shown.nodes:
            samples.append(f"legend_{kind}")
            yield from self._node(samples[-1], kind, (), lines(NODES[kind].word), "    ")
        for mark in shown.node_marks:
            kind = next(node.kind for node in self._figure.nodes if mark in node.marks)
            samples.append(f"legend_{mark}")
            yield from self._node(samples[-1], kind, (mark,), lines(MARKS[mark].word), "    ")
        for edge_kind in shown.edges:
            look = EDGES[edge_kind]
            samples.append(f"legend_from_{edge_kind}")
            yield f"    {self._sample(edge_kind, edge_kind, (), lines(f'{look.prefix}{look.word}'))}"
        for mark in shown.edge_marks:
            edge_kind = next(edge.kind for edge in self._figure.edges if mark in edge.marks)
            words = [*filter(None, [said((mark,), mermaid=True, edge=True)]), *lines(MARKS[mark].word)]
            samples.append(f"legend_from_{mark}")
            yield f"    {self._sample(mark, edge_kind, (mark,), words)}"
        if shown.boundary:
            yield '    subgraph legend_boundary["trust boundary"]'
            yield '      legend_inside(("#32;"))'
            yield "    end"
            self._is("dot", "legend_inside")
            self._is("boundary", "legend_boundary")
        yield from self._in_rows(samples)
        yield "  end"
        self._is("frame", "legend")

    def _in_rows(self, samples: Ordered[str]) -> Iterator[str]:
        """Invisible links; sideways, they set samples beside each other."""
        for number, (above, below) in enumerate(pairwise(samples), start=1):
            if number % _ROW:
                begin = above.replace("legend_from_", "legend_to_")
                self._links += 1
                yield f"    {begin} ~~~ {below}"

    def _sample(self, name: str, kind: EdgeKind, marks: Iterable[Mark], words: Iterable[str]) -> str:
        ends = f"legend_from_{name}", f"legend_to_{name}"
        for end in ends:
            self._is("dot", end)
        return self._link(f'{ends[0]}((" "))', f'{ends[1]}((" "))', kind, marks, words)


def _framed(cluster: Cluster) -> list[str]:
    shown = lines(cluster.label, 40)
    return ["trust boundary:", *shown] if cluster.boundary else shown


def _said(edge: Edge) -> list[str]:
    look = EDGES[edge.kind]
    words = f"{look.prefix}{edge.label}" if edge.label else look.prefix.strip()
    return [*filter(None, [said(edge.marks, mermaid=True, edge=True)]), *(lines(words) if words else ())]


def _stroke(strokes: str) -> dict[str, str]:
    return dict([strokes.split(":")]) if strokes else {}


def _class(name: str) -> str:
    """How the members of a class look; nothing in it ends with `;`, which Mermaid would read as an entity's."""
    fixed = {
        "frame": "fill:none,stroke:#888888",
        "boundary": "fill:none,stroke:#a33b00,stroke-width:2px,stroke-dasharray:6 4",
        "plain": "fill:none,stroke:none,text-align:left",
        "dot": "fill:#333333,stroke:#333333",
    }
    if name in fixed:
        return fixed[name]
    for kind, look in NODES.items():
        if name == f"kind_{kind}":
            return f"fill:{look.fill},stroke:#333333,color:#111111"
    return next(look.strokes for mark, look in MARKS.items() if name == f"mark_{mark}")


def _sequence(sequence: Sequence, notes: Iterable[str]) -> Iterator[str]:
    yield "sequenceDiagram"
    names = {lane.name: f"p{number}" for number, lane in enumerate(sequence.lanes, start=1)}
    for lane in sequence.lanes:
        shown = lines(lane.label, 20)
        who = "actor" if lane.kind == "attacker" else "participant"
        yield f"  {who} {names[lane.name]} as {_label(['«place»', *shown] if lane.kind == 'place' else shown)}"
    if not names:
        yield "  participant p1 as trace"
    last = max(len(names), 1)
    everywhere = "p1" if last == 1 else f"p1,p{last}"
    attacker = next((names[lane.name] for lane in sequence.lanes if lane.kind == "attacker"), None)
    order = list(names)
    known: set[str] = set()
    for moment in sequence.moments:
        called = [f"{moment.number} {moment.label}", *moment.state]
        yield f"  Note over {everywhere}: {_label(line for text in called for line in lines(text, _WIDE))}"
        for message in moment.messages:
            look = MESSAGES[message.kind]
            apart = abs(order.index(message.source) - order.index(message.target))
            words = _label(lines(f"{look.said}{message.label}", WIDTH * max(1, apart)))
            yield f"  {names[message.source]}{look.arrow}{names[message.target]}: {words}"
        if moment.knows:
            learnt = [f"+ {term}" if term not in known else term for term in moment.knows]
            where = f"right of {attacker}" if attacker is not None else f"over {everywhere}"
            if set(moment.knows) == known:
                learnt = [f"nothing new ({len(known)} known)"]
            yield f"  Note {where}: {_label(line for text in learnt for line in lines(text))}"
        known = set(moment.knows)
    yield f"  Note over {everywhere}: {_label(lines(sequence.outcome, _WIDE))}"
    explained = [f"{MESSAGES[kind].called}: {MESSAGES[kind].word}" for kind in message_kinds(sequence)]
    if any(moment.knows for moment in sequence.moments):
        explained.append("+: what the attacker has learnt")
    for part in (list(notes), ["legend", *explained] if explained else []):
        if part:
            yield f"  Note over {everywhere}: {_label(line for text in part for line in lines(text, _WIDE))}"
