"""Parts of a result as people read them, in every report and picture alike."""

from __future__ import annotations

from collections.abc import Mapping

from keyfate.checking.results import Change, Difference, Plain, Step
from keyfate.language.typed import Value
from keyfate.lifecycle.names import ControlName, show_value


def listed(values: Mapping[str, Plain] | Mapping[ControlName, Value]) -> str:
    """`persistence = opt_in, seed_root = tpm`."""
    return ", ".join(f"{name} = {show_value(value)}" for name, value in values.items())


def called(step: Step) -> str:
    """`save[t: agent, p: alpha]`."""
    arguments = ", ".join(f"{name}: {show_value(value)}" for name, value in step.arguments.items())
    return f"{step.action}[{arguments}]" if arguments else step.action


def turned(change: Change) -> str:
    """`power[alpha]: off → on`, of a state variable."""
    return f"{change.name}: {show_value(change.before)} → {show_value(change.after)}"


def subject(difference: Difference) -> tuple[str, str]:
    """Of what the library answers otherwise: a policy or a lifecycle, and what of it."""
    whole = {"states": "reachable states", "judges": ""}
    what = difference.property or whole.get(difference.what, "")
    return difference.policy or difference.lifecycle or "", f"frontier of {what}" if difference.lifecycle else what
