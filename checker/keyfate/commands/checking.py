"""`keyfate check` and `keyfate explain`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from keyfate.checking.judges import Deadline, EngineName
from keyfate.checking.results import MET, NO_ANSWER, Report
from keyfate.checking.running import Options, Tick
from keyfate.checking.session import Session, open_session
from keyfate.checking.shelf import Scopes
from keyfate.commands import naming
from keyfate.commands.library import Extra, check_library
from keyfate.commands.progress import bar
from keyfate.policy.finding import find
from keyfate.reporting.explaining import explanation
from keyfate.reporting.json import to_json

if TYPE_CHECKING:
    from keyfate.commands.certifying import Shelved


def check(
    paths: Sequence[Path],
    *,
    library: Extra | None = None,
    engine: EngineName,
    scope: Scopes,
    timeout: float | None,
    memory: int | None = None,
    keep: Shelved | None = None,
) -> Report | None:
    """The report on the policies that `paths` mean; None if there are none. With `library`, `paths` are names of
    shipped lifecycles.

    `keep` is given a certificate for each verdict, and keeps no older one. Raises LifecycleError with all that is
    wrong with any file.
    """
    options = Options(engine, Deadline.after(timeout), memory=memory, certificates=keep is not None)
    if library is not None:
        return check_library([str(path) for path in paths], options, scope, library, keep)
    found = find(paths or (Path(),))
    if not found:
        return None
    session = open_session(found, scope)
    with _progress(session) as tick:
        report = session.check(options, tick, keep)
    if keep is not None:
        keep.tidy(session.policies)
    return report


def explain(
    path: Path,
    name: str,
    form: str,
    color: bool,
    width: int | None,
    *,
    engine: EngineName,
    scope: Scopes,
    timeout: float | None,
) -> tuple[str, int]:
    """One verdict in full, and the exit status: 0 unless judges disagree or nothing was decided."""
    session = open_session((naming.policy_or_lifecycle(str(path)),), scope)
    naming.known_property(session.policies[0].lifecycle, name)
    report = session.check(Options(engine, Deadline.after(timeout), only=(name,), sweep=False))
    status = NO_ANSWER.get(report.results[0].verdict, MET)
    if form == "json":
        return to_json(report), status
    return explanation(report.policies[0], report.results[0], color=color, width=width), status


def _progress(session: Session) -> AbstractContextManager[Tick | None]:
    """A bar that counts verdicts, on a terminal only."""
    if not sys.stderr.isatty():
        return nullcontext()
    return _Ticking(session.questions())


class _Ticking(AbstractContextManager[Tick]):
    def __init__(self, total: int) -> None:
        self._bar = bar("checking", total)

    def __enter__(self) -> Tick:
        advance = self._bar.__enter__()
        return lambda policy, rule: advance(f"{policy}: {rule}")

    def __exit__(self, *ended: object) -> None:
        self._bar.__exit__(None, None, None)
