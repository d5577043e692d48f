"""Under which settings a trace is a witness (R13: POSSIBLE, IMPOSSIBLE, DEPENDS).

Along a trace the state is a function of the controls: the condition under which all
its steps can happen, and its end is one of the target, is computed by putting each
state's functions into the next.
"""

from __future__ import annotations

from collections.abc import Callable

from keyfate.certifier.encoding import Encoding
from keyfate.certifier.formulas import FALSE, TRUE, Formulas
from keyfate.lifecycle.names import CapabilityOn, ControlIs
from keyfate.lifecycle.problem import Problem, Trace


def runs(encoding: Encoding, problem: Problem, trace: Trace, *, any_attacker: bool = False) -> int:
    """The condition on the controls under which `trace`, with its own capabilities (none if the
    problem is honest) and free first values, runs to the target. For `any_attacker`, the condition
    on controls and capabilities."""
    formulas = encoding.formulas
    capabilities = dict(trace.capabilities)
    initial = dict(trace.initial)
    free: dict[int, int] = {}
    for name, wanted in initial.items():
        for value, bit in encoding.bits.states.get(name, {}).items():
            if bit > 1:
                free[bit] = TRUE if value == wanted else FALSE

    def fixed(variable: int) -> int:
        match encoding.bits.meaning[variable]:
            case CapabilityOn(capability):
                if any_attacker and not problem.honest:
                    return variable
                return TRUE if capabilities.get(capability, False) and not problem.honest else FALSE
            case ControlIs():
                return variable
            case _:
                return free.get(variable, variable)

    memo: dict[int, int] = {}

    def at_first(variable: int) -> int:
        return formulas.substitute(encoding.first(variable), ~0, fixed, memo)

    present: Callable[[int], int] = at_first
    conditions = []
    for action in trace.actions:
        step = encoding.steps.get(action)
        if step is None or (problem.honest and step.by_attacker):
            return FALSE
        here = _Here(formulas, present)
        conditions.append(here.read(step.enabled))
        present = _After(here, step.next)
    conditions.append(_Here(formulas, present).read(encoding.target(problem)))
    return formulas.all_of(conditions)


class _Here:
    """One state of the run, its variables as functions of the controls."""

    def __init__(self, formulas: Formulas, values: Callable[[int], int]) -> None:
        self._formulas = formulas
        self._values = values
        self._memo: dict[int, int] = {}

    def read(self, formula: int) -> int:
        return self._formulas.substitute(formula, ~0, self._values, self._memo)


class _After:
    """The state after one in which a step happened."""

    def __init__(self, before: _Here, step: Callable[[int], int]) -> None:
        self._before = before
        self._step = step

    def __call__(self, variable: int) -> int:
        return self._before.read(self._step(variable))
