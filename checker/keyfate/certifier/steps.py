"""One action instance: when it may happen, and the state after it (R1 to R5, R9, R10)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol

from keyfate.certifier.bits import Bits
from keyfate.certifier.effects import Leaking, Members, Source, Write, needs, place_changes, state_changes, writes
from keyfate.certifier.formulas import FALSE, TRUE, Formulas
from keyfate.certifier.reading import Cases, Env, Reader
from keyfate.language import typed as t
from keyfate.lifecycle.names import (
    ActionName,
    Before,
    CapabilityOn,
    ControlIs,
    Happened,
    Holds,
    Observed,
    PlaceName,
    StateIs,
    Term,
)


class Surroundings(Protocol):
    """What a step reads of the encoding that it is part of."""

    @property
    def formulas(self) -> Formulas: ...
    @property
    def bits(self) -> Bits: ...
    @property
    def reader(self) -> Reader: ...
    @property
    def holding(self) -> Mapping[PlaceName, Mapping[Term, int]]: ...
    def derivable(self, places: Members, observed: bool, term: Term) -> int: ...
    def exposed(self, term: Term) -> int: ...
    def latched(self, variable: int) -> int: ...


def guard_and_writes(formulas: Formulas, reader: Reader, action: t.Action, env: Env) -> tuple[int, tuple[Write, ...]]:
    """The written guard with the capabilities needed, and the effects; none where the guard is never true."""
    needed = [reader.capability(ref, env) for ref in action.needs]
    guard = formulas.all_of([*needed, reader.condition(action.guard, env)])
    if guard == FALSE:
        return FALSE, ()
    return guard, tuple(writes(formulas, reader, action.effects, env, TRUE))


class Step:
    """One instance of one action."""

    def __init__(
        self,
        encoding: Surroundings,
        action: t.Action,
        name: ActionName,
        env: Env,
        read: tuple[int, tuple[Write, ...]] | None,
    ) -> None:
        self.name = name
        self.by_attacker = action.actor == "attacker"
        self._encoding = encoding
        self._formulas = encoding.formulas
        self._action = action
        self._env = env
        self._read = read
        self._memo: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._still = 0  # variables known to keep their value

    @cached_property
    def _guard_and_writes(self) -> tuple[int, tuple[Write, ...]]:
        if self._read is not None:
            return self._read
        return guard_and_writes(self._formulas, self._encoding.reader, self._action, self._env)

    @cached_property
    def enabled(self) -> int:
        """When the instance may happen."""
        guard, written = self._guard_and_writes
        return self._formulas.all_of([guard, *(self._possible(write, in_range=True) for write in written)])

    @cached_property
    def out_of_range(self) -> int:
        """When nothing but a range disables the instance (R5)."""
        guard, written = self._guard_and_writes
        overflows = self._formulas.any_of([self._overflow(write) for write in written])
        if overflows == FALSE:
            return FALSE
        rest = [self._possible(write, in_range=False) for write in written]
        return self._formulas.all_of([guard, overflows, *rest])

    def _possible(self, write: Write, *, in_range: bool) -> int:
        """What the write asks for, where its path is taken: that what it names exists, has its
        sources and, if `in_range`, its numbers."""
        things, sources = needs(write)
        asked = [self._exists(cases, in_range) for cases in things]
        for source in sources:
            unsourced = source.members is None
            asked.append(self._exists(source.term, in_range) if unsourced else self._sourced(source, in_range))
        return self._formulas.implies(write.path, self._formulas.all_of(asked))

    def _exists(self, cases: Cases[Any], in_range: bool) -> int:
        return self._formulas.any_of([*cases.of.values(), *(() if in_range else (cases.overflow,))])

    def _sourced(self, source: Source, in_range: bool) -> int:
        assert source.members is not None
        ways = [
            self._formulas.all_of((is_, self._encoding.derivable(source.members, source.observed, term)))
            for term, is_ in source.term.of.items()
        ]
        if in_range:
            return self._formulas.all_of((-source.overflow, self._formulas.any_of(ways)))
        named = self._formulas.any_of(list(source.term.of.values()))
        return self._formulas.any_of([source.term.overflow, self._formulas.all_of((named, source.overflow)), *ways])

    def _overflow(self, write: Write) -> int:
        things, sources = needs(write)
        beyond = [cases.overflow for cases in things]
        for source in sources:
            beyond += [source.term.overflow, source.overflow]
        return self._formulas.all_of((write.path, self._formulas.any_of(beyond)))

    @cached_property
    def changes(self) -> dict[int, int]:
        """Next values of the bits of states and places that the effects may change."""
        _, written = self._guard_and_writes
        return {
            **state_changes(self._formulas, written, self._encoding.bits.states),
            **place_changes(self._formulas, written, self._encoding.holding),
        }

    @cached_property
    def _changed(self) -> int:
        changed = 0
        for variable in self.changes:
            changed |= self._formulas.mask(variable)
        return changed

    @cached_property
    def leaked(self) -> dict[Term, int]:
        """When the effects show each term to the attacker, whatever is exposed."""
        ways: dict[Term, list[int]] = {}
        for write in self._guard_and_writes[1]:
            if isinstance(write, Leaking):
                for term, is_ in write.term.term.of.items():
                    ways.setdefault(term, []).append(self._formulas.all_of((write.path, write.capabilities, is_)))
        return {term: self._formulas.any_of(conditions) for term, conditions in ways.items()}

    def next(self, variable: int) -> int:
        """The value of a variable in the state after."""
        found = self._next.get(variable)
        if found is None:
            found = self._next[variable] = self._next_value(variable)
            if found == variable:
                self._still |= self._formulas.mask(variable)
        return found

    def _next_value(self, variable: int) -> int:
        match self._encoding.bits.meaning[variable]:
            case ControlIs() | CapabilityOn():
                return variable
            case StateIs() | Holds():
                return self.changes.get(variable, variable)
            case Happened(action):
                return TRUE if action == self.name else FALSE
            case Before():
                return self._encoding.latched(variable)
            case Observed(term):
                present = self._encoding.exposed(term)
                seen = self.after(present)
                # What is exposed in the state before was observed there (`Encoding.caught_up`).
                fresh = FALSE if seen == present else seen
                return self._formulas.any_of((variable, self.leaked.get(term, FALSE), fresh))

    def after(self, formula: int) -> int:
        """`formula` in the state after."""
        if not self._formulas.support(formula) & self._moving & ~self._still:
            return formula
        return self._formulas.substitute(formula, self._moving, self.next, self._memo)

    @property
    def _moving(self) -> int:
        """What may change, as a support; new observations may come into it."""
        bits = self._encoding.bits
        return self._changed | bits.happened_mask | bits.before_mask | bits.observed_mask
