"""From the graph of a lifecycle to the circuit of one question.

The settings' constants are propagated, and with them the latches that can be seen never to leave their first value
(three-valued simulation from the first state, every input unknown). What is left is cut down to the cone of the
question and built anew, with hashing and folding; the picks in it become one binary-coded choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from keyfate.engines.circuit import FALSE, LEAF, TRUE, Circuit, Graph, Latch
from keyfate.engines.compile import Compilation
from keyfate.lifecycle.names import ActionName, Bit

UNKNOWN = 2


@dataclass(frozen=True)
class Question:
    """A circuit, and what of it means what in the lifecycle.

    `fires`: the literals that say that an instance happens; None is a step of some instance outside the cone.
    `swept`: bits that never leave a value, and on which the slicing relies.
    `actions`: names of the actions that may change a bit of the cone.
    """

    circuit: Circuit
    fires: tuple[tuple[ActionName | None, int], ...]
    swept: tuple[tuple[Bit, bool], ...]
    actions: frozenset[str]


class Constants:
    """Which nodes of a compilation are constant under given settings, whatever happens."""

    def __init__(self, compilation: Compilation, fixed: Mapping[int, int]) -> None:
        self._of = compilation
        self._fixed = {literal >> 1: value for literal, value in fixed.items()}
        self._readers: list[list[int]] = []
        self.values: list[int] = []

    def is_fixed(self, node: int) -> bool:
        """Is the leaf constant by the settings alone?"""
        return node in self._fixed

    def value(self, literal: int) -> int:
        """FALSE, TRUE or UNKNOWN."""
        value = self.values[literal >> 1]
        return value if value == UNKNOWN else value ^ (literal & 1)

    def of(self, bit: Bit, positive: bool) -> int:
        """As `value`, of a bit or its negation."""
        latch = self._of.bits.known(bit)
        return UNKNOWN if latch is None else self.value(latch ^ (not positive))

    def update(self) -> None:
        """Take in what the graph has grown since."""
        self._of.finish()
        graph, values, readers = self._of.graph, self.values, self._readers
        left, right, meaning = graph.left, graph.right, self._of.bits.meaning
        begin = len(values)
        new_latches: list[int] = []
        for node in range(begin, len(graph)):
            readers.append([])
            a = left[node]
            if a == LEAF:
                if node == 0:
                    values.append(FALSE)
                elif node in self._fixed:
                    values.append(self._fixed[node])
                elif 2 * node in meaning:
                    new_latches.append(2 * node)
                    values.append(UNKNOWN)  # until its first value is known, below
                else:
                    values.append(UNKNOWN)
                continue
            b = right[node]
            readers[a >> 1].append(node)
            readers[b >> 1].append(node)
            values.append(UNKNOWN)
        # First values are over frozen and free latches, which are leaves: known already, or unknown.
        for latch in new_latches:
            first = self._of.initial(latch)
            if first is not None:
                values[latch >> 1] = self._simulate(first)
        for node in range(begin, len(graph)):
            if left[node] != LEAF:
                values[node] = self._gate(node)
        self._settle(new_latches, begin)

    def _gate(self, node: int) -> int:
        a, b = self._of.graph.left[node], self._of.graph.right[node]
        x, y = self.values[a >> 1], self.values[b >> 1]
        if x != UNKNOWN:
            x ^= a & 1
        if y != UNKNOWN:
            y ^= b & 1
        if x == FALSE or y == FALSE:
            return FALSE
        return TRUE if x == TRUE and y == TRUE else UNKNOWN

    def _simulate(self, literal: int) -> int:
        """A literal over leaves that never change (settings) or start free."""
        if literal < 2:
            return literal
        left, right = self._of.graph.left, self._of.graph.right
        known: dict[int, int] = {0: FALSE}
        stack = [literal >> 1]
        while stack:
            node = stack[-1]
            if node in known:
                stack.pop()
            elif left[node] == LEAF:
                known[node] = self._fixed.get(node, UNKNOWN)
            else:
                below = [fan >> 1 for fan in (left[node], right[node]) if fan >> 1 not in known]
                if below:
                    stack.extend(below)
                    continue
                fans = [
                    known[fan >> 1] if known[fan >> 1] == UNKNOWN else known[fan >> 1] ^ (fan & 1)
                    for fan in (left[node], right[node])
                ]
                known[node] = FALSE if FALSE in fans else UNKNOWN if UNKNOWN in fans else TRUE
        value = known[literal >> 1]
        return value if value == UNKNOWN else value ^ (literal & 1)

    def _settle(self, latches: Sequence[int], begin: int) -> None:
        """Let go of every latch that may leave its value, until none does."""
        values, readers = self.values, self._readers
        watching: dict[int, list[int]] = {}  # node -> latches whose next value it is
        pending: list[int] = []
        for latch in latches:
            after = self._of.next(latch)
            if values[latch >> 1] == UNKNOWN:
                continue
            if self.value(after) != values[latch >> 1]:
                pending.append(latch >> 1)
            else:
                watching.setdefault(after >> 1, []).append(latch >> 1)
        while pending:
            node = pending.pop()
            if values[node] == UNKNOWN:
                continue
            values[node] = UNKNOWN
            pending.extend(watching.get(node, ()))
            for reader in readers[node]:
                if values[reader] != UNKNOWN and self._gate(reader) == UNKNOWN:
                    pending.append(reader)


def slice_question(
    compilation: Compilation,
    constants: Constants,
    settings: int,
    parts: Sequence[int],
    exact: bool = False,
    kept: Iterable[int] = (),
) -> Question:
    """The circuit that asks whether one of `parts` can ever hold under `settings`, a literal of what never changes.

    The frozen latches in `kept` are in it whether anything depends on them or not.

    A step of an instance outside the cone can matter only by being one (`previously`, `did`). It is taken to be
    always possible, unless `exact`: then every instance is in the cone.
    """
    return _Slicing(compilation, constants, settings, exact).question(parts, kept)


class _Slicing:
    def __init__(self, compilation: Compilation, constants: Constants, settings: int, exact: bool) -> None:
        self._of = compilation
        self._constants = constants
        self._settings = settings
        self._exact = exact
        self._names = {literal >> 1: name for name, literal in compilation.picks.items()}
        self._needed: set[int] = set()  # nodes of the cone that are not constant
        self._latches: list[int] = []
        self._reasons: set[int] = set()  # constant nodes looked into
        self._swept: list[int] = []

    def question(self, parts: Sequence[int], kept: Iterable[int]) -> Question:
        self._look([*parts, self._settings])
        self._look(latch for latch in kept if self._constants.value(latch) == UNKNOWN)
        stepped = self._of.stepped >> 1 in self._needed
        if stepped and self._exact:
            self._look([self._of.fires(name) for name in self._of.picks])
        picked = self._picked()
        while True:  # folding may have left an instance's choice in the cone and not that it fires
            self._look([self._of.fires(name) for name in picked])
            before, picked = picked, self._picked()
            if picked == before:
                break
        values = self._valued()
        self._new = Graph()
        self._map: dict[int, int] = {0: FALSE}
        for latch in self._latches:
            self._map[latch >> 1] = self._new.leaf()
        outside = stepped and not self._exact and len(picked) < len(self._of.picks)
        inputs = self._choice(picked, outside)
        fires: list[tuple[ActionName | None, int]] = []
        if stepped:
            asked = [self._of.fires(name) for name in picked]
            self._build(self._below(asked))
            ways = [self._read(literal) for literal in asked]
            if outside:
                fires.append((None, self._tick))
                ways.append(self._tick)
            self._map[self._of.stepped >> 1] = self._new.any(ways)
        self._build(sorted(self._needed))
        fires += [(name, self._read(self._of.fires(name))) for name in picked]
        return Question(self._circuit(parts, inputs, self._known(values)), tuple(fires), self._facts(), self._actions())

    # The cone

    def _picked(self) -> list[ActionName]:
        """The instances whose choice is in the cone."""
        return [self._names[node] for node in sorted(self._needed) if node in self._names]

    def _valued(self) -> list[tuple[list[int], bool]]:
        """Of each control and state, the latches in the cone; and whether one of them must hold, because every
        other value is known never to be taken (on which the slicing then relies).

        A control is in the cone with all its values, so that what is asked of it can be said of each."""
        found = []
        for group in self._of.bits.exactly_one:
            if group[0] in self._of.bits.frozen and any(latch >> 1 in self._needed for latch in group):
                self._look(latch for latch in group if self._constants.value(latch) == UNKNOWN)
            inside = [latch for latch in group if latch >> 1 in self._needed]
            others = [latch for latch in group if latch >> 1 not in self._needed]
            complete = bool(inside) and all(self._constants.value(latch) == FALSE for latch in others)
            if complete:
                self._look(others)
            found.append((inside, complete))
        return found

    def _known(self, valued: Iterable[tuple[list[int], bool]]) -> tuple[tuple[int, ...], ...]:
        """That controls and states have one value, as far as the cone has them."""
        known: list[tuple[int, ...]] = []
        for inside, complete in valued:
            literals = tuple(self._read(latch) for latch in inside)
            known += [(a ^ 1, b ^ 1) for a, b in combinations(literals, 2)]
            if complete:
                known.append(literals)
        return tuple(known)

    def _look(self, roots: Iterable[int]) -> None:
        """Everything that the roots depend on over any number of steps."""
        left, right, meaning = self._of.graph.left, self._of.graph.right, self._of.bits.meaning
        values, needed, reasons = self._constants.values, self._needed, self._reasons
        stack = [root >> 1 for root in roots]
        while stack:
            node = stack.pop()
            if values[node] != UNKNOWN:
                if node not in reasons:
                    reasons.add(node)
                    stack.extend(self._why(node))
                continue
            if node in needed:
                continue
            needed.add(node)
            if left[node] != LEAF:
                stack.append(left[node] >> 1)
                stack.append(right[node] >> 1)
            elif 2 * node in meaning:
                self._latches.append(2 * node)
                stack.append(self._of.next(2 * node) >> 1)
                first = self._of.initial(2 * node)
                if first is not None:
                    stack.append(first >> 1)

    def _why(self, node: int) -> list[int]:
        """Constant nodes from which it follows that this one is constant."""
        a, b = self._of.graph.left[node], self._of.graph.right[node]
        if a == LEAF:
            if 2 * node not in self._of.bits.meaning or self._constants.is_fixed(node):
                return []
            self._swept.append(2 * node)
            return [self._of.next(2 * node) >> 1]
        if self._constants.values[node] == TRUE:
            return [a >> 1, b >> 1]
        false = [fan >> 1 for fan in (a, b) if self._constants.value(fan) == FALSE]
        # Of two reasons, the one that is known to hold already; else the one that stands lower in the graph.
        return [next((fan for fan in false if fan in self._reasons), false[0])]

    def _below(self, roots: Iterable[int]) -> list[int]:
        left, right = self._of.graph.left, self._of.graph.right
        seen: set[int] = set()
        stack = [root >> 1 for root in roots]
        while stack:
            node = stack.pop()
            if node in self._needed and node not in seen:
                seen.add(node)
                if left[node] != LEAF:
                    stack += (left[node] >> 1, right[node] >> 1)
        return sorted(seen)

    # The new graph

    def _choice(self, picked: Sequence[ActionName], outside: bool) -> tuple[int, ...]:
        """Inputs whose value, as a binary number, says which instance may happen."""
        options = len(picked) + outside
        inputs = tuple(self._new.leaf() for _ in range(max(options - 1, 0).bit_length()))
        codes = [TRUE]
        for own in reversed(inputs):  # codes of the lower inputs first, so that they share gates
            codes = [self._new.both(code, own ^ 1) for code in codes] + [self._new.both(code, own) for code in codes]
        for name, code in zip(picked, codes, strict=False):
            self._map[self._of.picks[name] >> 1] = code
        self._tick = codes[len(picked)] if outside else FALSE
        return inputs

    def _build(self, nodes: Iterable[int]) -> None:
        left, right, mapped, both = self._of.graph.left, self._of.graph.right, self._map, self._new.both
        values = self._constants.values
        for node in nodes:
            if node in mapped:
                continue
            a, b = left[node], right[node]
            assert a != LEAF, "every leaf was mapped"
            x, y = a >> 1, b >> 1
            low = (mapped[x] if values[x] == UNKNOWN else values[x]) ^ (a & 1)
            high = (mapped[y] if values[y] == UNKNOWN else values[y]) ^ (b & 1)
            mapped[node] = both(low, high)

    def _read(self, literal: int) -> int:
        value = self._constants.value(literal)
        return self._map[literal >> 1] ^ (literal & 1) if value == UNKNOWN else value

    def _circuit(self, parts: Sequence[int], inputs: tuple[int, ...], known: tuple[tuple[int, ...], ...]) -> Circuit:
        latches = []
        for latch in self._latches:
            first = self._of.initial(latch)
            latches.append(
                Latch(
                    self._read(latch),
                    self._read(self._of.next(latch)),
                    None if first is None else self._read(first),
                    latch in self._of.bits.frozen,
                    self._of.bits.meaning[latch],
                )
            )
        asked = [self._read(part) for part in parts]
        bad = self._new.any(asked)
        return Circuit(
            left=tuple(self._new.left),
            right=tuple(self._new.right),
            inputs=inputs,
            latches=tuple(latches),
            constraint=self._read(self._settings),
            known=known,
            bad=bad,
            parts=tuple(part for part in dict.fromkeys(asked) if part != FALSE),
        )

    # What the slicing relies on

    def _facts(self) -> tuple[tuple[Bit, bool], ...]:
        meaning = self._of.bits.meaning
        return tuple((meaning[latch], self._constants.value(latch) == TRUE) for latch in self._swept)

    def _actions(self) -> frozenset[str]:
        meaning = self._of.bits.meaning
        names: set[str] = set()
        for latch in (*self._latches, *self._swept):
            names |= self._of.writers(meaning[latch])
        return frozenset(names)
