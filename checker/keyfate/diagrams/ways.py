"""All the ways to a term, where a derivation (lifecycle/deduction.py) is one of them.

A way is a place where the term was seen or is held, or a rule whose premises follow without the term itself and
without what stands above it: so none goes round in a circle, and each can be cut off by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyfate.lifecycle.deduction import Deduction, Rule, Sighting
from keyfate.lifecycle.names import PlaceName, Term

PATIENCE = 400
"""After so many goals every further one gets its first way only."""


@dataclass(frozen=True)
class Goal:
    """A term with the ways to it; `more` are left out. Premises are numbers of goals.

    One term is two goals where what stands above it leaves it different ways.
    """

    term: Term
    public: bool
    facts: tuple[Sighting | PlaceName, ...]
    rules: tuple[tuple[Rule, tuple[int, ...]], ...]
    more: int


class Ways:
    """The goals that begin with what was `seen` and is `held`: at most `most` rules to each besides its facts."""

    def __init__(
        self,
        deduction: Deduction,
        seen: Iterable[Sighting],
        held: Iterable[tuple[Term, PlaceName]],
        most: int,
    ) -> None:
        """`most` 1: the first way to each term, so that the figure is one derivation."""
        facts: dict[Term, list[Sighting | PlaceName]] = {}
        for sighting in seen:
            facts.setdefault(sighting.term, []).append(sighting)
        for term, place in held:
            facts.setdefault(term, []).append(place)
        concluding: dict[Term, list[Rule]] = {}
        for rule in deduction.rules:
            concluding.setdefault(rule.conclusion, []).append(rule)
        uses: dict[Term, list[int]] = {}  # the rules that a term is a premise of
        for number, rule in enumerate(deduction.rules):
            for premise in set(rule.premises):
                uses.setdefault(premise, []).append(number)
        self._uses: Mapping[Term, list[int]] = uses
        self.goals: list[Goal] = []
        self.narrowed = False  # whether goals have lost ways that nobody counted
        self._deduction = deduction
        self._most = most
        self._facts: Mapping[Term, list[Sighting | PlaceName]] = facts
        self._concluding: Mapping[Term, list[Rule]] = concluding
        self._numbers: dict[tuple[Term, frozenset[Term]], int] = {}
        self._made: dict[Goal, int] = {}
        self._costs: dict[frozenset[Term], Mapping[Term, tuple[int, int]]] = {}

    def goal(self, term: Term) -> Goal:
        """The goal of `term`, which must follow."""
        return self.goals[self._number(term, frozenset())]

    def _number(self, term: Term, above: frozenset[Term]) -> int:
        key = (term, above)
        if key not in self._numbers:
            self._numbers[key] = self._find(term, above)
        return self._numbers[key]

    def _find(self, term: Term, above: frozenset[Term]) -> int:
        if term in self._deduction.publics:
            return self._goal(term, True, (), (), 0)
        facts = tuple(self._facts.get(term, ()))
        if self._most == 1 or len(self._numbers) > PATIENCE:
            # the shortest derivation goes round in no circle by itself
            every = self._concluded(term, above)
            self.narrowed |= len(every) > (0 if facts else 1)
            found = [] if facts else every[:1]
            return self._goal(term, False, facts, self._premises(found, above), 0)
        found = self._concluded(term, above | {term})
        drawn = found[: max(self._most - len(facts), 0 if facts else 1)]
        return self._goal(term, False, facts, self._premises(drawn, above | {term}), len(found) - len(drawn))

    def _premises(self, rules: Iterable[Rule], above: frozenset[Term]) -> tuple[tuple[Rule, tuple[int, ...]], ...]:
        return tuple((rule, tuple(self._number(premise, above) for premise in rule.premises)) for rule in rules)

    def _goal(
        self,
        term: Term,
        public: bool,
        facts: tuple[Sighting | PlaceName, ...],
        rules: tuple[tuple[Rule, tuple[int, ...]], ...],
        more: int,
    ) -> int:
        goal = Goal(term, public, facts, rules, more)
        if goal not in self._made:
            self._made[goal] = len(self.goals)
            self.goals.append(goal)
        return self._made[goal]

    def _concluded(self, term: Term, without: frozenset[Term]) -> list[Rule]:
        """The rules that conclude `term` from what follows without the terms `without`, as `derive` prefers them."""
        costs = self._follows(without)
        found = [rule for rule in self._concluding.get(term, ()) if all(p in costs for p in rule.premises)]
        return sorted(found, key=lambda r: (max(costs[p][0] for p in r.premises), sum(costs[p][1] for p in r.premises)))

    def _follows(self, without: frozenset[Term]) -> Mapping[Term, tuple[int, int]]:
        """What follows without the terms `without`, with height and leaves of the derivation that `derive` gives."""
        if without in self._costs:
            return self._costs[without]
        start = [term for term in (*self._deduction.publics, *self._facts) if term not in without]
        costs = dict.fromkeys(start, (0, 1))
        missing = [len(set(rule.premises)) for rule in self._deduction.rules]
        fresh = list(costs)
        while fresh:  # round n finds every term whose smallest height is n
            ready: dict[int, Rule] = {}
            for term in fresh:
                for number in self._uses.get(term, ()):
                    missing[number] -= 1
                    if missing[number] == 0:
                        ready[number] = self._deduction.rules[number]
            found: dict[Term, tuple[int, int]] = {}
            for _, rule in sorted(ready.items()):
                if rule.conclusion in costs or rule.conclusion in without:
                    continue
                leaves = sum(costs[premise][1] for premise in rule.premises)
                if rule.conclusion not in found or leaves < found[rule.conclusion][1]:
                    found[rule.conclusion] = (1 + max(costs[p][0] for p in rule.premises), leaves)
            costs.update(found)
            fresh = list(found)
        self._costs[without] = costs
        return costs
