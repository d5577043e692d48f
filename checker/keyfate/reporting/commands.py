"""What each command does, from file names to texts; the command line only reads words and prints."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from keyfate.checking.judges import Deadline, EngineName
from keyfate.checking.library import compared, expected_path, library_policies, rewritten
from keyfate.checking.results import Report
from keyfate.checking.running import Options, Tick
from keyfate.checking.session import Session, Shelf, open_session
from keyfate.language.library import folder
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from keyfate.lifecycle.problem import Settings
from keyfate.policy.attackers import FILE, load_attackers
from keyfate.policy.finding import find
from keyfate.policy.loading import lifecycle_path, shipped_names
from keyfate.policy.policy import Policy
from keyfate.policy.validation import near
from keyfate.reporting.explaining import explanation
from keyfate.reporting.hunting import hunt_status, hunt_text
from keyfate.reporting.json import to_json
from keyfate.reporting.listing import Shipped, library_text, lifecycle_text
from keyfate.reporting.writing import OutputError, write_whole

Scope = Mapping[str, int]


def check(
    paths: Sequence[Path],
    *,
    library: bool,
    update: int | None,
    engine: EngineName,
    scope: Scope,
    timeout: float | None,
) -> Report | None:
    """The report on the policies that `paths` mean; None if there are none.

    `update`: write what the library answers as what is expected of it, counting up to that
    many states. Raises LifecycleError with all that is wrong with any file.
    """
    found = library_policies() if library else find(paths or (Path(),))
    if not found:
        return None
    options = Options(engine=engine, deadline=_deadline(timeout))
    session = open_session(found, scope)
    with _progress(session) as tick:
        report = session.check(options, tick)
    if update is not None:
        for policy in session.policies:
            results = [r for r in report.results if r.policy == policy.name]
            vague = next((r for r in results if r.verdict in ("UNKNOWN", "BOUNDED", "DIVERGED")), None)
            if vague is not None:
                said = f"{policy.name}: {vague.property} is {vague.verdict}, which nobody should expect"
                raise OutputError(f"{said}: {vague.reason}")
            path = expected_path(policy.name)
            path.parent.mkdir(exist_ok=True)
            write_whole(path, rewritten(policy, results, update))
    return compared(report) if library else report


def explain(
    path: Path,
    name: str,
    form: str,
    color: bool,
    width: int | None,
    *,
    engine: EngineName,
    scope: Scope,
    timeout: float | None,
) -> tuple[str, int]:
    """One verdict in full, and the exit status: 0 unless judges disagree or nothing was decided."""
    session = open_session((_named(str(path)),), scope)
    lifecycle = session.policies[0].lifecycle
    if not any(rule.name == name for rule in lifecycle.properties):
        names = [rule.name for rule in lifecycle.properties]
        hint = near(name, names) or f"it checks {', '.join(f'`{n}`' for n in names) or 'nothing'}"
        raise _on_command_line("KF530", f"`{lifecycle.name}` has no property `{name}`", name, hint)
    report = session.check(Options(engine, _deadline(timeout), only=(name,), sweep=False))
    status = {"DIVERGED": 5, "UNKNOWN": 3, "BOUNDED": 3}.get(report.results[0].verdict, 0)
    if form == "json":
        return to_json(report), status
    return explanation(report.policies[0], report.results[0], color=color, width=width), status


def listing(name: str | None, scope: Scope, color: bool, width: int | None) -> str:
    """The library, or the lifecycle `name` (shipped, or a path)."""
    shelf = Shelf()
    if name is not None:
        path = _lifecycle(name)
        return lifecycle_text(name, shelf.load(path, scope).lifecycle, color=color, width=width)
    policies = open_session(find((folder("models") / "policies",)), {}, shelf).policies
    shipped = []
    for one in shipped_names():
        lifecycle = shelf.load(folder("models") / f"{one}.kf", {}).lifecycle
        shipped.append(Shipped(one, lifecycle, tuple(p for p in policies if p.lifecycle.path == lifecycle.path)))
    profiles = folder("models") / FILE
    titles = load_attackers(profiles).titles if profiles.is_file() else {}
    return library_text(shipped, titles, color=color, width=width)


def hunt(name: str, walks: int, seed: int, scope: Scope, color: bool, width: int | None) -> tuple[str, int]:
    """Random walks on bytes over a lifecycle or a policy, and the exit status."""
    from keyfate.twin.hunt import NoSettingError
    from keyfate.twin.hunt import hunt as walk

    path = _named(name)
    policy = open_session((path,), scope).policies[0]
    with _bar(f"walking {policy.name}", walks) as advance:
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
            raise _on_command_line("KF514", str(error), name, "change the settings or the constraints") from None
    return hunt_text(policy, result, color=color, width=width), hunt_status(result)


def _to_prove(policy: Policy, name: str) -> bool:
    required = policy.requirement(name)
    return required is not None and required.verdict == "PROVED"


def _named(name: str) -> Path:
    """A policy or lifecycle: a path, or the name of a shipped lifecycle."""
    path = Path(name)
    return path if os.path.exists(path) else lifecycle_path(name) or path


def _lifecycle(name: str) -> Path:
    path = Path(name)
    if os.path.exists(path):
        return path
    found = lifecycle_path(name)
    if found is None:
        hint = near(name, shipped_names()) or "`keyfate list` shows the shipped lifecycles"
        raise _on_command_line("KF506", f"there is no lifecycle `{name}`", name, hint)
    return found


def _on_command_line(code: str, message: str, word: str, help: str) -> LifecycleError:
    source = Source("<command line>", word)
    return LifecycleError([Diagnostic(code, message, Span(source, 0, len(word)), help=help)])


def _deadline(timeout: float | None) -> Deadline:
    return Deadline(None if timeout is None else time.time() + timeout)


def _progress(session: Session) -> AbstractContextManager[Tick | None]:
    """A bar that counts verdicts, on a terminal only."""
    if not sys.stderr.isatty():
        return nullcontext()
    return _Ticking(session.questions())


class _Ticking(AbstractContextManager[Tick]):
    def __init__(self, total: int) -> None:
        self._bar = _bar("checking", total)

    def __enter__(self) -> Tick:
        advance = self._bar.__enter__()
        return lambda policy, rule: advance(f"{policy}: {rule}")

    def __exit__(self, *ended: object) -> None:
        self._bar.__exit__(None, None, None)


def _bar(title: str, total: int) -> AbstractContextManager[Callable[[str], None]]:
    """A bar on the error stream if that is a terminal, else nothing at all."""
    if not sys.stderr.isatty():
        return nullcontext(lambda _: None)
    return _Bar(title, total)


class _Bar(AbstractContextManager[Callable[[str], None]]):
    """Drawn only when something advances, so that processes are started without its thread."""

    def __init__(self, title: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._progress = Progress(console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(title, total=total)
        self._started = False

    def __enter__(self) -> Callable[[str], None]:
        return self._advance

    def _advance(self, words: str) -> None:
        if not self._started:
            self._started = True
            self._progress.start()
        if words:
            self._progress.update(self._task, description=words)
        self._progress.advance(self._task)

    def __exit__(self, *ended: object) -> None:
        if self._started:
            self._progress.stop()
