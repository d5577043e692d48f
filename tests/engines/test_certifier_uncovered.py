"""Which settings some traces leave without a witness, against the interpreter under every setting."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hypothesis import given, settings

from drawing import lifecycles
from keyfate.certifier.certify import Certifier
from keyfate.language.loading import load_text
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Lifecycle, Value
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import control_domains, control_names
from keyfate.lifecycle.interpreter import Interpreter, ReplayError
from keyfate.lifecycle.names import ActionName, ControlName
from keyfate.lifecycle.problem import Budget, Problem, Reach, Reached, Settings, Trace


def every_setting(lifecycle: Lifecycle) -> list[dict[ControlName, Value]]:
    names, domains = control_names(lifecycle), control_domains(lifecycle)
    return [dict(zip(names, values, strict=True)) for values in product(*(domains[name.name].values for name in names))]


def without_witness(problem: Problem, traces: Sequence[Trace]) -> list[dict[ControlName, Value]]:
    """By trying each setting: the admissible ones that agree and under which no trace runs to the target."""
    found = []
    for controls in every_setting(problem.lifecycle):
        if any(controls[name] != value for name, value in problem.settings.controls.items()):
            continue
        if not Interpreter(problem.lifecycle, controls, {}, problem.honest).admissible():
            continue
        if not any(runs(problem, controls, trace) for trace in traces):
            found.append(controls)
    return found


def runs(problem: Problem, controls: dict[ControlName, Value], trace: Trace) -> bool:
    capabilities = dict(trace.capabilities)
    interpreter = Interpreter(problem.lifecycle, controls, capabilities, problem.honest)
    moved = Trace(tuple(controls.items()), trace.capabilities, trace.initial, trace.actions)
    try:
        return interpreter.reaches(problem.target, interpreter.replay(moved)[-1])
    except ReplayError:
        return False


@settings(max_examples=20)
@given(text=lifecycles())
def test_finds_just_the_settings_without_a_witness(text: str) -> None:
    try:
        lifecycle = load_text(text).lifecycle
        compare(lifecycle)
    except LifecycleError:
        return  # effects that disagree; a matter of other tests


def compare(lifecycle: Lifecycle) -> None:
    certifier = Certifier(lifecycle)
    for rule in lifecycle.properties:
        problem = Problem(lifecycle, Settings(), Reach(rule.binders, rule.target), honest=rule.kind == "possible")
        traces: list[Trace] = []
        for controls in every_setting(lifecycle):
            fixed = Settings(controls)
            finding = explore(Problem(lifecycle, fixed, problem.target, problem.honest), budget=Budget(steps=3)).finding
            left = without_witness(problem, traces)
            found = certifier.uncovered(problem, traces)
            assert (found is None) == (not left)
            assert found is None or dict(found.controls) in left
            assert certifier.uncovered(Problem(lifecycle, fixed, problem.target, problem.honest), traces) == (
                fixed if controls in left else None
            )
            if isinstance(finding, Reached):
                traces.append(finding.trace)


TEXT = """
lifecycle lamps "lamps" status assumed
control mode : low | mid | high
control spare : bool
control ready[P] : bool
sort P = a | b
capability reach "reaches"
component room inside
state lit : bool = any
state level : low | mid | high = mode
action press by room when level != high then level := if spare then high else mid
action start[p: P] by room when ready[p] and not lit then lit := true
action kick by attacker needs reach when true then lit := true
action nudge by attacker when true then lit := true
constraint ready[a] or ready[b] or spare
property bright possible level = high
property shining possible lit
"""


def test_says_under_which_settings_nothing_was_found() -> None:
    lifecycle = load_text(TEXT).lifecycle
    certifier = Certifier(lifecycle)
    bright, shining = (Problem(lifecycle, Settings(), Reach((), p.target), honest=True) for p in lifecycle.properties)
    finding = explore(Problem(lifecycle, Settings({ControlName("mode"): "high"}), bright.target, True)).finding
    assert isinstance(finding, Reached)
    dark = finding.trace
    assert dark.actions == ()

    left = certifier.uncovered(bright, (dark,))
    assert left is not None
    assert left.controls[ControlName("mode")] != "high"
    pressed = Trace(dark.controls, dark.capabilities, dark.initial, (ActionName("press"),))
    left = certifier.uncovered(bright, (dark, pressed))
    assert left is not None
    assert left.controls[ControlName("mode")] != "high"
    assert left.controls[ControlName("spare")] is False
    # a step that cannot happen under a setting is no witness there, whatever its effects would be
    high = Settings({ControlName("mode"): "high", ControlName("spare"): True})
    assert certifier.uncovered(Problem(lifecycle, high, bright.target, honest=True), (pressed,)) is not None
    assert certifier.uncovered(Problem(lifecycle, high, bright.target, honest=True), (dark,)) is None
    # a lamp that is lit at first is a witness under every setting; the attacker's never
    lit, unlit = ((name, True) for name, _ in dark.initial), ((name, False) for name, _ in dark.initial)
    assert certifier.uncovered(shining, (Trace(dark.controls, dark.capabilities, tuple(lit), ()),)) is None
    first = tuple(unlit)
    for action in ("kick", "nudge"):
        attacked = Trace(dark.controls, dark.capabilities, first, (ActionName(action),))
        assert certifier.uncovered(shining, (attacked,)) is not None
