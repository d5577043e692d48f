"""What a trace did and why it matters: for reports, from the plain interpreter alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyfate.language.typed import And, Condition, Derivable, Lifecycle, Or, Past, Quantifier, Value
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.deduction import Derivation, Sighting, derive
from keyfate.lifecycle.evaluation import State
from keyfate.lifecycle.instances import Env, assignments
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import ActionName, PlaceName, StateName, Term
from keyfate.lifecycle.problem import Reach, Target, Trace


@dataclass(frozen=True)
class StateChange:
    state: StateName
    before: Value
    after: Value


@dataclass(frozen=True)
class PlaceChange:
    place: PlaceName
    gained: tuple[Term, ...]
    lost: tuple[Term, ...]


@dataclass(frozen=True)
class Step:
    """One state of a run and how it came about. Number 0 is the first state: no action, no changes.

    `seen` has every way in which each newly observed term was seen, leaks before exposures.
    """

    number: int
    action: ActionName | None
    actor: str | None
    changes: tuple[StateChange | PlaceChange, ...]
    seen: tuple[Sighting, ...]
    state: State


@dataclass(frozen=True)
class Reason:
    """A derivation that the target rests on: `condition` asked for it, in the state of step `step`.

    `seen` and `held` are everything that it could have begun with: each way in which a term was
    observed, each place that holds one.
    """

    condition: Derivable
    step: int
    derivation: Derivation
    seen: tuple[Sighting, ...]
    held: tuple[tuple[Term, PlaceName], ...]


@dataclass(frozen=True)
class Account:
    """A run step by step; whether it reaches its target, for which values of the target's variables
    (by `Param.name`), and a derivation for all that the target says is known or recoverable."""

    steps: tuple[Step, ...]
    binding: Mapping[str, Value] | None
    reasons: tuple[Reason, ...]
    reached: bool


def explain(
    lifecycle: Lifecycle,
    trace: Trace,
    target: Target | None = None,
    *,
    honest: bool = False,
    basis: Basis | None = None,
) -> Account:
    """Replay `trace` and say what each step did. Raises ReplayError if it is no run.

    `basis` may be shared by all that is explained of one lifecycle.
    """
    watch = (target.condition,) if isinstance(target, Reach) else ()
    controls, capabilities = dict(trace.controls), dict(trace.capabilities)
    interpreter = Interpreter(lifecycle, controls, capabilities, honest, watch=watch, basis=basis)
    run = interpreter.replay(trace)
    actors = {action.name: action.actor for action in lifecycle.actions}
    steps = []
    for number, state in enumerate(run):
        before = run[number - 1] if number else None
        action = state.did
        steps.append(
            Step(
                number,
                action,
                None if action is None else actors[action.name],
                () if before is None else tuple(_changes(before, state, interpreter.universe)),
                interpreter.sightings(before, state, number),
                state,
            )
        )
    binding: Env | None = None
    reasons: tuple[Reason, ...] = ()
    if isinstance(target, Reach):
        for env in assignments(target.binders):
            if interpreter.holds(target.condition, env, run[-1]):
                binding = env
                reasons = tuple(_reasons(interpreter, target.condition, env, steps))
                break
        reached = binding is not None
    else:
        reached = target is not None and interpreter.reaches(target, run[-1])
    return Account(tuple(steps), binding, reasons, reached)


def _changes(before: State, after: State, order: Sequence[Term]) -> Iterator[StateChange | PlaceChange]:
    for state, value in after.states.items():
        if value != before.states[state]:
            yield StateChange(state, before.states[state], value)
    for place, content in after.places.items():
        gained, lost = content - before.places[place], before.places[place] - content
        if gained or lost:
            yield PlaceChange(place, tuple(t for t in order if t in gained), tuple(t for t in order if t in lost))


def _reasons(interpreter: Interpreter, condition: Condition, env: Env, steps: Sequence[Step]) -> Iterator[Reason]:
    """The derivations behind what makes `condition`, which holds, hold in the last of `steps`."""
    state = steps[-1].state
    match condition:
        case And(operands):
            for operand in operands:
                yield from _reasons(interpreter, operand, env, steps)
        case Or(operands):
            for operand in operands:
                if interpreter.holds(operand, env, state):
                    yield from _reasons(interpreter, operand, env, steps)
                    return
        case Quantifier(kind, param, body):
            for value in param.domain.values:
                inner = {**env, param.name: value}
                if interpreter.holds(body, inner, state):
                    yield from _reasons(interpreter, body, inner, steps)
                    if kind == "some":
                        return
        case Past(operator, operand):
            # the latest state that the operator is about and in which its operand holds
            end = len(steps) - 1 if operator == "previously" else len(steps)
            for length in range(end, 0, -1):
                if interpreter.holds(operand, env, steps[length - 1].state):
                    yield from _reasons(interpreter, operand, env, steps[:length])
                    return
        case Derivable(places, observed, expression):
            term = interpreter.term(expression, env, state)
            sightings = tuple(sighting for step in steps for sighting in step.seen) if observed else ()
            seen: dict[Term, Sighting] = {}
            for sighting in sightings:
                seen.setdefault(sighting.term, sighting)
            members = interpreter.places(places, env, state)
            contents = tuple(
                (content, place)
                for place in members
                for content in interpreter.universe
                if content in state.places[place]
            )
            held: dict[Term, PlaceName] = {}
            for content, place in contents:
                held.setdefault(content, place)
            derivation = None if term is None else derive(term, seen, held, interpreter.universe)
            if derivation is not None:
                yield Reason(condition, steps[-1].number, derivation, sightings, contents)
        case _:
            return
