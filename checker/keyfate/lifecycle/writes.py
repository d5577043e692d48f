"""What one step does to one place, and the last guard against effects that disagree (R2)."""

from __future__ import annotations

from dataclasses import dataclass

from keyfate.language.source import Diagnostic, Label, LifecycleError, Span
from keyfate.language.typed import Action
from keyfate.lifecycle.names import PlaceName, Term


@dataclass(frozen=True)
class Writes:
    """What one step does to one place, each with the span that says so."""

    whole: list[tuple[frozenset[Term], Span]]
    gained: dict[Term, Span]
    lost: dict[Term, Span]

    def applied(self, content: frozenset[Term], action: Action, place: PlaceName) -> frozenset[Term]:
        """The place's new content; LifecycleError where two effects disagree about it."""
        for term in self.gained.keys() & self.lost.keys():
            raise conflict(action, f"{place} has {term}", self.gained[term], self.lost[term])
        for whole, span in self.whole:
            for other, span_of_other in self.whole:
                if whole != other:
                    raise conflict(action, str(place), span, span_of_other)
            for term in self.gained.keys() - whole:
                raise conflict(action, f"{place} has {term}", span, self.gained[term])
            for term in self.lost.keys() & whole:
                raise conflict(action, f"{place} has {term}", span, self.lost[term])
        if self.whole:
            return self.whole[0][0]
        return (content | frozenset(self.gained)) - frozenset(self.lost)


def conflict(action: Action, location: str, first: Span, second: Span) -> LifecycleError:
    """The error that the checker reports beforehand (R2); who runs a lifecycle unchecked hears it here."""
    diagnostic = Diagnostic(
        "KF301",
        f"two effects of `{action.name}` disagree about `{location}`",
        first,
        (Label(second, "the other effect"),),
    )
    return LifecycleError((diagnostic,))
