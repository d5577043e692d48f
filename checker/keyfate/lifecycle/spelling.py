"""Names of ground things as text, and back: what stands in a certificate.

A bit is `control persistence = opt_in`, `capability steal`, `state power[a] = off`,
`place disk[a] has TERM`, `observed TERM`, `happened boot[a]`, or `latch 3[p = a] of once
did boot[p]`: the third past operator in the order of the lifecycle's texts, with what its
variables are; the words behind `of` are for people, and must be the ones of that operator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal, TypeVar, get_args

from keyfate.language.typed import Domain, Function, Lifecycle, Param, Past, Value
from keyfate.lifecycle import instances
from keyfate.lifecycle.names import (
    ActionName,
    Atom,
    Before,
    Bit,
    CapabilityName,
    CapabilityOn,
    Compound,
    ControlIs,
    ControlName,
    Happened,
    Holds,
    Observed,
    PlaceName,
    StateIs,
    StateName,
    Term,
    show_composed,
    show_value,
)
from keyfate.lifecycle.showing import show_condition, shown_variable
from keyfate.lifecycle.trees import nodes, parameters

_Name = TypeVar("_Name")
Kind = Literal["control", "capability", "state", "place", "action"]

_FUNCTIONS: Mapping[str, Function] = {name: name for name in get_args(Function)}
_WORD = re.compile(r"[A-Za-z_][\w.]*")
_LATCH = re.compile(r"(\d{1,9})(?:\[(.*?)\])? of (.+)", re.DOTALL)
_DEEPEST = 200  # as texts of the language may nest


class SpellingError(Exception):
    """A text that names nothing of this lifecycle; says what is wrong with it."""


class Spelling:
    """Texts of one lifecycle's names. `named` are terms with names of their own, which stand for them."""

    def __init__(self, lifecycle: Lifecycle, named: Mapping[str, Term] | None = None) -> None:
        self._lifecycle = lifecycle
        self._named: dict[str, Term] = dict(named or {})
        self._names: dict[Term, str] = {term: name for name, term in self._named.items()}
        self._read: dict[str, Term] = {}
        self._shown: dict[Term, str] = {}

    # To text

    def show(self, bit: Bit) -> str:
        match bit:
            case ControlIs(control, value):
                return f"control {control} = {show_value(value)}"
            case CapabilityOn(capability):
                return f"capability {capability}"
            case StateIs(state, value):
                return f"state {state} = {show_value(value)}"
            case Holds(place, term):
                return f"place {place} has {self.show_term(term)}"
            case Observed(term):
                return f"observed {self.show_term(term)}"
            case Happened(action):
                return f"happened {action}"
            case Before(identity, binding):
                return self._show_latch(identity, binding)

    def show_term(self, term: Term) -> str:
        """By its name if it has one, else by how it is composed."""
        name = self._names.get(term)
        return self.structure(term) if name is None else name

    def structure(self, term: Term) -> str:
        """How the term is composed, its parts by name."""
        found = self._shown.get(term)
        if found is None:
            if isinstance(term, Atom):
                found = str(term)
            else:
                found = show_composed(term.function, term.label, map(self.show_term, term.args))
            self._shown[term] = found
        return found

    def _show_latch(self, identity: int, binding: tuple[Value, ...]) -> str:
        position = 1 + next(i for i, past in enumerate(self._pasts) if past.identity == identity)
        past = self._pasts[position - 1]
        given = (f"{shown_variable(n)} = {show_value(v)}" for n, v in zip(past.free, binding, strict=True))
        listed = ", ".join(given)
        return f"latch {position}{f'[{listed}]' if listed else ''} of {show_condition(past)}"

    # From text

    def bit(self, text: str) -> Bit:
        """Raises SpellingError."""
        kind, _, rest = text.partition(" ")
        match kind:
            case "control":
                control, value = self._equal(rest)
                name = self.control(control)
                return ControlIs(name, _valued(value, self._control_domains[name.name].values))
            case "capability":
                return CapabilityOn(self.capability(rest))
            case "state":
                state, value = self._equal(rest)
                cell = self.state(state)
                return StateIs(cell, _valued(value, self._state_domains[cell.name].values))
            case "place":
                place, has, term = rest.partition(" has ")
                if has:
                    return Holds(self.place(place), self.term(term))
            case "observed":
                return Observed(self.term(rest))
            case "happened":
                return Happened(self.action(rest))
            case "latch":
                return self._latch(rest)
        raise SpellingError(f"`{_short(text)}` is no part of a state")

    def term(self, text: str) -> Term:
        """Raises SpellingError."""
        found = self._read.get(text)
        if found is None:
            found, end = self._term(text, 0, 0)
            if end != len(text):
                raise SpellingError(f"`{_short(text)}` is no term: nothing may stand behind it")
            self._read[text] = found
        return found

    def control(self, text: str) -> ControlName:
        """Raises SpellingError."""
        return self._of("control", text, self._controls)

    def capability(self, text: str) -> CapabilityName:
        """Raises SpellingError."""
        return self._of("capability", text, self._capabilities)

    def state(self, text: str) -> StateName:
        """Raises SpellingError."""
        return self._of("state", text, self._states)

    def place(self, text: str) -> PlaceName:
        """Raises SpellingError."""
        return self._of("place", text, self._places)

    def action(self, text: str) -> ActionName:
        """Raises SpellingError."""
        return self._of("action", text, self._actions)

    def control_value(self, control: ControlName, text: str) -> Value:
        """Raises SpellingError."""
        return _valued(text, self._control_domains[control.name].values)

    def state_value(self, state: StateName, text: str) -> Value:
        """Raises SpellingError."""
        return _valued(text, self._state_domains[state.name].values)

    def _of(self, kind: Kind, text: str, known: Mapping[str, _Name]) -> _Name:
        if text not in known:
            raise SpellingError(f"`{self._lifecycle.name}` has no {kind} `{_short(text)}`")
        return known[text]

    def _equal(self, text: str) -> tuple[str, str]:
        name, equals, value = text.rpartition(" = ")
        if not equals:
            raise SpellingError(f"`{_short(text)}` has no ` = `")
        return name, value

    def _term(self, text: str, at: int, depth: int) -> tuple[Term, int]:
        """The term that begins there, and where it ends."""
        word = _WORD.match(text, at)
        if word is None or depth > _DEEPEST:
            why = "a name is missing" if word is None else "it is nested too deeply"
            raise SpellingError(f"`{_short(text)}` is no term: {why}")
        end = word.end()
        if text.startswith("(", end):
            return self._composed(text, word[0], end + 1, depth)
        if text.startswith("[", end):
            end = _closing(text, end)
        if (number := re.compile(r"#\d+").match(text, end)) is not None:
            end = number.end()
        name = text[at:end]
        found = self._named.get(name) or self._atoms.get(name)
        if found is None:
            raise SpellingError(f"`{self._lifecycle.name}` has no term `{_short(name)}`")
        return found, end

    def _composed(self, text: str, word: str, at: int, depth: int) -> tuple[Term, int]:
        function = _FUNCTIONS.get(word)
        if function is None:
            raise SpellingError(f"`{_short(word)}` composes no term")
        label: str | None = None
        args: list[Term] = []
        if text.startswith('"', at):
            try:
                label, at = json.JSONDecoder().raw_decode(text, at)
            except json.JSONDecodeError:
                raise SpellingError(f"`{_short(text)}` is no term: its label does not end") from None
        while not text.startswith(")", at):
            if args or label is not None:
                if not text.startswith(", ", at):
                    raise SpellingError(f"`{_short(text)}` is no term: `)` is missing")
                at += 2
            part, at = self._term(text, at, depth + 1)
            args.append(part)
        return Compound(function, label, tuple(args)), at + 1

    def _latch(self, text: str) -> Before:
        found = _LATCH.fullmatch(text)
        position = int(found[1]) if found else 0
        if found is None or not 1 <= position <= len(self._pasts):
            raise SpellingError(f"`{self._lifecycle.name}` has no latch `{_short(text)}`")
        past = self._pasts[position - 1]
        if found[3] != show_condition(past):
            said = f"latch {position} is of `{_short(show_condition(past))}`"
            raise SpellingError(f"{said}, not of `{_short(found[3])}`")
        given = [part.partition(" = ") for part in _parts(found[2] or "")]
        if [name for name, _, _ in given] != [shown_variable(name) for name in past.free]:
            raise SpellingError(f"latch {position} has other variables than `{_short(found[2] or '')}`")
        domains = (self._parameters[name].domain.values for name in past.free)
        values = (_valued(v, domain) for (_, _, v), domain in zip(given, domains, strict=True))
        return Before(past.identity, tuple(values))

    # What there is

    @cached_property
    def _controls(self) -> Mapping[str, ControlName]:
        return _by_text(instances.control_names(self._lifecycle))

    @cached_property
    def _capabilities(self) -> Mapping[str, CapabilityName]:
        return _by_text(instances.capability_names(self._lifecycle))

    @cached_property
    def _states(self) -> Mapping[str, StateName]:
        return _by_text(instances.state_names(self._lifecycle))

    @cached_property
    def _places(self) -> Mapping[str, PlaceName]:
        return _by_text(instances.place_names(self._lifecycle))

    @cached_property
    def _actions(self) -> Mapping[str, ActionName]:
        return _by_text(name for name, _ in instances.action_instances(self._lifecycle))

    @cached_property
    def _atoms(self) -> Mapping[str, Atom]:
        return _by_text(instances.atoms(self._lifecycle))

    @cached_property
    def _control_domains(self) -> Mapping[str, Domain]:
        return instances.control_domains(self._lifecycle)

    @cached_property
    def _state_domains(self) -> Mapping[str, Domain]:
        return instances.state_domains(self._lifecycle)

    @cached_property
    def _pasts(self) -> tuple[Past, ...]:
        """Every past operator once, in the order of the lifecycle's texts."""
        found: dict[int, Past] = {}
        for node in nodes(self._lifecycle):
            if isinstance(node, Past):
                found.setdefault(node.identity, node)
        return tuple(found.values())

    @cached_property
    def _parameters(self) -> Mapping[str, Param]:
        return parameters(self._lifecycle)


def _by_text(names: Iterable[_Name]) -> dict[str, _Name]:
    return {str(name): name for name in names}


def _valued(text: str, values: Iterable[Value]) -> Value:
    for value in values:
        if show_value(value) == text:
            return value
    raise SpellingError(f"`{_short(text)}` is no value there")


def _closing(text: str, at: int) -> int:
    """Behind the bracket that closes the one at `at`."""
    depth = 0
    for end in range(at, len(text)):
        depth += {"[": 1, "]": -1}.get(text[end], 0)
        if depth == 0:
            return end + 1
    raise SpellingError(f"`{_short(text)}` is no term: `]` is missing")


def _parts(text: str) -> list[str]:
    """What stands between commas, apart from those inside brackets."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += {"[": 1, "]": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()] if text else []


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:60]} … {text[-16:]}"
