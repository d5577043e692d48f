"""Random configurations of the shipped lifecycle: what a full check says of each, its frontier says by lookup."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from keyfate.checking.assembling import assemble, assemble_frontier
from keyfate.checking.frontier import reaches
from keyfate.checking.judges import Deadline
from keyfate.checking.naming import plain
from keyfate.checking.synthesizing import synthesize
from keyfate.language.library import folder
from keyfate.language.loading import load
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings, Unreachable
from keyfate.policy.admissible import refuted
from sampling import DEEP

NUMBER = 500 if DEEP else 12
PROPERTIES = ("confidentiality", "sanitization") if DEEP else ("derived_seed_secrecy",)


def drawn(lifecycle: Lifecycle) -> Iterator[Settings]:
    """Admissible configurations that fix everything."""
    draw = random.Random(0)
    domains = control_domains(lifecycle)
    while True:
        controls = {name: draw.choice(domains[name.name].values) for name in control_names(lifecycle)}
        if not refuted(lifecycle, controls):
            yield Settings(controls, {name: draw.random() < 0.5 for name in capability_names(lifecycle)})


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_full_check_says_what_the_lookup_says(name: str) -> None:
    lifecycle = load(folder("models") / "tdx-1.5-persistent.kf").lifecycle
    rule = next(known for known in lifecycle.properties if known.name == name)
    found = synthesize(assemble_frontier(lifecycle), rule, Settings(), Deadline())
    court = assemble(lifecycle, "auto")
    broken = 0
    for _, configuration in zip(range(NUMBER), drawn(lifecycle), strict=False):
        answer = court.ask(Problem(lifecycle, configuration, Reach(rule.binders, rule.target)), Deadline())
        assert answer.divergence is None
        assert isinstance(answer.finding, Reached | Unreachable)
        controls = {str(name): plain(value) for name, value in configuration.controls.items()}
        on = [str(name) for name, is_on in configuration.capabilities.items() if is_on]
        assert reaches(found, controls, on) == isinstance(answer.finding, Reached), configuration
        broken += isinstance(answer.finding, Reached)
    assert 0 < broken < NUMBER
