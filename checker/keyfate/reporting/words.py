"""Words and marks that every report for people shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from keyfate.checking.results import Difference, Result, Scope, Sight, Verdict
from keyfate.language.rendering import escape

MET_MARK, BROKEN_MARK, OTHER_MARK = "✓", "✗", "·"

COLORS: Mapping[Verdict, str] = {
    "PROVED": "green",
    "POSSIBLE": "green",
    "VIOLATED": "red",
    "IMPOSSIBLE": "yellow",
    "DEPENDS": "yellow",
    "BOUNDED": "magenta",
    "VACUOUS": "yellow",
    "UNKNOWN": "magenta",
    "DIVERGED": "bold red",
}

ASSUMPTIONS = (
    "Verdicts hold for the scope shown and for perfect cryptography. Equality of ciphertexts is out of scope "
    "except where a `leaks` says so."
)

BASIS = "Behind each verdict stands the weakest status of the actions that it rests on."


def clean(text: str) -> str:
    """`text` on one line, without characters that a terminal would obey."""
    return escape(" ".join(text.split()))


def count(number: int, what: str, plural: str | None = None) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {what if number == 1 else plural or what + 's'}"


def not_decided(differences: Iterable[Difference]) -> Iterator[tuple[str, str]]:
    """Of what the library has no answer, `2 verdicts`, `1 frontier`: by reason, which comes first."""
    names = {"verdict": "verdict", "frontier": "frontier", "states": "number of states", "judges": "policy"}
    plurals = {"states": "numbers of states", "judges": "policies"}
    for (reason, what), number in Counter((one.reason or "", one.what) for one in differences).items():
        yield reason, count(number, names[what], plurals.get(what))


def mark(result: Result) -> str:
    """Whether a requirement is met; a dot where there is none."""
    if result.required is None:
        return OTHER_MARK
    return MET_MARK if result.met else BROKEN_MARK


def verdict(result: Result) -> str:
    """The verdict with what its name alone leaves out."""
    words: str = result.verdict
    if result.verdict in ("VIOLATED", "POSSIBLE") and result.steps is not None:
        words += f" in {count(result.steps, 'step')}"
    if result.scope.within:
        words += f" within {', '.join(result.scope.within)}"
    return words


def scope(result: Scope) -> str:
    """`Platform=2, TD=2`: the sizes of the sorts, as `--scope` takes them."""
    return ", ".join(f"{name}={size}" for name, size in result.sorts.items())


def basis(result: Result) -> str:
    """The weakest status that the verdict rests on (R16)."""
    return f"{result.basis} · ideal" if result.ideal else result.basis


def sight(seen: Sight) -> str:
    """How a term was seen."""
    by = f" by {' and '.join(seen.capabilities)}" if seen.capabilities else ""
    where = f"in {seen.place}" if seen.place is not None else "leaked"
    return f"{seen.term}, {where}{by}"
