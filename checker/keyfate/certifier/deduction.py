"""What follows from what is held (R7, R8), as formulas: a least fixpoint.

A proof of a term can be put into a normal form (Dolev and Yao, IEEE Trans. Inf.
Theory 1983; Rusinowitch and Turuani, CSFW 2001): nothing is opened that was just
composed. So a term is *analysed* if it is given, or the content of an analysed
container whose key is known; and *known* if it is analysed, or composed of known
parts. Each is one equation over formulas; only cycles of keys make them recursive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from keyfate.certifier.formulas import FALSE, TRUE, Formulas
from keyfate.lifecycle.names import Atom, Compound, Term

_Equation = tuple[bool, Term]  # True: analysed, False: known


def contents(term: Term) -> tuple[tuple[Term, Term | None], ...]:
    """What `term` opens to, each with the term that must be known to open it (None: nothing)."""
    if isinstance(term, Atom):
        return ()
    match term.function:
        case "enc" | "seal" | "wrap":
            return ((term.args[1], term.args[0]),)
        case "page":
            return ((term.args[2], term.args[0]),)
        case "aenc":
            key = term.args[0]
            if isinstance(key, Compound) and key.function == "pub":
                return ((term.args[1], key.args[0]),)
            return ()  # no key opens it
        case "pair":
            return ((term.args[0], None), (term.args[1], None))
        case "kdf" | "hash" | "mac" | "sign" | "pub":
            return ()


class Closure:
    """What follows from `given`: for each term the condition under which it is held;
    terms that are not listed are never held. What is public is always given."""

    def __init__(self, formulas: Formulas, given: Mapping[Term, int]) -> None:
        self._formulas = formulas
        self._given = {term: condition for term, condition in given.items() if condition != FALSE}
        self._containers: dict[Term, list[tuple[Term, Term | None]]] = {}
        self._solved: dict[_Equation, int] = {}
        self._possible = self._open()

    def _open(self) -> frozenset[Term]:
        """The terms that some state lets be analysed; fills `_containers` with what may be opened."""
        found = set(self._given)
        locked = [term for term in found if contents(term)]
        while True:
            still = []
            fresh: list[Term] = []
            for container in locked:
                for content, key in contents(container):
                    if key is None or _composable(key, found):
                        self._containers.setdefault(content, []).append((container, key))
                        if content not in found:
                            found.add(content)
                            fresh.append(content)
                    else:
                        still.append(container)
            if len(still) == len(locked) and not fresh:
                return frozenset(found)
            locked = still + [term for term in fresh if contents(term)]

    def known(self, term: Term) -> int:
        """The condition under which `term` is known."""
        wanted = (False, term)
        if wanted not in self._solved:
            self._solve(wanted)
        return self._solved[wanted]

    def _solve(self, wanted: _Equation) -> None:
        order, entries = _order(wanted, self._parts)
        values: dict[_Equation, int] = {}

        def value(equation: _Equation) -> int:
            solved = self._solved.get(equation)
            return values.get(equation, FALSE) if solved is None else solved

        # From false upwards, in the order of the parts: what a minimal proof needs of a cycle's
        # entry it needs at most once on each branch, so one round for each entry suffices.
        for _ in range(len(entries) + 1):
            changed = False
            for equation in order:
                new = self._right_side(equation, value)
                if values.get(equation, FALSE) != new:
                    values[equation] = new
                    changed = True
            if not changed:
                break
        for equation in order:
            self._solved[equation] = values.get(equation, FALSE)

    def _parts(self, equation: _Equation) -> Iterable[_Equation]:
        """The unsolved equations that the right side of `equation` reads."""
        analysed, term = equation
        parts: list[_Equation] = []
        if analysed:
            for container, key in self._containers.get(term, ()):
                parts.append((True, container))
                if key is not None:
                    parts.append((False, key))
        elif not _is_public(term):
            if term in self._possible:
                parts.append((True, term))
            if isinstance(term, Compound):
                parts.extend((False, part) for part in term.args)
        return [part for part in parts if part not in self._solved]

    def _right_side(self, equation: _Equation, value: Callable[[_Equation], int]) -> int:
        analysed, term = equation
        if analysed:
            ways = [self._given.get(term, FALSE)]
            for container, key in self._containers.get(term, ()):
                opened = value((True, container))
                ways.append(opened if key is None else self._formulas.all_of((opened, value((False, key)))))
            return self._formulas.any_of(ways)
        if _is_public(term):
            return TRUE
        ways = [value((True, term))] if term in self._possible else []
        if isinstance(term, Compound):
            ways.append(self._formulas.all_of([value((False, part)) for part in term.args]))
        return self._formulas.any_of(ways)


def _is_public(term: Term) -> bool:
    return isinstance(term, Atom) and term.public


def _composable(term: Term, found: set[Term]) -> bool:
    """Whether `term` is among `found`, public, or made of such terms."""
    if term in found or _is_public(term):
        return True
    return isinstance(term, Compound) and all(_composable(part, found) for part in term.args)


def _order(
    wanted: _Equation, parts: Callable[[_Equation], Iterable[_Equation]]
) -> tuple[list[_Equation], frozenset[_Equation]]:
    """The equations that `wanted` needs, parts first; and those at which a cycle closes."""
    order: list[_Equation] = []
    entries: set[_Equation] = set()
    open_: set[_Equation] = {wanted}
    done: set[_Equation] = set()
    path = [(wanted, iter(parts(wanted)))]
    while path:
        equation, rest = path[-1]
        part = next(rest, None)
        if part is None:
            path.pop()
            open_.discard(equation)
            done.add(equation)
            order.append(equation)
        elif part in open_:
            entries.add(part)
        elif part not in done:
            open_.add(part)
            path.append((part, iter(parts(part))))
    return order, frozenset(entries)
