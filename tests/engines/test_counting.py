"""The states that are counted a batch at a time are those that the plain interpreter visits one by one."""

from __future__ import annotations

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.checking.session import open_session
from keyfate.engines import counting
from keyfate.engines.counting import Counter
from keyfate.engines.sat import OutOfBudgetError
from keyfate.language.loading import load_text
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.explicit import reachable_states
from keyfate.lifecycle.instances import capability_names
from keyfate.lifecycle.names import CapabilityName
from keyfate.lifecycle.problem import Budget, Settings
from keyfate.policy.admissible import completions
from keyfate.policy.finding import shipped_policies
from semantics.small import lifecycle

LIMIT = 300

PAST = """
  sort P = a | b
  capability peek
  secret m[P]
  place chip[P] volatile at cpu
  place disk persistent at host
  state on[P] : bool = any
  state order : none_yet | done = none_yet
  exposes disk to peek when once on[a] and did save
  action on_[p: P] by cpu when not on[p] then on[p] := true; chip[p] gains m[p]
  action save[p: P] by cpu when on[p] and not once did save[p] then disk gains all of chip[p]; on[p] := false
  action look by attacker needs peek when previously did save and attacker knows m[a] then order := done
"""


@settings(max_examples=max(60, settings().max_examples), phases=(Phase.explicit, Phase.generate))
@given(lifecycles(), st.data())
def test_as_many_as_the_interpreter_visits(text: str, data: st.DataObject) -> None:
    of = load_text(text).lifecycle
    assume(not conflicts(of))
    controls = data.draw(st.sampled_from(list(completions(of, {})) or [None]))
    assume(controls is not None)
    chosen = Settings(controls, {name: data.draw(st.booleans()) for name in capability_names(of)})
    assert Counter(of).states(chosen, LIMIT) == reachable_states(of, chosen, limit=LIMIT)


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("batch", [1, 3, 4_096])
def test_the_past_what_is_seen_and_free_first_values(on: bool, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_BATCH", batch)
    of = lifecycle(PAST)
    chosen = Settings({}, {CapabilityName("peek"): on})
    found = Counter(of).states(chosen)
    assert found == reachable_states(of, chosen)
    assert found is not None
    assert found > 20


def test_one_counter_serves_many_settings() -> None:
    of = lifecycle(PAST)
    counter = Counter(of)
    off, on = (Settings({}, {CapabilityName("peek"): on}) for on in (False, True))
    first = counter.states(off)
    assert (counter.states(on), counter.states(off)) == (Counter(of).states(on), first)
    assert first != counter.states(on)


def test_a_limit_counts_what_is_visited_and_time_ends() -> None:
    of = lifecycle("sort E = 0 .. 9 state e : E = 0 action tick by cpu then e := e + 1")
    counter = Counter(of)
    assert [counter.states(Settings(), limit) for limit in (9, 10, 11)] == [None, 10, 10]
    with pytest.raises(OutOfBudgetError):
        counter.states(Settings(), budget=Budget(0.0))


def test_nothing_may_happen() -> None:
    of = lifecycle("state x : bool = false action never by cpu when x then x := true")
    assert Counter(of).states(Settings()) == 1


def test_the_smallest_of_the_library() -> None:
    """Of each lifecycle one policy, where the interpreter can count it in a moment."""
    policies = open_session(shipped_policies(), {}).policies
    counted = 0
    for policy in {p.lifecycle.name: p for p in policies if not p.open_controls}.values():
        found = Counter(policy.lifecycle).states(policy.settings, 3_000)
        if found is not None:
            counted += 1
            assert found == reachable_states(policy.lifecycle, policy.settings, limit=3_000)
    assert counted
