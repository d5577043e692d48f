"""The frontier of a question: all minimal conditions on its settings under which the target can be reached.

Parameter synthesis (Cimatti, Griggio, Mover, Tonetta, FMCAD 2013), from both sides at once. From above the bound: what
it excludes can never break. From below bounded search: a run is found, the settings under which its steps lead to the
target are computed and excluded, and so on until no run of that length is left; so each setting is met first by a
shortest run. IC3 closes the gap between both, with the bound as invariants. Nothing here is trusted: the certifier
judges that nothing else can break, and that each condition does.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from keyfate.engines.answers import invariant, trace
from keyfate.engines.bound import Bound, bound
from keyfate.engines.compile import Compilation
from keyfate.engines.ic3 import Answer, Pdr, Proof
from keyfate.engines.lemmas import Lemmas
from keyfate.engines.propagation import readers_of
from keyfate.engines.sat import Clock
from keyfate.engines.search import Run, Search
from keyfate.engines.shrinking import shrunk
from keyfate.engines.slicing import Question
from keyfate.engines.space import Function, Space, Variable, space_of
from keyfate.engines.symbolic import Simulation
from keyfate.lifecycle import renaming
from keyfate.lifecycle.names import ActionName, CapabilityName
from keyfate.lifecycle.problem import Frontier, Implicant, Prime, Problem, Trace
from keyfate.lifecycle.renaming import Members, composed, implicant, steps
from keyfate.lifecycle.symmetry import Symmetry

# The proof begins when the search has found nothing more for so many seconds, and for this share of the time that
# finding the last took: until then there is nothing to prove. Then the search has little: where something is left to be
# found, the proof mostly comes to know it first.
_BARREN = 0.2
_SHARE = 0.25
_BESIDE = 0.1  # of the proof's time


class InexactError(Exception):
    """A run needs a step of which the slice knows nothing."""


@dataclass(frozen=True)
class _Found:
    """A run, its instances, and the settings under which it leads to the target; all with members exchanged."""

    run: Run
    actions: tuple[ActionName, ...]
    settings: Function
    members: Members


class Exploration:
    """The search for the frontier of one question, whose minimal conditions are at most `limit`.

    Every method raises OutOfBudgetError or MemoryError where that is so, and TooManyError past the limit.
    """

    def __init__(
        self,
        compilation: Compilation,
        question: Question,
        problem: Problem,
        limit: int,
        symmetry: Symmetry,
        lemmas: Lemmas | None = None,
    ) -> None:
        """Of the representatives' question, and so of all instances. `lemmas`: where a proof may begin, and goes."""
        self._of = compilation
        self._question = question
        self._problem = problem
        self._limit = limit
        self._symmetry = symmetry
        circuit = question.circuit
        bits = compilation.bits
        self._space = space_of(circuit, bits.controls, bits.capabilities)
        self._readers = readers_of(circuit)
        self._simulation = Simulation(circuit, self._space, self._readers)
        self._admissible = self._simulation.settings(circuit.constraint)
        self._bound: Bound | None = None
        self._above = self._admissible
        self._below = self._space.false
        self._found: list[_Found] = []
        self._closed: tuple[tuple[int, ...], ...] | None = None
        self._proof: tuple[tuple[int, ...], ...] | None = None  # that no other settings reach the target
        self._lemmas = lemmas
        self._remembered: tuple[tuple[int, ...], ...] = ()  # what they say, where the proof begins
        self._pdr: Pdr | None = None

    @property
    def runs(self) -> int:
        """How many runs were found so far."""
        return len(self._found)

    def work(self, clock: Clock) -> Generator[None, None, None]:
        """Ends when the frontier is complete. Rests now and then."""
        yield from self._decide(clock)
        clauses = (*self._facts, *self._remembered, *(self._closed or ()))
        self._proof = shrunk(self._question.circuit, clauses, clock, self._excluded(self._below))
        if self._lemmas is not None:
            self._lemmas.add(invariant(self._question, self._proof).clauses)

    def _decide(self, clock: Clock) -> Generator[None, None, None]:
        """Until no settings are left undecided."""
        circuit = self._question.circuit
        self._bound = bound(circuit, self._space, self._readers, clock)
        self._above = self._bound.can(circuit.bad) & self._admissible
        search = self._searching(clock)
        closing: Generator[None, None, Answer] | None = self._closing(clock)
        searched = found = proved = 0.0  # seconds: of the search, of it until it found the last, of the proof since
        while self._gap().satisfiable():
            begin = time.perf_counter()
            barren = searched - found - _BARREN - _SHARE * found
            if closing is None or barren < _BESIDE * proved:
                known = len(self._found)
                next(search)
                searched += time.perf_counter() - begin
                if len(self._found) > known:
                    closing = closing or self._closing(clock)
                    found, proved = searched, 0.0
            else:
                try:
                    next(closing)
                except StopIteration as end:
                    if isinstance(end.value, Proof):
                        self._closed = end.value.clauses
                        return
                    # Some setting more breaks: until the search has found it, nothing can be proved.
                    closing = self._pdr = None
                proved += time.perf_counter() - begin
            yield

    def _gap(self) -> Function:
        """The settings that are not decided."""
        return self._above & ~self._below

    # From below

    def _searching(self, clock: Clock) -> Generator[None, None, None]:
        search = Search(self._question.circuit, clock, solver="glucose4")
        search.lengthen()
        for cube in self._space.cover(self._space.negated(self._above)):
            search.exclude(self._space.clause(cube))
        while True:
            run = yield from search.find()
            if run is None:
                search.lengthen()
            else:
                for clause in self._taken(run):
                    search.exclude(clause)
                    if self._pdr is not None:
                        self._pdr.constrain(clause)
            yield

    def _taken(self, run: Run) -> Iterator[tuple[int, ...]]:
        """Clauses that exclude the settings under which this run leads to the target."""
        names = {literal: name for name, literal in self._question.fires}
        settings, fired = self._simulation.leads(run, self._question.circuit.bad, names)
        actions = [names[literal] for literal in fired]
        if None in actions:
            raise InexactError
        settings = settings & self._admissible
        before = self._below
        assert (settings & ~before).satisfiable(), "a run leads to the target under its own setting, never excluded"
        for members, image in self._images(settings):
            self._found.append(_Found(run, tuple(filter(None, actions)), image, members))
            self._below = self._below | image
        yield from self._excluded(self._below & ~before)

    def _excluded(self, found: Function) -> Iterator[tuple[int, ...]]:
        """Clauses that exclude these settings, and of what else is found or not admissible as it comes."""
        space = self._space
        for cube in space.cover(found, self._below | space.negated(self._admissible)):
            yield space.clause(cube)

    def _images(self, settings: Function) -> Iterator[tuple[Members, Function]]:
        """These settings, and others that exchanges of members make of them."""
        seen = {settings: None}
        pending: list[tuple[Members, Function]] = [({}, settings)]
        while pending:
            members, image = pending.pop()
            yield members, image
            for swap in self._symmetry.exchanges:
                other = self._image(image, swap)
                if other not in seen:
                    seen[other] = None
                    pending.append((composed(members, swap), other))

    def _image(self, settings: Function, members: Members) -> Function:
        space = self._space
        if not any(_moved(variable, members) for variable in space.variables):
            return settings
        result = space.false
        names = {variable.name for variable in space.variables}
        for cube in space.cover(settings):
            image = implicant(space.implicant(cube), members)
            assert names.issuperset(name for name, _ in (*image.controls, *image.capabilities)), "see `Bits.moved`"
            result = result | space.function_of(image)
        return result

    # From above

    def _closing(self, clock: Clock) -> Generator[None, None, Answer]:
        """A proof from scratch: clauses learnt while settings were in that break are weak, and hinder more than help.

        The settings that are found meanwhile are left out as they come."""
        circuit = self._question.circuit
        excluded = tuple(self._excluded(self._below))
        if self._lemmas is not None:
            self._remembered = self._lemmas.facts(self._question, (*self._facts, *excluded), clock)
        self._pdr = Pdr(replace(circuit, known=(*circuit.known, *self._facts, *self._remembered)), clock)
        for clause in excluded:
            self._pdr.constrain(clause)
        return (yield from self._pdr.run(None))

    @cached_property
    def _facts(self) -> tuple[tuple[int, ...], ...]:
        """What the bound says."""
        assert self._bound is not None
        return self._bound.facts(self._question.circuit, self._space, self._admissible)

    # What was found

    def frontier(self, reason: str = "", *, safe: bool = False) -> Frontier:
        """All that is known so far; complete when `work` came to its end. Else `reason` says why it is not.

        `safe`: list the minimal descriptions of what reaches nothing too."""
        space = self._space
        left = space.false if self._closed is not None else self._gap()
        complete = not left.satisfiable()
        conditions = tuple(self._listed(self._below, self._admissible))
        needless = implied(space, conditions, self._admissible)
        primes = [Prime(found, self.witnesses(found), found in needless) for found in conditions]
        others = None
        if safe and complete:
            others = tuple(self._listed(self._admissible & ~self._below, self._admissible))
        proof = None if self._proof is None else invariant(self._question, self._proof)
        if proof is not None and len(self._symmetry.images) > 1:
            proof = renaming.invariant(proof, self._symmetry.images)
        return replace(self.unlisted(reason), primes=tuple(primes), safe=others, invariant=proof)

    def unlisted(self, reason: str) -> Frontier:
        """As `frontier`, where the conditions cannot be listed."""
        count, others = self._space.count, self._outside
        return Frontier(
            (),
            configurations=count(self._admissible) * others,
            reaching=count(self._below) * others,
            open=0 if self._closed is not None else count(self._gap()) * others,
            invariant=None,
            reason=reason,
            symmetric=self._symmetry.sorts,
        )

    def _listed(self, settings: Function, admissible: Function) -> Iterator[Implicant]:
        return listed(self._space, settings, admissible, self._limit)

    def witnesses(self, condition: Implicant) -> tuple[Trace, ...]:
        """Traces that together run under all its admissible settings: under each one of the shortest."""
        space = self._space
        named = {name for name, _ in condition.capabilities}
        # Who can do more can do this too: the traces are those of an attacker who can do no more than is needed.
        more = (v.name for v in space.variables if isinstance(v.name, CapabilityName) and v.name not in named)
        left = space.function_of(condition) & self._admissible & space.without(more)
        traces: list[Trace] = []
        for found in self._found:
            here = left & found.settings
            if here.satisfiable():
                run = replace(found.run, first={**found.run.first, **space.choice(here)})
                told = trace(self._of, self._question, self._problem, run, found.actions)
                traces.append(_within(steps(told, found.members), condition))
                left = left & ~here
        return tuple(traces)

    @cached_property
    def _outside(self) -> int:
        """How many settings of controls and capabilities there are on which nothing depends here."""
        known = {variable.name for variable in self._space.variables}
        fixed, bits = self._problem.settings, self._of.bits
        controls = prod(
            len(values) for name, values in bits.controls.items() if name not in known and name not in fixed.controls
        )
        if self._problem.honest:
            return controls
        return controls << sum(1 for name in bits.capabilities if name not in known and name not in fixed.capabilities)


def listed(space: Space, settings: Function, admissible: Function, limit: int) -> Iterator[Implicant]:
    """The minimal conditions for `settings`: the prime implicants, to which what is not admissible may be added, but
    of each control only the values with which the condition has an admissible setting.

    Of what these leave, nothing lies inside another. So each literal is needed: without it the condition covers an
    admissible setting outside, or else lies inside a prime implicant, and with its own values inside what is left of
    that one. Raises TooManyError past `limit`."""
    inadmissible = space.negated(admissible)
    primes = space.primes(settings | inadmissible, limit)
    if not inadmissible.satisfiable():
        kept = primes
    else:
        trimmed = (space.trimmed(cube, admissible) for cube in primes)
        kept = space.largest([cube for cube in trimmed if cube is not None])
    for cube in kept:
        yield space.implicant(cube)


def implied(space: Space, conditions: Sequence[Implicant], admissible: Function) -> frozenset[Implicant]:
    """As many conditions as the others cover, those that say most first."""
    functions = {condition: space.function_of(condition) & admissible for condition in conditions}
    said = sorted(conditions, key=lambda condition: -len(condition.controls) - len(condition.capabilities))
    # Of each beginning of the list, all that comes behind it.
    behind = [space.false]
    for condition in reversed(said):
        behind.append(behind[-1] | functions[condition])
    needless = set()
    kept = space.false
    for number, condition in enumerate(said, start=1):
        if space.covers(kept | behind[len(said) - number], functions[condition]):
            needless.add(condition)
        else:
            kept = kept | functions[condition]
    return frozenset(needless)


def _moved(variable: Variable, members: Members) -> bool:
    """Whether an exchange of members makes another variable of it, or other values."""
    return any(member in members for member in (*variable.name.args, *variable.values))


def _within(told: Trace, condition: Implicant) -> Trace:
    """The trace under one of the condition's settings, also of controls on which it does not depend."""
    kept = dict(condition.controls)
    controls = tuple(
        (name, value if name not in kept or value in kept[name] else kept[name][0]) for name, value in told.controls
    )
    return replace(told, controls=controls)
