"""What the attacker knows of the design (Kerckhoffs): which constructions a lifecycle declares.

A recipe is a function, its label, and for each argument what kind of thing may stand
there. It says `kdf("td-key", an output of "td-seed", some identity)`; it never says
which seed, whose identity or which closed term.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from keyfate.language.typed import (
    Apply,
    AtomTerm,
    Existing,
    Function,
    IfTerm,
    Lifecycle,
    Message,
    MessageVar,
    Param,
    TermExpr,
)
from keyfate.lifecycle.trees import nodes
from keyfate.twin.bytestrings import public_bytes


@dataclass(frozen=True)
class Form:
    """What may stand at one position: a secret, a public of these families, outputs of these recipes.

    Families and recipes are sorted, so equal forms are equal objects and every search runs in one order.
    """

    secret: bool
    publics: tuple[str, ...] = ()
    recipes: tuple[Recipe, ...] = ()

    @cached_property
    def key(self) -> str:
        parts = ["*"] if self.secret else []
        return "|".join([*parts, *self.publics, *(recipe.key for recipe in self.recipes)])

    def __hash__(self) -> int:
        return hash(self.key)  # forms nest; each is written out once

    def __or__(self, other: Form) -> Form:
        return Form(
            self.secret or other.secret,
            tuple(sorted({*self.publics, *other.publics})),
            tuple(sorted({*self.recipes, *other.recipes}, key=lambda recipe: recipe.key)),
        )


@dataclass(frozen=True)
class Recipe:
    """One declared construction."""

    function: Function
    label: str | None
    arguments: tuple[Form, ...]

    @cached_property
    def key(self) -> str:
        return f"{self.function}({self.label!r}; {', '.join(form.key for form in self.arguments)})"

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True)
class Design:
    """All recipes of a lifecycle, in the order of their declarations, and its public byte strings by family."""

    recipes: tuple[Recipe, ...]
    publics: Mapping[str, tuple[bytes, ...]]


def design(lifecycle: Lifecycle) -> Design:
    """Read off the declarations what is public about them."""
    families = {term.name: term.term for term in lifecycle.terms}
    messages: dict[str, frozenset[str]] = {}
    terms: list[TermExpr] = []
    for node in nodes(lifecycle):
        if isinstance(node, Param):
            held = frozenset(v.family for v in node.domain.values if isinstance(v, Message))
            if held:
                messages[node.name] = held
        elif isinstance(node, AtomTerm | Apply | IfTerm | Existing | MessageVar):
            terms.append(node)
    reader = _Reader(families, messages)
    recipes: dict[Recipe, None] = {}
    for term in terms:
        for recipe in reader.form(term).recipes:
            recipes[recipe] = None
    publics = {
        family.name: tuple(
            public_bytes(family.name, args) for args in product(*(domain.values for domain in family.index))
        )
        for family in lifecycle.atoms
        if family.public
    }
    return Design(tuple(recipes), publics)


class _Reader:
    def __init__(self, families: Mapping[str, TermExpr], messages: Mapping[str, frozenset[str]]) -> None:
        self._families = families
        self._messages = messages

    def form(self, term: TermExpr) -> Form:
        match term:
            case AtomTerm(name, _, public):
                return Form(not public, (name,) if public else ())
            case Apply(function, label, args):
                recipe = Recipe(function, label, tuple(map(self.form, args)))
                return Form(False, (), (recipe,))
            case IfTerm(_, then, otherwise):
                return self.form(then) | self.form(otherwise)
            case Existing(_, inner):
                return self.form(inner)
            case MessageVar(name):
                form = Form(False)
                for family in sorted(self._messages.get(name, ())):
                    form |= self.form(self._families[family])
                return form
