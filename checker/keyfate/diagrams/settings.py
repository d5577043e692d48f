"""Under which setting something was found: what stands below every picture of a trace."""

from __future__ import annotations

from collections.abc import Iterator

from keyfate.checking.results import PolicySummary, Result
from keyfate.lifecycle.names import show_value


def setting(policy: PolicySummary, result: Result) -> Iterator[str]:
    """Who attacks with what, and the values of controls that the policy leaves open. Nobody attacks a benefit."""
    if result.kind != "possible":
        on = ", ".join(policy.capabilities) or "nothing"
        named = "" if policy.attacker == on else f" ({policy.attacker})"
        yield f"the attacker{named} can: {on}"
    if result.configuration:
        yield "open, here: " + ", ".join(
            f"{name} = {show_value(value)}" for name, value in result.configuration.items()
        )
