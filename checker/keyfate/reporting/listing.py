"""What there is: the library in one screen, or one lifecycle in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from keyfate.checking.expected import Extent
from keyfate.language import typed as t
from keyfate.lifecycle.names import show_value
from keyfate.lifecycle.showing import indexed
from keyfate.reporting.tables import Cell, Hanging, Items, Listing, Rows
from keyfate.reporting.text import printed
from keyfate.reporting.words import clean, count

_VERDICTS = ("PROVED", "POSSIBLE", "VIOLATED", "IMPOSSIBLE", "DEPENDS", "VACUOUS")


@dataclass(frozen=True)
class Asked:
    """A policy, how often each verdict is expected under it, and how many requirements they do not meet; `verdicts` is
    empty where that is not known."""

    name: str
    title: str
    verdicts: Mapping[str, int] = field(default_factory=dict)
    unmet: int = 0

    @property
    def summary(self) -> str:
        """`15 PROVED, 4 POSSIBLE, 1 VIOLATED`."""
        return ", ".join(f"{self.verdicts[verdict]} {verdict}" for verdict in _VERDICTS if verdict in self.verdicts)

    @property
    def good(self) -> int:
        """How many properties come out as one wishes."""
        return self.verdicts.get("PROVED", 0) + self.verdicts.get("POSSIBLE", 0)


@dataclass(frozen=True)
class Shipped:
    """A lifecycle under the name that policies call it by, and its policies."""

    name: str
    lifecycle: t.Lifecycle
    policies: tuple[Asked, ...]


@dataclass(frozen=True)
class Profile:
    """An attacker profile, and which capabilities of a lifecycle it grants."""

    name: str
    title: str
    grants: tuple[str, ...]


def library_text(
    shipped: Sequence[Shipped],
    profiles: Sequence[str],
    fragments: Sequence[str] = (),
    *,
    color: bool = False,
    width: int | None = None,
) -> str:
    """Every shipped lifecycle in a few lines, with how its policies come out; the attacker profiles, and what can be
    included."""
    return printed(_library(shipped, profiles, fragments), color=color, width=width)


def lifecycle_text(
    shipped: Shipped,
    *,
    profiles: Sequence[Profile] = (),
    extents: Mapping[str, Extent] | None = None,
    color: bool = False,
    width: int | None = None,
) -> str:
    """One lifecycle: what can be set, who attacks, what happens, what is checked, how its policies come out."""
    return printed(_lifecycle(shipped, profiles, extents or {}), color=color, width=width)


def _library(shipped: Sequence[Shipped], profiles: Sequence[str], fragments: Sequence[str]) -> Iterator[RenderableType]:
    named_after = ""
    for one in shipped:
        yield Hanging(_head(one.name, one.lifecycle), 0, 2)
        begin, counts = _begin(one), _counts(one)
        if begin == f"{one.name}-":
            named_after = named_after or one.policies[0].name
        elif begin:
            counts[-1] += f" {clean(begin)}…"
        yield Hanging(Text(", ".join(counts)), 2, 3)
        met = [policy for policy in one.policies if policy.verdicts and not policy.unmet]
        best = max(met, key=lambda policy: policy.good, default=None)
        yield from _policies("met:", begin, [(p, f" ({p.summary})" if p is best else "") for p in met])
        yield from _policies("not met:", begin, [(p, f" {p.unmet}") for p in one.policies if p.unmet])
        yield from _policies("not known:", begin, [(p, "") for p in one.policies if not p.verdicts])
    if named_after:
        said = "names of policies begin with their lifecycle's, where nothing else is said:"
        yield Hanging(Text(f"{said} {clean(named_after)}"), 0, 1)
    if profiles:
        yield Listing("attacker profiles:", list(map(clean, profiles)))
    if fragments:
        yield Listing("fragments to include a copy of:", list(map(clean, fragments)))
    if shipped:
        yield Text(f"next: keyfate list {shipped[0].name}", style="bold")
    else:
        yield Text("the library is empty")


def _head(name: str, lifecycle: t.Lifecycle) -> Text:
    head = Text(clean(name), style="bold")
    head.append(f"  {clean(lifecycle.title)}", style="not bold")
    return head.append(f"  [{lifecycle.status}]", style="not bold dim")


def _counts(one: Shipped) -> list[str]:
    lifecycle = one.lifecycle
    statuses = Counter(action.status for action in lifecycle.actions)
    rests = ", ".join(f"{number} {status}" for status, number in statuses.most_common())
    return [
        count(len(lifecycle.controls), "control"),
        count(len(lifecycle.capabilities), "capability", "capabilities"),
        count(len(lifecycle.actions), "action") + (f" ({rests})" if len(statuses) > 1 else ""),
        count(len(lifecycle.properties), "property", "properties"),
        count(len(one.policies), "policy", "policies"),
    ]


def _begin(one: Shipped) -> str:
    """What the names of a lifecycle and of several policies begin with, up to a hyphen."""
    names = [f"{one.name}-", *(policy.name for policy in one.policies)]
    common = "".join(chars[0] for chars in takewhile(lambda chars: len(set(chars)) == 1, zip(*names, strict=False)))
    return common[: common.rfind("-") + 1] if len(one.policies) > 1 else ""


def _policies(words: str, begin: str, policies: Sequence[tuple[Asked, str]]) -> Iterator[RenderableType]:
    """Their names, without what all begin with, and what is said of each."""
    if policies:
        items = [clean(policy.name.removeprefix(begin)) + said for policy, said in policies]
        yield Padding(Listing(words, items), (0, 0, 0, 2))


def _lifecycle(
    shipped: Shipped, profiles: Sequence[Profile], extents: Mapping[str, Extent]
) -> Iterator[RenderableType]:
    lifecycle = shipped.lifecycle
    head = Text(clean(lifecycle.name), style="bold")
    head.append(f"  {clean(lifecycle.title)}", style="not bold")
    yield head
    yield _indented(f"{lifecycle.path}, {lifecycle.status}")
    for source in lifecycle.sources:
        yield _indented(f"source: {source}")
    sorts = [
        (s.name, ", ".join(map(show_value, s.members)) if not s.ordered else f"{s.members[0]} .. {s.members[-1]}")
        for s in lifecycle.sorts
    ]
    yield from _section("sorts (--scope changes their sizes)", _rows(("sort", "members"), sorts))
    if lifecycle.controls:
        yield Text("controls", style="bold")
        for control in lifecycle.controls:
            yield from _control(control)
        yield Text("")
    capabilities = [
        (
            indexed(c.name, (d.label for d in c.index)),
            "" if c.cost is None else str(c.cost),
            c.description,
            ", ".join((*c.refs, *(f"CWE-{n}" for n in c.cwes))),
        )
        for c in lifecycle.capabilities
    ]
    yield from _section("capabilities of the attacker", _rows(("capability", "cost", "", "references"), capabilities))
    if profiles:
        granted = [(p.name, p.title, Items(_listed(p.grants))) for p in profiles]
        yield from _section("attackers", _rows(("profile", "", "has"), granted))
    actions = [
        (a.name, a.actor, a.status, a.description)
        for _, group in groupby(lifecycle.actions, key=lambda a: a.actor)
        for a in group
    ]
    yield from _section("actions", _rows(("action", "by", "status", ""), actions))
    yield from _section("properties", _properties(lifecycle, extents))
    for constraint in lifecycle.constraints:
        said = constraint.description or constraint.span.text.removeprefix("constraint ")
        yield Text(f"constraint: {clean(said)}")
    if shipped.policies:
        asked = [(p.name, p.title, _coming_out(p), p.summary) for p in shipped.policies]
        yield from _section("policies", _rows(("policy", "", "requirements", "answers"), asked))
    yield Text(f"next: keyfate check {clean(lifecycle.path)}", style="bold")


def _properties(lifecycle: t.Lifecycle, extents: Mapping[str, Extent]) -> RenderableType:
    """Each with the shared one that it applies under another name, and how many minimal conditions break it (or make it
    possible) where all is open: columns of which something is known."""
    rules = lifecycle.properties
    applied = [_applied(rule) for rule in rules]
    known = [str(extents[rule.name].conditions) if rule.name in extents else "" for rule in rules]
    optional = [(title, cells) for title, cells in (("applies", applied), ("conditions", known)) if any(cells)]
    head = ["property", "kind", "severity", *(title for title, _ in optional), ""]
    rows = [
        [rule.name, rule.kind, rule.severity, *(cells[at] for _, cells in optional), rule.text]
        for at, rule in enumerate(rules)
    ]
    return _rows(head, rows)


def _applied(rule: t.Property) -> str:
    at, text = rule.check_span, rule.span
    own = at.path == text.path and text.start <= at.start < text.end
    return "" if own or rule.template == rule.name else rule.template


def _coming_out(policy: Asked) -> str:
    if not policy.verdicts:
        return "not known"
    return f"{policy.unmet} not met" if policy.unmet else "met"


def _listed(names: Sequence[str]) -> list[str]:
    """With commas between."""
    return [*(f"{clean(name)}," for name in names[:-1]), *map(clean, names[-1:])]


def _control(control: t.Control) -> Iterator[RenderableType]:
    name = indexed(control.name, (d.label for d in control.index))
    yield _indented(f"{name} : {' | '.join(map(show_value, control.domain.values))}")
    if control.description:
        yield _indented(control.description, 6)
    for value, words in control.values:
        yield _indented(f"{show_value(value)}: {words}", 6)
    if control.evidence:
        yield _indented(f"evidence: {control.evidence}", 6)


def _section(title: str, rows: RenderableType) -> Iterator[RenderableType]:
    yield Text(title, style="bold")
    yield rows
    yield Text("")


def _indented(words: str, by: int = 4) -> RenderableType:
    return Padding(Text(clean(words)), (0, 0, 0, by))


def _rows(head: Sequence[str], rows: Sequence[Sequence[Cell]], indent: int = 2) -> RenderableType:
    filled: Sequence[Sequence[Cell]] = rows or [["none", *[""] * (len(head) - 1)]]
    return Rows(head, [[clean(cell) if isinstance(cell, str) else cell for cell in row] for row in filled], indent)
