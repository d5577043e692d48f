"""What is told of a trace: changes, sightings and the derivations that its target rests on."""

from __future__ import annotations

import pytest

from keyfate.lifecycle.account import Account, PlaceChange, StateChange, explain
from keyfate.lifecycle.deduction import Derivation, Sighting
from keyfate.lifecycle.interpreter import ReplayError
from keyfate.lifecycle.names import PlaceName
from keyfate.lifecycle.problem import Reached
from semantics.small import Run, decide, lifecycle, problem

TEXT = """
  sort P = alpha | beta
  capability steal
  capability probe
  secret seed[P], m[P]
  public id
  place store[p: P] persistent at cpu starts with seed[p]
  place ram volatile at cpu
  place disk persistent at host
  state on : P or none = none
  exposes disk to steal and probe
  exposes disk to steal
  action up[p: P] by cpu when on = none then on := p; ram gains m[p]
  action save by cpu when on != none
    then disk gains enc(kdf("k", seed[on], id), m[on]) using store, ram; leaks seed[on] using store to probe; clear ram
  property learns for p: P never attacker knows m[p]
  property left for p: P when once disk has enc(kdf("k", seed[p], id), m[p]) never m[p] recoverable except (store)
  property gone never once ram yields m[beta] and not ram has m[beta]
"""


def account(name: str) -> Account:
    of = lifecycle(TEXT)
    found = decide(of, name)
    assert isinstance(found, Reached)
    return explain(of, found.trace, problem(of, name).target)


def test_steps_say_who_did_what_changed_and_was_seen() -> None:
    first, up, save = account("learns").steps
    assert (first.action, first.actor, first.changes, first.seen) == (None, None, (), ())
    assert (str(up.action), up.actor) == ("up[alpha]", "cpu")
    on, ram = up.changes
    assert isinstance(on, StateChange)
    assert (str(on.state), on.before, on.after) == ("on", None, "alpha")
    assert isinstance(ram, PlaceChange)
    assert (str(ram.place), [str(t) for t in ram.gained], ram.lost) == ("ram", ["m[alpha]"], ())
    assert up.seen == ()
    lost = [str(term) for change in save.changes if isinstance(change, PlaceChange) for term in change.lost]
    assert lost == ["m[alpha]"]
    leak, exposed, alone = save.seen
    assert (str(leak.term), leak.step, leak.place, [str(c) for c in leak.capabilities]) == (
        "seed[alpha]",
        2,
        None,
        ["probe"],
    )
    assert (exposed.place, [str(c) for c in exposed.capabilities]) == (PlaceName("disk"), ["steal", "probe"])
    assert (alone.place, [str(c) for c in alone.capabilities]) == (PlaceName("disk"), ["steal"])


def shape(tree: Derivation) -> object:
    return (tree.rule, str(tree.term), *(shape(premise) for premise in tree.premises))


KEY = 'kdf("k", seed[alpha], id)'


def test_a_secret_that_is_known_has_its_derivation() -> None:
    told = account("learns")
    assert told.binding is not None
    assert list(told.binding.values()) == ["alpha"]
    (reason,) = told.reasons
    assert reason.step == 2
    assert shape(reason.derivation) == (
        "decompose",
        "m[alpha]",
        ("observed", f"enc({KEY}, m[alpha])"),
        ("compose", KEY, ("observed", "seed[alpha]"), ("public", "id")),
    )
    cipher = reason.derivation.premises[0].origin
    assert isinstance(cipher, Sighting)
    assert (cipher.step, cipher.place) == (2, PlaceName("disk"))


def test_what_places_hold_is_told_with_the_place() -> None:
    # the store is left out, so the key is derived from the seed that leaked
    (reason,) = account("left").reasons
    assert shape(reason.derivation) == (
        "decompose",
        "m[alpha]",
        ("held", f"enc({KEY}, m[alpha])"),
        ("compose", KEY, ("observed", "seed[alpha]"), ("public", "id")),
    )
    assert reason.derivation.premises[0].origin == PlaceName("disk")


def test_a_reason_of_the_past_is_told_with_its_step() -> None:
    (reason,) = account("gone").reasons
    assert (reason.step, shape(reason.derivation), reason.derivation.origin) == (
        1,
        ("held", "m[beta]"),
        PlaceName("ram"),
    )


def test_a_trace_that_is_no_run_is_refused() -> None:
    run = Run(TEXT)
    with pytest.raises(ReplayError) as caught:
        explain(run.lifecycle, run.trace("up[alpha]", "up[beta]"))
    assert caught.value.step == 2


def test_without_a_target_nothing_is_argued() -> None:
    run = Run(TEXT, on=("steal",))
    told = explain(run.lifecycle, run.trace("up[beta]", "save"))
    assert (told.binding, told.reasons) == (None, ())
    assert [str(s.term) for s in told.steps[2].seen] == ['enc(kdf("k", seed[beta], id), m[beta])']


def test_what_was_seen_before_is_not_told_again() -> None:
    run = Run(
        """
      secret m, n
      capability see
      place disk persistent at host starts with m
      exposes disk to see
      action add by cpu then disk gains n
    """,
        on=("see",),
    )
    told = explain(run.lifecycle, run.trace("add", "add"))
    assert [[str(s.term) for s in step.seen] for step in told.steps] == [["m"], ["n"], []]
