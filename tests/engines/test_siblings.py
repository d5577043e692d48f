"""Every safeguard of the shipped lifecycles matters: with one broken, the break is found and certified."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.engines.decide import Engine
from keyfate.language.library import folder
from keyfate.language.loading import Loaded, load
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings, Unreachable
from keyfate.policy.loading import lifecycle_of, load_policy
from keyfate.policy.policy import Policy
from keyfate.twin.confirm import Confirmer

DATA = Path(__file__).parents[1] / "data" / "broken"
BROKEN = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("*.toml"))}


def of_all(kind: str, naming: str) -> list[Any]:
    """Every entry of that kind as a parameter: its lifecycle, and the entry."""
    return [
        pytest.param(of, entry, id=f"{of}: {naming.format(**entry)}")
        for of, data in BROKEN.items()
        for entry in data.get(kind, [])
    ]


def asked(lifecycle: Lifecycle, settings: Settings, name: str) -> Problem:
    wanted = next(p for p in lifecycle.properties if p.name == name)
    return Problem(lifecycle, settings, Reach(wanted.binders, wanted.target))


class Judges:
    """Of one lifecycle, each made once."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.engine = Engine(lifecycle, remembering=True)
        self.certifier = Certifier(lifecycle)
        self.confirmer = Confirmer(lifecycle)


@pytest.fixture(scope="module")
def shipped() -> Callable[[str], tuple[Policy, Judges]]:
    @cache
    def judges(path: Path) -> Judges:
        return Judges(load(path).lifecycle)

    @cache
    def named(name: str) -> tuple[Policy, Judges]:
        path = folder("models") / "policies" / f"{name}.policy.toml"
        of = lifecycle_of(path)
        assert of is not None
        return load_policy(path, load=lambda path, scope: Loaded(judges(of).lifecycle, (), ())), judges(of)

    return named


def changed(policy: Policy, controls: dict[str, Any]) -> Settings:
    """The policy's settings with other values of some controls, each for all its members."""
    assert controls.keys() <= {name.name for name in policy.settings.controls}
    kept = {name: controls.get(name.name, value) for name, value in policy.settings.controls.items()}
    return Settings(kept, policy.settings.capabilities)


def broken(judges: Judges, settings: Settings, entry: dict[str, Any]) -> None:
    """The entry's property breaks in so many steps; the certifier and the bytes agree."""
    problem = asked(judges.lifecycle, settings, entry["property"])
    finding = judges.engine.decide(problem)
    assert isinstance(finding, Reached)
    assert len(finding.trace.actions) == entry["steps"]
    assert judges.certifier.certify(problem, finding).accepted
    assert judges.confirmer.confirm(problem, finding.trace).confirmed


def whole(judges: Judges, settings: Settings, entry: dict[str, Any]) -> None:
    """With every safeguard in its place the entry's property holds."""
    assert isinstance(judges.engine.decide(asked(judges.lifecycle, settings, entry["property"])), Unreachable)


@pytest.mark.parametrize(("of", "sibling"), of_all("sibling", "{name}"))
def test_a_broken_safeguard_is_found(
    of: str, sibling: dict[str, Any], shipped: Callable[[str], tuple[Policy, Judges]], tmp_path: Path
) -> None:
    policy, judges = shipped(sibling["policy"])
    assert Path(policy.lifecycle.path).stem == of
    settings = changed(policy, sibling.get("set", {}))
    whole(judges, settings, sibling)

    copied = shutil.copytree(folder("models"), tmp_path / "models", ignore=shutil.ignore_patterns("*.toml", "*.json"))
    path = copied / sibling.get("file", f"{of}.kf")
    text = path.read_text(encoding="utf-8")
    assert text.count(sibling["old"]) == 1
    path.write_text(text.replace(sibling["old"], sibling["new"]), encoding="utf-8")
    broken(Judges(load(copied / f"{of}.kf").lifecycle), settings, sibling)


@pytest.mark.parametrize(("of", "setting"), of_all("setting", "{control}={value}"))
def test_a_safeguard_taken_away_alone_is_missed(
    of: str, setting: dict[str, Any], shipped: Callable[[str], tuple[Policy, Judges]]
) -> None:
    policy, judges = shipped(setting["policy"])
    assert Path(policy.lifecycle.path).stem == of
    whole(judges, policy.settings, setting)
    broken(judges, changed(policy, {setting["control"]: setting["value"]}), setting)


def test_no_entry_is_overlooked() -> None:
    assert BROKEN.keys() == {path.stem for path in folder("models").glob("*.kf")}
    for data in BROKEN.values():
        assert data.keys() <= {"hardened", "choices", "sibling", "setting"}


@pytest.mark.parametrize("path", sorted(folder("models").glob("*.kf")), ids=lambda path: path.stem)
def test_every_lifecycle_has_broken_siblings_and_every_control_is_a_choice_or_missed(
    path: Path, shipped: Callable[[str], tuple[Policy, Judges]]
) -> None:
    data = BROKEN[path.stem]
    policy, _ = shipped(data["hardened"])
    assert Path(policy.lifecycle.path).stem == path.stem
    assert len(data.get("sibling", [])) + len(data.get("setting", [])) >= 2
    missed = {entry["control"] for entry in data.get("setting", []) if entry["policy"] == data["hardened"]}
    choices = data.get("choices", {})
    assert not missed & choices.keys()
    assert missed | choices.keys() == {control.name for control in policy.lifecycle.controls}
