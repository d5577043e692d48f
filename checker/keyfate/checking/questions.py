"""What a document of questions asks, decided: verdicts of its policies, and frontiers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from keyfate.checking.frontier import PropertyFrontier
from keyfate.checking.frontiers import Asked, frontiers
from keyfate.checking.frontiers import Question as Asking
from keyfate.checking.judges import Deadline
from keyfate.checking.results import BROKEN, DIVERGED, MET, NO_ANSWER, UNDECIDED, Result
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
        return all(self.results[shown.policy, shown.property].verdict == shown.verdict for shown in claim.shown_by)

    @property
    def refuted(self) -> tuple[Shown, ...]:
        """What claims expect, and is otherwise."""
        claims = (claim for question in self.questions.questions for claim in question.claims)
        expected = (shown for claim in claims for shown in claim.shown_by)
        found = ((shown, self.results[shown.policy, shown.property].verdict) for shown in expected)
        return tuple(shown for shown, verdict in found if verdict != shown.verdict and verdict not in NO_ANSWER)

    @property
    def unanswered(self) -> tuple[Result | PropertyFrontier, ...]:
        """What has no answer, or several."""
        results = (result for result in self.results.values() if result.verdict in NO_ANSWER)
        return (*results, *(found for found in self.frontiers.values() if found.verdict != "COMPLETE"))

    @property
    def exit_status(self) -> int:
        """The first that applies: 5 where judges disagree, 1 where a claim is refuted, 3 where an answer is missing."""
        if any(one.verdict == "DIVERGED" for one in self.unanswered):
            return DIVERGED
        return BROKEN if self.refuted else UNDECIDED if self.unanswered else MET


def decide(
    questions: Questions, deadline: Deadline | None = None, tick: Callable[[str], None] = lambda _: None
) -> Decided:
    """What is not decided by the deadline has no answer. Raises LifecycleError where a lifecycle is too large."""
    deadline = deadline or Deadline()
    asked = questions.asked()
    session = Session(tuple(questions.policies[policy] for policy in asked))
    options = Options(deadline=deadline, sweep=False)
    report = session.check(options, lambda policy, rule: tick(f"{policy}: {rule}"), asked=asked) if asked else None
    results = {(r.policy, r.property): r for r in (report.results if report else ())}
    found: dict[Attacks, PropertyFrontier] = {}
    rows = [row for question in questions.questions for group in question.attacks for row in group.rows]
    for lifecycle in dict.fromkeys(id(questions.policies[row.policy].lifecycle) for row in rows):
        same = [row for row in rows if id(questions.policies[row.policy].lifecycle) == lifecycle]
        found |= zip(same, _frontiers(same, questions.policies[same[0].policy].lifecycle, deadline, tick), strict=True)
    return Decided(questions, results, found)


def _frontiers(
    rows: Sequence[Attacks], lifecycle: Lifecycle, deadline: Deadline, tick: Callable[[str], None]
) -> Sequence[PropertyFrontier]:
    """Of each row; of those that ask the same, one is decided."""
    rules = {rule.name: rule for rule in lifecycle.properties}
    asked = [Asking(rules[row.property], row.settings) for row in rows]
    distinct = [question for number, question in enumerate(asked) if question not in asked[:number]]
    job = Asked(lifecycle, tuple(distinct), deadline)

    def told(number: int) -> None:
        for row, question in zip(rows, asked, strict=True):
            if question == distinct[number]:
                tick(row.label)

    found = frontiers(job, (), tick=told).frontiers
    return [found[distinct.index(question)] for question in asked]
