"""Warnings about what can never be, as `contents` tells without solving: dead sources, dead guards, empty places.

What is warned of cannot happen in any reachable state under any settings. What is not warned of may still be
impossible: `keyfate check` lists the actions that can never happen, with a proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from keyfate.language.source import Diagnostic, Label, Span
from keyfate.language.typed import (
    Action,
    Become,
    Choose,
    Condition,
    Copy,
    Did,
    Effect,
    ForEach,
    Gain,
    Has,
    Lifecycle,
    Lose,
)
from keyfate.lifecycle.contents import Contents, Lack, Shapes, TooManyShapesError
from keyfate.lifecycle.names import Atom, Term, show_composed

_SHOWN = 5  # of what a place holds


def impossible(lifecycle: Lifecycle) -> tuple[Diagnostic, ...]:
    """KF315 for sources that never yield, KF316 for conditions that never hold, KF317 for losses of what is
    never there, KF318 for exposed places that never hold anything."""
    try:
        contents = Contents(lifecycle)
    except TooManyShapesError:
        return ()
    return tuple(_Warnings(lifecycle, contents).all())


def empty_places(lifecycle: Lifecycle) -> tuple[Diagnostic, ...]:
    """KF318 for the other places that never hold anything, where no other warning says so."""
    try:
        contents = Contents(lifecycle)
    except TooManyShapesError:
        return ()
    warnings = _Warnings(lifecycle, contents)
    told = {label.span for warning in warnings.all() for label in warning.labels}
    return tuple(warning for warning in warnings.empty_places(exposed=False) if warning.span not in told)


class _Warnings:
    def __init__(self, lifecycle: Lifecycle, contents: Contents) -> None:
        self.lifecycle = lifecycle
        self.contents = contents
        self._declared = {place.name: place.span for place in lifecycle.places}
        self._names = _names(lifecycle, contents)

    def all(self) -> Iterator[Diagnostic]:
        yield from self.empty_places(exposed=True)
        for exposure in self.lifecycle.exposures:
            if not self.contents.can_hold(exposure.condition):
                so = f"nobody ever sees `{exposure.place.name}` by this"
                yield self._never(exposure.condition, exposure.span, so)
        for action in self.lifecycle.actions:
            if not self.contents.can_hold(action.guard):
                yield self._never(action.guard, action.span, f"`{action.name}` can never happen")
            else:
                yield from self._of(action, action.effects, f"`{action.name}` can never happen")

    def _of(self, action: Action, effects: Sequence[Effect], so: str) -> Iterator[Diagnostic]:
        """`so` is what follows where one of the effects can never be."""
        inside = f"this branch of `{action.name}` can never happen"
        for effect in effects:
            for lack in self.contents.lacks(effect):
                yield self._unfounded(lack, effect.span, so)
            match effect:
                case ForEach(_, where, body):
                    if self.contents.can_hold(where):
                        yield from self._of(action, body, inside)
                    else:
                        yield self._never(where, effect.span, inside)
                case Choose(condition, then, otherwise):
                    if self.contents.can_hold(condition):
                        yield from self._of(action, then, inside)
                    else:
                        yield self._never(condition, effect.span, inside)
                    yield from self._of(action, otherwise, inside)
                case Lose(place, term):
                    held = self.contents.places[place.name]
                    shapes = self.contents.shapes(term)
                    if held and shapes.isdisjoint(held):
                        yield Diagnostic(
                            "KF317",
                            f"`{action.name}` loses nothing: {self._listed(shapes)} is never in `{place.name}`",
                            effect.span,
                            (Label(self._declared[place.name], self._holds(place.name)),),
                            "`loses` removes that very term: name what the place holds, or `clear` it",
                            "warning",
                        )

    def _unfounded(self, lack: Lack, span: Span, so: str) -> Diagnostic:
        wanted = self._listed(lack.shapes)
        if lack.places is None:
            message = f"{so}: the attacker can never know {wanted}"
            help = f"all that anybody ever sees: {self._shown(self.contents.observed)}"
        else:
            message = f"{so}: {_all(lack.places)} never {'yield' if len(lack.places) > 1 else 'yields'} {wanted}"
            help = "name the places that it is computed from behind `using`, or let an action put there what is missing"
        return Diagnostic("KF315", message, span, self._labels(lack.places or ()), help, "warning")

    def _never(self, condition: Condition, span: Span, so: str) -> Diagnostic:
        missing = next(self.contents.missing(condition), None)
        help = "ask for what is there, or let an action put it there"
        labels: tuple[Label, ...] = ()
        if isinstance(missing, Did):
            message = f"{so}: it asks for `did {missing.action}`, which can never happen"
            help = "mend that action first"
        elif isinstance(missing, Lack) and missing.places is not None:
            verb = "never has" if isinstance(missing.node, Has) else "never yields"
            verb = verb if len(missing.places) == 1 else "never yield"
            message = f"{so}: {_all(missing.places)} {verb} {self._listed(missing.shapes)}, as its condition asks"
            labels = self._labels(missing.places)
        elif isinstance(missing, Lack):
            message = f"{so}: the attacker can never know {self._listed(missing.shapes)}, as its condition asks"
            help = f"all that anybody ever sees: {self._shown(self.contents.observed)}"
        else:
            message = f"{so}: its condition is `false`"
            help = "take it out, or ask for something that can be"
        return Diagnostic("KF316", message, span, labels, help, "warning")

    def empty_places(self, *, exposed: bool) -> Iterator[Diagnostic]:
        """Places that nothing ever enters; those that are exposed, or the others that no effect writes to."""
        effects = tuple(_effects(action.effects for action in self.lifecycle.actions))
        for place in self.lifecycle.places:
            if self.contents.places[place.name]:
                continue
            shown = [
                Label(e.span, "so this shows nothing") for e in self.lifecycle.exposures if e.place.name == place.name
            ]
            if exposed != bool(shown) or (not shown and any(_fills(effect, place.name) for effect in effects)):
                continue
            removing = [e for e in effects if isinstance(e, Lose | Become) and e.place.name == place.name]
            copying = [e for e in effects if isinstance(e, Copy) and e.origin.name == place.name]
            labels = (
                *shown,
                *(Label(e.span, "so this copies nothing") for e in copying),
                *(Label(e.span, "so this removes nothing") for e in removing if not _fills(e, place.name)),
            )
            yield Diagnostic(
                "KF318",
                f"nothing ever enters the place `{place.name}`{', so to expose it shows nothing' if shown else ''}",
                place.span,
                labels[:_SHOWN],
                f"let an action write to it, as in `{place.name} gains …`, or let it start with something",
                "warning",
            )

    # Words

    def _labels(self, places: Iterable[str]) -> tuple[Label, ...]:
        return tuple(Label(self._declared[name], self._holds(name)) for name in places)

    def _holds(self, place: str) -> str:
        held = self.contents.places[place]
        return f"all that ever enters it: {self._shown(held)}" if held else "nothing ever enters it"

    def _shown(self, shapes: Iterable[Term]) -> str:
        names = sorted({self._name(shape) for shape in shapes})
        more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + more if names else "nothing"

    def _listed(self, shapes: Shapes) -> str:
        return " or ".join(f"`{name}`" for name in sorted({self._name(shape) for shape in shapes})[:_SHOWN])

    def _name(self, shape: Term) -> str:
        if isinstance(shape, Atom):
            return shape.name
        if shape in self._names:
            return self._names[shape]
        return show_composed(shape.function, shape.label, map(self._name, shape.args))


def _names(lifecycle: Lifecycle, contents: Contents) -> Mapping[Term, str]:
    """What the lifecycle calls a shape: keys before defs before messages."""
    names: dict[Term, str] = {}
    for family in sorted(lifecycle.terms, key=lambda family: ("key", "def", "message").index(family.kind)):
        try:
            shapes = contents.shapes(family.term)
        except TooManyShapesError:
            continue
        for shape in shapes:
            if not isinstance(shape, Atom):
                names.setdefault(shape, family.name)
    return names


def _effects(groups: Iterable[Sequence[Effect]]) -> Iterator[Effect]:
    """Every effect, those inside others too."""
    for effects in groups:
        for effect in effects:
            yield effect
            if isinstance(effect, ForEach):
                yield from _effects((effect.body,))
            elif isinstance(effect, Choose):
                yield from _effects((effect.then, effect.otherwise))


def _fills(effect: Effect, place: str) -> bool:
    """Whether the effect is meant to put something there."""
    match effect:
        case Gain(target) | Copy(target):
            return target.name == place
        case Become(target, terms):
            return target.name == place and bool(terms)
    return False


def _all(places: Sequence[str]) -> str:
    return ", ".join(f"`{place}`" for place in places) if places else "no place"
