"""What a verdict stands on: findings about problems, and whether they amount to it (R13, R14)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from keyfate.checking.judges import Certifier, GaveUpError
from keyfate.checking.results import Verdict
from keyfate.language.typed import Property, Value
from keyfate.lifecycle.names import ControlName
from keyfate.lifecycle.problem import Invariant, Problem, Reach, Reached, Settings, Unreachable, confined
from keyfate.policy import admissible
from keyfate.policy.policy import Policy


@dataclass(frozen=True)
class Claim:
    """That `finding` is right about `problem`: a trace, or an invariant."""

    problem: Problem
    finding: Reached | Unreachable

    @property
    def invariant(self) -> Invariant | None:
        return self.finding.invariant if isinstance(self.finding, Unreachable) else None


class NotAmountError(Exception):
    """Why claims, true or not, do not amount to a verdict."""


def instances(rule: Property) -> Iterator[Reach]:
    """What a `possible` asks, for each instance."""
    return confined(Reach(rule.binders, rule.target))


def supporting(
    policy: Policy, rule: Property, verdict: Verdict, claims: Sequence[Claim], certifier: Certifier
) -> tuple[Claim, ...]:
    """Those of the claims that are enough for the verdict on `rule` under the settings of `policy`.

    Raises NotAmountError where all of them are not, GaveUpError where that was not found out.
    """
    problem = Problem(policy.lifecycle, policy.settings, Reach(rule.binders, rule.target))
    if (verdict in ("POSSIBLE", "IMPOSSIBLE", "DEPENDS")) != (rule.kind == "possible"):
        raise NotAmountError(f"`{rule.name}` can never be {verdict}: it is a `{rule.kind}`")
    match verdict:
        case "PROVED":
            return (_about(claims, problem, Unreachable), *_met(claims, problem, rule))
        case "VIOLATED":
            return (_about(claims, problem, Reached),)
        case "VACUOUS" if rule.when is not None:
            return (_about(claims, replace(problem, target=Reach(rule.binders, rule.when)), Unreachable),)
        case "POSSIBLE":
            return tuple(_witnesses(policy, rule, claims, certifier))
        case "IMPOSSIBLE":
            return _refusals(policy, rule, claims)
        case "DEPENDS":
            return (*_served(policy, rule, claims), _refusal(policy, rule, claims))
    raise NotAmountError(f"{verdict} is nothing that can be certified")


def _met(claims: Sequence[Claim], problem: Problem, rule: Property) -> Iterator[Claim]:
    """A trace to a state of `when`, if there is one: without that the property may be VACUOUS (R14)."""
    if rule.when is not None:
        yield _about(claims, replace(problem, target=Reach(rule.binders, rule.when)), Reached, "a state of its `when`")


def _about(
    claims: Sequence[Claim], problem: Problem, kind: type[Reached] | type[Unreachable], where: str = "it"
) -> Claim:
    for claim in claims:
        if isinstance(claim.finding, kind) and claim.problem == problem:
            return claim
    what = f"a trace to {where}" if kind is Reached else f"a proof that {where} is never reached"
    raise NotAmountError(f"{what}, under the very settings of the certificate, is missing")


def _honest(claims: Sequence[Claim], target: Reach) -> Iterator[Claim]:
    """Those about honest runs to `target` that leave no setting out of the question."""
    for claim in claims:
        problem = claim.problem
        if problem.honest and problem.target == target and not problem.excluded:
            yield claim


def _witnesses(policy: Policy, rule: Property, claims: Sequence[Claim], certifier: Certifier) -> Iterator[Claim]:
    """Traces that cover, for every instance, every admissible setting."""
    open_ones = Settings(policy.settings.controls)
    for target in instances(rule):
        found = [c for c in _honest(claims, target) if isinstance(c.finding, Reached)]
        traces = tuple(c.finding.trace for c in found if isinstance(c.finding, Reached))
        problem = Problem(policy.lifecycle, open_ones, target, honest=True)
        if not traces or certifier.uncovered(problem, traces) is not None:
            raise NotAmountError("some admissible setting has no witness")
        if not any(_agrees(_setting(claim), policy.settings.controls) for claim in found):
            # Where none is admissible all of them are covered; that those of a trace are, its judges see.
            raise NotAmountError("no witness is under settings of the certificate")
        yield from found


def _refusals(policy: Policy, rule: Property, claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Proofs that leave no admissible setting with a witness for every instance."""
    refused = [c for target in instances(rule) for c in _honest(claims, target) if isinstance(c.finding, Unreachable)]
    fixed = policy.settings.controls
    for claim in refused:
        if _agrees(fixed, claim.problem.settings.controls):
            return (claim,)
    used: dict[int, Claim] = {}
    try:
        for setting in admissible.completions(policy.lifecycle, fixed):
            found = next((c for c in refused if _agrees(setting, c.problem.settings.controls)), None)
            if found is None:
                raise NotAmountError("some admissible setting is not shown to have no witness")
            used[id(found)] = found
    except admissible.TooManyError:
        raise GaveUpError("there are too many admissible settings") from None
    if not used:
        raise NotAmountError("no setting is admissible: of none, anything can be proved")
    return tuple(used.values())


def _served(policy: Policy, rule: Property, claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Traces for every instance, all under one setting that the policy admits."""
    targets = list(instances(rule))
    found = [[(_setting(c), c) for c in _honest(claims, at) if isinstance(c.finding, Reached)] for at in targets]
    for setting, _ in found[0] if found else ():
        if _agrees(setting, policy.settings.controls):
            chosen = [next((c for other, c in row if other == setting), None) for row in found]
            if None not in chosen:
                return tuple(c for c in chosen if c is not None)
    raise NotAmountError("a setting that has a witness for every instance is missing")


def _refusal(policy: Policy, rule: Property, claims: Sequence[Claim]) -> Claim:
    """A proof that some setting which the policy admits has no witness; the judges see that it is admissible."""
    for target in instances(rule):
        for claim in _honest(claims, target):
            if isinstance(claim.finding, Unreachable) and _agrees(
                claim.problem.settings.controls, policy.settings.controls
            ):
                return claim
    raise NotAmountError("a setting without a witness is missing")


def _setting(claim: Claim) -> Mapping[ControlName, Value]:
    return dict(claim.finding.trace.controls) if isinstance(claim.finding, Reached) else {}


def _agrees(setting: Mapping[ControlName, Value], asked: Mapping[ControlName, Value]) -> bool:
    """Whether `setting` fixes all that is `asked`, and to those values."""
    return all(name in setting and setting[name] == value for name, value in asked.items())
