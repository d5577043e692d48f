"""R7, R8: what opens, what composes, what follows from where; and why, as a tree."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyfate.language.typed import Function
from keyfate.lifecycle.deduction import Deduction, Derivation, Sighting, closure, derive, subterms
from keyfate.lifecycle.names import Atom, CapabilityName, Compound, PlaceName, Term
from semantics.small import Run

K, L, M, N = (Atom(name, (), False) for name in "klmn")
PUBLIC = Atom("p", (), True)


def apply(function: Function, *args: Term, label: str | None = None) -> Compound:
    return Compound(function, label, args)


def enc(key: Term, content: Term) -> Compound:
    return apply("enc", key, content)


def kdf(*args: Term) -> Compound:
    return apply("kdf", *args, label="x")


def known(*base: Term) -> set[Term]:
    universe = list(dict.fromkeys(part for term in (*base, PUBLIC) for part in subterms(term)))
    return set(closure(base, universe)) - {PUBLIC}


@pytest.mark.parametrize("function", ["enc", "seal", "wrap"])
def test_ciphertexts_open_with_their_key(function: Function) -> None:
    closed = apply(function, K, M)
    assert known(closed) == {closed}
    assert known(closed, K) == {closed, K, M}
    assert known(closed, M) == {closed, M}  # the content tells nothing of the key


def test_a_page_opens_with_its_key_whatever_the_address() -> None:
    page = apply("page", K, PUBLIC, M)
    assert M in known(page, K)
    assert M not in known(page)


def test_public_keys_encrypt_and_private_keys_open() -> None:
    half = apply("pub", K)
    closed = apply("aenc", half, M)
    assert known(closed, half) == {closed, half}
    assert M in known(closed, K)
    assert known(half) == {half}


def test_pairs_split() -> None:
    assert known(apply("pair", M, N)) == {apply("pair", M, N), M, N}


@pytest.mark.parametrize("function", ["hash", "mac", "sign", "kdf", "pub"])
def test_one_way_functions_reveal_nothing(function: Function) -> None:
    label = "x" if function == "kdf" else None
    assert known(Compound(function, label, (K,))) == {Compound(function, label, (K,))}


def test_everybody_composes() -> None:
    target = kdf(K, PUBLIC)
    universe = (K, M, PUBLIC, target, enc(target, M))
    assert closure((K,), universe) == {K, PUBLIC, target}
    assert closure((K, M), universe) == set(universe)


def test_labels_and_argument_order_tell_terms_apart() -> None:
    other = apply("kdf", K, PUBLIC, label="y")
    swapped = kdf(PUBLIC, K)
    universe = (K, PUBLIC, kdf(K, PUBLIC), other, swapped)
    assert closure((kdf(K, PUBLIC),), universe) == {PUBLIC, kdf(K, PUBLIC)}


def test_cyclic_key_graphs_have_a_least_fixpoint() -> None:
    one, two = enc(K, L), enc(L, K)
    assert known(one, two) == {one, two}  # neither key opens the other out of nothing
    assert known(one, two, K) == {one, two, K, L}
    assert known(enc(K, K)) == {enc(K, K)}


ATOMS: list[Term] = [K, L, M, PUBLIC]
TERMS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.builds(enc, inner, inner),
        st.builds(lambda a, b: apply("pair", a, b), inner, inner),
        st.builds(kdf, inner),
        st.builds(lambda a, b: apply("aenc", apply("pub", a), b), inner, inner),
    ),
    max_leaves=5,
)


def plainly(base: frozenset[Term], universe: tuple[Term, ...]) -> frozenset[Term]:
    """R7 once more, by sweeping over the universe until nothing changes."""
    have = base | {term for term in universe if isinstance(term, Atom) and term.public}
    while True:
        more: set[Term] = set()
        for term in universe:
            if not isinstance(term, Compound):
                continue
            if all(arg in have for arg in term.args):
                more.add(term)
            if term not in have:
                continue
            if term.function == "pair":
                more |= set(term.args)
            if term.function == "enc" and term.args[0] in have:
                more.add(term.args[1])
            if term.function == "aenc":
                (private,) = term.args[0].args
                if private in have:
                    more.add(term.args[1])
        if more <= have:
            return have
        have |= more


@given(st.lists(TERMS, min_size=1, max_size=5), st.data())
def test_closures_and_derivations_agree_with_a_plain_sweep(terms: list[Term], data: st.DataObject) -> None:
    universe = tuple(dict.fromkeys(part for term in (*terms, PUBLIC) for part in subterms(term)))
    base = frozenset(data.draw(st.lists(st.sampled_from(universe), max_size=4)))
    expected = plainly(base, universe)
    deduction = Deduction(universe)
    assert deduction.closure(base) == expected
    assert deduction.closure(base) == expected  # remembered
    seen = {term: Sighting(term, 0, None, ()) for term in base}
    for term in universe:
        tree = derive(term, seen, {}, universe)
        assert (tree is not None) == (term in expected)
        if tree is not None:
            assert_sound(tree, base)


def assert_sound(tree: Derivation, base: frozenset[Term]) -> None:
    premises = tuple(premise.term for premise in tree.premises)
    if tree.rule == "observed":
        assert tree.term in base
    elif tree.rule == "public":
        assert isinstance(tree.term, Atom)
        assert tree.term.public
    elif tree.rule == "compose":
        assert isinstance(tree.term, Compound)
        assert premises == tree.term.args
    else:
        assert tree.rule == "decompose"
        whole = premises[0]
        assert isinstance(whole, Compound)
        assert tree.term in whole.args
    for premise in tree.premises:
        assert_sound(premise, base)


def test_derivations_are_of_smallest_height() -> None:
    # m: opened with kdf(k), height 2; or by the long way round, height 3
    short, long = enc(kdf(K), M), enc(L, enc(kdf(K), M))
    universe = tuple(dict.fromkeys(part for term in (long, L, N) for part in subterms(term)))
    seen = {term: Sighting(term, 3, PlaceName("disk"), (CapabilityName("see"),)) for term in (long, short, K, L)}
    tree = derive(M, seen, {}, universe)
    assert tree is not None
    assert (tree.rule, tree.height) == ("decompose", 2)
    assert [premise.term for premise in tree.premises] == [short, kdf(K)]
    assert tree.premises[0].origin == seen[short]
    del seen[short]
    longer = derive(M, seen, {}, universe)
    assert longer is not None
    assert longer.height == 2  # opening the outer layer and deriving the key go side by side
    assert derive(N, seen, {}, universe) is None


def test_of_equal_heights_fewer_leaves_are_taken() -> None:
    many, few = enc(kdf(K, L, N), M), enc(kdf(K), M)
    universe = tuple(dict.fromkeys(part for term in (many, few) for part in subterms(term)))
    seen = {term: Sighting(term, 0, None, ()) for term in (many, few, K, L, N)}
    tree = derive(M, seen, {}, universe)
    assert tree is not None
    assert tree.premises[0].term == few


def test_held_terms_say_where() -> None:
    tree = derive(M, {}, {enc(K, M): PlaceName("disk"), K: PlaceName("ram")}, (K, M, enc(K, M)))
    assert tree is not None
    assert [premise.origin for premise in tree.premises] == [PlaceName("disk"), PlaceName("ram")]


PLACES = """
  sort P = alpha | beta
  secret k, m, n
  capability see
  state open : bool = false
  place disk[P] persistent at host starts with enc(k, m)
  place ram volatile at cpu starts with k
  place copy persistent at outside_ starts with n
  exposes disk[alpha] to see
  exposes ram to see when open
  action reveal by cpu then open := true
  action wipe by cpu then clear ram
  property knows never attacker knows m
  property yields_ram always not ram yields m
  property yields_both always not (ram, disk[beta]) yields m
  property yields_all always not (ram, disk) yields m
  property anywhere never m recoverable
  property from_ram never m recoverable from (ram)
  property from_two never m recoverable from (ram, disk)
  property except_copy never n recoverable except (copy)
  property except_ram never m recoverable except (ram)
  property n_anywhere never n recoverable
"""
PLACES = PLACES.replace("outside_", "host")


def test_places_yield_together() -> None:
    run = Run(PLACES)
    assert [
        name for name in ("yields_ram", "yields_both", "yields_all", "from_ram", "from_two") if run.target(name)
    ] == [
        "yields_both",
        "yields_all",
        "from_two",
    ]


def test_recoverable_is_over_places_and_observations() -> None:
    asked = ("knows", "anywhere", "from_two", "except_copy", "except_ram", "n_anywhere")

    def targets(run: Run) -> list[str]:
        return [name for name in asked if run.target(name)]

    blind = Run(PLACES)
    assert targets(blind) == ["anywhere", "from_two", "n_anywhere"]
    assert targets(blind.step("wipe")) == ["n_anywhere"]
    seeing = Run(PLACES, on=("see",))
    assert targets(seeing.step("reveal")) == ["knows", "anywhere", "from_two", "except_ram", "n_anywhere"]
    # wiped too late: what was observed recovers it; `from` does not count observations
    assert targets(seeing.step("wipe")) == ["knows", "anywhere", "except_ram", "n_anywhere"]


def test_has_asks_for_the_very_term() -> None:
    run = Run("""
      secret k, m
      place ram volatile at cpu starts with k, enc(k, m)
      property has_it never ram has m
      property yields_it always not ram yields m
    """)
    assert (run.target("has_it"), run.target("yields_it")) == (False, True)


def test_more_power_never_knows_less() -> None:  # R11
    text = """
      secret k, m
      capability a
      capability b
      place p volatile at cpu starts with k
      place q volatile at cpu starts with enc(k, m)
      exposes p to a
      exposes q to b
    """
    sets = chain.from_iterable(combinations(("a", "b"), size) for size in range(3))
    knowledge = {on: Run(text, on=on).known for on in sets}
    assert all(knowledge[small] <= knowledge[big] for small in knowledge for big in knowledge if set(small) <= set(big))
    assert knowledge["a", "b"] == {"k", "m", "enc(k, m)"}
