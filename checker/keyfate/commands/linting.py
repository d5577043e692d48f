"""`keyfate lint`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from keyfate.checking.linting import gathered, lint_lifecycle, ungranted
from keyfate.checking.shelf import Shelf
from keyfate.commands import naming
from keyfate.language.declaring import Placed
from keyfate.language.loading import shared_properties
from keyfate.language.source import Diagnostic, LifecycleError
from keyfate.policy.files import shown_path
from keyfate.policy.finding import policies_below
from keyfate.reporting.json import to_json
from keyfate.reporting.linting import lint_text


def lint(words: Sequence[str], form: str, strict: bool, color: bool, width: int | None) -> tuple[str, int] | None:
    """What there is to say about these files, and the exit status; None if there are none.

    Raises LifecycleError with all that is wrong with any of them.
    """
    paths = tuple(dict.fromkeys(path for word in words or (".",) for path in _meant(word)))
    if not paths:
        return None
    shelf, shared = Shelf(), shared_properties()
    found: list[Diagnostic] = []
    problems: dict[tuple[str, Diagnostic], None] = {}
    lifecycles = [path for path in paths if path.suffix == ".kf"]
    for path in lifecycles:
        try:
            found.extend(lint_lifecycle(shelf.load(path, {}), shared))
        except LifecycleError as error:
            problems |= dict.fromkeys((d.span.path, d) for d in error.diagnostics)
    policies = [path for path in paths if path.suffix != ".kf"]
    if policies:
        told, wrong = _policies(policies, shelf, shared)
        found.extend(told)
        problems |= dict.fromkeys((d.span.path, d) for d in wrong)
    if problems:
        raise LifecycleError([diagnostic for _, diagnostic in problems])
    all_found = gathered(map(shown_path, paths), found)
    status = all_found.status(strict)
    if form == "json":
        return to_json(all_found.linted(strict)), status
    checks = words[0] if words else "."
    if os.path.isdir(checks) and not policies:  # of a folder, `check` takes the policies only
        checks = shown_path(paths[0])
    return (
        lint_text(len(paths), all_found.warnings, all_found.hints, checks, color=color, width=width),
        status,
    )


def _policies(
    paths: Sequence[Path], shelf: Shelf, shared: Mapping[str, Placed]
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """What is told of policies and of the lifecycles they are about, and what is wrong with them."""
    from keyfate.policy.loading import load_policy  # a lifecycle alone does without pydantic
    from keyfate.policy.policy import Policy

    found: list[Diagnostic] = []
    problems: list[Diagnostic] = []
    about: dict[str, list[Policy]] = {}
    for path in paths:
        try:
            policy = load_policy(path, load=shelf.load)
            found.extend(policy.warnings)
            found.extend(lint_lifecycle(shelf.load(Path(policy.lifecycle.path), policy.scope), shared))
        except LifecycleError as error:
            problems.extend(error.diagnostics)
        else:
            about.setdefault(policy.lifecycle.path, []).append(policy)
    for group in about.values():
        found.extend(ungranted(group))
    return found, problems


def _meant(word: str) -> Iterator[Path]:
    """The files that a word behind `keyfate lint` means: a folder's policies and lifecycles, or one of either."""
    path = Path(word)
    if not os.path.isdir(path):
        yield naming.policy_or_lifecycle(word)
        return
    yield from naming.lifecycles_below(path)
    yield from policies_below(path)
