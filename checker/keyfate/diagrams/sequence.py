"""A trace as a sequence: who acts, what moves into and out of places, what the attacker sees of it."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Ordered

from keyfate.checking.results import Knowledge, PolicySummary, Result, Sight, Step
from keyfate.checking.wording import called, turned
from keyfate.diagrams.figure import Lane, Message, Moment, Sequence, UndrawableError
from keyfate.diagrams.settings import setting
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.instances import place_names

ATTACKER = "attacker"
"""The name of the attacker's lane, and of who acts where the attacker does."""


def sequence(lifecycle: Lifecycle, policy: PolicySummary, result: Result) -> Sequence:
    """The trace of `result`, one moment for each step, over the places that it changes or the attacker looks into.

    Raises UndrawableError where the verdict has no trace.
    """
    if result.trace is None or result.start is None:
        raise UndrawableError(
            f"`{result.property}` is {result.verdict} under `{policy.policy}`: there is no trace to draw",
            "VIOLATED, POSSIBLE and DEPENDS come with one; `lifecycle` draws what is reachable without it",
        )
    seen: dict[str, None] = {}
    moments: list[Moment] = []
    if result.start.observed or not result.trace:
        seen.update(dict.fromkeys(s.term for s in result.start.observed))
        moments.append(Moment(0, "at the start", tuple(_sights(result.start.observed, None)), (), tuple(seen)))
    for number, step in enumerate(result.trace, start=1):
        seen.update(dict.fromkeys(s.term for s in step.observed))
        states = tuple(turned(change) for change in step.changes if change.kind == "state")
        moments.append(Moment(number, called(step), tuple(_messages(step)), states, tuple(seen)))
    last = moments[-1]
    learnt = dict.fromkeys(term for tree in result.knowledge or () for term in _computed(tree))
    known = tuple(dict.fromkeys((*last.knows, *learnt)))
    moments[-1] = Moment(last.number, last.label, last.messages, last.state, known)
    return Sequence(
        title=f"{result.property} under {policy.policy}: {result.text}",
        lanes=tuple(_lanes(lifecycle, result.trace, moments)),
        moments=tuple(moments),
        outcome=_outcome(result),
        notes=tuple(setting(policy, result)),
    )


def _lanes(lifecycle: Lifecycle, trace: Ordered[Step], moments: Ordered[Moment]) -> Iterator[Lane]:
    """Actors as they come in, places as the lifecycle declares them, the attacker last."""
    used = {end for moment in moments for message in moment.messages for end in (message.source, message.target)}
    for actor in dict.fromkeys(step.actor for step in trace if step.actor != ATTACKER):
        yield Lane(_actor(actor), actor, "actor")
    for place in map(str, place_names(lifecycle)):
        if _place(place) in used:
            yield Lane(_place(place), place, "place")
    if ATTACKER in used:
        yield Lane(ATTACKER, ATTACKER, "attacker")


def _messages(step: Step) -> Iterator[Message]:
    actor = _actor(step.actor)
    moved = [change for change in step.changes if change.kind == "place"]
    if not moved:
        yield Message(actor, actor, step.description or step.action, "acts")
    for change in moved:
        if change.lost:
            yield Message(actor, _place(change.name), ", ".join(change.lost), "erases")
        if change.gained:
            yield Message(actor, _place(change.name), ", ".join(change.gained), "writes")
    yield from _sights(step.observed, actor)


def _sights(sights: Ordered[Sight], actor: str | None) -> Iterator[Message]:
    """What is seen, by where it is seen: terms that the same capabilities show go together."""
    ways: dict[tuple[str | None, str], list[tuple[str, ...]]] = {}
    for sight in sights:
        ways.setdefault((sight.place, sight.term), []).append(sight.capabilities)
    together: dict[tuple[str | None, tuple[tuple[str, ...], ...]], list[str]] = {}
    for (place, term), by in ways.items():
        together.setdefault((place, tuple(by)), []).append(term)
    for (place, alike), terms in together.items():
        source = _place(place) if place is not None else actor
        assert source is not None  # only an action leaks
        how = " or ".join(" and ".join(capabilities) for capabilities in alike if capabilities)
        leaked = "" if place is not None else " leaked"
        yield Message(source, ATTACKER, ", ".join(terms) + leaked + (f" by {how}" if how else ""), "seen")


def _computed(tree: Knowledge) -> Iterator[str]:
    """What the attacker computes on the way, innermost first; nothing that needs what only a place holds."""
    for premise in tree.premises:
        yield from _computed(premise)
    if tree.premises and "held" not in _leaves(tree):
        yield tree.term


def _leaves(tree: Knowledge) -> Iterator[str]:
    if not tree.premises:
        yield tree.rule
    for premise in tree.premises:
        yield from _leaves(premise)


def _outcome(result: Result) -> str:
    """What the last moment breaks or reaches."""
    steps = "1 step" if result.steps == 1 else f"{result.steps} steps"
    return f"{result.verdict} in {steps}: {result.says or result.reason or result.text}"


def _actor(name: str) -> str:
    return ATTACKER if name == ATTACKER else f"actor:{name}"


def _place(name: str) -> str:
    return f"place:{name}"
