"""`keyfate page`: lifecycles as pages of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from keyfate.checking.expected import Answer
from keyfate.checking.judges import Deadline
from keyfate.checking.results import MET, NO_ANSWER
from keyfate.checking.running import Options
from keyfate.checking.session import Session, open_session
from keyfate.checking.shelf import Shelf
from keyfate.commands import naming
from keyfate.commands.shipped import answers_of, attackers, extents_of, granted, name_of, policies_over
from keyfate.diagrams.dataflow import dataflow
from keyfate.diagrams.figure import UndrawableError
from keyfate.diagrams.keys import keys
from keyfate.diagrams.mermaid import mermaid
from keyfate.language.library import folder
from keyfate.language.reading import resolved
from keyfate.language.typed import Lifecycle
from keyfate.policy.files import read_source
from keyfate.policy.finding import find, shipped_lifecycles, shipped_policies
from keyfate.policy.loading import lifecycle_policy
from keyfate.policy.policy import Policy
from keyfate.policy.standards import load_standards
from keyfate.reporting.pages import Column, Paged, attackers_page, lifecycle_page
from keyfate.reporting.writing import make_folder, write_whole

ATTACKERS = "attackers.md"
COMMAND = "keyfate page --library"


def page(name: str, policies: Sequence[Path]) -> tuple[str, int]:
    """The page of one lifecycle, and the exit status: what `policies` answer is decided; without policies, a shipped
    lifecycle shows what is expected of it."""
    path = naming.lifecycle(name)
    shown = name_of(path)
    command = " ".join(("keyfate page", name, *(one.as_posix() for one in policies)))
    if not policies:
        shelf = Shelf(shown=shown is not None)
        columns = () if shown is None else tuple(_expected(policies_over(path, shelf)))
        return _written(shown, path, columns, shelf, command), MET
    shelf = Shelf()
    found = {one.as_posix(): find((one,)) for one in policies}
    for where, files in found.items():
        if not files:
            hint = "name one, or write one as `NAME.policy.toml`"
            raise naming.on_command_line("KF572", f"there is no policy below `{where}`", where, hint)
    session = open_session(find(file for files in found.values() for file in files), {}, shelf)
    for policy in session.policies:
        if resolved(Path(policy.lifecycle.path)) != resolved(path):
            said = f"`{policy.name}` is a policy of `{policy.lifecycle.name}`"
            raise naming.on_command_line("KF572", said, policy.path, f"name policies of `{name}`")
    columns = _decided(session)
    status = max((NO_ANSWER.get(a.verdict, MET) for one in columns for a in one.answers.values()), default=MET)
    return _written(shown, path, columns, shelf, command), status


def write_library(folder: Path) -> Iterator[Path]:
    """Write every page of the library into the folder; each as it is written. Raises OutputError where it cannot be."""
    make_folder(folder)
    for name, text in _pages():
        write_whole(folder / name, text)
        yield folder / name


def _pages() -> Iterator[tuple[str, str]]:
    """Every shipped lifecycle's page by its file's name, and that of the attackers."""
    shelf = Shelf(shown=True)
    lifecycles: dict[str, Lifecycle] = {}
    policies = sorted(open_session(shipped_policies(), {}, shelf).policies, key=lambda policy: policy.name)
    for name, path in shipped_lifecycles().items():
        lifecycles[name] = lifecycle = shelf.load(path, {}).lifecycle
        columns = tuple(_expected(policy for policy in policies if policy.lifecycle is lifecycle))
        yield f"{name}.md", _written(name, path, columns, shelf, COMMAND)
    profiles = attackers()
    grants = [granted(lifecycle, profiles) for lifecycle in lifecycles.values()]
    whole = {name: frozenset(one for of in grants for one in of[name]) for name in profiles.titles}
    costs = (folder("reports") / "templates" / "costs.md").read_text(encoding="utf-8")
    yield ATTACKERS, attackers_page(lifecycles, profiles.titles, whole, costs, COMMAND)


def _written(shown: str | None, path: Path, columns: Sequence[Column], shelf: Shelf, command: str) -> str:
    policy = lifecycle_policy(path, load=shelf.load)
    return lifecycle_page(
        Paged(
            name=path.as_posix() if shown is None else shown,
            lifecycle=policy.lifecycle,
            text=read_source(path).text,
            pictures=tuple(_pictures(policy)),
            columns=columns,
            profiles=granted(policy.lifecycle, attackers()),
            standards=load_standards(),
            rows={} if shown is None else {n: extent.conditions for n, extent in extents_of(shown).items()},
            command=command,
        )
    )


def _pictures(policy: Policy) -> Iterator[tuple[str, str]]:
    yield "Data flow", mermaid(dataflow(policy))
    try:
        yield "Keys", mermaid(keys(policy.lifecycle))
    except UndrawableError:
        return


def _expected(policies: Iterable[Policy]) -> Iterator[Column]:
    """What is expected of shipped policies."""
    for policy in policies:
        answers = answers_of(policy)
        if answers is not None:
            yield Column(policy.name, policy.title, policy.attacker, answers.states, answers.properties)


def _decided(session: Session) -> tuple[Column, ...]:
    report = session.check(Options("auto", Deadline.after(None), sweep=False))
    found: dict[str, dict[str, Answer]] = {}
    for result in report.results:
        found.setdefault(result.policy, {})[result.property] = Answer.of(result)
    return tuple(Column(p.name, p.title, p.attacker, None, found.get(p.name, {})) for p in session.policies)
