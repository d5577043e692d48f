"""What still unseals after which event: the lifecycle says in all 16 cells what was measured on a TPM in software.

tests/data/tpm_hierarchies.csv: does a blob sealed under a primary of this hierarchy open after this event? Measured on
swtpm 0.7.1 with tss 3.2.1.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.engines.decide import Engine
from keyfate.language.library import folder
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings
from keyfate.policy.loading import load_policy

MEASURED = Path(__file__).parents[1] / "data" / "tpm_hierarchies.csv"
POLICY = folder("models") / "policies" / "tpm-sealed-seed-hardened.policy.toml"

Table = dict[tuple[str, str], bool]


def measured() -> Table:
    with MEASURED.open(encoding="utf-8", newline="") as rows:
        return {
            (row["event"], hierarchy): {"yes": True, "no": False}[answer]
            for row in csv.DictReader(rows)
            for hierarchy, answer in row.items()
            if hierarchy != "event"
        }


@pytest.fixture(scope="module")
def answered() -> Table:
    """The lifecycle's own table: under every hierarchy, whether a run unseals after the event, nothing sealed since."""
    policy = load_policy(POLICY)
    lifecycle, engine, certifier = policy.lifecycle, Engine(policy.lifecycle), Certifier(policy.lifecycle)
    (control,) = (c for c in lifecycle.controls if c.name == "tpm.hierarchy")
    (fixed,) = (name for name in policy.settings.controls if name.name == control.name)
    found: Table = {}
    for event, hierarchy in measured():
        (asked,) = (p for p in lifecycle.properties if p.name == f"unseals_after_{event}")
        settings = Settings({**policy.settings.controls, fixed: hierarchy}, policy.settings.capabilities)
        problem = Problem(lifecycle, settings, Reach(asked.binders, asked.target))
        finding = engine.decide(problem)
        assert certifier.certify(problem, finding).accepted
        found[event, hierarchy] = isinstance(finding, Reached)
    return found


def differing(one: Table, other: Table) -> set[tuple[str, str]]:
    assert one.keys() == other.keys()
    return {cell for cell in one if one[cell] != other[cell]}


def test_every_event_under_every_hierarchy_is_in_the_table() -> None:
    events, hierarchies = zip(*measured(), strict=True)
    assert len(measured()) == 16
    assert set(events) == {"reset", "clear", "change_eps", "change_pps"}
    assert set(hierarchies) == {"owner", "endorsement", "platform", "null"}


def test_the_lifecycle_answers_what_was_measured(answered: Table) -> None:
    assert differing(answered, measured()) == set()


@pytest.mark.parametrize("cell", measured(), ids="-".join)
def test_a_flipped_cell_is_found(cell: tuple[str, str], answered: Table) -> None:
    flipped = measured()
    flipped[cell] = not flipped[cell]
    assert differing(answered, flipped) == {cell}
