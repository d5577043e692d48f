"""Frontiers: on drawn lifecycles against explicit search under each configuration, and what the judges say of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.certifier.certify import Certifier
from keyfate.engines.bound import bound
from keyfate.engines.circuit import value_of
from keyfate.engines.decide import Engine
from keyfate.engines.propagation import readers_of
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.space import space_of
from keyfate.language.loading import load_text
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.names import CapabilityName, CapabilityOn, ControlName
from keyfate.lifecycle.problem import (
    Budget,
    Implicant,
    Prime,
    Problem,
    Reach,
    Reached,
    Settings,
    Unreachable,
)
from keyfate.policy.admissible import completions
from sampling import DEEP

from .circuits import is_first, random_circuit, states, values
from .frontiers import (
    GROWING,
    HASTY,
    MESSAGES,
    accepted,
    asked,
    assert_minimal,
    assert_names_what_is_admissible,
    assert_one_answer,
    assert_traced,
    configurations,
    last,
    meets,
    reached_at_all,
)


# A failure prints the text; shrinking such texts takes minutes and tells little more.
@settings(
    max_examples=settings().max_examples if DEEP else 15,
    phases=(Phase.explicit, Phase.generate),
)
@given(lifecycles())
def test_lookup_and_explicit_search_give_one_answer_for_every_configuration(text: str) -> None:
    assert_right(text)


@st.composite
def constrained(draw: st.DrawFn) -> str:
    """The text of a lifecycle whose controls have more values, and say which of the others' are admissible."""
    text = draw(lifecycles())
    more = "control c1 : x | y | z\ncontrol c2 : k | l | m\n"
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.sampled_from(("c1 = x", "c1 = y", "c1 = z", "c1 != z", "c0")))
        second = draw(st.sampled_from(("not c0", "c0", "c2 = k", "c2 != l", "c2 != k", "c1 != x")))
        more += f"constraint {first} implies {second}\n"
    action = "action more by cpu when c2 = l and c1 != y then hot := true; q1 gains s1\n"
    return text.replace("control c1 : x | y\n", more).replace("property knows_", f"{action}property knows_")


@settings(
    max_examples=settings().max_examples if DEEP else 15,
    phases=(Phase.explicit, Phase.generate),
)
@given(constrained())
def test_of_what_constraints_exclude_nothing_is_said(text: str) -> None:
    assert_right(text)


def assert_right(text: str) -> None:
    of = load_text(text).lifecycle
    assume(not conflicts(of))
    assume(next(completions(of, {}), None) is not None)
    engine, certifier = Engine(of, remembering=len(text) % 2 == 0), Certifier(of)
    for rule in of.properties:
        honest = rule.kind == "possible"
        problem = Problem(of, Settings(), Reach(rule.binders, rule.target), honest)
        frontier = last(engine.frontier(problem, safe=honest))
        assert frontier.open == 0, frontier.reason
        assert accepted(certifier, problem, frontier), rule.name
        reached = 0
        every = list(configurations(of, honest))
        for setting in every:
            controls, capabilities = setting
            truth = reached_at_all(replace(problem, settings=Settings(controls, {} if honest else capabilities)))
            assert meets(frontier, setting) == truth, (rule.name, setting)
            reached += truth
            if frontier.safe is not None:
                assert any(safe.holds(*setting) for safe in frontier.safe) != truth
        assert (frontier.reaching, frontier.configurations) == (reached, len(every))
        assert_one_answer(engine, certifier, problem, frontier)
        for prime in frontier.primes:
            assert_minimal(of, frontier, prime, every)
            assert_traced(problem, prime)
        for listed in ([prime.condition for prime in frontier.primes], frontier.safe or ()):
            for condition in listed:
                assert_names_what_is_admissible(condition, every)
                assert not any(inside(condition, other, of) for other in listed if other is not condition)


def inside(one: Implicant, other: Implicant, of: Lifecycle) -> bool:
    """Whether every setting of one condition, admissible or not, is one of the other."""
    mine = dict(one.controls)
    domains = control_domains(of)
    return set(other.capabilities) <= set(one.capabilities) and all(
        set(mine.get(name, domains[name.name].values)) <= set(kept) for name, kept in other.controls
    )


@pytest.mark.parametrize("seed", range(150))
def test_the_bound_leaves_out_nothing_that_happens(seed: int) -> None:
    circuit = random_circuit(seed)
    capabilities = [latch.name.capability for latch in circuit.latches if isinstance(latch.name, CapabilityOn)]
    space = space_of(circuit, {}, capabilities)
    found = bound(circuit, space, readers_of(circuit), Clock(Budget()))
    seen = set()
    pending = [state for state in states(circuit) if is_first(circuit, state)]
    while pending:
        state = pending.pop()
        if state in seen:
            continue
        seen.add(state)
        on = {latch.name for latch, bit in zip(circuit.latches, state, strict=True) if latch.frozen and bit}
        setting = space.function(
            tuple((at, frozenset({int(v.name in names(on))})) for at, v in enumerate(space.variables))
        )
        for inputs in product((0, 1), repeat=len(circuit.inputs)):
            known = values(circuit, state, inputs)
            for node in range(1, len(circuit.left)):
                assert space.covers(found.can(2 * node + 1 - value_of(known, 2 * node)), setting)
            pending.append(tuple(value_of(known, latch.next) for latch in circuit.latches))


def names(bits: set[object]) -> set[object]:
    return {bit.capability for bit in bits if isinstance(bit, CapabilityOn)}


def test_the_bound_alone_can_be_the_proof() -> None:
    """Knowledge only grows: what no capability shows is never known, and no search is needed to say so."""
    of = load_text(GROWING).lifecycle
    problem = Problem(of, Settings(), Reach(*asked(of, "secrecy")))
    circuit = Engine(of).question(problem).circuit
    space = space_of(
        circuit, {name: control_domains(of)[name.name].values for name in control_names(of)}, capability_names(of)
    )
    found = bound(circuit, space, readers_of(circuit), Clock(Budget())).can(circuit.bad)
    frontier = last(Engine(of).frontier(problem))
    exact = space.false
    for prime in frontier.primes:
        exact = exact | space.function_of(prime.condition)
    assert found == exact


def test_the_conditions_of_a_small_lifecycle_are_the_ones_that_a_person_finds() -> None:
    of = load_text(GROWING).lifecycle
    problem = Problem(of, Settings(), Reach(*asked(of, "secrecy")))
    frontier = last(Engine(of).frontier(problem, safe=True))
    told = {
        (
            tuple((str(name), kept) for name, kept in prime.condition.controls),
            tuple(str(name) for name, _ in prime.condition.capabilities),
        )
        for prime in frontier.primes
        if not prime.implied
    }
    assert told == {
        ((("where", ("vault",)), ("locked", (False,))), ("breaks",)),
        ((("where", ("disk",)),), ("reads",)),
    }
    implied = [prime for prime in frontier.primes if prime.implied]
    assert [tuple(map(str, dict(prime.condition.capabilities))) for prime in implied] == [("reads", "breaks")]
    assert (frontier.configurations, frontier.reaching) == (16, 6)
    assert accepted(Certifier(of), problem, frontier)


PIN = """
lifecycle pin "a key that a token releases" status assumed
control pin : absent | short | long
control evict : bool "wrong guesses evict the key"
constraint pin = absent implies not evict
capability guesses "guesses a pin" cost 2
capability steals "has the token" cost 1
component host outside
secret s
place token persistent at host
exposes token to guesses when pin = short and evict
exposes token to steals when not (pin = long and evict)
action keep by host then token gains s
property secrecy never attacker knows s
"""


@pytest.mark.parametrize(
    ("on", "breaks", "holds"),
    [
        ("guesses", {"pin = short, evict = True"}, {"pin = absent or long", "evict = False"}),
        ("steals", {"pin = absent or short", "evict = False"}, {"pin = long, evict = True"}),
    ],
)
def test_a_condition_names_no_setting_that_a_constraint_excludes(on: str, breaks: set[str], holds: set[str]) -> None:
    """Rows said `pin = absent or short, evict = true`, though without a pin there is nothing to evict."""
    of = load_text(PIN).lifecycle
    fixed = Settings({}, {name: name.name == on for name in capability_names(of)})
    frontier = last(Engine(of).frontier(Problem(of, fixed, Reach(*asked(of, "secrecy"))), safe=True))
    assert frontier.safe is not None
    assert {shown(prime.condition) for prime in frontier.primes} == breaks
    assert {shown(condition) for condition in frontier.safe} == holds


def shown(condition: Implicant) -> str:
    return ", ".join(f"{name} = {' or '.join(map(str, kept))}" for name, kept in condition.controls)


def test_of_traces_a_condition_has_those_that_it_needs() -> None:
    """Who breaks vaults needs no copy, though one leads to the target too; who reads disks does not break vaults."""
    of = load_text(HASTY).lifecycle
    frontier = last(Engine(of).frontier(Problem(of, Settings(), Reach(*asked(of, "secrecy")))))
    told = {
        tuple(str(name) for name, _ in prime.condition.capabilities): [
            ([str(name) for name, on in trace.capabilities if on], list(map(str, trace.actions)))
            for trace in prime.traces
        ]
        for prime in frontier.primes
    }
    assert told == {
        ("breaks",): [(["breaks"], ["keep"])],
        ("reads",): [(["reads"], ["keep", "copy"])],
    }


def test_a_frontier_of_another_region_is_refused() -> None:
    """One condition missing, one too many, one without its trace: the certifier accepts none of them."""
    of = load_text(GROWING).lifecycle
    problem = Problem(of, Settings(), Reach(*asked(of, "secrecy")))
    frontier = last(Engine(of).frontier(problem))
    certifier = Certifier(of)
    first, *others = frontier.primes
    assert not accepted(certifier, problem, replace(frontier, primes=tuple(others[:1])))
    wider = replace(first, condition=replace(first.condition, capabilities=()))
    assert not accepted(certifier, problem, replace(frontier, primes=(wider, *others)))
    assert not certifier.reaches(problem, replace(first, traces=())).accepted
    nothing = Implicant(((ControlName("where"), ("vault",)), (ControlName("where"), ("disk",))))
    assert "no setting" in certifier.reaches(problem, Prime(nothing, first.traces)).reason
    unknown = Implicant(((ControlName("elsewhere"), ("vault",)),))
    assert "no control `elsewhere`" in certifier.reaches(problem, Prime(unknown, first.traces)).reason
    assert not certifier.combines(problem, [first.condition], [[p.condition for p in others]]).accepted
    assert certifier.combines(problem, [first.condition], [[first.condition], [Implicant()]]).accepted
    assert not certifier.combines(problem, [Implicant()], [[first.condition]]).accepted
    assert not certifier.combines(problem, [first.condition], [[Implicant()]]).accepted
    conditions = [prime.condition for prime in frontier.primes]
    assert "on neither side" in certifier.complements(problem, conditions).reason
    assert "on either side" in certifier.complements(problem, conditions, [Implicant()]).reason
    nowhere = replace(problem, excluded=(Implicant(),))
    assert "no setting is admissible" in certifier.complements(nowhere, [Implicant()]).reason


def test_what_a_policy_fixes_stays_out_of_the_conditions() -> None:
    of = load_text(GROWING).lifecycle
    fixed = Settings({ControlName("where"): "disk"}, {CapabilityName("breaks"): False})
    frontier = last(Engine(of).frontier(Problem(of, fixed, Reach(*asked(of, "secrecy")))))
    assert [prime.condition for prime in frontier.primes] == [Implicant((), ((CapabilityName("reads"), True),))]
    assert (frontier.configurations, frontier.reaching) == (4, 2)


def test_an_excluded_setting_is_out_of_the_question_for_every_engine() -> None:
    of = load_text(GROWING).lifecycle
    problem = Problem(of, Settings(), Reach(*asked(of, "secrecy")))
    primes = last(Engine(of).frontier(problem)).primes
    outside = replace(problem, excluded=tuple(prime.condition for prime in primes))
    certifier = Certifier(of)
    assert isinstance(explore(outside).finding, Unreachable)
    assert isinstance(certifier.solve(outside), Unreachable)
    found = Engine(of).decide(outside)
    assert isinstance(found, Unreachable)
    assert certifier.certify(outside, found).accepted
    left, *others = sorted(primes, key=lambda prime: prime.implied)
    inside = replace(problem, excluded=tuple(prime.condition for prime in others if not prime.implied))
    for finding in (explore(inside).finding, certifier.solve(inside), Engine(of).decide(inside)):
        assert isinstance(finding, Reached)
        assert left.condition.holds(dict(finding.trace.controls), dict(finding.trace.capabilities))
        assert certifier.certify(inside, finding).accepted


def test_of_messages_the_members_are_exchanged_too() -> None:
    """Of a message and an owner, the owner alone was renamed: a condition came out that the certifier refused."""
    of = load_text(MESSAGES).lifecycle
    problem = Problem(of, Settings(), Reach(*asked(of, "everywhere")), honest=True)
    frontier = last(Engine(of).frontier(problem, safe=True))
    assert frontier.symmetric == ("Owner",)
    assert sorted(part.reaching for part in frontier.instances) == [0, 0, 1, 1]
    assert (frontier.reaching, frontier.configurations) == (0, 2)
    assert accepted(Certifier(of), problem, frontier)


def test_without_time_what_is_open_is_said() -> None:
    of = load_text(GROWING).lifecycle
    problem = Problem(of, Settings(), Reach(*asked(of, "secrecy")))
    found = last(Engine(of).frontier(problem, Budget(seconds=0)))
    assert found.open == found.configurations == 16
    assert found.invariant is None
    assert found.reason == "no answer within 0 s"
    wanted = Problem(of, Settings(), Reach(*asked(of, "kept")), honest=True)
    found = last(Engine(of).frontier(wanted, Budget(seconds=0)))
    assert found.open == found.configurations > 0
    assert (found.primes, found.reaching, found.invariant, found.reason) == ((), 0, None, "no answer within 0 s")


def test_whenever_the_time_is_up_what_was_found_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """After any number of looks at the clock: what is left open may be much, what is told to be reached is."""

    def check(self: Clock) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OutOfBudgetError("it is late")

    of = load_text(HASTY).lifecycle
    problem = Problem(of, Settings(), Reach(*asked(of, "secrecy")))
    whole = last(Engine(of).frontier(problem))
    kept, looks = [], 0
    with monkeypatch.context() as patch:
        patch.setattr(Clock, "check", check)
        while not kept or kept[-1].reason:
            looks += 1
            left = looks
            kept.append(last(Engine(of).frontier(problem)))
    assert any(found.open and found.primes for found in kept)
    for found in kept:
        assert (found.reason, found.invariant is None) in (("it is late", True), ("", False))
        assert found.reaching <= whole.reaching <= found.reaching + found.open
        for prime in found.primes:
            assert Certifier(of).reaches(problem, prime).accepted


def test_past_the_limit_no_condition_is_listed() -> None:
    of = load_text(GROWING).lifecycle
    problem = Problem(of, Settings(), Reach(*asked(of, "secrecy")))
    found = last(Engine(of).frontier(problem, limit=1))
    assert (found.primes, found.invariant, found.reason) == ((), None, "more than 1 minimal conditions")
