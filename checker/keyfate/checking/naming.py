"""Closed terms in the lifecycle's own names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from keyfate.checking.results import Plain
from keyfate.language.typed import Lifecycle, Message, Value
from keyfate.lifecycle.names import Atom, Compound, Term, show_composed, show_value
from keyfate.lifecycle.universe import key_name


def plain(value: Value) -> Plain:
    """The value as JSON has it."""
    return show_value(value) if isinstance(value, Message) else value


class Namer:
    """Shows terms with every part that a `key`, `def` or `message` names under that name."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._names: Mapping[Term, str] = key_name(lifecycle)

    def term(self, term: Term) -> str:
        """`enc(td_key[alpha, agent], memory[agent])`: names where there are some, structure above them."""
        name = self._names.get(term)
        return name if name is not None else self.structure(term)

    def terms(self, terms: Iterable[Term]) -> tuple[str, ...]:
        """Sorted by how they are shown, so that sets of terms read the same every time."""
        return tuple(sorted(map(self.term, terms)))

    def structure(self, term: Term) -> str:
        """How the term is composed, its parts by name."""
        if isinstance(term, Atom):
            return str(term)
        assert isinstance(term, Compound)
        return show_composed(term.function, term.label, map(self.term, term.args))
