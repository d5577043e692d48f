"""Warnings about a lifecycle that can be used but may not say what was meant."""

from __future__ import annotations

from collections.abc import Iterator

from keyfate.language.source import Diagnostic, Label
from keyfate.language.typed import (
    Apply,
    AtomTerm,
    Become,
    Copy,
    Existing,
    Gain,
    IfTerm,
    Lifecycle,
    Message,
    MessageVar,
    TermExpr,
)
from keyfate.lifecycle.impossible import impossible
from keyfate.lifecycle.trees import nodes, parameters


def lint(lifecycle: Lifecycle) -> tuple[Diagnostic, ...]:
    """Every warning that bears on what verdicts mean; what merely clutters a text is `keyfate lint`'s."""
    return uncleared_places(lifecycle) + unplaced_secrets(lifecycle) + impossible(lifecycle)


def uncleared_places(lifecycle: Lifecycle) -> tuple[Diagnostic, ...]:
    """R4: a `power event` that replaces the content of no instance of some volatile place.

    A `clear` or `becomes` counts under whatever condition it stands: who wrote the condition
    thought of the place.
    """
    found = []
    for action in lifecycle.actions:
        if not action.power_event:
            continue
        replaced = {
            node.place.name
            for node in nodes(action.effects)
            if isinstance(node, Become) or (isinstance(node, Copy) and node.replace)
        }
        for place in lifecycle.places:
            if not place.persistent and place.name not in replaced:
                found.append(
                    Diagnostic(
                        "KF304",
                        f"the power event `{action.name}` leaves the volatile place `{place.name}` as it is",
                        action.span,
                        (Label(place.span, "declared volatile here"),),
                        f"only effects change a place: add `clear {place.name}…`, or declare the place persistent",
                        "warning",
                    )
                )
    return tuple(found)


def unplaced_secrets(lifecycle: Lifecycle) -> tuple[Diagnostic, ...]:
    """R14: a secret that no place ever holds, neither itself nor inside something that can be opened.

    Keys that something is encrypted under or derived from are not inside it.
    """
    messages = {family.name: family.term for family in lifecycle.terms if family.kind == "message"}
    params = parameters(lifecycle)

    def parts(term: TermExpr) -> Iterator[str]:
        match term:
            case AtomTerm(name):
                yield name
            case Apply(function, _, args):
                if function in ("enc", "seal", "wrap", "page", "aenc"):
                    yield from parts(args[-1])
                elif function == "pair":
                    for arg in args:
                        yield from parts(arg)
            case IfTerm(_, then, otherwise):
                yield from parts(then)
                yield from parts(otherwise)
            case Existing(_, inner):
                yield from parts(inner)
            case MessageVar(name):
                for member in params[name].domain.values[:1]:  # all are of one family
                    assert isinstance(member, Message)
                    yield from parts(messages[member.family])

    placed: set[str] = set()
    for place in lifecycle.places:
        for start in place.starts:
            placed.update(parts(start))
    for node in nodes(lifecycle.actions):
        if isinstance(node, Gain):
            placed.update(parts(node.term))
        elif isinstance(node, Become):
            for term, _ in node.terms:
                placed.update(parts(term))
    return tuple(
        Diagnostic(
            "KF305",
            f"the secret `{family.name}` never enters a place",
            family.span,
            help="what is about it cannot happen; let an action put it where it lives, or a place start with it",
            severity="warning",
        )
        for family in lifecycle.atoms
        if not family.public and family.name not in placed
    )
