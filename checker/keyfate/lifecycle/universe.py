"""The universe of terms (R7): everything the lifecycle declares or mentions, and all parts of it.

A mentioned term is a tree over states, controls and parameters. It is closed under every
choice of their values; one choice is used for all mentions of one state inside one term,
and a condition inside a term is decided by the values chosen, or chosen itself where it
asks for more than values. No other correlation is used (guards, constraints): a term too
many costs a little and changes no verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress

from keyfate.language.source import Diagnostic, LifecycleError, Span
from keyfate.language.typed import (
    And,
    Apply,
    AtomTerm,
    Compare,
    Condition,
    Constant,
    ControlRef,
    Existing,
    IfTerm,
    IfValue,
    Lifecycle,
    Message,
    MessageVar,
    Not,
    Or,
    Plus,
    Quantifier,
    StateRef,
    TermExpr,
    Truth,
    Value,
    ValueExpr,
    Var,
)
from keyfate.lifecycle.deduction import subterms
from keyfate.lifecycle.instances import Env, assignments, control_domains, indices, state_domains
from keyfate.lifecycle.names import Atom, Compound, Term, show_name
from keyfate.lifecycle.trees import children, free_variables, parameters

TERM_LIMIT = 20_000
_CHOICE_LIMIT = 200_000  # closings of one declaration; far beyond it lies no term limit but patience

Choose = Callable[[Hashable, Sequence[Value]], Value]


class _NoValueError(Exception):
    """`+ 1` past its range, or an index that is `none`: the term does not exist."""


class _TooManyError(Exception):
    pass


def universe(lifecycle: Lifecycle) -> tuple[Term, ...]:
    """All closed terms, each after its parts, in the order of the text.

    Raises LifecycleError past 20,000 terms, at the declaration that made most of them.
    """
    closing = Closing(lifecycle)
    found: dict[Term, None] = {}
    made: Counter[tuple[str, Span]] = Counter()
    present: tuple[str, Span] | None = None
    try:
        for family in lifecycle.atoms:
            present = (f"`{family.name}`", family.span)
            for args in indices(family.index):
                found[Atom(family.name, args, family.public)] = None
                made[present] += 1
                if len(found) > TERM_LIMIT:
                    raise _TooManyError
        for title, span, expression in _mentions(lifecycle):
            present = (title, span)
            for term in closing.all(expression):
                if term in found:
                    continue
                for part in subterms(term):
                    if part not in found:
                        found[part] = None
                        made[present] += 1
                if len(found) > TERM_LIMIT:
                    raise _TooManyError
    except _TooManyError:
        assert present is not None
        title, span = made.most_common(1)[0][0] if len(found) > TERM_LIMIT else present
        raise LifecycleError((_too_many(lifecycle, title, span),)) from None
    return tuple(found)


def _too_many(lifecycle: Lifecycle, title: str, span: Span) -> Diagnostic:
    sizes = ", ".join(
        f"`{sort.name}` {len(sort.members)}" for sort in sorted(lifecycle.sorts, key=lambda sort: -len(sort.members))
    )
    return Diagnostic(
        "KF303",
        f"the lifecycle has more than {TERM_LIMIT:,} terms, most of them from {title}",
        span,
        help=f"use smaller sorts (members now: {sizes}), or fewer indices and states in the terms it mentions",
    )


def key_name(lifecycle: Lifecycle) -> Mapping[Term, str]:
    """Names for closed terms that a `key`, `def` or `message` declares, such as `td_key[alpha, agent]`.

    Where several instances of a family are one and the same term (whatever the states and
    controls that make them so), the indices in which they differ read `_`.
    """
    closing = Closing(lifecycle)
    names: dict[Term, str] = {}
    for family in sorted(lifecycle.terms, key=lambda family: ("key", "def", "message").index(family.kind)):
        instances: dict[Term, list[tuple[Value, ...]]] = {}
        for env in assignments(family.params):
            for term in closing.under(family.term, env):
                instances.setdefault(term, []).append(tuple(env.values()))
        for term, args in instances.items():
            if isinstance(term, Compound) and term not in names:
                shared = tuple("_" if len(set(column)) > 1 else column[0] for column in zip(*args, strict=True))
                names[term] = show_name(family.name, shared)
    return names


def _mentions(lifecycle: Lifecycle) -> Iterator[tuple[str, Span, TermExpr]]:
    for family in lifecycle.terms:
        for term in (family.term, *_conditional(family.term)):
            yield f"`{family.name}`", family.span, term
    for place in lifecycle.places:
        for term in place.starts:
            yield f"`{place.name}`", place.span, term
    for exposure in lifecycle.exposures:
        for term in term_expressions(exposure):
            yield f"the exposure of `{exposure.place.name}`", exposure.span, term
    for action in lifecycle.actions:
        for term in term_expressions(action):
            yield f"`{action.name}`", action.span, term
    for rule in lifecycle.properties:
        for term in term_expressions(rule):
            yield f"`{rule.name}`", rule.span, term


def term_expressions(node: object) -> Iterator[TermExpr]:
    """The outermost terms below `node`, and those in the conditions inside them."""
    for child in children(node):
        if isinstance(child, AtomTerm | Apply | IfTerm | Existing | MessageVar):
            yield child
            yield from _conditional(child)
        else:
            yield from term_expressions(child)


def _conditional(term: object) -> Iterator[TermExpr]:
    if isinstance(term, IfTerm):
        yield from term_expressions(term.condition)
    for child in children(term):
        if isinstance(child, AtomTerm | Apply | IfTerm | Existing | MessageVar):
            yield from _conditional(child)


class Closing:
    """Closes a term under all choices of what it depends on."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._params = parameters(lifecycle)
        self._states = state_domains(lifecycle)
        self._controls = control_domains(lifecycle)
        self._messages = {family.name: family for family in lifecycle.terms if family.kind == "message"}
        self._done: set[TermExpr] = set()

    def all(self, term: TermExpr) -> Iterator[Term]:
        """Every closed term of `term` for any values of its variables, unless that was asked before."""
        if term in self._done:
            return
        self._done.add(term)
        count = 0
        free = sorted(free_variables(term))
        for env in assignments(self._params[name] for name in free):
            for closed in self.under(term, env):
                count += 1
                if count > _CHOICE_LIMIT:
                    raise _TooManyError
                yield closed

    def under(self, term: TermExpr, env: Env) -> Iterator[Term]:
        """Every closed term of `term` for these values of its variables, repetitions included."""
        return _outcomes(lambda choose: self._term(term, env, choose))

    def _term(self, term: TermExpr, env: Env, choose: Choose) -> Term:
        match term:
            case AtomTerm(name, args, public):
                return Atom(name, self._index(args, env, choose), public)
            case Apply(function, label, args):
                return Compound(function, label, tuple(self._term(arg, env, choose) for arg in args))
            case IfTerm(condition, then, otherwise):
                return self._term(then if self._holds(condition, env, choose) else otherwise, env, choose)
            case Existing(args, inner):
                self._index(args, env, choose)
                return self._term(inner, env, choose)
            case MessageVar(name):
                message = env[name]
                assert isinstance(message, Message)
                family = self._messages[message.family]
                inside = {param.name: arg for param, arg in zip(family.params, message.args, strict=True)}
                return self._term(family.term, inside, choose)

    def _index(self, args: tuple[ValueExpr, ...], env: Env, choose: Choose) -> tuple[Value, ...]:
        values = tuple(self._value(arg, env, choose) for arg in args)
        if None in values:
            raise _NoValueError
        return values

    def _value(self, expression: ValueExpr, env: Env, choose: Choose) -> Value:
        match expression:
            case Constant(value):
                return value
            case Var(name):
                return env[name]
            case StateRef(name, args):
                index = self._index(args, env, choose)
                return choose(("state", name, index), self._states[name].values)
            case ControlRef(name, args):
                index = self._index(args, env, choose)
                return choose(("control", name, index), self._controls[name].values)
            case Plus(operand, amount, _, high):
                number = self._value(operand, env, choose)
                if not isinstance(number, int) or number + amount > high:
                    raise _NoValueError
                return number + amount
            case IfValue(condition, then, otherwise):
                return self._value(then if self._holds(condition, env, choose) else otherwise, env, choose)

    def _holds(self, condition: Condition, env: Env, choose: Choose) -> bool:
        match condition:
            case Truth(value):
                return value
            case Compare(operator, left, right):
                try:
                    first, second = self._value(left, env, choose), self._value(right, env, choose)
                except _NoValueError:
                    return False
                if operator == "=":
                    return first == second
                if not isinstance(first, int) or not isinstance(second, int):
                    return False
                return first < second if operator == "<" else first <= second
            case Not(operand):
                return not self._holds(operand, env, choose)
            case And(operands):
                return all(self._holds(operand, env, choose) for operand in operands)
            case Or(operands):
                return any(self._holds(operand, env, choose) for operand in operands)
            case Quantifier(kind, param, body):
                each = (self._holds(body, {**env, param.name: value}, choose) for value in param.domain.values)
                return all(each) if kind == "all" else any(each)
            case _:  # places, knowledge and the past: either may be
                values = tuple(env[name] for name in sorted(free_variables(condition)))
                return bool(choose(("condition", condition, values), (True, False)))


class _Choices:
    """One run's choices: those of `plan`, then the first option each time."""

    def __init__(self, plan: Sequence[int]) -> None:
        self._plan = plan
        self._chosen: dict[Hashable, Value] = {}
        self.taken: list[tuple[int, int]] = []  # which option, out of how many

    def __call__(self, key: Hashable, options: Sequence[Value]) -> Value:
        if key not in self._chosen:
            at = len(self.taken)
            option = self._plan[at] if at < len(self._plan) else 0
            self.taken.append((option, len(options)))
            self._chosen[key] = options[option]
        return self._chosen[key]


def _outcomes(evaluate: Callable[[Choose], Term]) -> Iterator[Term]:
    """Run `evaluate` under every sequence of choices, depth first; runs that raise _NoValueError give nothing."""
    plan: list[int] = []
    while True:
        choices = _Choices(plan)
        with suppress(_NoValueError):
            yield evaluate(choices)
        taken = choices.taken
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return
        plan = [option for option, _ in taken]
        plan[-1] += 1
