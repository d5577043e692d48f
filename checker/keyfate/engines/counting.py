"""How many states can be reached under fixed settings: all of them, a batch at a time.

A state is a number with a bit for each latch that may change. What an instance does is a circuit over these, the same
one for all instances; it is simulated for every state of a batch at once, a word for each node with a bit for each
state. The states that an instance changes in the same bits are moved together. `lifecycle.explicit` counts the same
one by one, with nothing in common but the first states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from keyfate.engines.circuit import FALSE, LEAF, TRUE, Graph, evaluate, value_of
from keyfate.engines.compile import Compilation
from keyfate.engines.sat import Clock
from keyfate.engines.slicing import UNKNOWN, Constants
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import Before, Bit, Holds, Observed, StateIs
from keyfate.lifecycle.problem import Budget, Settings

STATE_LIMIT = 200_000
_BATCH = 2_048
_AS_BYTES = bytes.maketrans(b"01", b"\0\1")  # digits that `compress` takes for what they say


@dataclass(frozen=True)
class _Move:
    """An instance: when it is enabled, and the next values of what it may change, by the place of their bits."""

    enabled: int
    after: tuple[tuple[int, int], ...]


class Counter:
    """Counts for one lifecycle, which is compiled once."""

    def __init__(self, lifecycle: Lifecycle, basis: Basis | None = None) -> None:
        self._basis = basis or Basis(lifecycle)
        self._of = Compilation(lifecycle, self._basis.deduction)
        assert self._of.observable is not None  # the bits of what may be seen, before all are computed
        self._of.finish()

    def states(self, settings: Settings, limit: int = STATE_LIMIT, budget: Budget | None = None) -> int | None:
        """States that can be reached under settings that leave nothing open, those that differ only in the past counted
        once; None where more than `limit` have to be visited, the past told apart.

        Raises OutOfBudgetError where the budget's seconds are up.
        """
        return _Walk(self._of, self._basis, settings).states(limit, Clock(budget or Budget()))


class _Walk:
    """One lifecycle under one setting."""

    def __init__(self, compilation: Compilation, basis: Basis, settings: Settings) -> None:
        self._of = compilation
        self._basis = basis
        self._settings = settings
        fixed = {**compilation.bits.fixed(settings), compilation.honest: FALSE}
        constants = Constants(compilation, fixed)
        constants.update()
        self._constants = constants.values
        self._latches = [latch for latch in compilation.bits.meaning if self._constants[latch >> 1] == UNKNOWN]
        self._graph = Graph()
        self._leaves = [self._graph.leaf() for _ in self._latches]
        self._moves = tuple(self._instances())

    def states(self, limit: int, clock: Clock) -> int | None:
        """See Counter.states."""
        found = list(self._firsts())
        visited = set(found)
        while found:
            clock.check()
            if len(visited) > limit:
                return None
            batch = found[-_BATCH:]  # the newest: what is far from the first states leads to more that is new
            del found[-_BATCH:]
            fresh = self._after(batch)
            fresh -= visited
            visited |= fresh
            found.extend(fresh)
        present = sum(1 << at for at, bit in enumerate(self._bits()) if isinstance(bit, StateIs | Holds | Observed))
        return len(set(map(present.__and__, visited)))

    # What instances do

    def _instances(self) -> Iterator[_Move]:
        """Every instance that may happen and change something. What its choice has no say in is built once, for all."""
        of = self._of
        after = [of.next(latch) for latch in self._latches]
        swayed = self._swayed()
        stepped = {of.stepped: TRUE}  # what comes after is read where the instance is enabled
        shared: dict[int, int] = {}
        unchosen = self._built(after, shared, stepped)
        places: dict[int, list[int]] = {}
        for place, root in enumerate(after):
            places.setdefault(root >> 1, []).append(place)
        for name, pick in of.picks.items():
            (enabled,) = self._built([of.enabled(name)], shared, stepped)
            if enabled == FALSE:
                continue
            own = dict(shared)
            literals = list(unchosen)
            for node in swayed[pick >> 1]:
                own.pop(node, None)
            mine = [place for node in swayed[pick >> 1] for place in places.get(node, ())]
            chosen = self._built([after[place] for place in mine], own, {pick: TRUE, **stepped})
            for place, literal in zip(mine, chosen, strict=True):
                literals[place] = literal
            changes = ((place, new) for place, new in enumerate(literals) if new != self._leaves[place])
            yield _Move(enabled, tuple(changes))

    def _swayed(self) -> Mapping[int, Sequence[int]]:
        """For the choice of each instance, the nodes that depend on it."""
        graph, constants = self._of.graph, self._constants
        swayed: dict[int, list[int]] = {pick >> 1: [] for pick in self._of.picks.values()}
        by: list[frozenset[int]] = []
        for node, fan in enumerate(graph.left):
            if constants[node] != UNKNOWN:
                by.append(frozenset())
            elif fan == LEAF:
                by.append(frozenset({node} & swayed.keys()))
            else:
                one, other = by[fan >> 1], by[graph.right[node] >> 1]
                by.append(one if other <= one else one | other)
            for pick in by[-1]:
                swayed[pick].append(node)
        return swayed

    def _built(self, roots: Sequence[int], known: dict[int, int], leaves: Mapping[int, int]) -> list[int]:
        """The roots in the new graph, where `leaves` are constant, and other choices are not made. `known` grows by
        the nodes below."""
        graph, constants = self._of.graph, self._constants
        own = dict(zip(self._latches, self._leaves, strict=True))

        def read(literal: int) -> int:
            constant = constants[literal >> 1]
            return (known[literal >> 1] if constant == UNKNOWN else constant) ^ (literal & 1)

        stack = [root >> 1 for root in roots]
        while stack:
            node = stack[-1]
            if node in known or constants[node] != UNKNOWN:
                stack.pop()
            elif graph.left[node] == LEAF:
                known[node] = leaves[2 * node] if 2 * node in leaves else own.get(2 * node, FALSE)
            else:
                fans = (graph.left[node], graph.right[node])
                below = [fan >> 1 for fan in fans if fan >> 1 not in known and constants[fan >> 1] == UNKNOWN]
                if below:
                    stack.extend(below)
                else:
                    known[node] = self._graph.both(*map(read, fans))
        return [read(root) for root in roots]

    # States

    def _bits(self) -> Iterator[Bit]:
        return (self._of.bits.meaning[latch] for latch in self._latches)

    def _firsts(self) -> Iterable[int]:
        """Every first state."""
        settings, lifecycle = self._settings, self._of.lifecycle
        interpreter = Interpreter(lifecycle, settings.controls, settings.capabilities, watch=(), basis=self._basis)
        bits = list(self._bits())
        return {
            sum(1 << place for place, bit in enumerate(bits) if _holds(bit, state))
            for state in interpreter.initial_states()
        }

    def _after(self, states: Sequence[int]) -> set[int]:
        """What one step leads to from these states, and changes."""
        graph, count, width = self._graph, len(states), len(self._latches)
        mask = (1 << count) - 1
        digits = "".join([format(state, f"0{width}b") for state in states]) if width else ""
        words = [int(digits[width - 1 - place :: width], 2) for place in range(width)]
        values = evaluate(graph.left, graph.right, dict(zip(self._leaves, words, strict=True)), mask)
        found: set[int] = set()
        for move in self._moves:
            enabled = value_of(values, move.enabled, mask)
            if not enabled:
                continue
            changes = ((place, value_of(values, new, mask) ^ words[place]) for place, new in move.after)
            for alike, change in _alike(enabled, changes):
                if change:
                    chosen = format(alike, f"0{count}b").encode().translate(_AS_BYTES)
                    found.update(map(change.__xor__, compress(states, chosen)))
        return found


def _alike(enabled: int, changes: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The states of a word, told apart by what changes in them; each part with that as bits of a state."""
    parts = [(enabled, 0)]
    for place, word in changes:
        if not word & enabled:
            continue
        split: list[tuple[int, int]] = []
        for alike, change in parts:
            changed = alike & word
            if changed:
                split.append((changed, change | 1 << place))
            if changed != alike:
                split.append((alike ^ changed, change))
        parts = split
    return parts


def _holds(bit: Bit, state: State) -> bool:
    """Whether a bit holds in a first state, in which nothing has happened."""
    match bit:
        case StateIs(name, value):
            return state.states[name] == value
        case Holds(place, term):
            return term in state.places[place]
        case Observed(term):
            return term in state.observed
        case Before():
            return state.history[bit]
        case _:
            return False
