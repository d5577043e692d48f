"""What IC3 has blocked so far: cubes, each up to some frame, none of which is part of another that holds as long.

Two indices keep subsumption cheap. The cubes of which a new one is part are those that hold each of its literals; a
cube of which some known one is part holds the one literal under which that was filed (one-watched literals: L. Zhang,
On subsumption removal and on-the-fly CNF simplification, SAT 2005).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

Cube = tuple[int, ...]  # sorted literals of the solver over latch variables: a set of states

ALWAYS = 1 << 30  # the frame of what is blocked for ever


class Frames:
    """The blocked cubes, each with the last frame in which it is known to be blocked; frame 0 blocks none."""

    def __init__(self) -> None:
        self._last: dict[Cube, int] = {}
        self._holding: dict[int, set[Cube]] = {}  # literal -> cubes that hold it
        self._filed: dict[int, dict[Cube, int]] = {}  # literal -> cubes filed under it, with their frames

    def __iter__(self) -> Iterator[tuple[Cube, int]]:
        return iter(self._last.items())

    def last(self, cube: Cube) -> int:
        """The last frame in which this very cube is blocked; 0 where it is none of the cubes."""
        return self._last.get(cube, 0)

    def at(self, frame: int) -> list[Cube]:
        """The cubes that are blocked in this frame and not known to be in the next."""
        return [cube for cube, last in self._last.items() if last == frame]

    def blocks(self, cube: Collection[int], frame: int) -> bool:
        """Is a part of `cube` blocked in this frame?"""
        contains = frozenset(cube).issuperset
        for literal in cube:
            for part, last in self._filed.get(literal, {}).items():
                if last >= frame and contains(part):
                    return True
        return False

    def add(self, cube: Cube, frame: int) -> None:
        """Block `cube` up to this frame. What says less is dropped."""
        weaker = set.intersection(*(self._holding.setdefault(literal, set()) for literal in cube))
        for other in weaker:
            if self._last[other] <= frame:
                self._drop(other)
        self._last[cube] = frame
        for literal in cube:
            self._holding[literal].add(cube)
        self._filed.setdefault(self._rarest(cube), {})[cube] = frame

    def _drop(self, cube: Cube) -> None:
        del self._last[cube]
        for literal in cube:
            self._holding[literal].remove(cube)
            self._filed.get(literal, {}).pop(cube, None)

    def _rarest(self, cube: Cube) -> int:
        return min(cube, key=lambda literal: len(self._filed.get(literal, ())))
