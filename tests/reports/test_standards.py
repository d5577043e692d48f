"""Every property maps to clauses of standards, or says why none asks for it; a file that does not say so is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyfate.language.library import folder
from keyfate.language.loading import load, shared_properties
from keyfate.language.source import LifecycleError
from keyfate.policy.standards import load_standards

HEAD = """\
[standards]
rule = "The rule book"
[clauses.keep]
standard = "rule"
number = "1"
reading = "keys are kept"
known = "read"
"""


def shipped() -> set[str]:
    """The shared properties, and what lifecycles ask of their own."""
    names = set(shared_properties())
    for path in folder("models").glob("*.kf"):
        names |= {rule.template for rule in load(path).lifecycle.properties}
    return names


def test_every_property_maps_or_says_why_not() -> None:
    mapped = load_standards()
    assert mapped.keys() == shipped()
    for found in mapped.values():
        assert bool(found.clauses) != bool(found.none)
        assert all(clause.standard and clause.reading for clause in found.clauses)


@pytest.mark.parametrize(
    ("properties", "code", "said", "at"),
    [
        ('[properties.p]\nclauses = ["kept"]', "KF541", "did you mean `keep`?", '"kept"'),
        ("[properties.p]\nclauses = []", "KF542", "neither clauses nor a reason", "[properties.p]"),
        ('[properties.p]\nclauses = ["keep"]\nnone = "why"', "KF542", "and a reason for none", "[properties.p]"),
        ('[properties.p]\nclause = ["keep"]', "KF503", "did you mean `clauses`?", "clause"),
        ('[properties.p]\nclauses = "keep"', "KF504", "should be a valid list", '"keep"'),
        (
            '[clauses.x]\nstandard = "rules"\nnumber = "2"\nreading = "x"\nknown = "read"\n[properties]',
            "KF541",
            "did you mean `rule`?",
            '"rules"',
        ),
        (
            '[clauses.x]\nstandard = "rule"\nnumber = "2"\nreading = "x"\nknown = "heard"\n[properties]',
            "KF504",
            "should be `read`, `listed` or `recalled`",
            '"heard"',
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(tmp_path: Path, properties: str, code: str, said: str, at: str) -> None:
    path = tmp_path / "standards.toml"
    path.write_text(f"{HEAD}{properties}\n", encoding="utf-8")
    with pytest.raises(LifecycleError) as caught:
        load_standards(path)
    (found,) = caught.value.diagnostics
    assert (found.code, found.span.text) == (code, at)
    assert said in f"{found.message} {found.help}"


def test_every_clause_serves_a_property() -> None:
    text = (folder("properties") / "standards.toml").read_text(encoding="utf-8")
    readings = {clause.reading for found in load_standards().values() for clause in found.clauses}
    assert text.count("\n[clauses.") == len(readings)
