"""From file names to a report: reads every policy, tells all that is wrong at once, runs, sums up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keyfate
from keyfate.checking.results import Input, Report, exit_status
from keyfate.checking.running import Checked, Keep, Options, Tick, run
from keyfate.checking.shelf import Scopes, Shelf
from keyfate.language.library import folder
from keyfate.language.source import Diagnostic, LifecycleError
from keyfate.policy.loading import lifecycle_policy, load_policy
from keyfate.policy.policy import Policy


@dataclass(frozen=True)
class Session:
    """The policies of one run, read and resolved."""

    policies: tuple[Policy, ...]

    def check(
        self,
        options: Options,
        tick: Tick | None = None,
        keep: Keep | None = None,
        asked: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Report:
        """Every property of every policy; those that are `asked`, by its name, of each. Raises LifecycleError where a
        lifecycle is too large."""
        return report(self.policies, run(self.policies, options, tick, keep, asked))

    def questions(self) -> int:
        """How many verdicts a check of everything will give."""
        return sum(len(policy.lifecycle.properties) for policy in self.policies)


def open_session(paths: Sequence[Path], scope: Scopes, shelf: Shelf | None = None) -> Session:
    """Read policies, and bare lifecycles (`*.kf`). Raises LifecycleError with all that is wrong with any."""
    shelf = shelf or Shelf()
    policies: list[Policy] = []
    problems: dict[Diagnostic, None] = {}
    for path in paths:
        read = lifecycle_policy if path.suffix == ".kf" else load_policy
        try:
            policies.append(read(path, scope=scope, load=shelf.load))
        except LifecycleError as error:
            problems |= dict.fromkeys(error.diagnostics)
    if problems:
        raise LifecycleError(tuple(problems))
    return Session(_distinct(policies))


def report(policies: Sequence[Policy], checked: Sequence[Checked]) -> Report:
    """What was found, with the texts it was found in."""
    summaries = tuple(c.summary for c in checked)
    results = tuple(r for c in checked for r in c.results)
    return Report(
        keyfate=keyfate.__version__,
        inputs=inputs(policies),
        exit_status=exit_status(summaries, results),
        policies=summaries,
        results=results,
    )


def _distinct(policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """Two policies of one name are told apart by their paths."""
    names = [p.name for p in policies]
    return tuple(replace(p, name=p.path) if names.count(p.name) > 1 else p for p in policies)


def inputs(policies: Sequence[Policy]) -> tuple[Input, ...]:
    """The texts that these policies and their lifecycles were read from."""
    files: dict[str, Path] = {}
    for policy in policies:
        shared = {p.span.path for p in policy.lifecycle.properties} - set(policy.lifecycle.files)
        for name in (*policy.files, *policy.lifecycle.files):
            files.setdefault(name, Path(name))
        for name in sorted(shared):  # shown as `properties/…`, wherever keyfate is installed
            files.setdefault(name, folder("properties") / Path(name).name)
    found = []
    for name, path in files.items():
        try:
            found.append(Input(name, hashlib.sha256(path.read_bytes()).hexdigest()))
        except OSError:
            continue  # it was there a moment ago; what was read is what was checked
    return tuple(found)
