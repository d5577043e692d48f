"""`keyfate export`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keyfate import __version__
from keyfate.checking.session import open_session
from keyfate.checking.shelf import Scopes
from keyfate.checking.wording import listed
from keyfate.commands import naming
from keyfate.language.typed import Property
from keyfate.lifecycle.instances import assignments
from keyfate.lifecycle.problem import Problem, Reach, Settings
from keyfate.lifecycle.spelling import Spelling
from keyfate.policy.policy import Policy
from keyfate.reporting.words import clean, count


@dataclass(frozen=True)
class Exported:
    """A file as it is written; `summary` says what it holds, `following` what to run next."""

    content: str | bytes
    summary: str
    following: str


def export(name: str, rule: str, form: str, output: Path, scope: Scopes) -> Exported:
    """The circuit of one property. `form` is `aag`, `aig` or `smtlib`.

    Raises LifecycleError where there is no such property or the lifecycle is too large.
    """
    from keyfate.engines import aiger, horn
    from keyfate.engines.decide import Engine

    policy = open_session((naming.policy_or_lifecycle(name),), scope).policies[0]
    naming.known_property(policy.lifecycle, rule)
    asked = next(known for known in policy.lifecycle.properties if known.name == rule)
    circuit = Engine(policy.lifecycle).exactly(problem(policy, asked)).circuit
    show = Spelling(policy.lifecycle).show
    of, where = f"{shlex.quote(name)} {shlex.quote(rule)}", shlex.quote(str(output))
    if form == "smtlib":
        text = horn.horn(circuit, horn.spoken(circuit, show), [*_about(policy, asked), *_SMTLIB])
        return Exported(text, f"3 Horn clauses over {count(len(circuit.latches), 'bit')}", f"z3 {where}")
    found = aiger.model(circuit, show)
    about = [*_about(policy, asked), *_AIGER]
    summary = ", ".join(
        (
            count(len(found.inputs), "input"),
            count(len(found.latches), "latch", "latches"),
            count(len(found.gates), "gate"),
        )
    )
    if form == "aag":
        return Exported(aiger.text(found, rule, about), summary, f"keyfate explain {of}")
    following = f"berkeley-abc -q {shlex.quote(f'read {output}; pdr')}"
    return Exported(aiger.binary(found, rule, about), summary, following)


def problem(policy: Policy, rule: Property) -> Problem:
    """What must not be reached; of a `possible` property, what must be (R13): no attacker, no capability."""
    target = Reach(rule.binders, rule.target)
    if rule.kind == "possible":
        return Problem(policy.lifecycle, Settings(policy.settings.controls), target, honest=True)
    return Problem(policy.lifecycle, policy.settings, target)


_AIGER = (
    "every latch is false at first; in the step before the lifecycle's first, `started` is false",
    "and inputs choose the first values, so a counterexample is one step longer than the trace",
)
_SMTLIB = ("sat: bad is never reached, and the model is an invariant; unsat: bad is reached",)


def _about(policy: Policy, rule: Property) -> Sequence[str]:
    """What a reader must know, a line each."""
    sizes = ", ".join(f"{sort.name}={len(sort.members)}" for sort in policy.lifecycle.sorts if not sort.ordered)
    lines = [
        f"keyfate {__version__}",
        f"lifecycle {policy.lifecycle.name}",
        f"policy {policy.name}",
        f"controls {listed(policy.settings.controls) or 'all open'}",
    ]
    if rule.kind == "possible":
        lines.append("attacker none: whether it is possible is asked of honest runs")
    else:
        lines.append(f"attacker {policy.attacker}: {', '.join(map(str, policy.capabilities_on)) or 'nothing'}")
    lines += [f"scope {sizes or 'no sorts'}", f"property {rule.name}: {rule.text}"]
    if rule.kind != "possible":
        lines.append("bad: the property is broken")
    else:
        lines.append("bad: a run that the property wants has come to its end")
        instances = sum(1 for _ in assignments(rule.binders))
        if instances > 1:
            lines.append(f"it is wanted of each of {instances} instances; bad is that of any of them")
    return [clean(line) for line in lines]
