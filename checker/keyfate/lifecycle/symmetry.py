"""Members of sorts that nothing tells apart: what is true of one is true of the other, with members exchanged.

Symmetry reduction (Ip, Dill, FMSD 1996) of a question, not of its states: of the instances of a target that exchanges
of members take to each other one is examined, and what was found of it is renamed for the rest. Nobody has to believe
that: the certifier judges what comes of it like anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from keyfate.language.rewriting import parts
from keyfate.language.typed import Constant, Domain, Lifecycle, Message, Param, Sort, Value
from keyfate.lifecycle.instances import assignments
from keyfate.lifecycle.problem import Problem, Reach, Settings, Target
from keyfate.lifecycle.renaming import Members, exchange, value, values
from keyfate.lifecycle.trees import nodes


@dataclass(frozen=True)
class Symmetry:
    """What of a target's instances has to be examined. `sorts` are those whose members are exchanged; `exchanges` of
    two generate all that leave the question as it is; `images` take the `representatives` to all other instances."""

    sorts: tuple[str, ...]
    exchanges: tuple[Members, ...]
    representatives: tuple[tuple[Value, ...], ...]
    images: tuple[Members, ...]
    place: Mapping[Value, tuple[Value, ...]] = field(default_factory=dict)
    """Of each member that may be exchanged, all those that it may be exchanged with."""

    def representative(self, instance: tuple[Value, ...]) -> tuple[tuple[Value, ...], Members]:
        """The first of all instances that an exchange takes to this one, and that exchange."""
        chosen: dict[Value, Value] = {}
        used: dict[tuple[Value, ...], int] = {}
        for member in _plain(instance):
            group = self.place.get(member)
            if group is not None and member not in chosen:
                chosen[member] = group[used.setdefault(group, 0)]
                used[group] += 1
        first = values(instance, chosen)
        members = exchange(dict(enumerate(_plain(first))), dict(enumerate(_plain(instance))))
        assert members is not None, "an instance and its first are alike but for members that may be exchanged"
        return first, {a: b for a, b in members.items() if a != b}


class Symmetries:
    """Those of a lifecycle's questions. What its own texts tell apart is worked out once."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._sorts = lifecycle.sorts
        self._named = _named(lifecycle.sorts, tuple(getattr(lifecycle, name) for name in _RELEVANT))

    def of(self, problem: Problem) -> Symmetry:
        """What exchanges leave lifecycle and settings as they are, and the target but for its binders."""
        target, settings = problem.target, problem.settings
        if not isinstance(target, Reach) or problem.excluded:
            return trivial(target)
        groups = {sort: kept for sort, kept in self._groups(target).items() if len(kept) > 1}
        alike = {sort: _alike(members, settings) for sort, members in groups.items()}
        exchanged = [(sort, group) for sort, found in alike.items() for group in found if len(group) > 1]
        place = {member: group for _, group in exchanged for member in group}
        exchanges = tuple({a: b, b: a} for _, group in exchanged for a, b in pairwise(group))
        found = Symmetry(tuple(dict.fromkeys(sort for sort, _ in exchanged)), exchanges, (), (), place)
        kinds = [found.representative(instance) for instance in instances(target)]
        images = {tuple(members.items()): members for _, members in kinds}
        return replace(
            found, representatives=tuple(dict.fromkeys(first for first, _ in kinds)), images=tuple(images.values())
        )

    def _groups(self, target: Reach) -> dict[str, tuple[Value, ...]]:
        """Of each sort without an order, the members that no text names."""
        named = self._named | _named(self._sorts, (*target.binders, target.condition))
        return {
            sort.name: tuple(member for member in sort.members if member not in named)
            for sort in self._sorts
            if not sort.ordered
        }


def trivial(target: Target) -> Symmetry:
    """Each instance for itself."""
    return Symmetry((), (), instances(target) if isinstance(target, Reach) else (), ({},))


def _plain(instance: tuple[Value, ...]) -> Iterator[Value]:
    """The values of an instance, of a message those that it is of."""
    for one in instance:
        if isinstance(one, Message):
            yield from _plain(one.args)
        else:
            yield one


def instances(target: Reach) -> tuple[tuple[Value, ...], ...]:
    """The values of the target's binders."""
    return tuple(tuple(env.values()) for env in assignments(target.binders))


def _named(sorts: Sequence[Sort], text: object) -> frozenset[Value]:
    """The members that a text tells from others of their sort."""
    texts = list(nodes(text))
    named = {node.value for node in texts if isinstance(node, Constant)}
    domains = [domain for node in texts for domain in _domains(node)]
    for sort in sorts:
        whole = set(sort.members)
        for domain in domains:
            # A part of a sort tells members apart; another set with a member's word would be renamed with it.
            if whole != set(domain.values) - {None}:
                named.update(whole.intersection(domain.values))
    return frozenset(named)


_RELEVANT = ("controls", "capabilities", "atoms", "terms", "places", "states", "exposures", "actions", "constraints")
"""What a lifecycle does; other properties than the one that is asked for may name whom they like."""


def _domains(node: object) -> Iterator[Domain]:
    if isinstance(node, Param):
        yield node.domain
        return
    for part in map(vars(node).__getitem__, parts(node)):
        if isinstance(part, Domain):
            yield part
        elif isinstance(part, tuple):
            yield from (one for one in part if isinstance(one, Domain))


def _alike(members: Sequence[Value], settings: Settings) -> list[tuple[Value, ...]]:
    """Members that may be exchanged without a change of the settings, together."""
    groups: list[list[Value]] = []
    for member in members:
        for group in groups:
            if _settings(settings, {group[0]: member, member: group[0]}) == settings:
                group.append(member)
                break
        else:
            groups.append([member])
    return [tuple(group) for group in groups]


def _settings(settings: Settings, members: Members) -> Settings:
    return Settings(
        {replace(n, args=values(n.args, members)): value(v, members) for n, v in settings.controls.items()},
        {replace(n, args=values(n.args, members)): on for n, on in settings.capabilities.items()},
    )
