"""What changed, in the words that text, Markdown and annotations share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from keyfate.checking.changes import Changes, PolicyChanges, Turn, What

NOTHING_CHANGED = "nothing changed"

_ABSENT: Mapping[What, str] = {
    "control": "open",
    "attacker": "none",
    "capability": "off",
    "scope": "none",
    "requirement": "not required",
    "verdict": "not checked",
}
_PREFIX: Mapping[What, str] = {"capability": "capability ", "scope": "scope of ", "requirement": "requirement "}


@dataclass(frozen=True)
class Row:
    """One line of what changed; `before` and `after` are empty for a policy that came or went."""

    policy: str
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what}: {self.before} → {self.after}" if self.before else self.what


def rows(changes: Changes) -> Iterator[Row]:
    """Policy by policy, settings before verdicts."""
    for policy in changes.policies:
        yield from _policy(policy)


def turn(policy: str, one: Turn) -> Row:
    """One thing that turned."""
    name = "attacker" if one.what == "attacker" else f"{_PREFIX.get(one.what, '')}{one.name}"
    absent = _ABSENT[one.what]
    return Row(policy, name, one.before or absent, one.after or absent)


def versions(changes: Changes) -> str | None:
    """A note where the baseline is of another keyfate."""
    before, after = changes.keyfate
    return None if before == after else f"the baseline was made by keyfate {before}, this is {after}"


def _policy(policy: PolicyChanges) -> Iterator[Row]:
    if policy.how == "changed":
        yield from (turn(policy.policy, one) for one in policy.turns)
    else:
        yield Row(policy.policy, f"the policy was {policy.how}", "", "")
