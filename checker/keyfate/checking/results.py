"""What a check answers, as frozen data: field by field the JSON that keyfate writes.

`dataclasses.asdict` of a Report is the document that reports/result.schema.json describes;
a report in any other form is made from it and from nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from keyfate.language.typed import Level, Lifecycle, Status

Verdict = Literal[
    "PROVED", "VIOLATED", "POSSIBLE", "IMPOSSIBLE", "DEPENDS", "BOUNDED", "VACUOUS", "UNKNOWN", "DIVERGED"
]
Plain = str | int | bool | None  # a value as JSON has it; a message family's member is its text

MET, BROKEN, UNDECIDED, NOTHING, DIVERGED, UNUSABLE = 0, 1, 3, 4, 5, 2
"""Exit statuses (design §3): all met, a requirement broken, a required verdict UNKNOWN or BOUNDED,
nothing meaningful checked, judges disagree, bad usage or model or policy."""

NO_ANSWER: Mapping[Verdict, int] = {"DIVERGED": DIVERGED, "UNKNOWN": UNDECIDED, "BOUNDED": UNDECIDED}
"""Verdicts that answer nothing, and how a command about a single one of them ends."""


@dataclass(frozen=True)
class Location:
    """Line and column from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True)
class Locations:
    """`property` is its text, `check` the lifecycle's line that applies it, `policy` what requires
    it (None without a policy), `actions` each action of the trace."""

    property: Location
    check: Location
    policy: Location | None
    actions: tuple[Location, ...]


@dataclass(frozen=True)
class Change:
    """A state variable with its values before and after, or a place with what it gained and lost."""

    kind: Literal["state", "place"]
    name: str
    before: Plain = None
    after: Plain = None
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sight:
    """A term that the attacker saw for the first time: in an exposed place, or leaked by the
    action itself (`place` None), by the capabilities listed."""

    term: str
    place: str | None
    capabilities: tuple[str, ...]


@dataclass(frozen=True)
class Start:
    """The first state: every state variable, what the places hold, what is seen already."""

    states: Mapping[str, Plain]
    places: Mapping[str, tuple[str, ...]]
    observed: tuple[Sight, ...]


@dataclass(frozen=True)
class Step:
    """One action of a trace, with only what it changed."""

    action: str
    arguments: Mapping[str, Plain]
    actor: str
    changes: tuple[Change, ...]
    observed: tuple[Sight, ...]
    description: str
    status: Status


@dataclass(frozen=True)
class Knowledge:
    """Why a term is known: a tree whose leaves are public, observed (after `step` actions) or
    held in `place`. `term` is the term in the lifecycle's names, `opened` the innermost
    operation in words: `kdf`, `enc`, ….
    """

    term: str
    rule: Literal["public", "observed", "held", "compose", "decompose"]
    function: str | None = None
    label: str | None = None
    place: str | None = None
    step: int | None = None
    capabilities: tuple[str, ...] = ()
    premises: tuple[Knowledge, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """`invariant` and `trace` were judged by the certifier, `settings` is one certificate for
    each setting tried; `exhaustive` and `fixedpoint` rest on that engine's word alone."""

    kind: Literal["invariant", "trace", "settings", "exhaustive", "fixedpoint"]
    checked_by: str
    clauses: int | None


@dataclass(frozen=True)
class Scope:
    """For which sizes of the sorts the verdict stands; `within` names the ranges that some
    reachable state runs out of (R5)."""

    sorts: Mapping[str, int]
    within: tuple[str, ...] = ()

    @classmethod
    def of(cls, lifecycle: Lifecycle, within: tuple[str, ...] = ()) -> Scope:
        """The sizes that a lifecycle has; what counts has a range and no size."""
        return cls({sort.name: len(sort.members) for sort in lifecycle.sorts if not sort.ordered}, within)


@dataclass(frozen=True)
class Result:
    """One property under one policy."""

    policy: str
    lifecycle: str
    property: str
    template: str
    kind: Literal["never", "always", "possible"]
    text: str
    severity: Level
    verdict: Verdict
    says: str | None  # the property's own sentence for this verdict
    reason: str | None  # of BOUNDED, VACUOUS, UNKNOWN and DIVERGED
    required: str | None
    met: bool
    not_required: str | None  # the policy's reason for taking the check out
    scope: Scope
    basis: Status
    location: Locations
    configuration: Mapping[str, Plain]
    fails_under: Mapping[str, Plain] | None  # DEPENDS: a setting without a witness
    steps: int | None
    start: Start | None
    trace: tuple[Step, ...] | None
    knowledge: tuple[Knowledge, ...] | None
    confirmed: bool | None
    evidence: tuple[str, ...]
    certificate: Certificate | None
    ideal: tuple[str, ...]  # actions the verdict depends on that write what no source yields
    engine: str
    opinions: Mapping[str, str]  # where several engines were asked: `agrees`, or why one has no answer
    seconds: float
    fingerprint: str


@dataclass(frozen=True)
class Notice:
    """A warning, at a place."""

    code: str
    message: str
    location: Location | None
    help: str | None = None


@dataclass(frozen=True)
class PolicySummary:
    """What a policy fixed and left open, and what was found about its lifecycle as a whole.

    `location` is the line of its own file that says what it builds on (None without a policy),
    `set_at` where each fixed control is set, in that file or in one that it extends."""

    policy: str
    path: str
    title: str
    lifecycle: str
    lifecycle_path: str
    controls: Mapping[str, Plain]
    open_controls: tuple[str, ...]
    attacker: str
    capabilities: tuple[str, ...]
    dead_actions: tuple[str, ...] | None  # None: not decided
    warnings: tuple[Notice, ...]
    diverged: str | None  # judges that disagree about the lifecycle as a whole
    location: Location | None = None
    set_at: Mapping[str, Location] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    path: str
    sha256: str


@dataclass(frozen=True)
class FrontierExtent:
    """How far the frontier of a shipped lifecycle's property extends with everything open: its minimal conditions, and
    the configurations that satisfy one of them, of all. None where it is not COMPLETE, for the `reason`."""

    lifecycle: str
    property: str
    verdict: Literal["COMPLETE", "UNKNOWN", "DIVERGED"]
    conditions: int | None
    reaching: int | None
    configurations: int | None
    reason: str | None = None


@dataclass(frozen=True)
class StateCount:
    """How many states are reachable under a shipped policy; None where controls are open, where there are too many,
    or for the `reason`."""

    policy: str
    states: int | None
    reason: str | None = None


@dataclass(frozen=True)
class Difference:
    """Where the shipped library answers otherwise than is written beside it: under a policy, or in the frontier of a
    lifecycle. `reason`: why there is no answer in place of the expected one."""

    policy: str | None
    lifecycle: str | None
    property: str | None  # None: something of the policy as a whole
    what: Literal["verdict", "frontier", "states", "judges"]
    expected: str
    found: str
    reason: str | None = None


def unanswered(report: Report) -> tuple[Difference, ...]:
    """The differences of the library where no answer came in place of the expected one."""
    return tuple(difference for difference in report.differences or () if difference.reason is not None)


@dataclass(frozen=True)
class Report:
    """A whole run. `exit_status` is the process's; `differences` is None but for the library,
    which is held against its expected answers and not against its requirements; `frontiers` and
    `states` are None where these were not looked at."""

    keyfate: str
    inputs: tuple[Input, ...]
    exit_status: int
    policies: tuple[PolicySummary, ...]
    results: tuple[Result, ...]
    differences: tuple[Difference, ...] | None = None
    frontiers: tuple[FrontierExtent, ...] | None = None
    states: tuple[StateCount, ...] | None = None


def exit_status(policies: Sequence[PolicySummary], results: Sequence[Result]) -> int:
    """The first that applies of 5, 1, 3, 4, 0 (design §3); bad input never gets here."""
    if any(r.verdict == "DIVERGED" for r in results) or any(p.diverged is not None for p in policies):
        return DIVERGED
    wanted = [r for r in results if r.required is not None]
    unmet = [r for r in wanted if not r.met]
    if any(r.verdict not in ("UNKNOWN", "BOUNDED") for r in unmet):
        return BROKEN
    if unmet:
        return UNDECIDED
    if all(r.verdict == "VACUOUS" for r in results):
        return NOTHING
    return MET


@dataclass(frozen=True)
class Linted:
    """What `keyfate lint` found in `files`, without solving. Hints never count against a file."""

    keyfate: str
    exit_status: int
    files: tuple[str, ...]
    warnings: tuple[Notice, ...]
    hints: tuple[Notice, ...]
