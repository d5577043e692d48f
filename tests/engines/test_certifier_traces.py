"""A trace through a state that is none: the certifier does not rely on effects that agree with each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.language.loading import load_text
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.names import ActionName
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings, Trace

TEXT = """
lifecycle lamp "a lamp" status assumed
component host inside
state light : red | green | blue = red
state tried : bool = false
action to_green by host then light := green
action to_blue by host then light := blue
action try by host when not tried then tried := true
property never_green never light = green
"""


def certified(lifecycle: Lifecycle, name: str, actions: tuple[str, ...]) -> str:
    rule = next(rule for rule in lifecycle.properties if rule.name == name)
    problem = Problem(lifecycle, Settings(), Reach(rule.binders, rule.target))
    trace = Trace((), (), (), tuple(map(ActionName, actions)))
    return Certifier(lifecycle).certify(problem, Reached(trace)).reason


def torn(lifecycle: Lifecycle) -> Lifecycle:
    """`to_green` with the effects of `to_blue`, too: no text that is loaded has that."""
    green, blue, other = lifecycle.actions
    return replace(lifecycle, actions=(replace(green, effects=(*green.effects, *blue.effects)), blue, other))


@pytest.mark.parametrize(
    ("name", "actions", "reason"),
    [
        ("never_green", ("to_green",), "the trace does not end in a state of the target"),
        ("never_green", ("to_green", "try"), "step 2: try is not enabled"),
    ],
)
def test_of_two_values_at_once_nothing_follows(name: str, actions: tuple[str, ...], reason: str) -> None:
    lifecycle = load_text(TEXT).lifecycle
    assert certified(lifecycle, name, actions) == ""
    assert certified(torn(lifecycle), name, actions) == reason
