"""R8 twice: what the attacker computes from bytes is what deduction derives from terms, on any set of terms."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.deduction import closure
from keyfate.lifecycle.names import Compound, Term
from keyfate.lifecycle.universe import universe
from keyfate.twin.attacker import Attacker, Knowledge
from keyfate.twin.honest import Vault, Workbench
from keyfate.twin.primitives import PRIMITIVES
from keyfate.twin.recipes import design
from twin.stages import EVERYTHING, VAULT, lifecycle

# Every function as what is found, as what it is found with, and in cycles.
KEY_GRAPH = """
lifecycle graph "keys under keys" status assumed
component cpu inside
sort P = a | b
control c : bool
secret s[P], t, u, v
public w, o[P]
place q volatile at cpu
state st[P] : P = a
def chain[p: P] = enc(kdf("x", s[p], w), t)
def cycle_one = wrap(t, u)
def cycle_two = seal(u, t)
def from_hash = enc(hash(t, u), v)
def from_mac = seal(mac("m", u, o[a]), s[b])
def from_sign = wrap(sign(t, w), s[a])
def from_pub = enc(pub(u), s[b])
def mail[p: P] = aenc(pub(s[p]), pair(u, v))
def mail_by_derived = aenc(pub(kdf("y", t)), s[a])
def line[p: P] = page(if c then t else u, o[p], s[p])
def nested = pair(pair(t, w), enc(t, enc(u, enc(v, s[a]))))
def by_state[p: P] = enc(kdf("z", o[st[p]], s[p]), v)
def open_key = enc(w, u)
def twice = kdf("x", kdf("x", s[a], w), o[b])
def box = enc(twice, s[b])
action idle by cpu
"""


def judged(of: Lifecycle, seen: Iterable[Term]) -> tuple[frozenset[Term], Knowledge, Vault]:
    vault = Vault(PRIMITIVES, 0)
    knowledge = Attacker(design(of), PRIMITIVES).search(map(vault.bytes_of, seen))
    return closure(seen, universe(of)), knowledge, vault


@pytest.fixture(scope="module")
def workshop() -> tuple[Lifecycle, tuple[Term, ...], Vault, Attacker]:
    of = lifecycle(KEY_GRAPH)
    return of, universe(of), Vault(PRIMITIVES, 7), Attacker(design(of), PRIMITIVES)


@given(data=st.data())
def test_search_reaches_what_deduction_derives(
    workshop: tuple[Lifecycle, tuple[Term, ...], Vault, Attacker], data: st.DataObject
) -> None:
    _, terms, vault, attacker = workshop
    seen = data.draw(st.lists(st.sampled_from(terms), max_size=8, unique=True))
    derived = closure(seen, terms)
    knowledge = attacker.search(map(vault.bytes_of, seen))
    everything = knowledge.everything()
    for term in terms:
        assert (vault.bytes_of(term) in everything) is (term in derived), str(term)
        assert knowledge.has(vault.bytes_of(term)) is (term in derived), str(term)


@settings(max_examples=25)
@given(text=lifecycles(), data=st.data())
def test_search_agrees_with_deduction_on_drawn_lifecycles(text: str, data: st.DataObject) -> None:
    of = lifecycle(text)
    seen = data.draw(st.lists(st.sampled_from(universe(of)), max_size=6, unique=True))
    derived, knowledge, vault = judged(of, seen)
    everything = knowledge.everything()
    assert {term for term in universe(of) if vault.bytes_of(term) in everything} == derived


@given(data=st.data())
def test_the_honest_side_computes_the_same_and_no_more(
    workshop: tuple[Lifecycle, tuple[Term, ...], Vault, Attacker], data: st.DataObject
) -> None:
    _, terms, vault, _ = workshop
    held = data.draw(st.lists(st.sampled_from(terms), max_size=8, unique=True))
    derived = closure(held, terms)
    bench = Workbench(PRIMITIVES, {term: vault.bytes_of(term) for term in held})
    for term in data.draw(st.permutations(terms)):
        assert bench.compute(term) == (vault.bytes_of(term) if term in derived else None), str(term)


def test_equal_terms_are_equal_bytes_and_others_are_not() -> None:
    for text in (KEY_GRAPH, VAULT, EVERYTHING):
        vault, terms = Vault(PRIMITIVES, 0), universe(lifecycle(text))
        assert len({vault.bytes_of(term) for term in terms}) == len(terms)
        assert [Vault(PRIMITIVES, 0).bytes_of(term) for term in terms] == [vault.bytes_of(term) for term in terms]


def test_another_seed_draws_other_secrets() -> None:
    terms = universe(lifecycle(VAULT))
    one, two = (Vault(PRIMITIVES, seed) for seed in (1, 2))
    assert all((one.bytes_of(term) == two.bytes_of(term)) is not _secret(term) for term in terms)


def _secret(term: Term) -> bool:
    return any(map(_secret, term.args)) if isinstance(term, Compound) else not term.public


def test_the_attacker_is_told_no_closed_term() -> None:
    plan = design(lifecycle(VAULT))
    shown = " ".join(recipe.key for recipe in plan.recipes)
    assert '"td-seed"' not in shown  # labels are shown as Python shows them
    assert "'td-seed'" in shown
    for word in ("alpha", "beta", "agent", "neighbour", "platform_seed", "memory"):
        assert word not in shown
    assert plan.publics.keys() == {"measurement", "identity", "nobody"}


def test_recipes_come_from_both_branches_and_every_message() -> None:
    keys = [recipe.key for recipe in design(lifecycle(EVERYTHING)).recipes]
    branches = "kdf('k'; *, pub0)|hash('j'; *, pub1)"
    assert any("hash('j'; *, pub1)" in key for key in keys), branches
    assert "sign(None; *, pub1)" in keys
    assert "wrap(None; kdf('k'; *, pub0), *)" in keys


def test_nothing_is_known_of_nothing() -> None:
    of = lifecycle(VAULT)
    derived, knowledge, vault = judged(of, ())
    assert {term for term in universe(of) if knowledge.has(vault.bytes_of(term))} == derived
    assert all(not _secret(term) for term in derived)


def test_the_account_of_a_secret_names_every_step() -> None:
    of = lifecycle(VAULT)
    terms = {str(term): term for term in universe(of)}
    seed, memory = terms["platform_seed[alpha]"], terms["memory[agent]"]
    blob = terms[
        'enc(kdf("td-key", kdf("td-seed", platform_seed[alpha], measurement), identity[agent]), memory[agent])'
    ]
    _, knowledge, vault = judged(of, (seed, blob))
    where = {vault.bytes_of(seed): "in flash", vault.bytes_of(blob): "on disk"}
    lines = knowledge.explain(vault.bytes_of(memory), where, "memory[agent]")
    assert [line.split()[0] for line in lines] == ["read", "kdf", "kdf", "read", "opened", lines[-1].split()[0]]
    assert lines[0].endswith("in flash")
    assert '"td-seed"' in lines[1]
    assert '"td-key"' in lines[2]
    assert "public identity[agent]" in lines[2]
    assert "enc (AES-256-GCM)" in lines[4]
    assert lines[5].endswith("is memory[agent]")
    assert knowledge.explain(vault.bytes_of(terms["memory[neighbour]"]), where, "that") == ()


def test_the_account_does_not_circle() -> None:
    of = lifecycle(KEY_GRAPH)
    terms = {str(term): term for term in universe(of)}
    seen = [terms[name] for name in ("wrap(t, u)", "seal(u, t)", "t", "enc(hash(t, u), v)")]
    derived, knowledge, vault = judged(of, seen)
    for term in derived:
        lines = knowledge.explain(vault.bytes_of(term), {}, str(term))
        assert len(lines) == len(set(lines))
