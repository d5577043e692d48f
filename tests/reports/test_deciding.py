"""From a policy to verdicts: who is asked, and what it means when they disagree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from keyfate.checking.answering import fingerprint
from keyfate.checking.assembling import assemble
from keyfate.checking.deciding import PolicyCheck
from keyfate.checking.judges import Court, Deadline
from keyfate.checking.naming import Namer
from keyfate.checking.results import Report, Result, exit_status
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.lifecycle.basis import Basis
from keyfate.lifecycle.problem import Finding, NotWithin, Problem, Reach, Reached, Undecided, Unreachable
from keyfate.policy.loading import load_policy
from keyfate.policy.policy import Policy
from vault import furnish


@dataclass(frozen=True)
class Says:
    """A judge that always says the same."""

    accepted: bool = True
    gave_up: bool = False
    confirmed: bool = True
    reason: str = "because"
    clauses: int = 0
    evidence: tuple[str, ...] = ()

    def certify(self, problem: Problem, finding: Finding) -> Says:
        return self

    def uncovered(self, problem: Problem, traces: object) -> None:
        return None

    def __call__(self, problem: Problem, trace: object) -> Says:
        return self


@dataclass(frozen=True)
class Answers:
    """An engine that always answers the same."""

    finding: Finding

    def decide(self, problem: Problem, budget: object = None) -> Finding:
        return self.finding


@pytest.fixture(scope="module")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return load_policy(furnish(tmp_path_factory.mktemp("deciding")) / "flash.policy.toml")


@pytest.fixture(scope="module")
def court(flash: Policy) -> Court:
    return assemble(flash.lifecycle, "auto")


def ask(policy: Policy, court: Court, name: str, deadline: Deadline | None = None) -> Result:
    rule = next(r for r in policy.lifecycle.properties if r.name == name)
    return PolicyCheck(policy, court, Namer(policy.lifecycle), deadline or Deadline()).result(rule)


def by_name(report: Report, policy: str) -> dict[str, Result]:
    return {r.property: r for r in report.results if r.policy == policy}


def test_every_verdict_of_the_sample(report: Report) -> None:
    verdicts = {(r.policy, r.property): (r.verdict, r.steps, r.met) for r in report.results}
    assert verdicts == {
        ("safe", "secrecy"): ("PROVED", None, True),
        ("safe", "gone_is_gone"): ("PROVED", None, True),
        ("safe", "off_is_empty"): ("PROVED", None, True),
        ("safe", "audited"): ("VACUOUS", None, True),
        ("safe", "restores"): ("POSSIBLE", 2, True),
        ("flash", "secrecy"): ("VIOLATED", 2, False),
        ("flash", "gone_is_gone"): ("VIOLATED", 3, True),
        ("flash", "off_is_empty"): ("PROVED", None, True),
        ("flash", "audited"): ("VACUOUS", None, True),
        ("flash", "restores"): ("POSSIBLE", 2, True),
        ("(no policy)", "secrecy"): ("VIOLATED", 1, False),
        ("(no policy)", "gone_is_gone"): ("VIOLATED", 3, False),
        ("(no policy)", "off_is_empty"): ("PROVED", None, True),
        ("(no policy)", "audited"): ("VACUOUS", None, True),
        ("(no policy)", "restores"): ("DEPENDS", 2, True),
    }
    assert report.exit_status == 1


def test_every_verdict_is_certified_and_every_trace_confirmed(report: Report) -> None:
    for result in report.results:
        assert result.certificate is not None
        assert result.certificate.kind == ("invariant" if result.trace is None else "trace")
        assert result.confirmed is (None if result.trace is None else True)


def test_depends_has_a_setting_of_each_kind(report: Report) -> None:
    restores = by_name(report, "(no policy)")["restores"]
    assert restores.configuration["saving"] is True
    assert restores.fails_under is not None
    assert restores.fails_under["saving"] is False


def test_the_trace_tells_what_changed_and_what_was_seen(report: Report) -> None:
    secrecy = by_name(report, "flash")["secrecy"]
    assert secrecy.trace is not None
    assert secrecy.start is not None
    assert [s.action for s in secrecy.trace] == ["start", "stop"]
    assert [(s.term, s.place, s.capabilities) for s in secrecy.start.observed] == [("seed", "store", ("steal",))]
    start, stop = secrecy.trace
    assert {(c.name, c.before, c.after) for c in start.changes if c.kind == "state"} == {
        ("power", "off", "on"),
        ("uses", 0, 1),
    }
    gains = {c.name: c.gained for c in stop.changes if c.gained}
    assert gains == {f"disk[{s}]": (f"enc(box[{s}], item[{s}])",) for s in ("left", "right")}
    assert {s.place for s in stop.observed} == {"disk[left]", "disk[right]"}


def test_knowledge_is_a_tree_from_what_was_seen_to_the_secret(report: Report) -> None:
    secrecy = by_name(report, "flash")["secrecy"]
    assert secrecy.knowledge is not None
    (tree,) = secrecy.knowledge
    assert tree.term.startswith("item[")
    assert (tree.rule, tree.function) == ("decompose", "enc")
    blob, key = tree.premises
    assert (blob.rule, blob.step, blob.capabilities) == ("observed", 2, ("steal",))
    assert (key.rule, key.function, key.label) == ("compose", "kdf", "box")
    assert {(p.term.partition("[")[0], p.rule) for p in key.premises} == {("seed", "observed"), ("name", "public")}


def test_scope_and_basis(report: Report) -> None:
    safe = by_name(report, "safe")
    assert safe["secrecy"].scope.sorts == {"Shelf": 2}
    assert safe["secrecy"].scope.within == ("Count 0 .. 2",)
    assert by_name(report, "flash")["secrecy"].basis == "claimed"  # `stop` is
    assert by_name(report, "(no policy)")["secrecy"].basis == "documented"  # `start` alone
    assert by_name(report, "flash")["secrecy"].scope.within == ()


def test_dead_actions_are_listed(report: Report) -> None:
    assert {p.dead_actions for p in report.policies} == {("audit",)}


def test_locations_point_at_texts(report: Report, house: Path) -> None:
    secrecy = by_name(report, "flash")["secrecy"]
    lines = (house / "vault.kf").read_text(encoding="utf-8").splitlines()
    assert "property secrecy" in lines[secrecy.location.property.line - 1]
    assert [lines[at.line - 1].split()[1] for at in secrecy.location.actions] == ["start", "stop"]
    restores = by_name(report, "safe")["restores"].location.policy
    assert restores is not None
    policy = (house / "safe.policy.toml").read_text(encoding="utf-8").splitlines()
    assert policy[restores.line - 1].startswith("restores")


def test_fingerprints_are_of_names_and_not_of_lines(report: Report) -> None:
    secrecy = by_name(report, "flash")["secrecy"]
    assert secrecy.fingerprint == fingerprint("secrecy", ["start", "stop"])
    assert secrecy.fingerprint != fingerprint("secrecy", ["stop", "start"])


def test_engines_agree_on_the_sample(report: Report, house: Path) -> None:
    paths = [house / "safe.policy.toml", house / "flash.policy.toml", house / "vault.kf"]
    for engine in ("z3", "explicit"):
        other = open_session(paths, {}).check(Options(engine=engine, workers=1))
        assert [(r.property, r.verdict, r.steps) for r in other.results] == [
            (r.property, r.verdict, r.steps) for r in report.results
        ]


def test_more_processes_give_the_same_report(report: Report, house: Path) -> None:
    paths = [house / "safe.policy.toml", house / "flash.policy.toml", house / "vault.kf"]
    ticks: list[tuple[str, str]] = []
    other = open_session(paths, {}).check(Options(workers=2), lambda policy, rule: ticks.append((policy, rule)))
    assert replace(other, results=tuple(replace(r, seconds=0.0) for r in other.results)) == replace(
        report, results=tuple(replace(r, seconds=0.0) for r in report.results)
    )
    assert sorted(ticks) == sorted((r.policy, r.property) for r in report.results)


def test_one_policy_is_shared_among_processes(report: Report, house: Path) -> None:
    other = open_session([house / "flash.policy.toml"], {}).check(Options(workers=2))
    alone = open_session([house / "flash.policy.toml"], {}).check(Options(workers=1))
    timeless = [replace(r, results=tuple(replace(x, seconds=0.0) for x in r.results)) for r in (other, alone)]
    assert timeless[0] == timeless[1]


def test_a_certifier_that_refuses_a_proof_is_a_divergence(flash: Policy, court: Court) -> None:
    result = ask(flash, replace(court, certifier=Says(accepted=False)), "off_is_empty")
    assert result.verdict == "DIVERGED"
    assert result.reason == "ic3 found a proof that the certifier refuses: because"
    assert not result.met


def test_a_certifier_that_refuses_a_trace_is_a_divergence(flash: Policy, court: Court) -> None:
    result = ask(flash, replace(court, certifier=Says(accepted=False)), "secrecy")
    assert (result.verdict, result.steps) == ("DIVERGED", 2)
    assert "refuses" in (result.reason or "")


@pytest.mark.parametrize("name", ["off_is_empty", "secrecy"])
def test_a_certifier_that_gives_up_refuses_nothing(flash: Policy, court: Court, name: str) -> None:
    result = ask(flash, replace(court, certifier=Says(accepted=False, gave_up=True)), name)
    assert (result.verdict, result.reason, result.met) == ("UNKNOWN", "the certifier gave up: because", False)


def test_a_trace_that_bytes_do_not_confirm_is_a_divergence(flash: Policy, court: Court) -> None:
    result = ask(flash, replace(court, twin=Says(confirmed=False)), "secrecy")
    assert (result.verdict, result.confirmed) == ("DIVERGED", False)
    assert ask(flash, replace(court, twin=Says(confirmed=False)), "restores").verdict == "DIVERGED"


def test_a_trace_that_is_no_run_is_a_divergence(flash: Policy, court: Court) -> None:
    rule = flash.lifecycle.properties[0]
    finding = court.engine.decide(Problem(flash.lifecycle, flash.settings, Reach(rule.binders, rule.target)))
    assert isinstance(finding, Reached)
    swapped = replace(finding, trace=replace(finding.trace, actions=finding.trace.actions[::-1]))
    cut = replace(finding, trace=replace(finding.trace, actions=finding.trace.actions[:1]))
    easy = Court(flash.lifecycle, Answers(swapped), Says(), Says(), "liar", Basis(flash.lifecycle))
    assert ask(flash, easy, "secrecy").verdict == "DIVERGED"
    assert ask(flash, replace(easy, engine=Answers(cut)), "secrecy").verdict == "DIVERGED"
    assert ask(flash, replace(easy, engine=Answers(finding)), "secrecy").verdict == "VIOLATED"


def test_no_answer_is_not_a_pass(flash: Policy, court: Court) -> None:
    for finding, verdict in ((Undecided("out of time"), "UNKNOWN"), (NotWithin(7), "BOUNDED")):
        for name in ("off_is_empty", "restores"):
            result = ask(flash, replace(court, engine=Answers(finding)), name)
            assert (result.verdict, result.met) == (verdict, False)
            assert exit_status((), (result,)) == 3


def test_a_proof_without_an_invariant_says_so(flash: Policy, court: Court) -> None:
    result = ask(flash, replace(court, engine=Answers(Unreachable(None)), name="explicit"), "off_is_empty")
    assert result.certificate is not None
    assert (result.certificate.kind, result.basis) == ("exhaustive", "claimed")


def test_a_deadline_that_has_passed_leaves_everything_unknown(flash: Policy, court: Court) -> None:
    result = ask(flash, court, "off_is_empty", Deadline(0.0))
    assert (result.verdict, result.reason) == ("UNKNOWN", "the time given was up")


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["PROVED", "POSSIBLE"], 0),
        (["PROVED", "VACUOUS"], 0),
        (["VACUOUS"], 4),
        ([], 4),
        (["UNKNOWN", "VACUOUS"], 3),
        (["BOUNDED", "PROVED"], 3),
        (["VIOLATED", "UNKNOWN"], 1),
        (["DIVERGED", "VIOLATED", "UNKNOWN"], 5),
    ],
)
def test_the_first_status_that_applies(report: Report, verdicts: list[str], status: int) -> None:
    one = report.results[0]
    met = ("PROVED", "POSSIBLE", "VACUOUS")
    results = [replace(one, verdict=v, met=v in met, required="PROVED") for v in verdicts]
    assert exit_status(report.policies, results) == status
    optional = [replace(r, required=None, met=True) for r in results]
    assert exit_status(report.policies, optional) == {5: 5, 4: 4}.get(status, 0)


def test_judges_that_disagree_about_the_whole_are_not_hidden(report: Report) -> None:
    met = [replace(report.results[0], met=True)]
    assert exit_status([replace(report.policies[0], diverged="both sides")], met) == 5


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_keeps_what_was_decided(house: Path, workers: int) -> None:
    paths = [house / "safe.policy.toml", house / "flash.policy.toml", house / "vault.kf"]
    heard: list[str] = []

    def tick(policy: str, rule: str) -> None:
        heard.append(rule)
        if len(heard) == 2:
            raise KeyboardInterrupt

    report = open_session(paths, {}).check(Options(workers=workers), tick)
    assert [r.property for r in report.results] == 3 * [
        "secrecy",
        "gone_is_gone",
        "off_is_empty",
        "audited",
        "restores",
    ]
    left = [r for r in report.results if r.verdict == "UNKNOWN"]
    assert left
    assert {r.reason for r in left} == {"interrupted"}
    assert len(report.results) - len(left) == len(heard)
    assert all(not r.met for r in left if r.required)


def test_an_interrupt_of_the_look_for_dead_actions_ends_the_run(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was taken for the end of that policy alone, and the next one was begun."""

    def interrupted(self: PolicyCheck) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PolicyCheck, "dead_actions", interrupted)
    report = open_session([house / "safe.policy.toml", house / "flash.policy.toml"], {}).check(Options(workers=1))
    first, second = report.results[:5], report.results[5:]
    assert all(r.verdict != "UNKNOWN" for r in first)
    assert {(r.verdict, r.reason) for r in second} == {("UNKNOWN", "interrupted")}
    assert report.policies[0].dead_actions is None
