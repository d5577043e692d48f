"""The blocked cubes of IC3 against a list that is looked through."""

from __future__ import annotations

import random

import pytest

from keyfate.engines.frames import ALWAYS, Cube, Frames


def some_cube(draw: random.Random) -> Cube:
    latches = draw.sample(range(1, 7), draw.randint(1, 4))
    return tuple(sorted(draw.choice((latch, -latch)) for latch in latches))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_blocked(seed: int) -> None:
    draw = random.Random(seed)
    frames, added = Frames(), list[tuple[Cube, int]]()
    for _ in range(60):
        cube, frame = some_cube(draw), draw.choice((1, 2, 3, 4, ALWAYS))
        if not frames.blocks(cube, frame):  # IC3 blocks what is not blocked yet
            frames.add(cube, frame)
            added.append((cube, frame))
        asked, frame = some_cube(draw), draw.choice((1, 2, 3, 4, ALWAYS))
        assert frames.blocks(asked, frame) == any(last >= frame and set(part) <= set(asked) for part, last in added)
    assert set(frames) == {
        (cube, frame)
        for cube, frame in added
        if not any(last >= frame and set(part) <= set(cube) and (part, last) != (cube, frame) for part, last in added)
    }
    for frame in (1, 2, 3, 4, ALWAYS):
        assert set(frames.at(frame)) == {cube for cube, last in frames if last == frame}
    for cube, last in frames:
        assert frames.last(cube) == last


def test_a_cube_that_moves_up_is_in_one_frame() -> None:
    frames = Frames()
    frames.add((-1, 2), 1)
    frames.add((-1, 2), 3)
    assert list(frames) == [((-1, 2), 3)]
    assert frames.at(1) == []
    assert frames.last((-1, 2)) == 3
    assert frames.last((1, 2)) == 0
