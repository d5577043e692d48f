"""`keyfate page`: lifecycles as pages of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from keyfate.checking.expected import Answer, load_answers, load_frontiers
from keyfate.checking.judges import Deadline
from keyfate.checking.library import answers_path, frontiers_path
from keyfate.checking.results import MET, NO_ANSWER
from keyfate.checking.running import Options
from keyfate.checking.session import Session, open_session
from keyfate.checking.shelf import Shelf
from keyfate.commands import naming
from keyfate.diagrams.dataflow import dataflow
from keyfate.diagrams.figure import UndrawableError
from keyfate.diagrams.keys import keys
from keyfate.diagrams.mermaid import mermaid
from keyfate.language.library import folder
from keyfate.language.reading import resolved
from keyfate.language.typed import Lifecycle
from keyfate.policy.attackers import FILE, Attackers, load_attackers
from keyfate.policy.files import read_source
from keyfate.policy.finding import find, shipped_names
from keyfate.policy.loading import lifecycle_policy
from keyfate.policy.policy import Policy
from keyfate.policy.standards import load_standards
from keyfate.reporting.pages import Answers, Paged, attackers_page, lifecycle_page

ATTACKERS = "attackers.md"
COMMAND = "keyfate page --library"


def page(name: str, policies: Sequence[Path]) -> tuple[str, int]:
    """The page of one lifecycle, and the exit status: what `policies` answer is decided; without policies, a shipped
    lifecycle shows what is expected of it."""
    shelf = Shelf()
    path = naming.lifecycle(name)
    named = [name, *(one.as_posix() for one in policies)]
    session = open_session(find(policies), {}, shelf) if policies else None
    for policy in () if session is None else session.policies:
        if resolved(Path(policy.lifecycle.path)) != resolved(path):
            said = f"`{policy.name}` is a policy of `{policy.lifecycle.name}`"
            raise naming.on_command_line("KF572", said, policy.path, f"name policies of `{name}`")
    answers = tuple(_expected(path, shelf)) if session is None else _decided(session)
    open_ = [NO_ANSWER[v] for one in answers for v, _ in one.verdicts.values() if v in NO_ANSWER]
    shown = next((n for n in shipped_names() if resolved(folder("models") / f"{n}.kf") == resolved(path)), name)
    return _written(shown, path, answers, shelf, f"keyfate page {' '.join(named)}"), max(open_, default=MET)


def library_pages() -> Iterator[tuple[str, str]]:
    """Every shipped lifecycle's page by its file's name, and that of the attackers."""
    shelf = Shelf()
    lifecycles: dict[str, Lifecycle] = {}
    for name in shipped_names():
        path = folder("models") / f"{name}.kf"
        lifecycles[name] = shelf.load(path, {}).lifecycle
        yield f"{name}.md", _written(name, path, tuple(_expected(path, shelf)), shelf, COMMAND)
    attackers = _attackers()
    if attackers is not None:
        yield ATTACKERS, attackers_page(lifecycles, attackers.titles, _granted(attackers), COMMAND)


def _written(name: str, path: Path, answers: Sequence[Answers], shelf: Shelf, command: str) -> str:
    policy = lifecycle_policy(path, load=shelf.load)
    attackers = _attackers()
    extents = frontiers_path(name)
    rows = {n: e.conditions for n, e in load_frontiers(extents).properties.items()} if extents.exists() else {}
    return lifecycle_page(
        Paged(
            name=name,
            lifecycle=policy.lifecycle,
            text=read_source(path).text,
            pictures=tuple(_pictures(policy)),
            answers=answers,
            profiles=_granted(attackers),
            standards=load_standards(),
            rows=rows,
            command=command,
        )
    )


def _pictures(policy: Policy) -> Iterator[tuple[str, str]]:
    yield "Data flow", mermaid(dataflow(policy))
    try:
        yield "Keys", mermaid(keys(policy.lifecycle))
    except UndrawableError:
        return


def _expected(path: Path, shelf: Shelf) -> Iterator[Answers]:
    """What is expected of the shipped policies over this lifecycle."""
    for policy in open_session(find((folder("models") / "policies",)), {}, shelf).policies:
        if resolved(Path(policy.lifecycle.path)) != resolved(path):
            continue
        if answers_path(policy.name).exists():
            expected = load_answers(answers_path(policy.name))
            yield Answers(policy.name, policy.title, policy.attacker, expected.states, expected.properties)


def _decided(session: Session) -> tuple[Answers, ...]:
    report = session.check(Options("auto", Deadline.after(None)))
    found: dict[str, dict[str, Answer]] = {}
    for result in report.results:
        found.setdefault(result.policy, {})[result.property] = (result.verdict, result.steps)
    return tuple(Answers(p.name, p.title, p.attacker, None, found.get(p.name, {})) for p in session.policies)


def _attackers() -> Attackers | None:
    path = folder("models") / FILE
    return load_attackers(path) if path.is_file() else None


def _granted(attackers: Attackers | None) -> Mapping[str, frozenset[str]]:
    grants = {} if attackers is None else attackers.grants
    return {name: frozenset(word.partition("[")[0] for word, _ in granted) for name, granted in grants.items()}
