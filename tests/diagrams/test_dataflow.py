"""The data-flow diagram against every term that the interpreter sees move, and everything that it sees observed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diagrams.exploring import TEXTS, Policy, bare, family, world
from keyfate.checking.naming import Namer
from keyfate.diagrams.dataflow import dataflow
from keyfate.diagrams.figure import Edge, Figure
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.names import CapabilityName, ControlName
from keyfate.lifecycle.problem import Settings
from keyfate.policy.loading import load_policy
from vault import furnish

RELAY = """
  lifecycle relay
  control mirrored : bool
  capability tap "listens" capability probe "probes" capability spy "looks" capability inject "writes"
  component chip inside "the chip" component vault inside component host outside component idle outside
  secret key_, text
  place safe persistent at vault starts with key_
  place ram volatile at chip
  place wire persistent at host
  place copy persistent at host
  exposes wire to tap when mirrored = true
  exposes ram to tap and probe
  exposes copy to spy
  action write by chip then ram gains text
  action send by chip then wire gains enc(key_, text) using safe, ram; leaks key_ using safe to probe
  action mirror by host when mirrored then copy gains all of wire
  action forge by attacker needs inject when attacker knows text then wire gains text
  action magic by host then copy gains key_ ideal
"""


def lines(figure: Figure, *kinds: str) -> set[tuple[str, str, str]]:
    return {(e.source, e.target, line) for e in figure.edges if e.kind in kinds for line in e.label.split("\n")}


def test_a_diagram_that_one_knows_by_heart() -> None:
    figure = dataflow(bare(RELAY))
    assert lines(figure, "flow") == {
        ("component chip", "place ram", "text (write)"),
        ("place wire", "place copy", "all that it holds (mirror)"),
        ("attacker", "place wire", "text (forge)"),
        ("component host", "place copy", "ideal: key_ (magic)"),
    }
    assert lines(figure, "crossing") == {
        ("place safe", "place wire", "enc(key_, text) (send)"),
        ("place ram", "place wire", "enc(key_, text) (send)"),
    }
    assert lines(figure, "exposed") == {
        ("place wire", "capability tap", "when mirrored = true"),
        ("place ram", "capability tap and probe", ""),
        ("place copy", "capability spy", ""),
    }
    assert lines(figure, "leak") == {("place safe", "capability probe", "key_ (send)")}
    assert {(c.name, c.parent, c.boundary) for c in figure.clusters} == {
        ("trust boundary", None, True),
        ("frame chip", "trust boundary", False),
        ("frame vault", "trust boundary", False),
        ("frame host", None, False),
        ("frame idle", None, False),
        ("attackers", None, False),
    }
    assert {n.name: n.cluster for n in figure.nodes}["component idle"] == "frame idle"
    assert "nobody sees: safe" in figure.notes


def test_what_a_policy_rules_out_is_not_drawn() -> None:
    settings = Settings({ControlName("mirrored"): False}, {CapabilityName("spy"): False})
    figure = dataflow(replace(bare(RELAY), settings=settings))
    assert not [line for _, _, line in lines(figure, "flow", "crossing") if "mirror" in line]
    assert {target for _, target, _ in lines(figure, "exposed")} == {"capability tap and probe"}
    assert figure.notes[:2] == ("with mirrored = false", "off under this policy: spy")


def moved(policy: Policy) -> set[tuple[str, str, str]]:
    """Place, term's family and action, of every term that came into a place."""
    namer = Namer(policy.lifecycle)
    return {
        (place.name, family(namer, term), step.action.name)
        for step in world(policy).steps
        for place, content in step.after.places.items()
        for term in content - step.before.places[place]
    }


def told(figure: Figure) -> set[tuple[str, str, str]]:
    return {
        (target.removeprefix("place "), what, action)
        for _, target, line in lines(figure, "flow", "crossing")
        for what, _, actions in [line[:-1].rpartition(" (")]
        for action in actions.split(", ")
    }


@pytest.mark.parametrize("name", TEXTS)
def test_every_term_that_moves_has_its_flow_and_every_flow_its_term(name: str) -> None:
    policy = bare(TEXTS[name])
    assert told(dataflow(policy)) == moved(policy)


def test_the_same_under_a_policy(tmp_path) -> None:
    policy = load_policy(furnish(tmp_path) / "flash.policy.toml")
    assert told(dataflow(policy)) == moved(policy)


@pytest.mark.parametrize("name", TEXTS)
def test_sources_yield_what_flows_from_them(name: str) -> None:
    """Where a term with sources came into a place, the places that flow there yield it together."""
    policy = bare(TEXTS[name])
    namer = Namer(policy.lifecycle)
    interpreter = Interpreter(policy.lifecycle, {}, {}, watch=())
    edges = dataflow(policy).edges
    for step in world(policy).steps:
        for place, content in step.after.places.items():
            for term in content - step.before.places[place]:
                flow = f"{family(namer, term)} ("
                into = [e for e in edges if e.target == f"place {place.name}" and names(e, flow, step.action.name)]
                assert into
                sources = {e.source.removeprefix("place ") for e in into if e.source.startswith("place ")}
                held = {t for p, inside in step.before.places.items() if p.name in sources for t in inside}
                if sources:
                    assert term in interpreter._evaluator.deduction.closure(held)


def names(edge: Edge, flow: str, action: str) -> bool:
    return any(line.startswith(flow) and action in line[len(flow) : -1].split(", ") for line in edge.label.split("\n"))


@pytest.mark.parametrize("name", TEXTS)
def test_every_exposure_that_shows_something_is_drawn_and_no_other(name: str) -> None:
    policy = bare(TEXTS[name])
    seen = set()
    for state in world(policy).states:
        for exposure in policy.lifecycle.exposures:
            if any(content for place, content in state.places.items() if place.name == exposure.place.name):
                what = " and ".join(reference.name for reference in exposure.capabilities)
                seen.add((f"place {exposure.place.name}", f"capability {what}"))
    assert {(e.source, e.target) for e in dataflow(policy).edges if e.kind == "exposed"} == seen
