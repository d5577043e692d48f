"""What the certifier says of a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyfate.certifier.z3api import SolverError


@dataclass(frozen=True)
class Judgement:
    """Whether a finding was confirmed; if not, why. `clauses` is the size of the invariant checked,
    `gave_up` says that Z3 came to no answer: neither confirmed nor refuted."""

    accepted: bool
    reason: str
    clauses: int
    gave_up: bool = False


class RefusalError(Exception):
    """Why a finding is not accepted."""


class GaveUpError(RefusalError):
    """Z3 does not know."""


def judged(check: Callable[[], None], clauses: int) -> Judgement:
    """Accepted if `check` comes to its end."""
    try:
        check()
    except RefusalError as refusal:
        return Judgement(False, str(refusal), clauses, isinstance(refusal, GaveUpError))
    except SolverError as error:
        return Judgement(False, f"Z3 failed: {error}", clauses, True)
    except MemoryError:
        return Judgement(False, "out of memory", clauses, True)
    return Judgement(True, "", clauses)
