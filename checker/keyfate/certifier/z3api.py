"""The part of Z3 that this room uses, typed.

Z3's Python interface has no types, and building an expression through its operators
costs ten times what the C interface below it costs; both stop here. Every failure
inside Z3, memory included, comes out as `SolverError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NewType

import z3
from z3 import z3core

Expr = NewType("Expr", object)  # a Boolean expression of one context
Answer = Literal["sat", "unsat", "unknown"]


class SolverError(Exception):
    """Z3 gave up; the message says why, in its own words."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except z3.Z3Exception as error:
        raise SolverError(_words(error)) from error
    except MemoryError as error:
        raise SolverError("out of memory") from error


def _words(error: BaseException) -> str:
    value = error.args[0] if error.args else str(error)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class Context:
    """A Z3 context of its own: expressions of two contexts never meet."""

    def __init__(self) -> None:
        with _translated():
            self._context = z3.Context()
            self._ref = self._context.ref()
            self._true = self.kept(z3core.Z3_mk_true(self._ref))
            self._false = self.kept(z3core.Z3_mk_false(self._ref))
            self._sort = z3core.Z3_mk_bool_sort(self._ref)
            z3core.Z3_inc_ref(self._ref, z3core.Z3_sort_to_ast(self._ref, self._sort))

    def kept(self, ast: object) -> Expr:
        """`ast`, which Z3 just made, for as long as this context lives."""
        # Expressions live as long as the context: they are cached for it, never given back.
        z3core.Z3_inc_ref(self._ref, ast)
        return Expr(ast)

    @property
    def true(self) -> Expr:
        return self._true

    @property
    def false(self) -> Expr:
        return self._false

    def variable(self, name: str) -> Expr:
        with _translated():
            return self.kept(z3core.Z3_mk_const(self._ref, z3core.Z3_mk_string_symbol(self._ref, name), self._sort))

    def negation(self, operand: Expr) -> Expr:
        with _translated():
            return self.kept(z3core.Z3_mk_not(self._ref, operand))

    def conjunction(self, operands: Sequence[Expr]) -> Expr:
        with _translated():
            return self.kept(z3core.Z3_mk_and(self._ref, len(operands), _array(operands)))

    def disjunction(self, operands: Sequence[Expr]) -> Expr:
        with _translated():
            return self.kept(z3core.Z3_mk_or(self._ref, len(operands), _array(operands)))

    def implication(self, left: Expr, right: Expr) -> Expr:
        with _translated():
            return self.kept(z3core.Z3_mk_implies(self._ref, left, right))

    def equal(self, left: Expr, right: Expr) -> Expr:
        with _translated():
            return self.kept(z3core.Z3_mk_iff(self._ref, left, right))

    def exactly_one(self, operands: Sequence[Expr]) -> Expr:
        return self.conjunction([self.disjunction(operands), self.at_most_one(operands)])

    def at_most_one(self, operands: Sequence[Expr]) -> Expr:
        return self.conjunction(
            [
                self.negation(self.conjunction([first, second]))
                for i, first in enumerate(operands)
                for second in operands[:i]
            ]
        )

    def stands_for(self, solver: Solver, expr: Expr) -> Expr:
        """A new variable that implies `expr`, for use as an assumption of `solver`."""
        with _translated():
            fresh = self.kept(z3core.Z3_mk_fresh_const(self._ref, "q", self._sort))
            solver.add(self.kept(z3core.Z3_mk_implies(self._ref, fresh, expr)))
            return fresh

    def solver(self, seconds: float | None = None) -> Solver:
        """A fresh solver for propositional formulas; each of its questions may take `seconds`."""
        with _translated():
            solver = z3.SolverFor("QF_FD", ctx=self._context)
            if seconds is not None:
                solver.set("timeout", _milliseconds(seconds))
            return Solver(self, self._ref, solver)

    def state(self, values: Sequence[tuple[Expr, bool]]) -> State:
        """The state in which variables have these values."""
        with _translated():
            return State(self, self._context, values)

    def reachability(self, names: Sequence[str]) -> Reachability:
        """A fresh fixedpoint engine over states of these Boolean variables."""
        with _translated():
            return Reachability(self, self._context, names)


def _array(operands: Sequence[Expr]) -> Any:
    return (z3core.Ast * len(operands))(*operands)


def _address(expr: Any) -> int:
    return int(expr.value)


def _milliseconds(seconds: float) -> int:
    return max(1, min(int(seconds * 1000), 2**31 - 1))


class Solver:
    """Assertions, and questions about them."""

    def __init__(self, context: Context, ref: object, solver: z3.Solver) -> None:
        self._context = context
        self._ref = ref
        self._solver = solver
        self._model: z3.ModelRef | None = None

    def add(self, *exprs: Expr) -> None:
        with _translated():
            for expr in exprs:
                z3core.Z3_solver_assert(self._ref, self._solver.solver, expr)

    def limit(self, seconds: float) -> None:
        """How long each further question may take."""
        with _translated():
            self._solver.set("timeout", _milliseconds(seconds))

    def check(self, assumptions: Sequence[Expr] = ()) -> Answer:
        """Whether the assertions and these literals can hold together."""
        self._model = None
        with _translated():
            found = z3core.Z3_solver_check_assumptions(
                self._ref, self._solver.solver, len(assumptions), _array(assumptions)
            )
            if found == z3.Z3_L_TRUE:
                return "sat"
            return "unsat" if found == z3.Z3_L_FALSE else "unknown"

    def check_with(self, expr: Expr) -> Answer:
        """Whether the assertions and `expr` can hold together; later questions are without `expr`."""
        return self.check([self._context.stands_for(self, expr)])

    def reason(self) -> str:
        """Why the last answer was `unknown`."""
        with _translated():
            return str(self._solver.reason_unknown())

    def core(self, assumptions: Sequence[Expr]) -> list[bool]:
        """Whether the last `unsat` needed each of these assumptions of its question."""
        with _translated():
            needed = {found.as_ast().value for found in self._solver.unsat_core()}
            return [_address(expr) in needed for expr in assumptions]

    def truths(self, exprs: Sequence[Expr]) -> list[bool]:
        """Values in the model of the last `sat`; what the model leaves open is false."""
        found = _array([self._context.true])
        values = []
        with _translated():
            if self._model is None:
                self._model = self._solver.model()
            for expr in exprs:
                if not z3core.Z3_model_eval(self._ref, self._model.model, expr, True, found):
                    raise SolverError("a model has no value for an expression")
                values.append(bool(z3core.Z3_get_bool_value(self._ref, found[0]) == z3.Z3_L_TRUE))
        return values

    def truth(self, expr: Expr) -> bool:
        """The value of one."""
        return self.truths([expr])[0]


class State:
    """Values of variables, under which Z3 evaluates expressions."""

    def __init__(self, context: Context, z3_context: z3.Context, values: Sequence[tuple[Expr, bool]]) -> None:
        self._context = context
        self._ref = ref = z3_context.ref()
        made = z3core.Z3_mk_model(ref)
        self._model = z3.ModelRef(made, z3_context)
        for variable, value in values:
            declared = z3core.Z3_get_app_decl(ref, variable)
            z3core.Z3_add_const_interp(ref, made, declared, context.true if value else context.false)

    def truths(self, exprs: Sequence[Expr]) -> list[bool]:
        """The value of each. Raises SolverError for one that hangs on a variable without a value."""
        found = _array([self._context.true])
        values = []
        with _translated():
            for expr in exprs:
                z3core.Z3_model_eval(self._ref, self._model.model, expr, False, found)
                value = z3core.Z3_get_bool_value(self._ref, found[0])
                if value == z3.Z3_L_UNDEF:
                    raise SolverError("a state leaves open what is asked of it")
                values.append(bool(value == z3.Z3_L_TRUE))
        return values


class Reachability:
    """Spacer over one relation of the state's Booleans: `first` and `step` make states
    reachable, `ask` looks for one that is bad (Komuravelli, Gurfinkel, Chaki, CAV 2014)."""

    def __init__(self, context: Context, z3_context: z3.Context, names: Sequence[str]) -> None:
        self._context = context
        self._ref = z3_context.ref()
        self._engine = z3.Fixedpoint(ctx=z3_context)
        self._engine.set(engine="spacer")
        self._reason = ""
        boolean = z3.BoolSort(z3_context)
        self._relation = z3.Function("reached", *([boolean] * len(names)), boolean)
        self._engine.register_relation(self._relation)
        self._variables = [z3.Bool(name, z3_context) for name in names]
        self._here = self._reached([Expr(variable.as_ast()) for variable in self._variables])
        self._unnamed = z3core.Z3_mk_string_symbol(self._ref, "")

    def _reached(self, state: Sequence[Expr]) -> Expr:
        return self._context.kept(z3core.Z3_mk_app(self._ref, self._relation.ast, len(state), _array(state)))

    def _rule(self, body: Expr, head: Expr) -> None:
        rule = self._context.implication(body, head)
        if self._variables:
            bound = _array([variable.as_ast() for variable in self._variables])
            rule = self._context.kept(
                z3core.Z3_mk_forall_const(self._ref, 0, len(self._variables), bound, 0, None, rule)
            )
        z3core.Z3_fixedpoint_add_rule(self._ref, self._engine.fixedpoint, rule, self._unnamed)

    def first(self, condition: Expr) -> None:
        """States that satisfy `condition`, over the variables of this relation, are reachable."""
        with _translated():
            self._rule(condition, self._here)

    def step(self, condition: Expr, after: Sequence[Expr]) -> None:
        """From a reachable state that satisfies `condition`, the state `after` is reachable."""
        with _translated():
            self._rule(self._context.conjunction([self._here, condition]), self._reached(after))

    def ask(self, bad: Expr, seconds: float) -> Answer:
        """`sat` if a state that satisfies `bad` is reachable; `unknown` after so many seconds."""
        with _translated():
            self._engine.set(timeout=_milliseconds(seconds))
            query = z3.BoolRef(self._context.conjunction([self._here, bad]), self._engine.ctx)
            asked = z3.Exists(self._variables, query) if self._variables else query
        try:
            found = self._engine.query(asked)
        except z3.Z3Exception as error:  # how this engine says that its time is over
            self._reason = _words(error)
            return "unknown"
        self._reason = str(self._engine.reason_unknown())
        return "sat" if found == z3.sat else "unsat" if found == z3.unsat else "unknown"

    def reason(self) -> str:
        """Why the answer was `unknown`."""
        return self._reason

    def clauses(self) -> list[list[tuple[int, bool]]] | None:
        """After `unsat`: an invariant as clauses of (number of a variable, whether positive);
        None if it is no conjunction of clauses, near enough."""
        with _translated():
            cover = z3.substitute_vars(self._engine.get_cover_delta(-1, self._relation), *self._variables)
            numbers = {name.get_id(): number for number, name in enumerate(self._variables)}
            found: list[list[tuple[int, bool]]] = []
            for conjunct in _conjuncts(cover, True):
                clause = _disjuncts(conjunct, numbers)
                if clause is None:
                    return None
                found.append(clause)
            return found


_Signed = tuple[Any, bool]  # an expression, or its negation


def _conjuncts(expr: Any, positive: bool) -> list[_Signed]:
    """What `expr`, or its negation, is the conjunction of."""
    if z3.is_not(expr):
        return _conjuncts(expr.arg(0), not positive)
    if z3.is_true(expr) if positive else z3.is_false(expr):
        return []
    if (z3.is_and(expr) and positive) or (z3.is_or(expr) and not positive):
        return [part for child in expr.children() for part in _conjuncts(child, positive)]
    return [(expr, positive)]


def _disjuncts(signed: _Signed, numbers: dict[int, int]) -> list[tuple[int, bool]] | None:
    """The literals of a clause; None if it is none."""
    clause = []
    for expr, negative in _conjuncts(signed[0], not signed[1]):
        number = numbers.get(expr.get_id())
        if number is None:
            return None
        clause.append((number, not negative))
    return clause
