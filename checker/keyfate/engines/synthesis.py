"""The frontier of a whole problem: of a target that some instance must reach, or that each of them must (R13)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from keyfate.engines.compile import Compilation
from keyfate.engines.frontier import Exploration, InexactError, implied, listed
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.space import Function, Space, TooManyError
from keyfate.lifecycle.problem import Frontier, Prime, Problem, Reach, confined

_NEWS = 1.0  # seconds between two tales of a frontier that is not finished

Explore = Callable[[Problem, bool], Exploration]
"""Begins with a problem; exactly, or on a slice that leaves out steps of which it knows nothing."""


def synthesized(
    compilation: Compilation, explore: Explore, problem: Problem, clock: Clock, limit: int, *, safe: bool
) -> Iterator[Frontier]:
    """What is known so far, again and again, and at last all or why not."""
    if not problem.honest or not isinstance(problem.target, Reach):
        exploration, reason = yield from _worked(explore, problem, clock)
        yield _told(exploration, reason, safe)
        return
    done: list[Exploration] = []
    for target in confined(problem.target):
        exploration, reason = _finished(_worked(explore, replace(problem, target=target), clock))
        if reason:  # of the whole nothing can be said
            known = exploration.unlisted(reason)
            yield replace(known, reaching=0, open=known.configurations)
            return
        done.append(exploration)
    try:
        yield _meeting(compilation, problem, done, limit, safe=safe)
    except TooManyError as error:
        yield done[0].unlisted(str(error))
    except MemoryError:
        yield done[0].unlisted("out of memory")


def _worked(explore: Explore, problem: Problem, clock: Clock) -> Generator[Frontier, None, tuple[Exploration, str]]:
    """What is known so far; then the exploration, and why it is not finished if it is not."""
    exploration = explore(problem, False)
    try:
        yield from _news(exploration, clock)
    except InexactError:
        exploration = explore(problem, True)
        try:
            yield from _news(exploration, clock)
        except (OutOfBudgetError, TooManyError) as error:
            return exploration, str(error)
    except (OutOfBudgetError, TooManyError) as error:
        return exploration, str(error)
    except MemoryError:
        return exploration, "out of memory"
    return exploration, ""


def _news(exploration: Exploration, clock: Clock) -> Iterator[Frontier]:
    known, told = 0, time.monotonic()
    for _ in exploration.work(clock):
        if exploration.runs > known and time.monotonic() > told + _NEWS:
            yield exploration.frontier("it was not finished")
            known, told = exploration.runs, time.monotonic()


def _finished(working: Generator[Frontier, None, tuple[Exploration, str]]) -> tuple[Exploration, str]:
    """Of one instance alone nothing is told on the way."""
    while True:
        try:
            next(working)
        except StopIteration as end:
            found: tuple[Exploration, str] = end.value
            return found


def _told(exploration: Exploration, reason: str, safe: bool) -> Frontier:
    try:
        return exploration.frontier(reason, safe=safe)
    except TooManyError as error:
        return exploration.unlisted(str(error))
    except MemoryError:
        return exploration.unlisted("out of memory")


def _meeting(
    compilation: Compilation, problem: Problem, instances: Sequence[Exploration], limit: int, *, safe: bool
) -> Frontier:
    """The conditions under which each instance of a target can be reached, where each frontier is complete."""
    bits = compilation.bits
    fixed = bits.fixed(problem.settings)
    space = Space(
        (name, tuple(values), tuple(values.values()))
        for name, values in bits.controls.items()
        if name not in problem.settings.controls and len(values) > 1
    )
    admissible = _evaluated(compilation, space, fixed)
    parts = tuple(instance.frontier() for instance in instances)
    common = admissible
    for part in parts:
        some = space.false
        for prime in part.primes:
            some = some | space.function_of(prime.condition)
        common = common & some
    conditions = tuple(listed(space, common, admissible, limit))
    needless = implied(space, conditions, admissible)
    primes = [
        Prime(found, tuple(trace for instance in instances for trace in instance.witnesses(found)), found in needless)
        for found in conditions
    ]
    return Frontier(
        tuple(primes),
        configurations=space.count(admissible),
        reaching=space.count(common),
        open=0,
        invariant=None,
        safe=tuple(listed(space, admissible & ~common, admissible, limit)) if safe else None,
        instances=parts,
    )


def _evaluated(compilation: Compilation, space: Space, fixed: Mapping[int, int]) -> Function:
    """The settings that are admissible."""
    graph = compilation.graph
    values: dict[int, Function] = {0: space.false, **{latch >> 1: own for latch, own in space.latches.items()}}
    values.update({latch >> 1: space.all if value else space.false for latch, value in fixed.items()})

    def read(literal: int) -> Function:
        return space.negated(values[literal >> 1]) if literal & 1 else values[literal >> 1]

    stack = [compilation.constraint >> 1]
    while stack:
        node = stack[-1]
        fans = (graph.left[node], graph.right[node])
        missing = [] if node in values else [fan >> 1 for fan in fans if fan >> 1 not in values]
        if missing:
            stack += missing
            continue
        if node not in values:
            values[node] = read(fans[0]) & read(fans[1])
        stack.pop()
    return read(compilation.constraint)
