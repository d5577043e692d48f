"""Certificates with one thing changed: refused, or right all the same by the plain interpreter."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from certificates.shelf import judged, load, put, read, right, save, written
from drawing import lifecycles
from keyfate.checking.certificates import property_data
from keyfate.checking.certifying import Bench
from keyfate.language.loading import load_text
from keyfate.language.source import LifecycleError
from keyfate.lifecycle.conflicts import conflicts
from vault import LIFECYCLE

INVARIANTS = [f"{policy}.{rule}.cert.json" for policy, rule in [("safe", "secrecy"), ("safe", "gone_is_gone")]]
INVARIANTS += ["safe.off_is_empty.cert.json", "flash.off_is_empty.cert.json", "flash.audited.cert.json"]


def mutants(data: dict) -> Iterator[dict]:
    """Every clause dropped, every literal turned, dropped or taken out of its group."""
    said = data["claims"][0]["never_reached"]["invariant"]

    def changed(group: str, value: object) -> dict:
        made = copy.deepcopy(data)
        made["claims"][0]["never_reached"]["invariant"][group] = value
        return made

    for place, terms in said["never_holds"].items():
        for term in terms:
            rest = said["never_holds"] | {place: [t for t in terms if t != term]}
            yield changed("never_holds", rest)
            made = changed("never_holds", rest)
            made["claims"][0]["never_reached"]["invariant"]["always"].append(f"place {place} has {term}")
            yield made
    for group in ("never_observed", "never", "always", "only_if", "whenever"):
        for number, row in enumerate(said[group]):
            others = [other for i, other in enumerate(said[group]) if i != number]
            yield changed(group, others)
            if group == "only_if":
                yield changed("only_if", [*others, [row[1], row[0], *row[2:]]])
                made = changed("only_if", others)
                made["claims"][0]["never_reached"]["invariant"]["whenever"].append({"all": [], "one_of": row})
                yield made
            if group == "whenever":
                yield changed(group, [*others, {"all": row["one_of"], "one_of": row["all"]}])
                for literal in row["all"]:
                    yield changed(group, [*others, row | {"all": [one for one in row["all"] if one != literal]}])


@pytest.mark.parametrize("name", INVARIANTS)
def test_no_mutant_of_an_invariant_is_wrongly_accepted(folder: Path, name: str) -> None:
    refused = 0
    for data in mutants(load(folder / name)):
        found = judged(save(data, folder / name))
        said = {ruling.judge: ruling.answered for ruling in found.rulings if ruling.claim == 1}
        assert said["z3"] == said["cvc5"]
        refused += found.answered == "refused"
        assert found.answered == "refused" or right(found.read)
    assert refused


@pytest.mark.parametrize("name", INVARIANTS[:4])
def test_the_invariant_of_another(folder: Path, name: str) -> None:
    """Of another property, or of another policy."""
    data, refused = load(folder / name), 0
    for other in INVARIANTS:
        if other != name:
            data["claims"][0]["never_reached"] = load(folder / other)["claims"][0]["never_reached"]
            found = judged(save(data, folder / name))
            refused += found.answered == "refused"
            assert found.answered == "refused" or right(found.read)
    assert refused


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("safe.secrecy", "never attacker knows item[s]", "never attacker knows name[s]"),
        ("safe.off_is_empty", "never shelf[s] has item[s]", "never not shelf[s] has item[s]"),
        ("safe.off_is_empty", "then power := on; uses", "then uses"),
        ("safe.gone_is_gone", "by host when power = off\n", "by host when true\n"),
        ("safe.off_is_empty", "; clear shelf[s] }", " }"),
        ("safe.secrecy", "when not sealed[s]", "when sealed[s]"),
        ("safe.gone_is_gone", "if wipe { clear store }", "if not wipe { clear store }"),
        ("safe.gone_is_gone", "when power = gone never", "when power = off never"),
        ("flash.audited", "when power = on and power = off then", "when power = on then"),
    ],
)
def test_another_text_of_the_lifecycle(folder: Path, name: str, before: str, after: str) -> None:
    """A clause negated, a guard or an effect dropped: with the sums put right, the proof itself must fail."""
    text = LIFECYCLE.replace(before, after)
    assert text != LIFECYCLE
    (folder / "vault.kf").write_text(text, encoding="utf-8")
    path = folder / f"{name}.cert.json"
    with pytest.raises(LifecycleError):
        read(path)
    data = load(path)
    data["lifecycle"]["texts"][0]["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    rule = next(r for r in load_text(text).lifecycle.properties if r.name == data["property"]["name"])
    data["property"] = property_data(rule)
    found = judged(save(data, path))
    assert found.status == 5
    assert not right(found.read)
    assert {ruling.answered for ruling in found.rulings if ruling.claim == 1} == {"refused"}


@settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(text=lifecycles(), data=st.data())
def test_lifecycles_drawn_at_random(
    text: str, data: st.DataObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every verdict of a bare lifecycle has a certificate that all accept; a mutant that they accept is right."""
    assume(not conflicts(load_text(text).lifecycle))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drawn.kf").write_text(text, encoding="utf-8")
    report, kept = written([Path("drawn.kf")])
    settled = [r for r in report.results if r.verdict not in ("UNKNOWN", "BOUNDED", "DIVERGED")]
    assert len(kept) == len(settled)
    bench = Bench(60.0)
    for path in put(kept, tmp_path):
        found = bench.judge(read(path))
        assert found.answered == "accepted", found.rulings
        if found.read.claims[0].invariant is not None:
            choices = list(mutants(load(path)))
            if choices:
                save(data.draw(st.sampled_from(choices)), path)
                mutant = judged(path)
                assert mutant.answered == "refused" or right(mutant.read)
