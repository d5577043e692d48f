"""Attacker profiles: named sets of capabilities, in a file that serves many lifecycles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

from keyfate.language.library import folder
from keyfate.language.source import Diagnostic, LifecycleError, Span
from keyfate.language.symbols import did_you_mean
from keyfate.policy.files import read_source
from keyfate.policy.models import Profile
from keyfate.policy.toml import Document, parse
from keyfate.policy.validation import validate

FILE = "attackers.toml"


@dataclass(frozen=True)
class Attackers:
    """A file of profiles: what each grants, its includes followed."""

    path: str
    titles: Mapping[str, str]
    grants: Mapping[str, tuple[tuple[str, Span], ...]]


def find_profiles(policy: Path, named: str | None) -> Path:
    """The attackers' file: the one that the policy names, else the one beside it, else the shipped one."""
    if named is not None:
        return policy.parent / named
    beside = policy.parent / FILE
    return beside if beside.is_file() else folder("models") / FILE


def load_attackers(path: Path, *, at: Span | None = None) -> Attackers:
    """Every profile of the file. Raises LifecycleError with all its diagnostics."""
    document = parse(read_source(path, at=at))
    problems: list[Diagnostic] = []
    profiles: dict[str, Profile] = {}
    for name, table in document.data.items():
        if not isinstance(table, Mapping):
            message = f"`{name}` should be a table: an attackers' file has one for each profile"
            problems.append(Diagnostic("KF504", message, document.key((name,)), help=f"write `[{name}]`"))
            continue
        profile, wrong = validate(Profile, table, document, (name,))
        problems.extend(wrong)
        if profile is not None:
            profiles[name] = profile
    if problems:
        raise LifecycleError(problems)
    grants = _grants(profiles, document, problems)
    if problems:
        raise LifecycleError(problems)
    return Attackers(document.source.path, {n: p.title for n, p in profiles.items()}, grants)


def _grants(
    profiles: Mapping[str, Profile], document: Document, problems: list[Diagnostic]
) -> Mapping[str, tuple[tuple[str, Span], ...]]:
    """What each profile grants: its own capabilities, and those of what it includes."""
    found: dict[str, dict[tuple[str, Span], None]] = {}
    included = {name: dict(_includes(name, profiles, document, problems)) for name in profiles}
    for name in _included_first(included, problems):
        own = ((word, document.value((name, "capabilities", i))) for i, word in enumerate(profiles[name].capabilities))
        found[name] = dict.fromkeys(own)
        for other in included[name]:
            found[name] |= found[other]
    return {name: tuple(found[name]) for name in profiles}


def _includes(
    name: str, profiles: Mapping[str, Profile], document: Document, problems: list[Diagnostic]
) -> Iterator[tuple[str, Span]]:
    for i, other in enumerate(profiles[name].includes):
        span = document.value((name, "includes", i))
        if other in profiles:
            yield other, span
        else:
            hint = did_you_mean(other, profiles)
            problems.append(Diagnostic("KF521", f"there is no profile `{other}`", span, help=hint))


def _included_first(included: Mapping[str, dict[str, Span]], problems: list[Diagnostic]) -> tuple[str, ...]:
    """Every profile behind those that it includes. A circle is broken where it closes, and told."""
    while True:
        try:
            return tuple(TopologicalSorter(included).static_order())
        except CycleError as error:
            circle = ((name, other, included[name][other]) for other, name in pairwise(error.args[1]))
            name, other, span = max(circle, key=lambda edge: edge[2].start)
            del included[name][other]
            problems.append(Diagnostic("KF522", f"profile `{other}` includes itself", span, help="break the circle"))
