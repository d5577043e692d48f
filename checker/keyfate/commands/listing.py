"""`keyfate list`."""

from __future__ import annotations

from collections import Counter

from keyfate.checking.answering import meets
from keyfate.checking.session import open_session
from keyfate.checking.shelf import Scopes, Shelf
from keyfate.commands import naming
from keyfate.commands.shipped import answers_of, attackers, extents_of, granted, name_of, policies_over
from keyfate.policy.finding import shipped_fragments, shipped_lifecycles, shipped_policies
from keyfate.policy.policy import Policy
from keyfate.reporting.listing import Asked, Profile, Shipped, library_text, lifecycle_text


def listing(name: str | None, scope: Scopes, color: bool, width: int | None) -> str:
    """The library, or the lifecycle `name` (shipped, or a path). Nothing is decided: verdicts are the expected ones."""
    shelf = Shelf(shown=True)
    if name is None:
        lifecycles = {one: shelf.load(path, {}).lifecycle for one, path in shipped_lifecycles().items()}
        policies = sorted(open_session(shipped_policies(), {}, shelf).policies, key=lambda policy: policy.name)
        shipped = [
            Shipped(one, lifecycle, tuple(_asked(p) for p in policies if p.lifecycle is lifecycle))
            for one, lifecycle in lifecycles.items()
        ]
        return library_text(shipped, tuple(attackers().titles), shipped_fragments(), color=color, width=width)
    path = naming.lifecycle(name)
    lifecycle = shelf.load(path, scope).lifecycle
    known = name_of(path)
    if known is None:
        return lifecycle_text(Shipped(name, lifecycle, ()), color=color, width=width)
    profiles = attackers()
    grants = granted(lifecycle, profiles)
    return lifecycle_text(
        Shipped(known, lifecycle, tuple(map(_asked, policies_over(path, Shelf(shown=True))))),
        profiles=[Profile(one, title, grants[one]) for one, title in profiles.titles.items()],
        extents={} if scope else extents_of(known),
        color=color,
        width=width,
    )


def _asked(policy: Policy) -> Asked:
    """A policy with what is expected of it, where that is known."""
    answers = answers_of(policy)
    if answers is None:
        return Asked(policy.name, policy.title)
    verdicts = {name: answer.verdict for name, answer in answers.properties.items()}
    unmet = sum(not meets(verdict, policy, name) for name, verdict in verdicts.items())
    return Asked(policy.name, policy.title, Counter(verdicts.values()), unmet)
