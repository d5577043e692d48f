"""The data-flow diagram of a threat model, as reviewers draw it (Shostack, Threat Modeling, Wiley 2014, chapter 2).

Components are frames, those inside within the trust boundary; places are data stores; every written term flows
from its sources (R3) to its place; exposures and leaks flow to the capabilities that see them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyfate.diagrams.families import Families
from keyfate.diagrams.figure import Cluster, Edge, EdgeKind, Figure, Mark, Node
from keyfate.diagrams.happening import Happening, Look
from keyfate.diagrams.settings import fixed
from keyfate.language.typed import (
    Become,
    CapabilityRef,
    Component,
    Copy,
    Exposure,
    Gain,
    Leak,
    Lifecycle,
    Origin,
    PlaceSet,
    TermExpr,
)
from keyfate.lifecycle.showing import indexed
from keyfate.policy.policy import Policy

BOUNDARY = "trust boundary"
ATTACKER = "attacker"


def dataflow(policy: Policy) -> Figure:
    """The flows that the policy's settings do not rule out."""
    lifecycle = policy.lifecycle
    flows = tuple(_flows(Look.at(lifecycle, policy.settings), Families(lifecycle)))
    seen = {flow.target for flow in flows if flow.kind in ("exposed", "leak")}
    ends = {end for flow in flows for end in (flow.source, flow.target)}
    nodes = (
        *_stores(lifecycle),
        *(Node(actor_node(c.name), c.name, "actor", frame(c.name)) for c in _actors(lifecycle, ends)),
        *([Node(ATTACKER, "attacker", "attacker", "attackers")] if ATTACKER in ends else []),
        *(Node(name, name.removeprefix("capability "), "capability", "attackers") for name in _in_order(seen, flows)),
    )
    off = [name for name, on in policy.settings.capabilities.items() if not on]
    notes = (
        *fixed(policy),
        *([f"off under this policy: {', '.join(map(str, off))}"] if off else []),
        *([f"nobody sees: {', '.join(unseen)}"] if (unseen := _unseen(lifecycle, flows)) else []),
    )
    return Figure(
        title=f"{lifecycle.name}: what flows where, and who sees it",
        nodes=nodes,
        edges=tuple(_merged(flows)),
        clusters=tuple(_frames(lifecycle, ends)),
        direction="right",
        notes=notes,
    )


def place_node(name: str) -> str:
    return f"place {name}"


def actor_node(name: str) -> str:
    return f"component {name}"


def capability_node(references: Sequence[CapabilityRef]) -> str:
    """One node for all that are needed together."""
    return f"capability {' and '.join(dict.fromkeys(reference.name for reference in references))}"


def frame(component: str) -> str:
    return f"frame {component}"


@dataclass(frozen=True)
class Flow:
    """One term on one way: `what` is its family, or in what circumstances it is exposed; `by` the action, if any."""

    source: str
    target: str
    kind: EdgeKind
    what: str
    by: str | None


def _flows(look: Look, families: Families) -> Iterator[Flow]:
    """Every flow, those of one declaration together, each once."""
    component = {place.name: place.component for place in look.lifecycle.places}
    inside = {c.name: c.inside for c in look.lifecycle.components} | {ATTACKER: False}
    found: dict[Flow, None] = {}

    def kind(source: str, target: str) -> EdgeKind:
        return "flow" if inside[source] == inside[target] else "crossing"

    def written(happening: Happening, place: str, term: TermExpr, origin: Origin) -> Iterator[Flow]:
        by, actor = happening.action.name, happening.action.actor
        names = list(dict.fromkeys(map(families.of, families.meant(term, happening.env))))
        if origin.kind == "using":
            sources = [(place_node(p), component[p]) for p in _names(origin.places)]
        else:
            sources = [(ATTACKER if actor == ATTACKER else actor_node(actor), actor)]
        for source, owner in sources:
            for name in names:
                what = f"ideal: {name}" if origin.kind == "ideal" else name
                yield Flow(source, place_node(place), kind(owner, component[place]), what, by)

    for happening in look.happenings():
        match happening.effect:
            case Gain(place, term, origin):
                found |= dict.fromkeys(written(happening, place.name, term, origin))
            case Become(place, terms):
                for term, origin in terms:
                    found |= dict.fromkeys(written(happening, place.name, term, origin))
            case Copy(place, copied):
                way = kind(component[copied.name], component[place.name])
                source, target = place_node(copied.name), place_node(place.name)
                found[Flow(source, target, way, "all that it holds", happening.action.name)] = None
            case Leak(term, places, capabilities):
                for name in dict.fromkeys(map(families.of, families.meant(term, happening.env))):
                    for origin_place in _names(places):
                        target = capability_node(capabilities)
                        found[Flow(place_node(origin_place), target, "leak", name, happening.action.name)] = None
    for number in look.exposed():
        exposure = look.lifecycle.exposures[number]
        target = capability_node(exposure.capabilities)
        found[Flow(place_node(exposure.place.name), target, "exposed", condition(exposure), None)] = None
    yield from found


def condition(exposure: Exposure) -> str:
    """When the place is exposed, in the lifecycle's own words; empty where it always is."""
    if exposure.when is None:
        return ""
    return re.sub(r"\s+", " ", exposure.when.text)


def _names(places: PlaceSet | None) -> tuple[str, ...]:
    return () if places is None else tuple(dict.fromkeys(place.name for place in places.places))


def _merged(flows: Sequence[Flow]) -> Iterator[Edge]:
    """One edge for all flows of one kind between two nodes: a line a term, with the actions that move it."""
    ways: dict[tuple[str, str, EdgeKind], dict[str, list[str]]] = {}
    for flow in flows:
        actions = ways.setdefault((flow.source, flow.target, flow.kind), {}).setdefault(flow.what, [])
        if flow.by is not None and flow.by not in actions:
            actions.append(flow.by)
    for (source, target, kind), terms in ways.items():
        if kind == "exposed":
            words = [] if "" in terms else [f"when {what}" for what in terms]  # always, or in each of these cases
        else:
            words = [f"{what} ({', '.join(actions)})" for what, actions in terms.items()]
        yield Edge(source, target, "\n".join(words), kind)


def _stores(lifecycle: Lifecycle) -> Iterator[Node]:
    for place in lifecycle.places:
        mark: Mark = "persistent" if place.persistent else "volatile"
        yield Node(
            place_node(place.name),
            indexed(place.name, (param.domain.label for param in place.params)),
            "place",
            frame(place.component),
            frozenset({mark}),
        )


def _actors(lifecycle: Lifecycle, ends: set[str]) -> tuple[Component, ...]:
    """Components that write what is in no place yet, and those that have no place: a frame is never empty."""
    with_places = {place.component for place in lifecycle.places}
    return tuple(c for c in lifecycle.components if actor_node(c.name) in ends or c.name not in with_places)


def _frames(lifecycle: Lifecycle, ends: set[str]) -> Iterator[Cluster]:
    if any(component.inside for component in lifecycle.components):
        yield Cluster(BOUNDARY, "inside", boundary=True)
    for component in lifecycle.components:
        label = f"{component.name}: {component.description}" if component.description else component.name
        yield Cluster(frame(component.name), label, BOUNDARY if component.inside else None)
    if any(end == ATTACKER or end.startswith("capability ") for end in ends):
        yield Cluster("attackers", "what the attacker can do")


def _in_order(names: set[str], flows: Sequence[Flow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(flow.target for flow in flows if flow.target in names))


def _unseen(lifecycle: Lifecycle, flows: Sequence[Flow]) -> tuple[str, ...]:
    seen: Mapping[str, None] = {flow.source: None for flow in flows if flow.kind == "exposed"}
    return tuple(place.name for place in lifecycle.places if place_node(place.name) not in seen)
