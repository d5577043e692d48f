"""Problems and findings as plain data, and back: the one place that knows how each field is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from keyfate.checking.claims import Claim
from keyfate.language.typed import Lifecycle, Param, Property, Value
from keyfate.lifecycle.names import BitLiteral, Clause, Holds, Observed, StateName, show_value
from keyfate.lifecycle.problem import Implicant, Invariant, Problem, Reach, Reached, Settings, Trace, Unreachable
from keyfate.lifecycle.spelling import Spelling, SpellingError

Data = dict[str, Any]  # as JSON has it, of the shape that reports/certificate.schema.json describes


# To data


def claim_data(claim: Claim, rule: Property, spelling: Spelling) -> Data:
    """The claim, which is about `rule`; files of questions are named by who writes them."""
    data: Data = {"problem": problem_data(claim.problem, rule)}
    if isinstance(claim.finding, Reached):
        return data | {"reached": _trace_data(claim.finding)}
    assert claim.invariant is not None
    return data | {"never_reached": _proof_data(claim.invariant, spelling)}


def problem_data(problem: Problem, rule: Property) -> Data:
    target = problem.target
    assert isinstance(target, Reach)
    if target.condition == rule.target:
        part = "target"
    else:
        assert target.condition == rule.when
        part = "when"
    confined = target.binders != rule.binders
    instance = [show_value(p.domain.values[0]) for p in target.binders] if confined else None
    return {
        "target": {"property": rule.name, "part": part, "instance": instance},
        "settings": settings_data(problem.settings),
        "honest": problem.honest,
        "excluded": [_implicant_data(implicant) for implicant in problem.excluded],
    }


def _implicant_data(implicant: Implicant) -> Data:
    return {
        "controls": {str(name): list(map(show_value, values)) for name, values in implicant.controls},
        "capabilities": {str(name): on for name, on in implicant.capabilities},
    }


def settings_data(settings: Settings) -> Data:
    return {
        "controls": {str(name): show_value(value) for name, value in settings.controls.items()},
        "capabilities": {str(name): on for name, on in settings.capabilities.items()},
    }


def _trace_data(found: Reached) -> Data:
    trace = found.trace
    return {
        "controls": {str(name): show_value(value) for name, value in trace.controls},
        "capabilities": {str(name): on for name, on in trace.capabilities},
        "initial": {str(name): show_value(value) for name, value in trace.initial},
        "actions": [str(action) for action in trace.actions],
        "shortest": found.shortest,
    }


def _proof_data(invariant: Invariant, spelling: Spelling) -> Data:
    """Grouped for people: what places never hold and nobody ever sees first, what is left last."""
    holds: dict[str, list[str]] = {}
    observed, never, always, only_if, whenever = [], [], [], [], []
    for clause in invariant.clauses:
        if len(clause) == 1 and not clause[0].positive:
            match clause[0].bit:
                case Holds(place, term):
                    holds.setdefault(str(place), []).append(spelling.show_term(term))
                case Observed(term):
                    observed.append(spelling.show_term(term))
                case bit:
                    never.append(spelling.show(bit))
            continue
        if_all = sorted(spelling.show(literal.bit) for literal in clause if not literal.positive)
        one_of = sorted(spelling.show(literal.bit) for literal in clause if literal.positive)
        if not if_all and len(one_of) == 1:
            always.append(one_of[0])
        elif len(if_all) == 1 and one_of:
            only_if.append([if_all[0], *one_of])
        else:
            whenever.append({"all": if_all, "one_of": one_of})
    return {
        "invariant": {
            "never_holds": {place: sorted(holds[place]) for place in sorted(holds)},
            "never_observed": sorted(observed),
            "never": sorted(never),
            "always": sorted(always),
            "only_if": sorted(only_if),
            "whenever": sorted(whenever, key=lambda row: (row["all"], row["one_of"])),
        },
        "rests_on": sorted(invariant.actions),
        "smtlib": {},
    }


# From data; each raises SpellingError where a text names nothing


def read_claim(data: Data, lifecycle: Lifecycle, rule: Property, spelling: Spelling) -> Claim:
    problem = read_problem(data["problem"], lifecycle, rule, spelling)
    if "reached" in data:
        return Claim(problem, _read_trace(data["reached"], spelling))
    return Claim(problem, Unreachable(_read_invariant(data["never_reached"], lifecycle, spelling)))


def read_problem(data: Data, lifecycle: Lifecycle, rule: Property, spelling: Spelling) -> Problem:
    asked = data["target"]
    if asked["property"] != rule.name:
        raise SpellingError(f"`{asked['property']}` is not the property that the certificate is about")
    condition = rule.target if asked["part"] == "target" else rule.when
    if condition is None:
        raise SpellingError(f"`{rule.name}` has no `when`")
    binders = rule.binders
    if asked["instance"] is not None:
        binders = tuple(_instance(rule, asked["instance"]))
    return Problem(
        lifecycle,
        read_settings(data["settings"], spelling),
        Reach(binders, condition),
        honest=data["honest"],
        excluded=tuple(_read_implicant(implicant, spelling) for implicant in data["excluded"]),
    )


def _read_implicant(data: Data, spelling: Spelling) -> Implicant:
    controls = {spelling.control(name): texts for name, texts in data["controls"].items()}
    return Implicant(
        tuple((name, tuple(spelling.control_value(name, text) for text in texts)) for name, texts in controls.items()),
        tuple((spelling.capability(name), on) for name, on in data["capabilities"].items()),
    )


def _instance(rule: Property, texts: list[str]) -> Iterator[Param]:
    if len(texts) != len(rule.binders):
        raise SpellingError(f"`{rule.name}` has {len(rule.binders)} variables, and {len(texts)} values are given")
    for param, text in zip(rule.binders, texts, strict=True):
        values = tuple(value for value in param.domain.values if show_value(value) == text)
        if not values:
            raise SpellingError(f"`{text}` is no value of `{param.shown}`")
        yield replace(param, domain=replace(param.domain, values=values))


def read_settings(data: Data, spelling: Spelling) -> Settings:
    controls = {spelling.control(name): text for name, text in data["controls"].items()}
    return Settings(
        {name: spelling.control_value(name, text) for name, text in controls.items()},
        {spelling.capability(name): on for name, on in data["capabilities"].items()},
    )


def _read_trace(data: Data, spelling: Spelling) -> Reached:
    settings = read_settings(data, spelling)

    def first(name: str, text: str) -> tuple[StateName, Value]:
        state = spelling.state(name)
        return state, spelling.state_value(state, text)

    trace = Trace(
        controls=tuple(settings.controls.items()),
        capabilities=tuple(settings.capabilities.items()),
        initial=tuple(first(name, text) for name, text in data["initial"].items()),
        actions=tuple(map(spelling.action, data["actions"])),
    )
    return Reached(trace, shortest=data["shortest"])


def _read_invariant(data: Data, lifecycle: Lifecycle, spelling: Spelling) -> Invariant:
    said = data["invariant"]
    clauses: list[Clause] = []

    def clause(if_all: Iterable[str], one_of: Iterable[str]) -> Clause:
        negative = (BitLiteral(spelling.bit(text), False) for text in if_all)
        return (*negative, *(BitLiteral(spelling.bit(text), True) for text in one_of))

    for place, terms in said["never_holds"].items():
        name = spelling.place(place)
        clauses += [(BitLiteral(Holds(name, spelling.term(term)), False),) for term in terms]
    clauses += [(BitLiteral(Observed(spelling.term(term)), False),) for term in said["never_observed"]]
    clauses += [clause([text], []) for text in said["never"]]
    clauses += [clause([], [text]) for text in said["always"]]
    clauses += [clause(row[:1], row[1:]) for row in said["only_if"]]
    clauses += [clause(row["all"], row["one_of"]) for row in said["whenever"]]
    known = {action.name for action in lifecycle.actions}
    for name in data["rests_on"]:
        if name not in known:
            raise SpellingError(f"`{lifecycle.name}` has no action `{name}`")
    return Invariant(tuple(clauses), frozenset(data["rests_on"]))
