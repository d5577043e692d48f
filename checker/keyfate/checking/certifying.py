"""A certificate before its judges: nothing that its writer found out is taken on trust."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from keyfate.checking.assembling import Z3Judge
from keyfate.checking.certificate_reading import Read
from keyfate.checking.claims import Claim, NotAmountError, supporting
from keyfate.checking.judges import Certifier, Confirmation, GaveUpError
from keyfate.checking.results import DIVERGED, MET, UNDECIDED
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.account import explain
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.interpreter import ReplayError
from keyfate.lifecycle.problem import Problem, Reach, Reached, Trace

Answered = Literal["accepted", "refused", "gave up"]


@dataclass(frozen=True)
class Ruling:
    """What one judge says of one claim (counted from 1), or of whether all of them amount to the verdict (0)."""

    claim: int
    judge: str
    answered: Answered
    reason: str = ""


@dataclass(frozen=True)
class Judged:
    """A certificate with what every judge says; `missing` are those that are not installed."""

    read: Read
    rulings: tuple[Ruling, ...]
    missing: tuple[str, ...] = ()

    @property
    def answered(self) -> Answered:
        said = {ruling.answered for ruling in self.rulings}
        return "refused" if "refused" in said else "gave up" if "gave up" in said else "accepted"

    @property
    def status(self) -> int:
        """5 where a judge refuses it, 3 where one came to no answer."""
        return {"accepted": MET, "gave up": UNDECIDED, "refused": DIVERGED}[self.answered]


@dataclass
class Bench:
    """Judges of the lifecycles of some certificates, each made once; a question may take `seconds`."""

    seconds: float
    _seats: dict[int, _Seat] = field(default_factory=dict)

    def judge(self, read: Read) -> Judged:
        """Every claim by every judge that there is for it."""
        from keyfate.certifier import cvc5api

        version = cvc5api.installed()
        missing = ("cvc5",) if version is None else ()
        try:
            lifecycle = read.policy.lifecycle
            seat = self._seats.get(id(lifecycle)) or _Seat(lifecycle, self.seconds)
            self._seats[id(lifecycle)] = seat
            rulings = tuple(_rulings(read, seat, version))
        except MemoryError:
            rulings = (Ruling(0, "keyfate", "gave up", "out of memory"),)
        return Judged(read, rulings, missing if any(c.invariant for c in read.claims) else ())


@dataclass
class _Seat:
    """The judges of one lifecycle."""

    lifecycle: Lifecycle
    seconds: float

    @cached_property
    def z3(self) -> Z3Judge:
        from keyfate.certifier.certify import Certifier

        return Z3Judge(Certifier(self.lifecycle, self.seconds))

    @cached_property
    def basis(self) -> Basis:
        return Basis(self.lifecycle)

    @cached_property
    def twin(self) -> Callable[[Problem, Trace], Confirmation]:
        from keyfate.twin.confirm import Confirmer

        return Confirmer(self.lifecycle).confirm


def _rulings(read: Read, seat: _Seat, version: str | None) -> Iterator[Ruling]:
    try:
        supporting(read.policy, read.rule, read.verdict, read.claims, seat.z3)
    except NotAmountError as error:
        yield Ruling(0, "keyfate", "refused", f"its claims do not amount to {read.verdict}: {error}")
    except GaveUpError as error:
        yield Ruling(0, "z3", "gave up", str(error))
    for number, claim in enumerate(read.claims, start=1):
        if isinstance(claim.finding, Reached):
            yield from _trace(number, claim, seat)
        else:
            yield _by_z3(number, claim, seat.z3)
            if version is not None:
                yield _by_cvc5(number, claim, seat)


def _by_z3(number: int, claim: Claim, certifier: Certifier) -> Ruling:
    judgement = certifier.certify(claim.problem, claim.finding)
    answered: Answered = "accepted" if judgement.accepted else "gave up" if judgement.gave_up else "refused"
    return Ruling(number, "z3", answered, judgement.reason)


def _by_cvc5(number: int, claim: Claim, seat: _Seat) -> Ruling:
    from keyfate.certifier import cvc5api
    from keyfate.certifier.judgement import RefusalError
    from keyfate.certifier.z3api import SolverError

    assert claim.invariant is not None
    try:
        for script in seat.z3.scripts(claim.problem, claim.invariant):
            answer = cvc5api.answer(script.text, seat.seconds)
            if answer == "unknown":
                return Ruling(number, "cvc5", "gave up", f"{script.part}: it does not know")
            if answer != script.expected:
                said = f"{script.part} is {answer}, and a proof needs {script.expected}"
                return Ruling(number, "cvc5", "refused", said)
    except RefusalError as error:
        return Ruling(number, "cvc5", "refused", str(error))
    except SolverError as error:
        return Ruling(number, "cvc5", "gave up", str(error))
    return Ruling(number, "cvc5", "accepted")


def _trace(number: int, claim: Claim, seat: _Seat) -> Iterator[Ruling]:
    """By Z3, by the plain interpreter, and on bytes; whoever does not accept it spares those behind the work."""
    assert isinstance(claim.finding, Reached)
    problem, trace = claim.problem, claim.finding.trace
    ruling = _by_z3(number, claim, seat.z3)
    yield ruling
    if ruling.answered != "accepted":  # perhaps it does not even say what every control is
        return
    try:
        account = explain(seat.lifecycle, trace, problem.target, honest=problem.honest, basis=seat.basis)
    except ReplayError as error:
        yield Ruling(number, "interpreter", "refused", str(error))
        return
    if isinstance(problem.target, Reach) and account.binding is None:
        yield Ruling(number, "interpreter", "refused", "it replays to a state that is not asked for")
        return
    yield Ruling(number, "interpreter", "accepted")
    confirmation = seat.twin(problem, trace)
    yield Ruling(number, "twin", "accepted" if confirmation.confirmed else "refused", confirmation.reason)
