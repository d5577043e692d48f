"""Small lifecycles with frontiers, and what every frontier is held against: explicit search, other engines, judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from hypothesis import assume

from keyfate.certifier.certify import Certifier
from keyfate.engines.decide import Engine
from keyfate.language.typed import Condition, Lifecycle, Param, Value
from keyfate.lifecycle.account import explain
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import capability_names, control_domains
from keyfate.lifecycle.interpreter import ReplayError
from keyfate.lifecycle.names import CapabilityName, ControlName
from keyfate.lifecycle.problem import (
    Frontier,
    Implicant,
    Prime,
    Problem,
    Reach,
    Reached,
    Settings,
    Trace,
    Undecided,
    Unreachable,
    confined,
)
from keyfate.policy.admissible import completions

Setting = tuple[dict[ControlName, Value], dict[CapabilityName, bool]]

GROWING = """
lifecycle growing "a secret in two places" status assumed
control where : vault | disk
control locked : bool
capability reads "reads a disk" cost 1
capability breaks "opens a vault" cost 5
component host outside
secret s
place vault persistent at host
place disk persistent at host
exposes vault to breaks when not locked
exposes disk to reads
action keep by host then if where = vault { vault gains s } else { disk gains s }
property secrecy never attacker knows s
property kept for x: Half possible vault has s
sort Half = one | two
"""


HASTY = """
lifecycle hasty "what is in a vault is copied" status assumed
capability reads
capability breaks
component host outside
secret s
place vault persistent at host
place disk persistent at host
exposes vault to breaks
exposes disk to reads
action keep by host then vault gains s
action copy by host when vault has s then disk gains s using vault
property secrecy never attacker knows s
"""


MESSAGES = """
lifecycle messages "what is put elsewhere" status assumed
sort Owner = one | two
control open : bool
component host inside
secret key_of[Owner], item[Owner]
message Blob = enc(key_of[o], item[o]) for o: Owner
place disk[Owner] persistent at host
action put[o: Owner, other: Owner] by host when open and o != other then disk[other] gains enc(key_of[o], item[o]) ideal
property everywhere for b: Blob, o: Owner possible disk[o] has b
"""


def asked(of: Lifecycle, name: str) -> tuple[tuple[Param, ...], Condition]:
    rule = next(rule for rule in of.properties if rule.name == name)
    return rule.binders, rule.target


def last(frontiers: Iterator[Frontier]) -> Frontier:
    *_, found = frontiers
    return found


def configurations(of: Lifecycle, honest: bool) -> Iterator[Setting]:
    """Every admissible one; an honest run has no capabilities."""
    names = () if honest else capability_names(of)
    for controls in completions(of, {}):
        for switches in product((False, True), repeat=len(names)):
            yield controls, dict(zip(names, switches, strict=True))


def meets(frontier: Frontier, setting: Setting) -> bool:
    return any(prime.condition.holds(*setting) for prime in frontier.primes)


def accepted(certifier: Certifier, problem: Problem, frontier: Frontier) -> bool:
    """What the certifier says of the whole: each condition, and that there is nothing else."""
    parts = [(problem, frontier)]
    if frontier.instances:
        assert isinstance(problem.target, Reach)
        targets = confined(problem.target)
        parts = [(replace(problem, target=t), part) for t, part in zip(targets, frontier.instances, strict=True)]
        listed = [[prime.condition for prime in part.primes] for part in frontier.instances]
        if not certifier.combines(problem, [prime.condition for prime in frontier.primes], listed).accepted:
            return False
    for asked, part in parts:
        if not all(certifier.reaches(asked, prime).accepted for prime in part.primes):
            return False
        excluded = tuple(prime.condition for prime in part.primes)
        if part.reaching < part.configurations:
            finding = Unreachable(part.invariant)
            if not certifier.certify(replace(asked, excluded=excluded), finding).accepted:
                return False
        elif not certifier.complements(asked, excluded).accepted:
            return False
    conditions = [prime.condition for prime in frontier.primes]
    return frontier.safe is None or certifier.complements(problem, conditions, frontier.safe).accepted


def shortest(problem: Problem) -> int | None:
    """In how many steps the target is reached, if it is."""
    finding = explore(problem, limit=300).finding
    assume(not isinstance(finding, Undecided))
    return len(finding.trace.actions) if isinstance(finding, Reached) else None


def reached_at_all(problem: Problem) -> bool:
    """Whether the target is; each instance of it in an honest run."""
    assert isinstance(problem.target, Reach)
    targets = list(confined(problem.target)) if problem.honest else [problem.target]
    return all(shortest(replace(problem, target=target)) is not None for target in targets)


def assert_one_answer(engine: Engine, certifier: Certifier, problem: Problem, frontier: Frontier) -> None:
    """IC3, Z3 alone and the frontier say the same of what is left open, and know runs of one length."""
    if problem.honest:  # some instance is asked for, and a frontier is of each
        reached = any(part.primes for part in frontier.instances)
        steps = [len(trace.actions) for part in frontier.instances for prime in part.primes for trace in prime.traces]
    else:
        reached = bool(frontier.primes)
        steps = [len(trace.actions) for prime in frontier.primes for trace in prime.traces]
    for finding in (engine.decide(problem), certifier.solve(problem)):
        assert isinstance(finding, Reached) == reached
        if isinstance(finding, Reached):
            assert len(finding.trace.actions) == min(steps)
        else:
            assert isinstance(finding, Unreachable)
            assert certifier.certify(problem, finding).accepted


def assert_minimal(of: Lifecycle, frontier: Frontier, prime: Prime, every: list[Setting]) -> None:
    """With any literal removed, or any value added to one, the condition covers a safe setting; a value that covers no
    setting more may be left out."""
    domains = control_domains(of)
    controls, capabilities = prime.condition.controls, prime.condition.capabilities
    for at, (name, kept) in enumerate(controls):
        assert covers_safe(frontier, Implicant((*controls[:at], *controls[at + 1 :]), capabilities), every)
        for value in domains[name.name].values:
            if value not in kept:
                wider = Implicant((*controls[:at], (name, (*kept, value)), *controls[at + 1 :]), capabilities)
                assert covers_safe(frontier, wider, every) or not covers(wider, name, value, every)
    for at, (_, on) in enumerate(capabilities):
        assert on, "power only adds (R11)"
        fewer = (*capabilities[:at], *capabilities[at + 1 :])
        assert covers_safe(frontier, Implicant(controls, fewer), every)


def covers_safe(frontier: Frontier, condition: Implicant, every: list[Setting]) -> bool:
    return any(condition.holds(*setting) and not meets(frontier, setting) for setting in every)


def assert_names_what_is_admissible(condition: Implicant, every: list[Setting]) -> None:
    for name, kept in condition.controls:
        assert all(covers(condition, name, value, every) for value in kept), (condition, name)


def covers(condition: Implicant, name: ControlName, value: Value, every: list[Setting]) -> bool:
    """Whether the condition has an admissible setting in which the control has this value."""
    return any(setting[0][name] == value and condition.holds(*setting) for setting in every)


def assert_traced(problem: Problem, prime: Prime) -> None:
    """Each trace is of the condition's own attacker; under each of its settings one runs that is as short as can be."""
    assert prime.traces
    assert isinstance(problem.target, Reach)
    targets = list(confined(problem.target)) if problem.honest else [problem.target]
    for trace in prime.traces:
        controls, capabilities = dict(trace.controls), dict(trace.capabilities)
        assert prime.condition.holds(controls, capabilities)
        assert {name for name, on in capabilities.items() if on} == {name for name, _ in prime.condition.capabilities}
    capabilities = dict(prime.traces[0].capabilities)
    for controls in completions(problem.lifecycle, {}):
        if not prime.condition.holds(controls, capabilities):
            continue
        settings = Settings(controls, {} if problem.honest else capabilities)
        for target in targets:
            here = [
                len(trace.actions) for trace in prime.traces if runs(replace(problem, target=target), controls, trace)
            ]
            assert min(here, default=None) == shortest(replace(problem, target=target, settings=settings))


def runs(problem: Problem, controls: dict[ControlName, Value], trace: Trace) -> bool:
    """Whether the trace leads to the target under these controls."""
    try:
        account = explain(
            problem.lifecycle, replace(trace, controls=tuple(controls.items())), problem.target, honest=problem.honest
        )
    except ReplayError:
        return False
    return account.binding is not None
