"""What a tool that is not keyfate's own may say of a circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keyfate.engines.circuit import Circuit
from keyfate.engines.ic3 import Proof
from keyfate.engines.sat import Clock
from keyfate.engines.search import Run


class NoAnswerError(Exception):
    """The tool ended without an answer; the message says why, for people."""


@dataclass(frozen=True)
class Word:
    """Bad is never reached, by the tool's word alone: its invariant is no set of clauses."""


@dataclass(frozen=True)
class Reachable:
    """Bad is reached; in how many steps was not said."""


Said = Proof | Word | Reachable | Run
"""A Run is a shortest one."""

Prover = Callable[[Circuit, Clock], Said]
"""Raises OutOfBudgetError where the clock says so, NoAnswerError where the tool gives up."""
