"""What a watcher is shown each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from keyfate.checking.changes import Changes
from keyfate.checking.results import Report
from keyfate.language.rendering import render
from keyfate.language.source import Diagnostic
from keyfate.reporting.tables import Hanging
from keyfate.reporting.text import changed, printed, report_text
from keyfate.reporting.words import BROKEN_MARK, clean, count

GOES_ON = "watching; Ctrl-C ends it"


def look_text(
    files: Sequence[str],
    report: Report | None,
    changes: Changes | None,
    *,
    quiet: bool = False,
    color: bool = False,
    width: int | None = None,
) -> str:
    """What changed since the last report, then the report."""
    head = printed(_head(files, changes), color=color, width=width) if files else ""
    told = "no policy found\n" if report is None else report_text(report, color=color, width=width, quiet=quiet)
    return f"{head}{told}{_end(color, width)}"


def error_text(
    files: Sequence[str], found: Sequence[Diagnostic], *, color: bool = False, width: int | None = None
) -> str:
    """What is wrong; what was known before stands no more."""
    head = printed(_head(files, None), color=color, width=width) if files else ""
    errors = sum(d.severity == "error" for d in found)
    total = f"{BROKEN_MARK} no verdict: {count(errors, 'error')}"
    return f"{head}{render(found, color=color, width=width)}\n\n{total}\n{_end(color, width)}"


def _head(files: Sequence[str], changes: Changes | None) -> Iterator[RenderableType]:
    more = f" and {len(files) - 5} more" if len(files) > 5 else ""
    yield Hanging(Text(f"changed: {clean(', '.join(files[:5]))}{more}", style="bold"), 0, 2)
    if changes is not None:
        yield from changed(changes, "since the last check", files=False)
    yield Text("")


def _end(color: bool, width: int | None) -> str:
    return printed([Text(GOES_ON, style="dim"), Text("")], color=color, width=width)
