"""Three states of one step as literals, in terms of the present one: what a reader reads of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from keyfate.engines.bits import Bits
from keyfate.engines.circuit import FALSE, Graph
from keyfate.engines.knowledge import Closure
from keyfate.engines.reading import Members
from keyfate.language import typed as t
from keyfate.lifecycle.names import ActionName, CapabilityName, ControlName, Happened, PlaceName, StateName, Term


class System(Protocol):
    """What the states are states of."""

    @property
    def graph(self) -> Graph: ...
    @property
    def bits(self) -> Bits: ...
    @property
    def content(self) -> Mapping[PlaceName, Mapping[Term, int]]: ...
    @property
    def observable(self) -> Mapping[Term, int]: ...
    def next(self, latch: int) -> int: ...
    def initial(self, latch: int) -> int | None: ...
    def before(self, past: t.Past, binding: tuple[t.Value, ...]) -> int: ...
    def closure(self, base: Mapping[Term, int]) -> Closure: ...


class Now:
    """The present state: leaves are latches."""

    def __init__(self, system: System) -> None:
        self._of = system
        self._closures: dict[tuple[Members, bool], Closure] = {}

    def state(self, name: StateName) -> Mapping[t.Value, int]:
        return self._of.bits.states[name]

    def control(self, name: ControlName) -> Mapping[t.Value, int]:
        return self._of.bits.controls[name]

    def capability(self, name: CapabilityName) -> int:
        return self._of.bits.capabilities[name]

    def holds(self, place: PlaceName, term: Term) -> int:
        return self._of.content[place].get(term, FALSE)

    def derivable(self, members: Members, observed: bool, term: Term) -> int:
        """The closure over what the places hold, in this view, made once."""
        closure = self._closures.get((members, observed))
        if closure is None:
            both = self._of.graph.both
            base: dict[Term, list[int]] = {}
            for place, member in members:
                for held in self._of.content[place]:
                    base.setdefault(held, []).append(both(member, self.holds(place, held)))
            if observed:
                for seen in self._of.observable:
                    base.setdefault(seen, []).append(self.observed(seen))
            literals = {held: self._of.graph.any(ways) for held, ways in base.items()}
            closure = self._of.closure({held: literal for held, literal in literals.items() if literal != FALSE})
            self._closures[members, observed] = closure
        return closure.known(term)

    def observed(self, term: Term) -> int:
        return self._of.observable[term]

    def happened(self, action: ActionName) -> int:
        return self._of.bits.latch(Happened(action))

    def before(self, past: t.Past, binding: tuple[t.Value, ...]) -> int:
        return self._of.before(past, binding)


class After(Now):
    """The state after the step, in terms of the present one."""

    def state(self, name: StateName) -> Mapping[t.Value, int]:
        return {value: self._moved(literal) for value, literal in super().state(name).items()}

    def _moved(self, literal: int) -> int:
        return literal if literal < 2 else self._of.next(literal & ~1) ^ (literal & 1)

    def holds(self, place: PlaceName, term: Term) -> int:
        return self._moved(super().holds(place, term))

    def observed(self, term: Term) -> int:
        return self._moved(super().observed(term))

    def happened(self, action: ActionName) -> int:
        return self._moved(super().happened(action))

    def before(self, past: t.Past, binding: tuple[t.Value, ...]) -> int:
        return self._moved(super().before(past, binding))


class First(After):
    """The first state, in terms of what is free there."""

    def _moved(self, literal: int) -> int:
        if literal < 2:
            return literal
        value = self._of.initial(literal & ~1)
        return literal if value is None else value ^ (literal & 1)


class Sketch(Now):
    """The present state before it is known what places may hold: to ask for that may give anything."""

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.drawn = 0  # how often that was asked

    def holds(self, place: PlaceName, term: Term) -> int:
        self.drawn += 1
        return self._of.graph.leaf()

    def derivable(self, members: Members, observed: bool, term: Term) -> int:
        self.drawn += 1
        return self._of.graph.leaf()
