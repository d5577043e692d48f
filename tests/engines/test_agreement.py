"""The engine, the plain interpreter and the certifier agree on small lifecycles drawn at random."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.certifier.certify import Certifier
from keyfate.engines.decide import Engine
from keyfate.language.loading import load_text
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.problem import Enabled, OutOfRange, Problem, Reach, Reached, Settings, Undecided, Unreachable


def problems(of: Lifecycle, settings: Settings) -> list[Problem]:
    targets = [(Reach(rule.binders, rule.target), rule.kind == "possible") for rule in of.properties]
    targets += [(Enabled(frozenset({action.name})), honest) for action in of.actions for honest in (False, True)]
    return [Problem(of, settings, target, honest) for target, honest in [*targets, (OutOfRange(), False)]]


@given(lifecycles(), st.data())
def test_engine_interpreter_and_certifier_agree(text: str, data: st.DataObject) -> None:
    of = load_text(text).lifecycle
    assume(not conflicts(of))
    domains = control_domains(of)
    fixed = {
        name: data.draw(st.sampled_from(domains[name.name].values))
        for name in control_names(of)
        if data.draw(st.booleans())
    }
    power = {name: data.draw(st.booleans()) for name in capability_names(of) if data.draw(st.booleans())}
    settings = Settings(fixed, power)
    engine, certifier = Engine(of), Certifier(of)
    for problem in problems(of, settings):
        finding = engine.decide(problem)
        truth = explore(problem, limit=2_000).finding
        if isinstance(truth, Reached):
            assert isinstance(finding, Reached), problem.target
            assert len(finding.trace.actions) == len(truth.trace.actions), problem.target
        elif isinstance(truth, Unreachable):
            assert isinstance(finding, Unreachable), problem.target
        else:
            assert isinstance(truth, Undecided)
        judgement = certifier.certify(problem, finding)
        assert judgement.accepted, (judgement.reason, problem.target)
