"""Under which setting something was found or drawn: what stands below a picture."""

from __future__ import annotations

from collections.abc import Iterator

from keyfate.checking.results import PolicySummary, Result
from keyfate.checking.wording import listed
from keyfate.policy.policy import Policy


def fixed(policy: Policy) -> Iterator[str]:
    """The controls that the policy sets, if it sets any."""
    if policy.settings.controls:
        yield f"with {listed(policy.settings.controls)}"


def setting(policy: PolicySummary, result: Result) -> Iterator[str]:
    """Who attacks with what, and the values of controls that the policy leaves open. Nobody attacks a benefit."""
    if result.kind != "possible":
        on = ", ".join(policy.capabilities) or "nothing"
        named = "" if policy.attacker == on else f" ({policy.attacker})"
        yield f"the attacker{named} can: {on}"
    if result.configuration:
        yield f"open, here: {listed(result.configuration)}"
