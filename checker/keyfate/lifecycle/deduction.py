"""Deduction (R7, R8): what follows from known terms, and how.

The intruder deduction of Dolev and Yao (On the security of public key protocols, 1983)
over a finite universe of terms. Restricting composition to the universe loses nothing:
decomposition yields only subterms, and whoever asks asks for a term of the universe.
Every deduction is a Horn rule (premises, conclusion), so what is known is the least
model of the rules; cyclic key graphs need no special care.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from keyfate.lifecycle.names import Atom, CapabilityName, Compound, PlaceName, Term

RuleKind = Literal["compose", "decompose"]


@dataclass(frozen=True)
class Rule:
    """Whoever knows all `premises` knows `conclusion`."""

    kind: RuleKind
    premises: tuple[Term, ...]
    conclusion: Term


def subterms(term: Term) -> Iterator[Term]:
    """The parts of `term`, innermost first, and `term` itself last."""
    if isinstance(term, Compound):
        for arg in term.args:
            yield from subterms(arg)
    yield term


def rules_of(term: Term) -> tuple[Rule, ...]:
    """The deductions that `term` takes part in as the whole: how it is composed, what it opens to (R7)."""
    if isinstance(term, Atom):
        return ()
    rules = [Rule("compose", term.args, term)]
    if term.function in ("enc", "seal", "wrap", "page"):  # the key first, the content last
        rules.append(Rule("decompose", (term, term.args[0]), term.args[-1]))
    elif term.function == "aenc":
        public_half = term.args[0]
        if isinstance(public_half, Compound) and public_half.function == "pub":
            rules.append(Rule("decompose", (term, public_half.args[0]), term.args[1]))
    elif term.function == "pair":
        rules.extend(Rule("decompose", (term,), part) for part in term.args)
    return tuple(rules)


class Deduction:
    """The deductions over one universe. Remembers the closures it has computed."""

    def __init__(self, universe: Iterable[Term]) -> None:
        self.universe = tuple(universe)
        self.publics = frozenset(t for t in self.universe if isinstance(t, Atom) and t.public)
        self.rules = tuple(rule for term in self.universe for rule in rules_of(term))
        self._uses: dict[Term, list[int]] = {}  # the rules that a term is a premise of
        for number, rule in enumerate(self.rules):
            for premise in set(rule.premises):
                self._uses.setdefault(premise, []).append(number)
        self._known: set[Term] = set()
        self._missing = [len(set(rule.premises)) for rule in self.rules]  # premises of each rule not yet known
        self._learn(self.publics, self._known, self._missing)
        self._closures: dict[frozenset[Term], frozenset[Term]] = {}

    def closure(self, base: Iterable[Term]) -> frozenset[Term]:
        """Everything in the universe that follows from `base` and what is public."""
        start = frozenset(base)
        if start not in self._closures:
            known, missing = set(self._known), list(self._missing)
            self._learn(start, known, missing)
            self._closures[start] = frozenset(known)
        return self._closures[start]

    def _learn(self, terms: Iterable[Term], known: set[Term], missing: list[int]) -> None:
        """Add `terms` and what they bring: a rule whose last missing premise comes in fires."""
        pending = [term for term in terms if term not in known]
        known.update(pending)
        while pending:
            for number in self._uses.get(pending.pop(), ()):
                missing[number] -= 1
                conclusion = self.rules[number].conclusion
                if missing[number] == 0 and conclusion not in known:
                    known.add(conclusion)
                    pending.append(conclusion)


def closure(base: Iterable[Term], universe: Iterable[Term]) -> frozenset[Term]:
    """Everything in `universe` that follows from `base` and what is public in `universe`."""
    return Deduction(universe).closure(base)


@dataclass(frozen=True)
class Sighting:
    """How the attacker came to see `term`, for the first time after `step` actions (0: at the start).

    `place` exposed it; without one, the action of that step leaked it. All of
    `capabilities` were needed for that.
    """

    term: Term
    step: int
    place: PlaceName | None
    capabilities: tuple[CapabilityName, ...]


@dataclass(frozen=True)
class Derivation:
    """Why `term` is known: a tree whose leaves are public, observed or held in a place.

    `origin` is the sighting of an observed term, the place of a held one, else None.
    """

    term: Term
    rule: Literal["public", "observed", "held", "compose", "decompose"]
    premises: tuple[Derivation, ...] = ()
    origin: Sighting | PlaceName | None = None

    @property
    def height(self) -> int:
        """Deductions on the longest branch; 0 for a leaf."""
        return 1 + max(premise.height for premise in self.premises) if self.premises else 0


def derive(
    target: Term,
    observed: Mapping[Term, Sighting],
    held: Mapping[Term, PlaceName],
    universe: Iterable[Term],
) -> Derivation | None:
    """A derivation of `target` of smallest height, or None if it does not follow.

    Leaves are what was `observed`, what is `held`, and what is public; of two derivations of
    one height the one with fewer leaves is taken, then the first in the order of the universe.
    """
    deduction = Deduction(universe)
    trees: dict[Term, tuple[int, Derivation]] = {}  # with the number of leaves
    for term in deduction.universe:
        if term in deduction.publics:
            trees[term] = (1, Derivation(term, "public"))
        elif term in observed:
            trees[term] = (1, Derivation(term, "observed", origin=observed[term]))
        elif term in held:
            trees[term] = (1, Derivation(term, "held", origin=held[term]))
    while target not in trees:  # round n finds every term whose smallest height is n
        found: dict[Term, tuple[int, Derivation]] = {}
        for rule in deduction.rules:
            if rule.conclusion in trees or not all(premise in trees for premise in rule.premises):
                continue
            leaves = sum(trees[premise][0] for premise in rule.premises)
            if rule.conclusion not in found or leaves < found[rule.conclusion][0]:
                premises = tuple(trees[premise][1] for premise in rule.premises)
                found[rule.conclusion] = (leaves, Derivation(rule.conclusion, rule.kind, premises))
        if not found:
            return None
        trees.update(found)
    return trees[target][1]
