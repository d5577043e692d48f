"""Warnings: volatile places that a power event leaves (R4), secrets that no place holds (R14), what can never be."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.language.loading import load_text
from keyfate.language.source import Diagnostic
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.contents import Contents
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.impossible import empty_places, impossible
from keyfate.lifecycle.instances import capability_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.lints import lint, uncleared_places, unplaced_secrets
from keyfate.lifecycle.names import Atom, Compound, Term
from keyfate.lifecycle.problem import Enabled, Problem, Reached, Settings
from semantics.small import lifecycle
from semantics.test_drawn import drawn_controls, walk

POWER = """
  sort P = alpha | beta
  secret k
  place ram[P] volatile at cpu
  place regs volatile at cpu
  place disk persistent at host starts with k
  state on : bool = true
  action reset[p: P] by cpu power event then %s
  action halt by cpu then on := false
"""


@pytest.mark.parametrize(
    ("effects", "left"),
    [
        ("on := false", ["`ram`", "`regs`"]),
        ("clear ram[p]", ["`regs`"]),
        ("if on { clear ram[p] } else { ram[p] becomes disk }; regs becomes {k}", []),
        ("clear ram[p]; regs loses k", ["`regs`"]),
        ("for q: P { clear ram[q] }; regs gains all of disk", ["`regs`"]),
    ],
)
def test_power_events_should_clear_what_is_volatile(effects: str, left: list[str]) -> None:
    found = uncleared_places(lifecycle(POWER % effects))
    assert [d.code for d in found] == ["KF304"] * len(left)
    assert all(d.severity == "warning" and "`reset`" in d.message for d in found)
    assert [place for d, place in zip(found, left, strict=True) if place in d.message] == left


@pytest.mark.parametrize(
    ("effect", "placed"),
    [
        ("disk gains m", True),
        ("disk gains enc(k, m) ideal", True),
        ("disk gains wrap(k, pair(k, seal(k, m))) ideal", True),
        ("disk becomes {k, aenc(pub(k), m)} ideal", True),
        ("disk gains enc(m, k) ideal", False),
        ('disk gains kdf("x", m) ideal', False),
        ("disk gains if on then m else k", True),
        ("disk gains b using disk", True),
        ("disk loses m", False),
    ],
)
def test_secrets_should_enter_a_place(effect: str, placed: bool) -> None:
    text = f"""
      secret k, m
      place disk persistent at host starts with k
      state on : bool = true
      message Blob = enc(k, m)
      action put[b: Blob] by cpu then {effect}
    """
    if effect.startswith("disk gains if"):
        text = text.replace("m else k", "m else k ideal")
    found = unplaced_secrets(lifecycle(text))
    assert [(d.code, "`m`" in d.message, d.severity) for d in found] == ([] if placed else [("KF305", True, "warning")])


def test_lint_is_all_of_them() -> None:
    of = lifecycle(POWER.replace("secret k", "secret k, m") % "on := false")
    assert [d.code for d in lint(of)] == ["KF304", "KF304", "KF305"]


WORLD = """
  capability see
  sort P = alpha | beta
  secret k, m, root[P]
  public address
  key storage[p: P] = kdf("storage", root[p])
  def blob = enc(k, m)
  message Blob = enc(m, k)
  state on : bool = true
  place safe persistent at cpu starts with k
  place fuses[p: P] persistent at cpu starts with root[p]
  place disk persistent at host
  place empty persistent at host
  exposes disk to see
"""


def told(found: tuple[Diagnostic, ...]) -> list[str]:
    return [f"{d.code} {d.span.text}" for d in found]


@pytest.mark.parametrize(
    ("effects", "warned"),
    [
        ("disk gains m", []),
        ("disk gains blob using safe", ["KF315 disk gains blob using safe"]),
        ("disk gains blob using safe, disk", ["KF315 disk gains blob using safe, disk"]),
        ("disk gains hash(k) using safe", []),
        ("disk gains storage[alpha] using fuses", []),
        ("disk gains storage[alpha] using fuses[beta]", []),  # indices are believed to fit
        ("disk gains storage[alpha] using safe", ["KF315 disk gains storage[alpha] using safe"]),
        ("disk becomes {k, root[alpha]} using safe", ["KF315 disk becomes {k, root[alpha]} using safe"]),
        ("disk gains m ideal", []),
        ("leaks m using safe to see", ["KF315 leaks m using safe to see"]),
        ("if on { disk gains blob using safe }", ["KF315 disk gains blob using safe"]),
        ("if on { disk gains k } else { disk gains blob using safe }", ["KF315 disk gains blob using safe"]),
        ("if on { disk gains k } else { safe gains m } action tell by cpu then leaks m using safe to see", []),
        ("disk gains if on then blob else k using safe", []),
        ("safe loses m; disk gains k", ["KF317 safe loses m"]),
        ("safe loses k; disk gains k", []),
        ("safe gains all of fuses[alpha]; safe loses root[beta]; disk gains k", []),
        ("if safe has m { disk gains m }; disk gains k", ["KF316 if safe has m { disk gains m }"]),
        ("if safe has k { disk gains m }", []),
        ("for p: P where empty yields root[p] { disk gains m }; disk gains k", ["KF316 for p: P where"]),
    ],
)
def test_sources_that_can_never_be_there(effects: str, warned: list[str]) -> None:
    of = lifecycle(WORLD + f"action act by cpu then {effects}")
    found = [said for said in told(impossible(of)) if not said.startswith("KF318")]
    assert len(found) == len(warned), found
    assert all(said.startswith(start) for said, start in zip(found, warned, strict=True))


@pytest.mark.parametrize(
    ("guard", "warned"),
    [
        ("safe has k", False),
        ("safe has m", True),
        ("not safe has m", False),
        ("not not safe has m", True),
        ("safe has m or on", False),
        ("safe has m and on", True),
        ("safe has m or safe has root[alpha]", True),
        ("(safe, fuses) yields enc(k, root[alpha])", False),
        ("(safe, fuses) yields enc(k, m)", True),
        ("some p: P { fuses[p] has root[p] }", False),
        ("all p: P { safe has root[p] }", True),
        ("once safe has m", True),
        ("historically safe has m", True),
        ("previously safe has m", True),
        ("on since safe has m", True),
        ("safe has m since on", False),
        ("not once safe has m", False),
        ("once did act", True),
        ("not once did act", False),
        ("once did put", False),
        ("on implies safe has m", False),
        ("false", True),
    ],
)
def test_guards_that_can_never_hold(guard: str, warned: bool) -> None:
    of = lifecycle(WORLD + f"action put by cpu then disk gains k\n action act by cpu when {guard}")
    assert told(impossible(of)) == (["KF316 act"] if warned else [])


def test_what_follows_from_the_impossible_is_impossible() -> None:
    of = lifecycle(
        WORLD
        + """
        action first by cpu then empty gains enc(k, m) using safe
        action second by cpu then disk gains m using empty, safe
        action third by cpu when once did second then disk gains k
        """
    )
    assert [said.split()[0] for said in told(impossible(of))] == ["KF318", "KF315", "KF315", "KF316"]
    assert not {"first", "second", "third"} & Contents(of).happening


def test_what_the_attacker_can_never_know() -> None:
    text = """
      action put by cpu then disk gains k
      action write by attacker needs see then disk gains %s
      action act by attacker needs see when attacker knows %s then disk gains k
    """
    assert told(impossible(lifecycle(WORLD + text % ("hash(k)", "k")))) == []
    both = impossible(lifecycle(WORLD + text % ("enc(k, m)", "m")))
    assert told(both) == ["KF315 disk gains enc(k, m)", "KF316 act"]
    assert both[1].help == "all that anybody ever sees: `k`"
    hidden = WORLD.replace("exposes disk to see", "exposes disk to see when safe has m")
    assert told(impossible(lifecycle(hidden + text % ("k", "address")))) == [
        "KF316 exposes disk to see when safe has m",
        "KF315 disk gains k",
        "KF315 disk gains k",
    ]


def test_a_parameter_over_messages_is_one_of_them() -> None:
    text = WORLD + "action put by cpu then disk gains m; disk gains k\n action act[b: Blob] by attacker then %s"
    assert told(impossible(lifecycle(text % "disk gains b"))) == []
    quiet = text.replace("exposes disk to see", "")
    assert told(impossible(lifecycle(quiet % "disk gains b"))) == ["KF315 disk gains b"]


def test_places_that_nothing_enters() -> None:
    text = WORLD + "exposes empty to see action act by cpu then %s"
    (found,) = impossible(lifecycle(text % "clear empty; disk gains all of empty; disk gains k"))
    assert (found.code, found.span.text) == ("KF318", "empty")
    shown = [(label.span.text, label.text) for label in found.labels]
    assert shown == [
        ("exposes empty to see", "so this shows nothing"),
        ("disk gains all of empty", "so this copies nothing"),
        ("clear empty", "so this removes nothing"),
    ]
    assert impossible(lifecycle(text % "empty gains k; disk gains k")) == ()
    hidden = text.replace("exposes empty to see", "")
    assert impossible(lifecycle(hidden % "disk gains k")) == ()  # for `keyfate lint`
    assert told(empty_places(lifecycle(hidden % "disk gains k"))) == ["KF318 empty"]
    assert empty_places(lifecycle(hidden % "empty gains blob using safe")) == ()  # the action is warned of


def test_a_warning_names_what_the_lifecycle_names() -> None:
    text = "action put by cpu then disk gains m action act by cpu then disk gains storage[alpha] using disk"
    (found,) = impossible(lifecycle(WORLD + text))
    assert found.message == "`act` can never happen: `disk` never yields `storage`"
    assert [label.text for label in found.labels] == ["all that ever enters it: `m`"]


def test_terms_of_too_many_shapes_are_left_alone() -> None:
    deep = "k"
    for _ in range(9):
        deep = f"(if on then hash({deep}) else mac(k, {deep}))"
    assert impossible(lifecycle(WORLD + f"action act by cpu then disk gains {deep} using empty")) == ()


def test_a_long_way_to_go_is_not_gone() -> None:
    """Each action waits for the one behind it, so that every round of the fixpoint brings one more."""
    number = 400
    chain = "".join(f"action a{n} by cpu when once did a{n + 1}\n" for n in range(number))
    last = f"action a{number} by cpu action put by cpu then disk gains k"
    text = f"{WORLD}{chain}{last} action act by cpu then disk gains hash(m) using safe"
    assert impossible(lifecycle(text)) == ()
    assert told(impossible(lifecycle(text.replace(chain, "")))) == ["KF315 disk gains hash(m) using safe"]


def test_a_loop_that_may_stay_empty_stops_nothing() -> None:
    where = "action act by cpu then for p: P where %s { safe gains blob using safe }; disk gains k"
    assert "act" in Contents(lifecycle(WORLD + where % "on")).happening
    assert "act" not in Contents(lifecycle(WORLD + where.replace("where %s ", ""))).happening


def test_what_is_lost_from_an_empty_place_is_said_of_the_place() -> None:
    text = WORLD + "action act by cpu then empty loses k; disk gains k"
    assert told(impossible(lifecycle(text))) == []
    (found,) = empty_places(lifecycle(text))
    assert [label.text for label in found.labels] == ["so this removes nothing"]


def shape(term: Term) -> Term:
    if isinstance(term, Atom):
        return Atom(term.name, (), term.public)
    return Compound(term.function, term.label, tuple(map(shape, term.args)))


@given(lifecycles(), st.data())
def test_what_is_in_a_place_was_thought_possible(text: str, data: st.DataObject) -> None:
    of = load_text(text).lifecycle
    assume(not conflicts(of))
    interpreter = Interpreter(of, drawn_controls(of, data), dict.fromkeys(capability_names(of), True))
    assume(interpreter.admissible())
    contents = Contents(of)
    for state in walk(interpreter, data, 10):
        assert {name.name for name in interpreter.enabled(state)} <= contents.happening
        assert {shape(term) for term in state.observed} <= contents.observed
        for place, content in state.places.items():
            assert {shape(term) for term in content} <= contents.places[place.name]
        for exposure in of.exposures:
            holds = [
                v for v in ("a", "b") if interpreter.holds(exposure.condition, dict.fromkeys(_free(exposure), v), state)
            ]
            assert not holds or contents.can_hold(exposure.condition)


def _free(exposure: object) -> list[str]:
    return [param.name for param in getattr(exposure, "params", ())]


@given(lifecycles(), st.data())
def test_an_action_that_is_warned_of_never_happens(text: str, data: st.DataObject) -> None:
    """Whatever the settings, in every reachable state. Sources are taken away, so that there is something to say."""
    emptied = data.draw(st.sampled_from((" using q1, q1", " using q0, q0", "")))
    for sources in (" using q0, q1", " using q0[a], q1", " using q0[b], q1", " using q1, q0[a]", " using q1, q0[b]"):
        text = text.replace(sources, emptied or sources)
    of = load_text(text).lifecycle
    assume(not conflicts(of))
    dead = {action.name for action in of.actions} - Contents(of).happening
    for name in sorted(dead):
        found = explore(Problem(of, Settings(), Enabled(frozenset({name}))), limit=3_000).finding
        assert not isinstance(found, Reached), name
