"""A trace is confirmed on bytes, and only if it is one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keyfate.language.typed import Value
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import capability_names, control_names
from keyfate.lifecycle.names import ActionName, ControlName, StateName
from keyfate.lifecycle.problem import Enabled, OutOfRange, Problem, Reached, Settings, Target, Trace
from keyfate.twin.confirm import confirm
from keyfate.twin.primitives import PRIMITIVES, Primitives
from twin.stages import CROWD, EVERYTHING, FLASH, STOLEN, VAULT, lifecycle, problem, stolen, trace

WRONG_LABEL = replace(PRIMITIVES, kdf=lambda label, parts: PRIMITIVES.kdf(f"{label} mistyped", parts))


def test_a_stolen_secret_is_confirmed_with_how_it_came_out() -> None:
    found = confirm(*stolen())
    assert found.confirmed
    assert found.reason == "5 steps and the end hold on real bytes"
    kinds = [line.split()[0] for line in found.evidence]
    assert kinds[:4] == ["step"] * 4
    assert kinds[4:9] == ["read", "kdf", "kdf", "read", "opened"]
    assert "seed_store[alpha] gains platform_seed[alpha] = " in found.evidence[0]
    assert "td_key[alpha, agent]" in found.evidence[1]
    assert found.evidence[1].endswith("computed from seed_store[alpha]")
    assert found.evidence[4].endswith("in seed_store[alpha], exposed to steal_disk (after step 1)")
    assert "SP 800-108" in found.evidence[5]
    assert found.evidence[-1].endswith("is memory[agent]")


def test_the_same_question_has_the_same_answer() -> None:
    assert confirm(*stolen()) == confirm(*stolen())
    other = confirm(*stolen(), seed=1)
    assert other.confirmed
    assert other.evidence != confirm(*stolen()).evidence  # other bytes


def test_a_wrong_kdf_label_on_the_honest_side_is_not_confirmed() -> None:
    asked, run = stolen()
    found = confirm(asked, run, WRONG_LABEL)
    assert not found.confirmed
    assert "target does not hold on bytes" in found.reason
    assert not confirm(asked, run, PRIMITIVES, WRONG_LABEL).confirmed
    assert confirm(asked, run, WRONG_LABEL, WRONG_LABEL).confirmed  # both wrong in the same way: real all the same


@pytest.mark.parametrize(
    "broken",
    [
        replace(PRIMITIVES, enc=lambda label, parts: PRIMITIVES.enc(label, [parts[0], bytes(32)])),
        replace(PRIMITIVES, enc=PRIMITIVES.seal),
        replace(PRIMITIVES, kdf=lambda label, parts: PRIMITIVES.kdf(label, parts[::-1])),
    ],
    ids=["encrypts something else", "another cipher", "arguments swapped"],
)
def test_other_faults_of_the_honest_side_are_not_confirmed_either(broken: Primitives) -> None:
    assert not confirm(*stolen(), broken).confirmed


def test_steps_in_another_order_are_none() -> None:
    asked, run = stolen()
    swapped = (*STOLEN[:3], STOLEN[4], STOLEN[3])
    found = confirm(asked, trace(asked.lifecycle, FLASH, ("steal_disk",), *swapped))
    assert not found.confirmed
    assert found.reason.startswith("step 5: the guard of `save[agent, alpha]`")
    cut = replace(run, actions=run.actions[1:])  # no seed to derive from
    assert confirm(asked, cut).reason == (
        'step 2: the bytes in seed_store[alpha] do not yield `kdf("td-key", '
        'kdf("td-seed", platform_seed[alpha], measurement), identity[agent])`'
    )
    assert not confirm(asked, replace(run, actions=run.actions[:-1])).confirmed
    unknown = replace(run, actions=(ActionName("explode"),))
    assert confirm(asked, unknown).reason == "step 1: `explode` is no instance of an action"


def test_without_the_capability_nothing_is_seen() -> None:
    asked, _ = stolen()
    assert not confirm(asked, trace(asked.lifecycle, FLASH, ("open_tpm",), *STOLEN)).confirmed
    in_tpm = {**FLASH, "seed_root": "tpm"}
    assert not confirm(asked, trace(asked.lifecycle, in_tpm, ("steal_disk",), *STOLEN)).confirmed
    assert confirm(asked, trace(asked.lifecycle, in_tpm, ("steal_disk", "open_tpm"), *STOLEN)).confirmed


def test_the_attacker_writes_only_what_its_bytes_yield() -> None:
    asked, _ = stolen()
    of = asked.lifecycle
    copied = (*STOLEN, "inject[Blob[alpha, agent], beta]")
    assert confirm(asked, trace(of, FLASH, ("steal_disk",), *copied)).confirmed
    unseen = (*STOLEN, "inject[Blob[beta, agent], beta]")
    found = confirm(asked, trace(of, FLASH, ("steal_disk",), *unseen))
    assert found.reason.startswith("step 6: what the attacker saw does not yield the bytes of")
    needs = confirm(asked, trace(of, FLASH, (), *copied[-1:]))
    assert needs.reason == "step 1: `inject[Blob[alpha, agent], beta]` needs a capability that is off"


def test_a_trace_of_another_problem_is_refused() -> None:
    asked, run = stolen()
    fixed = Settings({ControlName("seed_root"): "tpm"})
    assert "another control" in confirm(replace(asked, settings=fixed), run).reason
    off = Settings(capabilities=dict.fromkeys(capability_names(asked.lifecycle), False))
    assert "another capability" in confirm(replace(asked, settings=off), run).reason
    assert "every control" in confirm(asked, replace(run, controls=run.controls[1:])).reason
    assert "every capability" in confirm(asked, replace(run, capabilities=())).reason
    odd: tuple[tuple[ControlName, Value], ...] = tuple((name, "odd") for name, _ in run.controls)
    assert "what it cannot be" in confirm(asked, replace(run, controls=odd)).reason
    started = replace(run, initial=((StateName("power", ("alpha",)), "on"),))
    assert "first values" in confirm(asked, started).reason
    assert "honest run uses no capability" in confirm(replace(asked, honest=True), run).reason


def test_an_honest_witness_and_its_refusal() -> None:
    of = lifecycle(VAULT)
    asked = problem(of, "survives")
    assert asked.honest
    steps = (*STOLEN, "boot[alpha]", "restore[agent, alpha]")
    found = confirm(asked, trace(of, FLASH, (), *steps))
    assert found.confirmed
    assert any("computed from seed_store[alpha], disk[alpha]" in line for line in found.evidence)
    attacked = Problem(of, Settings(), Enabled(frozenset({"inject"})), honest=True)
    found = confirm(attacked, trace(of, FLASH, (), *STOLEN))
    assert not found.confirmed


def test_constraints_hold_on_bytes_too() -> None:
    of = lifecycle(EVERYTHING)
    controls: dict[str, Value] = {"c": False, "d": "y", "f[a]": False, "f[b]": True}
    run = replace(trace(of, controls, ()), initial=((StateName("who"), None),))
    target = Problem(of, Settings(), Enabled(frozenset({"fill"})))
    assert confirm(target, run).reason == "the controls of the trace violate a constraint"
    assert confirm(
        target, replace(run, controls=tuple((n, True if v is False else v) for n, v in run.controls))
    ).confirmed


@pytest.mark.parametrize("target", [Enabled(frozenset({"lock"})), OutOfRange()], ids=["enabled", "out of range"])
def test_other_targets(target: Target) -> None:
    of = lifecycle(EVERYTHING)
    controls: dict[ControlName, Value] = dict.fromkeys(control_names(of), True)
    controls[ControlName("d")] = "x"
    asked = Problem(of, Settings(controls, dict.fromkeys(capability_names(of), False)), target)
    finding = explore(asked).finding
    assert isinstance(finding, Reached)
    assert confirm(asked, finding.trace).confirmed
    assert not confirm(asked, _cut(finding.trace)).confirmed


def _cut(trace: Trace) -> Trace:
    return replace(trace, actions=trace.actions[:-1])


def test_every_shortest_trace_of_the_explicit_search_is_confirmed() -> None:
    of = lifecycle(VAULT)
    on = dict.fromkeys(capability_names(of), True)
    controls: dict[ControlName, Value] = {ControlName(name): value for name, value in FLASH.items()}
    for name in ("confidential", "gone", "survives"):
        asked = problem(of, name, Settings(controls, on))
        finding = explore(asked).finding
        assert isinstance(finding, Reached), name
        assert confirm(asked, finding.trace).confirmed, name
        assert not confirm(asked, _cut(finding.trace)).confirmed, name


OPEN_AT_FIRST = """
lifecycle open_at_first "lies open before anything happens" status assumed
component cpu inside
control locked : bool
capability look "looks"
secret m
place shelf persistent at cpu starts with m
exposes shelf to look when not locked
action wait by cpu
property secrecy never attacker knows m
"""


def test_what_lies_open_at_first_is_seen_without_a_step() -> None:
    of = lifecycle(OPEN_AT_FIRST)
    found = confirm(problem(of, "secrecy"), trace(of, {"locked": False}, ("look",)))
    assert found.confirmed
    assert found.reason == "0 steps and the end hold on real bytes"
    assert found.evidence[0].endswith("in shelf, exposed to look (at first)")
    assert not confirm(problem(of, "secrecy"), trace(of, {"locked": True}, ("look",), "wait")).confirmed
    assert not confirm(problem(of, "secrecy"), trace(of, {"locked": False}, (), "wait")).confirmed


def test_an_honest_run_has_no_attacker() -> None:
    of = lifecycle(
        'lifecycle meddled "anybody can meddle" status assumed\ncomponent cpu inside\nstate on : bool = false\n'
        "action meddle by attacker then on := true\nproperty works possible on"
    )
    run = trace(of, {}, (), "meddle")
    assert confirm(problem(of, "works"), run).reason == "step 1: `meddle` is the attacker's"
    assert confirm(replace(problem(of, "works"), honest=False), run).confirmed


LEAKY = """
lifecycle leaky "answers over an interface" status assumed
component cpu inside
capability listen "listens"
capability glitch "disturbs"
secret k, m
place core volatile at cpu starts with k, m
action answer by cpu then leaks enc(k, m) using core to listen; leaks k using core to listen and glitch
property secrecy never attacker knows m
"""


def test_a_leak_is_heard_by_who_can_hear_all_of_it() -> None:
    of = lifecycle(LEAKY)
    found = confirm(problem(of, "secrecy"), trace(of, {}, ("listen", "glitch"), "answer"))
    assert found.confirmed
    assert "leaked by answer to listen, glitch (step 1)" in " ".join(found.evidence)
    assert not confirm(problem(of, "secrecy"), trace(of, {}, ("listen",), "answer")).confirmed
    assert not confirm(problem(of, "secrecy"), trace(of, {}, ("glitch",), "answer")).confirmed


def test_a_search_without_end_is_given_up_and_says_so() -> None:
    of = lifecycle(CROWD)
    found = confirm(problem(of, "secrecy"), trace(of, {}, ("look",), "show", "keep"))
    assert not found.confirmed
    assert "given up: more than 500,000 ways to make one `hash`" in found.reason
