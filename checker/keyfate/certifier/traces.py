"""Checks a trace state by state: along it nothing is open, and Z3 only evaluates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from keyfate.certifier.encoding import Encoding
from keyfate.certifier.formulas import FALSE, TRUE
from keyfate.certifier.judgement import RefusalError
from keyfate.certifier.steps import Step
from keyfate.certifier.translation import Translation
from keyfate.certifier.z3api import Context, Expr
from keyfate.lifecycle.problem import Problem, Trace


class Traces:
    """Traces of one encoding. `exactly_one` says of each of its groups that one of them holds."""

    def __init__(self, encoding: Encoding, context: Context, now: Translation, exactly_one: Sequence[Expr]) -> None:
        self._encoding = encoding
        self._context = context
        self._now = now
        self._exactly_one = exactly_one

    def check(self, problem: Problem, settings: Iterable[int], trace: Trace) -> None:
        """Raises RefusalError where the trace is no run to the target under `settings`."""
        target = self._encoding.target(problem)
        steps = []
        for number, action in enumerate(trace.actions, start=1):
            step = self._encoding.steps.get(action)
            if step is None:
                raise RefusalError(f"step {number}: the lifecycle has no action {action}")
            if problem.honest and step.by_attacker:
                raise RefusalError(f"step {number}: {action} is an action of the attacker")
            steps.append(step)
        variables = self._relevant(target, steps)

        values = self._configured(trace)
        if not all(self._truths(values, list(settings), self._types(values))):
            raise RefusalError("the configuration of the trace is not admissible, or not that of the problem")
        first = [v for v in variables if v not in values]
        values |= zip(first, self._truths(values, [self._encoding.first(v) for v in first]), strict=True)
        typing = self._types(variables)
        for number, step in enumerate(steps, start=1):
            after = {v: n for v in variables if (n := step.next(v)) != v}
            enabled, *rest = self._truths(values, [step.enabled, *after.values()], typing)
            then, typed = rest[: len(after)], rest[len(after) :]
            if not (enabled and all(typed)):
                raise RefusalError(f"step {number}: {step.name} is not enabled")
            values |= zip(after, then, strict=True)
            typing = self._types(after)  # of all others it was seen before
        if not all(self._truths(values, [target], typing)):
            raise RefusalError("the trace does not end in a state of the target")

    def _truths(self, values: Mapping[int, bool], formulas: Sequence[int], groups: Iterable[int] = ()) -> list[bool]:
        """The truth of formulas in a state, then of each group whether exactly one of it holds.

        Z3 evaluates, and nothing need be searched: along a trace nothing is open. It is told as much of the state as
        it is asked about."""
        store, bits = self._encoding.formulas, self._encoding.bits
        support = 0
        for formula in formulas:
            support |= store.support(formula)
        asked = self._now.exprs(formulas)
        for group in groups:
            asked.append(self._exactly_one[group])
            support |= bits.siblings[bits.exactly_one[group][0]]
        known = [v for v in store.variables(support) if v in values]
        state = self._context.state(list(zip(self._now.exprs(known), map(values.__getitem__, known), strict=True)))
        return state.truths(asked)

    def _types(self, variables: Iterable[int]) -> list[int]:
        """The controls and states of which one of these is a value, as groups of which exactly one holds."""
        groups = {group for v in variables if (group := self._encoding.bits.group_of.get(v)) is not None}
        return sorted(groups)

    def _relevant(self, target: int, steps: Sequence[Step]) -> list[int]:
        """The variables whose values decide whether the steps can happen and where they end."""
        formulas = self._encoding.formulas
        distinct = {step.name: step for step in steps}.values()
        support = formulas.support(target)
        for step in distinct:
            support |= formulas.support(step.enabled)
        done = 0
        while support & ~done:
            fresh = formulas.variables(support & ~done)
            done = support
            for variable in fresh:
                support |= self._encoding.bits.siblings.get(variable, 0)
                support |= formulas.support(self._encoding.first(variable))
                for step in distinct:
                    support |= formulas.support(step.next(variable))
        return formulas.variables(support)

    def _configured(self, trace: Trace) -> dict[int, bool]:
        """Every control, capability and free first value as `trace` has them."""
        bits = self._encoding.bits
        controls, capabilities, initial = dict(trace.controls), dict(trace.capabilities), dict(trace.initial)
        free = {name for name in bits.states if name.name in self._encoding.unset}
        for what, wanted, given in (
            ("controls", bits.controls.keys(), controls.keys()),
            ("capabilities", bits.capabilities.keys(), capabilities.keys()),
            ("free first values", free, initial.keys()),
        ):
            if wanted != given:
                raise RefusalError(f"the trace does not fix just the {what} of the lifecycle")
        values = {bits.capabilities[name]: on for name, on in capabilities.items()}
        chosen = [(bits.controls[name], value) for name, value in controls.items()]
        chosen += [(bits.states[name], value) for name, value in initial.items()]
        for cases, value in chosen:
            if value not in cases:
                raise RefusalError("the configuration of the trace is not admissible, or not that of the problem")
            for case, bit in cases.items():
                if bit not in (TRUE, FALSE):
                    values[abs(bit)] = (case == value) == (bit > 0)
        return values
