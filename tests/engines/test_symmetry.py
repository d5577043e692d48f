"""Which members may be exchanged: of each way in which a text can tell two apart, one that does."""

from __future__ import annotations

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.engines.circuit import Circuit
from keyfate.engines.decide import Engine
from keyfate.engines.provers import Reachable, Said
from keyfate.engines.sat import Clock
from keyfate.language.loading import load_text
from keyfate.lifecycle.names import CapabilityName, ControlName
from keyfate.lifecycle.problem import Problem, Reach, Settings, Unreachable
from keyfate.lifecycle.symmetry import Symmetries, Symmetry

TEXT = """
lifecycle pens "pens of owners" status assumed
sort Owner = ann | bob | cid
sort Size = 0 .. 4
MORE
control own[Owner] : bool
capability look[Owner]
component host inside
state pen[Owner] : Owner or none = none
state size : Size = 0
action give[o: Owner, other: Owner] by host when own[o] GUARD then pen[other] := o; size := size + 1
property lent for o: Owner, other: Owner, n: Size never pen[o] = other and size = n AND
property about_ann never pen[ann] = bob
"""


def found(settings: Settings | None = None, **words: str) -> Symmetry:
    text = TEXT
    for word in ("MORE", "GUARD", "AND"):
        text = text.replace(word, words.get(word, ""))
    lifecycle = load_text(text).lifecycle
    rule = next(rule for rule in lifecycle.properties if rule.name == "lent")
    return Symmetries(lifecycle).of(Problem(lifecycle, settings or Settings(), Reach(rule.binders, rule.target)))


def together(of: Symmetry) -> list[tuple[object, ...]]:
    return sorted(map(tuple, set(of.place.values())))


def test_members_that_no_text_names_stand_for_each_other_and_numbers_do_not() -> None:
    of = found()
    assert of.sorts == ("Owner",)
    assert together(of) == [("ann", "bob", "cid")]
    assert of.representatives == tuple((a, b, n) for a, b in (("ann", "ann"), ("ann", "bob")) for n in range(5))
    taken = {tuple(members.get(one, one) for one in first) for first in of.representatives for members in of.images}
    assert len(taken) == 45  # every instance


@pytest.mark.parametrize(
    "words",
    [
        {"GUARD": "and other != ann"},
        {"AND": "and pen[o] != ann"},
        {"MORE": "control first : ann | nobody"},
        {"MORE": "control first : ann | none_of_them\nconstraint first = ann or not own[bob] or not own[cid]"},
        {"MORE": "state last : ann | nobody = nobody"},
        {"MORE": "constraint own[ann]"},
        {"MORE": "secret key_of[Owner]\nplace safe persistent at host starts with key_of[ann]"},
    ],
)
def test_a_member_that_a_text_names_stands_for_none(words: dict[str, str]) -> None:
    assert "ann" not in found(**words).place


@pytest.mark.parametrize(
    "settings",
    [
        Settings({ControlName("own", ("ann",)): True}),
        Settings({ControlName("own", (name,)): name == "ann" for name in ("ann", "bob", "cid")}),
        Settings({}, {CapabilityName("look", ("ann",)): False}),
    ],
)
def test_a_member_that_is_set_otherwise_stands_for_none(settings: Settings) -> None:
    assert together(found(settings)) == [("bob", "cid")]


def test_members_that_are_set_alike_stand_for_each_other() -> None:
    alike = Settings({ControlName("own", (name,)): True for name in ("ann", "bob", "cid")})
    assert together(found(alike)) == [("ann", "bob", "cid")]


LOCKS = """
lifecycle locks "locks alike" status assumed
sort Lock = one | two | three
component host inside
state shut[Lock] : bool = true
state lost[Lock] : bool = false
action open[l: Lock] by host when shut[l] then shut[l] := false
action lose[l: Lock] by host when lost[l] then lost[l] := false
property closed for l: Lock never not shut[l]
property kept for l: Lock never lost[l]
"""


def of_locks(name: str) -> Problem:
    lifecycle = load_text(LOCKS).lifecycle
    rule = next(rule for rule in lifecycle.properties if rule.name == name)
    return Problem(lifecycle, Settings(), Reach(rule.binders, rule.target))


def test_the_proof_of_one_instance_is_told_of_all() -> None:
    problem = of_locks("kept")
    finding = Engine(problem.lifecycle).decide(problem)
    assert isinstance(finding, Unreachable)
    assert Certifier(problem.lifecycle).certify(problem, finding).accepted


def test_another_prover_is_asked_for_each_instance() -> None:
    """Else its opinion would be none on symmetry, and a shorter run of another instance could be missed by all."""
    problem = of_locks("closed")
    lifecycle = problem.lifecycle
    heard: list[int] = []

    def prover(circuit: Circuit, clock: Clock) -> Said:
        heard.append(len(circuit.parts))
        return Reachable()

    assert Engine(lifecycle, prover).decide(problem) == Engine(lifecycle).decide(problem)
    assert heard == [3]
    engine = Engine(lifecycle)
    assert len(engine.question(problem, symmetry=Symmetries(lifecycle).of(problem)).circuit.parts) == 1
