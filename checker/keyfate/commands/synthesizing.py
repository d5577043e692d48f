"""`keyfate frontier`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from keyfate.checking.frontiers import Asked, Question, frontiers
from keyfate.checking.judges import Deadline
from keyfate.checking.session import inputs, open_session
from keyfate.checking.shelf import Scopes
from keyfate.commands import naming
from keyfate.commands.progress import bar
from keyfate.language.source import Label
from keyfate.language.symbols import did_you_mean
from keyfate.language.typed import Lifecycle, Value
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.names import CapabilityName, ControlName, show_value
from keyfate.lifecycle.problem import Settings
from keyfate.policy import admissible
from keyfate.policy.policy import Policy
from keyfate.reporting.frontier import frontier_text
from keyfate.reporting.json import to_json

Open = Literal["both", "attackers", "controls"]
"""What a policy leaves open: all of it, its attacker, or its controls."""

_UNUSED = "the policy's settings are not used: --attackers fixes its controls, --controls its attacker"

_N = TypeVar("_N", ControlName, CapabilityName)


@dataclass(frozen=True)
class Fixed:
    """Words of the command line: `CONTROL=VALUE`, and capabilities that are on or off."""

    settings: Sequence[str] = ()
    on: Sequence[str] = ()
    off: Sequence[str] = ()


def synthesize(
    name: str,
    rules: Sequence[str],
    which: Open,
    fixed: Fixed,
    form: str,
    color: bool,
    width: int | None,
    *,
    traces: bool,
    scope: Scopes,
    timeout: float | None,
    memory: int | None,
) -> tuple[str, int]:
    """The frontiers of some properties, or of all, and the exit status."""
    path = naming.policy_or_lifecycle(name)
    policy = open_session((path,), scope).policies[0]
    for rule in rules:
        naming.known_property(policy.lifecycle, rule)
    settings = _settings(policy, which, fixed, name)
    asked = Asked(
        policy.lifecycle,
        tuple(
            Question(rule, settings, safe=which == "controls")
            for rule in policy.lifecycle.properties
            if not rules or rule.name in rules
        ),
        Deadline.after(timeout),
    )
    with bar("synthesizing", len(asked.questions)) as advance:
        report = frontiers(
            asked, inputs((policy,)), memory=memory, tick=lambda number: advance(asked.questions[number].rule.name)
        )
    if form == "json":
        return to_json(report), report.exit_status
    following = _following(name, rules, which, fixed, scope)
    note = _UNUSED if which == "both" and path.suffix != ".kf" else ""
    return frontier_text(report, following, note, traces=traces, color=color, width=width), report.exit_status


def _following(name: str, rules: Sequence[str], which: Open, fixed: Fixed, scope: Scopes) -> str:
    if which != "both":
        return f"keyfate check {shlex.quote(name)}"
    words = ["keyfate", "frontier", name, *rules]
    options = (("--set", fixed.settings), ("--with", fixed.on), ("--without", fixed.off))
    words += [word for option, values in options for value in values for word in (option, value)]
    words += [word for sort, size in scope.items() for word in ("--scope", f"{sort}={size}")]
    return shlex.join([*words, "--format", "json", "--output", "frontier.json"])


def _settings(policy: Policy, which: Open, fixed: Fixed, word: str) -> Settings:
    """What is not open. Raises LifecycleError where a word names nothing or nothing admissible is left."""
    lifecycle = policy.lifecycle
    controls: dict[ControlName, Value] = dict(policy.settings.controls) if which == "attackers" else {}
    capabilities: dict[CapabilityName, bool] = {}
    if which == "controls":
        capabilities |= {name: name in policy.capabilities_on for name in capability_names(lifecycle)}
    said: dict[object, object] = {}  # on this command line
    for given, control, value in _controls(lifecycle, fixed.settings):
        if said.setdefault(control, value) != value:
            raise naming.on_command_line("KF511", f"`{control}` is set twice", given, "leave one of the two out")
        controls[control] = value
    for words, on in ((fixed.on, True), (fixed.off, False)):
        for given in words:
            for capability in _named(given, "KF520", "capability", capability_names(lifecycle), lifecycle):
                if said.setdefault(capability, on) != on:
                    both = f"`{capability}` is both given and taken"
                    raise naming.on_command_line("KF520", both, given, "leave --with or --without out")
                capabilities[capability] = on
    _refuse_inadmissible(lifecycle, controls, fixed.settings[-1] if fixed.settings else word)
    return Settings(controls, capabilities)


def _controls(lifecycle: Lifecycle, words: Sequence[str]) -> Iterator[tuple[str, ControlName, Value]]:
    """Each word with what it sets."""
    domains = control_domains(lifecycle)
    for given in words:
        name, equals, wanted = (part.strip() for part in given.partition("="))
        if not equals:
            raise naming.on_command_line("KF511", f"`{given}` sets no control", given, "write CONTROL=VALUE")
        for control in _named(name, "KF510", "control", control_names(lifecycle), lifecycle):
            values = {show_value(value): value for value in domains[control.name].values}
            if wanted not in values:
                hint = did_you_mean(wanted, list(values)) or f"its values are {', '.join(f'`{v}`' for v in values)}"
                raise naming.on_command_line("KF511", f"`{wanted}` is no value of `{control.name}`", given, hint)
            yield given, control, values[wanted]


def _named(word: str, code: str, kind: str, names: Sequence[_N], lifecycle: Lifecycle) -> Sequence[_N]:
    """The instances that a word means: one, or all of its name."""
    found = [name for name in names if word in (str(name), name.name)]
    if not found:
        known = list(dict.fromkeys(name.name for name in names))
        hint = did_you_mean(word, known) or f"it declares {', '.join(f'`{n}`' for n in known) or 'none'}"
        raise naming.on_command_line(code, f"`{lifecycle.name}` has no {kind} `{word}`", word, hint)
    return found


def _refuse_inadmissible(lifecycle: Lifecycle, controls: Mapping[ControlName, Value], word: str) -> None:
    try:
        if next(admissible.completions(lifecycle, controls), None) is not None:
            return
    except admissible.TooManyError:
        return  # the certifier refuses a frontier of nothing
    said = f"the constraints of `{lifecycle.name}` leave no setting"
    labels = [Label(c.span, "this constraint refuses it") for c in admissible.refuted(lifecycle, controls)]
    raise naming.on_command_line("KF514", said, word, "leave one more control open, or change a value", labels)
