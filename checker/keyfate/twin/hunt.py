"""The hunt: random walks that look, on real bytes, for a break that the checker missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import TypeVar

from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.names import ActionName
from keyfate.lifecycle.problem import Settings, Trace
from keyfate.twin.attacker import SearchTooLargeError
from keyfate.twin.pairs import Break, Disagreement, Grounds, NoSettingError, Pair, Run, differs, reaches
from keyfate.twin.primitives import PRIMITIVES, Primitives

__all__ = ["Break", "Disagreement", "HuntResult", "NoSettingError", "hunt"]

_DISAGREEMENTS_KEPT = 3
_PAIRS_TRIED = 20  # steps up to which pairs of them are left out too
_ACCOMPANIED = 8  # the interpreter goes along on one walk in so many: it costs more than the walk
_RESUMED = 0.5  # the share of walks that go on from where an earlier one has been
_DRAWS = 1_000  # random settings tried for one walk

T = TypeVar("T")


@dataclass(frozen=True)
class HuntResult:
    """What the walks came by. `states` were different ones; `actions` are the names of those that
    happened, of `actions_total` declared. `breaks` has one trace for each property broken, from which
    no step and no capability can be left out; `disagreements` are defects of keyfate (DIVERGED).
    `abandoned` walks ended where the attacker's search had too many combinations."""

    walks: int
    steps: int
    states: int
    actions: frozenset[str]
    actions_total: int
    breaks: tuple[Break, ...]
    disagreements: tuple[Disagreement, ...]
    abandoned: int = 0


def hunt(
    lifecycle: Lifecycle,
    settings: Settings,
    properties: Sequence[Property],
    walks: int = 100,
    seed: int = 0,
    *,
    steps: int = 25,
    primitives: Primitives = PRIMITIVES,
    attacker_primitives: Primitives = PRIMITIVES,
    progress: Callable[[int], None] | None = None,
) -> HuntResult:
    """Walk `walks` times, up to `steps` steps each, under admissible settings that agree with `settings`;
    half of the walks start where an earlier one did something rare.

    The walk is that of `machine.machine`, with a plain seeded generator in Hypothesis' place: the same
    arguments give the same result, with every version of Hypothesis. One walk in eight is accompanied by
    the interpreter, and everything compared after each step (in `machine`, every walk is). `possible`
    properties are passed over: a walk cannot break them. `progress` hears the number of walks begun.
    Raises NoSettingError where no admissible setting of the open controls is found.
    """
    grounds = Grounds(
        lifecycle, settings, properties, primitives=primitives, attacker_primitives=attacker_primitives, seed=seed
    )
    record = _Record(progress)
    for number in range(walks):
        kind = Pair if number % _ACCOMPANIED == 0 else Run
        try:
            _walk(grounds, record, steps, Random(f"{seed}/{number}"), kind)  # seeded by text: the same everywhere
        except SearchTooLargeError:
            record.abandoned += 1
    order = {rule.name: number for number, rule in enumerate(grounds.properties)}
    breaks = sorted(record.breaks.values(), key=lambda found: order[found.property.name])
    return HuntResult(
        walks=record.walks,
        steps=record.steps,
        states=len(record.states),
        actions=frozenset(record.taken),
        actions_total=len(lifecycle.actions),
        breaks=tuple(_shrunk_break(grounds, found, settings) for found in breaks),
        disagreements=tuple(_shrunk_disagreement(grounds, found) for found in record.disagreements),
        abandoned=record.abandoned,
    )


class _Record:
    """What was come by so far."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self._progress = progress
        self.walks = 0
        self.abandoned = 0
        self.steps = 0
        self.states: set[int] = set()
        self.taken: Counter[str] = Counter()
        self.ways: dict[str, Trace] = {}  # for each action a short way to where it has just happened
        self.breaks: dict[str, Break] = {}
        self.disagreements: list[Disagreement] = []

    def begun(self) -> None:
        self.walks += 1
        if self._progress is not None:
            self._progress(self.walks)

    def did(self, action: ActionName, run: Run) -> None:
        """Note a step, now behind `run`."""
        self.steps += 1
        self.taken[action.name] += 1
        known = self.ways.get(action.name)
        if known is None or run.depth < len(known.actions):
            self.ways[action.name] = run.trace

    def came_to(self, run: Run) -> bool:
        """Note where a walk has come to; whether it may go on."""
        now = run.now
        places = tuple(frozenset(slots.values()) for slots in now.places.values())
        self.states.add(hash((tuple(now.values.values()), places, frozenset(now.observed))))
        difference = run.difference()
        if difference is not None:
            if len(self.disagreements) < _DISAGREEMENTS_KEPT:
                self.disagreements.append(Disagreement(difference, run.trace))
            return False
        for rule in run.grounds.properties:
            known = self.breaks.get(rule.name)
            if (known is None or run.depth < len(known.trace.actions)) and run.breaks(rule):
                self.breaks[rule.name] = Break(rule, run.trace)
        return True


def _walk(grounds: Grounds, record: _Record, steps: int, random: Random, kind: type[Run]) -> None:
    run = _resumed(grounds, record, random, kind) if random.random() < _RESUMED else None
    last = steps if run is None else steps + run.depth
    if run is None:
        run = _begun(grounds, random, kind)
    # swarm testing (Groce, Zhang, Eide, Chen, Regehr, ISSTA 2012): half of the walks do without some actions
    names = [action.name for action in grounds.lifecycle.actions]
    swarm = random.random() < 0.5
    names = [name for name in names if not swarm or random.random() < 0.75]
    record.begun()
    while record.came_to(run) and run.depth < last:
        action = _next(run, names, record, random)
        if action is None:
            return
        run.step(action)
        record.did(action, run)


def _begun(grounds: Grounds, random: Random, kind: type[Run]) -> Run:
    """A walk at a first state."""

    def choose(label: str, options: Sequence[T]) -> T:
        return random.choice(options)

    for _ in range(_DRAWS):
        run = grounds.draw(choose, kind)
        if run is not None:
            return run
    raise NoSettingError(f"{_DRAWS} random settings of the open controls violate the constraints")


def _resumed(grounds: Grounds, record: _Record, random: Random, kind: type[Run]) -> Run | None:
    """A walk that goes on where a rare action happened: what lies deep is reached by going back to where
    one has been (Ecoffet, Huizinga, Lehman, Stanley, Clune, Nature 590, 2021). None at the beginning."""
    if not record.ways:
        return None
    names = list(record.ways)
    trace = record.ways[random.choices(names, [1 / (1 + record.taken[name]) for name in names])[0]]
    run = kind.of(grounds, trace)
    for action in trace.actions:
        run.step(action)
    return run


def _next(run: Run, names: Sequence[str], record: _Record, random: Random) -> ActionName | None:
    """Some enabled instance: first an action, rare ones rather, then an instance of it, since those with
    many instances would drown the others. None where nothing can happen."""
    # drawing without replacement by weight (Efraimidis, Spirakis, Information Processing Letters 97, 2006)
    order = sorted(names, key=lambda name: -(random.random() ** (1 + record.taken[name])))
    for name in order:
        instances = run.grounds.instances[name]
        for instance in random.sample(instances, len(instances)):
            if run.twin.refusal(run.now, instance) is None:
                return instance
    return None


# Shrinking


def _shrunk_break(grounds: Grounds, found: Break, settings: Settings) -> Break:
    def still(trace: Trace) -> bool:
        return reaches(grounds, found.property, trace)

    trace = shrink(found.trace, still)
    for name, on in trace.capabilities:
        if on and name not in settings.capabilities:
            without = tuple((other, held and other != name) for other, held in trace.capabilities)
            if still(replace(trace, capabilities=without)):
                trace = replace(trace, capabilities=without)
    return Break(found.property, trace)


def _shrunk_disagreement(grounds: Grounds, found: Disagreement) -> Disagreement:
    return Disagreement(found.reason, shrink(found.trace, lambda trace: differs(grounds, trace)))


def shrink(trace: Trace, still: Callable[[Trace], bool]) -> Trace:
    """A trace of which no step, and no two of a short one, can be left out while `still` holds: delta
    debugging (Zeller and Hildebrandt, IEEE TSE 28, 2002) by complements. `still` holds of `trace`."""
    actions = trace.actions
    size = max(1, len(actions) // 2)
    while actions:
        shorter = next((rest for rest in _without(actions, size) if still(replace(trace, actions=rest))), None)
        if shorter is not None:
            actions = shorter
            size = max(1, min(size, len(actions) // 2))
        elif size > 1:
            size //= 2
        else:
            break
    return replace(trace, actions=actions)


def _without(actions: tuple[ActionName, ...], size: int) -> Iterator[tuple[ActionName, ...]]:
    """All but `size` steps in a row; at the end, all but any two: what undoes each other goes together."""
    for start in range(0, len(actions), size):
        yield actions[:start] + actions[start + size :]
    if size == 1 and len(actions) <= _PAIRS_TRIED:
        for one, other in combinations(range(len(actions)), 2):
            yield tuple(action for number, action in enumerate(actions) if number not in (one, other))
