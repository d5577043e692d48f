"""Everything that can be said about lifecycles and policies without solving."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keyfate
from keyfate.checking.notices import notice
from keyfate.checking.results import BROKEN, MET, Linted
from keyfate.language.declaring import Placed
from keyfate.language.loading import Loaded
from keyfate.language.source import Diagnostic, Label
from keyfate.language.suggesting import suggestions
from keyfate.language.unused import unused
from keyfate.lifecycle.impossible import empty_places
from keyfate.lifecycle.unused import unseen_places, unused_names

if TYPE_CHECKING:
    from keyfate.policy.policy import Policy

HINTS = frozenset({"KF320", "KF321"})
"""What may be meant: worth a look, never a reason to fail."""


@dataclass(frozen=True)
class Found:
    """What was found in `files`, in the order of the files and of their texts."""

    files: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.code not in HINTS)

    @property
    def hints(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.code in HINTS)

    def status(self, strict: bool) -> int:
        """The exit status: BROKEN for a warning where the run is strict."""
        return BROKEN if strict and self.warnings else MET

    def linted(self, strict: bool) -> Linted:
        """The same as the data that reports are made of."""
        return Linted(
            keyfate.__version__,
            self.status(strict),
            self.files,
            tuple(map(notice, self.warnings)),
            tuple(map(notice, self.hints)),
        )


def gathered(files: Iterable[str], diagnostics: Iterable[Diagnostic]) -> Found:
    """Each diagnostic once, though a lifecycle was read for several policies."""
    listed = tuple(dict.fromkeys(files))
    order = {path: n for n, path in enumerate(listed)}
    told = {(d.span.path, d): d for d in diagnostics}  # spans are equal where their places are, whatever the file
    ranked = sorted(told.values(), key=lambda d: (order.get(d.span.path, len(order)), d.span.path, d.span.start))
    return Found(listed, tuple(ranked))


def lint_lifecycle(loaded: Loaded, shared: Mapping[str, Placed]) -> tuple[Diagnostic, ...]:
    """The warnings that every command gives (`loaded.warnings`), and those about what clutters or is missing.

    `shared` are the shared properties by name.
    """
    lifecycle = loaded.lifecycle
    known = (*loaded.warnings, *empty_places(lifecycle))
    more = (*unused(loaded.placed), *unused_names(lifecycle), *unseen_places(lifecycle))
    # One word about one declaration, the graver one: a place that nothing enters needs not be looked at.
    said = {d.span for d in known if d.span.path == lifecycle.path}
    return (*known, *(d for d in more if d.span not in said), *suggestions(lifecycle, loaded.placed, shared))


def ungranted(policies: Sequence[Policy]) -> tuple[Diagnostic, ...]:
    """KF319: capabilities that no profile of the policies' attackers' files grants, and no policy names.

    `policies` are those of one lifecycle. Where none of them attacks with a profile there is nothing to say.
    """
    from keyfate.policy.attackers import load_attackers
    from keyfate.policy.settings import capabilities

    files = sorted({policy.profiles for policy in policies if policy.profiles is not None})
    if not files:
        return ()
    lifecycle = policies[0].lifecycle
    granted = {name.name for policy in policies for name in policy.capabilities_on}
    for file in files:
        for grants in load_attackers(Path(file)).grants.values():
            granted.update(name.name for name in capabilities(lifecycle, grants, foreign=True)[0])
    named = ", ".join(f"`{file}`" for file in files)
    found = []
    for capability in lifecycle.capabilities:
        if capability.name in granted:
            continue
        labels = tuple(
            Label(exposure.span, "nobody sees this")
            for exposure in lifecycle.exposures
            if any(reference.name == capability.name for reference in exposure.capabilities)
        )
        found.append(
            Diagnostic(
                "KF319",
                f"no profile of {named} grants the capability `{capability.name}`",
                capability.span,
                labels,
                "grant it in a profile, name it in a policy's `capabilities`, or take it out",
                "warning",
            )
        )
    return tuple(found)
