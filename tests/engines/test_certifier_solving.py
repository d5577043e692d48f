"""Deciding by Z3 alone: the right verdict, shortest traces, invariants that the judge accepts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings

from drawing import lifecycles
from keyfate.certifier.certify import Certifier
from keyfate.certifier.induction import Induction
from keyfate.certifier.spacer import Spacer
from keyfate.certifier.system import System, reduced
from keyfate.language.loading import load_text
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.names import BitLiteral, CapabilityName, ControlName
from keyfate.lifecycle.problem import (
    Budget,
    Enabled,
    Invariant,
    NotWithin,
    OutOfRange,
    Problem,
    Reach,
    Reached,
    Settings,
    Target,
    Undecided,
    Unreachable,
)
from keyfate.policy.loading import load_policy

TEXT = """
lifecycle relay "a key handed on" status assumed
sort P = a | b | c
sort E = 0 .. 2
control lax : bool
control pace : slow | even | fast
capability look "sees"
component cpu inside
component host outside
secret root[P], data
place cell[P] volatile at cpu
place disk persistent at host
state turn : P = a
state busy[P] : idle | ready | done = idle
state epoch : E = 0
state lamp : red | green | blue = any
exposes disk to look when epoch = 2
action make by cpu when true then cell[a] gains root[a]
action hand[p: P, q: P] by cpu when turn = p and p != q and (q = b or p = b)
  then turn := q; cell[q] gains all of cell[p]; clear cell[p]
action work[p: P] by cpu when turn = p and busy[p] = idle then busy[p] := ready
action rest[p: P] by cpu when busy[p] = ready and once (did work[p]) then busy[p] := done
action store by cpu when lax and turn = c then disk gains all of cell[c]
action lock by cpu when pace != slow then disk gains enc(root[a], data) ideal
action tick by host when true then epoch := epoch + 1
constraint pace = fast or not lax
property data_secret never attacker knows data
property in_turn never some p: P { cell[p] has root[a] and turn != p }
property worked for p: P when busy[p] = done never not once (did work[p])
property later possible busy[c] = done
property relit for p: P when lamp = red and turn = p never once lamp = green
"""
LIFECYCLE = load_text(TEXT).lifecycle
CERTIFIER = Certifier(LIFECYCLE)
TARGETS = {p.name: Reach(p.binders, p.target) for p in LIFECYCLE.properties}
LAX, PACE, LOOK = ControlName("lax"), ControlName("pace"), CapabilityName("look")


def problem(name: str, settings: Settings, *, honest: bool = False) -> Problem:
    return Problem(LIFECYCLE, settings, TARGETS[name], honest)


CASES = [
    (problem("data_secret", Settings()), 7),
    (problem("data_secret", Settings({LAX: True})), 7),
    (problem("data_secret", Settings({LAX: False})), None),
    (problem("data_secret", Settings({}, {LOOK: False})), None),
    (problem("in_turn", Settings()), 2),
    (problem("worked", Settings()), None),
    (problem("later", Settings(), honest=True), 4),
    (problem("relit", Settings({PACE: "slow"})), None),
    (Problem(LIFECYCLE, Settings(), OutOfRange()), 2),
    (Problem(LIFECYCLE, Settings({PACE: "even"}), Enabled(frozenset({"store"}))), None),
]


@pytest.mark.parametrize(("asked", "steps"), CASES, ids=range(len(CASES)))
def test_decides(asked: Problem, steps: int | None) -> None:
    finding = CERTIFIER.solve(asked)
    if steps is None:
        assert isinstance(finding, Unreachable)
    else:
        assert isinstance(finding, Reached)
        assert len(finding.trace.actions) == steps
        assert finding.shortest
    judgement = CERTIFIER.certify(asked, finding)
    assert judgement.accepted, judgement.reason


def test_of_no_admissible_setting_nothing_is_decided() -> None:
    finding = CERTIFIER.solve(Problem(LIFECYCLE, Settings({PACE: "even", LAX: True}), OutOfRange()))
    assert isinstance(finding, Undecided)
    assert "admissible" in finding.reason


def system(asked: Problem) -> System:
    encoding = CERTIFIER.encoding
    assumed, settings = CERTIFIER.assumptions(asked), CERTIFIER.open(asked)
    return reduced(encoding, assumed, settings, CERTIFIER.steps(asked), encoding.target(asked))


def invariant(of: System, clauses: Iterable[tuple[int, ...]]) -> Unreachable:
    meaning = CERTIFIER.encoding.bits.meaning
    constants = [(v if value > 0 else -v,) for v, value in of.constant.items()]
    named = [tuple(BitLiteral(meaning[abs(bit)], bit > 0) for bit in clause) for clause in (*constants, *clauses)]
    return Unreachable(Invariant(tuple(named), of.actions))


@pytest.mark.parametrize("prover", [Induction, Spacer])
@pytest.mark.parametrize(("asked", "steps"), CASES[2:7], ids=range(2, 7))
def test_each_prover_alone(prover: type[Induction] | type[Spacer], asked: Problem, steps: int | None) -> None:
    encoding, of = CERTIFIER.encoding, system(asked)
    proving = prover(encoding.formulas, of, encoding.bits.exactly_one)
    answer = proving.prove(120.0)
    if steps is not None:
        assert answer == "sat"
        return
    assert answer == "unsat"
    clauses = proving.clauses()
    assert clauses is not None
    judgement = CERTIFIER.certify(asked, invariant(of, clauses))
    assert judgement.accepted, judgement.reason
    if clauses:  # which the proof needs
        assert not CERTIFIER.certify(asked, invariant(of, ())).accepted


def test_of_a_state_some_values_may_be_outside_the_question(root: Path) -> None:
    """Formulas are simplified by that a state has one value; a model with two made the proof fail with a crash."""
    policy = load_policy(root / "examples" / "laptop" / "careful.policy.toml")
    rule = next(known for known in policy.lifecycle.properties if known.name == "confidentiality")
    certifier = Certifier(policy.lifecycle)
    asked = Problem(policy.lifecycle, policy.settings, Reach(rule.binders, rule.target))
    encoding = certifier.encoding
    assumed, settings = certifier.assumptions(asked), certifier.open(asked)
    of = reduced(encoding, assumed, settings, certifier.steps(asked), encoding.target(asked))
    assert Induction(encoding.formulas, of, encoding.bits.exactly_one).prove(120.0) == "unsat"


def test_a_proof_may_be_made_in_many_turns() -> None:
    asked = problem("data_secret", Settings({LAX: False}))
    encoding, of = CERTIFIER.encoding, system(asked)
    proving = Induction(encoding.formulas, of, encoding.bits.exactly_one)
    turns = 0
    while proving.prove(0.02) == "unknown":
        turns += 1
        assert turns < 10_000
    assert CERTIFIER.certify(asked, invariant(of, proving.clauses())).accepted


def test_slicing_leaves_out_what_cannot_matter() -> None:
    of = system(problem("data_secret", Settings({LAX: False})))
    assert "rest" not in of.actions
    assert not any("lamp" in str(CERTIFIER.encoding.bits.meaning[v]) for v in of.moving)


def test_budgets() -> None:
    asked = problem("data_secret", Settings())
    assert CERTIFIER.solve(asked, Budget(steps=6)) == NotWithin(6)
    assert isinstance(CERTIFIER.solve(asked, Budget(steps=7)), Reached)
    finding = CERTIFIER.solve(asked, Budget(seconds=0.0))
    assert isinstance(finding, Undecided)
    assert "0 s" in finding.reason


def test_settings_that_the_lifecycle_has_not() -> None:
    finding = CERTIFIER.solve(problem("worked", Settings({PACE: "leisurely"})))
    assert isinstance(finding, Undecided)
    assert "pace" in finding.reason


@settings(max_examples=20)
@given(text=lifecycles())
def test_agrees_with_the_interpreter(text: str) -> None:
    try:
        lifecycle = load_text(text).lifecycle
        compare(lifecycle)
    except LifecycleError:
        return  # effects that disagree; a matter of other tests


def compare(lifecycle: Lifecycle) -> None:
    certifier = Certifier(lifecycle)
    asked: list[tuple[Target, bool]] = [
        (Reach(p.binders, p.target), p.kind == "possible") for p in lifecycle.properties
    ]
    asked += [(OutOfRange(), False), *((Enabled(frozenset({action.name})), False) for action in lifecycle.actions)]
    for target, honest in asked:
        question = Problem(lifecycle, Settings(), target, honest)
        truth = explore(question, limit=1_500).finding
        if isinstance(truth, Undecided):
            continue  # too many states for the interpreter
        finding = certifier.solve(question)
        assert type(finding) is type(truth), target
        if isinstance(finding, Reached) and isinstance(truth, Reached):
            assert len(finding.trace.actions) == len(truth.trace.actions), target
        judgement = certifier.certify(question, finding)
        assert judgement.accepted, (judgement.reason, target)
