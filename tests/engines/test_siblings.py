"""Every safeguard of the shipped lifecycles matters: with one broken, the break is found and certified."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.engines.decide import Engine
from keyfate.language.library import folder
from keyfate.language.loading import load_text
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.names import ControlName
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings, Unreachable
from keyfate.policy.loading import load_policy
from keyfate.policy.policy import Policy

DATA = Path(__file__).parents[1] / "data" / "broken" / "siblings.toml"
BROKEN = tomllib.loads(DATA.read_text(encoding="utf-8"))


def asked(lifecycle: Lifecycle, settings: Settings, name: str) -> Problem:
    wanted = next(p for p in lifecycle.properties if p.name == name)
    return Problem(lifecycle, settings, Reach(wanted.binders, wanted.target))


@pytest.fixture(scope="module")
def shipped() -> Callable[[str], tuple[Policy, Engine]]:
    @cache
    def load(name: str) -> tuple[Policy, Engine]:
        policy = load_policy(folder("models") / "policies" / f"{name}.policy.toml")
        return policy, Engine(policy.lifecycle)

    return load


@pytest.mark.parametrize("sibling", BROKEN["sibling"], ids=lambda s: s["name"])
def test_a_broken_safeguard_is_found(sibling: dict[str, Any], shipped: Callable[[str], tuple[Policy, Engine]]) -> None:
    policy, engine = shipped(sibling["policy"])
    whole = asked(policy.lifecycle, policy.settings, sibling["property"])
    assert isinstance(engine.decide(whole), Unreachable)

    text = (folder("models") / f"{sibling['lifecycle']}.kf").read_text(encoding="utf-8")
    assert text.count(sibling["old"]) == 1
    lifecycle = load_text(text.replace(sibling["old"], sibling["new"])).lifecycle
    problem = asked(lifecycle, policy.settings, sibling["property"])
    finding = Engine(lifecycle).decide(problem)
    assert isinstance(finding, Reached)
    assert len(finding.trace.actions) == sibling["steps"]
    assert Certifier(lifecycle).certify(problem, finding).accepted


@pytest.mark.parametrize("setting", BROKEN["setting"], ids=lambda s: f"{s['control']}={s['value']}")
def test_every_control_of_the_hardened_policy_matters(
    setting: dict[str, Any], shipped: Callable[[str], tuple[Policy, Engine]]
) -> None:
    policy, engine = shipped("tdx-1.5-hardened")
    assert isinstance(engine.decide(asked(policy.lifecycle, policy.settings, setting["property"])), Unreachable)

    controls = {**policy.settings.controls, ControlName(setting["control"], ()): setting["value"]}
    settings = Settings(controls, policy.settings.capabilities)
    finding = engine.decide(asked(policy.lifecycle, settings, setting["property"]))
    assert isinstance(finding, Reached)
    assert len(finding.trace.actions) == setting["steps"]
