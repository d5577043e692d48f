"""The key hierarchy against deduction rules and closures, and against what places come to hold."""

from __future__ import annotations

import pytest

from diagrams.exploring import TEXTS, bare, family, world
from keyfate.checking.naming import Namer
from keyfate.diagrams.figure import UndrawableError
from keyfate.diagrams.keys import keys
from keyfate.lifecycle.deduction import closure, rules_of
from keyfate.lifecycle.names import Atom, Compound, Term
from keyfate.lifecycle.universe import key_name, universe

# Small enough to know by heart: a root, two keys, a wrapped key and a page in an outer envelope.
CHAIN = """
  lifecycle chain
  component chip inside component host outside
  secret root, data, other
  public salt
  key top = kdf("top", root, salt)
  key leaf = kdf("leaf", top)
  def letter = enc(leaf, pair(data, salt))
  place fuse persistent at chip starts with root
  place ram volatile at chip starts with data
  place disk persistent at host
  place spare volatile at chip
  action save by chip then disk gains letter using fuse, ram; spare gains kdf("top", root, salt) using fuse
  action wrap_up by chip then disk gains wrap(top, leaf) using fuse
  action keep by chip then ram gains other
"""


def test_a_hierarchy_that_one_knows_by_heart() -> None:
    figure = keys(bare(CHAIN).lifecycle)
    assert {(n.name, n.kind, n.cluster) for n in figure.nodes} == {
        ("root", "root", "persistent"),
        ("data", "root", "volatile"),
        ("other", "root", "volatile"),
        ("top", "derived", "volatile"),
        ("leaf", "derived", "nowhere"),
        ("letter", "sealed", "persistent"),
        ("wrap(top, leaf)", "sealed", "persistent"),
    }
    assert {(e.source, e.target, e.kind) for e in figure.edges} == {
        ("root", "top", "derives"),
        ("top", "leaf", "derives"),
        ("leaf", "letter", "opens"),
        ("letter", "data", "holds"),
        ("top", "wrap(top, leaf)", "opens"),
        ("wrap(top, leaf)", "leaf", "holds"),
    }
    assert {n.name: n.label for n in figure.nodes}["top"] == "top\nin spare (volatile)"
    assert "if root falls: data, top, leaf" in figure.notes
    assert "if leaf falls: data" in figure.notes
    assert not [note for note in figure.notes if note.startswith(("if other", "if data"))]


# What is told apart only where a copy, an open envelope or a public key matters.
OPEN = """
  lifecycle open
  component host outside
  secret root, peer, told, data
  public everybody
  key shared = kdf("shared", root, pub(peer))
  key next = kdf("next", shared)
  place desk persistent at host starts with root
  place drawer volatile at host
  place wall persistent at host
  action post by host then wall gains enc(everybody, told) ideal; wall gains pub(peer) ideal
  action save by host then wall gains enc(shared, data) ideal
  action copy by host then drawer gains all of desk
"""


def test_copies_open_envelopes_and_public_keys() -> None:
    figure = keys(bare(OPEN).lifecycle)
    assert {n.name: n.label for n in figure.nodes}["root"] == "root\nin desk, drawer (volatile)"
    told = {note for note in figure.notes if note.startswith("if ")}
    assert told == {"if root falls: data, shared, next", "if shared falls: data, next"}


@pytest.mark.parametrize("name", TEXTS)
def test_edges_are_the_rules_of_deduction(name: str) -> None:
    """Every way to open or derive a declared term, and no other."""
    lifecycle = bare(TEXTS[name]).lifecycle
    names, namer = key_name(lifecycle), Namer(lifecycle)
    opens, derives = set(), set()
    for term in universe(lifecycle):
        if not isinstance(term, Compound) or term not in names:
            continue
        for rule in rules_of(term):
            if rule.kind == "decompose":
                opens.add((family(namer, rule.premises[1]), family(namer, term), family(namer, rule.conclusion)))
            elif term.function == "kdf":
                derives |= {(family(namer, p), family(namer, term)) for p in rule.premises if not public(p)}
    figure = keys(lifecycle)
    into = {(e.source, e.target) for e in figure.edges if e.kind == "opens"}
    out = {(e.source, e.target) for e in figure.edges if e.kind == "holds"}
    shown = {node.name for node in figure.nodes}
    assert {(e.source, e.target) for e in figure.edges if e.kind == "derives"} == derives
    assert {(key, sealed) for key, sealed, _ in opens} <= into
    assert {(sealed, content) for _, sealed, content in opens} <= out
    assert {end for edge in figure.edges for end in (edge.source, edge.target)} <= shown


def public(term: Term) -> bool:
    return isinstance(term, Atom) and term.public


@pytest.mark.parametrize("name", TEXTS)
def test_places_are_where_the_interpreter_puts_things(name: str) -> None:
    policy = bare(TEXTS[name])
    namer = Namer(policy.lifecycle)
    held: dict[str, set[str]] = {}
    for state in world(policy).states:
        for place, content in state.places.items():
            for term in content:
                held.setdefault(family(namer, term), set()).add(place.name)
    for node in keys(policy.lifecycle).nodes:
        words = node.label.partition("\nin ")[2].replace(" (volatile)", "")
        assert set(words.split(", ")) - {""} == held.get(node.name, set()), node.name


@pytest.mark.parametrize("name", TEXTS)
def test_what_falls_is_what_a_closure_gains(name: str) -> None:
    policy = bare(TEXTS[name])
    lifecycle, everything = policy.lifecycle, universe(policy.lifecycle)
    namer = Namer(lifecycle)
    handed = {t for s in world(policy).states for content in (*s.places.values(), s.observed) for t in content}
    sealed = {t for t in handed if isinstance(t, Compound) and t.function in ("enc", "wrap", "seal", "page", "aenc")}
    figure = keys(lifecycle)
    told = dict(note[3:].split(" falls: ") for note in figure.notes if note.startswith("if "))
    for node in figure.nodes:
        if node.kind == "sealed":
            continue
        own = {t for t in everything if family(namer, t) == node.name}
        gained = closure(sealed | own, everything) - closure(sealed, everything) - own
        shown = {family(namer, t) for t in gained} & {n.name for n in figure.nodes if n.kind != "sealed"}
        assert set(told.get(node.name, "").split(", ")) - {""} == shown, node.name


def test_what_falls_with_one_is_marked() -> None:
    lifecycle = bare(CHAIN).lifecycle
    figure = keys(lifecycle, fallen="top")
    assert {n.name for n in figure.nodes if "fallen" in n.marks} == {"top", "leaf", "data"}
    assert figure.notes[0] == "if top falls: data, leaf"
    assert keys(lifecycle, fallen="other").notes[0] == "if other falls: nothing else"


def test_names_that_there_are_not() -> None:
    with pytest.raises(UndrawableError) as refused:
        keys(bare(CHAIN).lifecycle, fallen="tpo")
    assert refused.value.help == "did you mean `top`?"
    with pytest.raises(UndrawableError, match="declares no secret"):
        keys(bare("lifecycle l component cpu inside state x : bool = false action go by cpu then x := true").lifecycle)
