"""The frontiers of several properties, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import keyfate
from keyfate.checking.assembling import assemble_frontier, preload
from keyfate.checking.frontier import FrontierReport, PropertyFrontier, exit_status
from keyfate.checking.judges import Deadline
from keyfate.checking.pool import Pool
from keyfate.checking.results import Input
from keyfate.checking.synthesizing import Judges, nothing_known, synthesize
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.problem import Settings


@dataclass(frozen=True)
class Question:
    """The frontier of one property over what `settings` leave open. `safe`: describe all others too."""

    rule: Property
    settings: Settings
    safe: bool = False


@dataclass(frozen=True)
class Asked:
    """Frontiers of one lifecycle, as a job for a pool."""

    lifecycle: Lifecycle
    questions: tuple[Question, ...]
    deadline: Deadline

    def begin(self) -> Callable[[int, Callable[[PropertyFrontier], None]], PropertyFrontier]:
        judges: Judges = assemble_frontier(self.lifecycle)

        def answer(number: int, tell: Callable[[PropertyFrontier], None]) -> PropertyFrontier:
            question = self.questions[number]
            return synthesize(judges, question.rule, question.settings, self.deadline, safe=question.safe, tell=tell)

        return answer


def frontiers(
    asked: Asked, inputs: Sequence[Input], *, memory: int | None = None, tick: Callable[[int], None] = lambda _: None
) -> FrontierReport:
    """Every frontier, whatever ends the run. Raises LifecycleError where the lifecycle is too large."""
    preload(memory)
    outcomes = Pool(asked, len(asked.questions), asked.deadline, memory=memory).run(tick)
    found = []
    for question, outcome in zip(asked.questions, outcomes, strict=True):
        known = outcome.value or nothing_known(asked.lifecycle, question.rule, question.settings)
        found.append(known if outcome.reason is None else replace(known, verdict="UNKNOWN", reason=outcome.reason))
    return FrontierReport(keyfate.__version__, tuple(inputs), exit_status(found), tuple(found))
