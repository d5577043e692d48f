"""Whether a trace happens on real bytes: the twin's judgement of a counterexample or witness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from keyfate.language.typed import And, Condition, Derivable, Lifecycle, Or, Quantifier, Value
from keyfate.lifecycle.instances import Env, capability_names, control_domains, control_names
from keyfate.lifecycle.names import Atom, Term, show_composed
from keyfate.lifecycle.problem import Problem, Reach, Trace
from keyfate.lifecycle.universe import key_name
from keyfate.twin.attacker import SearchTooLargeError
from keyfate.twin.bytestrings import short
from keyfate.twin.moments import Lack, Moment
from keyfate.twin.primitives import PRIMITIVES, Primitives
from keyfate.twin.run import Stage, Twin


@dataclass(frozen=True)
class Confirmation:
    """`confirmed`: every step of the trace and its end hold on bytes. `reason` says so in a sentence,
    or which step does not. `evidence`: what was written from what, and how the secret came out."""

    confirmed: bool
    reason: str
    evidence: tuple[str, ...]


class Confirmer:
    """Replays traces of one lifecycle on bytes; what does not hang on the trace is computed once.

    `primitives` are the honest side's alone, so that a wrong one shows; `seed` draws the secrets.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        primitives: Primitives = PRIMITIVES,
        attacker_primitives: Primitives = PRIMITIVES,
        *,
        seed: int = 0,
    ) -> None:
        self._stage = Stage(lifecycle, primitives, attacker_primitives, seed=seed)
        self._show = _Shower(lifecycle)

    def confirm(self, problem: Problem, trace: Trace) -> Confirmation:
        """Replay `trace` and ask whether it reaches the target of `problem`, which is about this lifecycle."""
        try:
            return self._replayed(problem, trace)
        except SearchTooLargeError as error:
            return Confirmation(False, f"the attacker's search on bytes was given up: {error}", ())

    def _replayed(self, problem: Problem, trace: Trace) -> Confirmation:
        wrong = _unfit(problem, trace)
        if wrong is not None:
            return Confirmation(False, wrong, ())
        twin = Twin(self._stage, dict(trace.controls), dict(trace.capabilities), honest=problem.honest)
        if not twin.admissible():
            return Confirmation(False, "the controls of the trace violate a constraint", ())
        chosen, free = dict(trace.initial), twin.free_states()
        if chosen.keys() != free.keys() or any(chosen[name] not in values for name, values in free.items()):
            return Confirmation(False, "the first values of the trace are not possible", ())
        now = twin.first(chosen)
        evidence: list[str] = []
        for number, name in enumerate(trace.actions, start=1):
            refusal = twin.refusal(now, name)
            if refusal is not None:
                return Confirmation(False, f"step {number}: {refusal.reason}", tuple(evidence))
            for place, written in twin.writes(now, name):
                what = f"{self._show.term(written.term)} = {short(written.data)}"
                evidence.append(f"step {number}: {place} gains {what}, {written.origin}")
            now = twin.step(now, name)
        env = twin.reached(problem.target, now)
        if env is None:
            return Confirmation(False, "the trace ends where the target does not hold on bytes", tuple(evidence))
        if isinstance(problem.target, Reach):
            evidence.extend(_accounts(twin, problem.target.condition, env, now, self._show))
        steps = len(trace.actions)
        plural = "" if steps == 1 else "s"
        return Confirmation(True, f"{steps} step{plural} and the end hold on real bytes", tuple(evidence))


def confirm(
    problem: Problem,
    trace: Trace,
    primitives: Primitives = PRIMITIVES,
    attacker_primitives: Primitives = PRIMITIVES,
    *,
    seed: int = 0,
) -> Confirmation:
    """`Confirmer.confirm` for one trace."""
    return Confirmer(problem.lifecycle, primitives, attacker_primitives, seed=seed).confirm(problem, trace)


def _unfit(problem: Problem, trace: Trace) -> str | None:
    """Why the trace is none of this problem, before a byte is computed."""
    controls, capabilities = dict(trace.controls), dict(trace.capabilities)
    domains = control_domains(problem.lifecycle)
    if controls.keys() != set(control_names(problem.lifecycle)):
        return "the trace does not set every control"
    if any(value not in domains[name.name].values for name, value in controls.items()):
        return "the trace sets a control to what it cannot be"
    if capabilities.keys() != set(capability_names(problem.lifecycle)):
        return "the trace does not set every capability"
    settings = problem.settings
    if any(controls[name] != value for name, value in settings.controls.items()):
        return "the trace has another control than the problem"
    if problem.honest:
        return "an honest run uses no capability" if any(capabilities.values()) else None
    if any(capabilities[name] != on for name, on in settings.capabilities.items()):
        return "the trace has another capability than the problem"
    return None


class _Shower:
    """Names of closed terms for the evidence: declared names where there are any."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._names: dict[Term, str] | None = None

    def term(self, term: Term) -> str:
        if self._names is None:
            self._names = dict(key_name(self._lifecycle))
        return self._shown(term, self._names)

    def _shown(self, term: Term, names: dict[Term, str]) -> str:
        if term in names or isinstance(term, Atom):
            return names.get(term, str(term))
        return show_composed(term.function, term.label, (self._shown(arg, names) for arg in term.args))


def _accounts(twin: Twin, condition: Condition, env: Env, now: Moment, show: _Shower) -> Iterator[str]:
    """How each derivation that the target asks for, and that holds, was made on bytes."""
    for asked, bound in _derivable(condition, env):
        if not twin.reader.holds(asked, bound, now):
            continue
        term, members = twin.reader.term(asked.term, bound, now), twin.reader.members(asked.places, bound, now)
        if isinstance(term, Lack) or isinstance(members, Lack):
            continue
        seen = {data: f"in {place}" for place in members for data in now.places[place].values()}
        if asked.observed:
            seen |= now.observed
        knowledge = twin.reader.search(now, members, asked.observed)
        yield from knowledge.explain(twin.vault.bytes_of(term), seen, show.term(term))


def _derivable(condition: Condition, env: Env) -> Iterator[tuple[Derivable, dict[str, Value]]]:
    """The derivations asked for outside negations and the past, with the values of their variables."""
    match condition:
        case Derivable():
            yield condition, dict(env)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from _derivable(operand, env)
        case Quantifier(_, param, body):
            for value in param.domain.values:
                yield from _derivable(body, {**env, param.name: value})
        case _:
            return
