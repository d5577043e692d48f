"""What the effects of one action instance write, and what they ask for (R1 to R5, R10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from keyfate.certifier.formulas import FALSE, Formulas
from keyfate.certifier.reading import Cases, Env, Reader
from keyfate.language import typed as t
from keyfate.lifecycle.names import PlaceName, StateName, Term

Members = tuple[tuple[PlaceName, int], ...]


@dataclass(frozen=True)
class Source:
    """A term that must follow from `members` and, if `observed`, from what was seen;
    from nothing where `members` is None."""

    term: Cases[Term]
    members: Members | None = None
    observed: bool = False
    overflow: int = FALSE  # an index in `using` is out of range


@dataclass(frozen=True)
class StateWrite:
    path: int
    target: Cases[StateName]
    value: Cases[t.Value]


@dataclass(frozen=True)
class PlaceWrite:
    kind: Literal["gain", "lose", "become"]
    path: int
    place: Cases[PlaceName]
    terms: tuple[Source, ...]


@dataclass(frozen=True)
class PlaceCopy:
    path: int
    place: Cases[PlaceName]
    origin: Cases[PlaceName]
    replace: bool


@dataclass(frozen=True)
class Leaking:
    path: int
    term: Source
    capabilities: int
    indices: tuple[Cases[tuple[t.Value, ...]], ...]


# Each happens where its `path`, the conditions around it, holds in the state before.
Write = StateWrite | PlaceWrite | PlaceCopy | Leaking


def writes(formulas: Formulas, reader: Reader, effects: Iterable[t.Effect], env: Env, path: int) -> Iterator[Write]:
    """The effects under their conditions, loops unrolled; those under a false one left out."""
    for effect in effects:
        match effect:
            case t.ForEach():
                for value in effect.param.domain.values:
                    inner = {**env, effect.param.name: value}
                    within = formulas.all_of((path, reader.condition(effect.where, inner)))
                    if within != FALSE:
                        yield from writes(formulas, reader, effect.body, inner, within)
            case t.Choose():
                condition = reader.condition(effect.condition, env)
                for chosen, body in ((condition, effect.then), (-condition, effect.otherwise)):
                    within = formulas.all_of((path, chosen))
                    if within != FALSE:
                        yield from writes(formulas, reader, body, env, within)
            case t.Assign():
                indices = reader.indices(effect.target.args, env)
                targets = {StateName(effect.target.name, a): c for a, c in indices.of.items() if None not in a}
                yield StateWrite(path, Cases(targets, indices.overflow), reader.value(effect.value, env))
            case t.Gain():
                source = _source(reader, effect.term, effect.origin, env)
                yield PlaceWrite("gain", path, reader.place(effect.place, env), (source,))
            case t.Lose():
                lost = Source(reader.term(effect.term, env))
                yield PlaceWrite("lose", path, reader.place(effect.place, env), (lost,))
            case t.Become():
                sources = tuple(_source(reader, term, origin, env) for term, origin in effect.terms)
                yield PlaceWrite("become", path, reader.place(effect.place, env), sources)
            case t.Copy():
                yield PlaceCopy(path, reader.place(effect.place, env), reader.place(effect.origin, env), effect.replace)
            case t.Leak():
                members, overflow = reader.places(effect.places, env)
                source = Source(reader.term(effect.term, env), members, overflow=overflow)
                on = formulas.all_of([reader.capability(ref, env) for ref in effect.capabilities])
                yield Leaking(path, source, on, tuple(reader.indices(ref.args, env) for ref in effect.capabilities))


def _source(reader: Reader, term: t.TermExpr, origin: t.Origin, env: Env) -> Source:
    cases = reader.term(term, env)
    match origin.kind:
        case "create" | "public" | "ideal":
            return Source(cases)
        case "known":
            return Source(cases, (), observed=True)
        case "using":
            assert origin.places is not None
            members, overflow = reader.places(origin.places, env)
            return Source(cases, members, overflow=overflow)


def needs(write: Write) -> tuple[tuple[Cases[Any], ...], tuple[Source, ...]]:
    """What must exist, and the terms that must exist and have their sources, for the write to be possible."""
    match write:
        case StateWrite():
            return (write.target, write.value), ()
        case PlaceWrite():
            return (write.place,), write.terms
        case PlaceCopy():
            return (write.place, write.origin), ()
        case Leaking():
            return write.indices, (write.term,)


class Content:
    """Which terms each place may ever hold, and which may ever be observed: an upper bound
    from what the actions name, their guards read as far as they need no place's content.

    It bounds the terms that deduction has to look at: what is opened is a part of these."""

    def __init__(self) -> None:
        self.places: dict[PlaceName, dict[Term, None]] = {}
        self.observed: dict[Term, None] = {}
        self._copies: dict[PlaceName, dict[PlaceName, None]] = {}

    def hold(self, place: PlaceName, terms: Iterable[Term]) -> None:
        self.places.setdefault(place, {}).update(dict.fromkeys(terms))

    def add(self, formulas: Formulas, write: Write) -> None:
        """Takes in what `write` may do."""
        match write:
            case PlaceWrite() if write.kind != "lose":
                for place, at in write.place.of.items():
                    for source in write.terms:
                        self.hold(
                            place,
                            [x for x, is_ in source.term.of.items() if formulas.all_of((write.path, at, is_)) != FALSE],
                        )
            case PlaceCopy():
                for place in write.place.of:
                    for origin in write.origin.of:
                        self._copies.setdefault(origin, {})[place] = None
            case Leaking():
                self.observed.update(dict.fromkeys(write.term.term.of))
            case _:
                pass

    def close(self, exposed: Iterable[PlaceName]) -> None:
        """Follows the copies, then observes what the exposed places may hold."""
        pending = list(self._copies)
        while pending:
            origin = pending.pop()
            terms = self.places.get(origin, {})
            for place in self._copies.get(origin, {}):
                held = self.places.setdefault(place, {})
                if not terms.keys() <= held.keys():
                    held.update(terms)
                    pending.append(place)
        for place in exposed:
            self.observed.update(self.places.get(place, {}))


def place_changes(
    formulas: Formulas, written: Iterable[Write], holds: Mapping[PlaceName, Mapping[Term, int]]
) -> dict[int, int]:
    """For each bit of a place that the writes may change, its next value."""
    set_: dict[int, list[int]] = {}
    cleared: dict[int, list[int]] = {}
    for write in written:
        match write:
            case PlaceWrite():
                for place, at in write.place.of.items():
                    here = formulas.all_of((write.path, at))
                    bits = holds.get(place, {})
                    if write.kind == "become":
                        for bit in bits.values():
                            cleared.setdefault(bit, []).append(here)
                    into = cleared if write.kind == "lose" else set_
                    for source in write.terms:
                        for term, is_ in source.term.of.items():
                            if term in bits:
                                into.setdefault(bits[term], []).append(formulas.all_of((here, is_)))
            case PlaceCopy():
                for place, at in write.place.of.items():
                    for origin, from_ in write.origin.of.items():
                        here = formulas.all_of((write.path, at, from_))
                        source_bits = holds.get(origin, {})
                        for term, bit in holds.get(place, {}).items():
                            if term in source_bits:
                                set_.setdefault(bit, []).append(formulas.all_of((here, source_bits[term])))
                            if write.replace:
                                cleared.setdefault(bit, []).append(here)
            case _:
                pass
    changes = {}
    for bit in {**dict.fromkeys(set_), **dict.fromkeys(cleared)}:
        kept = formulas.all_of((bit, -formulas.any_of(cleared.get(bit, ()))))
        after = formulas.any_of([*set_.get(bit, ()), kept])
        if after != bit:
            changes[bit] = after
    return changes


def state_changes(
    formulas: Formulas, written: Iterable[Write], states: Mapping[StateName, Mapping[t.Value, int]]
) -> dict[int, int]:
    """For each bit of a state that the writes may change, its next value."""
    assigned: dict[StateName, dict[t.Value, list[int]]] = {}
    touched: dict[StateName, list[int]] = {}
    for write in written:
        if isinstance(write, StateWrite):
            for name, at in write.target.of.items():
                here = formulas.all_of((write.path, at))
                touched.setdefault(name, []).append(here)
                for value, is_ in write.value.of.items():
                    assigned.setdefault(name, {}).setdefault(value, []).append(formulas.all_of((here, is_)))
    changes = {}
    for name, ways in touched.items():
        untouched = -formulas.any_of(ways)
        for value, bit in states[name].items():
            if bit > 1:  # else the only value, or the other one of two
                kept = formulas.all_of((bit, untouched))
                after = formulas.any_of([*assigned.get(name, {}).get(value, ()), kept])
                if after != bit:
                    changes[bit] = after
    return changes
