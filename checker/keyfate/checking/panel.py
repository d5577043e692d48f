"""Several engines on one question: what each says is judged, and they must not contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from keyfate.checking.judges import TIMEOUT, Answer, Court, Deadline, Engine
from keyfate.lifecycle.problem import Finding, NotWithin, Problem, Reached, Trace, Undecided, Unreachable

AGREES = "agrees"
_WORD = "that it is never reached, without an invariant that could be judged"
PATIENCE = 2.0
"""Seconds that each engine but the first has for one problem."""


@dataclass(frozen=True)
class Panel(Court):
    """A court of several engines, by name. The first has all the time; the others are heard whatever it says."""

    engines: tuple[tuple[str, Engine], ...] = ()

    def ask(self, problem: Problem, deadline: Deadline, *, enact: bool = True) -> Answer:
        """The first answer that decides, with what the others say. Where they disagree, it is a divergence."""
        answers: list[tuple[str, Answer]] = []
        for name, engine in self.engines:
            if deadline.passed:
                answers.append((name, Answer(Undecided(TIMEOUT))))
                continue
            budget = deadline.budget(PATIENCE if answers else None)
            decided = any(_decides(answer) for _, answer in answers)
            finding = engine.decide(problem, budget)
            answers.append((name, self.judge(name, problem, finding, enact=enact and not decided)))
        return together(answers)

    def offer(self, problem: Problem, trace: Trace, *, enact: bool = True) -> Answer | None:
        """Nothing is taken from elsewhere: every engine is to be heard."""
        return None


def together(answers: Sequence[tuple[str, Answer]]) -> Answer:
    """One answer of those of several engines. Who only says that something is never reached decides nothing."""
    told = [answer for _, answer in answers]
    chosen = next(filter(_diverges, told), None) or next(filter(_decides, told), None)
    proved = chosen is not None and isinstance(chosen.finding, Unreachable)
    opinions = {name: AGREES if proved and _words(answer) else _opinion(answer.finding) for name, answer in answers}
    if chosen is None:
        words = (f"{name} says {_WORD}" for name, answer in answers if _words(answer))
        chosen = next((Answer(Undecided(said), problem=told[0].problem) for said in words), told[0])
    if chosen.divergence is None:
        findings = [(name, answer.finding) for name, answer in answers]
        clashes = (_clash(*one, *other) for one, other in combinations(findings, 2))
        chosen = replace(chosen, divergence=next(filter(None, clashes), None))
    return replace(chosen, opinions=opinions)


def merged(answers: Iterable[Answer]) -> dict[str, str]:
    """What the engines said of several problems: of each, why it was silent on the first of them where it was."""
    found: dict[str, str] = {}
    for answer in answers:
        for name, said in answer.opinions.items():
            if found.get(name, AGREES) == AGREES:
                found[name] = said
    return found


def count(opinions: Iterable[Mapping[str, str]]) -> dict[str, tuple[int, int]]:
    """Of each engine, how often it came to an answer and how often it was asked."""
    found: dict[str, tuple[int, int]] = {}
    for said in opinions:
        for name, words in said.items():
            agreed, asked = found.get(name, (0, 0))
            found[name] = agreed + (words == AGREES), asked + 1
    return found


def _diverges(answer: Answer) -> bool:
    return answer.divergence is not None


def _decides(answer: Answer) -> bool:
    return isinstance(answer.finding, Reached | Unreachable) and not _words(answer)


def _words(answer: Answer) -> bool:
    """Is it never reached by the word of the engine alone?"""
    return isinstance(answer.finding, Unreachable) and answer.finding.invariant is None


def _opinion(finding: Finding) -> str:
    match finding:
        case Undecided(reason):
            return reason
        case NotWithin(steps):
            return f"nothing within {steps} steps"
        case Unreachable(None):
            return f"it says {_WORD}"
    return AGREES


def _clash(one: str, first: Finding, other: str, second: Finding) -> str | None:
    """How two findings contradict each other. Who has no answer contradicts nobody."""
    if isinstance(second, Reached) and not isinstance(first, Reached):
        return _clash(other, second, one, first)
    if not isinstance(first, Reached):
        return None
    length = len(first.trace.actions)
    found = f"{one} found a trace of {_steps(length)}"
    match second:
        case Unreachable(None):
            return f"{found}, {other} says that there is none"
        case Unreachable():
            return f"{found}, {other} a proof that there is none"
        case NotWithin(steps) if steps >= length:
            return f"{found}, {other} none within {_steps(steps)}"
        case Reached(trace, shortest):
            further = len(trace.actions)
            if (shortest and length < further) or (first.shortest and further < length):
                return f"{found}, {other} one of {_steps(further)}, and both should be shortest ones"
    return None


def _steps(number: int) -> str:
    return "1 step" if number == 1 else f"{number} steps"
