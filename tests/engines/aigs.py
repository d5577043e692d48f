"""A reader of AIGER files, and the explicit search that tells what is true of small ones."""

from __future__ import annotations

import itertools
from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """`latches` by their next literals, all false at first; `gates` as (left, right), from the first variable up."""

    inputs: int
    latches: tuple[int, ...]
    gates: tuple[tuple[int, int], ...]
    bad: int
    symbols: dict[str, str]
    comment: list[str]


def read(data: bytes) -> File:
    """Either format; what this project does not write is refused."""
    head, _, rest = data.partition(b"\n")
    kind, *numbers = head.split()
    most, inputs, latches, outputs, gates, bads = map(int, numbers)
    assert most == inputs + latches + gates
    assert (outputs, bads) == (0, 1)
    ascii_lines = (inputs if kind == b"aag" else 0) + latches + 1 + (gates if kind == b"aag" else 0)
    *lines, rest = rest.split(b"\n", ascii_lines)
    rows = [tuple(map(int, line.split())) for line in lines]
    first = inputs + latches + 1
    if kind == b"aag":
        assert rows[:inputs] == [(2 * (number + 1),) for number in range(inputs)]
        rows = rows[inputs:]
        assert [own for own, _ in rows[:latches]] == [2 * (inputs + number + 1) for number in range(latches)]
        ands = rows[latches + 1 :]
        assert [own for own, _, _ in ands] == [2 * (first + number) for number in range(gates)]
        pairs = [(left, right) for _, left, right in ands]
    else:
        assert kind == b"aig"
        pairs = []
        for number in range(gates):
            own = 2 * (first + number)
            one, rest = _number(rest)
            other, rest = _number(rest)
            pairs.append((own - one, own - one - other))
    for number, (left, right) in enumerate(pairs):
        assert 2 * (first + number) > left >= right >= 0, "gates stand in order"
    symbols, _, comment = rest.decode().partition("\nc\n")
    named = dict(line.split(" ", 1) for line in symbols.splitlines())
    return File(
        inputs, tuple(row[-1] for row in rows[:latches]), tuple(pairs), rows[latches][0], named, comment.splitlines()
    )


def _number(data: bytes) -> tuple[int, bytes]:
    value = shift = 0
    for at, byte in enumerate(data):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, data[at + 1 :]
    raise AssertionError("the file ends in the midst of a number")


def distance(file: File) -> int | None:
    """Steps from all latches false to bad; None where there is no way."""
    front = {(0,) * len(file.latches)}
    seen = set(front)
    steps = 0
    while front:
        known = [_values(file, state, chosen) for state in front for chosen in _choices(file)]
        if any(_literal(values, file.bad) for values in known):
            return steps
        front = {tuple(_literal(values, after) for after in file.latches) for values in known} - seen
        seen |= front
        steps += 1
    return None


def _choices(file: File) -> list[tuple[int, ...]]:
    return list(itertools.product((0, 1), repeat=file.inputs))


def _values(file: File, state: tuple[int, ...], inputs: tuple[int, ...]) -> list[int]:
    values = [0, *inputs, *state]
    for left, right in file.gates:
        values.append(_literal(values, left) & _literal(values, right))
    return values


def _literal(values: list[int], literal: int) -> int:
    return values[literal >> 1] ^ (literal & 1)
