"""`keyfate draw`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from keyfate.checking.judges import Deadline, EngineName
from keyfate.checking.results import NO_ANSWER, PolicySummary, Result
from keyfate.checking.running import Options
from keyfate.checking.session import Session, open_session
from keyfate.checking.shelf import Scopes
from keyfate.commands import naming
from keyfate.diagrams.figure import Drawing, Figure, UndrawableError
from keyfate.diagrams.graphviz import PictureError, find, missing, picture
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Lifecycle
from keyfate.policy.policy import Policy
from keyfate.reporting.words import count
from keyfate.reporting.writing import OutputError


@dataclass(frozen=True)
class Drawn:
    """A diagram as it is written; `summary` says what it holds, `following` what to run next."""

    content: str | bytes
    summary: str
    following: str


class UndecidedError(Exception):
    """A property without an answer, of which no picture is made: how the command ends, and why."""

    def __init__(self, result: Result) -> None:
        self.status = NO_ANSWER[result.verdict]
        super().__init__(f"`{result.property}` is {result.verdict} under `{result.policy}`: {result.reason}")


def draw(
    kind: str,
    name: str,
    rule: str | None,
    form: str,
    *,
    states: Sequence[str],
    product: bool,
    falls: str | None,
    engine: EngineName,
    scope: Scopes,
    timeout: float | None,
) -> Drawn:
    """A diagram of a lifecycle or a policy.

    Raises LifecycleError where there is no such diagram, UndecidedError where judges disagree about the property or
    none came to an answer, OutputError where no Graphviz draws it.
    """
    if form in ("svg", "png") and find() is None:  # said before anything is decided
        raise OutputError(missing())
    path = naming.policy_or_lifecycle(name)
    session = open_session((path,), scope)
    policy = session.policies[0]
    deadline = Deadline.after(timeout)
    found: tuple[PolicySummary, Result] | None = None
    if rule is not None:
        naming.known_property(policy.lifecycle, rule)
        found = _decided(session, rule, engine, deadline)
        if found[1].verdict in NO_ANSWER:
            raise UndecidedError(found[1])
    elif kind in ("trace", "attack"):
        raise _needs_property(kind, policy.lifecycle)
    try:
        drawing = _drawing(kind, policy, found, states, product, falls, deadline)
    except UndrawableError as error:
        word = rule or falls or (states[0] if states else name)
        raise naming.on_command_line("KF571", error.message, word, error.help) from None
    return Drawn(_written(drawing, form), _summary(drawing), _following(kind, name, found, form))


def _decided(session: Session, rule: str, engine: EngineName, deadline: Deadline) -> tuple[PolicySummary, Result]:
    report = session.check(Options(engine, deadline, only=(rule,), sweep=False))
    return report.policies[0], report.results[0]


def _needs_property(kind: str, lifecycle: Lifecycle) -> LifecycleError:
    names = ", ".join(f"`{rule.name}`" for rule in lifecycle.properties) or "nothing"
    said = f"`draw {kind}` needs a property behind the lifecycle or policy"
    return naming.on_command_line("KF570", said, kind, f"it checks {names}")


def _drawing(
    kind: str,
    policy: Policy,
    found: tuple[PolicySummary, Result] | None,
    states: Sequence[str],
    joint: bool,
    falls: str | None,
    deadline: Deadline,
) -> Drawing:
    """Each kind imports what it needs: one drawing is made in a process."""
    if kind == "keys":
        from keyfate.diagrams.keys import keys

        return keys(policy.lifecycle, fallen=falls)
    if kind == "dataflow":
        from keyfate.diagrams.dataflow import dataflow

        return dataflow(policy)
    if kind == "lifecycle":
        from keyfate.diagrams.machines import machines, product

        result = None if found is None else found[1]
        if joint:
            return product(policy, result=result)
        return machines(policy, states=states, result=result, seconds=deadline.budget().seconds)
    assert found is not None
    if kind == "trace":
        from keyfate.diagrams.sequence import sequence

        return sequence(policy.lifecycle, *found)
    from keyfate.diagrams.attack import attack

    return attack(policy.lifecycle, *found)


def _written(drawing: Drawing, form: str) -> str | bytes:
    if form in ("mermaid", "markdown"):
        from keyfate.diagrams import mermaid

        return mermaid.mermaid(drawing) if form == "mermaid" else mermaid.markdown(drawing)
    from keyfate.diagrams.dot import dot

    text = dot(drawing)
    if form == "dot":
        return text
    try:
        shown = picture(text, "png" if form == "png" else "svg")
    except PictureError as error:
        raise OutputError(str(error)) from None
    return shown if form == "png" else shown.decode("utf-8")


def _summary(drawing: Drawing) -> str:
    if isinstance(drawing, Figure):
        return f"{count(len(drawing.nodes), 'node')}, {count(len(drawing.edges), 'edge')}"
    return f"{count(len(drawing.moments), 'moment')} over {count(len(drawing.lanes), 'lane')}"


def _following(kind: str, name: str, found: tuple[PolicySummary, Result] | None, form: str) -> str:
    """What one looks at after a diagram of this kind."""
    of = shlex.quote(name)
    suffix = {"dot": ".dot", "mermaid": ".mmd", "markdown": ".md"}.get(form, f".{form}")
    if found is None:
        then = {"lifecycle": "keys", "keys": "dataflow"}.get(kind)
        return f"keyfate check {of}" if then is None else f"keyfate draw {then} {of} -o {then}{suffix}"
    result = found[1]
    rule = shlex.quote(result.property)
    if kind == "lifecycle" and result.trace is not None:
        return f"keyfate draw trace {of} {rule} -o trace{suffix}"
    if kind == "trace" and result.knowledge:
        return f"keyfate draw attack {of} {rule} -o attack{suffix}"
    return f"keyfate explain {of} {rule}"
