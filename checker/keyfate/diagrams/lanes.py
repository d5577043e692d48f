"""A sequence as DOT: columns are lanes, rows are moments, and everything stands where it is put.

No layout of Graphviz's draws sequences; `neato` keeps the places that it is given, so they are computed here,
in inches, from the number of lines and columns of every text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Ordered

from keyfate.diagrams.figure import Lane, Message, Moment, Sequence
from keyfate.diagrams.lettering import columns, hanging, lines
from keyfate.diagrams.plotting import Plot, identifier, label
from keyfate.diagrams.styles import MESSAGES, NODES, MessageStyle, message_kinds

_CHARACTER = 0.079  # of the font that texts are set in
_LINE = 0.165
_GAP = 0.16
_LEFT = 36  # columns of what stands beside the lanes
_BOX = 26  # columns of a box on a lane

_POINT = {"shape": "point", "width": "0.01", "height": "0.01", "style": "invis", "label": ""}
_PLAIN = {"shape": "plaintext", "margin": "0.03,0.01", "style": "filled", "fillcolor": "white"}


def plotted(sequence: Sequence) -> str:
    """DOT for `neato`, which the text itself asks for."""
    return _Sheet(sequence).dot()


class _Sheet:
    """Fills up from the top: `_y` is where the next row begins."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence
        self._plot = Plot(
            graph={
                "bgcolor": "white",
                "charset": "UTF-8",
                "fontname": "Helvetica",
                "layout": "neato",
                "outputorder": "edgesfirst",
                "splines": "line",
            },
            node={
                "color": "#333333",
                "fontname": "Helvetica",
                "fontsize": "11",
                "height": "0.1",
                "margin": "0.1,0.05",
                "width": "0.1",
            },
            edge={"arrowsize": "0.8", "color": "#333333", "fontname": "Helvetica", "fontsize": "10"},
        )
        self._at = _columns(sequence)
        self._attacker = next((lane.name for lane in sequence.lanes if lane.kind == "attacker"), None)
        self._right = max(self._at.values(), default=0.0) + _BOX * _CHARACTER / 2 + _GAP
        self._left = -_LEFT * _CHARACTER / 2
        self._y = 0.0

    def dot(self) -> str:
        middle = (self._left + self._right) / 2
        self._text("\\title", lines(self._sequence.title, 96), middle, fontsize="17", scale=1.55)
        self._heads()
        known: tuple[str, ...] = ()
        for moment in self._sequence.moments:
            self._rule(f"\\rule {moment.number}")
            self._moment(moment, known)
            known = moment.knows
        self._lifelines()
        self._y -= _GAP
        self._text(
            "\\outcome",
            lines(self._sequence.outcome, 96),
            middle,
            shape="box",
            style="filled",
            peripheries="2",
            fillcolor="#fbdcd6" if self._attacker else "#eef7e4",
            fontsize="12",
        )
        notes = [line for note in self._sequence.notes for line in lines(note, 96)]
        if notes:
            self._text("\\notes", notes, middle, end="\\l")
        self._legend()
        return self._plot.dot()

    def _put(self, name: str, x: float, y: float, **attributes: str) -> str:
        return self._plot.node(name, pos=f"{x:.3f},{y:.3f}!", **attributes)

    def _text(
        self, name: str, shown: Ordered[str], x: float, end: str = "\\n", scale: float = 1.0, **attributes: str
    ) -> None:
        """Lines below what is there."""
        height = len(shown) * _LINE * scale + (0.3 if "shape" in attributes else 0.06)
        self._put(name, x, self._y - height / 2, label=label(shown, end), **{**_PLAIN, **attributes})
        self._y -= height + _GAP

    def _heads(self) -> None:
        shown = {lane.name: lines(lane.label, 20) for lane in self._sequence.lanes}
        height = max((len(text) for text in shown.values()), default=1) * _LINE + 0.3
        for lane in self._sequence.lanes:
            look = NODES[lane.kind]
            self._put(
                identifier(lane.name),
                self._at[lane.name],
                self._y - height / 2,
                label=label(shown[lane.name]),
                shape=look.shape,
                style="filled",
                fillcolor=look.fill,
                height=f"{height:.3f}",
            )
        self._y -= height + _GAP

    def _rule(self, name: str) -> None:
        start = self._put(f"{name} from", self._left, self._y, **_POINT)
        end = self._put(f"{name} to", self._right, self._y, **_POINT)
        self._plot.edge(start, end, arrowhead="none", color="#bbbbbb")
        self._y -= _GAP

    def _moment(self, moment: Moment, known: Ordered[str]) -> None:
        """What happens, beside it what it is called, below it what is known by then."""
        top = self._y
        words = hanging(f"{moment.number}  ", moment.label, _LEFT - 6)
        words += [line for change in moment.state for line in hanging("    ", change, _LEFT - 6)]
        if self._attacker is None:
            words += [line for mark, term in _knows(moment.knows, known) for line in hanging(mark, term, _LEFT - 6)]
        height = len(words) * _LINE + 0.12
        self._put(
            f"\\moment {moment.number}",
            0.0,
            top - height / 2,
            label=label(words, "\\l"),
            width=f"{_LEFT * _CHARACTER:.3f}",
            **{**_PLAIN, "shape": "box", "color": "#bbbbbb", "fillcolor": "#f7f7f7"},
        )
        for number, message in enumerate(moment.messages, start=1):
            self._message(f"{moment.number}.{number}", message)
        if self._attacker is not None:
            self._knows(moment, known)
        self._y = min(self._y, top - height - _GAP)

    def _message(self, name: str, message: Message) -> None:
        look = MESSAGES[message.kind]
        source, target = self._at[message.source], self._at[message.target]
        words = f"{look.said}{message.label}"
        if message.source == message.target:
            shown = lines(words, _BOX)
            height = len(shown) * _LINE + 0.14
            self._put(
                f"\\message {name}",
                source,
                self._y - height / 2,
                label=label(shown),
                shape="box",
                style="rounded,filled",
                fillcolor="#ffffff",
                fontcolor=look.color,
            )
            self._y -= height + _GAP
            return
        shown = lines(words, max(_BOX - 4, int((abs(target - source) - 0.3) / _CHARACTER)))
        height = len(shown) * _LINE
        self._put(
            f"\\message {name}",
            (source + target) / 2,
            self._y - height / 2,
            label=label(shown),
            fontsize="10",
            fontcolor=look.color,
            **_PLAIN,
        )
        self._y -= height + 0.1
        self._arrow(name, source, target, look)
        self._y -= _GAP

    def _arrow(self, name: str, source: float, target: float, look: MessageStyle) -> None:
        start = self._put(f"\\from {name}", source, self._y, **_POINT)
        end = self._put(f"\\to {name}", target, self._y, **_POINT)
        width = "1.8" if look.line == "dotted" else "1.2"
        self._plot.edge(start, end, arrowhead=look.head, color=look.color, style=look.line, penwidth=width)

    def _knows(self, moment: Moment, known: Ordered[str]) -> None:
        """The attacker's lane fills up: everything that is known by then, what is new marked."""
        assert self._attacker is not None
        if not moment.knows:
            return
        if tuple(moment.knows) == tuple(known):
            shown = [f"nothing new ({len(known)} known)"]
        else:
            shown = [line for mark, term in _knows(moment.knows, known) for line in hanging(mark, term, _BOX - 2)]
        height = len(shown) * _LINE + 0.14
        self._put(
            f"\\knows {moment.number}",
            self._at[self._attacker],
            self._y - height / 2,
            label=label(shown, "\\l"),
            shape="box",
            style="filled",
            fillcolor=NODES["attacker"].fill,
            fontsize="10",
        )
        self._y -= height + _GAP

    def _lifelines(self) -> None:
        for lane in self._sequence.lanes:
            foot = self._put(f"\\foot {identifier(lane.name)}", self._at[lane.name], self._y, **_POINT)
            self._plot.edge(identifier(lane.name), foot, arrowhead="none", color="#999999", style="dashed")

    def _legend(self) -> None:
        used = message_kinds(self._sequence)
        top, widest = self._y, 3.2
        self._put("\\legend", self._left + 0.35, top, label="legend", fontsize="12", **_PLAIN)
        samples: list[tuple[str, MessageStyle | None]] = [
            (MESSAGES[kind].word, MESSAGES[kind]) for kind in used if kind != "acts"
        ]
        if "acts" in used:
            samples.append((f"in a rounded box: {MESSAGES['acts'].word}", None))
        if any(moment.knows for moment in self._sequence.moments):
            samples.append(("+ what the attacker has learnt", None))
        self._y = top - 0.3
        for number, (word, look) in enumerate(samples):
            if number and number % 3 == 0:
                self._y -= 0.28
            x = self._left + (number % 3) * (widest + 0.5)
            if look is not None:
                self._arrow(f"legend {number}", x, x + 0.6, look)
            start = x + (0.7 if look is not None else 0.0)
            self._put(f"\\legend {number}", start + columns(word) * 0.075 / 2, self._y, label=word, **_PLAIN)


def _columns(sequence: Sequence) -> dict[str, float]:
    """The middle of each lane; those between which much is said stand further apart."""
    at: dict[str, float] = {}
    edge = _LEFT * _CHARACTER / 2 + _GAP
    for lane in sequence.lanes:
        half = _half(lane, sequence)
        last = next(reversed(at.values()), None)
        x = edge + half
        at[lane.name] = x if last is None else max(x, last + 1.9)
        edge = at[lane.name] + half + _GAP
    return at


def _half(lane: Lane, sequence: Sequence) -> float:
    """Half the width of what stands on a lane."""
    boxed = lane.kind == "attacker" or any(
        message.source == message.target == lane.name for moment in sequence.moments for message in moment.messages
    )
    head = max(map(columns, lines(lane.label, 20))) + 6
    return max(head, _BOX + 3 if boxed else 0) * _CHARACTER / 2


def _knows(knows: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every term with the mark before it."""
    before = set(known)
    for term in knows:
        yield ("   " if term in before else "+ "), term
