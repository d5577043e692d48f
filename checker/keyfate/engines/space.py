"""The settings of a question as functions: binary decision diagrams over controls and capabilities.

A control of n values is a number of ceil(log2 n) binary variables; which values a cube leaves to it is what people
read, never its bits. Functions are kept false where such a number is no value, so that equal sets of settings are
equal functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from oxidd.bcdd import BCDDFunction, BCDDManager
from oxidd.util import BooleanOperator

from keyfate.engines.circuit import Circuit
from keyfate.language.typed import Value
from keyfate.lifecycle.names import CapabilityName, CapabilityOn, ControlIs, ControlName
from keyfate.lifecycle.problem import Implicant

Function = BCDDFunction
Cube = tuple[tuple[int, frozenset[int]], ...]
"""Variables by index, in order, each with the values that are left to it by index: never all of them, never none."""

_NODES = 1 << 22  # capacity; memory is taken as it is used
_CACHE = 1 << 18


@dataclass(frozen=True)
class Variable:
    """A control, or a capability (values False, True). `literals` are the circuit's, `codes` the functions, of its
    values; `bits` is the conjunction of its binary variables."""

    name: ControlName | CapabilityName
    values: tuple[Value, ...]
    literals: tuple[int, ...]
    codes: tuple[Function, ...]
    bits: Function


class Space:
    """All settings that a circuit leaves open. Every method may raise MemoryError."""

    def __init__(self, left: Iterable[tuple[ControlName | CapabilityName, Sequence[Value], Sequence[int]]]) -> None:
        """Of each that is left open its values and the literals that say which it has."""
        self._manager = BCDDManager(_NODES, _CACHE, 1)
        self.false = self._manager.false()
        self.latches: dict[int, Function] = {}
        """Of each frozen latch, the settings in which it is true."""
        self.variables = variables = tuple(self._variable(*one) for one in left)
        # Of variables from each index on: where every number is a value.
        self._domains = [self._manager.true()]
        for variable in reversed(variables):
            some = self.false
            for code in variable.codes:
                some = some | code
            self._domains.append(self._domains[-1] & some)
        self._domains.reverse()
        self.all = self._domains[0]
        """Every setting."""
        self.latches = {literal: function & self.all for literal, function in self.latches.items()}
        self._primes_of: dict[tuple[Function, int], tuple[Cube, ...]] = {}

    def _variable(
        self, name: ControlName | CapabilityName, values: Sequence[Value], literals: Sequence[int]
    ) -> Variable:
        bits = [self._manager.var(number) for number in self._manager.add_vars((len(values) - 1).bit_length())]
        together = self._manager.true()
        for bit in bits:
            together = together & bit
        codes = []
        for number, literal in enumerate(literals):
            code = self._manager.true()
            for place, bit in enumerate(bits):
                code = code & (bit if number >> place & 1 else ~bit)
            codes.append(code)
            self.latches[literal & ~1] = ~code if literal & 1 else code
        return Variable(name, tuple(values), tuple(literals), tuple(codes), together)

    # Functions

    def negated(self, function: Function) -> Function:
        return self.all & ~function

    def covers(self, larger: Function, smaller: Function) -> bool:
        """Is every setting of `smaller` one of `larger`?"""
        return not (smaller & ~larger).satisfiable()

    def count(self, function: Function) -> int:
        """How many settings."""
        return int(function.sat_count(self._manager.num_vars()))

    def function(self, cube: Cube) -> Function:
        """The settings of a cube."""
        result = self.all
        for index, kept in cube:
            some = self.false
            for value in sorted(kept):
                some = some | self.variables[index].codes[value]
            result = result & some
        return result

    def choice(self, function: Function) -> dict[int, bool]:
        """One setting of `function`, which has some, as values of the circuit's latches: of each variable in turn the
        first value that is left."""
        chosen: dict[int, bool] = {}
        for variable in self.variables:
            taken = next(at for at, code in enumerate(variable.codes) if (function & code).satisfiable())
            function = function & variable.codes[taken]
            for at, literal in enumerate(variable.literals):
                chosen[literal & ~1] = (at == taken) ^ bool(literal & 1)
        return chosen

    def without(self, capabilities: Iterable[CapabilityName]) -> Function:
        """All settings in which these are off."""
        off = set(capabilities)
        return self.function(
            tuple((at, frozenset((0,))) for at, variable in enumerate(self.variables) if variable.name in off)
        )

    def function_of(self, implicant: Implicant) -> Function:
        """The settings of an implicant, as far as they are of this space."""
        kept: dict[ControlName | CapabilityName, tuple[Value, ...]] = dict(implicant.controls)
        kept.update({name: (on,) for name, on in implicant.capabilities})
        return self.function(
            tuple(
                (at, frozenset(variable.values.index(value) for value in kept[variable.name]))
                for at, variable in enumerate(self.variables)
                if variable.name in kept
            )
        )

    def _cofactor(self, function: Function, index: int, value: int) -> Function:
        variable = self.variables[index]
        return function.apply_exists(BooleanOperator.AND, variable.codes[value], variable.bits)

    # Cubes

    def primes(self, function: Function, limit: int) -> tuple[Cube, ...]:
        """All prime implicants over many-valued variables: the cubes in `function` of which none can be made larger.

        Recursion over the variables as for two values (Coudert, Madre, DAC 1992), where a set of values takes the place
        of a literal: what holds under all values of a set, and under no larger set. Raises TooManyError past `limit`.
        """
        return self._primes(function & self.all, 0, limit)

    def _primes(self, function: Function, index: int, limit: int) -> tuple[Cube, ...]:
        if not function.satisfiable():
            return ()
        if function == self._domains[index]:
            return ((),)
        key = (function, index)
        known = self._primes_of.get(key)
        if known is not None:
            return known
        count = len(self.variables[index].values)
        cofactors = [self._cofactor(function, index, value) for value in range(count)]
        if all(cofactor == cofactors[0] for cofactor in cofactors):
            found = list(self._primes(cofactors[0], index + 1, limit))
        else:
            found = []
            below: dict[frozenset[int], frozenset[Cube]] = {}
            for values, common in self._meets(cofactors):
                cubes = self._primes(common, index + 1, limit)
                larger: set[Cube] = set()
                for others, theirs in below.items():
                    if others > values:
                        larger |= theirs
                below[values] = frozenset(cubes)
                fresh = [cube for cube in cubes if cube not in larger]
                found += fresh if len(values) == count else [((index, values), *cube) for cube in fresh]
                if len(found) > limit:
                    raise TooManyError(limit)
        self._primes_of[key] = tuple(found)
        return self._primes_of[key]

    def _meets(self, cofactors: Sequence[Function]) -> list[tuple[frozenset[int], Function]]:
        """Every conjunction of cofactors that holds somewhere, with all values under which it holds, largest first."""
        functions = list(dict.fromkeys(cofactors))
        meets = dict.fromkeys(function for function in functions if function.satisfiable())
        pending = list(meets)
        while pending:
            one = pending.pop()
            for other in functions:
                both = one & other
                if both not in meets and both.satisfiable():
                    meets[both] = None
                    pending.append(both)
        closed = [
            (frozenset(value for value, cofactor in enumerate(cofactors) if self.covers(cofactor, common)), common)
            for common in meets
        ]
        return sorted(closed, key=lambda pair: (-len(pair[0]), sorted(pair[0])))

    def trimmed(self, cube: Cube, wanted: Function) -> Cube | None:
        """The cube with only the values that some setting of `wanted` in it has; None where it has no such setting."""
        inside = self.function(cube) & wanted
        if not inside.satisfiable():
            return None
        return tuple(
            (index, frozenset(v for v in kept if (inside & self.variables[index].codes[v]).satisfiable()))
            for index, kept in cube
        )

    def largest(self, cubes: Iterable[Cube]) -> tuple[Cube, ...]:
        """Those that lie inside no other, each once, in their order."""
        sets = {cube: self._values(cube) for cube in cubes}
        found: list[int] = []
        for one in sorted(sets.values(), key=int.bit_count, reverse=True):
            if all(one & ~other for other in found):
                found.append(one)
        kept = set(found)
        return tuple(cube for cube, values in sets.items() if values in kept)

    def _values(self, cube: Cube) -> int:
        """A bit for each value that the cube leaves to a variable: cubes lie in each other as these sets do."""
        left = dict(cube)
        values = place = 0
        for index, variable in enumerate(self.variables):
            for value in range(len(variable.values)):
                values |= (index not in left or value in left[index]) << place
                place += 1
        return values

    def cover(self, lower: Function, upper: Function | None = None) -> tuple[Cube, ...]:
        """Few cubes that hold all of `lower` (but for what is no setting) and nothing outside `upper`.

        Minato's recursion (DAC 1992), with a set of values in the place of a literal.
        """
        lower = lower & self.all
        upper = lower if upper is None else upper & self.all
        return self._cover(lower, upper, 0, {})[0]

    def _cover(
        self, lower: Function, upper: Function, index: int, memo: dict[object, tuple[tuple[Cube, ...], Function]]
    ) -> tuple[tuple[Cube, ...], Function]:
        if not lower.satisfiable():
            return (), self.false
        if upper == self._domains[index]:
            return ((),), upper
        key = (lower, upper, index)
        if key in memo:
            return memo[key]
        codes = self.variables[index].codes
        lowers = [self._cofactor(lower, index, value) for value in range(len(codes))]
        uppers = [self._cofactor(upper, index, value) for value in range(len(codes))]
        shared = self._domains[index + 1]
        for above in uppers:
            shared = shared & above
        wanted = self.false
        for function in lowers:
            wanted = wanted | (function & shared)
        found, covered = self._cover(wanted, shared, index + 1, memo)
        cubes = list(found)
        covers = [covered] * len(codes)
        for value in range(len(codes)):
            left = lowers[value] & ~covers[value]
            if not left.satisfiable():
                continue
            room = self._domains[index + 1]
            for above in uppers:
                if self.covers(above, left):
                    room = room & above
            found, covered = self._cover(left, room, index + 1, memo)
            values = frozenset(other for other, above in enumerate(uppers) if self.covers(above, covered))
            cubes += [((index, values), *cube) for cube in found]
            for number in values:
                covers[number] = covers[number] | covered
        whole = self.false
        for code, function in zip(codes, covers, strict=True):
            whole = whole | (code & function)
        memo[key] = tuple(cubes), whole
        return memo[key]

    # What cubes are to others

    def clause(self, cube: Cube) -> tuple[int, ...]:
        """Circuit literals of which one holds just where the cube does not."""
        return tuple(
            literal
            for index, kept in cube
            for value, literal in enumerate(self.variables[index].literals)
            if value not in kept
        )

    def implicant(self, cube: Cube) -> Implicant:
        """As data."""
        controls: list[tuple[ControlName, tuple[Value, ...]]] = []
        capabilities: list[tuple[CapabilityName, bool]] = []
        for index, kept in cube:
            variable = self.variables[index]
            if isinstance(variable.name, ControlName):
                controls.append((variable.name, tuple(variable.values[value] for value in sorted(kept))))
            else:
                capabilities.append((variable.name, 1 in kept))
        return Implicant(tuple(controls), tuple(capabilities))


def space_of(
    circuit: Circuit, controls: Mapping[ControlName, Collection[Value]], capabilities: Iterable[CapabilityName]
) -> Space:
    """All settings of these that the circuit leaves open; `controls` has the values of each."""
    found: dict[ControlName | CapabilityName, dict[Value, int]] = {}
    for latch in circuit.latches:
        match latch.name:
            case ControlIs(control, value):
                found.setdefault(control, {})[value] = latch.literal
            case CapabilityOn(capability):
                found[capability] = {True: latch.literal}
    order = (*controls, *capabilities)

    def literals(name: ControlName | CapabilityName, values: Sequence[Value]) -> tuple[int, ...]:
        known = found[name]
        if len(values) == 2:  # one latch says which
            ((one, literal),) = known.items()
            return tuple(literal ^ (value != one) for value in values)
        return tuple(known[value] for value in values)

    return Space(
        (name, values, literals(name, values))
        for name in order
        if name in found
        for values in (tuple(controls[name]) if isinstance(name, ControlName) else (False, True),)
    )


class TooManyError(Exception):
    """There are more prime implicants than `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} minimal conditions")
        self.limit = limit
