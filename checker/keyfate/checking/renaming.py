"""Runs with members of sorts exchanged: where a lifecycle treats them alike, a witness for one
is a witness for the other. Nothing is assumed: who uses the result replays it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from keyfate.language.typed import Message, Value
from keyfate.lifecycle.names import ActionName, StateName
from keyfate.lifecycle.problem import Trace


def exchange(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[Value, Value] | None:
    """A permutation of members that takes the values of `before` to those of `after`; None where
    there is none, or where it would move numbers or booleans, which are not interchangeable."""
    moved: dict[Value, Value] = {}
    for name, value in before.items():
        if moved.setdefault(value, after[name]) != after[name]:
            return None
    if len(set(moved.values())) < len(moved):
        return None
    if any(a != b and not (isinstance(a, str) and isinstance(b, str)) for a, b in moved.items()):
        return None
    homeless = [value for value in moved.values() if value not in moved]
    free = [value for value in moved if value not in moved.values()]
    return moved | dict(zip(homeless, free, strict=True))


def renamed(trace: Trace, members: Mapping[Value, Value]) -> Trace:
    """The trace with `members` exchanged in its actions and first values; the setting stays."""
    return replace(
        trace,
        actions=tuple(ActionName(a.name, _values(a.args, members)) for a in trace.actions),
        initial=tuple((StateName(n.name, _values(n.args, members)), _value(v, members)) for n, v in trace.initial),
    )


def _values(values: tuple[Value, ...], members: Mapping[Value, Value]) -> tuple[Value, ...]:
    return tuple(_value(v, members) for v in values)


def _value(value: Value, members: Mapping[Value, Value]) -> Value:
    if isinstance(value, Message):
        return Message(value.family, _values(value.args, members))
    return members.get(value, value) if isinstance(value, str) else value
