"""The key hierarchy: what follows from what, where it rests, and what falls with what.

This is the key disclosure graph of secure deletion (Reardon, Ritzdorf, Basin, Capkun, CCS 2013) at the level of
declared families: one node for `td_key`, whatever its indices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyfate.diagrams.families import Families
from keyfate.diagrams.figure import Cluster, Edge, Figure, Mark, Node, NodeKind, UndrawableError
from keyfate.diagrams.happening import Look
from keyfate.language.symbols import did_you_mean
from keyfate.language.typed import Become, Copy, Gain, Leak, Lifecycle, Place
from keyfate.lifecycle.deduction import Deduction
from keyfate.lifecycle.instances import assignments
from keyfate.lifecycle.names import Atom, Compound, Term
from keyfate.lifecycle.problem import Settings

SEALED = ("enc", "seal", "wrap", "page", "aenc")

_RESTS = {
    "persistent": "rests where it outlives the power",
    "volatile": "rests only where the power's loss ends it",
    "nowhere": "never rests by itself",
}


def keys(lifecycle: Lifecycle, *, fallen: str | None = None) -> Figure:
    """The hierarchy; with `fallen`, that family and all that falls with it are marked.

    Raises UndrawableError where the lifecycle has no such family, or nothing secret at all.
    """
    hierarchy = Hierarchy.of(lifecycle)
    if not hierarchy.members:
        raise UndrawableError(f"`{lifecycle.name}` declares no secret", "declare one: `secret NAME`")
    if fallen is not None and fallen not in hierarchy.members:
        help = did_you_mean(fallen, hierarchy.members) or f"it has {', '.join(f'`{n}`' for n in hierarchy.members)}"
        raise UndrawableError(f"`{lifecycle.name}` has no key or secret `{fallen}`", help)
    falls = hierarchy.falls()
    down = {fallen, *falls.get(fallen, ())} if fallen is not None else set()
    rests = {name: hierarchy.rest(name) for name in hierarchy.members}
    nodes = tuple(
        Node(
            name,
            hierarchy.label(name),
            hierarchy.kind(name),
            rests[name],
            frozenset[Mark]({"fallen"} if name in down else ()),
        )
        for name in hierarchy.members
    )
    said = falls.items() if fallen is None else [(fallen, falls.get(fallen, ()))]
    return Figure(
        title=f"{lifecycle.name}: keys, where they rest, and what falls with what",
        nodes=nodes,
        edges=tuple(_edges(hierarchy)),
        clusters=tuple(Cluster(rest, words) for rest, words in _RESTS.items() if rest in rests.values()),
        notes=(
            *(f"if {name} falls: {', '.join(below) or 'nothing else'}" for name, below in said if below or fallen),
            "what falls is counted with everything sealed that is ever written or leaked at hand",
        ),
    )


@dataclass(frozen=True)
class Hierarchy:
    """The families that a hierarchy shows, in the order of the universe, each with its closed terms.

    `held` has the families of places where a family rests by itself; `handed` what is ever written or leaked.
    """

    families: Families
    members: Mapping[str, tuple[Term, ...]]
    held: Mapping[str, tuple[Place, ...]]
    handed: frozenset[Term]
    deduction: Deduction

    @classmethod
    def of(cls, lifecycle: Lifecycle) -> Hierarchy:
        """Raises LifecycleError where the lifecycle has too many terms."""
        look = Look.at(lifecycle, Settings())
        families = Families(lifecycle)
        content, leaked = _contents(look, families)
        handed = frozenset(leaked.union(*content.values()))
        members: dict[str, list[Term]] = {}
        for term in look.frame.deduction.universe:
            secret = isinstance(term, Atom) and not term.public
            if secret or (isinstance(term, Compound) and (families.named(term) or term in handed)):
                members.setdefault(families.of(term), []).append(term)
        held = {
            name: tuple(place for place in lifecycle.places if not content[place.name].isdisjoint(terms))
            for name, terms in members.items()
        }
        whole = {name: tuple(terms) for name, terms in members.items()}
        return cls(families, whole, held, handed, look.frame.deduction)

    def kind(self, name: str) -> NodeKind:
        term = self.members[name][0]
        if isinstance(term, Atom):
            return "root"
        return "sealed" if term.function in SEALED else "derived"

    def rest(self, name: str) -> str:
        """Which of the frames it stands in."""
        places = self.held[name]
        if any(place.persistent for place in places):
            return "persistent"
        return "volatile" if places else "nowhere"

    def label(self, name: str) -> str:
        """The name, and in which places it is held by itself."""
        places = self.held[name]
        words = ", ".join(place.name if place.persistent else f"{place.name} (volatile)" for place in places)
        return f"{name}\nin {words}" if words else name

    def falls(self) -> Mapping[str, tuple[str, ...]]:
        """For each family, the secrets and derived terms that follow once any of its terms is known: from it,
        from what is sealed or a public key and ever written or leaked, and from what is public."""
        sealed = {t for t in self.handed if isinstance(t, Compound) and t.function in (*SEALED, "pub")}
        before = self.deduction.closure(sealed)
        found: dict[str, tuple[str, ...]] = {}
        for name, terms in self.members.items():
            if self.kind(name) == "sealed":
                continue
            after = self.deduction.closure(sealed | set(terms)) - before
            found[name] = tuple(
                other
                for other, instances in self.members.items()
                if other != name and self.kind(other) != "sealed" and not after.isdisjoint(instances)
            )
        return found


def _contents(look: Look, families: Families) -> tuple[Mapping[str, set[Term]], set[Term]]:
    """What each family of places may ever hold, copies followed, and what may be leaked."""
    content: dict[str, set[Term]] = {place.name: set() for place in look.lifecycle.places}
    leaked: set[Term] = set()
    copies: set[tuple[str, str]] = set()
    for place in look.lifecycle.places:
        for env in assignments(place.params):
            for start in place.starts:
                content[place.name].update(families.meant(start, env))
    for happening in look.happenings():
        match happening.effect:
            case Gain(target, term):
                content[target.name].update(families.meant(term, happening.env))
            case Become(target, terms):
                for term, _ in terms:
                    content[target.name].update(families.meant(term, happening.env))
            case Leak(term):
                leaked.update(families.meant(term, happening.env))
            case Copy(target, origin):
                copies.add((origin.name, target.name))
    changed = True
    while changed:
        before = sum(map(len, content.values()))
        for source, receiver in copies:
            content[receiver] |= content[source]
        changed = sum(map(len, content.values())) != before
    return content, leaked


def _edges(hierarchy: Hierarchy) -> Iterator[Edge]:
    """Each relation between two families once, in the order of the universe."""
    found: dict[Edge, None] = {}
    for name, terms in hierarchy.members.items():
        for term in terms:
            if isinstance(term, Compound):
                found |= dict.fromkeys(_relations(hierarchy, name, term))
    yield from found


def _relations(hierarchy: Hierarchy, name: str, term: Compound) -> Iterator[Edge]:
    if term.function in SEALED:
        key, content = term.args[0], term.args[-1]
        if term.function == "aenc" and isinstance(key, Compound) and key.function == "pub":
            key = key.args[0]
        for opener in _shown(hierarchy, (key,)):
            yield Edge(opener, name, term.function, "opens")
        for part in _shown(hierarchy, (content,)):
            yield Edge(name, part, "", "holds")
        return
    label = term.function if term.label is None else f'{term.function} "{term.label}"'
    for part in _shown(hierarchy, term.args):
        yield Edge(part, name, label, "derives")


def _shown(hierarchy: Hierarchy, terms: Sequence[Term]) -> Iterator[str]:
    """The families shown of these terms; of one that is not shown, those of its parts."""
    for term in terms:
        name = hierarchy.families.of(term)
        if name in hierarchy.members:
            yield name
        elif isinstance(term, Compound):
            yield from _shown(hierarchy, term.args)
