"""The states of a key: the lifecycle and the shared shape both say of every transition what the table says.

tests/data/nist_key_states.csv has the transitions of NIST SP 800-57 part 1, section 7. `known` tells those that were
read, in excerpts of an unofficial copy of an earlier revision, from those that are recalled. The numbers 10, 13, 14 and
15 are recalled in any case.
"""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.engines.decide import Engine
from keyfate.language.library import folder
from keyfate.language.loading import load_text
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings, Unreachable
from keyfate.policy.loading import load_policy

TABLE = Path(__file__).parents[1] / "data" / "nist_key_states.csv"
STATES = ("unborn", "pre_activation", "active", "suspended", "deactivated", "compromised", "destroyed")
PAIRS = [(a, b) for a, b in product(STATES, STATES) if a != b]

MOVE = """
lifecycle one_move "a key that makes one transition"
sort Key = k
sort Phase = {states}
state phase[Key] : Phase = {first}
component manager inside
action move[x: Key] by manager when phase[x] = {first} then phase[x] := {then}
{defs}
check key_state_transitions({names})
"""


def allowed() -> set[tuple[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as rows:
        return {(row["from"], row["to"]) for row in csv.DictReader(rows)}


def test_the_table_is_of_these_states_and_says_how_each_transition_is_known() -> None:
    with TABLE.open(encoding="utf-8", newline="") as rows:
        table = list(csv.DictReader(rows))
    assert {(row["from"], row["to"]) for row in table} <= set(PAIRS)
    assert [row["transition"] for row in table] == [str(n + 1) for n in range(15)]
    assert {row["known"] for row in table} == {"read", "recalled"}


def test_the_lifecycle_makes_the_transitions_of_the_table_and_no_others() -> None:
    policy = load_policy(folder("models") / "policies" / "nist-key-states-hardened.policy.toml")
    path = Path(policy.lifecycle.path)
    asked = "\n".join(
        f"property from_{a}_to_{b} for x: Key possible phase[x] = {b} and previously phase[x] = {a}" for a, b in PAIRS
    )
    lifecycle = load_text(path.read_text(encoding="utf-8") + asked, str(path)).lifecycle
    settings, made = Settings(policy.settings.controls, policy.settings.capabilities), set()
    engine, certifier = Engine(lifecycle), Certifier(lifecycle)
    for a, b in PAIRS:
        (rule,) = (p for p in lifecycle.properties if p.name == f"from_{a}_to_{b}")
        problem = Problem(lifecycle, settings, Reach(rule.binders, rule.target))
        finding = engine.decide(problem)
        assert certifier.certify(problem, finding).accepted
        if isinstance(finding, Reached):
            made.add((a, b))
    assert made == allowed()


@pytest.mark.parametrize(("first", "then"), PAIRS)
def test_the_shape_refuses_every_transition_that_is_not_in_the_table(first: str, then: str) -> None:
    names = [f"is_{state}" for state in STATES[1:]]
    defs = "\n".join(f"def is_{state}[x: Key] = phase[x] = {state}" for state in STATES[1:])
    text = MOVE.format(states=" | ".join(STATES), first=first, then=then, defs=defs, names=", ".join(names))
    lifecycle = load_text(text).lifecycle
    (rule,) = lifecycle.properties
    finding = Engine(lifecycle).decide(Problem(lifecycle, Settings(), Reach(rule.binders, rule.target)))
    assert isinstance(finding, Unreachable if (first, then) in allowed() else Reached)
