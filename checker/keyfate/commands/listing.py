"""`keyfate list`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from keyfate.checking.answering import meets
from keyfate.checking.expected import Extent, load_answers, load_frontiers
from keyfate.checking.library import answers_path, frontiers_path, library_lifecycles, library_policies
from keyfate.checking.session import open_session
from keyfate.checking.shelf import Scopes, Shelf
from keyfate.commands import naming
from keyfate.language.library import folder
from keyfate.language.typed import Lifecycle
from keyfate.policy.attackers import FILE, Attackers, load_attackers
from keyfate.policy.loading import lifecycle_of
from keyfate.policy.policy import Policy
from keyfate.policy.settings import capabilities
from keyfate.reporting.listing import Asked, Profile, Shipped, library_text, lifecycle_text


def listing(name: str | None, scope: Scopes, color: bool, width: int | None) -> str:
    """The library, or the lifecycle `name` (shipped, or a path). Nothing is decided: verdicts are the expected ones."""
    shelf = Shelf(shown=True)
    if name is None:
        names = library_lifecycles()
        lifecycles = {one: shelf.load(path, {}).lifecycle for one, path in names.items()}
        policies = _sorted(open_session(library_policies(), {}, shelf).policies)
        shipped = [
            Shipped(one, lifecycle, tuple(_asked(p) for p in policies if p.lifecycle is lifecycle))
            for one, lifecycle in lifecycles.items()
        ]
        return library_text(shipped, tuple(_attackers().titles), color=color, width=width)
    path = naming.lifecycle(name)
    lifecycle = shelf.load(path, scope).lifecycle
    known = next((one for one, there in library_lifecycles().items() if there.resolve() == path.resolve()), None)
    if known is None:
        return lifecycle_text(Shipped(name, lifecycle, ()), color=color, width=width)
    found = [policy for policy in library_policies() if lifecycle_of(policy) == path.resolve()]
    policies = _sorted(open_session(found, {}, Shelf(shown=True)).policies)
    return lifecycle_text(
        Shipped(known, lifecycle, tuple(map(_asked, policies))),
        profiles=_profiles(lifecycle, _attackers()),
        extents={} if scope else _extents(known),
        color=color,
        width=width,
    )


def _sorted(policies: Sequence[Policy]) -> list[Policy]:
    return sorted(policies, key=lambda policy: policy.name)


def _asked(policy: Policy) -> Asked:
    """A policy with what is expected of it, where that is known and of the properties that there are."""
    path = answers_path(policy.name)
    answers = load_answers(path).properties if path.exists() else {}
    if set(answers) != {rule.name for rule in policy.lifecycle.properties}:
        return Asked(policy.name, policy.title)
    verdicts = {name: verdict for name, (verdict, _) in answers.items()}
    unmet = sum(not meets(verdict, policy, name) for name, verdict in verdicts.items())
    return Asked(policy.name, policy.title, Counter(verdicts.values()), unmet)


def _extents(name: str) -> Mapping[str, Extent]:
    path = frontiers_path(name)
    return load_frontiers(path).properties if path.exists() else {}


def _attackers() -> Attackers:
    path: Path = folder("models") / FILE
    return load_attackers(path) if path.is_file() else Attackers(str(path), {}, {})


def _profiles(lifecycle: Lifecycle, attackers: Attackers) -> tuple[Profile, ...]:
    """Every profile with the capabilities of the lifecycle that it grants."""
    found = []
    for name, title in attackers.titles.items():
        granted, _ = capabilities(lifecycle, attackers.grants[name], foreign=True)
        names = {capability.name for capability in granted}
        found.append(Profile(name, title, tuple(c.name for c in lifecycle.capabilities if c.name in names)))
    return tuple(found)
