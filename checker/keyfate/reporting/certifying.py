"""What became of certificates, for people."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from keyfate.checking.certificates import Certified
from keyfate.checking.claims import Claim
from keyfate.language.typed import Property
from keyfate.lifecycle.problem import Reach, Reached
from keyfate.reporting.text import printed
from keyfate.reporting.words import BROKEN_MARK, MET_MARK, OTHER_MARK, clean, count

if TYPE_CHECKING:
    from keyfate.checking.certifying import Judged, Ruling

_MARKS = {"accepted": (MET_MARK, "green"), "refused": (BROKEN_MARK, "red"), "gave up": (OTHER_MARK, "magenta")}


def judged_text(judged: Sequence[Judged], *, color: bool = False, width: int | None = None) -> str:
    """Each certificate with who accepted it; who did not, and why."""
    return printed(_parts(judged), color=color, width=width)


def written_text(folder: Path, written: int, missing: Sequence[Certified]) -> str:
    """How many certificates were written, and for which verdicts there is none."""
    shown = clean(str(folder))
    lines = [f"wrote {count(written, 'certificate')} to {shown}"]
    lines += [f"no certificate for {clean(m.policy)} {clean(m.property)}: {clean(m.missing or '')}" for m in missing]
    if written:
        lines.append(f"next: keyfate certify {clean(shlex.quote(str(folder)))}")
    return "\n".join(lines)


def _parts(judged: Sequence[Judged]) -> Iterator[RenderableType]:
    for one in judged:
        yield from _certificate(one)
    accepted = sum(1 for one in judged if one.answered == "accepted")
    if len(judged) > 1:
        mark, style = _MARKS["accepted" if accepted == len(judged) else "refused"]
        yield Text(f"{mark} {accepted} of {count(len(judged), 'certificate')} accepted", style=style)
    missing = sorted({name for one in judged for name in one.missing})
    for name in missing:
        yield Text(f"{name} was not asked: it is not installed (`pip install 'keyfate[{name}]'`)", style="dim")


def _certificate(one: Judged) -> Iterator[RenderableType]:
    mark, style = _MARKS[one.answered]
    about = f"{one.read.verdict} {one.read.rule.name} under {one.read.policy.name}"
    yield Text(f"{mark} {clean(one.read.path)}: {clean(about)}, {one.answered}", style=style)
    for note in one.read.notes:
        yield Padding(Text(clean(note)), (0, 0, 0, 2))
    for ruling in one.rulings:
        if ruling.claim == 0:
            yield Padding(Text(f"{ruling.answered} by {ruling.judge}: {clean(ruling.reason)}"), (0, 0, 0, 2))
    for number, claim in enumerate(one.read.claims, start=1):
        rulings = [ruling for ruling in one.rulings if ruling.claim == number]
        yield Padding(Text(f"{_claimed(claim, one.read.rule)}: {clean('; '.join(_ruled(rulings)))}"), (0, 0, 0, 2))


def _claimed(claim: Claim, rule: Property) -> str:
    if isinstance(claim.finding, Reached):
        target = claim.problem.target
        to_when = isinstance(target, Reach) and target.condition == rule.when
        return f"a trace of {count(len(claim.finding.trace.actions), 'step')}{' to its `when`' if to_when else ''}"
    clauses = len(claim.invariant.clauses) if claim.invariant is not None else 0
    return f"an invariant of {count(clauses, 'clause')}"


def _ruled(rulings: Sequence[Ruling]) -> Iterator[str]:
    accepted = [ruling.judge for ruling in rulings if ruling.answered == "accepted"]
    if accepted:
        yield f"accepted by {', '.join(accepted)}"
    for ruling in rulings:
        if ruling.answered == "refused":
            yield f"refused by {ruling.judge}: {ruling.reason}"
        elif ruling.answered == "gave up":
            yield f"not decided by {ruling.judge}: {ruling.reason}"
