"""One policy: every property of its lifecycle to a Result, and what holds of the whole."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property

from keyfate.checking import possible
from keyfate.checking.answering import Outcome, result
from keyfate.checking.judges import Answer, Court, Deadline
from keyfate.checking.memory import Memory, Rumours, brought_under
from keyfate.checking.naming import Namer, plain
from keyfate.checking.panel import merged
from keyfate.checking.possible import Possibility
from keyfate.checking.ranges import counted
from keyfate.checking.results import Certificate, Result
from keyfate.language import typed as t
from keyfate.lifecycle.problem import (
    Enabled,
    NotWithin,
    OutOfRange,
    Problem,
    Reach,
    Reached,
    Trace,
    Undecided,
    Unreachable,
)
from keyfate.policy.policy import Policy


class PolicyCheck:
    """The check of one policy by one court. Remembers what several properties ask."""

    def __init__(
        self,
        policy: Policy,
        court: Court,
        namer: Namer,
        deadline: Deadline,
        possibilities: dict[tuple[object, ...], Possibility] | None = None,
        rumours: Rumours | None = None,
        *,
        certificates: bool = False,
    ) -> None:
        """`certificates`: a proof is to have the trace that a certificate needs beside it."""
        self.policy = policy
        self.lifecycle = policy.lifecycle
        self._court = court
        self._namer = namer
        self._deadline = deadline
        self._certificates = certificates
        # What is possible hangs on the controls alone (R13), which policies may share.
        self._possibilities = {} if possibilities is None else possibilities
        self._rumours = Rumours() if rumours is None else rumours

    def result(self, rule: t.Property) -> Result:
        """The verdict on one property."""
        return self.decided(rule)[0]

    def decided(self, rule: t.Property) -> tuple[Result, tuple[Answer, ...]]:
        """The verdict on one property, and the answers that it stands on."""
        started = time.perf_counter()
        outcome = self._possible(rule) if rule.kind == "possible" else self._safety(rule)
        seconds = time.perf_counter() - started
        if outcome.shown is not None and outcome.shown.trace is not None and outcome.verdict != "DIVERGED":
            self._memory.add(outcome.shown.trace)
            self._rumours.add(outcome.shown.trace)
        return result(self.policy, rule, outcome, self._namer, self._court.name, seconds), outcome.answers

    def _safety(self, rule: t.Property) -> Outcome:
        answer = self._court.ask(self._problem(Reach(rule.binders, rule.target)), self._deadline)
        return replace(self._decided(rule, answer), opinions=answer.opinions)

    def _decided(self, rule: t.Property, answer: Answer) -> Outcome:
        if answer.divergence is not None:
            return Outcome("DIVERGED", answer, answer.certificate, answer.divergence)
        match answer.finding:
            case Reached(trace):
                actions = frozenset(a.name for a in trace.actions)
                return Outcome("VIOLATED", answer, answer.certificate, actions=actions, answers=(answer,))
            case NotWithin(steps):
                return Outcome("BOUNDED", reason=f"nothing within {steps} steps; no proof")
            case Undecided(reason):
                return Outcome("UNKNOWN", reason=reason)
            case Unreachable():
                used = _used(answer, self.lifecycle)
                proved = Outcome("PROVED", None, answer.certificate, actions=used, answers=(answer,))
                return self._met(rule, proved)
        raise AssertionError(answer.finding)

    def _possible(self, rule: t.Property) -> Outcome:
        found = self._possibility(rule)
        asked = [*found.rests_on, *filter(None, (found.witness, found.refusal))]
        return replace(self._found(rule, found), opinions=merged(asked))

    def _possibility(self, rule: t.Property) -> Possibility:
        key = (rule.name, *self.policy.settings.controls.items())
        found = self._possibilities.get(key)
        if found is None or found.verdict in ("UNKNOWN", "BOUNDED"):
            found = possible.decide(self._court, rule, self.policy.settings, self._deadline)
            self._possibilities[key] = found
        return found

    def _found(self, rule: t.Property, found: Possibility) -> Outcome:
        used = frozenset[str]().union(*(_used(answer, self.lifecycle) for answer in found.rests_on))
        match found.verdict:
            case "IMPOSSIBLE":
                certificate = found.refusal.certificate if found.refusal else None
                if found.tried > 1:
                    certificate = Certificate("settings", "z3", None)
                outcome = Outcome("IMPOSSIBLE", None, certificate, actions=used, answers=found.rests_on)
                return self._bounded(outcome)
            case "DEPENDS":
                under = {str(n): plain(v) for n, v in (found.fails_under or {}).items() if n in self._open}
                certificate = found.witness.certificate if found.witness else None
                outcome = Outcome("DEPENDS", found.witness, certificate, actions=used, fails_under=under)
                return self._bounded(replace(outcome, answers=found.rests_on))
            case "POSSIBLE":
                certificate = found.witness.certificate if found.witness else None
                return Outcome("POSSIBLE", found.witness, certificate, actions=used, answers=found.rests_on)
        return Outcome(found.verdict, found.witness, reason=found.reason)

    def _met(self, rule: t.Property, proof: Outcome) -> Outcome:
        """The proof, where some reachable state satisfies `when`; VACUOUS where none does (R14)."""
        if rule.when is None:
            return self._bounded(proof)
        target = Reach(rule.binders, rule.when)
        known = self._memory.run_to(target)
        if known is not None and not self._certificates:
            return self._bounded(proof)
        answer = (known and self._judged(target, known)) or self._run_to(target)
        if answer.divergence is not None:
            return Outcome("DIVERGED", answer, answer.certificate, f"whether it is vacuous: {answer.divergence}")
        if isinstance(answer.finding, Unreachable):
            said = "no reachable state satisfies its `when`"
            vacuous = Outcome("VACUOUS", None, answer.certificate, said, _used(answer, self.lifecycle))
            return self._bounded(replace(vacuous, answers=(answer,)))
        if isinstance(answer.finding, Undecided | NotWithin):
            return Outcome("UNKNOWN", reason="nothing breaks it; whether its `when` is reachable was not decided")
        return self._bounded(replace(proof, answers=(*proof.answers, answer)))

    def _bounded(self, proof: Outcome) -> Outcome:
        """The proof, with the ranges that some reachable state runs out of (R5)."""
        within, divergence = self._within
        if divergence is not None:
            return Outcome("DIVERGED", certificate=proof.certificate, reason=f"whether a range ends: {divergence}")
        return replace(proof, within=within)

    def _run_to(self, target: Reach | Enabled | OutOfRange) -> Answer:
        """Whether there is a run to the target: what another policy's shows under this one, else what the engine
        finds. It need not be a shortest, and is shown to nobody."""
        problem = self._problem(target)
        answer = self._borrowed(problem) or self._court.ask(problem, self._deadline, enact=False)
        if answer.trace is not None and answer.divergence is None:
            self._memory.add(answer.trace)
            self._rumours.add(answer.trace, target)
        return answer

    def _judged(self, target: Reach, trace: Trace) -> Answer | None:
        """What judges say of a trace that some question of this policy had: one of what is possible has no power, and
        is run with all that the policy gives."""
        problem = self._problem(target)
        return self._court.offer(problem, brought_under(trace, problem.settings), enact=False)

    def _borrowed(self, problem: Problem) -> Answer | None:
        for trace in self._rumours.likely(problem.target, problem.settings):
            if self._deadline.passed:
                return None
            answer = self._court.offer(problem, trace, enact=False)
            if answer is not None:
                return answer
        return None

    def _problem(self, target: Reach | Enabled | OutOfRange) -> Problem:
        return Problem(self.lifecycle, self.policy.settings, target)

    @cached_property
    def _memory(self) -> Memory:
        return Memory(self.lifecycle, self._court.basis)

    @cached_property
    def _open(self) -> frozenset[object]:
        return frozenset(self.policy.open_controls)

    @cached_property
    def _within(self) -> tuple[tuple[str, ...], str | None]:
        """The ranges that a reachable state runs out of, and a divergence on the way."""
        ranges = counted(self.lifecycle)
        if not ranges:
            return (), None
        answer = self._run_to(OutOfRange())
        if answer.divergence is not None:
            return (), answer.divergence
        if isinstance(answer.finding, Unreachable):
            return (), None
        return ranges, None  # not decided counts as reachable: the weaker claim

    def dead_actions(self) -> tuple[tuple[str, ...] | None, str | None]:
        """Actions of which no instance is ever enabled (None where that was not decided), and a
        divergence on the way."""
        left = {a.name for a in self.lifecycle.actions} - self._memory.happened
        while left:
            answer = self._run_to(Enabled(frozenset(left)))
            if answer.divergence is not None:
                return None, f"which actions can never happen: {answer.divergence}"
            if isinstance(answer.finding, Unreachable):
                break
            if answer.trace is None:
                return None, None
            left -= {a.name for a in answer.trace.actions}
            left -= self._memory.enabled_at_last(left)
        return tuple(a.name for a in self.lifecycle.actions if a.name in left), None


def _used(answer: Answer | None, lifecycle: t.Lifecycle) -> frozenset[str]:
    """Names of the actions that an answer depends on (R16): all of them where nobody says which."""
    if answer is None:
        return frozenset()
    match answer.finding:
        case Reached(trace):
            return frozenset(a.name for a in trace.actions)
        case Unreachable(invariant) if invariant is not None:
            return invariant.actions
        case Unreachable():
            return frozenset(a.name for a in lifecycle.actions)
    return frozenset()
