"""What a document of questions asks, decided: verdicts of its policies, and frontiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from keyfate.checking.frontier import PropertyFrontier
from keyfate.checking.frontiers import Asked, frontiers
from keyfate.checking.frontiers import Question as Asking
from keyfate.checking.judges import Deadline
from keyfate.checking.results import Result
from keyfate.checking.running import Options
from keyfate.checking.session import Session
from keyfate.language.typed import Lifecycle
from keyfate.policy.questions import Attacks, Claim, Questions, Shown


@dataclass(frozen=True)
class Decided:
    """Every answer: `results` by policy and property, `frontiers` by what was asked."""

    questions: Questions
    results: Mapping[tuple[str, str], Result]
    frontiers: Mapping[Attacks, PropertyFrontier]

    def holds(self, claim: Claim) -> bool:
        """Whether every verdict that the claim rests on is as it says."""
        return not any(self.refuted(shown) for shown in claim.shown_by)

    def refuted(self, shown: Shown) -> bool:
        return self.results[shown.policy, shown.property].verdict != shown.verdict

    @property
    def broken(self) -> tuple[Shown, ...]:
        """What claims expect and is not so."""
        claims = (claim for question in self.questions.questions for claim in question.claims)
        return tuple(shown for claim in claims for shown in claim.shown_by if self.refuted(shown))

    @property
    def open(self) -> tuple[str, ...]:
        """What has no answer, and why."""
        said = [f"{r.property} under {r.policy} is {r.verdict}: {r.reason}" for r in self.results.values() if r.reason]
        return (*said, *(f"the frontier of {f.property} is {f.verdict}: {f.reason}" for f in self._incomplete()))

    def _incomplete(self) -> tuple[PropertyFrontier, ...]:
        return tuple(found for found in self.frontiers.values() if found.verdict != "COMPLETE")


def decide(questions: Questions, tick: Callable[[str], None] = lambda _: None) -> Decided:
    """Raises LifecycleError where a lifecycle is too large."""
    results: dict[tuple[str, str], Result] = {}
    by_rules = sorted(questions.asked().items(), key=lambda item: item[1])
    for rules, group in groupby(by_rules, key=lambda item: item[1]):
        session = Session(tuple(questions.policies[policy] for policy, _ in group))
        options = Options("auto", Deadline.after(None), only=rules, sweep=False)
        report = session.check(options, lambda policy, rule: tick(f"{policy}: {rule}"))
        results |= {(r.policy, r.property): r for r in report.results}
    found: dict[Attacks, PropertyFrontier] = {}
    rows = [row for question in questions.questions for group in question.attacks for row in group.rows]
    for lifecycle in dict.fromkeys(id(questions.policies[row.policy].lifecycle) for row in rows):
        same = [row for row in rows if id(questions.policies[row.policy].lifecycle) == lifecycle]
        found |= zip(same, _frontiers(same, questions.policies[same[0].policy].lifecycle, tick), strict=True)
    return Decided(questions, results, found)


def _frontiers(
    rows: Sequence[Attacks], lifecycle: Lifecycle, tick: Callable[[str], None]
) -> Sequence[PropertyFrontier]:
    rules = {rule.name: rule for rule in lifecycle.properties}
    asked = tuple(Asking(rules[row.property], row.settings) for row in rows)
    job = Asked(lifecycle, asked, Deadline.after(None))
    return frontiers(job, (), tick=lambda number: tick(rows[number].label)).frontiers
