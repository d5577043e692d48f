"""`keyfate hunt`."""

from __future__ import annotations

from keyfate.checking.session import open_session
from keyfate.checking.shelf import Scopes
from keyfate.commands import naming
from keyfate.commands.progress import bar
from keyfate.lifecycle.problem import Settings
from keyfate.policy.policy import Policy
from keyfate.reporting.hunting import hunt_status, hunt_text


def hunt(name: str, walks: int, seed: int, scope: Scopes, color: bool, width: int | None) -> tuple[str, int]:
    """Random walks on bytes over a lifecycle or a policy, and the exit status."""
    from keyfate.twin.hunt import NoSettingError
    from keyfate.twin.hunt import hunt as walk

    path = naming.policy_or_lifecycle(name)
    policy = open_session((path,), scope).policies[0]
    with bar(f"walking {policy.name}", walks) as advance:
        try:
            result = walk(
                policy.lifecycle,
                policy.settings if path.suffix != ".kf" else Settings(),
                [rule for rule in policy.lifecycle.properties if _to_prove(policy, rule.name)],
                walks=walks,
                seed=seed,
                progress=lambda _: advance(""),
            )
        except NoSettingError as error:
            raise naming.on_command_line("KF514", str(error), name, "change the settings or the constraints") from None
    return hunt_text(policy, result, color=color, width=width), hunt_status(result)


def _to_prove(policy: Policy, name: str) -> bool:
    required = policy.requirement(name)
    return required is not None and required.verdict == "PROVED"
