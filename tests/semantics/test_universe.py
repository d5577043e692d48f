"""The universe of terms: what is in it, in which order, and what happens when it grows."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest

from keyfate.language.loading import load_text
from keyfate.language.source import LifecycleError
from keyfate.lifecycle.deduction import subterms
from keyfate.lifecycle.names import Atom, Compound
from keyfate.lifecycle.universe import TERM_LIMIT, key_name, universe
from semantics.small import HEAD, lifecycle


def terms(text: str) -> list[str]:
    return [str(term) for term in universe(lifecycle(text))]


def test_declared_and_mentioned_terms_and_their_parts() -> None:
    assert terms("""
      sort P = alpha | beta
      secret k[P], m
      public id
      key top[p: P] = kdf("x", k[p], id)
      place disk persistent at host starts with m
      action put by cpu then disk gains enc(hash(m), m) ideal
      property p never disk has pair(m, m)
    """) == [
        "k[alpha]",
        "k[beta]",
        "m",
        "id",
        'kdf("x", k[alpha], id)',
        'kdf("x", k[beta], id)',
        "hash(m)",
        "enc(hash(m), m)",
        "pair(m, m)",
    ]


def test_every_term_comes_after_its_parts() -> None:
    found = universe(lifecycle('secret k\n key a = kdf("x", kdf("y", k))\n place p volatile at cpu starts with a'))
    for position, term in enumerate(found):
        assert all(part in found[: position + 1] for part in subterms(term))


def test_states_controls_and_parameters_take_any_value() -> None:
    found = terms("""
      sort S = x | y
      secret k[S], m
      control c : S
      state s : S or none = none
      place disk persistent at host
      action put[p: S] by cpu then disk gains enc(k[s], hash(k[c])) ideal; disk gains mac(k[p], m) ideal
    """)
    assert [term for term in found if term.startswith("enc")] == [
        "enc(k[x], hash(k[x]))",
        "enc(k[x], hash(k[y]))",
        "enc(k[y], hash(k[x]))",
        "enc(k[y], hash(k[y]))",
    ]  # none where `s` is none
    assert "mac(k[y], m)" in found


def test_one_state_has_one_value_within_a_term() -> None:
    found = terms("""
      sort S = x | y
      secret k[S]
      state s[S] : S = x
      place disk persistent at host
      action put[p: S] by cpu then disk gains pair(k[s[p]], hash(k[s[p]])) ideal; disk gains mac(k[s[x]], k[s[y]]) ideal
    """)
    assert "pair(k[x], hash(k[x]))" in found
    assert "pair(k[x], hash(k[y]))" not in found
    assert "mac(k[x], k[y])" in found  # two states


def test_both_branches_of_a_condition_and_one_branch_at_a_time() -> None:
    found = terms("""
      control c : bool
      secret a, b
      state seen : bool = false
      key k = kdf("x", if c then a else b)
      key both = pair(k, k)
      place disk persistent at host starts with both
      action put by cpu then disk gains hash(if disk has a then b else a, if disk has a then b else a) ideal
    """)
    assert {"pair(" + x + ", " + x + ")" for x in ('kdf("x", a)', 'kdf("x", b)')} <= set(found)
    assert 'pair(kdf("x", a), kdf("x", b))' not in found
    assert [term for term in found if term.startswith("hash")] == ["hash(b, b)", "hash(a, a)"]


@pytest.mark.parametrize(
    "mention",
    [
        'key k = kdf("x", if disk has enc(a, b) then a else b)',
        "action put by cpu then disk gains hash(if disk has enc(a, b) then a else b) ideal",
        "action put by cpu when disk has enc(a, b)",
        "exposes disk to see when disk has enc(a, b)",
    ],
)
def test_terms_in_conditions_are_mentioned(mention: str) -> None:
    found = terms(f"""
      secret a, b
      capability see
      place disk persistent at host
      {mention}
    """)
    assert "enc(a, b)" in found


def test_values_out_of_range_make_no_terms() -> None:
    found = terms("""
      sort E = 0 .. 2
      secret k[E]
      state e : E = 0
      place disk persistent at host
      action put by cpu then disk gains hash(k[e], k[e + 1]) ideal
    """)
    assert [term for term in found if term.startswith("hash")] == ["hash(k[0], k[1])", "hash(k[1], k[2])"]


def test_messages_are_closed_over_their_family() -> None:
    found = terms("""
      sort P = alpha | beta
      secret k[P], m
      message Blob = enc(k[p], m) for p: P
      place disk persistent at host
      action put[b: Blob] by cpu then disk gains hash(b) ideal
    """)
    assert found[3:] == [
        "enc(k[alpha], m)",
        "enc(k[beta], m)",
        "hash(enc(k[alpha], m))",
        "hash(enc(k[beta], m))",
    ]


def test_names_of_keys_leave_open_what_makes_no_difference() -> None:
    names = key_name(
        lifecycle("""
      sort P = alpha | beta
      control bound : bool
      secret k
      public id[P], nobody
      key top[p: P] = kdf("x", k, if bound then id[p] else nobody)
      key plain[p: P] = k
    """)
    )
    assert {str(term): name for term, name in names.items()} == {
        'kdf("x", k, id[alpha])': "top[alpha]",
        'kdf("x", k, id[beta])': "top[beta]",
        'kdf("x", k, nobody)': "top[_]",
    }  # an atom keeps its own name


GROWING = """
sort P = alpha | beta
sort Q = one | two
secret k[P], m
key few[p: P] = kdf("x", k[p])
key many[p: P, q: P, r: Q] = kdf("y", few[p], few[q])
action put[p: P, q: P, r: P] by cpu then disk gains enc(few[p], hash(few[q], few[r])) ideal
place disk persistent at host
"""


def test_too_many_terms_name_the_declaration_that_grew() -> None:
    assert len(universe(load_text(HEAD + GROWING, scope={"P": 20}).lifecycle)) < TERM_LIMIT
    with pytest.raises(LifecycleError) as caught:
        universe(load_text(HEAD + GROWING, scope={"P": 35}).lifecycle)
    (diagnostic,) = caught.value.diagnostics
    assert "`put`" in diagnostic.message
    assert "20,000" in diagnostic.message
    assert diagnostic.span.text == "put"
    assert "`P` 35" in (diagnostic.help or "")


def test_too_many_atoms_are_told_as_well() -> None:
    text = HEAD + "sort P = alpha | beta\n secret k[P, P]\n action a by cpu"
    with pytest.raises(LifecycleError, match="`k`"):
        universe(load_text(text, scope={"P": 200}).lifecycle)


def test_too_many_choices_end_as_well() -> None:
    states = "\n".join(f"state s{n} : S = x" for n in range(20))
    chosen = "if " + " iff ".join(f"s{n} = x" for n in range(20)) + " then a else b"
    text = f"""{HEAD}
      sort S = x | y
      secret a, b
      {states}
      place p volatile at cpu
      action go by cpu then p gains hash({chosen}) ideal
    """
    with pytest.raises(LifecycleError, match="`go`"):
        universe(load_text(text).lifecycle)


def test_a_term_keeps_its_equals_in_another_process() -> None:
    term = Compound("enc", None, (Atom("k", (), False), Atom("m", (), False)))
    assert term in {term}  # its hash is known now
    anew = "type(term)(term.function, None, term.args)"
    asked = f"import pickle, sys; term = pickle.load(sys.stdin.buffer); print({anew} in {{term}})"
    there = subprocess.run(
        [sys.executable, "-c", asked],
        input=pickle.dumps(term),
        env={**os.environ, "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"},
        capture_output=True,
        check=True,
    )
    assert there.stdout.split() == [b"True"], there.stderr
