"""Below 80 columns: no line too wide, no word cut, and whatever stood in columns still says the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

import sampling
from keyfate.checking.changes import changes
from keyfate.checking.results import Report
from keyfate.commands.hunting import hunt
from keyfate.commands.listing import listing
from keyfate.policy.finding import shipped_lifecycles, shipped_policies
from keyfate.policy.loading import lifecycle_of
from keyfate.reporting.explaining import explanation
from keyfate.reporting.text import report_text

NAME = "isolation_of_the_same_image_always"  # 34 columns: as long as a name can be at 40
SENTENCE = "whoever reads the disk of a vault that is off, and what the memory still holds, learns the item " * 2
SENTENCE += "of_the_hardware_counter_in_the_chip_that_counts"  # longer than a column, shorter than a line

Shown = Callable[[int], str]


def texts(report: Report, house: Path) -> Mapping[str, Shown]:
    long = replace(
        report,
        policies=tuple(
            replace(p, policy=f"{p.policy.strip('()').replace(' ', '_')}-{NAME[:24]}") for p in report.policies
        ),
        results=tuple(
            replace(
                r,
                policy=f"{r.policy.strip('()').replace(' ', '_')}-{NAME[:24]}",
                property=NAME if r.property == "secrecy" else r.property,
                says=SENTENCE,
            )
            for r in report.results
        ),
    )
    broken = next(r for r in report.results if r.trace and r.knowledge)
    policy = next(p for p in report.policies if p.policy == broken.policy)
    return {
        "check": lambda width: report_text(report, width=width),
        "long names": lambda width: report_text(long, width=width, changes=changes(report, long)),
        "quiet": lambda width: report_text(long, width=width, quiet=True),
        "explain": lambda width: explanation(policy, broken, width=width),
        "list": lambda width: listing(str(house / "vault.kf"), {}, False, width),
        "library": lambda width: listing(None, {}, False, width),
        "hunt": lambda width: hunt(str(house / "flash.policy.toml"), 20, 1, {}, False, width)[0],
        **{name: lambda width, name=name: listing(name, {}, False, width) for name in sampling.lifecycles(4)},
    }


def uncut(wide: str, narrow: str, room: int) -> list[str]:
    """Words of the wide text that do not stand whole in the narrow one, of those that it has room for."""
    there = set(narrow.split())
    return [w for w in dict.fromkeys(wide.split()) if w not in there and cell_len(w) <= room and w[0] not in "─├└│"]


@pytest.fixture(autouse=True)
def _at_home(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are short, as people see them."""
    monkeypatch.chdir(house)


def test_no_word_is_cut_and_no_line_too_wide(report: Report, house: Path) -> None:
    for name, shown in texts(report, house).items():
        wide = shown(300)
        for width in (40, 60, 79):
            narrow = shown(width)
            assert max(map(cell_len, narrow.splitlines())) <= width, (name, width)
            assert uncut(wide, narrow, width - 6) == [], (name, width)


def test_names_longer_than_the_line_are_folded(report: Report) -> None:
    name = "x" * 60
    result = replace(next(r for r in report.results if not r.met), property=name)
    narrow = report_text(replace(report, results=(result,)), width=40)
    assert max(map(cell_len, narrow.splitlines())) <= 40
    assert narrow.count("x") >= 120


@pytest.mark.parametrize("width", [40, 60, 79, 80, 120])
def test_columns_stand_below_each_other_or_not_at_all(width: int) -> None:
    """Every policy of a shipped lifecycle begins a line of its own, in one column."""
    path = max(shipped_lifecycles().values(), key=lambda path: len(policies_of(path)))
    lines = listing(str(path), {}, False, width).splitlines()
    names = [n for n in policies_of(path) if len(n) <= width - 2]
    assert names
    assert {next(line for line in lines if line[:1] == " " and n in line.split()).index(n) for n in names} == {2}


def policies_of(lifecycle: Path) -> list[str]:
    found = [path for path in shipped_policies() if lifecycle_of(path) == lifecycle]
    return [path.name.removesuffix(".policy.toml") for path in found]


def test_wide_tables_have_a_head(house: Path) -> None:
    wide, narrow = (listing("vault.kf", {}, False, width) for width in (160, 40))
    assert any(line.split() == ["capability", "cost", "references"] for line in wide.splitlines())
    assert "  capability · cost · references" in narrow.splitlines()
