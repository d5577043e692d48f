"""The engine, the plain interpreter and the certifier agree on small lifecycles drawn at random."""

from __future__ import annotations

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.certifier.certify import Certifier
from keyfate.engines.decide import Engine
from keyfate.language.loading import load_text
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.problem import (
    Enabled,
    OutOfRange,
    Problem,
    Reach,
    Reached,
    Settings,
    Target,
    Undecided,
    Unreachable,
)
from keyfate.policy.admissible import completions


def questions(of: Lifecycle) -> list[tuple[Target, bool]]:
    """Every property, every action, every range; with and without attackers where that matters."""
    asked: list[tuple[Target, bool]] = [
        (Reach(rule.binders, rule.target), rule.kind == "possible") for rule in of.properties
    ]
    asked += [(Enabled(frozenset({action.name})), honest) for action in of.actions for honest in (False, True)]
    return [*asked, (OutOfRange(), False)]


# A failure prints the text; shrinking such texts takes minutes and tells little more.
@settings(max_examples=max(500, settings().max_examples), phases=(Phase.explicit, Phase.generate))
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
    assume(next(completions(of, fixed), None) is not None)  # of no setting nothing is proved
    power = {name: data.draw(st.booleans()) for name in capability_names(of) if data.draw(st.booleans())}
    engine, certifier = Engine(of, remembering=data.draw(st.booleans())), Certifier(of)
    for target, honest in questions(of):
        # That capabilities are off in an honest run goes without saying.
        problem = Problem(of, Settings(fixed, {} if honest else power), target, honest)
        finding = engine.decide(problem)
        truth = explore(problem, limit=400).finding
        if isinstance(truth, Reached):
            assert isinstance(finding, Reached), problem
            assert len(finding.trace.actions) == len(truth.trace.actions), problem
        elif isinstance(truth, Unreachable):
            assert isinstance(finding, Unreachable), problem
        else:
            assert isinstance(truth, Undecided)
        judgement = certifier.certify(problem, finding)
        assert judgement.accepted, (judgement.reason, problem)
