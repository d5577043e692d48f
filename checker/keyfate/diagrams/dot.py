"""A drawing as DOT, for Graphviz: title, figure, notes and legend, one below the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from keyfate.diagrams.figure import Drawing, Edge, EdgeKind, Figure, Mark, NodeKind, Sequence
from keyfate.diagrams.lanes import plotted
from keyfate.diagrams.layering import direction
from keyfate.diagrams.lettering import lines
from keyfate.diagrams.plotting import Plot, identifier, label
from keyfate.diagrams.styles import EDGES, MARKS, NODES, Legend, heading, legend, said

FONT = "Helvetica"
WIDE = 96  # columns of title and notes
_SAMPLES = 4  # of the legend, side by side

_HIDDEN = {"style": "invis"}
_DOT = {"shape": "point", "width": "0.1", "label": "", "fillcolor": "#333333"}


def dot(drawing: Drawing) -> str:
    """DOT that Graphviz draws by itself: the same text for the same drawing, every time."""
    return plotted(drawing) if isinstance(drawing, Sequence) else _figure(drawing)


def _figure(figure: Figure) -> str:
    down = direction(figure) == "down"
    plot = Plot(
        graph={
            "bgcolor": "white",
            "charset": "UTF-8",
            "fontname": FONT,
            "nodesep": "0.3" if down else "0.35",
            "pack": "24",
            "packmode": "array_u1" if down else "array_uc1",  # parts below each other, in their order
            "rankdir": "TB" if down else "LR",
            "ranksep": "0.22" if down else "0.5",
        },
        node={"color": "#333333", "fontname": FONT, "fontsize": "11", "margin": "0.12,0.06", "style": "filled"},
        # Room for labels: Graphviz forgets to make it in a graph that it packs.
        edge={"arrowsize": "0.8", "fontname": FONT, "fontsize": "10", "minlen": "2"},
        upwards=not down,
    )
    for part in (_title, _drawn, _notes, _explained):
        part(plot, figure)
    return plot.dot()


def _title(plot: Plot, figure: Figure) -> None:
    _standing(plot, "title", label(lines(figure.title, WIDE)), fontsize="17")


def _notes(plot: Plot, figure: Figure) -> None:
    if figure.notes:
        notes = [line for note in figure.notes for line in lines(note, WIDE)]
        _standing(plot, "notes", label(notes, "\\l"), fontsize="11")


def _standing(plot: Plot, name: str, words: str, **attributes: str) -> None:
    frame = plot.frame(f"cluster_\\{name}", peripheries="0", margin="0")
    plot.node(f"\\{name}", frame, shape="plaintext", style="", label=words, **attributes)


def _drawn(plot: Plot, figure: Figure) -> None:
    """The figure itself, in a frame that is not seen: what holds together is packed as one."""
    top = plot.frame("cluster_\\figure", peripheries="0")
    names = {cluster.name for cluster in figure.clusters}
    for cluster in figure.clusters:
        looks = _BOUNDARY if cluster.boundary else _FRAME
        words = ["trust boundary:", *lines(cluster.label, 40)] if cluster.boundary else lines(cluster.label, 40)
        parent = _frame(cluster.parent) if cluster.parent in names else top
        plot.frame(
            _frame(cluster.name), parent, label=label(words, "\\l"), fontsize="12", labeljust="l", margin="14", **looks
        )
    for number, node in enumerate(figure.nodes):
        frame = _frame(node.cluster) if node.cluster in names else top
        first = "initial" in node.marks
        name = plot.node(identifier(node.name), frame, first, **_node(node.kind, node.marks, node.label))
        if first:
            entry = plot.node(f"\\initial {number}", frame, first, **_DOT)
            plot.edge(entry, name, arrowhead="normal", color="#333333")
    for edge in figure.edges:
        plot.edge(identifier(edge.source), identifier(edge.target), **_edge(edge))


_FRAME = {"color": "#888888", "fontcolor": "#333333", "penwidth": "1", "peripheries": "1", "style": "rounded"}
_BOUNDARY = {"color": "#a33b00", "fontcolor": "#a33b00", "penwidth": "1.8", "peripheries": "1", "style": "dashed"}


def _frame(name: str | None) -> str:
    return f"cluster_{identifier(name or '')}"


def _node(kind: NodeKind, marks: Iterable[Mark], words: str) -> dict[str, str]:
    """How a node looks: a shape for its kind, a border or a word for each mark."""
    look = NODES[kind]
    styles = [*filter(None, [look.style]), "filled", *(MARKS[m].style for m in sorted(marks) if MARKS[m].style)]
    found = {
        "shape": look.shape,
        "style": ",".join(styles),
        "fillcolor": look.fill,
        "label": label([*heading(kind, marks), *lines(words)]),
    }
    width = max((MARKS[mark].width for mark in marks), default=0.0)
    if width:
        found["penwidth"] = f"{width:g}"
    if any(MARKS[mark].borders > 1 for mark in marks):
        found["peripheries"] = "2"
    return found


def _edge(edge: Edge) -> dict[str, str]:
    look = EDGES[edge.kind]
    word = said(edge.marks, edge=True)
    words = f"{look.prefix}{edge.label}" if edge.label else look.prefix.strip()
    found = _line(edge.kind, edge.marks)
    shown = [*filter(None, [word]), *(lines(words, 24) if words else ())]
    return {**found, "label": label([f" {line.rstrip()} " for line in shown])} if shown else found


def _line(kind: EdgeKind, marks: Iterable[Mark]) -> dict[str, str]:
    look = EDGES[kind]
    styles = [MARKS[mark].style for mark in sorted(marks) if MARKS[mark].style]
    width = max([look.width, *(MARKS[mark].width for mark in marks)])
    return {
        "arrowhead": look.head,
        "color": look.color,
        "fontcolor": look.color,
        "style": ",".join(styles or [look.line]),
        "penwidth": f"{width:g}",
    }


def _explained(plot: Plot, figure: Figure) -> None:
    """The legend: a sample of every kind and mark that occurs, drawn as the figure draws it."""
    frame = plot.frame("cluster_\\legend", label="legend", fontsize="12", labeljust="l", **_FRAME)
    down = direction(figure) == "down"
    samples = list(_samples(_Legend(plot, frame, down), figure, legend(figure)))
    long = -(-len(samples) // _SAMPLES) if down else _SAMPLES
    rows = [samples[start : start + long] for start in range(0, len(samples), long)]
    for row in rows if down else reversed(rows):  # sideways, the first row is the lowest
        for (_, end), (begin, _) in pairwise([draw() for draw in row]):
            plot.edge(end, begin, **_HIDDEN)


@dataclass(frozen=True)
class _Legend:
    """Draws samples; each tells its first and last node along the ranks."""

    plot: Plot
    frame: str
    down: bool

    def node(self, name: str, kind: NodeKind, marks: tuple[Mark, ...], word: str) -> tuple[str, str]:
        initial = "initial" in marks
        within = self._row(name) if initial and self.down else self.frame
        end = self.plot.node(f"\\legend {name}", within, **_node(kind, marks, word))
        if not initial:
            return end, end
        begin = self.plot.node(f"\\legend to {name}", within, **_DOT)
        self.plot.edge(begin, end, arrowhead="normal", color="#333333")
        return (end, end) if self.down else (begin, end)

    def line(self, name: str, looks: dict[str, str], word: str) -> tuple[str, str]:
        within = self._row(name) if self.down else self.frame
        begin = self.plot.node(f"\\legend from {name}", within, **_DOT)
        end = self.plot.node(f"\\legend {name}", within, shape="plaintext", style="", label=label(lines(word, 22)))
        self.plot.edge(begin, end, **looks)
        return (end, end) if self.down else (begin, end)

    def boundary(self) -> tuple[str, str]:
        within = self.plot.frame("cluster_\\legend boundary", self.frame, label="", **_BOUNDARY)
        name = self.plot.node("\\legend boundary", within, shape="plaintext", style="", label="trust boundary")
        return name, name

    def _row(self, name: str) -> str:
        return self.plot.frame(f"\\row {name}", self.frame, rank="same")


def _samples(drawn: _Legend, figure: Figure, shown: Legend) -> Iterator[Callable[[], tuple[str, str]]]:
    for kind in shown.nodes:
        yield partial(drawn.node, kind, kind, (), NODES[kind].word)
    for mark in shown.node_marks:
        kind = next(node.kind for node in figure.nodes if mark in node.marks)
        yield partial(drawn.node, mark, kind, (mark,), MARKS[mark].word)
    for line in shown.edges:
        look = EDGES[line]
        yield partial(drawn.line, line, _line(line, ()), f"{look.prefix}{look.word}")
    for mark in shown.edge_marks:
        line = next(edge.kind for edge in figure.edges if mark in edge.marks)
        words = " ".join(filter(None, [said((mark,), edge=True), MARKS[mark].word]))
        yield partial(drawn.line, mark, _line(line, (mark,)), words)
    if shown.boundary:
        yield drawn.boundary
