"""What an engine found, in the lifecycle's own names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from keyfate.engines.circuit import FALSE, value_of
from keyfate.engines.compile import Compilation
from keyfate.engines.search import Run
from keyfate.engines.slicing import Question
from keyfate.language.typed import Value
from keyfate.lifecycle.names import ActionName, BitLiteral, Clause
from keyfate.lifecycle.problem import Invariant, Problem, Trace


def trace(
    compilation: Compilation, question: Question, problem: Problem, run: Run, actions: tuple[ActionName, ...]
) -> Trace:
    """The run with these instances: what it leaves open is chosen."""
    bits = compilation.bits
    chosen = dict(bits.fixed(problem.settings))
    if problem.honest:
        chosen.update(dict.fromkeys(bits.capabilities.values(), FALSE))
    for latch in question.circuit.latches:
        if latch.literal in run.first:
            chosen[bits.latch(latch.name)] = int(run.first[latch.literal])
    return Trace(
        controls=tuple((name, _value(literals, chosen)) for name, literals in bits.controls.items()),
        capabilities=tuple((name, bool(chosen.get(own, FALSE))) for name, own in bits.capabilities.items()),
        initial=tuple(
            (name, _value(bits.states[name], chosen))
            for name, (declared, _) in bits.first_values.items()
            if declared.initial is None
        ),
        actions=actions,
    )


def _value(literals: Mapping[Value, int], chosen: Mapping[int, int]) -> Value:
    """The value that the chosen latches give; where they leave several, the first."""
    left = []
    for value, literal in literals.items():
        if literal < 2:
            return value  # the only one
        bit = chosen.get(literal & ~1)
        if bit is None:
            left.append(value)
        elif bit ^ (literal & 1):
            return value
    return left[0]


def happening(question: Question, run: Run) -> tuple[ActionName | None, ...]:
    """The instances that happen in the run, in order; None for a step outside the cone."""
    circuit = question.circuit
    first = {latch: int(value) for latch, value in run.first.items()}
    begin = circuit.evaluate(first)
    state = {
        latch.literal: first[latch.literal] if latch.initial is None else value_of(begin, latch.initial)
        for latch in circuit.latches
    }
    happened: list[ActionName | None] = []
    for inputs in run.inputs:
        values = circuit.evaluate({**state, **{literal: int(value) for literal, value in inputs.items()}})
        happened += [name for name, literal in question.fires if value_of(values, literal)]
        state = {latch.literal: value_of(values, latch.next) for latch in circuit.latches}
    return tuple(happened)


def invariant(question: Question, proof: Iterable[tuple[int, ...]]) -> Invariant:
    """The clauses of a proof, after what never changes."""
    names = {latch.literal: latch.name for latch in question.circuit.latches}
    clauses: list[Clause] = [(BitLiteral(bit, value),) for bit, value in question.swept]
    for clause in proof:
        clauses.append(tuple(BitLiteral(names[literal & ~1], not literal & 1) for literal in clause))
    return Invariant(tuple(clauses), question.actions)
