"""Random simulation of a circuit, many runs at once: each node's value is a word with a bit for each run.

What is easily reached is reached so in a moment, and need not be searched for. Nothing is claimed about the rest. What
lies deep is reached by going on from where rare things happened (Ecoffet, Huizinga, Lehman, Stanley, Clune, Nature 590,
2021). Runs are drawn by a seeded generator: the same question gives the same runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from keyfate.engines.circuit import FALSE, Circuit, value_of
from keyfate.engines.sat import Clock
from keyfate.engines.search import Run
from keyfate.engines.slicing import Question
from keyfate.lifecycle.names import ActionName

LANES = 4_096
STEPS = 64  # of a round; most draw an instance that cannot happen, and change nothing
ROUNDS = 6


@dataclass(frozen=True)
class Sample:
    """A run, the instances that happen in it, and the state in which it ends (latches that are true)."""

    run: Run
    actions: tuple[ActionName, ...]
    end: frozenset[int]


def covering(
    question: Question, *, lanes: int = LANES, steps: int = STEPS, seed: int = 0, clock: Clock | None = None
) -> Iterator[Sample]:
    """Few runs that together pass a state for each part of `bad` that the simulation came by.

    A run ends with the last part that it is there for. Where `clock` says so the simulation ends early.
    """
    random = Random(seed)
    left = set(range(len(question.circuit.parts)))
    found: list[Sample] = []
    for _ in range(ROUNDS):
        if not left or _over(clock):
            return
        fresh = list(_Round(question, found, lanes, random).covering(left, steps, clock))
        yield from fresh
        found += fresh


def _over(clock: Clock | None) -> bool:
    return clock is not None and clock.left == 0


class _Round:
    """One simulation, from first states or from where earlier runs ended."""

    def __init__(self, question: Question, found: Sequence[Sample], lanes: int, random: Random) -> None:
        self._question = question
        self._circuit = question.circuit
        self._found = found
        self._lanes = lanes
        self._mask = (1 << lanes) - 1
        self._random = random
        self._inputs: list[dict[int, int]] = []
        self._fired: list[tuple[int, ...]] = []
        self._states: list[dict[int, int]] = []

    def covering(self, left: set[int], steps: int, clock: Clock | None) -> Iterator[Sample]:
        """Runs for what is left, which they are taken off."""
        first, state, alive = self._resumed() if self._found else self._begun()
        hits: dict[int, list[tuple[int, int]]] = {part: [] for part in left}  # (step, the runs that come there first)
        for step in range(steps):
            if _over(clock):
                break
            values = self._step(state)
            for part, before in hits.items():
                word = value_of(values, self._circuit.parts[part], self._mask) & alive
                for _, earlier in before:
                    word &= ~earlier
                if word:
                    before.append((step, word))
            state = {latch.literal: value_of(values, latch.next, self._mask) for latch in self._circuit.latches}
        for lane, last in _chosen(hits, left):
            yield self._sample(lane, last, first)

    def _step(self, state: dict[int, int]) -> list[int]:
        taken = {literal: self._random.getrandbits(self._lanes) for literal in self._circuit.inputs}
        values = self._circuit.evaluate(state | taken, self._mask)
        self._states.append(state)
        self._inputs.append(taken)
        self._fired.append(tuple(value_of(values, literal, self._mask) for _, literal in self._question.fires))
        return values

    def _begun(self) -> tuple[dict[int, int], dict[int, int], int]:
        """Free latches as words, all latches as words, and the runs whose first state is one."""
        circuit, mask = self._circuit, self._mask
        first = _first_states(circuit, self._lanes, self._random)
        begin = circuit.evaluate(first, mask)
        state = {
            latch.literal: first[latch.literal] if latch.initial is None else value_of(begin, latch.initial, mask)
            for latch in circuit.latches
        }
        alive = value_of(circuit.evaluate(state, mask), circuit.constraint, mask)
        for clause in circuit.known:
            held = FALSE
            for literal in clause:
                held |= state[literal & ~1] ^ (mask if literal & 1 else 0)
            alive &= held
        return first, state, alive

    def _resumed(self) -> tuple[dict[int, int], dict[int, int], int]:
        """Every run goes on from where one of those found ended, each from another in turn."""
        words = dict.fromkeys((latch.literal for latch in self._circuit.latches), FALSE)
        for number, sample in enumerate(self._found):
            mine = sum(1 << lane for lane in range(number, self._lanes, len(self._found)))
            for literal in sample.end:
                words[literal] |= mine
        return {}, words, self._mask

    def _sample(self, lane: int, last: int, first: Mapping[int, int]) -> Sample:
        def bits(words: Mapping[int, int]) -> dict[int, bool]:
            return {literal: bool(word >> lane & 1) for literal, word in words.items()}

        actions = tuple(
            name
            for words in self._fired[:last]
            for (name, _), word in zip(self._question.fires, words, strict=True)
            if word >> lane & 1 and name is not None
        )
        inputs = tuple(map(bits, self._inputs[:last]))
        end = frozenset(literal for literal, true in bits(self._states[last]).items() if true)
        if not self._found:
            return Sample(Run(bits(first), inputs), actions, end)
        before = self._found[lane % len(self._found)]
        return Sample(Run(before.run.first, before.run.inputs + inputs), before.actions + actions, end)


def _chosen(hits: Mapping[int, Sequence[tuple[int, int]]], left: set[int]) -> Iterator[tuple[int, int]]:
    """Runs by number, and how many steps of each: what few runs come to first, and with it all that they show."""
    seen = {part: sum(word for _, word in ways) for part, ways in hits.items() if ways}  # disjoint words
    while pending := [part for part in seen if part in left]:
        rarest = min(pending, key=lambda part: (seen[part].bit_count(), part))
        _, word = hits[rarest][0]
        lane = (word & -word).bit_length() - 1
        shown = {part for part in pending if seen[part] >> lane & 1}
        left -= shown
        yield lane, max(step for part in shown for step, word in hits[part] if word >> lane & 1)


def _first_states(circuit: Circuit, lanes: int, random: Random) -> dict[int, int]:
    """A word for each latch that starts free; of latches that exclude each other one, or none, is true in each run."""
    free = {latch.literal for latch in circuit.latches if latch.initial is None}
    groups = [clause for clause in circuit.known if free.issuperset(clause)]  # one of these holds
    rivals: dict[int, set[int]] = {}  # of the others, which exclude each other
    for a, b in (clause for clause in circuit.known if len(clause) == 2 and clause[0] & clause[1] & 1):
        rivals.setdefault(a ^ 1, set()).add(b ^ 1)
        rivals.setdefault(b ^ 1, set()).add(a ^ 1)
    grouped = {literal for group in groups for literal in group}
    words = dict.fromkeys(sorted(free), FALSE)
    for lane in range(lanes):
        for group in groups:
            words[random.choice(group)] |= 1 << lane
    for literal in sorted(free - grouped):
        word = random.getrandbits(lanes)
        for rival in rivals.get(literal, ()):
            word &= ~words[rival] if rival in words else -1
        words[literal] = word
    return words
