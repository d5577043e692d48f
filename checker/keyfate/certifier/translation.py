"""Formulas of this room as Z3 expressions, each made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keyfate.certifier.formulas import TRUE, Formulas
from keyfate.certifier.z3api import Context, Expr


class Translation:
    """One copy of the variables: `name` says what each is called in Z3."""

    def __init__(self, context: Context, formulas: Formulas, name: Callable[[int], str]) -> None:
        self._context = context
        self._formulas = formulas
        self._name = name
        self._made: dict[int, Expr] = {TRUE: context.true}

    def expr(self, formula: int) -> Expr:
        """The expression of `formula`."""
        found = self._made.get(formula)
        return self._make(formula) if found is None else found

    def exprs(self, formulas: Sequence[int]) -> list[Expr]:
        return [self.expr(formula) for formula in formulas]

    def define(self, variable: int, expr: Expr) -> None:
        """From now on `variable` reads as `expr`."""
        self._made[variable] = expr

    def _make(self, formula: int) -> Expr:
        made = self._made
        stack = [formula]
        while stack:
            present = stack[-1]
            if present in made:
                stack.pop()
                continue
            if present < 0:
                if -present not in made:
                    stack.append(-present)
                    continue
                made[present] = self._context.negation(made[-present])
            else:
                operands = self._formulas.operands(present)
                missing = [operand for operand in operands if operand not in made]
                if missing:
                    stack.extend(missing)
                    continue
                if operands:
                    made[present] = self._context.conjunction([made[operand] for operand in operands])
                else:
                    made[present] = self._context.variable(self._name(present))
            stack.pop()
        return made[formula]
