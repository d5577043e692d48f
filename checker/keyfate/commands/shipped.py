"""What is shipped, as commands show it without deciding anything: policies, what is expected of them, attackers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from keyfate.checking.expected import Answers, Extent, load_answers, load_frontiers
from keyfate.checking.library import answers_path, frontiers_path
from keyfate.checking.session import open_session
from keyfate.checking.shelf import Shelf
from keyfate.language.library import folder
from keyfate.language.reading import resolved
from keyfate.language.typed import Lifecycle
from keyfate.policy.attackers import FILE, Attackers, load_attackers
from keyfate.policy.finding import shipped_lifecycles, shipped_policies
from keyfate.policy.loading import lifecycle_of
from keyfate.policy.policy import Policy
from keyfate.policy.settings import capabilities


def name_of(path: Path) -> str | None:
    """The name under which the lifecycle at `path` is shipped, if it is."""
    return next((name for name, there in shipped_lifecycles().items() if resolved(there) == resolved(path)), None)


def policies_over(path: Path, shelf: Shelf) -> Sequence[Policy]:
    """The shipped policies of the lifecycle at `path`, by name; no other lifecycle is read for them."""
    found = [policy for policy in shipped_policies() if lifecycle_of(policy) == resolved(path)]
    return sorted(open_session(found, {}, shelf).policies, key=lambda policy: policy.name)


def answers_of(policy: Policy) -> Answers | None:
    """What is expected of a shipped policy, if that is written of the properties that there are."""
    path = answers_path(policy.name)
    answers = load_answers(path) if path.exists() else None
    known = answers is not None and set(answers.properties) == {rule.name for rule in policy.lifecycle.properties}
    return answers if known else None


def extents_of(name: str) -> Mapping[str, Extent]:
    """The expected sizes of a shipped lifecycle's frontiers, as far as they are written."""
    path = frontiers_path(name)
    return load_frontiers(path).properties if path.exists() else {}


def attackers() -> Attackers:
    """The shipped profiles."""
    path = folder("models") / FILE
    return load_attackers(path) if path.is_file() else Attackers(str(path), {}, {})


def granted(lifecycle: Lifecycle, profiles: Attackers) -> Mapping[str, tuple[str, ...]]:
    """By profile, the capabilities of the lifecycle that it grants."""
    found = {}
    for name, grants in profiles.grants.items():
        on, _ = capabilities(lifecycle, grants, foreign=True)
        names = {capability.name for capability in on}
        found[name] = tuple(one.name for one in lifecycle.capabilities if one.name in names)
    return found
