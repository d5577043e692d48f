"""Questions over the certifier's encoding as SMT-LIB 2.6, for whatever solver one has.

Every shared formula is a `define-fun` of its own, each printed once: a script is as long as the
formulas are large, and no solver has to read deep nesting (Barrett, Fontaine, Tinelli, The SMT-LIB
Standard 2.6, 2021).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from keyfate.certifier.encoding import Encoding
from keyfate.certifier.formulas import FALSE, TRUE
from keyfate.lifecycle.spelling import Spelling

Part = Literal["admissible", "initiation", "consecution", "safety"]


@dataclass(frozen=True)
class Script:
    """A question that asserts all of `asserted` at once, and the answer that a proof needs."""

    part: Part
    expected: Literal["sat", "unsat"]
    text: str


_SAYS = {
    "admissible": "some setting is admissible: of none, anything could be proved",
    "initiation": "no first state is outside of the invariant",
    "consecution": "no step leads from a state of the invariant to one outside",
    "safety": "no state of the invariant is one of the target",
}


class Printer:
    """Prints scripts over one encoding."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._spelling = Spelling(encoding.lifecycle)
        self._said: dict[int, str] = {}

    def script(self, part: Part, asserted: Sequence[tuple[str, Sequence[int]]]) -> Script:
        """Groups of assertions, each with what it says."""
        expected: Literal["sat", "unsat"] = "sat" if part == "admissible" else "unsat"
        lines = [
            f"; {part}: {_SAYS[part]}",
            f"; a proof needs the answer {expected}",  # no `:status`: cvc5 ends with an error where it is another
            "(set-logic QF_UF)",
        ]
        groups, support = self._typing(formula for _, formulas in asserted for formula in formulas)
        lines += map(self._declared, self._encoding.formulas.variables(support))
        lines += self._definitions(formula for _, formulas in asserted for formula in formulas)
        if groups:
            lines.append("; a control or state has exactly one of its values")
            lines += map(_exactly_one, groups)
        for says, formulas in asserted:
            lines.append(f"; {_comment(says)}")
            lines += [f"(assert {_ref(self._encoding, formula)})" for formula in formulas if formula != TRUE]
        lines.append("(check-sat)")
        return Script(part, expected, "\n".join(lines) + "\n")

    def _declared(self, variable: int) -> str:
        found = self._said.get(variable)
        if found is None:
            bit = self._encoding.bits.meaning.get(variable)
            said = "may be anything" if bit is None else _comment(self._spelling.show(bit))
            found = self._said[variable] = f"(declare-const b{variable} Bool) ; {said}"
        return found

    def _typing(self, formulas: Iterable[int]) -> tuple[list[tuple[int, ...]], int]:
        """The groups of exactly one that the formulas speak of, and all variables that are needed."""
        store, bits = self._encoding.formulas, self._encoding.bits
        support = 0
        for formula in formulas:
            support |= store.support(formula)
        groups = []
        for group in bits.exactly_one:
            mask = bits.siblings[group[0]]
            if support & mask:
                groups.append(group)
                support |= mask
        return groups, support

    def _definitions(self, formulas: Iterable[int]) -> list[str]:
        """Every conjunction below `formulas`, parts first."""
        store = self._encoding.formulas
        lines: list[str] = []
        done: set[int] = set()
        stack = [abs(formula) for formula in formulas]
        stack.reverse()
        while stack:
            number = stack[-1]
            operands = store.operands(number)
            missing = [abs(o) for o in operands if abs(o) not in done] if number not in done else []
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            if operands and number not in done:
                parts = " ".join(_ref(self._encoding, operand) for operand in operands)
                lines.append(f"(define-fun f{number} () Bool (and {parts}))")
            done.add(number)
        return lines


def _ref(encoding: Encoding, formula: int) -> str:
    if formula in (TRUE, FALSE):
        return "true" if formula == TRUE else "false"
    number = abs(formula)
    name = f"{'f' if encoding.formulas.operands(number) else 'b'}{number}"
    return name if formula > 0 else f"(not {name})"


def _exactly_one(group: Sequence[int]) -> str:
    names = [f"b{variable}" for variable in group]
    pairs = (f"(not (and {one} {other}))" for i, one in enumerate(names) for other in names[:i])
    return f"(assert (and (or {' '.join(names)}) {' '.join(pairs)}))"


def _comment(text: str) -> str:
    """`text` on one line, so that nothing of it is read as a command."""
    return "".join(char if char.isprintable() else "?" for char in text)
