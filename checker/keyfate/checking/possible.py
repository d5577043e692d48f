"""Possible properties (R13): which admissible settings have an honest witness, for every instance.

For one instance, each trace found covers all settings under which it runs; the certifier
names a setting that no trace covers until there is none. With a `for`, a setting counts only
if every instance has a witness under it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from keyfate.checking.judges import TIMEOUT, Answer, Court, Deadline, GaveUpError
from keyfate.language.typed import Property, Value
from keyfate.lifecycle import renaming
from keyfate.lifecycle.names import ControlName
from keyfate.lifecycle.problem import (
    NotWithin,
    Problem,
    Reach,
    Reached,
    Settings,
    Trace,
    Undecided,
    Unreachable,
    confined,
)
from keyfate.policy import admissible

Setting = dict[ControlName, Value]

CANDIDATES = 512
"""Settings tried one by one for one that serves every instance."""


@dataclass(frozen=True)
class Possibility:
    """`witness` is the answer whose trace is shown, `refusal` one that proves a setting or all
    of them without a witness, `fails_under` that setting (empty: whatever was open).
    `rests_on` are all answers that the verdict needs (R16)."""

    verdict: Literal["POSSIBLE", "IMPOSSIBLE", "DEPENDS", "UNKNOWN", "BOUNDED", "DIVERGED"]
    witness: Answer | None = None
    refusal: Answer | None = None
    fails_under: Setting | None = None
    reason: str | None = None
    tried: int = 1
    rests_on: tuple[Answer, ...] = ()


class _StopError(Exception):
    """An answer that ends the question."""

    def __init__(self, possibility: Possibility) -> None:
        self.possibility = possibility


def decide(court: Court, property: Property, settings: Settings, deadline: Deadline) -> Possibility:
    """The verdict on a `possible` property under `settings`."""
    question = _Question(court, property, settings, deadline)
    try:
        found = _decide(question)
    except _StopError as stop:
        return stop.possibility
    return found if found.rests_on else replace(found, rests_on=tuple(question.judged))


@dataclass(frozen=True)
class _Question:
    court: Court
    rule: Property
    settings: Settings
    deadline: Deadline
    judged: list[Answer] = field(default_factory=list)

    def targets(self) -> Iterator[Reach]:
        """One for each instance: binders confined to one value."""
        return confined(Reach(self.rule.binders, self.rule.target))

    def problem(self, target: Reach, controls: Setting | None = None) -> Problem:
        settings = Settings(self.settings.controls if controls is None else controls)
        return Problem(self.court.lifecycle, settings, target, honest=True)

    def ask(self, problem: Problem) -> Answer:
        """An answer that reached or proved; anything else ends the question."""
        answer = self.court.ask(problem, self.deadline)
        if answer.divergence is not None:
            raise _StopError(Possibility("DIVERGED", answer, reason=answer.divergence))
        match answer.finding:
            case NotWithin(steps):
                raise _StopError(Possibility("BOUNDED", reason=f"no witness within {steps} steps"))
            case Undecided(reason):
                raise _StopError(Possibility("UNKNOWN", reason=reason))
        self.judged.append(answer)
        return answer

    @property
    def open(self) -> bool:
        fixed = self.settings.controls
        return any(name not in fixed for name, _ in admissible.instances(self.court.lifecycle))


def _decide(question: _Question) -> Possibility:
    answers: list[Answer] = []
    missing: tuple[Setting, Answer] | None = None
    for target in question.targets():
        answer = _like_another(question, target, answers) or question.ask(question.problem(target))
        if isinstance(answer.finding, Unreachable):
            return Possibility("IMPOSSIBLE", refusal=answer, rests_on=(answer,))
        answers.append(answer)
        if missing is None and question.open:
            missing = _uncovered(question, target, answer)
    witness = max(answers, key=lambda a: len(_trace(a).actions))
    if missing is None:
        return Possibility("POSSIBLE", witness)
    if len(answers) == 1:
        return Possibility("DEPENDS", witness, missing[1], missing[0])
    return _shared(question, answers, missing)


def _like_another(question: _Question, target: Reach, answers: list[Answer]) -> Answer | None:
    """A witness for the instance that is one for another with members exchanged."""
    wanted = {p.name: p.domain.values[0] for p in target.binders}
    for answer in answers:
        assert answer.account is not None
        members = renaming.exchange(answer.account.binding or {}, wanted)
        if members is None:
            continue
        found = question.court.offer(question.problem(target), renaming.steps(_trace(answer), members))
        if found is not None:
            if found.divergence is not None:
                raise _StopError(Possibility("DIVERGED", found, reason=found.divergence))
            question.judged.append(found)
            return found
    return None


def _uncovered(question: _Question, target: Reach, first: Answer) -> tuple[Setting, Answer] | None:
    """A setting under which the instance has no witness, with its refusal; None if all have one."""
    open_problem = question.problem(target)
    traces = [_trace(first)]
    while True:
        if question.deadline.passed:
            raise _StopError(Possibility("UNKNOWN", first, reason=TIMEOUT))
        try:
            setting = question.court.certifier.uncovered(open_problem, tuple(traces))
        except GaveUpError as error:
            raise _StopError(Possibility("UNKNOWN", first, reason=f"settings without a witness: {error}")) from None
        if setting is None:
            return None
        controls = dict(setting.controls)
        answer = question.ask(question.problem(target, controls))
        if isinstance(answer.finding, Unreachable):
            return controls, answer
        traces.append(_trace(answer))


def _shared(question: _Question, answers: list[Answer], missing: tuple[Setting, Answer]) -> Possibility:
    """Whether some setting serves every instance: those of the traces first, then all in order."""
    court, fixed = question.court, question.settings.controls
    seen: list[Setting] = [missing[0]]
    try:
        all_of_them = admissible.completions(court.lifecycle, fixed)
        candidates = [dict(_trace(a).controls) for a in answers]
        for tried, setting in enumerate(_distinct(candidates, all_of_them, seen), start=1):
            if tried > CANDIDATES:
                break
            found = [question.ask(question.problem(target, setting)) for target in question.targets()]
            if all(isinstance(a.finding, Reached) for a in found):
                witness = max(found, key=lambda a: len(_trace(a).actions))
                return Possibility("DEPENDS", witness, missing[1], missing[0])
        else:
            return Possibility("IMPOSSIBLE", refusal=missing[1], tried=len(seen))
    except admissible.TooManyError:
        pass
    instances = " and ".join(p.shown for p in question.rule.binders)
    return Possibility(
        "UNKNOWN",
        reason=f"no setting was found that serves every {instances}, among {CANDIDATES} tried; fix some controls",
    )


def _distinct(first: list[Setting], rest: Iterator[Setting], seen: list[Setting]) -> Iterator[Setting]:
    for settings in (iter(first), rest):
        for setting in settings:
            if setting not in seen:
                seen.append(setting)
                yield setting


def _trace(answer: Answer) -> Trace:
    assert isinstance(answer.finding, Reached)
    return answer.finding.trace
