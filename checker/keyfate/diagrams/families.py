"""Terms by the declarations that name them: a diagram has one node for `td_key`, not one for each of its instances."""

from __future__ import annotations

from collections.abc import Iterator

from keyfate.language.typed import Lifecycle, TermExpr
from keyfate.lifecycle.instances import Env
from keyfate.lifecycle.names import Atom, Compound, Term, show_composed
from keyfate.lifecycle.universe import Closing, key_name


class Families:
    """The names of closed terms without their indices; what no declaration names is shown by how it is composed."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._closing = Closing(lifecycle)
        self._families = {term: name.partition("[")[0] for term, name in key_name(lifecycle).items()}

    def named(self, term: Term) -> bool:
        """Whether a declaration names it."""
        return isinstance(term, Atom) or term in self._families

    def of(self, term: Term) -> str:
        """`td_key`, or `pub(receiving_key)`."""
        if isinstance(term, Atom):
            return term.name
        name = self._families.get(term)
        return name if name is not None else self.structure(term)

    def structure(self, term: Compound) -> str:
        """How it is composed, its parts by their families."""
        return show_composed(term.function, term.label, map(self.of, term.args))

    def meant(self, expression: TermExpr, env: Env) -> Iterator[Term]:
        """The closed terms that an expression may mean for these values of its variables, each once."""
        yield from dict.fromkeys(self._closing.under(expression, env))
