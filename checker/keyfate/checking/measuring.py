"""How large what the library describes is: frontiers with everything open, and states under a policy's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keyfate.checking.assembling import Count, assemble_counter, assemble_frontier, preload
from keyfate.checking.judges import TIMEOUT, Deadline, GaveUpError
from keyfate.checking.pool import Pool
from keyfate.checking.results import FrontierExtent, StateCount
from keyfate.checking.synthesizing import Judges, synthesize
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.problem import Settings
from keyfate.policy.policy import Policy

Measure = FrontierExtent | StateCount


@dataclass(frozen=True)
class Measuring:
    """Frontiers of lifecycles by the names that policies call them by, and states of policies: a job for a pool."""

    lifecycles: Mapping[str, Lifecycle]
    policies: tuple[Policy, ...]
    deadline: Deadline

    def begin(self) -> Callable[[int, Callable[[Measure], None]], Measure]:
        questions = self.questions()
        bench = _Bench()

        def answer(number: int, tell: Callable[[Measure], None]) -> Measure:
            asked = questions[number]
            if isinstance(asked, Policy):
                return _states(asked, bench, self.deadline)
            name, rule = asked
            return _extent(name, rule, bench.judges(self.lifecycles[name]), self.deadline)

        return answer

    def questions(self) -> list[tuple[str, Property] | Policy]:
        """By lifecycle, so that a worker keeps what it has built; then those that are short."""
        rules = [(name, rule) for name, lifecycle in self.lifecycles.items() for rule in lifecycle.properties]
        return [*rules, *self.policies]


def measured(
    asked: Measuring, *, memory: int | None = None, tick: Callable[[str, str], None] = lambda of, what: None
) -> tuple[tuple[FrontierExtent, ...], tuple[StateCount, ...]]:
    """Every frontier and every number of states, or why there is none. `tick` hears of each."""
    questions = asked.questions()

    def told(number: int) -> None:
        question = questions[number]
        tick(*((question.name, "states") if isinstance(question, Policy) else (question[0], question[1].name)))

    preload(memory)
    outcomes = Pool(asked, len(questions), asked.deadline, memory=memory).run(told)
    found = [
        outcome.value if outcome.reason is None and outcome.value is not None else _nothing(question, outcome.reason)
        for question, outcome in zip(questions, outcomes, strict=True)
    ]
    return (
        tuple(one for one in found if isinstance(one, FrontierExtent)),
        tuple(one for one in found if isinstance(one, StateCount)),
    )


class _Bench:
    """What a worker has built for the lifecycle it is at."""

    def __init__(self) -> None:
        self._judges: Judges | None = None
        self._counter: tuple[Lifecycle, Count] | None = None

    def judges(self, lifecycle: Lifecycle) -> Judges:
        if self._judges is None or self._judges.lifecycle is not lifecycle:
            self._judges = assemble_frontier(lifecycle, remembering=True)
        return self._judges

    def count(self, lifecycle: Lifecycle) -> Count:
        if self._counter is None or self._counter[0] is not lifecycle:
            self._counter = lifecycle, assemble_counter(lifecycle)
        return self._counter[1]


def _extent(name: str, rule: Property, judges: Judges, deadline: Deadline) -> FrontierExtent:
    found = synthesize(judges, rule, Settings({}), deadline)
    if found.verdict != "COMPLETE":
        late = found.verdict == "UNKNOWN" and deadline.passed
        return FrontierExtent(name, rule.name, found.verdict, None, None, None, TIMEOUT if late else found.reason)
    return FrontierExtent(name, rule.name, "COMPLETE", len(found.conditions), found.reaching, found.configurations)


def _states(policy: Policy, bench: _Bench, deadline: Deadline) -> StateCount:
    if policy.open_controls:
        return StateCount(policy.name, None)
    try:
        return StateCount(policy.name, bench.count(policy.lifecycle)(policy.settings, deadline))
    except GaveUpError as error:
        return StateCount(policy.name, None, str(error))


def _nothing(question: tuple[str, Property] | Policy, reason: str | None) -> Measure:
    """Of a question of which nothing was heard."""
    if isinstance(question, Policy):
        return StateCount(question.name, None, reason)
    name, rule = question
    return FrontierExtent(name, rule.name, "UNKNOWN", None, None, None, reason)
