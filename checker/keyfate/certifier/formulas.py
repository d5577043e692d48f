"""Boolean formulas, each kept once, so that what is equal is one number.

A formula is an integer: `TRUE` is 1, the negation of `f` is `-f`, and every other
positive number is a variable or a conjunction. Constants, complements, absorbed
and repeated operands are folded away while a formula is made, which costs far less
here than in a solver's interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

TRUE = 1
FALSE = -1

# A conjunction inside a conjunction is dissolved, and a disjunction looked into, up
# to this many operands; beyond, sharing is worth more than simplicity.
_SMALL = 24


class Formulas:
    """A store of formulas. Numbers of one store mean nothing in another."""

    def __init__(self) -> None:
        self._operands: list[tuple[int, ...]] = [(), ()]
        self._support: list[int] = [0, 0]
        self._group: list[int] = [0, 0]
        self._unique: dict[tuple[int, ...], int] = {}
        self._variables: list[int] = []

    def __len__(self) -> int:
        return len(self._operands)

    def variable(self, group: int = 0) -> int:
        """A new variable. At most one variable of a `group` (other than 0) is ever true:
        whoever asserts a formula of this store must assert that as well."""
        number = len(self._operands)
        self._operands.append(())
        self._support.append(1 << len(self._variables))
        self._group.append(group)
        self._variables.append(number)
        return number

    def all_of(self, operands: Iterable[int]) -> int:
        """The conjunction."""
        pending = list(operands)
        if len(pending) < 3:  # most of the time, and most of these with a constant
            trimmed = [operand for operand in pending if operand != TRUE]
            if FALSE in trimmed:
                return FALSE
            if len(trimmed) < 2:
                return trimmed[0] if trimmed else TRUE
        seen: set[int] = set()
        while pending:
            operand = pending.pop()
            if operand == TRUE or operand in seen:
                continue
            if operand == FALSE or -operand in seen:
                return FALSE
            inner = self._operands[operand] if operand > 0 else ()
            if inner and len(inner) <= _SMALL:
                pending.extend(inner)
            else:
                seen.add(operand)
        if len(seen) > 1:
            reduced = self._absorb(seen)
            if reduced is None:
                return FALSE
            if reduced is not seen:
                return self.all_of(reduced)
        if not seen:
            return TRUE
        if len(seen) == 1:
            return seen.pop()
        key = tuple(sorted(seen))
        found = self._unique.get(key)
        if found is None:
            found = self._unique[key] = len(self._operands)
            self._operands.append(key)
            support = 0
            for operand in key:
                support |= self._support[abs(operand)]
            self._support.append(support)
            self._group.append(0)
        return found

    def _absorb(self, seen: set[int]) -> set[int] | None:
        """`seen` without what the rest implies, disjunctions without what the rest denies;
        `seen` itself if nothing changes, None if two variables of a group meet."""
        groups: dict[int, int] = {}
        for operand in seen:
            if operand > 0 and self._group[operand] and groups.setdefault(self._group[operand], operand) != operand:
                return None
        changed: set[int] | None = None
        for operand in seen:
            if operand > 0:
                continue
            if groups and groups.get(self._group[-operand]) is not None:
                changed = (changed or set(seen)) - {operand}  # another value of the group holds
                continue
            inner = self._operands[-operand]
            if not inner or len(inner) > _SMALL:
                continue
            if any(-literal in seen for literal in inner):
                changed = (changed or set(seen)) - {operand}
            elif any(literal in seen for literal in inner):
                rest = self.all_of([literal for literal in inner if literal not in seen])
                changed = ((changed or set(seen)) - {operand}) | {-rest}
        return seen if changed is None else changed

    def any_of(self, operands: Iterable[int]) -> int:
        """The disjunction."""
        return -self.all_of([-operand for operand in operands])

    def implies(self, left: int, right: int) -> int:
        return -self.all_of((left, -right))

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        """`then` where `condition` holds, else `otherwise`."""
        if then == otherwise:
            return then
        return self.any_of((self.all_of((condition, then)), self.all_of((-condition, otherwise))))

    def operands(self, formula: int) -> tuple[int, ...]:
        """Of the conjunction `abs(formula)`; empty for a variable or a constant."""
        return self._operands[abs(formula)]

    def support(self, formula: int) -> int:
        """The variables of `formula`, as a set of bits (see `mask` and `variables`)."""
        return self._support[abs(formula)]

    def mask(self, variable: int) -> int:
        """The bit of `variable` in a support."""
        return self._support[variable]

    def variables(self, support: int) -> list[int]:
        """The variables in a support."""
        found = []
        while support:
            lowest = support & -support
            found.append(self._variables[lowest.bit_length() - 1])
            support ^= lowest
        return found

    def substitute(self, formula: int, mask: int, image: Callable[[int], int], memo: dict[int, int]) -> int:
        """`formula` with each variable of `mask` replaced by its `image`. `memo` may be
        passed again for the same mask and image."""
        root = abs(formula)
        stack = [root]
        while stack:
            number = stack[-1]
            if number in memo:
                stack.pop()
            elif not self._support[number] & mask:
                memo[number] = number
                stack.pop()
            elif not self._operands[number]:
                memo[number] = image(number)
                stack.pop()
            else:
                operands = self._operands[number]
                missing = [abs(operand) for operand in operands if abs(operand) not in memo]
                if missing:
                    stack.extend(missing)
                    continue
                memo[number] = self.all_of([memo[operand] if operand > 0 else -memo[-operand] for operand in operands])
                stack.pop()
        return memo[root] if formula > 0 else -memo[root]

    def truth(self, formula: int, values: Mapping[int, bool], memo: dict[int, bool]) -> bool:
        """The value of `formula`; `memo` may be passed again for the same `values`."""
        memo[TRUE] = True
        stack = [abs(formula)]
        while stack:
            number = stack[-1]
            if number in memo:
                stack.pop()
                continue
            operands = self._operands[number]
            missing = [abs(operand) for operand in operands if abs(operand) not in memo]
            if missing:
                stack.extend(missing)
                continue
            memo[number] = (
                all(memo[abs(operand)] == (operand > 0) for operand in operands) if operands else values[number]
            )
            stack.pop()
        return memo[abs(formula)] == (formula > 0)

    def justify(self, formula: int, values: Mapping[int, bool]) -> set[int]:
        """Literals, true under `values`, that make `formula` true, which it is."""
        memo: dict[int, bool] = {}
        reasons: set[int] = set()
        done: set[int] = set()
        pending = [formula]
        while pending:
            present = pending.pop()
            if present in done or present == TRUE:
                continue
            done.add(present)
            assert self.truth(present, values, memo)
            operands = self._operands[abs(present)]
            if not operands:
                reasons.add(present)
            elif present > 0:
                pending.extend(operands)
            else:
                false = [-operand for operand in operands if not self.truth(operand, values, memo)]
                # one will do: one that is a reason already, else the one that depends on least
                known = [operand for operand in false if operand in reasons or operand in done]
                pending.append((known or sorted(false, key=lambda f: self._support[abs(f)].bit_count()))[0])
        return reasons
