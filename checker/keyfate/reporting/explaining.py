"""One verdict in full: the trace step by step, and how the attacker computed what it must not know."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from keyfate.checking.results import Change, Knowledge, PolicySummary, Result, Sight, Step
from keyfate.checking.wording import called, listed, turned
from keyfate.reporting.tables import Hanging
from keyfate.reporting.text import printed
from keyfate.reporting.words import (
    ASSUMPTIONS,
    COLORS,
    basis,
    clean,
    count,
    scope,
    sight,
    verdict,
)

_OPENED = {
    "enc": "decrypted",
    "seal": "unsealed",
    "wrap": "unwrapped",
    "page": "decrypted",
    "aenc": "decrypted",
    "pair": "taken out",
}
_MADE = {"pair": "put together", "pub": "computed"}


def explanation(policy: PolicySummary, result: Result, *, color: bool = False, width: int | None = None) -> str:
    """The result as a story."""
    return printed(_parts(policy, result), color=color, width=width)


def computed(result: Result, *, color: bool = False, width: int | None = None) -> str:
    """Only how the attacker computed what it must not know."""
    return printed(_knowledge(result), color=color, width=width).rstrip() + "\n"


def _parts(policy: PolicySummary, result: Result) -> Iterator[RenderableType]:
    head = Text(f"{clean(result.lifecycle)} · {clean(result.policy)} · {clean(result.property)}: ")
    head.append(verdict(result), style=COLORS[result.verdict])
    if result.confirmed:
        head.append(", confirmed in bytes")
    yield head
    yield Text(f"  {clean(result.text)}")
    said = result.says or result.reason
    if said:
        yield Text(f"  {clean(said)}")
    at = result.location.check
    rests = " · ".join(words for words in (result.severity, scope(result.scope), basis(result)) if words)
    yield Text(f"  {clean(at.file)}:{at.line}:{at.column}, {clean(rests)}", style="dim")
    yield Text("")
    yield from _setting(policy, result)
    if result.trace is not None:
        yield from _trace(result)
    yield from _knowledge(result)
    yield from _grounds(result)
    yield Text(ASSUMPTIONS, style="dim")


def _hanging(text: Text, first: int = 2, by: int = 2) -> RenderableType:
    return Hanging(text, first, first + by)


def _setting(policy: PolicySummary, result: Result) -> Iterator[RenderableType]:
    if policy.controls:
        yield _hanging(Text(f"fixed by the policy: {clean(listed(policy.controls))}"), 0)
    if result.configuration:
        yield _hanging(Text(f"open, here: {clean(listed(result.configuration))}"), 0)
    if result.fails_under is not None:
        yield _hanging(Text(f"no run does it with: {clean(listed(result.fails_under))}"), 0)
    if result.kind != "possible":
        on = ", ".join(policy.capabilities) or "nothing"
        named = "" if policy.attacker == on else f" ({clean(policy.attacker)})"
        yield _hanging(Text(f"the attacker{named} can: {clean(on)}"), 0)
    yield Text("")


def _trace(result: Result) -> Iterator[RenderableType]:
    assert result.trace is not None
    if result.start is not None and result.start.observed:
        yield Text("at the start", style="bold")
        yield from map(_seen, result.start.observed)
    for number, step in enumerate(result.trace, start=1):
        yield from _step(number, step)
    if not result.trace:
        yield Text("in the first state, without any action")
    yield Text("")


def _step(number: int, step: Step) -> Iterator[RenderableType]:
    line = Text(f"{number}. ")
    line.append(clean(called(step)), style="bold")
    line.append(f" by {clean(step.actor)}")
    if step.description:
        line.append(f": {clean(step.description)}", style="dim")
    yield _hanging(line, 0, 3)
    for change in step.changes:
        yield from (_hanging(Text(clean(words)), 6) for words in effects(change))
    yield from map(_seen, step.observed)


def effects(change: Change) -> Iterator[str]:
    """What an action did to one state variable or place, a line for each way."""
    if change.kind == "state":
        yield turned(change)
        return
    if change.gained:
        yield f"{change.name} gains {', '.join(change.gained)}"
    if change.lost:
        yield f"{change.name} loses {', '.join(change.lost)}"


def _seen(seen: Sight) -> RenderableType:
    return _hanging(Text(f"the attacker sees {clean(sight(seen))}", style="red"), 6)


def _knowledge(result: Result) -> Iterator[RenderableType]:
    for tree in result.knowledge or ():
        yield Text(f"how {_whose(tree)} {clean(tree.term)}", style="bold")
        yield _tree(tree)
        yield Text("")


def _whose(tree: Knowledge) -> str:
    """Who has what the tree begins with."""
    rules = set(_leaves(tree))
    if "held" not in rules:
        return "the attacker computes" if "observed" in rules else "everybody computes"
    return "what is left, with what was seen, yields" if "observed" in rules else "what is left yields"


def _leaves(tree: Knowledge) -> Iterator[str]:
    yield tree.rule
    for premise in tree.premises:
        yield from _leaves(premise)


def _tree(tree: Knowledge, parent: Tree | None = None) -> Tree:
    label = Text(clean(tree.term))
    label.append(f"  {clean(_how(tree))}", style="dim")
    node = Tree(label) if parent is None else parent.add(label)
    for premise in tree.premises:
        _tree(premise, node)
    return node


def _how(tree: Knowledge) -> str:
    match tree.rule:
        case "public":
            return "public"
        case "held":
            return f"held in {tree.place}"
        case "observed":
            by = f" by {' and '.join(tree.capabilities)}" if tree.capabilities else ""
            when = f"after step {tree.step}" if tree.step else "at the start"
            return f"seen in {tree.place} {when}{by}" if tree.place else f"leaked in step {tree.step}{by}"
        case "decompose":
            return f"{_OPENED.get(tree.function or '', 'opened')} from the {tree.function} below"
    label = f' "{tree.label}"' if tree.label else ""
    return _MADE.get(tree.function or "", f"computed: {tree.function}") + label


def _grounds(result: Result) -> Iterator[RenderableType]:
    """What the verdict rests on."""
    certificate = result.certificate
    if certificate is not None:
        match certificate.kind:
            case "invariant":
                clauses = count(certificate.clauses or 0, "clause")
                yield Text(f"an inductive invariant of {clauses}, checked by a fresh {certificate.checked_by}")
            case "trace":
                yield Text(f"every step of the trace checked by {certificate.checked_by} and by the plain interpreter")
            case "settings":
                yield Text(f"each admissible setting refuted, checked by {certificate.checked_by}")
            case "exhaustive":
                yield Text("every reachable state visited by the plain interpreter; no certificate")
            case "fixedpoint":
                yield Text("a fixed point found by Z3; no certificate")
    for name, said in result.opinions.items():
        yield Text(clean(f"{name}: {said}"))
    if result.ideal:
        yield Text(f"ideal, sources not modelled: {clean(', '.join(result.ideal))}")
    if result.evidence:
        yield Text("")
        yield Text("in bytes, each value by the first bytes of its SHA-256", style="bold")
        yield from (_hanging(Text(clean(line))) for line in result.evidence)
        yield Text("")
