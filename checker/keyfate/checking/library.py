"""The shipped library against what is written beside it (`checking.expected`).

What a file must list is known from policies and lifecycles, so that one which lists too much or too little is refused
before anything is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from keyfate.checking.expected import (
    ENDING,
    Answer,
    Answers,
    Extent,
    Frontiers,
    load_answers,
    load_frontiers,
)
from keyfate.checking.json_texts import place_of
from keyfate.checking.results import (
    DIVERGED,
    MET,
    NO_ANSWER,
    UNDECIDED,
    Difference,
    FrontierExtent,
    PolicySummary,
    Report,
    Result,
    StateCount,
    unanswered,
)
from keyfate.checking.shelf import Scopes, Shelf
from keyfate.language.library import folder
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from keyfate.language.symbols import did_you_mean
from keyfate.language.typed import Lifecycle
from keyfate.policy.files import shown_path
from keyfate.policy.finding import ENDING as POLICY
from keyfate.policy.finding import shipped_lifecycles, shipped_policies
from keyfate.policy.policy import Policy

_WRITES = "`keyfate check --library --update` writes it, to be looked at"


def answers_path(policy: str) -> Path:
    """Where the answers of a policy are expected."""
    return folder("models") / "expected" / f"{policy}{ENDING}"


def frontiers_path(lifecycle: str) -> Path:
    """Where the frontiers of a lifecycle are expected."""
    return folder("models") / "expected" / "frontiers" / f"{lifecycle}{ENDING}"


@dataclass(frozen=True)
class Expected:
    """Some lifecycles of the library, as their frontiers are asked for, with the sizes of sorts that the files ask for;
    and what is expected of them and their policies, unless it is to be written."""

    lifecycles: Mapping[str, Lifecycle]
    scopes: Mapping[str, Mapping[str, int]]
    answers: Mapping[str, Answers] = field(default_factory=dict)
    frontiers: Mapping[str, Frontiers] = field(default_factory=dict)


def load_expected(
    names: Iterable[str], policies: Sequence[Policy], scope: Scopes, shelf: Shelf, *, anew: bool
) -> Expected:
    """What is expected of these lifecycles and policies. `anew`: it is to be written, and need not be there.

    Raises LifecycleError with all that is wrong: KF550 for a file that is none of its kind, KF551 where one is missing,
    KF552 where it is of another lifecycle, KF553 where it does not list what is decided, KF554 where nothing in the
    library has its name.
    """
    problems: list[Diagnostic] = list(_stale())
    answers: dict[str, Answers] = {}
    frontiers: dict[str, Frontiers] = {}
    lifecycles: dict[str, Lifecycle] = {}
    scopes: dict[str, Mapping[str, int]] = {}
    for policy in () if anew else policies:
        try:
            answers[policy.name] = expected = load_answers(_there(answers_path(policy.name), policy.name, policy.head))
            problems += _unlike(expected, policy.lifecycle)
        except LifecycleError as error:
            problems += error.diagnostics
    there = shipped_lifecycles()
    for name in names:
        try:
            lifecycle, scopes[name] = shelf.load(there[name], scope).lifecycle, {}
            lifecycles[name] = lifecycle
            path = frontiers_path(name)
            if anew and not path.exists():
                continue
            frontiers[name] = wanted = load_frontiers(_there(path, name, lifecycle.span))
            problems += () if anew else _unlike(wanted, lifecycle)
            scopes[name] = wanted.scope
            lifecycles[name] = _resized(wanted, there[name], scope, shelf)
        except LifecycleError as error:
            problems += error.diagnostics
    if problems:
        raise LifecycleError(list(dict.fromkeys(problems)))
    return Expected(lifecycles, scopes, answers, frontiers)


def _there(path: Path, name: str, at: Span | None) -> Path:
    if path.exists():
        return path
    message = f"nothing is written of what `{name}` should answer: `{shown_path(path)}` is missing"
    at = at or Span(Source(shown_path(path), ""), 0, 0)
    raise LifecycleError([Diagnostic("KF551", message, at, help=_WRITES)])


def _unlike(expected: Answers | Frontiers, lifecycle: Lifecycle) -> Iterator[Diagnostic]:
    """Where a file does not list what is decided."""
    source, mend = expected.source, "`keyfate check --library --update` writes it anew"
    if expected.lifecycle != lifecycle.name:
        message = f"this is expected of `{expected.lifecycle}`, and the lifecycle is `{lifecycle.name}`"
        yield Diagnostic("KF552", message, place_of(source, expected.lifecycle), help=mend)
        return
    names = [rule.name for rule in lifecycle.properties]
    for name in expected.properties:
        if name not in names:
            hint = did_you_mean(name, [one for one in names if one not in expected.properties]) or mend
            message = f"`{name}` is expected here, and `{lifecycle.name}` checks no such property"
            yield Diagnostic("KF553", message, place_of(source, name), help=hint)
    for name in names:
        if name not in expected.properties:
            message = f"`{lifecycle.name}` checks `{name}`, of which nothing is expected here"
            yield Diagnostic("KF553", message, place_of(source, "properties"), help=mend)


def _stale() -> Iterator[Diagnostic]:
    """Files of what is not in the library."""
    policies = [path.name.removesuffix(POLICY) for path in shipped_policies()]
    for kind, known, where in (
        ("policy", policies, answers_path("").parent),
        ("lifecycle", list(shipped_lifecycles()), frontiers_path("").parent),
    ):
        for path in sorted(where.glob(f"*{ENDING}")):
            name = path.name.removesuffix(ENDING)
            if name not in known:
                hint = did_you_mean(name, known)
                at = Span(Source(shown_path(path), ""), 0, 0)
                message = f"the library has no {kind} `{name}`, of which this is expected"
                yield Diagnostic("KF554", message, at, help=f"{hint} If not, delete the file" if hint else "delete it")


def _resized(expected: Frontiers, path: Path, scope: Scopes, shelf: Shelf) -> Lifecycle:
    """The lifecycle in the sizes that the file asks for. A size that it refuses is shown there."""
    try:
        return shelf.load(path, {**expected.scope, **scope}).lifecycle
    except LifecycleError as error:
        moved = (
            replace(d, span=place_of(expected.source, d.span.source.text.partition("=")[0]))
            if d.span.path == "--scope" and d.span.source.text.partition("=")[0] not in scope
            else d
            for d in error.diagnostics
        )
        raise LifecycleError(tuple(moved)) from None


def compared(report: Report, expected: Expected) -> Report:
    """The report with its differences from what is expected, and the exit status they mean: 3 where in every one of
    them an answer is missing, and none is wrong."""
    differences = tuple(_differences(report, expected))
    found = replace(report, differences=differences, exit_status=DIVERGED if differences else MET)
    if differences and len(unanswered(found)) == len(differences):
        return replace(found, exit_status=UNDECIDED)
    return found


def _differences(report: Report, expected: Expected) -> Iterator[Difference]:
    counts = {count.policy: count for count in report.states or ()}
    for summary in report.policies:
        answers = expected.answers[summary.policy]
        for result in report.results:
            if result.policy == summary.policy:
                yield from _verdict(result, answers.properties[result.property])
        if summary.policy in counts:
            yield from _counted(counts[summary.policy], answers)
        yield from _judges(summary)
    for extent in report.frontiers or ():
        yield from _extended(extent, expected.frontiers[extent.lifecycle].properties[extent.property])


def _verdict(result: Result, wanted: Answer) -> Iterator[Difference]:
    """What a verdict rests on is compared where there is no trace: of two shortest traces either may be found."""
    got = Answer.of(result)
    if got.short != wanted.short:
        reason = result.reason or "" if NO_ANSWER.get(result.verdict) == UNDECIDED else None
        yield Difference(result.policy, None, result.property, "verdict", wanted.short, got.short, reason)
    elif got.steps is None and wanted.basis != got.basis:
        yield Difference(result.policy, None, result.property, "verdict", wanted.whole, got.whole)


def _counted(count: StateCount, answers: Answers) -> Iterator[Difference]:
    if count.reason is not None or count.states != answers.states:
        wanted, got = ("not counted" if n is None else f"{n:,}" for n in (answers.states, count.states))
        yield Difference(count.policy, None, None, "states", wanted, got, count.reason)


def _judges(summary: PolicySummary) -> Iterator[Difference]:
    if summary.diverged is not None:
        yield Difference(summary.policy, None, None, "judges", "judges that agree", summary.diverged)


def _extended(found: FrontierExtent, wanted: Extent) -> Iterator[Difference]:
    got = extent_of(found)
    if got != wanted:
        reason = (found.reason or "") if found.verdict == "UNKNOWN" else None
        said = _extent(got) if got is not None else f"{found.verdict}: {found.reason}"
        yield Difference(None, found.lifecycle, found.property, "frontier", _extent(wanted), said, reason)


def extent_of(found: FrontierExtent) -> Extent | None:
    """The size of a frontier that is complete."""
    if found.conditions is None or found.reaching is None or found.configurations is None:
        return None
    return Extent(found.conditions, found.reaching, found.configurations)


def _extent(extent: Extent) -> str:
    conditions = f"{extent.conditions} condition{'s' if extent.conditions != 1 else ''}"
    return f"{conditions}, {extent.reaching:,} of {extent.configurations:,} configurations"
