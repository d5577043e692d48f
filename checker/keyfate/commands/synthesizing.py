"""`keyfate frontier`."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from keyfate.checking.frontier import PropertyFrontier
from keyfate.checking.frontiers import Asked, Question, frontiers
from keyfate.checking.judges import Deadline
from keyfate.checking.session import inputs, open_session
from keyfate.checking.shelf import Scopes
from keyfate.commands import naming
from keyfate.commands.progress import bar
from keyfate.language.source import Label, LifecycleError
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
_MORE = 4  # times as long

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
    asking = _Asking(name, rules, which, fixed, scope, timeout, memory)
    incomplete = [found for found in report.frontiers if found.verdict == "UNKNOWN"]
    if incomplete:
        asking = _eased(replace(asking, rules=[f.property for f in incomplete]), path, policy, incomplete[0], asked)
        following = shlex.join(asking.words())
    elif which == "both":
        following = shlex.join([*asking.words(), "--format", "json", "--output", "frontier.json"])
    else:
        following = f"keyfate check {shlex.quote(name)}"
    note = _UNUSED if which == "both" and path.suffix != ".kf" else ""
    return frontier_text(report, following, note, traces=traces, color=color, width=width), report.exit_status


@dataclass(frozen=True)
class _Asking:
    """What a command line asks for; `memory` in bytes."""

    name: str
    rules: Sequence[str]
    which: Open
    fixed: Fixed
    scope: Scopes
    timeout: float | None
    memory: int | None

    def words(self) -> list[str]:
        fixed = self.fixed
        words = ["keyfate", "frontier", self.name, *self.rules]
        words += [] if self.which == "both" else [f"--{self.which}"]
        options = (("--set", fixed.settings), ("--with", fixed.on), ("--without", fixed.off))
        words += [word for option, values in options for value in values for word in (option, value)]
        words += [word for sort, size in self.scope.items() for word in ("--scope", f"{sort}={size}")]
        words += [] if self.timeout is None else ["--timeout", f"{self.timeout:g}"]
        return words + ([] if self.memory is None else ["--memory", str(self.memory >> 20)])


def _eased(asking: _Asking, path: Path, policy: Policy, found: PropertyFrontier, asked: Asked) -> _Asking:
    """What to ask where `found` is not complete: with more time if that was up, else for less."""
    if asking.timeout is not None and asked.deadline.passed:
        return replace(asking, timeout=_MORE * asking.timeout)
    setting = _one_more(policy, found, asked.questions[0].settings)
    if setting is not None:
        return replace(asking, fixed=replace(asking.fixed, settings=[*asking.fixed.settings, setting]))
    for sort, size in sorted(found.scope.sorts.items(), key=lambda pair: -pair[1]):
        smaller = {**asking.scope, sort: size - 1}
        with contextlib.suppress(LifecycleError):  # a sort may have to be as large as it is
            open_session((path,), smaller)
            return replace(asking, scope=smaller)
    return asking if asking.timeout is None else replace(asking, timeout=_MORE * asking.timeout)


def _one_more(policy: Policy, found: PropertyFrontier, settings: Settings) -> str | None:
    """`CONTROL=VALUE` for the open control that has most values: the policy's value, or the first admissible one."""
    values = {name: kept for name, kept in found.open_controls.items() if len(kept) > 1}
    if not values:
        return None
    widest = max(values, key=lambda name: len(values[name]))
    control = next(name for name in control_names(policy.lifecycle) if str(name) == widest)
    domain = control_domains(policy.lifecycle)[control.name].values
    own = policy.settings.controls.get(control)
    for value in domain if own is None else (own, *domain):
        try:
            if next(admissible.completions(policy.lifecycle, {**settings.controls, control: value}), None) is None:
                continue
        except admissible.TooManyError:
            pass  # nothing says that it is not
        return f"{control}={show_value(value)}"
    return None


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
