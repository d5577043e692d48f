"""The certifier's encoding against the plain interpreter, state by state on random runs."""

from __future__ import annotations

import random

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

STEPS = 6


@given(text=lifecycles(), seed=st.integers(0, 2**32))
def test_every_formula_says_what_the_interpreter_says(text: str, seed: int) -> None:
    try:
        lifecycle = load_text(text).lifecycle
        compare(lifecycle, random.Random(seed))
    except LifecycleError:
        return  # effects that disagree; a matter of other tests


def compare(lifecycle: Lifecycle, draw: random.Random) -> None:
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
    for _ in range(STEPS):
        assert all(term in encoding.holding.get(place, {}) for place, held in state.places.items() for term in held)
        assert all(encoding.observed(term) != FALSE for term in state.observed)
        enabled = interpreter.enabled(state)
        for name, step in encoding.steps.items():
            assert now(step.enabled) == (name in enabled), name
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
            assert now(encoding.steps[chosen].next(variable)) == then.bit(bit), (chosen, bit)
        state, now = after, then
