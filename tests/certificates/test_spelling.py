"""Names of bits as text and back."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given

from drawing import lifecycles
from keyfate.certifier.certify import Certifier
from keyfate.checking.claims import instances
from keyfate.checking.problem_data import problem_data, read_problem
from keyfate.language.library import folder
from keyfate.language.loading import load, load_text
from keyfate.language.typed import Lifecycle, Past
from keyfate.lifecycle.names import (
    Before,
    Bit,
    CapabilityName,
    ControlIs,
    ControlName,
    Holds,
    PlaceName,
    StateIs,
)
from keyfate.lifecycle.problem import Implicant, Problem, Reach, Settings
from keyfate.lifecycle.showing import show_condition
from keyfate.lifecycle.spelling import Spelling, SpellingError
from keyfate.lifecycle.trees import nodes
from keyfate.lifecycle.universe import key_name
from vault import LIFECYCLE


def bits(of: Lifecycle) -> list[Bit]:
    """What the certifier makes of the lifecycle and of all its properties, and values that need no variable."""
    certifier = Certifier(of)
    for rule in of.properties:
        certifier.encoding.target(Problem(of, Settings(), Reach(rule.binders, rule.target)))
    found = list(certifier.encoding.bits.meaning.values())
    found += [ControlIs(n, v) for n, cases in certifier.encoding.bits.controls.items() for v in cases]
    return found + [StateIs(n, v) for n, cases in certifier.encoding.bits.states.items() for v in cases]


def check_round_trip(of: Lifecycle) -> None:
    named = {name: term for term, name in key_name(of).items()}
    for spelling in (Spelling(of), Spelling(of, named)):
        again = Spelling(of, named)
        for bit in bits(of):
            assert again.bit(spelling.show(bit)) == bit


@given(lifecycles())
def test_every_bit_of_a_drawn_lifecycle(text: str) -> None:
    check_round_trip(load_text(text).lifecycle)


LIBRARY = sorted(folder("models").glob("*.kf"))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_every_bit_of_the_library(path: object) -> None:
    check_round_trip(load(path).lifecycle)


def test_the_library_remembers_much() -> None:
    """Most of its lifecycles ask for the past, so that the spelling of its bits is tried."""
    remembering = [path for path in LIBRARY if any(isinstance(bit, Before) for bit in bits(load(path).lifecycle))]
    assert len(remembering) > len(LIBRARY) / 2


TEXT = """
lifecycle odd status assumed
sort P = a | b
component host outside
secret s[P]
place shelf persistent at host
state on[P] : bool = false
action put[p: P] by host then shelf gains kdf("a \\\\ \\"b\\", (", s[p])  ideal; on[p] := true
action take[p: P] by host when on[p] then on[p] := false
property first for p: P never on[p] and not once (did put[p])
property second for p: P never (not on[p]) since (did take[p])
"""


def test_labels_and_latches() -> None:
    of = load_text(TEXT).lifecycle
    check_round_trip(of)
    spelling = Spelling(of)
    pasts = {node.identity: node for node in nodes(of) if isinstance(node, Past)}
    shown = {show_condition(past) for past in pasts.values()}
    assert {"once did put[p]", "(not on[p] = true) since did take[p]"} & shown
    texts = sorted(spelling.show(bit) for bit in bits(of) if isinstance(bit, Before))
    assert texts[0] == "latch 1[p = a] of once did put[p]"
    assert len(texts) == 4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "state",
        "state on[a]",
        "state on[c] = true",
        "state on[a] = maybe",
        "control on[a] = true",
        "place shelf has",
        "place shelf",
        "place shelf has s",
        "place shelf has s[a",
        "place shelf has s[a])",
        "place shelf has hash(s[a]",
        "place shelf has hash(s[a],s[b])",
        'place shelf has kdf("x, s[a])',
        "place shelf has boil(s[a])",
        "observed " + "hash(" * 300 + "s[a]" + ")" * 300,
        "happened put",
        "happened put[c]",
        "latch 0[p = a] of once did put[p]",
        "latch 1[p = c] of once did put[p]",
        "latch 1[q = a] of once did put[p]",
        "latch 1 of once did put[p]",
        "latch 1[p = a] of once did take[p]",
        "latch 3[p = a] of once did put[p]",
        "latch 1[p = a]",
    ],
)
def test_what_names_nothing(text: str) -> None:
    with pytest.raises(SpellingError):
        Spelling(load_text(TEXT).lifecycle).bit(text)


def test_every_field_of_a_problem() -> None:
    of = load_text(LIFECYCLE).lifecycle
    rule = next(r for r in of.properties if r.name == "gone_is_gone")
    root, wipe, peek = ControlName("root"), ControlName("wipe"), CapabilityName("peek", ("left",))
    asked = Problem(
        of,
        Settings({root: "tpm"}, {peek: False}),
        list(instances(rule))[1],
        honest=True,
        excluded=(Implicant(((wipe, (True, False)),), ((peek, True),)), Implicant()),
    )
    assert len(fields(Problem)) == 5, "a new field must be written too"
    for problem in (asked, Problem(of, Settings(), Reach(rule.binders, rule.when))):
        assert read_problem(json.loads(json.dumps(problem_data(problem, rule))), of, rule, Spelling(of)) == problem


def test_terms_by_their_own_names() -> None:
    of = load_text(TEXT).lifecycle
    plain = Spelling(of)
    term = plain.term("enc(s[a], hash(s[b]))")
    named = Spelling(of, {"box[a]#2": term})
    bit = Holds(PlaceName("shelf"), term)
    assert named.show(bit) == "place shelf has box[a]#2"
    assert named.bit("place shelf has box[a]#2") == bit
    assert named.term("pub(box[a]#2)").args == (term,)
    with pytest.raises(SpellingError):
        plain.term("box[a]#2")
