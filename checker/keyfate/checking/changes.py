"""What changed between two reports: settings, attacker, requirements and verdicts, policy by policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from keyfate.checking.results import Input, Plain, PolicySummary, Report, Result
from keyfate.lifecycle.names import show_value

What = Literal["control", "attacker", "capability", "scope", "requirement", "verdict"]


@dataclass(frozen=True)
class Turn:
    """One thing that is not as it was, in the language's words. None: a control left open, a capability
    that is off, a sort that is not there, a property not required or not checked."""

    what: What
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class PolicyChanges:
    """One policy of both reports with what turned; or one that only one of them has."""

    policy: str
    lifecycle: str
    path: str
    how: Literal["changed", "added", "removed"]
    turns: tuple[Turn, ...] = ()

    def turned(self, what: What, name: str) -> Turn | None:
        """What became of one thing, if it changed."""
        return next((t for t in self.turns if t.what == what and t.name == name), None)


@dataclass(frozen=True)
class Changes:
    """From one report to another. `files` are the texts that differ, by name."""

    keyfate: tuple[str, str]
    policies: tuple[PolicyChanges, ...]
    files: tuple[str, ...]

    def of(self, summary: PolicySummary) -> PolicyChanges | None:
        """What changed of a policy of the later report."""
        return next((p for p in self.policies if p.how != "removed" and p.path == summary.path), None)


def changes(before: Report, after: Report) -> Changes:
    """What `after` says otherwise than `before`. Policies are the same by their path, else by their name."""
    twins = _twins(before.policies, after.policies)
    found = [_policy(twins.get(p.path), p, before, after) for p in after.policies]
    known = {p.path for p in twins.values()}
    gone = [PolicyChanges(p.policy, p.lifecycle, p.path, "removed") for p in before.policies if p.path not in known]
    return Changes(
        (before.keyfate, after.keyfate), tuple(p for p in (*found, *gone) if p is not None), _files(before, after)
    )


def _twins(before: Sequence[PolicySummary], after: Sequence[PolicySummary]) -> Mapping[str, PolicySummary]:
    """The earlier policy of each path of the later report that has one."""
    paths = {p.path: p for p in before}
    twins = {p.path: paths.pop(p.path) for p in after if p.path in paths}
    for policy in after:
        namesakes = [p for p in paths.values() if (p.policy, p.lifecycle) == (policy.policy, policy.lifecycle)]
        if policy.path not in twins and len(namesakes) == 1:
            twins[policy.path] = paths.pop(namesakes[0].path)
    return twins


def _policy(old: PolicySummary | None, new: PolicySummary, before: Report, after: Report) -> PolicyChanges | None:
    if old is None:
        return PolicyChanges(new.policy, new.lifecycle, new.path, "added")
    first, second = _results(before, old), _results(after, new)
    turns = (
        *_turns("control", _shown(old.controls), _shown(new.controls)),
        *_turns("attacker", {"attacker": old.attacker}, {"attacker": new.attacker}),
        *_turns("capability", dict.fromkeys(old.capabilities, "on"), dict.fromkeys(new.capabilities, "on")),
        *_turns("scope", _sizes(first.values()), _sizes(second.values())),
        *(
            turn
            for turn in _turns("requirement", _required(first), _required(second))
            if turn.name in first and turn.name in second  # else that it is checked at all is what changed
        ),
        *_turns("verdict", _verdicts(first), _verdicts(second)),
    )
    return PolicyChanges(new.policy, new.lifecycle, new.path, "changed", turns) if turns else None


def _turns(what: What, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Turn]:
    """In the order of the later one, then what is gone."""
    for name in dict.fromkeys((*after, *before)):
        if before.get(name) != after.get(name):
            yield Turn(what, name, before.get(name), after.get(name))


def _results(report: Report, policy: PolicySummary) -> Mapping[str, Result]:
    return {r.property: r for r in report.results if (r.policy, r.lifecycle) == (policy.policy, policy.lifecycle)}


def _shown(values: Mapping[str, Plain]) -> Mapping[str, str]:
    return {name: show_value(value) for name, value in values.items()}


def _sizes(results: Iterable[Result]) -> Mapping[str, str]:
    return {sort: str(size) for result in results for sort, size in result.scope.sorts.items()}


def _required(results: Mapping[str, Result]) -> Mapping[str, str]:
    return {name: r.required for name, r in results.items() if r.required is not None}


def _verdicts(results: Mapping[str, Result]) -> Mapping[str, str]:
    return {name: " within ".join((r.verdict, *_ranges(r))) for name, r in results.items()}


def _ranges(result: Result) -> tuple[str, ...]:
    return (", ".join(result.scope.within),) if result.scope.within else ()


def _files(before: Report, after: Report) -> tuple[str, ...]:
    def sums(inputs: Sequence[Input]) -> Mapping[str, str]:
        return {i.path: i.sha256 for i in inputs}

    old, new = sums(before.inputs), sums(after.inputs)
    return tuple(path for path in dict.fromkeys((*new, *old)) if old.get(path) != new.get(path))
