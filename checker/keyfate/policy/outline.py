"""A first policy about a lifecycle: valid as it stands, with everything that could be set as a comment beside it.

A line that begins with `#` and a space is prose; one that begins with `#` and a word is a setting, valid when the
mark is taken off. What the lifecycle says stands in comments and strings only, and cannot leave them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from keyfate.language.rendering import escape
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Capability, Control, Lifecycle, Sort, Value
from keyfate.lifecycle.instances import indices
from keyfate.lifecycle.names import ControlName, show_value
from keyfate.policy.attackers import Attackers
from keyfate.policy.loading import DEMANDS
from keyfate.policy.settings import Places, capabilities, contradictions

_WIDTH = 100
_NAMED = 8  # members of a sort that a comment lists


def outline(lifecycle: Lifecycle, named: str, attackers: Attackers | None) -> str:
    """The text of a policy about `lifecycle`, which it calls `named`; `attackers` are the profiles that apply.

    Raises LifecycleError where the constraints of the lifecycle leave no setting: no policy about it is valid.
    """
    impossible = contradictions(lifecycle, Places(), lifecycle.constraints[-1].span) if lifecycle.constraints else []
    if impossible:
        raise LifecycleError(impossible)
    parts = (_head(lifecycle, named), _controls(lifecycle), _attacker(lifecycle, attackers), _require(lifecycle))
    more = (_scope(lifecycle), _not_required(lifecycle))
    return "\n".join("\n".join(part) + "\n" for part in map(tuple, (*parts, *more)) if part)


def _head(lifecycle: Lifecycle, named: str) -> Iterator[str]:
    yield from _prose(f"A policy about {lifecycle.name}: {lifecycle.title}" if lifecycle.title else lifecycle.name)
    yield "#"
    yield from _prose(
        "It is valid as it stands. Where a line begins with `#` and a word, take the `#` off to set what it says, "
        "one line for each control; take out what you do not need."
    )
    yield ""
    yield f"title = {_text(f'a first policy about {lifecycle.name}')}"
    yield f"lifecycle = {_text(named)}"


def _controls(lifecycle: Lifecycle) -> Iterator[str]:
    if not lifecycle.controls:
        return
    yield "[controls]"
    yield from _prose("What is not set stays open: a property must then hold for every value.")
    for control in lifecycle.controls:
        yield ""
        yield from _prose(_described(control.name, control.description))
        yield from _values(lifecycle, control)
        if control.evidence:
            yield from _prose(f"evidence: {control.evidence}")


def _values(lifecycle: Lifecycle, control: Control) -> Iterator[str]:
    descriptions = dict(control.values)
    wide = max(len(_value(value)) for value in control.domain.values)
    excluded = []
    for value in control.domain.values:
        if not _admitted(lifecycle, control, value):
            excluded.append(value)
            continue
        yield from _line(f"{control.name} = {_value(value):{wide}}", descriptions.get(value, ""))
    if control.index:
        first = ".".join(show_value(domain.values[0]) for domain in control.index)
        yield from _prose(f"It is set for all at once, or one by one as in `{control.name}.{first} = …`.")
    if excluded:
        listed = ", ".join(_value(value) for value in excluded)
        yield from _prose(f"The constraints of the lifecycle exclude {listed}.")


def _admitted(lifecycle: Lifecycle, control: Control, value: Value) -> bool:
    """Whether the control may have that value while everything else is open."""
    places = Places()
    places.controls = {ControlName(control.name, args): value for args in indices(control.index)}
    return not contradictions(lifecycle, places, control.span)


def _attacker(lifecycle: Lifecycle, attackers: Attackers | None) -> Iterator[str]:
    if not lifecycle.capabilities:
        return
    yield "[attacker]"
    yield from _prose("What the attacker can do: everything, as without this table. Take out what yours cannot.")
    yield "capabilities = ["
    wide = max(len(_text(capability.name)) for capability in lifecycle.capabilities) + 1
    for capability in lifecycle.capabilities:
        text = _told(capability)
        written = f"  {_text(capability.name) + ',':{wide}}"
        if len(written) + len(text) + 4 > _WIDTH:
            yield from (f"  {line}" for line in _prose(text, _WIDTH - 2))
            yield written.rstrip()
        else:
            yield f"{written}  # {text}" if text else written.rstrip()
    yield "]"
    indexed = next((capability for capability in lifecycle.capabilities if capability.index), None)
    if indexed is not None:
        first = ", ".join(show_value(domain.values[0]) for domain in indexed.index)
        yield from _prose(f"A name alone means all of its members; single ones stand as in `{indexed.name}[{first}]`.")
    profiles = () if attackers is None else tuple(_profiles(lifecycle, attackers))
    if profiles:
        yield ""
        yield from _prose("Or a profile; single capabilities add to it, so take those above out.")
        yield from profiles


def _profiles(lifecycle: Lifecycle, attackers: Attackers) -> Iterator[str]:
    """The profiles that grant something here: whoever is left has nothing to attack this lifecycle with."""
    useful = []
    for name, grants in attackers.grants.items():
        on, wrong = capabilities(lifecycle, grants, foreign=True)
        if on and not any(d.severity == "error" for d in wrong):
            useful.append(name)
    wide = max((len(_text(name)) for name in useful), default=0)
    for name in useful:
        yield from _line(f"profile = {_text(name):{wide}}", attackers.titles.get(name, ""))


def _require(lifecycle: Lifecycle) -> Iterator[str]:
    if not lifecycle.properties:
        return
    yield "[require]"
    yield from _prose("Every `never` and `always` must be PROVED, whether it stands here or not; this adds to it.")
    for rule in lifecycle.properties:
        yield ""
        yield from _prose(_described(rule.name, rule.text))
        default = "not required" if rule.kind == "possible" else "required to be PROVED"
        others = ", ".join(DEMANDS[rule.kind])
        yield from _prose(f"{rule.kind}, severity {rule.severity}; by default {default}. It may be {others}.")
        yield f"#{rule.name} = {_text(DEMANDS[rule.kind][0])}"


def _scope(lifecycle: Lifecycle) -> Iterator[str]:
    if not lifecycle.sorts:
        return
    yield "[scope]"
    yield from _prose("How many members sorts have; these are the sizes that the lifecycle lists.")
    settings = [f"{sort.name} = {len(sort.members)}" for sort in lifecycle.sorts]
    wide = max(map(len, settings))
    for setting, sort in zip(settings, lifecycle.sorts, strict=True):
        yield from _line(f"{setting:{wide}}", _members(sort))


def _members(sort: Sort) -> str:
    if sort.ordered:
        return f"{show_value(sort.members[0])} .. {show_value(sort.members[-1])}"
    shown = ", ".join(map(show_value, sort.members[:_NAMED]))
    return f"{shown}, …" if len(sort.members) > _NAMED else shown


def _not_required(lifecycle: Lifecycle) -> Iterator[str]:
    rule = next((rule for rule in lifecycle.properties if rule.kind != "possible"), None)
    if rule is None:
        return
    yield "[not_required]"
    yield from _prose("A check that your system need not pass, with the reason, which every run prints.")
    yield f"#{rule.name} = {_text('why it need not hold here')}"


# Words


def _line(setting: str, text: str) -> Iterator[str]:
    """A setting to be taken up, described behind it, or before it where that is too long."""
    text = _clean(text)
    if len(setting) + len(text) + 5 > _WIDTH:
        yield from _prose(f"{setting.partition(' = ')[2].strip()}: {text}")
        text = ""
    yield f"#{setting}  # {text}" if text else f"#{setting.rstrip()}"


def _prose(text: str, width: int = _WIDTH) -> Iterator[str]:
    """Comment lines; a word that is longer than a line is broken."""
    for line in textwrap.wrap(_clean(text), width - 2, break_on_hyphens=False):
        yield f"# {line}"


def _described(name: str, text: str) -> str:
    return f"{name}: {text}" if text else name


def _told(capability: Capability) -> str:
    cost = f"cost {capability.cost}" if capability.cost is not None else ""
    return _clean("; ".join(part for part in (capability.description, cost) if part))


def _value(value: Value) -> str:
    return _text(value) if isinstance(value, str) else show_value(value)


def _text(text: str) -> str:
    """A TOML string."""
    characters: Sequence[str] = [
        f"\\{char}" if char in '"\\' else char if char.isprintable() else f"\\U{ord(char):08X}" for char in text
    ]
    return f'"{"".join(characters)}"'


def _clean(text: str) -> str:
    """One line of what is printable."""
    return escape(" ".join(text.split()))
