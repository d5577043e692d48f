"""The judges of one lifecycle, and how a finding becomes an answer that all of them share.

A finding is believed only if the plain interpreter replays its trace, the certifier accepts
it, and (for a trace) the twin re-enacts it in bytes. Where one of them refuses, the answer
says so and the verdict is DIVERGED.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from keyfate.checking.results import Certificate
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.account import Account, explain
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.interpreter import ReplayError
from keyfate.lifecycle.problem import (
    Budget,
    Finding,
    Invariant,
    Problem,
    Reached,
    Settings,
    Trace,
    Undecided,
    Unreachable,
)

EngineName = Literal["auto", "z3", "explicit", "spacer", "abc", "all"]
ENGINES: dict[EngineName, str] = {
    "auto": "ic3",
    "z3": "z3",
    "explicit": "explicit",
    "spacer": "spacer",
    "abc": "abc",
    "all": "all",
}
"""Names of `--engine`, and what a result calls them."""


class Judgement(Protocol):
    """What the certifier says of a finding."""

    @property
    def accepted(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    @property
    def clauses(self) -> int: ...
    @property
    def gave_up(self) -> bool: ...


class Confirmation(Protocol):
    """What the twin says of a trace."""

    @property
    def confirmed(self) -> bool: ...
    @property
    def reason(self) -> str: ...
    @property
    def evidence(self) -> tuple[str, ...]: ...


class Script(Protocol):
    """A question as SMT-LIB, and the answer that a proof needs."""

    @property
    def part(self) -> str: ...
    @property
    def expected(self) -> str: ...
    @property
    def text(self) -> str: ...


class Engine(Protocol):
    """Whatever answers a problem; trusted by nobody."""

    def decide(self, problem: Problem, budget: Budget = ...) -> Finding: ...


class GaveUpError(Exception):
    """A judge that came to no answer, and why."""


class Certifier(Protocol):
    """The small trusted judge. `uncovered` raises GaveUpError where it cannot tell; `scripts` are the
    questions behind `certify`, of an invariant that it accepts."""

    def certify(self, problem: Problem, finding: Finding) -> Judgement: ...
    def uncovered(self, problem: Problem, traces: tuple[Trace, ...]) -> Settings | None: ...
    def scripts(self, problem: Problem, invariant: Invariant) -> tuple[Script, ...]: ...


class Twin(Protocol):
    """Re-enacts a trace in bytes."""

    def __call__(self, problem: Problem, trace: Trace) -> Confirmation: ...


@dataclass(frozen=True)
class Answer:
    """A finding with what the judges said of it. `divergence` has both sides where they disagree.

    `opinions`: where several engines were asked, what each said.
    """

    finding: Finding
    account: Account | None = None
    confirmation: Confirmation | None = None
    certificate: Certificate | None = None
    divergence: str | None = None
    problem: Problem | None = None
    opinions: Mapping[str, str] = field(default_factory=dict)

    @property
    def trace(self) -> Trace | None:
        """The trace, where there is one that the interpreter replays."""
        return self.finding.trace if isinstance(self.finding, Reached) and self.account is not None else None


@dataclass(frozen=True)
class Deadline:
    """When to stop, in seconds of the system's clock (`time.time`); None is never."""

    at: float | None = None

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """So many seconds from now."""
        return cls(None if seconds is None else time.time() + seconds)

    def budget(self, most: float | None = None) -> Budget:
        """What is left of it, and at most so many seconds."""
        if self.at is None:
            return Budget(most)
        left = max(0.0, self.at - time.time())
        return Budget(left if most is None else min(left, most))

    @property
    def passed(self) -> bool:
        return self.at is not None and time.time() >= self.at


TIMEOUT = "the time given was up"
OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True)
class Court:
    """The judges of one lifecycle; `name` is what results call the engine, `basis` the interpreter's."""

    lifecycle: Lifecycle
    engine: Engine
    certifier: Certifier
    twin: Twin
    name: str
    basis: Basis

    def ask(self, problem: Problem, deadline: Deadline, *, enact: bool = True) -> Answer:
        """Decide `problem` and have the finding judged. `enact`: a trace goes to the twin too."""
        if deadline.passed:
            return Answer(Undecided(TIMEOUT))
        return self.judge(self.name, problem, self.engine.decide(problem, deadline.budget()), enact=enact)

    def judge(self, name: str, problem: Problem, finding: Finding, *, enact: bool) -> Answer:
        """What is to be believed of a finding of the engine `name`."""
        if isinstance(finding, Reached):
            return replace(self._trace(name, problem, finding, enact), problem=problem)
        if isinstance(finding, Unreachable):
            return replace(self._proof(name, problem, finding), problem=problem)
        return Answer(finding, problem=problem)

    def offer(self, problem: Problem, trace: Trace, *, enact: bool = True) -> Answer | None:
        """The judged answer if `trace` is a run to the target, which nobody claims; else None."""
        account = self._account(problem, trace)
        if isinstance(account, ReplayError) or not account.reached:
            return None
        return replace(
            self._judged(self.name, problem, Reached(trace, shortest=False), account, enact), problem=problem
        )

    def _account(self, problem: Problem, trace: Trace) -> Account | ReplayError:
        try:
            return explain(self.lifecycle, trace, problem.target, honest=problem.honest, basis=self.basis)
        except ReplayError as error:
            return error

    def _trace(self, name: str, problem: Problem, finding: Reached, enact: bool) -> Answer:
        account = self._account(problem, finding.trace)
        if isinstance(account, ReplayError):
            return Answer(finding, divergence=f"{name} found a trace that the interpreter refuses: {account}")
        if not account.reached:
            said = f"{name} found a trace that the interpreter replays to a state that is not asked for"
            return Answer(finding, divergence=said)
        return self._judged(name, problem, finding, account, enact)

    def _judged(self, name: str, problem: Problem, finding: Reached, account: Account, enact: bool) -> Answer:
        judgement = self.certifier.certify(problem, finding)
        if judgement.gave_up:
            return Answer(Undecided(_surrender(judgement)))
        if not judgement.accepted:
            said = f"{name} found a trace that the certifier refuses: {judgement.reason}"
            return Answer(finding, account, divergence=said)
        certificate = Certificate("trace", "z3", None)
        if not enact:
            return Answer(finding, account, certificate=certificate)
        confirmation = self.twin(problem, finding.trace)
        if not confirmation.confirmed:
            said = f"the certifier accepts a trace that does not happen in bytes: {confirmation.reason}"
            return Answer(finding, account, confirmation, certificate, said)
        return Answer(finding, account, confirmation, certificate)

    def _proof(self, name: str, problem: Problem, finding: Unreachable) -> Answer:
        if finding.invariant is None:
            # Only `--engine explicit` and Spacer answer without an invariant: the reports name that.
            kind: Literal["exhaustive", "fixedpoint"] = "exhaustive" if name == "explicit" else "fixedpoint"
            return Answer(finding, certificate=Certificate(kind, name, None))
        judgement = self.certifier.certify(problem, finding)
        if judgement.gave_up:
            return Answer(Undecided(_surrender(judgement)))
        if not judgement.accepted:
            said = f"{name} found a proof that the certifier refuses: {judgement.reason}"
            return Answer(finding, divergence=said)
        return Answer(finding, certificate=Certificate("invariant", "z3", judgement.clauses))


def _surrender(judgement: Judgement) -> str:
    """Why there is no verdict, of a judge that neither accepts nor refuses."""
    return judgement.reason if judgement.reason == OUT_OF_MEMORY else f"the certifier gave up: {judgement.reason}"
