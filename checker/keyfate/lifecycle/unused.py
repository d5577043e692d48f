"""Names that are declared and do nothing, as far as the checked lifecycle tells, and what nobody can see.

What is used only by a `def` that nothing uses is not used. Keys, defs, messages and parameters are gone
from the checked tree and are looked for in the text: `language.unused`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from keyfate.language.source import Diagnostic, Label
from keyfate.language.typed import (
    Assign,
    AtomTerm,
    CapabilityRef,
    ControlRef,
    Copy,
    Derivable,
    Domain,
    Exposure,
    Gain,
    Has,
    Leak,
    Lifecycle,
    Lose,
    Message,
    Origin,
    Param,
    Place,
    PlaceRef,
    StateRef,
)
from keyfate.language.typed import Become as Becomes
from keyfate.language.unused import nothing_uses
from keyfate.lifecycle.trees import children


def unused_names(lifecycle: Lifecycle) -> tuple[Diagnostic, ...]:
    """KF310 and its like for sorts, controls, capabilities, components, publics, states and places.

    Only names of the lifecycle's own file: a fragment that is included serves several. A secret
    that nothing uses never enters a place, which is said of it already (R14).
    """
    uses = _Uses(lifecycle)
    kinds = (_plain, _controls, _states, _places)
    return tuple(d for kind in kinds for d in kind(lifecycle, uses) if d.span.path == lifecycle.path)


def unseen_places(lifecycle: Lifecycle) -> tuple[Diagnostic, ...]:
    """KF320: places outside the trust boundary that no exposure and no leak shows to anybody."""
    outside = {component.name for component in lifecycle.components if not component.inside}
    shown = {exposure.place.name for exposure in lifecycle.exposures}
    shown |= {r.name for node in _below(lifecycle.actions) if isinstance(node, Leak) for r in node.places.places}
    return tuple(
        Diagnostic(
            "KF320",
            f"nobody can see the place `{place.name}`, although `{place.component}` is outside",
            place.span,
            help=f"if somebody can, say who: `exposes {place.name}{_index(place)} to CAPABILITY`",
            severity="warning",
        )
        for place in lifecycle.places
        if place.component in outside and place.name not in shown and place.span.path == lifecycle.path
    )


class _Uses:
    """What the live part of a lifecycle mentions, by kind."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.controls: set[str] = set()
        self.constrained: set[str] = set()
        self.capabilities: set[str] = set()
        self.atoms: set[str] = set()
        self.states: set[str] = set()
        self.assigned: dict[str, Assign] = {}
        self.read: set[str] = set()  # places
        self.written: dict[str, Gain | Becomes | Copy | Lose] = {}
        self.everywhere = False  # whether some property asks about all places
        self.sorts = {domain.label.removesuffix(" or none") for domain in _domains(lifecycle)}
        self._messages = {family.name: family for family in lifecycle.terms if family.kind == "message"}
        live = (lifecycle.places, lifecycle.states, lifecycle.exposures, lifecycle.actions, lifecycle.properties)
        for node in self._live(live):
            self._note(node)
        self.constrained = {n.name for n in _below(lifecycle.constraints) if isinstance(n, ControlRef)}

    def _live(self, node: object) -> Iterator[object]:
        pending = [node]
        seen: set[str] = set()
        while pending:
            for below in _below(pending.pop()):
                yield below
                if isinstance(below, Param):
                    self.sorts.add(below.domain.label.removesuffix(" or none"))
                    first = below.domain.values[0]
                    if isinstance(first, Message) and first.family not in seen:
                        seen.add(first.family)
                        pending.append(self._messages[first.family].term)

    def _note(self, node: object) -> None:
        match node:
            case ControlRef(name):
                self.controls.add(name)
            case CapabilityRef(name):
                self.capabilities.add(name)
            case AtomTerm(name):
                self.atoms.add(name)
            case StateRef(name):
                self.states.add(name)
            case Assign(target):
                self.assigned.setdefault(target.name, node)
            case Exposure(_, place) | Has(place):
                self.read.add(place.name)
            case Derivable(places):
                self._listed(places.places)
                self.everywhere |= places.complement
            case Origin(_, places) if places is not None:
                self._listed(places.places)
            case Leak(_, places):
                self._listed(places.places)
            case Copy(place, origin):
                self.read.add(origin.name)
                self.written.setdefault(place.name, node)
            case Gain(place) | Becomes(place) | Lose(place):
                self.written.setdefault(place.name, node)

    def _listed(self, places: Iterable[PlaceRef]) -> None:
        self.read.update(place.name for place in places)


def _below(node: object) -> Iterator[object]:
    """Every node; of an assigned state only its index, for to assign is not to read."""
    pending = list(node) if isinstance(node, tuple) else [node]
    while pending:
        present = pending.pop()
        if isinstance(present, tuple):
            pending.extend(present)
            continue
        yield present
        if isinstance(present, Assign):
            pending.extend((*present.target.args, present.value))
        else:
            pending.extend(children(present))


def _domains(lifecycle: Lifecycle) -> Iterator[Domain]:
    """What declarations range over; what is bound inside them is met on the way."""
    for control in lifecycle.controls:
        yield from (*control.index, control.domain)
    for capability in lifecycle.capabilities:
        yield from capability.index
    for atom in lifecycle.atoms:
        yield from atom.index
    for state in lifecycle.states:
        yield state.domain
    for family in lifecycle.terms:
        yield from (param.domain for param in family.params)


def _plain(lifecycle: Lifecycle, uses: _Uses) -> Iterator[Diagnostic]:
    for sort in lifecycle.sorts:
        if sort.name not in uses.sorts:
            yield nothing_uses("sort", sort.name, sort.span)
    for capability in lifecycle.capabilities:
        if capability.name not in uses.capabilities:
            yield Diagnostic(
                "KF310",
                f"the capability `{capability.name}` grants nothing: no exposure, leak or action asks for it",
                capability.span,
                help=f"say what it sees, as in `exposes PLACE to {capability.name}`, or take it out",
                severity="warning",
            )
    stand = {place.component for place in lifecycle.places} | {action.actor for action in lifecycle.actions}
    for component in lifecycle.components:
        if component.name not in stand:
            idle = "no place is `at` it, and nothing happens `by` it"
            yield nothing_uses("component", component.name, component.span, help=idle)
    for atom in lifecycle.atoms:
        if atom.public and atom.name not in uses.atoms:
            yield nothing_uses("public", atom.name, atom.span)


def _controls(lifecycle: Lifecycle, uses: _Uses) -> Iterator[Diagnostic]:
    for control in lifecycle.controls:
        if control.name in uses.controls:
            continue
        if control.name in uses.constrained:
            message = f"the control `{control.name}` stands in constraints, and changes nothing else"
        else:
            message = f"nothing reads the control `{control.name}`"
        help = "a policy can set it, and every verdict stays the same: ask for it where it matters, or take it out"
        yield Diagnostic("KF310", message, control.span, help=help, severity="warning")


def _states(lifecycle: Lifecycle, uses: _Uses) -> Iterator[Diagnostic]:
    for state in lifecycle.states:
        if state.name not in uses.states:
            first = uses.assigned.get(state.name)
            labels = () if first is None else (Label(first.span, "assigned here"),)
            yield Diagnostic(
                "KF312",
                f"nothing reads the state `{state.name}`",
                state.span,
                labels,
                "no guard, condition or property asks for it: ask, or take it out",
                "warning",
            )


def _places(lifecycle: Lifecycle, uses: _Uses) -> Iterator[Diagnostic]:
    if uses.everywhere:  # `recoverable` asks about every place
        return
    for place in lifecycle.places:
        if place.name not in uses.read:
            first = uses.written.get(place.name)
            labels = () if first is None else (Label(first.span, "written here"),)
            yield Diagnostic(
                "KF313",
                f"nothing looks at the place `{place.name}`",
                place.span,
                labels,
                "no exposure shows it, nothing is computed from it or copied, no condition asks for it",
                "warning",
            )


def _index(place: Place) -> str:
    parts = (f"{_short(param)}: {param.domain.label}" for param in place.params)
    return f"[{', '.join(parts)}]" if place.params else ""


def _short(param: Param) -> str:
    """A name for a variable over the parameter's sort."""
    return param.domain.label[:1].lower()
