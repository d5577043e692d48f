"""Names and values of a policy, resolved against its lifecycle."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import product

from keyfate.language.source import Diagnostic, Label, Span
from keyfate.language.symbols import did_you_mean
from keyfate.language.typed import Capability, Control, Domain, Lifecycle, Value
from keyfate.lifecycle.names import CapabilityName, ControlName, show_value
from keyfate.lifecycle.showing import indexed
from keyfate.policy import admissible
from keyfate.policy.finding import shipped_lifecycles
from keyfate.policy.toml import Document, Path


class Places:
    """Where each control instance was set; filled while a chain of policies is read."""

    def __init__(self) -> None:
        self.controls: dict[ControlName, Value] = {}
        self.spans: dict[ControlName, Span] = {}


def set_controls(
    lifecycle: Lifecycle, document: Document, table: Mapping[str, object], into: Places, at: Path = ("controls",)
) -> list[Diagnostic]:
    """Read a table of controls, which stands at `at`. A value for an indexed control goes to all its instances; a
    table, or a name with brackets, to single ones, which win over the former."""
    problems: list[Diagnostic] = []
    found: list[tuple[int, ControlName, Value, Span]] = []
    controls = {c.name: c for c in lifecycle.controls}

    def walk(name: str, value: object, path: Path) -> None:
        bare, words = _split(name)
        control = controls.get(bare)
        if control is None and isinstance(value, Mapping) and any(c.startswith(f"{name}.") for c in controls):
            for part, inner in value.items():
                walk(f"{name}.{part}", inner, (*path, part))
        elif control is None:
            problems.append(_unknown("KF510", "control", name, controls, lifecycle, document.key(path)))
        else:
            settle(control, words, value, path)

    def settle(control: Control, words: Sequence[str], value: object, path: Path) -> None:
        if isinstance(value, Mapping) and len(words) < len(control.index):
            for word, inner in value.items():
                settle(control, (*words, *_words(word)), inner, (*path, word))
            return
        instances, wrong = _instances("control", control, words, document.key(path))
        problems.extend(wrong)
        if wrong:
            return
        setting, wrong = _value(control, value, document.value(path))
        problems.extend(wrong)
        if not wrong:
            found.extend(
                (len(words), ControlName(control.name, args), setting, document.key(path)) for args in instances
            )

    for name, value in table.items():
        walk(name, value, (*at, name))
    for _, control, value, span in sorted(found, key=lambda f: f[0]):
        into.controls[control] = value
        into.spans[control] = span
    return problems


def _value(control: Control, given: object, span: Span) -> tuple[Value, list[Diagnostic]]:
    values = control.domain.values
    for value in values:
        if type(value) is type(given) and value == given:
            return value, []
    words = [show_value(v) for v in values]
    written = str(given).lower() if isinstance(given, bool) else str(given)
    if isinstance(given, Mapping | list):
        message = f"`{control.name}` takes one value"
        written = ""
    else:
        message = f"`{written}` is no value of `{control.name}`"
    listed = ", ".join(f"`{_toml(v)}`" for v in values)
    hint = did_you_mean(written, words) if isinstance(given, str) and written not in words else None
    if written in words:
        hint = f"write {_toml(values[words.index(written)])}"
    help = f"{hint} its values are {listed}" if hint and hint.endswith("?") else hint or f"its values are {listed}"
    return None, [Diagnostic("KF511", message, span, help=help)]


def _toml(value: Value) -> str:
    return f'"{show_value(value)}"' if isinstance(value, str) or value is None else show_value(value)


def capabilities(
    lifecycle: Lifecycle, words: Iterable[tuple[str, Span]], *, foreign: bool = False
) -> tuple[set[CapabilityName], list[Diagnostic]]:
    """The capability instances that `words` name: `all`, a name (all instances), or `name[a]`.

    With `foreign` (an attackers' file serves many lifecycles), a name that this lifecycle does
    not have is left out; only one that looks like a slip is warned of.
    """
    on: set[CapabilityName] = set()
    problems: list[Diagnostic] = []
    known = {c.name: c for c in lifecycle.capabilities}
    for word, span in words:
        bare, index = _split(word)
        if word == "all":
            on.update(CapabilityName(c.name, args) for c in known.values() for args in _all(c.index))
            continue
        capability = known.get(bare)
        if capability is None:
            if not foreign:
                problems.append(_unknown("KF520", "capability", bare, known, lifecycle, span))
            elif get_close_matches(bare, known, n=1, cutoff=0.88):
                message = f"`{lifecycle.name}` has no capability `{bare}`"
                problems.append(Diagnostic("KF523", message, span, help=did_you_mean(bare, known), severity="warning"))
            continue
        instances, wrong = _instances("capability", capability, index, span)
        problems.extend(wrong)
        on.update(CapabilityName(capability.name, args) for args in instances)
    return on, problems


def contradictions(lifecycle: Lifecycle, places: Places, whole: Span) -> list[Diagnostic]:
    """KF514 where the settings violate a constraint or leave no admissible setting."""
    problems = []
    for constraint in admissible.refuted(lifecycle, places.controls):
        mentioned = admissible.mentioned(constraint.condition)
        spans = [(n, s) for n, s in places.spans.items() if n.name in mentioned]
        span = spans[-1][1] if spans else whole
        labels = [Label(s, f"`{n}` is set here") for n, s in spans[:-1] if s != span]
        labels.append(Label(constraint.span, "the constraint"))
        who = "these settings violate" if spans else "no setting satisfies"
        says = f": {constraint.description}" if constraint.description else ""
        problems.append(
            Diagnostic(
                "KF514",
                f"{who} a constraint of `{lifecycle.name}`{says}",
                span,
                tuple(labels),
                help="change one of the settings that the constraint mentions" if spans else "mend the constraint",
            )
        )
    if problems or not lifecycle.constraints:
        return problems
    try:
        if next(admissible.completions(lifecycle, places.controls), None) is None:
            problems.append(
                Diagnostic(
                    "KF514",
                    f"no setting of the open controls satisfies the constraints of `{lifecycle.name}`",
                    whole,
                    tuple(Label(c.span, "a constraint") for c in lifecycle.constraints[:3]),
                    help="leave one more control open, or change a setting",
                )
            )
    except admissible.TooManyError:
        problems.append(
            Diagnostic(
                "KF515",
                f"whether the constraints of `{lifecycle.name}` leave a setting is too long a search",
                whole,
                help="set more of the controls that the constraints mention",
            )
        )
    return problems


def _unknown(code: str, kind: str, word: str, known: Iterable[str], lifecycle: Lifecycle, span: Span) -> Diagnostic:
    """A word that the lifecycle does not know. Where another one that is shipped does, that may be the one meant."""
    names = list(known)
    hint = did_you_mean(word, names)
    others = _shipped_with(kind, word)
    if others:
        shown = " and ".join(f"`{name}`" for name in others[:3])
        more = f", and {len(others) - 3} more," if len(others) > 3 else ""
        hint = f"{shown}{more} {'has' if len(others) == 1 else 'have'} it: is the policy one of another lifecycle?"
    elif not names:
        hint = f"`{lifecycle.name}` has none"
    elif hint is None:
        listing = shlex.join(("keyfate", "list", lifecycle.path))
        hint = f"`{listing}` shows its {'controls' if kind == 'control' else 'capabilities'}"
    return Diagnostic(code, f"`{lifecycle.name}` has no {kind} `{word}`", span, help=hint)


def _split(word: str) -> tuple[str, tuple[str, ...]]:
    """`name[a, b]` as its name and index words."""
    name, bracket, rest = word.partition("[")
    if not bracket or not rest.endswith("]"):
        return word, ()
    return name.strip(), _words(rest[:-1])


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _all(index: Iterable[Domain]) -> Iterator[tuple[Value, ...]]:
    return product(*(domain.values for domain in index))


def _instances(
    kind: str, declared: Control | Capability, words: Sequence[str], span: Span
) -> tuple[list[tuple[Value, ...]], list[Diagnostic]]:
    if len(words) > len(declared.index):
        takes = f"takes {len(declared.index)}" if declared.index else "takes none"
        return [], [
            Diagnostic(
                "KF512",
                f"{kind} `{declared.name}` is given {len(words)} index{'es' if len(words) > 1 else ''} and {takes}",
                span,
                help=f"write `{indexed(declared.name, (domain.label for domain in declared.index))}`",
            )
        ]
    problems = []
    choices: list[tuple[Value, ...]] = []
    for word, domain in zip(words, declared.index, strict=False):
        values = [v for v in domain.values if show_value(v) == word]
        if not values:
            members = [show_value(v) for v in domain.values]
            help = did_you_mean(word, members) or f"its members are {', '.join(f'`{m}`' for m in members)}"
            problems.append(Diagnostic("KF512", f"`{word}` is not in `{domain.label}`", span, help=help))
        choices.append(tuple(values))
    choices.extend(domain.values for domain in declared.index[len(words) :])
    return ([] if problems else list(product(*choices))), problems


def _shipped_with(kind: str, name: str) -> list[str]:
    """The shipped lifecycles whose own text declares a control or capability of this name. For a hint: not parsed."""
    declared = re.compile(rf"^\s*{kind}\s+{re.escape(name)}(?![\w.])", re.MULTILINE)
    found = []
    for lifecycle, path in shipped_lifecycles().items():
        with suppress(OSError, UnicodeDecodeError):
            if declared.search(path.read_text(encoding="utf-8")):
                found.append(lifecycle)
    return found
