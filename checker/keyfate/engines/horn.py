"""Circuits as constrained Horn clauses in SMT-LIB 2.6: the states that are reached, as one relation over their bits.

The relation has an interpretation (`sat`) where bad is never reached; `unsat` means that it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyfate.engines.circuit import LEAF, Circuit, cone
from keyfate.engines.labels import Show, distinct

RELATION = "reached"


@dataclass(frozen=True)
class Names:
    """What the leaves of a circuit are called; no two alike, and none `g` with a number."""

    bits: tuple[str, ...]  # in the order of the circuit's latches
    inputs: tuple[str, ...]


def spoken(circuit: Circuit, show: Show) -> Names:
    """Names in the words of the lifecycle."""
    bits = [show(latch.name) for latch in circuit.latches]
    inputs = [f"choice {number}" for number in range(len(circuit.inputs))]
    # The two characters that a quoted symbol cannot have.
    named = distinct(name.translate({ord("|"): "_", ord("\\"): "_"}) for name in (*bits, *inputs))
    return Names(tuple(named[: len(bits)]), tuple(named[len(bits) :]))


def horn(circuit: Circuit, names: Names, comment: Iterable[str] = ()) -> str:
    """A script of three rules, up to `(check-sat)`: the first states, the steps, and that bad is not reached."""
    terms = _Terms(circuit, names)
    here = _applied(terms.of(latch.literal for latch in circuit.latches))
    after = [latch.next for latch in circuit.latches]
    starts = [(latch.literal, latch.initial) for latch in circuit.latches if latch.initial is not None]
    first = [f"(= {terms[own]} {terms[value]})" for own, value in starts]
    first += [_joined("or", terms.of(clause)) for clause in circuit.known]
    lines = [
        *(f"; {line}".rstrip() for line in comment),
        "(set-logic HORN)",
        f"(declare-fun {RELATION} ({' '.join(['Bool'] * len(names.bits))}) Bool)",
        terms.rule(
            [circuit.constraint, *(value for _, value in starts)],
            f"(=> {_joined('and', [terms[circuit.constraint], *first])} {here})",
            moving=False,
        ),
        terms.rule(after, f"(=> {here} {_applied(terms.of(after))})"),
        terms.rule([circuit.bad], f"(=> {_joined('and', [here, terms[circuit.bad]])} false)"),
        "(check-sat)",
    ]
    return "\n".join(lines) + "\n"


def _joined(operator: str, terms: Sequence[str]) -> str:
    return terms[0] if len(terms) == 1 else f"({operator} {' '.join(terms)})"


def _applied(arguments: Sequence[str]) -> str:
    return f"({RELATION} {' '.join(arguments)})" if arguments else RELATION


class _Terms:
    """Literals as terms; a gate is a symbol that a rule binds."""

    def __init__(self, circuit: Circuit, names: Names) -> None:
        self._circuit = circuit
        self._bits = [f"|{name}|" for name in names.bits]
        self._inputs = [f"|{name}|" for name in names.inputs]
        leaves = zip((latch.literal for latch in circuit.latches), self._bits, strict=True)
        self._leaf = {literal >> 1: symbol for literal, symbol in leaves}
        self._leaf |= {literal >> 1: name for literal, name in zip(circuit.inputs, self._inputs, strict=True)}

    def __getitem__(self, literal: int) -> str:
        if literal < 2:
            return "true" if literal else "false"
        name = self._leaf.get(literal >> 1, f"g{literal >> 1}")
        return f"(not {name})" if literal & 1 else name

    def of(self, literals: Iterable[int]) -> list[str]:
        return [self[literal] for literal in literals]

    def rule(self, roots: Iterable[int], body: str, moving: bool = True) -> str:
        """`body` for all states, and with `moving` all inputs, with the gates below `roots` bound."""
        levels = self._levels(roots)
        for level in reversed(levels):
            bound = " ".join(f"(g{node} (and {' '.join(self.of(self._fans(node)))}))" for node in level)
            body = f"(let ({bound})\n{body})"
        names = [*self._bits, *(self._inputs if moving else ())]
        if names:
            body = f"(forall ({' '.join(f'({name} Bool)' for name in names)})\n{body})"
        return f"(assert {body})"

    def _levels(self, roots: Iterable[int]) -> list[list[int]]:
        """Gates below the roots, by their distance from the leaves: those of one level are bound together."""
        left = self._circuit.left
        height: dict[int, int] = {}
        levels: list[list[int]] = []
        for node in sorted(node for node in cone(self._circuit, roots) if left[node] != LEAF):  # topological order
            own = height[node] = max(height.get(fan >> 1, -1) for fan in self._fans(node)) + 1
            if own == len(levels):
                levels.append([])
            levels[own].append(node)
        return levels

    def _fans(self, node: int) -> tuple[int, int]:
        return self._circuit.left[node], self._circuit.right[node]
