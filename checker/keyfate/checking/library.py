"""The shipped library against the answers written beside it: models/expected/<policy>.json.

One file for each policy: its lifecycle, how many states are reachable (None where that is
not counted), and for each property the verdict and, where there is a trace, its length.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keyfate.checking.results import (
    DIVERGED,
    MET,
    NOT_EXPECTED,
    UNDECIDED,
    Difference,
    Report,
    Result,
    Verdict,
    unanswered,
)
from keyfate.language.library import folder
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from keyfate.lifecycle.explicit import reachable_states
from keyfate.policy.files import read_source
from keyfate.policy.finding import policies_below
from keyfate.policy.policy import Policy

ENDING = ".json"


@dataclass(frozen=True)
class Expected:
    """The answers expected of one policy; `properties` is name to verdict and length."""

    lifecycle: str
    states: int | None
    properties: Mapping[str, tuple[Verdict, int | None]]


def library_policies() -> tuple[Path, ...]:
    """Every shipped policy."""
    return tuple(policies_below(folder("models") / "policies"))


def expected_path(policy: str) -> Path:
    return folder("models") / "expected" / f"{policy}{ENDING}"


def load_expected(policy: str) -> Expected | None:
    """The answers beside the library; None where there are none for this policy.

    Raises LifecycleError (KF550) where the file does not follow reports/expected.schema.json.
    """
    path = expected_path(policy)
    if not path.exists():
        return None
    source = read_source(path)
    try:
        data = json.loads(source.text)
    except json.JSONDecodeError as error:
        raise _wrong(source, f"this is not JSON: {error.msg.lower()}", error.pos) from None
    from jsonschema import Draft202012Validator

    schema = json.loads((folder("reports") / "expected.schema.json").read_text(encoding="utf-8"))
    for fault in Draft202012Validator(schema).iter_errors(data):
        at = "/".join(map(str, fault.absolute_path)) or "the file"
        raise _wrong(source, f"`{at}` is not as the schema asks: {fault.message}", 0)
    properties = {name: (p["verdict"], p["steps"]) for name, p in data["properties"].items()}
    return Expected(data["lifecycle"], data["states"], properties)


def compared(report: Report) -> Report:
    """The report with its differences from the expected answers, and the exit status they mean: 3 where in every
    one of them an answer is missing, and none is wrong."""
    differences: list[Difference] = []
    for summary in report.policies:
        results = [r for r in report.results if r.policy == summary.policy]
        differences.extend(_differences(summary.policy, results))
        if summary.diverged is not None:
            differences.append(Difference(summary.policy, None, "judges that agree", summary.diverged))
    found = replace(report, differences=tuple(differences), exit_status=DIVERGED if differences else MET)
    if differences and len(unanswered(found)) == len(differences):
        return replace(found, exit_status=UNDECIDED)
    return found


def _differences(policy: str, results: Sequence[Result]) -> Iterator[Difference]:
    expected = load_expected(policy)
    if expected is None:
        yield Difference(policy, None, "a file of expected answers", "none")
        return
    found = {r.property: _answer(r) for r in results}
    for name in dict.fromkeys((*found, *expected.properties)):
        wanted, got = expected.properties.get(name), found.get(name)
        if wanted != got:
            yield Difference(policy, name, _words(wanted), _words(got))


def rewritten(policy: Policy, results: Sequence[Result], limit: int) -> str:
    """The text of the file that expects what was found; states are counted up to `limit`."""
    states = None if policy.open_controls else reachable_states(policy.lifecycle, policy.settings, limit=limit)
    rows = [f"    {json.dumps(r.property)}: {json.dumps({'verdict': r.verdict, 'steps': r.steps})}" for r in results]
    head = f'{{\n  "lifecycle": {json.dumps(policy.lifecycle.name)},\n  "states": {json.dumps(states)},\n'
    return head + '  "properties": {\n' + ",\n".join(rows) + "\n  }\n}\n"


def _answer(result: Result) -> tuple[Verdict, int | None]:
    return result.verdict, result.steps


def _words(answer: tuple[Verdict, int | None] | None) -> str:
    if answer is None:
        return NOT_EXPECTED
    verdict, steps = answer
    return verdict if steps is None else f"{verdict} in {steps}"


def _wrong(source: Source, message: str, at: int) -> LifecycleError:
    help = "`keyfate check --library --update` writes it anew"
    return LifecycleError([Diagnostic("KF550", message, Span(source, at, at + 1), help=help)])
