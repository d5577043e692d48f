"""The tree of an attack: each gate a rule, each leaf a fact, and every way to the goal that the facts leave open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given

from drawing import lifecycles
from keyfate.checking.naming import Namer
from keyfate.checking.results import Knowledge
from keyfate.checking.retracing import retraced
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.diagrams.attack import READABLE, attack
from keyfate.diagrams.figure import Figure, Node, UndrawableError
from keyfate.language.library import folder
from keyfate.lifecycle.account import Account, Reason
from keyfate.lifecycle.deduction import Deduction, rules_of
from keyfate.lifecycle.names import Atom, Term
from keyfate.lifecycle.universe import universe
from telling import Told, decided
from vault import furnish


@dataclass(frozen=True)
class Tree:
    """A figure with what its nodes mean."""

    figure: Figure

    @property
    def nodes(self) -> dict[str, Node]:
        return {node.name: node for node in self.figure.nodes}

    def below(self, name: str) -> list[str]:
        return [edge.target for edge in self.figure.edges if edge.source == name]

    @property
    def root(self) -> str:
        (root,) = set(self.nodes) - {edge.target for edge in self.figure.edges}
        return root

    def term(self, name: str) -> str:
        """What a node of a term is about."""
        return self.nodes[name].label.partition("\n")[0]

    def fact_of(self, name: str) -> str:
        """The term that a leaf is a fact about: its own, or that of what stands above it."""
        above = [edge.source for edge in self.figure.edges if edge.target == name]
        if name in self.terms():
            return self.term(name)
        (owner,) = above
        while self.nodes[owner].kind == "or":
            (owner,) = [edge.source for edge in self.figure.edges if edge.target == owner]
        return self.term(owner)

    def terms(self) -> set[str]:
        """Nodes that are about a term: no gates, and no bare facts."""
        return {n.name for n in self.figure.nodes if n.kind not in ("and", "or") and not n.label.startswith(WORDS)}

    def holds(self, without: Iterable[str], name: str | None = None) -> bool:
        """Whether the goal stands if nothing was seen, held or public of the terms `without`."""
        gone = set(without)

        def stands(at: str) -> bool:
            node = self.nodes[at]
            if node.kind == "fact":
                return self.fact_of(at) not in gone
            combine = all if node.kind == "and" else any
            return combine(stands(child) for child in self.below(at))

        return stands(name or self.root)


WORDS = ("seen in ", "held in ", "leaked in ", "public")


def names_of(told: Told) -> dict[str, list[Term]]:
    """Which terms read so; two of different settings may read the same."""
    namer, found = Namer(told.lifecycle), dict[str, list[Term]]()
    for term in universe(told.lifecycle):
        found.setdefault(namer.term(term), []).append(term)
    return found


def leaf(reason: Reason, account: Account, term: Term, fact: str) -> bool:
    """Whether the words of a leaf are true of the run."""
    if fact == "public":
        return isinstance(term, Atom) and term.public
    words, _, by = fact.partition("\nby ")
    if words.startswith("held in "):
        return any(
            str(p) == words.removeprefix("held in ") and term in c
            for p, c in account.steps[reason.step].state.places.items()
        )
    where, _, when = words.partition(" after step ")
    if words.startswith("leaked in step "):
        where, when = "", words.removeprefix("leaked in step ")
    elif words.endswith(" at the start"):
        where, when = words.removesuffix(" at the start"), "0"
    number = int(when)
    now = account.steps[number].state
    new = now.observed - (account.steps[number - 1].state.observed if number else frozenset())
    if term not in new or not by:
        return False
    return not where or any(f"seen in {p}" == where and term in c for p, c in now.places.items())


def is_a_tree_of_rules(told: Told, figure: Figure) -> None:
    """Every gate is one rule of R7, every leaf happened, nothing hangs loose and nothing goes round."""
    tree, names, namer = Tree(figure), names_of(told), Namer(told.lifecycle)
    account = retraced(*told)
    assert len(tree.nodes) == len(figure.nodes)
    assert next(n for n in figure.nodes if "target" in n.marks).name == tree.root
    reached, pending = set[str](), [(tree.root, frozenset[str]())]
    while pending:
        name, above = pending.pop()
        assert name not in above, "round in a circle"
        reached.add(name)
        node, below = tree.nodes[name], tree.below(name)
        pending.extend((child, above | {name}) for child in below)
        assert (node.kind == "fact") == (not below)
        if node.kind == "or":
            assert len(below) > 1
        if node.kind == "fact":
            term, fact = tree.fact_of(name), node.label.removeprefix(tree.fact_of(name) + "\n")
            assert any(leaf(r, account, t, fact) for r in account.reasons for t in names[term])
    assert reached == set(tree.nodes)
    rules = [rule for term in universe(told.lifecycle) for rule in rules_of(term)]
    shown = {(namer.term(r.conclusion), frozenset(map(namer.term, r.premises))) for r in rules}
    for node in figure.nodes:
        if node.name in tree.terms() and node.kind != "fact":
            for child in ways(tree, node.name):
                if tree.nodes[child].kind == "fact" and child not in tree.terms():
                    continue
                premises = tree.below(child) if tree.nodes[child].kind == "and" else [child]
                if tree.nodes[child].label != "all of these":
                    assert (tree.term(node.name), frozenset(map(tree.term, premises))) in shown


def ways(tree: Tree, name: str) -> list[str]:
    """What stands below a term: one way, or several behind an `or`."""
    found = []
    for child in tree.below(name):
        found += tree.below(child) if tree.nodes[child].kind == "or" else [child]
    return found


def left_out(figure: Figure) -> tuple[str, ...]:
    """What the figure says that it does not show."""
    return tuple(note for note in figure.notes if " drawn" in note)


def leaves_no_way_out(told: Told, figure: Figure) -> None:
    """Take facts away, one term or two: the figure stands exactly where the goal still follows."""
    (reason,) = retraced(*told).reasons
    tree, namer = Tree(figure), Namer(told.lifecycle)
    deduction = Deduction(universe(told.lifecycle))
    base = {s.term for s in reason.seen} | {t for t, _ in reason.held}
    readable = {namer.term(t) for t in base}
    if len(readable) < len(base):
        return  # two of them read the same: a figure is read by its names
    for gone in (*combinations(sorted(base, key=str), 1), *combinations(sorted(base, key=str), 2)):
        follows = reason.derivation.term in deduction.closure(base - set(gone))
        assert tree.holds(map(namer.term, gone)) == follows, gone
    assert tree.holds(())


@given(lifecycles())
def test_a_drawn_attack_has_all_the_ways_there_are(text: str) -> None:
    for told in decided(text):
        if told.result.knowledge:
            figure = attack(*told)
            is_a_tree_of_rules(told, figure)
            if not left_out(figure) and len(retraced(*told).reasons) == 1:
                leaves_no_way_out(told, figure)


def test_what_is_told_is_among_the_ways(tmp_path: Path) -> None:
    """The derivation of `keyfate explain`, branch by branch, is the first way of each node."""
    session = open_session([furnish(tmp_path) / "flash.policy.toml"], {})
    report = session.check(Options(workers=1, only=("secrecy",), sweep=False))
    told = Told(session.policies[0].lifecycle, report.policies[0], report.results[0])
    tree = Tree(attack(*told))

    def same(name: str, told: Knowledge) -> None:
        assert tree.term(name) == told.term
        if told.premises:
            first = ways(tree, name)[0]
            below = tree.below(first) if tree.nodes[first].kind == "and" else [first]
            assert len(below) == len(told.premises)
            for child, premise in zip(below, told.premises, strict=True):
                same(child, premise)

    assert told.result.knowledge is not None
    same(tree.root, told.result.knowledge[0])
    is_a_tree_of_rules(told, tree.figure)
    leaves_no_way_out(told, tree.figure)


TWO_WAYS = """
lifecycle doors "two ciphertexts under one key" status assumed
capability steal "reads the disk"
capability probe "reads the memory bus"
component chip inside
component host outside
secret seed, m
public label, address
key k = kdf("key", seed, label)
place safe persistent at chip starts with seed, m
place dram volatile at host
place disk persistent at host
state quiet : bool = false
exposes safe to steal when did rest
exposes disk to steal
exposes dram to probe
exposes dram to probe and steal
action work by chip when not quiet
  then dram gains page(k, address, m) using safe; disk gains enc(k, pair(label, m)) using safe; quiet := true
action rest by host when quiet and safe has m
  then safe loses m
property kept when did rest never attacker knows m
"""


def test_two_doors_to_one_room() -> None:
    (told,) = decided(TWO_WAYS)
    figure = attack(*told)
    tree = Tree(figure)
    is_a_tree_of_rules(told, figure)
    leaves_no_way_out(told, figure)
    assert (figure.nodes[0].label, figure.nodes[0].kind, set(figure.nodes[0].marks)) == (
        "m\ncomputed by the attacker",
        "goal",
        {"target"},
    )
    page, disk = ways(tree, "m")
    assert {tree.nodes[n].label for n in tree.below(page)} == {
        "page(k, address, m)\nseen in dram after step 1\nby probe or probe and steal",
        "k",
    }
    assert tree.term(disk) == "pair(label, m)"
    (decrypt,) = ways(tree, disk)
    assert [e.label for e in figure.edges if e.source == decrypt] == ["", "with the key"]
    assert sum(1 for n in figure.nodes if n.label == "k") == 1, "what both ways need is drawn once"
    assert not tree.holds(["seed"])
    assert tree.holds(["page(k, address, m)"])
    assert tree.holds([tree.term(tree.below(decrypt)[0])])
    assert not tree.holds(["page(k, address, m)", tree.term(tree.below(decrypt)[0])])


MANY = """
lifecycle many "a secret under many keys" status assumed
sort N = 0 .. 9
capability steal "reads the disk"
component host outside
secret k[N], m
place disk persistent at host starts with enc(k[0], m), {ciphers}, k[0], {keys}
exposes disk to steal
action idle by host
property kept never attacker knows m
"""


def test_more_ways_than_can_be_read_are_counted() -> None:
    text = MANY.format(
        ciphers=", ".join(f"enc(k[{n}], m)" for n in range(1, 10)), keys=", ".join(f"k[{n}]" for n in range(1, 10))
    )
    (told,) = decided(text)
    figure = attack(*told)
    is_a_tree_of_rules(told, figure)
    assert len(ways(Tree(figure), "m")) == 3
    assert left_out(figure) == ("7 further ways are not drawn to m",)


def test_a_ladder_of_alternatives_stays_readable() -> None:
    """Each rung follows in two ways from the one below; drawn in full that is too much to read."""
    rungs = range(1, 60)
    text = (
        'lifecycle ladder "many rungs" status assumed\ncapability steal "reads"\ncomponent host outside\n'
        "secret bottom, top\n"
        'key k0 = kdf("k", bottom)\n'
        + "".join(f'key k{n} = kdf("k{n}", k{n - 1})\n' for n in rungs)
        + "place disk persistent at host starts with bottom, enc(k59, top), "
        + ", ".join(f"enc(k{n - 1}, k{n})" for n in rungs)
        + "\nexposes disk to steal\naction idle by host\nproperty kept never attacker knows top\n"
    )
    (told,) = decided(text)
    figure = attack(*told)
    is_a_tree_of_rules(told, figure)
    assert left_out(figure) == ("only the first way to each term is drawn, for there are too many",)
    assert len(figure.nodes) > READABLE  # one derivation is drawn whole, however long it is
    assert Tree(figure).holds(())


def test_several_terms_are_needed_together() -> None:
    (told,) = decided(TWO_WAYS.replace("never attacker knows m", "never attacker knows m and attacker knows seed"))
    figure = attack(*told)
    is_a_tree_of_rules(told, figure)
    tree = Tree(figure)
    assert (tree.root, tree.nodes[tree.root].kind) == ("property", "goal")
    (gate,) = tree.below("property")
    assert [tree.nodes[n].label for n in tree.below(gate)] == [
        "m\ncomputed by the attacker",
        "seed\nseen in safe after step 2\nby steal",
    ], "what one term needs and the other is, is drawn once"


def test_the_library_shows_what_is_left_and_what_was_seen() -> None:
    session = open_session([folder("models") / "policies" / "tdx-1.5-flash-on-by-default.policy.toml"], {})
    report = session.check(Options(workers=1, only=("sanitization", "no_clone"), sweep=False))
    found = {r.property: Told(session.policies[0].lifecycle, report.policies[0], r) for r in report.results}
    told = found["sanitization"]
    figure = attack(*told)
    is_a_tree_of_rules(told, figure)
    leaves_no_way_out(told, figure)
    labels = [node.label for node in figure.nodes]
    assert any(label.startswith("seen in disk") for label in labels)
    assert any(label.startswith("held in disk") for label in labels)
    with pytest.raises(UndrawableError, match="there is no attack to draw"):
        attack(*found["no_clone"])


def test_a_broken_state_is_sent_to_the_trace() -> None:
    (told,) = (t for t in decided(TWO_WAYS + "property calm never quiet\n") if t.result.property == "calm")
    with pytest.raises(UndrawableError) as error:
        attack(*told)
    assert error.value.message == "`calm` is VIOLATED under `(no policy)`, and no term was computed for it"
    assert "`trace`" in error.value.help
