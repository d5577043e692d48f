"""Attacker profiles: named sets of capabilities, in a file that serves many lifecycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    grants = {name: tuple(_grants(name, profiles, document, (), problems)) for name in profiles}
    if problems:
        raise LifecycleError(list(dict.fromkeys(problems)))
    return Attackers(document.source.path, {n: p.title for n, p in profiles.items()}, grants)


def _grants(
    name: str, profiles: Mapping[str, Profile], document: Document, stack: tuple[str, ...], problems: list[Diagnostic]
) -> list[tuple[str, Span]]:
    profile = profiles[name]
    found = [(word, document.value((name, "capabilities", i))) for i, word in enumerate(profile.capabilities)]
    for i, other in enumerate(profile.includes):
        span = document.value((name, "includes", i))
        if other not in profiles:
            hint = did_you_mean(other, profiles)
            problems.append(Diagnostic("KF521", f"there is no profile `{other}`", span, help=hint))
        elif other in (*stack, name):
            problems.append(Diagnostic("KF522", f"profile `{other}` includes itself", span, help="break the circle"))
        else:
            found.extend(_grants(other, profiles, document, (*stack, name), problems))
    return found
