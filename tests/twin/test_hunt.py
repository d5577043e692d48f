"""Random walks: they find what is broken, shrink it, and see twin and interpreter agree all along."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis.stateful import run_state_machine_as_test

from drawing import lifecycles
from keyfate.language.typed import Value
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import capability_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import ControlName
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings, Trace
from keyfate.twin.confirm import confirm
from keyfate.twin.hunt import NoSettingError, hunt, shrink
from keyfate.twin.machine import machine
from keyfate.twin.pairs import Grounds
from keyfate.twin.primitives import PRIMITIVES
from twin.stages import CROWD, EVERYTHING, FLASH, VAULT, lifecycle, problem, rule, stolen

WRONG_LABEL = replace(PRIMITIVES, kdf=lambda label, parts: PRIMITIVES.kdf(f"{label} mistyped", parts))
BY_FLASH: dict[ControlName, Value] = {ControlName(name): value for name, value in FLASH.items()}


def test_a_hunt_finds_the_breaks_and_shrinks_them() -> None:
    of = lifecycle(VAULT)
    found = hunt(of, Settings(BY_FLASH), of.properties, walks=60, seed=1)
    assert not found.disagreements
    assert [broken.property.name for broken in found.breaks] == ["confidential", "gone"]
    assert found.walks == 60
    assert found.actions == {action.name for action in of.actions}
    assert found.actions_total == len(of.actions)
    assert found.states > 100
    for broken in found.breaks:
        asked = problem(of, broken.property.name, Settings(BY_FLASH))
        assert confirm(asked, broken.trace).confirmed
        run = Interpreter(of, BY_FLASH, dict(broken.trace.capabilities)).replay(broken.trace)
        assert run[-1].did == broken.trace.actions[-1]
        for index in range(len(broken.trace.actions)):
            actions = broken.trace.actions[:index] + broken.trace.actions[index + 1 :]
            assert not confirm(asked, replace(broken.trace, actions=actions)).confirmed
        for name, on in broken.trace.capabilities:
            if on:
                fewer = tuple((other, held and other != name) for other, held in broken.trace.capabilities)
                assert not confirm(asked, replace(broken.trace, capabilities=fewer)).confirmed
    exact = explore(problem(of, "confidential", Settings(BY_FLASH, dict.fromkeys(capability_names(of), True)))).finding
    assert isinstance(exact, Reached)
    assert len(found.breaks[0].trace.actions) == len(exact.trace.actions)


def test_the_same_seed_hunts_the_same() -> None:
    of = lifecycle(EVERYTHING)
    heard: list[int] = []
    one = hunt(of, Settings(), of.properties, walks=12, seed=5, progress=heard.append)
    assert one == hunt(of, Settings(), of.properties, walks=12, seed=5)
    assert heard == list(range(1, 13))
    assert one.states != hunt(of, Settings(), of.properties, walks=12, seed=6).states


def test_every_construct_means_the_same_on_both_sides() -> None:
    of = lifecycle(EVERYTHING)
    found = hunt(of, Settings(), of.properties, walks=120, seed=2, steps=20)
    assert found.disagreements == ()
    assert found.actions == {action.name for action in of.actions}
    assert {broken.property.name for broken in found.breaks} == {"secrecy", "left", "from_r", "low"}


def test_what_holds_is_not_broken() -> None:
    of = lifecycle(VAULT)
    off = Settings({ControlName("persistence"): "off"})
    found = hunt(of, off, of.properties, walks=60, seed=1)
    assert found.breaks == ()
    assert found.disagreements == ()
    assert "save" not in found.actions


def test_a_wrong_kdf_label_on_one_side_is_a_disagreement() -> None:
    of = lifecycle(VAULT)
    found = hunt(of, Settings(BY_FLASH), of.properties, walks=40, seed=1, primitives=WRONG_LABEL)
    assert found.disagreements
    assert len(found.disagreements[0].trace.actions) <= 4  # what the attacker computes is no key of anybody's
    assert "by deduction only" in found.disagreements[0].reason


def test_a_property_that_breaks_on_one_side_only_is_a_disagreement() -> None:
    of = lifecycle(
        'lifecycle shelf "nobody looks" status assumed\ncomponent cpu inside\nsecret root, m\n'
        "place q persistent at cpu starts with root\n"
        'action put by cpu then q gains enc(kdf("k", root), m) ideal\nproperty left never m recoverable'
    )
    agreed = hunt(of, Settings(), of.properties, walks=10, seed=0)
    assert [broken.property.name for broken in agreed.breaks] == ["left"]
    assert agreed.disagreements == ()
    found = hunt(of, Settings(), of.properties, walks=10, seed=0, attacker_primitives=WRONG_LABEL)
    assert found.disagreements[0].reason == "`left` is broken on one side only"
    assert [str(action) for action in found.disagreements[0].trace.actions] == ["put"]


def test_settings_are_respected() -> None:
    of = lifecycle(VAULT)
    calm = Settings(BY_FLASH, dict.fromkeys(capability_names(of), False))
    found = hunt(of, calm, of.properties, walks=40, seed=1)
    assert [broken.property.name for broken in found.breaks] == ["gone"]
    assert all(not on for broken in found.breaks for _, on in broken.trace.capabilities)


def test_no_admissible_setting_is_an_error() -> None:
    of = lifecycle(EVERYTHING)
    none: dict[ControlName, Value] = {ControlName("c"): False, ControlName("d"): "y", ControlName("f", ("a",)): False}
    with pytest.raises(NoSettingError):
        hunt(of, Settings(none), of.properties, walks=1)


def test_many_open_controls_are_drawn_one_by_one() -> None:
    controls = "\n".join(f"control c{number} : bool" for number in range(14))
    of = lifecycle(
        'lifecycle many "many" status assumed\ncomponent cpu inside\n' + controls + "\nconstraint c0 and c1\n"
        "state s : bool = c13\naction flip by cpu when c12 then s := not s\nproperty held never s and not c11"
    )
    found = hunt(of, Settings(), of.properties, walks=40, seed=3, steps=3)
    assert found.walks == 40
    assert found.states == 2
    assert len(found.breaks) == 1
    never: dict[ControlName, Value] = {ControlName("c0"): False}
    with pytest.raises(NoSettingError):
        hunt(of, Settings(never), of.properties, walks=1)


def test_walks_whose_search_has_no_end_are_counted() -> None:
    of = lifecycle(CROWD)
    found = hunt(of, Settings(), of.properties, walks=6, seed=1)
    assert found.walks == 6
    assert 0 < found.abandoned <= 6
    assert found.breaks == ()


def test_steps_that_undo_each_other_go_together() -> None:
    _, run = stolen()
    boot, reset, mark = run.actions[1], run.actions[4], run.actions[0]

    def still(trace: Trace) -> bool:
        on = [
            trace.actions[:end].count(boot) - trace.actions[:end].count(reset) for end in range(len(trace.actions) + 1)
        ]
        return mark in trace.actions and set(on) <= {0, 1} and on[-1] == 0  # every reset after its boot

    assert shrink(replace(run, actions=(boot, mark, reset)), still).actions == (mark,)


def test_shrinking_leaves_what_matters() -> None:
    _, run = stolen()
    wanted = set(run.actions[1::2])
    noisy = replace(run, actions=run.actions * 4)

    def still(trace: Trace) -> bool:
        return wanted <= set(trace.actions)

    assert sorted(map(str, shrink(noisy, still).actions)) == sorted(map(str, wanted))


@settings(max_examples=20)
@given(text=lifecycles())
def test_twin_and_interpreter_agree_on_drawn_lifecycles(text: str) -> None:
    of = lifecycle(text)
    assume(not conflicts(of))
    found = hunt(of, Settings(), of.properties, walks=5, seed=0, steps=6)
    assert found.disagreements == ()
    for broken in found.breaks:
        asked = Problem(of, Settings(), Reach(broken.property.binders, broken.property.target))
        assert confirm(asked, broken.trace).confirmed


# The same walk under Hypothesis itself.

_QUICK = settings(max_examples=15, stateful_step_count=12, phases=(Phase.generate,))  # failures need no shrinking


def test_the_machine_walks_where_all_holds() -> None:
    of = lifecycle(VAULT)
    holding = [rule(of, "never_both")]
    run_state_machine_as_test(machine(of, Settings(), holding), settings=_QUICK)
    run_state_machine_as_test(machine(lifecycle(EVERYTHING), Settings()), settings=_QUICK)


def test_the_machine_finds_a_property_that_does_not_hold() -> None:
    of = lifecycle(VAULT)
    with pytest.raises(AssertionError, match=r"gone|confidential"):
        run_state_machine_as_test(
            machine(of, Settings(BY_FLASH), of.properties), settings=settings(_QUICK, max_examples=300)
        )


def test_the_machine_finds_a_side_that_computes_wrongly() -> None:
    of = lifecycle(VAULT)
    grounds = Grounds(of, Settings(BY_FLASH), (), attacker_primitives=WRONG_LABEL)
    with pytest.raises(AssertionError, match="the attacker knows"):
        run_state_machine_as_test(
            machine(of, Settings(BY_FLASH), grounds=grounds), settings=settings(_QUICK, max_examples=100)
        )
