"""The certifier's encoding against the plain interpreter, state by state on random runs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawing import lifecycles
from engines.encodings import Concrete
from keyfate.certifier.encoding import Encoding
from keyfate.certifier.formulas import FALSE, TRUE
from keyfate.language.loading import load_text
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.deduction import Deduction
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import Term
from keyfate.lifecycle.problem import Enabled, OutOfRange, Problem, Reach, Settings, Target


@given(text=lifecycles(), seed=st.integers(0, 2**32))
def test_every_formula_says_what_the_interpreter_says(text: str, seed: int) -> None:
    try:
        lifecycle = load_text(text).lifecycle
        compare(lifecycle, random.Random(seed))
    except LifecycleError:
        return  # effects that disagree; a matter of other tests


def compare(lifecycle: Lifecycle, draw: random.Random, *, steps: int = 6) -> None:
    """One random run, every formula held against the interpreter in each of its states."""
    encoding = Encoding(lifecycle)
    domains = control_domains(lifecycle)
    controls = {name: draw.choice(domains[name.name].values) for name in control_names(lifecycle)}
    capabilities = {name: draw.random() < 0.7 for name in capability_names(lifecycle)}
    interpreter = Interpreter(lifecycle, controls, capabilities)
    targets: list[Target] = [Reach(p.binders, p.target) for p in lifecycle.properties]
    targets += [OutOfRange(), *(Enabled(frozenset({action.name})) for action in lifecycle.actions)]
    goals = [(target, encoding.target(Problem(lifecycle, Settings(), target))) for target in targets]
    terms = interpreter.universe
    deduction = Deduction(terms)
    places = tuple((name, TRUE) for name in encoding.holding)
    closures = [(places, False), (places, True), ((), True), *((((name, TRUE),), False) for name in encoding.holding)]

    state = draw.choice(list(interpreter.initial_states()))
    now = Concrete(encoding, controls, capabilities, state)
    assert now(encoding.constraint) == interpreter.admissible()
    for variable, bit in list(encoding.bits.meaning.items()):
        # a free first value is a function of itself
        assert now(encoding.first(variable)) == now.bit(bit), bit
    for _ in range(steps):
        assert all(term in encoding.holding.get(place, {}) for place, held in state.places.items() for term in held)
        assert all(encoding.observed(term) != FALSE for term in state.observed)
        enabled = interpreter.enabled(state)
        for name, step in encoding.steps.items():
            obstacle = interpreter.obstacle(state, name)
            assert now(step.enabled) == (obstacle is None), name
            assert now(step.out_of_range) == (obstacle is not None and obstacle.range_only), name
        for target, goal in goals:
            assert now(goal) == interpreter.reaches(target, state), target
        for term in terms:
            for members, observed in closures:
                base = frozenset[Term]().union(*(state.places[place] for place, _ in members))
                known = term in deduction.closure(base | state.observed if observed else base)
                assert now(encoding.derivable(members, observed, term)) == known, (members, observed, term)
        if not enabled:
            return
        chosen = draw.choice(enabled)
        after = interpreter.step(state, chosen)
        then = Concrete(encoding, controls, capabilities, after)
        for variable, bit in list(encoding.bits.meaning.items()):
            step = encoding.steps[chosen]
            assert now(step.next(variable)) == then.bit(bit), (chosen, bit)
            assert step.next(variable) == variable or step in encoding.changers(variable), (chosen, bit)
        state, now = after, then


ZOO = """
lifecycle zoo "every construct, each within reach" status assumed
sort P = a | b
sort E = 0 .. 3
control safe : bool
control mode : slow | fast | idle
control at[P] : bool
capability look[P] "sees"
capability hold "holds"
component cpu inside
component host outside
secret k[P], s, data[P], odd[P, E]
public n[P], label
key derived[p: P, o: P] = kdf("d", k[p], if safe then n[o] else label)
message Msg = enc(k[p], data[p]) for p: P
place cell[P] volatile at cpu
place shelf[P] persistent at host
place air persistent at host starts with label
place log[E] persistent at host
state on[p: P] : bool = at[p]
state owner : P or none = none
state phase : idle | work | rest = any
state e : E = if safe then 0 else 1
exposes shelf[p: P] to look[p] when not on[p]
exposes air to hold and look[a]
exposes shelf[a] to hold when once (did leave[b]) or (on[b] since did turn[b])
action turn[p: P] by host when true then on[p] := not on[p]
action make[p: P] by cpu when true then cell[p] gains k[p]; owner := p
action derive[p: P] by cpu when owner != none then cell[p] gains derived[p, owner] using cell[p]
action lock[p: P] by cpu when true
  then shelf[p] gains enc(derived[p, owner], data[p]) ideal; shelf[p] gains seal(k[p], s) ideal
action bind[p: P] by cpu when true then shelf[p] becomes {wrap(k[p], s), page(s, n[p], data[p])} ideal
action split[p: P] by cpu when phase != rest then air becomes {pair(aenc(pub(k[p]), s), mac(s, n[p]))} ideal
action pass[p: P, q: P] by host when p != q then shelf[q] becomes shelf[p]
action share[p: P, q: P] by host when on[p] then cell[q] gains all of shelf[p]
action leave[p: P] by host when previously on[p] then owner := none; clear cell[p]
action burn[p: P] by host when true then shelf[p] loses enc(derived[p, owner], data[p])
action tell[p: P] by cpu when true then phase := work; leaks derived[p, p] using cell[p] to look[p];
  leaks k[p] using cell to hold and look[p]
action count by cpu when historically e < 3 then e := e + 1; phase := if e + 1 = 2 then rest else work
action bump by cpu when true then e := e + 1
action rewind by cpu when true then e := 0
action count_on by cpu when historically e < 2 then phase := rest
action note by cpu when true then air gains odd[owner, e + 1] ideal; log[e] gains s
action file by cpu when owner != none then log[e + 1] gains seal(k[owner], s) using log[e], log[e + 1], cell
action peek by cpu when (log[e + 1], log[3]) yields s then on[a] := false; log[0] gains s
action put by cpu when true then log[3] gains s
action sweep by host when true then for p: P where on[p] {
  if owner = p { clear shelf[p] } else { shelf[p] gains n[p]; on[p] := false } }
action guess[p: P, m: Msg] by attacker needs look[p] when attacker knows n[p] then shelf[p] gains m
action compose[p: P] by attacker needs hold when true then air gains hash("h", s, n[p]); air gains sign(s, label)
action take by host when owner != none then air gains k[owner] using cell[owner]
property p1 for p: P never attacker knows data[p]
property p2 for p: P when once (did burn[p]) never (cell, air) yields s
property p3 for p: P never data[p] recoverable except (cell[p])
property p4 always all p: P where owner = p { on[p] or cell[p] has k[p] }
property p5 for p: P possible data[p] recoverable from (shelf, air) and (on[p] since did make[p])
property p6 never attacker knows derived[owner, a]
property p7 always historically (e <= 2)
"""


@pytest.mark.parametrize("seed", range(4))
def test_every_construct_says_what_the_interpreter_says(seed: int) -> None:
    compare(load_text(ZOO).lifecycle, random.Random(seed), steps=25)
