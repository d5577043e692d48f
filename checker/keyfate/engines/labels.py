"""What a bit is called in files that other tools read."""

from __future__ import annotations

from collections.abc import Iterable

from keyfate.lifecycle.names import (
    Before,
    Bit,
    CapabilityOn,
    ControlIs,
    Happened,
    Holds,
    Observed,
    StateIs,
    show_name,
    show_value,
)


def label(bit: Bit) -> str:
    """The bit in the words of the lifecycle, on one line."""
    match bit:
        case ControlIs(name, value):
            return f"{name} = {show_value(value)}"
        case StateIs(state, value):
            return f"{state} = {show_value(value)}"
        case CapabilityOn(capability):
            return f"attacker can {capability}"
        case Holds(place, term):
            return f"{place} holds {term}"
        case Observed(term):
            return f"attacker saw {term}"
        case Happened(action):
            return f"did {action}"
        case Before(identity, binding):
            return show_name(f"past {identity}", binding)


def distinct(names: Iterable[str]) -> list[str]:
    """The names, those that are taken with a number behind."""
    taken: set[str] = set()
    found = []
    for name in names:
        own, number = name, 2
        while own in taken:
            own, number = f"{name} ({number})", number + 1
        taken.add(own)
        found.append(own)
    return found
