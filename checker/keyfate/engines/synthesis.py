"""The frontier of a whole problem: of a target that some instance must reach, or that each of them must (R13)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from keyfate.engines.compile import Compilation
from keyfate.engines.frontier import Exploration, InexactError, implied, listed
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.space import Function, Space, TooManyError
from keyfate.language.typed import Value
from keyfate.lifecycle import renaming
from keyfate.lifecycle.problem import Frontier, Implicant, Prime, Problem, Reach, Trace, confined
from keyfate.lifecycle.renaming import Members
from keyfate.lifecycle.symmetry import Symmetry, instances, trivial

_NEWS = 1.0  # seconds between two tales of a frontier that is not finished

Explore = Callable[[Problem, bool, Symmetry], Exploration]
"""Begins with the representatives of a problem; exactly, or on a slice that knows nothing of some steps."""


@dataclass(frozen=True)
class _Instance:
    """What was found of an instance of a target: of another that exchanges of members take to it."""

    explored: Exploration
    members: Members

    def frontier(self) -> Frontier:
        return renaming.frontier(self.explored.frontier(), self.members)

    def witnesses(self, condition: Implicant) -> tuple[Trace, ...]:
        before = renaming.implicant(condition, renaming.inverse(self.members))
        return tuple(renaming.trace(found, self.members) for found in self.explored.witnesses(before))


def synthesized(
    compilation: Compilation,
    explore: Explore,
    problem: Problem,
    symmetry: Symmetry,
    clock: Clock,
    limit: int,
    *,
    safe: bool,
) -> Iterator[Frontier]:
    """What is known so far, again and again, and at last all or why not."""
    target = problem.target
    if not problem.honest or not isinstance(target, Reach):
        exploration, reason = yield from _worked(explore, problem, symmetry, clock)
        yield _told(exploration, reason, safe)
        return
    explored: dict[tuple[Value, ...], Exploration] = {}
    done: list[_Instance] = []
    for instance, one in zip(instances(target), confined(target), strict=True):
        first, members = symmetry.representative(instance)
        if first not in explored:
            asked = replace(problem, target=one)
            assert first == instance, "the first of its kind comes first"
            exploration, reason = _finished(_worked(explore, asked, trivial(one), clock))
            if reason:  # of the whole nothing can be said
                known = exploration.unlisted(reason)
                yield replace(known, reaching=0, open=known.configurations)
                return
            explored[first] = exploration
        done.append(_Instance(explored[first], members))
    try:
        yield replace(_meeting(compilation, problem, done, limit, safe=safe), symmetric=symmetry.sorts)
    except TooManyError as error:
        yield done[0].explored.unlisted(str(error))
    except MemoryError:
        yield done[0].explored.unlisted("out of memory")


def _worked(
    explore: Explore, problem: Problem, whole: Symmetry, clock: Clock
) -> Generator[Frontier, None, tuple[Exploration, str]]:
    """What is known so far; then the exploration, and why it is not finished if it is not."""
    exploration = explore(problem, False, whole)
    for exact in (False, True):
        if exact:
            exploration = explore(problem, exact, whole)
        try:
            yield from _news(exploration, clock)
        except InexactError:
            continue
        except (OutOfBudgetError, TooManyError) as error:
            return exploration, str(error)
        except MemoryError:
            return exploration, "out of memory"
        break
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
    compilation: Compilation, problem: Problem, found: Sequence[_Instance], limit: int, *, safe: bool
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
    parts = tuple(instance.frontier() for instance in found)
    common = admissible
    for part in parts:
        some = space.false
        for prime in part.primes:
            some = some | space.function_of(prime.condition)
        common = common & some
    conditions = tuple(listed(space, common, admissible, limit))
    needless = implied(space, conditions, admissible)
    primes = [
        Prime(one, tuple(trace for instance in found for trace in instance.witnesses(one)), one in needless)
        for one in conditions
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
