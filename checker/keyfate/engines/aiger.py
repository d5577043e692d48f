"""Circuits as AIGER 1.9 (Biere, Heljanko, Wieringa: AIGER 1.9 and beyond, 2011), in text and in binary.

Every latch is false at first, as all readers understand it, and there is no constraint section. Instead one step comes
before the lifecycle's own: in it the latch `started` is false, free first values are taken from inputs of their own,
the other first values follow, and `started` becomes true if what was taken is admissible; else it is taken again.
Bad is asked for where `started` is true, so the depth of a counterexample is the length of the trace and one more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyfate.engines.circuit import FALSE, LEAF, Circuit, Graph, cone
from keyfate.engines.labels import Show, distinct

STARTED = "started"
LEAD = 1
"""Steps that come before the lifecycle's first."""


@dataclass(frozen=True)
class Model:
    """Variables are numbered from 1: inputs, latches, gates. `latches` are (name, next), `gates` (left, right).

    The first latch is `started`; the others are the circuit's, in its order.
    """

    inputs: tuple[str, ...]
    latches: tuple[tuple[str, int], ...]
    gates: tuple[tuple[int, int], ...]
    bad: int


def model(circuit: Circuit, show: Show | None = None) -> Model:
    """The circuit with its first step before it. Without `show` names are short, `i` or `b` with a number."""
    graph = Graph()
    free = [latch for latch in circuit.latches if latch.initial is None]
    inputs = [graph.leaf() for _ in circuit.inputs]
    choices = [graph.leaf() for _ in free]
    started = graph.leaf()
    latches = [graph.leaf() for _ in circuit.latches]
    chosen = dict(zip((latch.literal for latch in free), choices, strict=True))
    first = _copied(circuit, graph, chosen)
    for latch in circuit.latches:
        if latch.initial is not None:
            chosen[latch.literal] = _read(first, latch.initial)
    start = _copied(circuit, graph, chosen)
    now = _copied(
        circuit,
        graph,
        dict(zip((*circuit.inputs, *(latch.literal for latch in circuit.latches)), (*inputs, *latches), strict=True)),
    )
    admissible = [_read(start, circuit.constraint)]
    admissible += [graph.any(_read(start, literal) for literal in clause) for clause in circuit.known]
    following = [graph.either(started, graph.all(admissible))]
    following += [graph.choose(started, _read(now, latch.next), chosen[latch.literal]) for latch in circuit.latches]
    bad = graph.both(started, _read(now, circuit.bad))
    if show is None:
        names = [f"i{number}" for number in range(len(inputs) + len(free))]
        named = [f"b{number}" for number in range(1 + len(latches))]
    else:
        names = [f"choice {number}" for number in range(len(inputs))]
        names += [f"first {show(latch.name)}" for latch in free]
        named = [STARTED, *(show(latch.name) for latch in circuit.latches)]
    return _numbered(graph, tuple(distinct(names)), list(zip(distinct(named), following, strict=True)), bad)


def _copied(circuit: Circuit, graph: Graph, leaves: dict[int, int]) -> list[int]:
    """Of each node of the circuit, its literal in `graph`; leaves that are not given are false."""
    values = [FALSE] * len(circuit.left)
    for literal, own in leaves.items():
        values[literal >> 1] = own
    for node in range(1, len(circuit.left)):
        if circuit.left[node] != LEAF:
            values[node] = graph.both(_read(values, circuit.left[node]), _read(values, circuit.right[node]))
    return values


def _read(values: Sequence[int], literal: int) -> int:
    return values[literal >> 1] ^ (literal & 1)


def _numbered(graph: Graph, inputs: tuple[str, ...], latches: Sequence[tuple[str, int]], bad: int) -> Model:
    """Leaves keep their numbers, which come first; gates that nothing reads go."""
    leaves = len(inputs) + len(latches)
    number = {node: node for node in range(leaves + 1)}
    used = sorted(node for node in cone(graph, [bad, *(after for _, after in latches)]) if node > leaves)
    for node in used:
        number[node] = len(number)

    def named(literal: int) -> int:
        return 2 * number[literal >> 1] + (literal & 1)

    return Model(
        inputs,
        tuple((name, named(after)) for name, after in latches),
        tuple((named(graph.left[node]), named(graph.right[node])) for node in used),
        named(bad),
    )


def text(found: Model, name: str = "bad", comment: Iterable[str] = ()) -> str:
    """ASCII AIGER. `name` is the property's."""
    lines = [_header("aag", found)]
    lines += [str(2 * (number + 1)) for number in range(len(found.inputs))]
    first = len(found.inputs) + 1
    lines += [f"{2 * (first + number)} {after}" for number, (_, after) in enumerate(found.latches)]
    lines.append(str(found.bad))
    first += len(found.latches)
    for number, (a, b) in enumerate(found.gates):
        lines.append(f"{2 * (first + number)} {max(a, b)} {min(a, b)}")
    return "\n".join(lines) + "\n" + _symbols(found, name, comment)


def binary(found: Model, name: str = "bad", comment: Iterable[str] = ()) -> bytes:
    """Binary AIGER: gates as differences of literals, seven bits to the byte."""
    lines = [_header("aig", found), *(str(after) for _, after in found.latches), str(found.bad)]
    data = bytearray(("\n".join(lines) + "\n").encode())
    first = len(found.inputs) + len(found.latches) + 1
    for number, (a, b) in enumerate(found.gates):
        own, high, low = 2 * (first + number), max(a, b), min(a, b)
        for difference in (own - high, high - low):
            while difference > 0x7F:
                data.append(difference & 0x7F | 0x80)
                difference >>= 7
            data.append(difference)
    return bytes(data) + _symbols(found, name, comment).encode()


def _header(kind: str, found: Model) -> str:
    inputs, latches, gates = len(found.inputs), len(found.latches), len(found.gates)
    return f"{kind} {inputs + latches + gates} {inputs} {latches} 0 {gates} 1"


def _symbols(found: Model, name: str, comment: Iterable[str]) -> str:
    lines = [f"i{number} {own}" for number, own in enumerate(found.inputs)]
    lines += [f"l{number} {own}" for number, (own, _) in enumerate(found.latches)]
    return "\n".join([*lines, f"b0 {name}", "c", *comment]) + "\n"
