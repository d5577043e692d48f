"""Every example of docs/language.md says what it must give, and gives it.

A fenced block marked `kf` is a lifecycle, or the rest of one behind the block that says `-- expect: prelude`.
Its comments tell what to expect:

    -- expect: checks                    no error; warnings are named one by one
    -- expect: error KF232 at `words`    exactly these errors, with the words underlined
    -- expect: warning KF304             exactly these warnings
    -- expect: opened VIOLATED in 2      the verdict of a property, and the length of a shortest trace
    -- expect: dead_action cannot happen
    -- expect: 7 terms                   the size of the universe
    -- scope: Platform=3                 the sizes of sorts
    -- lint: names                       warnings are all that `keyfate lint` gives
    -- file: parts/tpm.kf                this block is a file that later blocks include

Verdicts are the plain interpreter's, over every admissible setting; engine, certifier and twin have to agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.checking.linting import lint_lifecycle
from keyfate.engines.decide import Engine
from keyfate.language.loading import Loaded, load_text, shared_properties
from keyfate.language.source import LifecycleError
from keyfate.language.typed import Domain, Lifecycle, Param, Property
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.instances import assignments, control_domains, control_names
from keyfate.lifecycle.interpreter import Interpreter
from keyfate.lifecycle.lints import lint
from keyfate.lifecycle.problem import (
    Enabled,
    Finding,
    OutOfRange,
    Problem,
    Reach,
    Reached,
    Settings,
    Target,
    Unreachable,
)
from keyfate.lifecycle.universe import universe
from keyfate.twin.confirm import confirm

DOCUMENT = Path(__file__).parents[2] / "docs" / "language.md"


@dataclass(frozen=True)
class Example:
    """A block, and the heading that it stands under."""

    heading: str
    line: int
    text: str

    def said(self, word: str) -> list[str]:
        return re.findall(rf"^\s*-- {word}: (.+?)\s*$", self.text, re.MULTILINE)


def blocks() -> Iterator[Example]:
    heading, inside, start = "", None, 0
    for number, line in enumerate(DOCUMENT.read_text(encoding="utf-8").splitlines(), start=1):
        if inside is None and line.startswith("#"):
            heading = line.strip("# ")
        elif inside is None and line.rstrip() == "```kf":
            inside, start = [], number
        elif inside is not None and line.rstrip() == "```":
            yield Example(heading, start, "\n".join(inside) + "\n")
            inside = None
        elif inside is not None:
            inside.append(line)


BLOCKS = list(blocks())
PRELUDE = "".join(block.text for block in BLOCKS if "prelude" in block.said("expect"))
EXAMPLES = [block for block in BLOCKS if not block.said("file")]


def whole(example: Example) -> str:
    begins = re.search(r"^lifecycle\b", example.text, re.MULTILINE)
    return example.text if begins else PRELUDE + example.text


def loaded(example: Example, folder: Path) -> Loaded:
    for block in BLOCKS:
        for name in block.said("file"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(block.text, encoding="utf-8")
    scope = dict(pair.split("=") for said in example.said("scope") for pair in said.split(", "))
    return load_text(whole(example), str(folder / "example.kf"), scope={k: int(v) for k, v in scope.items()})


def told(example: Example, folder: Path) -> tuple[list[str], Lifecycle | None]:
    """Every diagnostic as the document would name it, and the lifecycle if it can be used."""
    try:
        result = loaded(example, folder)
        lifecycle = result.lifecycle
        found = [*result.warnings, *conflicts(lifecycle), *lint(lifecycle)]
        if example.said("lint"):
            found = [*lint_lifecycle(replace(result, warnings=tuple(found)), shared_properties())]
    except LifecycleError as error:
        found, lifecycle = list(error.diagnostics), None
    return [f"{d.severity} {d.code} at `{' '.join(d.span.text.split())}`" for d in found], lifecycle


# Verdicts: the interpreter's, which the engine must find too, the certifier accept and the twin re-enact


class Judges:
    """All who have a say about one lifecycle."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.engine = Engine(lifecycle)
        self.certifier = Certifier(lifecycle)

    def length(self, target: Target, settings: Settings | None = None, *, honest: bool = False) -> int | None:
        """How many actions a shortest trace to the target has; None where nothing leads there."""
        problem = Problem(self.lifecycle, settings or Settings(), target, honest)
        plain = explore(problem).finding
        assert isinstance(plain, Reached | Unreachable)
        fast = self.engine.decide(problem)
        assert length_of(fast) == length_of(plain)
        judgement = self.certifier.certify(problem, fast)
        assert judgement.accepted, judgement.reason
        if isinstance(fast, Reached):
            for found in (plain, fast):
                confirmation = confirm(problem, found.trace)
                assert confirmation.confirmed, confirmation.reason
        return length_of(plain)

    def verdict(self, rule: Property) -> str:
        if rule.kind == "possible":
            return self._possible(rule)
        broken = self.length(Reach(rule.binders, rule.target))
        if broken is not None:
            return f"VIOLATED in {broken}"
        if rule.when is not None and self.length(Reach(rule.binders, rule.when)) is None:
            return "VACUOUS"
        if self.length(OutOfRange()) is not None:
            ranges = (f"{s.name} {s.members[0]} .. {s.members[-1]}" for s in self.lifecycle.sorts if s.ordered)
            return f"PROVED within {', '.join(ranges)}"
        return "PROVED"

    def _possible(self, rule: Property) -> str:
        longest: list[int | None] = []  # of the instances' shortest witnesses, one for each setting
        for settings in settings_of(self.lifecycle):
            instances = instances_of(rule.binders)
            found = [self.length(Reach(instance, rule.target), settings, honest=True) for instance in instances]
            longest.append(None if None in found else max(length for length in found if length is not None))
        if None not in longest:
            return f"POSSIBLE in {max(length for length in longest if length is not None)}"
        return "IMPOSSIBLE" if set(longest) == {None} else "DEPENDS"


def length_of(finding: Finding) -> int | None:
    assert isinstance(finding, Reached | Unreachable), finding
    return len(finding.trace.actions) if isinstance(finding, Reached) else None


def settings_of(lifecycle: Lifecycle) -> Iterator[Settings]:
    """Every admissible setting of the controls."""
    domains = control_domains(lifecycle)
    choices = (Param(str(i), "", domains[n.name]) for i, n in enumerate(control_names(lifecycle)))
    for values in assignments(tuple(choices)):
        controls = dict(zip(control_names(lifecycle), values.values(), strict=True))
        if Interpreter(lifecycle, controls, {}).admissible():
            yield Settings(controls=controls)


def instances_of(binders: tuple[Param, ...]) -> Iterator[tuple[Param, ...]]:
    """The binders, each of one value, in every combination."""
    for env in assignments(binders):
        yield tuple(replace(b, domain=Domain(b.domain.label, (env[b.name],))) for b in binders)


# The tests


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"line {e.line}: {e.heading}")
def test_example_gives_what_it_says(example: Example, tmp_path: Path) -> None:
    expected = [said for said in example.said("expect") if said != "prelude"]
    assert expected, "an example that expects nothing shows nothing"
    found, lifecycle = told(example, tmp_path)

    named = [said for said in expected if said.startswith(("error ", "warning "))]
    shortened = [f if f in named else f.partition(" at ")[0] for f in found]
    assert sorted(shortened) == sorted(named), found
    for said in expected:
        if said == "checks" or said in named:
            continue
        assert lifecycle is not None
        judges = Judges(lifecycle)
        if words := re.fullmatch(r"(\d+) terms", said):
            assert len(universe(lifecycle)) == int(words[1]), [str(term) for term in universe(lifecycle)]
        elif words := re.fullmatch(r"(\w+) cannot happen", said):
            assert judges.length(Enabled(frozenset({words[1]}))) is None
        else:
            name, _, answer = said.partition(" ")
            rules = {rule.name: rule for rule in lifecycle.properties}
            assert judges.verdict(rules[name]) == answer, name
    if lifecycle is not None:
        shown = {said.split(" ")[0] for said in expected}
        silent = {rule.name for rule in lifecycle.properties} - shown
        assert not silent, "each property of an example has its verdict beside it"


def test_every_rule_has_its_examples() -> None:
    rules = {match[1] for e in EXAMPLES if (match := re.match(r"(R\d+)\b", e.heading))}
    assert rules == {f"R{n}" for n in range(1, 17)}


def test_a_wrong_expectation_is_seen(tmp_path: Path) -> None:
    """The examples can fail: a verdict and an error turned round are noticed."""
    text = "secret pin\nplace note persistent at host starts with pin\nproperty p never note has pin\n"
    for said in ("p PROVED", "p VIOLATED in 1", "error KF202"):
        with pytest.raises(AssertionError):
            test_example_gives_what_it_says(Example("", 0, f"{text}-- expect: {said}\n"), tmp_path)
    test_example_gives_what_it_says(Example("", 0, f"{text}-- expect: p VIOLATED in 0\n"), tmp_path)
