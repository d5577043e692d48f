"""Names of ground things: closed terms, instances, and the bits a state is made of.

Shared by interpreter, engines, certifier, twin and reports; nothing here computes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from keyfate.language.typed import Function, Message, Value


def show_value(value: Value) -> str:
    """The value as the language writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Message):
        return show_name(value.family, value.args)
    return str(value)


def show_name(name: str, args: tuple[Value, ...]) -> str:
    """`name[a, b]`, or `name` alone."""
    return f"{name}[{', '.join(map(show_value, args))}]" if args else name


def show_composed(function: Function, label: str | None, parts: Iterable[str]) -> str:
    """`kdf("box", seed)`, on one line whatever the label is."""
    quoted = [] if label is None else [json.dumps(label, ensure_ascii=False)]
    return f"{function}({', '.join([*quoted, *parts])})"


@dataclass(frozen=True)
class _Named:
    name: str
    args: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return show_name(self.name, self.args)


@dataclass(frozen=True)
class StateName(_Named):
    """An instance of a state variable: `td[agent]`."""


@dataclass(frozen=True)
class ControlName(_Named):
    """An instance of a control."""


@dataclass(frozen=True)
class CapabilityName(_Named):
    """An instance of a capability."""


@dataclass(frozen=True)
class PlaceName(_Named):
    """An instance of a place."""


@dataclass(frozen=True)
class ActionName(_Named):
    """An instance of an action: one possible step."""


@dataclass(frozen=True)
class Atom:
    """A closed `secret` or `public`."""

    name: str
    args: tuple[Value, ...]
    public: bool

    def __str__(self) -> str:
        return show_name(self.name, self.args)


@dataclass(frozen=True, eq=True)
class Compound:
    """A closed composed term; see `language.typed.Apply` for the shapes."""

    function: Function
    label: str | None
    args: tuple[Term, ...]

    @cached_property
    def _hash(self) -> int:
        return hash((self.function, self.label, self.args))

    def __hash__(self) -> int:
        return self._hash  # terms nest; each is hashed once

    def __getstate__(self) -> dict[str, object]:
        # Hashes of strings differ from process to process.
        return {name: value for name, value in vars(self).items() if name != "_hash"}

    def __str__(self) -> str:
        return show_composed(self.function, self.label, map(str, self.args))


Term = Atom | Compound


# The bits of a state. A clause of an invariant is a disjunction of them.


@dataclass(frozen=True)
class ControlIs:
    control: ControlName
    value: Value


@dataclass(frozen=True)
class CapabilityOn:
    capability: CapabilityName


@dataclass(frozen=True)
class StateIs:
    state: StateName
    value: Value


@dataclass(frozen=True)
class Holds:
    """The place has that very term."""

    place: PlaceName
    term: Term


@dataclass(frozen=True)
class Observed:
    """The attacker has seen that very term (not: can derive it)."""

    term: Term


@dataclass(frozen=True)
class Happened:
    """The step that entered this state was this instance."""

    action: ActionName


@dataclass(frozen=True)
class Before:
    """History latch of the past operator `identity` under `binding`.

    Its value in a state is the operator's value in the state before (once, since,
    historically) or its operand's (previously); in the first state false, and true
    for historically. So `once P` is `P or Before`, `historically P` is `P and
    Before`, `L since P` is `P or (L and Before)`, `previously P` is `Before`.
    """

    identity: int
    binding: tuple[Value, ...]  # values of `Past.free`, in that order


Bit = ControlIs | CapabilityOn | StateIs | Holds | Observed | Happened | Before


@dataclass(frozen=True)
class BitLiteral:
    bit: Bit
    positive: bool


Clause = tuple[BitLiteral, ...]
