"""The hunt: random walks that look, on real bytes, for a break that the checker missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.problem import Settings, Trace
from keyfate.twin.pairs import Break, Disagreement, Grounds, NoSettingError, Pair, differs, reaches
from keyfate.twin.primitives import PRIMITIVES, Primitives

__all__ = ["Break", "Disagreement", "HuntResult", "NoSettingError", "hunt"]

_DISAGREEMENTS_KEPT = 3
_DRAWS = 1_000  # random settings tried for one walk

T = TypeVar("T")


@dataclass(frozen=True)
class HuntResult:
    """What the walks came by. `states` were different ones; `actions` are the names of those that
    happened, of `actions_total` declared. `breaks` has one trace for each property broken, from which
    no step and no capability can be left out; `disagreements` are defects of keyfate (DIVERGED)."""

    walks: int
    steps: int
    states: int
    actions: frozenset[str]
    actions_total: int
    breaks: tuple[Break, ...]
    disagreements: tuple[Disagreement, ...]


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
    """Walk `walks` times, up to `steps` steps each, under admissible settings that agree with `settings`.

    The walk is that of `machine.machine`, with a plain seeded generator in Hypothesis' place: the same
    arguments give the same result, with every version of Hypothesis. `possible` properties are passed
    over: a walk cannot break them. `progress` hears the number of walks begun. Raises NoSettingError
    where no admissible setting of the open controls is found.
    """
    grounds = Grounds(
        lifecycle, settings, properties, primitives=primitives, attacker_primitives=attacker_primitives, seed=seed
    )
    record = _Record(progress)
    for number in range(walks):
        _walk(grounds, record, steps, Random(f"{seed}/{number}"))  # seeded by text: the same on every machine
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
    )


class _Record:
    """What was come by so far."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self._progress = progress
        self.walks = 0
        self.steps = 0
        self.states: set[int] = set()
        self.taken: Counter[str] = Counter()
        self.breaks: dict[str, Break] = {}
        self.disagreements: list[Disagreement] = []

    def begun(self) -> None:
        self.walks += 1
        if self._progress is not None:
            self._progress(self.walks)

    def came_to(self, pair: Pair) -> bool:
        """Note where a walk has come to; whether it may go on."""
        state = pair.state
        self.states.add(hash((tuple(state.states.values()), tuple(state.places.values()), state.observed)))
        if pair.now.did is not None:
            self.steps += 1
            self.taken[pair.now.did.name] += 1
        difference = pair.difference()
        if difference is not None:
            if len(self.disagreements) < _DISAGREEMENTS_KEPT:
                self.disagreements.append(Disagreement(difference, pair.trace))
            return False
        for rule in pair.broken():
            known = self.breaks.get(rule.name)
            if known is None or len(pair.trace.actions) < len(known.trace.actions):
                self.breaks[rule.name] = Break(rule, pair.trace)
        return True


def _walk(grounds: Grounds, record: _Record, steps: int, random: Random) -> None:
    def choose(label: str, options: Sequence[T]) -> T:
        return random.choice(options)

    pair = None
    for _ in range(_DRAWS):
        pair = grounds.draw(choose)
        if pair is not None:
            break
    else:
        raise NoSettingError(f"{_DRAWS} random settings of the open controls violate the constraints")
    # swarm testing (Groce, Zhang, Eide, Chen, Regehr, ISSTA 2012): half of the walks do without some actions
    names = [action.name for action in grounds.lifecycle.actions]
    without = {name for name in names if random.random() < 0.25} if random.random() < 0.5 else set()
    record.begun()
    while record.came_to(pair) and pair.depth < steps:
        able = list(dict.fromkeys(action.name for action in pair.enabled if action.name not in without))
        if not able:
            return
        # first an action, rare ones rather, then an instance: those with many instances would drown the others
        name = random.choices(able, [1 / (1 + record.taken[name]) for name in able])[0]
        pair.step(random.choice([action for action in pair.enabled if action.name == name]))


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
    """A trace of which no single step can be left out while `still` holds: delta debugging
    (Zeller and Hildebrandt, IEEE TSE 28, 2002) by complements. `still` holds of `trace`."""
    actions = trace.actions
    size = max(1, len(actions) // 2)
    while actions:
        shorter = None
        for start in range(0, len(actions), size):
            rest = actions[:start] + actions[start + size :]
            if still(replace(trace, actions=rest)):
                shorter = rest
                break
        if shorter is not None:
            actions = shorter
            size = max(1, min(size, len(actions) // 2))
        elif size == 1:
            break
        else:
            size //= 2
    return replace(trace, actions=actions)
