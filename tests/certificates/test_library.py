"""Certificates of the shipped library: written for every verdict, accepted by every judge, and by Z3 as texts.

Of each lifecycle one policy in eight, of each a sixth of its properties; all of it with `--hypothesis-profile deep`.
"""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import z3

import sampling
from certificates.shelf import load, put, written
from keyfate.checking.certificate_reading import read_certificate
from keyfate.checking.certifying import Bench, Judged
from keyfate.checking.shelf import Shelf
from keyfate.policy.loading import load_policy

POLICIES = sampling.policies(8)
SHARE = 1 if sampling.DEEP else 6
JUDGES = {"never_reached": {"z3", "cvc5"}, "reached": {"z3", "interpreter", "twin"}}


@pytest.mark.parametrize("number", range(len(POLICIES)), ids=map(sampling.name, POLICIES))
def test_every_judge_accepts(number: int, tmp_path: Path, root: Path) -> None:
    path = POLICIES[number]
    names = tuple(rule.name for rule in load_policy(path).lifecycle.properties)[number % SHARE :: SHARE]
    report, kept = written([path], only=names)
    assert [one.property for one in kept] == [r.property for r in sorted(report.results, key=_possible_first)]
    shelf, bench = Shelf(), Bench(60.0)
    schema = load(root / "reports" / "certificate.schema.json")
    for certificate in put(kept, tmp_path):
        data = load(certificate)
        jsonschema.Draft202012Validator(schema).validate(data)
        found = bench.judge(read_certificate(certificate, None, shelf))
        assert found.answered == "accepted", found.rulings
        for claim, said in enumerate(data["claims"], start=1):
            kind = next(iter(said.keys() - {"problem"}))
            assert _judges(found, claim) == JUDGES[kind]
            for part, name in said.get("never_reached", {}).get("smtlib", {}).items():
                solver = z3.Solver()
                solver.from_string((tmp_path / name).read_text(encoding="utf-8"))
                assert str(solver.check()) == ("sat" if part == "admissible" else "unsat"), name


def _judges(found: Judged, claim: int) -> set[str]:
    return {ruling.judge for ruling in found.rulings if ruling.claim == claim}


def _possible_first(result: object) -> bool:
    return result.kind != "possible"
