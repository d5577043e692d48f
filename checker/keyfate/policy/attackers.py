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
_DEEPEST = 50  # levels of profiles that include others, for whoever reads them


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
    including = _Including(profiles, document, problems)
    grants = {name: including.grants(name) for name in profiles}
    if problems:
        raise LifecycleError(list(dict.fromkeys(problems)))
    return Attackers(document.source.path, {n: p.title for n, p in profiles.items()}, grants)


class _Including:
    """What each profile grants, its includes followed: each profile once, however many include it."""

    def __init__(self, profiles: Mapping[str, Profile], document: Document, problems: list[Diagnostic]) -> None:
        self._profiles, self._document, self._problems = profiles, document, problems
        self._known: dict[str, tuple[dict[tuple[str, Span], None], int]] = {}

    def grants(self, name: str) -> tuple[tuple[str, Span], ...]:
        return tuple(self._follow(name, ())[0])

    def _follow(self, name: str, stack: tuple[str, ...]) -> tuple[dict[tuple[str, Span], None], int]:
        """The capabilities, and how deep its includes go."""
        if name in self._known:
            return self._known[name]
        profile, depth = self._profiles[name], 0
        own = ((word, self._document.value((name, "capabilities", i))) for i, word in enumerate(profile.capabilities))
        found = dict.fromkeys(own)
        for i, other in enumerate(profile.includes):
            below = self._included(other, self._document.value((name, "includes", i)), (*stack, name))
            found |= below[0]
            depth = max(depth, below[1] + 1)
        self._known[name] = found, depth
        return self._known[name]

    def _included(self, other: str, span: Span, stack: tuple[str, ...]) -> tuple[dict[tuple[str, Span], None], int]:
        if other not in self._profiles:
            hint = did_you_mean(other, self._profiles)
            self._problems.append(Diagnostic("KF521", f"there is no profile `{other}`", span, help=hint))
        elif other in stack:
            self._problems.append(
                Diagnostic("KF522", f"profile `{other}` includes itself", span, help="break the circle")
            )
        elif len(stack) > _DEEPEST or (below := self._follow(other, stack))[1] >= _DEEPEST:
            said = f"profiles include each other more than {_DEEPEST} deep at `{other}`"
            self._problems.append(Diagnostic("KF522", said, span, help="name capabilities instead"))
        else:
            return below
        return {}, 0
