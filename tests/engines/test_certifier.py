"""What the certifier accepts, and each way in which a claim can be wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.certifier.z3api import Solver, SolverError
from keyfate.language.loading import load_text
from keyfate.language.typed import Past, Truth
from keyfate.lifecycle.names import (
    ActionName,
    Atom,
    Before,
    Bit,
    BitLiteral,
    CapabilityName,
    CapabilityOn,
    Clause,
    ControlIs,
    ControlName,
    Happened,
    Holds,
    Observed,
    PlaceName,
    StateIs,
    StateName,
)
from keyfate.lifecycle.problem import (
    Enabled,
    Invariant,
    NotWithin,
    OutOfRange,
    Problem,
    Reach,
    Reached,
    Settings,
    Trace,
    Undecided,
    Unreachable,
)

TEXT = """
lifecycle vault "a vault of two shelves" status assumed
sort P = a | b
sort E = 0 .. 2
control clears : bool
control spill : never | rarely | often
capability steal "reads disks of hosts that are off"
capability forge "writes disks"
component cpu inside
component host outside
secret seed[P], data
public label
place table[P] volatile at cpu
place disk[P] persistent at host
state power[P] : off | on | gone = off
state epoch : E = 0
state lit : bool = any
exposes disk[p: P] to steal when power[p] != on
action boot[p: P] by host when power[p] = off then power[p] := on; table[p] gains seed[p]
action write[p: P] by cpu when power[p] = on then disk[p] gains enc(seed[p], data) ideal
action drop[p: P] by cpu when power[p] = on and spill = often then disk[p] gains seed[p] using table[p]
action halt[p: P] by host power event when power[p] = on
  then power[p] := off; if clears { clear table[p] }
action tick by cpu then epoch := epoch + 1
action scrawl by attacker when true then disk[b] gains label
action forge by attacker needs forge when lit then disk[a] gains pair(label, label)
constraint clears or spill != often
property data_secret never attacker knows data
property volatile_ for p: P when power[p] = off never table[p] has seed[p]
property once_on for p: P when table[p] has seed[p] never not once (did boot[p])
property reboots possible power[a] = on and once (did halt[a])
property scrawled possible disk[b] has label
property forged possible disk[a] has pair(label, label)
"""

LIFECYCLE = load_text(TEXT, "vault.kf").lifecycle
CERTIFIER = Certifier(LIFECYCLE)
TARGETS = {p.name: Reach(p.binders, p.target) for p in LIFECYCLE.properties}
CLEARS, SPILL = ControlName("clears"), ControlName("spill")
STEAL, FORGE = CapabilityName("steal"), CapabilityName("forge")
TIDY = Settings({CLEARS: True, SPILL: "never"})


def problem(name: str, settings: Settings = TIDY, *, honest: bool = False) -> Problem:
    return Problem(LIFECYCLE, settings, TARGETS[name], honest)


def clause(*bits: Bit, unless: tuple[Bit, ...] = ()) -> Clause:
    """None of `bits` together, unless one of the others."""
    return (*(BitLiteral(bit, False) for bit in bits), *(BitLiteral(bit, True) for bit in unless))


def proof(*clauses: Clause) -> Unreachable:
    return Unreachable(Invariant(clauses, frozenset()))


def seed(p: str) -> Atom:
    return Atom("seed", (p,), False)


DATA = Atom("data", (), False)
OFF = {p: StateIs(StateName("power", (p,)), "off") for p in "ab"}
SPILT = {p: Holds(PlaceName("disk", (p,)), seed(p)) for p in "ab"}
HELD = {p: Holds(PlaceName("table", (p,)), seed(p)) for p in "ab"}

VOLATILE = proof(*(clause(OFF[p], HELD[p]) for p in "ab"))
SECRET = proof(
    *(clause(Observed(seed(p))) for p in "ab"),
    *(clause(SPILT[p]) for p in "ab"),
)
UNSEEN = proof(*(clause(Observed(term)) for term in (DATA, seed("a"), seed("b"))))
SPILLING = Settings({CLEARS: True, SPILL: "often"}, {STEAL: True, FORGE: False})
STOLEN = Trace(
    ((CLEARS, True), (SPILL, "often")),
    ((STEAL, True), (FORGE, False)),
    ((StateName("lit"), False),),
    (ActionName("boot", ("a",)), ActionName("write", ("a",)), ActionName("drop", ("a",)), ActionName("halt", ("a",))),
)
REBOOT = Trace(
    ((CLEARS, True), (SPILL, "never")),
    ((STEAL, False), (FORGE, False)),
    ((StateName("lit"), True),),
    (ActionName("boot", ("a",)), ActionName("halt", ("a",)), ActionName("boot", ("a",))),
)


# Proofs


@pytest.mark.parametrize(
    ("asked", "claim"),
    [
        (problem("volatile_"), VOLATILE),
        (problem("data_secret"), SECRET),
        (problem("data_secret", Settings({}, {STEAL: False})), UNSEEN),
        (Problem(LIFECYCLE, TIDY, Enabled(frozenset({"drop"}))), proof()),
        (Problem(LIFECYCLE, Settings({}, {FORGE: False}), Enabled(frozenset({"forge"}))), proof()),
        (Problem(LIFECYCLE, Settings(), Enabled(frozenset({"forge"})), honest=True), proof()),
    ],
    ids=["volatile", "secret", "unseen", "never enabled", "needs a capability", "honest"],
)
def test_accepts_a_true_proof(asked: Problem, claim: Unreachable) -> None:
    judgement = CERTIFIER.certify(asked, claim)
    assert judgement.accepted, judgement.reason
    assert claim.invariant is not None
    assert judgement.clauses == len(claim.invariant.clauses)


def test_knows_that_each_state_has_exactly_one_value() -> None:
    off, on, gone = (StateIs(StateName("power", ("a",)), value) for value in ("off", "on", "gone"))
    # `gone` is never reached; that a host which is neither is on is no clause of the invariant
    assert CERTIFIER.certify(
        problem("volatile_"), proof(*(clause(OFF[p], HELD[p]) for p in "ab"), clause(gone), clause(unless=(off, on)))
    ).accepted
    assert CERTIFIER.certify(
        problem("volatile_"), proof(*(clause(OFF[p], HELD[p]) for p in "ab"), clause(off, on))
    ).accepted


def test_a_latch_is_a_bit_of_the_invariant() -> None:
    (past,) = (p for p in walk(TARGETS["once_on"].condition) if isinstance(p, Past))
    claims = [clause(HELD[p], unless=(Before(past.identity, (p,)), Happened(ActionName("boot", (p,))))) for p in "ab"]
    asked = problem("once_on", Settings())
    assert CERTIFIER.certify(asked, proof(*claims)).accepted
    assert not CERTIFIER.certify(asked, proof(claims[0])).accepted
    wrong = clause(HELD["a"], unless=(Before(past.identity, ("nowhere",)),))
    assert "does not have" in CERTIFIER.certify(asked, proof(*claims, wrong)).reason


def walk(node: object) -> list[object]:
    parts = node if isinstance(node, tuple) else vars(node).values() if hasattr(node, "__dataclass_fields__") else ()
    return [node, *(found for part in parts for found in walk(part))]


def test_an_honest_proof_leaves_the_attacker_out() -> None:
    clean = proof(clause(Holds(PlaceName("disk", ("b",)), Atom("label", (), True))))
    asked = problem("scrawled", Settings({}, {STEAL: False, FORGE: False}))
    assert "not kept by scrawl" in CERTIFIER.certify(asked, clean).reason
    assert CERTIFIER.certify(replace(asked, honest=True), clean).accepted
    # and its actions are never enabled in one
    never = Problem(LIFECYCLE, Settings(), Enabled(frozenset({"scrawl"})))
    assert "target" in CERTIFIER.certify(never, proof()).reason
    assert CERTIFIER.certify(replace(never, honest=True), proof()).accepted


def negated(claim: Unreachable, number: int) -> Unreachable:
    """The claim with the first literal of one clause negated."""
    assert claim.invariant is not None
    clauses = list(claim.invariant.clauses)
    first, *rest = clauses[number]
    clauses[number] = (replace(first, positive=not first.positive), *rest)
    return proof(*clauses)


@pytest.mark.parametrize("number", range(4))
def test_refuses_a_clause_negated(number: int) -> None:
    judgement = CERTIFIER.certify(problem("data_secret"), negated(SECRET, number))
    assert not judgement.accepted
    assert "first state" in judgement.reason


@pytest.mark.parametrize(("number", "why"), [(0, "target"), (2, "not kept by halt[a]"), (3, "not kept by halt[b]")])
def test_refuses_a_clause_dropped(number: int, why: str) -> None:
    assert SECRET.invariant is not None
    clauses = SECRET.invariant.clauses
    # The seed in one place is kept from the other by nothing but its clause.
    judgement = CERTIFIER.certify(problem("data_secret"), proof(*clauses[:number], *clauses[number + 1 :]))
    assert not judgement.accepted
    assert why in judgement.reason


def test_refuses_a_proof_about_no_setting() -> None:
    """Of a contradiction everything follows, and it is no proof."""
    forbidden = problem("data_secret", Settings({CLEARS: False, SPILL: "often"}))
    for claim in (SECRET, proof(()), proof()):
        judgement = CERTIFIER.certify(forbidden, claim)
        assert not judgement.accepted
        assert "admissible" in judgement.reason
    assert isinstance(CERTIFIER.solve(forbidden), Undecided)


def test_refuses_what_does_not_hold_at_first() -> None:
    on = StateIs(StateName("power", ("a",)), "on")
    judgement = CERTIFIER.certify(problem("volatile_"), proof(clause(unless=(on,))))
    assert "first state" in judgement.reason


def test_refuses_the_invariant_of_another_property() -> None:
    assert "target" in CERTIFIER.certify(problem("data_secret"), VOLATILE).reason
    assert "target" in CERTIFIER.certify(problem("volatile_"), SECRET).reason


def test_refuses_a_proof_under_other_settings() -> None:
    assert "not kept by drop" in CERTIFIER.certify(problem("data_secret", Settings()), SECRET).reason
    assert "not kept by halt" in CERTIFIER.certify(problem("volatile_", Settings({SPILL: "never"})), VOLATILE).reason


def test_controls_and_capabilities_may_stand_in_clauses() -> None:
    often = ControlIs(SPILL, "often")
    claim = proof(
        *(clause(CapabilityOn(STEAL), SPILT[p], unless=(often,)) for p in "ab"),
        *(clause(Observed(seed(p)), unless=(often,)) for p in "ab"),
        *(clause(Observed(seed(p)), unless=(CapabilityOn(STEAL),)) for p in "ab"),
    )
    rare = Settings({SPILL: "rarely"})
    assert CERTIFIER.certify(problem("data_secret", rare), claim).accepted
    assert CERTIFIER.certify(problem("data_secret", Settings({}, {STEAL: False})), claim).accepted
    assert not CERTIFIER.certify(problem("data_secret", Settings()), claim).accepted


def test_what_a_place_can_never_hold_is_false() -> None:
    stray = Holds(PlaceName("table", ("a",)), DATA)
    kept = [clause(OFF[p], HELD[p]) for p in "ab"]
    assert CERTIFIER.certify(problem("volatile_"), proof(*kept, clause(stray))).accepted
    assert "first state" in CERTIFIER.certify(problem("volatile_"), proof(clause(unless=(stray,)))).reason


@pytest.mark.parametrize(
    "bit",
    [
        StateIs(StateName("power", ("c",)), "off"),
        StateIs(StateName("power", ("a",)), "asleep"),
        Holds(PlaceName("shelf", ()), DATA),
        ControlIs(ControlName("colour"), "red"),
        CapabilityOn(CapabilityName("fly")),
        Happened(ActionName("boot", ("c",))),
        Before(999_999, ()),
    ],
    ids=str,
)
def test_refuses_names_that_the_lifecycle_has_not(bit: Bit) -> None:
    judgement = CERTIFIER.certify(problem("volatile_"), proof(clause(OFF["a"], HELD["a"]), clause(bit)))
    assert "does not have" in judgement.reason


def test_refuses_settings_that_the_lifecycle_has_not() -> None:
    for settings in (Settings({SPILL: "always"}), Settings({}, {CapabilityName("fly"): True})):
        assert "the lifecycle has no" in CERTIFIER.certify(problem("volatile_", settings), VOLATILE).reason


@pytest.mark.parametrize(
    ("claim", "why"),
    [(Unreachable(None), "no invariant"), (NotWithin(7), "7 steps"), (Undecided("time ran out"), "time ran out")],
)
def test_refuses_what_is_no_proof(claim: Unreachable | NotWithin | Undecided, why: str) -> None:
    judgement = CERTIFIER.certify(problem("volatile_"), claim)
    assert not judgement.accepted
    assert why in judgement.reason


def test_unknown_is_no_acceptance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Solver, "check", lambda self, assumptions=(): "unknown")
    monkeypatch.setattr(Solver, "reason", lambda self: "tired")
    judgement = CERTIFIER.certify(problem("volatile_"), VOLATILE)
    assert not judgement.accepted
    assert "tired" in judgement.reason


def test_a_state_that_leaves_something_open_is_no_acceptance(monkeypatch: pytest.MonkeyPatch) -> None:
    context = CERTIFIER.context
    known, open_ = context.variable("known"), context.variable("open")
    state = context.state([(known, True)])
    assert state.truths([known, context.negation(known)]) == [True, False]
    with pytest.raises(SolverError):
        state.truths([open_])
    monkeypatch.setattr(CERTIFIER._traces, "_relevant", lambda target, steps: [])
    assert "open" in CERTIFIER.certify(problem("volatile_"), Reached(REBOOT)).reason


@pytest.mark.parametrize(("error", "why"), [(SolverError("broken"), "broken"), (MemoryError(), "memory")])
def test_a_solver_that_fails_is_no_acceptance(monkeypatch: pytest.MonkeyPatch, error: Exception, why: str) -> None:
    def fails(*_: object) -> str:
        raise error

    monkeypatch.setattr(Solver, "check", fails)
    judgement = CERTIFIER.certify(problem("volatile_"), VOLATILE)
    assert not judgement.accepted
    assert why in judgement.reason


def test_a_question_that_takes_too_long_is_unknown() -> None:
    # the pigeonhole principle, ten pigeons: far beyond a millisecond
    solver = CERTIFIER.context.solver(0.001)
    sits = [[CERTIFIER.context.variable(f"sits{p}.{h}") for h in range(10)] for p in range(11)]
    solver.add(*(CERTIFIER.context.disjunction(holes) for holes in sits))
    for hole in zip(*sits, strict=True):
        for i, first in enumerate(hole):
            for second in hole[:i]:
                solver.add(CERTIFIER.context.negation(CERTIFIER.context.conjunction([first, second])))
    assert solver.check() == "unknown"
    assert solver.reason()


# Traces


def stolen(**changes: object) -> Reached:
    return Reached(replace(STOLEN, **changes))


def test_accepts_a_true_trace() -> None:
    assert CERTIFIER.certify(problem("data_secret", SPILLING), Reached(STOLEN)).accepted
    assert CERTIFIER.certify(problem("data_secret", Settings()), Reached(STOLEN)).accepted
    assert CERTIFIER.certify(problem("reboots", honest=True), Reached(REBOOT)).accepted


def test_refuses_a_trace_with_steps_swapped() -> None:
    boot, write, drop, halt = STOLEN.actions
    asked = problem("data_secret", SPILLING)
    assert CERTIFIER.certify(asked, stolen(actions=(boot, drop, write, halt))).accepted  # these two commute
    swapped = (((write, boot, drop, halt), 1), ((boot, write, halt, drop), 4), ((boot, halt, drop, write), 3))
    for actions, step in swapped:
        judgement = CERTIFIER.certify(asked, stolen(actions=actions))
        assert not judgement.accepted
        assert judgement.reason == f"step {step}: {actions[step - 1]} is not enabled"


def test_refuses_a_trace_with_a_step_dropped() -> None:
    boot, write, drop, halt = STOLEN.actions
    asked = problem("data_secret", SPILLING)
    for actions in ((boot, write, drop), (boot, write, halt), (boot, drop, halt)):
        assert "does not end" in CERTIFIER.certify(asked, stolen(actions=actions)).reason
    assert "not enabled" in CERTIFIER.certify(asked, stolen(actions=(write, drop, halt))).reason


def test_refuses_a_trace_of_another_configuration() -> None:
    asked = problem("data_secret", SPILLING)
    rarely = ((CLEARS, True), (SPILL, "rarely"))
    assert "configuration" in CERTIFIER.certify(asked, stolen(controls=rarely)).reason
    assert "not enabled" in CERTIFIER.certify(problem("data_secret", Settings()), stolen(controls=rarely)).reason
    blind = ((STEAL, False), (FORGE, False))
    assert "configuration" in CERTIFIER.certify(asked, stolen(capabilities=blind)).reason
    assert "does not end" in CERTIFIER.certify(problem("data_secret", Settings()), stolen(capabilities=blind)).reason
    more = ((STEAL, True), (FORGE, True))
    assert "configuration" in CERTIFIER.certify(asked, stolen(capabilities=more)).reason


def test_refuses_a_trace_that_a_constraint_forbids() -> None:
    unclear = ((CLEARS, False), (SPILL, "often"))
    assert "admissible" in CERTIFIER.certify(problem("data_secret", Settings()), stolen(controls=unclear)).reason


def test_refuses_a_trace_to_another_target() -> None:
    assert "does not end" in CERTIFIER.certify(problem("volatile_", SPILLING), Reached(STOLEN)).reason
    assert "does not end" in CERTIFIER.certify(problem("data_secret"), Reached(REBOOT)).reason


def test_an_honest_trace_uses_no_attacker() -> None:
    forged = Trace(REBOOT.controls, ((STEAL, False), (FORGE, True)), REBOOT.initial, (ActionName("forge", ()),))
    assert CERTIFIER.certify(problem("forged"), Reached(forged)).accepted
    assert "attacker" in CERTIFIER.certify(problem("forged", honest=True), Reached(forged)).reason
    unlit = replace(forged, initial=((StateName("lit"), False),))
    assert "not enabled" in CERTIFIER.certify(problem("forged"), Reached(unlit)).reason
    sighted = replace(REBOOT, capabilities=((STEAL, True), (FORGE, False)))
    assert CERTIFIER.certify(problem("reboots"), Reached(sighted)).accepted
    assert "configuration" in CERTIFIER.certify(problem("reboots", honest=True), Reached(sighted)).reason


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"controls": STOLEN.controls[:1]}, "controls"),
        ({"capabilities": ()}, "capabilities"),
        ({"initial": ()}, "first values"),
        ({"initial": ((StateName("lit"), True), (StateName("epoch"), 1))}, "first values"),
        ({"controls": ((CLEARS, True), (SPILL, "always"))}, "configuration"),
        ({"actions": (ActionName("boot", ("c",)),)}, "no action boot[c]"),
    ],
)
def test_refuses_a_trace_that_is_none(changes: dict[str, object], why: str) -> None:
    assert why in CERTIFIER.certify(problem("data_secret", SPILLING), stolen(**changes)).reason


def test_the_end_of_a_range_is_reached() -> None:
    tick = ActionName("tick", ())
    asked = Problem(LIFECYCLE, TIDY, OutOfRange())
    assert CERTIFIER.certify(asked, Reached(replace(REBOOT, actions=(tick, tick)))).accepted
    assert "does not end" in CERTIFIER.certify(asked, Reached(replace(REBOOT, actions=(tick,)))).reason
    assert "not enabled" in CERTIFIER.certify(asked, Reached(replace(REBOOT, actions=(tick, tick, tick)))).reason


def test_a_trace_of_no_steps() -> None:
    asked = Problem(LIFECYCLE, TIDY, Reach((), Truth(True)))
    assert CERTIFIER.certify(asked, Reached(replace(REBOOT, actions=()))).accepted


# Deduction on its own

RING = """
lifecycle ring "keys that wrap each other" status assumed
component host outside
capability look "sees"
secret k1, k2, k3, data
place heap persistent at host
place drawer persistent at host
exposes heap to look
action fill by host then heap gains enc(k1, k2) ideal; heap gains enc(k2, k3) ideal; heap gains enc(k3, k1) ideal
action store by host then heap gains enc(k2, data) ideal
action slip by host then drawer gains KEY
action lay by host then heap gains all of drawer
property safe never attacker knows data
property whole never attacker knows k2 and attacker knows k1 and attacker knows k3
"""


@pytest.mark.parametrize("key", ["k1", "k2", "k3"])
def test_a_ring_of_keys_opens_with_any_of_them(key: str) -> None:
    lifecycle = load_text(RING.replace("KEY", key)).lifecycle
    certifier = Certifier(lifecycle)
    run = tuple(ActionName(name, ()) for name in ("fill", "store", "slip", "lay"))
    on = ((CapabilityName("look"), True),)
    for rule in lifecycle.properties:
        asked = Problem(lifecycle, Settings(), Reach((), rule.target))
        assert certifier.certify(asked, Reached(Trace((), on, (), run))).accepted
        needed = {"safe": run if key != "k2" else run[1:], "whole": (run[0], *run[2:])}[rule.name]
        for action in needed:
            rest = tuple(a for a in needed if a != action)
            assert not certifier.certify(asked, Reached(Trace((), on, (), rest))).accepted
        assert certifier.certify(asked, Reached(Trace((), on, (), needed))).accepted


def test_a_ring_of_keys_opens_with_none_of_them() -> None:
    held = [clause(Observed(Atom(name, (), False))) for name in ("k1", "k2", "k3", "data")]
    for text, accepted in ((RING.replace("KEY", "k3"), False), (RING.replace("KEY", "data"), False)):
        lifecycle = load_text(text).lifecycle
        asked = Problem(lifecycle, Settings(), Reach((), lifecycle.properties[0].target))
        assert Certifier(lifecycle).certify(asked, proof(*held)).accepted == accepted
    lifecycle = load_text(RING.replace("action slip by host then drawer gains KEY\n", "")).lifecycle
    for rule in lifecycle.properties:
        asked = Problem(lifecycle, Settings(), Reach((), rule.target))
        assert Certifier(lifecycle).certify(asked, proof(*held)).accepted
