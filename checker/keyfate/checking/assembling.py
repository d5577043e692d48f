"""Brings engine, certifier and twin to one table; the only place that knows all three."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from keyfate.checking.judges import (
    ENGINES,
    OUT_OF_MEMORY,
    TIMEOUT,
    Court,
    Deadline,
    Engine,
    EngineName,
    GaveUpError,
    Judgement,
    Script,
)
from keyfate.checking.panel import Panel
from keyfate.checking.pool import FORKS
from keyfate.checking.synthesizing import Judges
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.explicit import STATE_LIMIT, explore
from keyfate.lifecycle.problem import Budget, Finding, Invariant, Problem, Settings, Trace

if TYPE_CHECKING:
    from keyfate.certifier.certify import Certifier as Z3Certifier


ALONE: tuple[EngineName, ...] = ("auto", "abc", "z3", "spacer", "explicit")
"""Every engine that `all` asks, in this order."""

Count = Callable[[Settings, Deadline], int | None]
"""How many states are reachable under settings that leave nothing open; None if too many to count. May raise
GaveUpError."""

FEW_STATES = 20_000
"""Up to so many states explicit search is one of all engines."""


def preload(memory: int | None) -> tuple[object, ...]:
    """Load what every worker needs, once for all of those that are forked: solvers take a while.

    Not where each may hold so many bytes: what it finds here would count as its own.
    """
    if not FORKS or memory is not None:
        return ()
    from keyfate.certifier.certify import Certifier
    from keyfate.engines.decide import Engine
    from keyfate.engines.sat import makers
    from keyfate.twin.confirm import Confirmer

    return Certifier, Engine, Confirmer, makers()


def assemble(lifecycle: Lifecycle, engine: EngineName, *, remembering: bool = False) -> Court:
    """The judges of a lifecycle, built once and asked many times. `remembering`: see `engines.decide.Engine`.

    Raises LifecycleError where the lifecycle is too large.
    """
    from keyfate.certifier.certify import Certifier
    from keyfate.twin.confirm import Confirmer

    basis = Basis(lifecycle)
    certifier = Z3Judge(Certifier(lifecycle))
    twin = Confirmer(lifecycle).confirm

    def alone(name: EngineName) -> Engine:
        return _engine(name, basis, certifier, remembering=remembering)

    if engine != "all":
        return Court(lifecycle, alone(engine), certifier, twin, ENGINES[engine], basis)
    engines = [(ENGINES[name], alone(name)) for name in ALONE if name != "explicit"]
    engines.append((ENGINES["explicit"], _Explicit(FEW_STATES)))
    return Panel(lifecycle, engines[0][1], certifier, twin, ENGINES[engine], basis, tuple(engines))


def _engine(name: EngineName, basis: Basis, certifier: Z3Judge, *, remembering: bool) -> Engine:
    if name == "explicit":
        return _Explicit(STATE_LIMIT)
    if name == "z3":
        return _Z3(certifier.inner)
    from keyfate.engines.decide import Engine as Prover

    if name == "spacer":
        from keyfate.engines.spacer import spacer

        return Prover(basis.lifecycle, spacer, basis=basis)
    if name == "abc":
        from keyfate.engines.berkeley import berkeley

        return Prover(basis.lifecycle, berkeley, basis=basis)
    return Prover(basis.lifecycle, basis=basis, remembering=remembering)


def assemble_frontier(lifecycle: Lifecycle, *, remembering: bool = False) -> Judges:
    """The judges of a lifecycle's frontiers. `remembering`: see `engines.decide.Engine`.

    Raises LifecycleError where the lifecycle is too large.
    """
    from keyfate.certifier.certify import Certifier
    from keyfate.engines.decide import Engine as Prover
    from keyfate.twin.confirm import Confirmer

    basis = Basis(lifecycle)
    prover = Prover(lifecycle, basis=basis, remembering=remembering)
    return Judges(lifecycle, prover, Certifier(lifecycle), Confirmer(lifecycle).confirm, basis)


def assemble_counter(lifecycle: Lifecycle) -> Count:
    """Who counts the states of a lifecycle. Raises LifecycleError where the lifecycle is too large."""
    from keyfate.engines.counting import Counter
    from keyfate.engines.sat import OutOfBudgetError

    counter = Counter(lifecycle)

    def count(settings: Settings, deadline: Deadline) -> int | None:
        try:
            return counter.states(settings, budget=deadline.budget())
        except OutOfBudgetError:
            raise GaveUpError(TIMEOUT) from None
        except MemoryError:
            raise GaveUpError(OUT_OF_MEMORY) from None

    return count


class Z3Judge:
    """The certifier, with Z3's own surrender in the words of this room."""

    def __init__(self, inner: Z3Certifier) -> None:
        self.inner = inner

    def certify(self, problem: Problem, finding: Finding) -> Judgement:
        return self.inner.certify(problem, finding)

    def uncovered(self, problem: Problem, traces: tuple[Trace, ...]) -> Settings | None:
        from keyfate.certifier.z3api import SolverError

        try:
            return self.inner.uncovered(problem, traces)
        except SolverError as error:
            raise GaveUpError(str(error)) from None

    def scripts(self, problem: Problem, invariant: Invariant) -> tuple[Script, ...]:
        return self.inner.scripts(problem, invariant)


class _Explicit:
    """The plain interpreter, state by state."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def decide(self, problem: Problem, budget: Budget | None = None) -> Finding:
        return explore(problem, limit=self._limit, budget=budget).finding


class _Z3:
    """Z3 alone, over the certifier's own encoding."""

    def __init__(self, certifier: Z3Certifier) -> None:
        self._certifier = certifier

    def decide(self, problem: Problem, budget: Budget | None = None) -> Finding:
        return self._certifier.solve(problem, budget or Budget())
