"""A trace as a story in the lifecycle's names: from the plain interpreter's account to data."""

from __future__ import annotations

from collections.abc import Iterable

from keyfate.checking.naming import Namer, plain
from keyfate.checking.results import Change, Knowledge, Sight, Start, Step
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.account import Account, PlaceChange, StateChange
from keyfate.lifecycle.deduction import Derivation, Sighting
from keyfate.lifecycle.names import PlaceName


def start(account: Account, namer: Namer) -> Start:
    """The first state."""
    first = account.steps[0]
    return Start(
        {str(name): plain(value) for name, value in first.state.states.items()},
        {str(place): namer.terms(content) for place, content in first.state.places.items() if content},
        tuple(_sight(s, namer) for s in first.seen),
    )


def steps(lifecycle: Lifecycle, account: Account, namer: Namer) -> tuple[Step, ...]:
    """The actions, each with what it changed and what was seen through it."""
    actions = {a.name: a for a in lifecycle.actions}
    told = []
    for step in account.steps[1:]:
        assert step.action is not None
        action = actions[step.action.name]
        told.append(
            Step(
                action=action.name,
                arguments={p.shown: plain(v) for p, v in zip(action.params, step.action.args, strict=True)},
                actor=action.actor,
                changes=tuple(_changes(step.changes, namer)),
                observed=tuple(_sight(s, namer) for s in step.seen),
                description=action.description,
                status=action.status,
            )
        )
    return tuple(told)


def knowledge(account: Account, namer: Namer) -> tuple[Knowledge, ...] | None:
    """Why each term that the end asks for is known; None where it asks for none."""
    return tuple(dict.fromkeys(_knowledge(r.derivation, namer) for r in account.reasons)) or None


def _knowledge(tree: Derivation, namer: Namer) -> Knowledge:
    place: str | None = None
    step: int | None = None
    capabilities: tuple[str, ...] = ()
    if isinstance(tree.origin, Sighting):
        place = str(tree.origin.place) if tree.origin.place is not None else None
        step = tree.origin.step
        capabilities = tuple(str(c) for c in tree.origin.capabilities)
    elif isinstance(tree.origin, PlaceName):
        place = str(tree.origin)
    # What was done: the function that composed the term, or the one that was opened.
    whole = tree.term if tree.rule == "compose" else tree.premises[0].term if tree.rule == "decompose" else None
    return Knowledge(
        term=namer.term(tree.term),
        rule=tree.rule,
        function=getattr(whole, "function", None),
        label=getattr(whole, "label", None),
        place=place,
        step=step,
        capabilities=capabilities,
        premises=tuple(_knowledge(p, namer) for p in tree.premises),
    )


def _changes(changes: Iterable[StateChange | PlaceChange], namer: Namer) -> Iterable[Change]:
    for change in changes:
        if isinstance(change, StateChange):
            yield Change("state", str(change.state), before=plain(change.before), after=plain(change.after))
        else:
            gained, lost = (tuple(map(namer.term, terms)) for terms in (change.gained, change.lost))
            yield Change("place", str(change.place), gained=gained, lost=lost)


def _sight(sighting: Sighting, namer: Namer) -> Sight:
    place = None if sighting.place is None else str(sighting.place)
    return Sight(namer.term(sighting.term), place, tuple(str(c) for c in sighting.capabilities))
