"""One action instance: its guard and its effects, read in the state before (R1 to R5, R9, R10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from keyfate.engines.circuit import FALSE, TRUE, Graph
from keyfate.engines.reading import Cases, Members, Reader
from keyfate.language import typed as t
from keyfate.lifecycle.instances import Env
from keyfate.lifecycle.names import ActionName, PlaceName, StateName, Term


@dataclass(frozen=True)
class Sourced:
    """A term that is written, and what it must be derivable from: `members` (None: nothing is asked),
    with all that was observed if `observed`. `overflow`: one of these places is out of range."""

    term: Cases[Term]
    members: Members | None = None
    observed: bool = False
    overflow: int = FALSE


@dataclass(frozen=True)
class StateWrite:
    """Where `path` holds, the target takes the value."""

    path: int
    target: Cases[StateName]
    value: Cases[t.Value]


@dataclass(frozen=True)
class PlaceWrite:
    """Where `path` holds, the place gains or loses the terms, or becomes them."""

    kind: Literal["gain", "lose", "become"]
    path: int
    place: Cases[PlaceName]
    terms: tuple[Sourced, ...]


@dataclass(frozen=True)
class PlaceCopy:
    """Where `path` holds, the place gains all of the origin, or becomes it (`replace`)."""

    path: int
    place: Cases[PlaceName]
    origin: Cases[PlaceName]
    replace: bool


@dataclass(frozen=True)
class Leaking:
    """Where `path` and `on` hold, the term is observed. Where `path` holds, it needs its sources."""

    path: int
    term: Sourced
    on: int
    indices: tuple[Cases[Any], ...]  # of the capabilities: must exist


Write = StateWrite | PlaceWrite | PlaceCopy | Leaking


@dataclass(frozen=True)
class Instance:
    """An action instance. `guard`: the written guard and the capabilities needed; no writes where it is false."""

    name: ActionName
    action: t.Action
    guard: int
    writes: tuple[Write, ...]

    @property
    def by_attacker(self) -> bool:
        return self.action.actor == "attacker"


def read_instance(graph: Graph, reader: Reader, action: t.Action, name: ActionName, env: Env) -> Instance:
    """The instance as literals of the reader's view."""
    needs = [reader.capability(reference, env) for reference in action.needs]
    guard = graph.all([*needs, reader.condition(action.guard, env)])
    writes = () if guard == FALSE else tuple(_writes(graph, reader, action.effects, env, TRUE))
    return Instance(name, action, guard, writes)


def _writes(graph: Graph, reader: Reader, effects: tuple[t.Effect, ...], env: Env, path: int) -> Iterator[Write]:
    for effect in effects:
        match effect:
            case t.ForEach(param, where, body):
                for value in param.domain.values:
                    inner = {**env, param.name: value}
                    within = graph.both(path, reader.condition(where, inner))
                    if within != FALSE:
                        yield from _writes(graph, reader, body, inner, within)
            case t.Choose(condition, then, otherwise):
                chosen = reader.condition(condition, env)
                for taken, branch in ((chosen, then), (chosen ^ 1, otherwise)):
                    within = graph.both(path, taken)
                    if within != FALSE:
                        yield from _writes(graph, reader, branch, env, within)
            case t.Assign(target, value):
                index = reader.index(target.args, env)
                targets = {StateName(target.name, at): under for at, under in index.of.items()}
                yield StateWrite(path, Cases(targets, index.overflow), reader.value(value, env))
            case t.Gain(place, term, origin):
                yield PlaceWrite("gain", path, reader.place(place, env), (_sourced(reader, term, origin, env),))
            case t.Lose(place, term):
                yield PlaceWrite("lose", path, reader.place(place, env), (Sourced(reader.term(term, env)),))
            case t.Become(place, terms):
                sourced = tuple(_sourced(reader, term, origin, env) for term, origin in terms)
                yield PlaceWrite("become", path, reader.place(place, env), sourced)
            case t.Copy(place, origin, replace):
                yield PlaceCopy(path, reader.place(place, env), reader.place(origin, env), replace)
            case t.Leak(term, places, capabilities):
                members, overflow = reader.members(places, env)
                on = graph.all(reader.capability(reference, env) for reference in capabilities)
                indices = tuple(reader.index(reference.args, env) for reference in capabilities)
                yield Leaking(path, Sourced(reader.term(term, env), members, overflow=overflow), on, indices)


def _sourced(reader: Reader, expression: t.TermExpr, origin: t.Origin, env: Env) -> Sourced:
    term = reader.term(expression, env)
    match origin.kind:
        case "create" | "public" | "ideal":
            return Sourced(term)
        case "known":
            return Sourced(term, (), observed=True)
        case "using":
            members, overflow = reader.members(origin.places or t.PlaceSet(()), env)
            return Sourced(term, members, overflow=overflow)


class Possibility:
    """When an instance may happen, and when nothing but a range disables it. `derivable` is the view's."""

    def __init__(self, graph: Graph, reader: Reader) -> None:
        self._graph = graph
        self._reader = reader

    def enabled(self, instance: Instance) -> int:
        """The guard holds, and every effect that is reached has what it needs."""
        graph = self._graph
        if instance.guard == FALSE:
            return FALSE
        return graph.all([instance.guard, *(self._possible(write, True) for write in instance.writes)])

    def range_only(self, instance: Instance) -> int:
        """All that the instance asks for holds, but a number in an effect that is reached is out of range (R5)."""
        graph = self._graph
        beyond = graph.any(graph.both(write.path, graph.any(_overflows(write))) for write in instance.writes)
        if beyond == FALSE:
            return FALSE
        return graph.all([instance.guard, beyond, *(self._possible(write, False) for write in instance.writes)])

    def _possible(self, write: Write, in_range: bool) -> int:
        things, terms = _needs(write)
        asked = [self._exists(cases, in_range) for cases in things]
        asked += [self._founded(term, in_range) for term in terms]
        return self._graph.either(write.path ^ 1, self._graph.all(asked))

    def _exists(self, cases: Cases[Any], in_range: bool) -> int:
        return self._graph.any([*cases.of.values(), FALSE if in_range else cases.overflow])

    def _founded(self, sourced: Sourced, in_range: bool) -> int:
        if sourced.members is None:
            return self._exists(sourced.term, in_range)
        graph = self._graph
        ways = graph.any(
            graph.both(is_, self._reader.view.derivable(sourced.members, sourced.observed, term))
            for term, is_ in sourced.term.of.items()
        )
        if in_range:
            return graph.both(sourced.overflow ^ 1, ways)
        # Not judged where the term or one of its places is out of range, if the term is not missing.
        return graph.any(
            [sourced.term.overflow, graph.both(sourced.overflow, graph.any(sourced.term.of.values())), ways]
        )


def _needs(write: Write) -> tuple[tuple[Cases[Any], ...], tuple[Sourced, ...]]:
    """What must exist, and the terms that must exist and have their sources."""
    match write:
        case StateWrite(_, target, value):
            return (target, value), ()
        case PlaceWrite(_, _, place, terms):
            return (place,), terms
        case PlaceCopy(_, place, origin, _):
            return (place, origin), ()
        case Leaking(_, term, _, indices):
            return indices, (term,)


def _overflows(write: Write) -> list[int]:
    things, terms = _needs(write)
    found = [cases.overflow for cases in things]
    for sourced in terms:
        found += [sourced.term.overflow, sourced.overflow]
    return found
