"""Conflicting effects (R2): two effects of one instance that could disagree about one location.

A location is a state, or a term in a place. An effect says a value, that the term is there, or
that it is not; `becomes` and `clear` say something about every term, a copy what its origin
says. Any two effects of an instance whose conditions can hold together are held against each
other in every typed state that satisfies guard and constraints; what is wanted, known or needed
besides is no excuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, combinations

from keyfate.language.source import Diagnostic, Label
from keyfate.language.typed import (
    Action,
    Assign,
    Become,
    Choose,
    Copy,
    Effect,
    ForEach,
    Gain,
    Leak,
    Lifecycle,
    Lose,
    Value,
)
from keyfate.lifecycle.evaluation import Absent
from keyfate.lifecycle.instances import Env, instances_of
from keyfate.lifecycle.names import (
    ActionName,
    Before,
    ControlName,
    PlaceName,
    StateName,
    Term,
    show_value,
)
from keyfate.lifecycle.partial import (
    UNKNOWN,
    Content,
    Follows,
    Frame,
    LastStep,
    Partial,
    SearchLimitError,
    Test,
    Unknown,
    Variable,
    Wanted,
    all_hold,
    conjunction,
    disjunction,
    negated,
)

BRANCH_LIMIT = 5_000  # of one question; what is met in practice needs a few dozen

Write = Assign | Gain | Lose | Become | Copy


@dataclass(frozen=True)
class _Reached:
    """An effect at one value of the variables around it, and what must hold for it to happen."""

    effect: Write
    env: Env
    conditions: tuple[Wanted, ...]
    index: tuple[Value, ...] | None  # where it writes, if that is the same in all states

    @property
    def target(self) -> str:
        return self.effect.target.name if isinstance(self.effect, Assign) else self.effect.place.name


def conflicts(lifecycle: Lifecycle) -> tuple[Diagnostic, ...]:
    """An error for every two effects that could disagree, with a typed state in which they do.

    Raises LifecycleError where the lifecycle has too many terms.
    """
    frame = Frame(lifecycle)
    constraints: tuple[Wanted, ...] = tuple((rule.condition, {}, True) for rule in lifecycle.constraints)
    found: list[Diagnostic] = []
    for action in lifecycle.actions:
        found.extend(_conflicts_of(action, frame, constraints))
    return tuple(found)


def _conflicts_of(action: Action, frame: Frame, constraints: tuple[Wanted, ...]) -> Iterator[Diagnostic]:
    told: set[tuple[int, int]] = set()
    for _, env in instances_of(action):
        guard = ((action.guard, env, True), *constraints)
        if _static(frame, guard) is False:
            continue
        writes = tuple(_writes(action.effects, env, (), frame))
        for first, second in combinations(writes, 2):
            spans = (first.effect.span.start, second.effect.span.start)
            if spans in told or not _may_meet(first, second):
                continue
            tests: tuple[Test, ...] = (
                partial(all_hold, first.conditions + second.conditions),
                partial(_same_location, first, second),
                partial(_disagree, first, second),
                partial(all_hold, guard),
            )
            try:
                state = frame.find(tests, BRANCH_LIMIT)
            except SearchLimitError:
                told.add(spans)
                yield _undecided(action, first, second)
                continue
            if state is not None:
                told.add(spans)
                yield _conflict(action, env, first, second, state)


def _writes(effects: Sequence[Effect], env: Env, conditions: tuple[Wanted, ...], frame: Frame) -> Iterator[_Reached]:
    for effect in effects:
        match effect:
            case ForEach(param, where, body):
                for value in param.domain.values:
                    inner = {**env, param.name: value}
                    if _static(frame, ((where, inner, True),)) is not False:
                        yield from _writes(body, inner, (*conditions, (where, inner, True)), frame)
            case Choose(condition, then, otherwise):
                for holds, branch in ((True, then), (False, otherwise)):
                    if _static(frame, ((condition, env, holds),)) is not False:
                        yield from _writes(branch, env, (*conditions, (condition, env, holds)), frame)
            case Leak():
                pass
            case _:
                args = effect.target.args if isinstance(effect, Assign) else effect.place.args or ()
                index = Partial(frame, {}).index(args, env)
                if not isinstance(index, Absent):
                    yield _Reached(effect, env, conditions, None if isinstance(index, Unknown) else index)


def _static(frame: Frame, conditions: tuple[Wanted, ...]) -> bool | Unknown:
    """What the conditions come to where nothing is assigned."""
    return all_hold(conditions, Partial(frame, {}))


def _may_meet(first: _Reached, second: _Reached) -> bool:
    """Whether two effects can be about one location at all: a quick look before the search."""
    if isinstance(first.effect, Assign) != isinstance(second.effect, Assign) or first.target != second.target:
        return False
    if not isinstance(first.effect, Assign) and not (
        (_says_present(first.effect) and _says_absent(second.effect))
        or (_says_absent(first.effect) and _says_present(second.effect))
    ):
        return False
    return first.index is None or second.index is None or first.index == second.index


def _says_present(effect: Write) -> bool:
    return isinstance(effect, Gain | Copy) or (isinstance(effect, Become) and bool(effect.terms))


def _says_absent(effect: Write) -> bool:
    return isinstance(effect, Lose | Become) or (isinstance(effect, Copy) and effect.replace)


# The question, asked of a partial assignment


def _same_location(first: _Reached, second: _Reached, look: Partial) -> bool | Unknown:
    def where(reached: _Reached) -> object:
        effect = reached.effect
        args = effect.target.args if isinstance(effect, Assign) else effect.place.args or ()
        return look.index(args, reached.env)

    return look.equal(where(first), where(second))


def _disagree(first: _Reached, second: _Reached, look: Partial) -> bool | Unknown:
    if isinstance(first.effect, Assign) and isinstance(second.effect, Assign):
        values = look.value(first.effect.value, first.env), look.value(second.effect.value, second.env)
        if any(isinstance(value, Absent) for value in values):
            return False
        return negated(look.equal(*values))
    opinions = []
    for reached in (first, second):
        opinion = _opinion(reached, look)
        if isinstance(opinion, Absent):
            return False
        opinions.append(opinion)
    one, other = opinions
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    return disjunction(
        conjunction((yes.present(term, look), no.absent(term, look)))
        for term in _at_issue(one, other, look)
        for yes, no in ((one, other), (other, one))
    )


@dataclass(frozen=True)
class _Opinion:
    """What an effect says of the terms in its place: of `terms` (`only`: of no others), or what `copied` has."""

    effect: Write
    terms: frozenset[Term]
    only: bool
    copied: PlaceName | None

    def present(self, term: Term, look: Partial) -> bool | Unknown:
        if self.copied is not None:
            return look.has(self.copied, term)
        return not isinstance(self.effect, Lose) and term in self.terms

    def absent(self, term: Term, look: Partial) -> bool | Unknown:
        if self.copied is not None:
            return negated(look.has(self.copied, term)) if _says_absent(self.effect) else False
        if isinstance(self.effect, Lose):
            return term in self.terms
        return isinstance(self.effect, Become) and term not in self.terms


def _opinion(reached: _Reached, look: Partial) -> _Opinion | Absent | Unknown:
    effect, env = reached.effect, reached.env
    assert not isinstance(effect, Assign)
    if isinstance(effect, Copy):
        index = look.index(effect.origin.args or (), env)
        if isinstance(index, Absent | Unknown):
            return index
        return _Opinion(effect, frozenset(), False, PlaceName(effect.origin.name, index))
    written = [term for term, _ in effect.terms] if isinstance(effect, Become) else [effect.term]
    terms = [look.term(term, env) for term in written]
    if any(isinstance(term, Absent) for term in terms):
        return Absent.MISSING
    if any(isinstance(term, Unknown) for term in terms):
        return UNKNOWN
    closed = frozenset(term for term in terms if not isinstance(term, Absent | Unknown))
    return _Opinion(effect, closed, not isinstance(effect, Become), None)


def _at_issue(one: _Opinion, other: _Opinion, look: Partial) -> Iterator[Term]:
    """The terms about which both may say something: the fewest that decide."""
    for opinion in (one, other):
        if opinion.only:
            return iter(sorted(opinion.terms, key=str))
    listed = sorted(one.terms | other.terms, key=str)
    if one.copied is None and other.copied is None:
        return iter(listed)
    return chain(listed, look.universe)


# What is told


def _conflict(
    action: Action, env: Env, first: _Reached, second: _Reached, state: dict[Variable, Value | ActionName]
) -> Diagnostic:
    variables = [f"`{param.shown}` is {show_value(env[param.name])}" for param in action.params]
    facts = [fact for variable, value in state.items() for fact in _fact(variable, value)]
    circumstances = ", ".join(variables + facts) or "every state"
    return Diagnostic(
        "KF301",
        f"two effects of `{action.name}` can disagree about `{first.target}`",
        first.effect.span,
        (Label(second.effect.span, f"the other effect{_iteration(first, second)}"),),
        f"they do where {circumstances}; make one of them conditional, or the guard narrower",
    )


def _iteration(first: _Reached, second: _Reached) -> str:
    if first.effect.span != second.effect.span:
        return ""
    return ": the same one, for another value of its `for`"


def _undecided(action: Action, first: _Reached, second: _Reached) -> Diagnostic:
    return Diagnostic(
        "KF302",
        f"whether two effects of `{action.name}` can disagree about `{first.target}` takes too long to find out",
        first.effect.span,
        (Label(second.effect.span, "the other effect"),),
        "put them into the branches of one `if`, or give them simpler conditions",
    )


def _fact(variable: Variable, value: Value | ActionName) -> Iterator[str]:
    match variable:
        case ControlName() | StateName():
            assert not isinstance(value, ActionName)
            yield f"`{variable}` is {show_value(value)}"
        case Content(None, term):
            if value:
                yield f"`{term}` was observed"
        case Content(place, term):
            yield f"`{place}` {'has' if value else 'lacks'} `{term}`"
        case LastStep():
            yield f"the last step was `{value}`" if value is not None else "it is the first state"
        case Before():
            yield f"a condition on the past {'held' if value else 'did not hold'} before"
        case Follows():
            pass  # the contents that make it so are listed
