"""A lifecycle as a page: everything that it declares is there, as Markdown's own parser reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from keyfate.checking.expected import Answer
from keyfate.language.loading import load
from keyfate.reporting.pages import Column, Paged, lifecycle_page
from shell import keyfate
from vault import furnish

HEADER = """\
-- A vault, as `vault` says; its <b>shelves</b> are *not* here.
--
-- Two things:
--   one   thing
--   other thing
--
-- And the end.

"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = furnish(tmp_path_factory.mktemp("house"))
    path = folder / "vault.kf"
    path.write_text(HEADER + path.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def page(house: Path) -> str:
    done = keyfate("page", "vault.kf", "safe.policy.toml", "flash.policy.toml", cwd=house)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def tables(text: str) -> dict[str, list[list[str]]]:
    """The rows of each table below the heading that it stands under; the last table of a heading wins."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "inline" and before is not None and before.type == "heading_open":
            heading = token.content
        elif token.type == "table_open":
            found[heading] = []
        elif token.type == "tr_open":
            found[heading].append([])
        elif token.type == "inline" and before is not None and before.type in ("td_open", "th_open"):
            found[heading][-1].append(token.content)
    return found


def test_everything_that_is_declared_is_on_the_page(house: Path, page: str) -> None:
    lifecycle = load(house / "vault.kf").lifecycle
    read = tables(page)
    firsts = {title: [row[0].strip("`").partition("[")[0] for row in rows[1:]] for title, rows in read.items()}
    assert firsts["Controls"] == [control.name for control in lifecycle.controls]
    assert set(firsts["Capabilities of attackers"]) == {one.name for one in lifecycle.capabilities}
    assert firsts["Properties"] == firsts["Answers"] == [rule.name for rule in lifecycle.properties]
    assert firsts["Actions"] == [action.name for action in lifecycle.actions]


def test_verdicts_are_those_of_the_policies(page: str) -> None:
    rows = {row[0]: row[1:] for row in tables(page)["Answers"]}
    assert rows["property"] == ["P1", "P2"]
    assert rows["`secrecy`"] == ["PROVED, documented", "VIOLATED in 2, claimed"]
    assert rows["`audited`"] == ["VACUOUS, claimed", "VACUOUS, claimed"]
    assert rows["`restores`"] == ["POSSIBLE in 2, claimed", "POSSIBLE in 2, claimed"]
    assert "| P2 | `flash` | in flash |" in page


@pytest.mark.parametrize(("count", "widths"), [(9, [9]), (10, [5, 5]), (20, [7, 7, 6])])
def test_policies_that_do_not_fit_side_by_side_stand_in_parts(house: Path, count: int, widths: list[int]) -> None:
    lifecycle = load(house / "vault.kf").lifecycle
    answers = {rule.name: Answer("PROVED", None, "claimed") for rule in lifecycle.properties}
    columns = [Column(f"policy{n}", "", "", None, answers) for n in range(count)]
    text = lifecycle_page(Paged("vault", lifecycle, "", (), columns, {}, {}, {}, "a command"))
    heads = [line.split(" | ")[1:] for line in text.splitlines() if line.startswith("| property | P")]
    assert [len(head) for head in heads] == widths
    assert [name.strip(" |") for head in heads for name in head] == [f"P{n + 1}" for n in range(count)]


def test_settings_and_capabilities_say_what_they_are(page: str) -> None:
    assert "`flash`: on the disk<br>`tpm`: in the TPM" in page
    rows = {row[0]: row for row in tables(page)["Capabilities of attackers"]}
    assert rows["`open_tpm`"][2:4] == ["a paper", "8"]
    assert rows["`steal`"][2:4] == ["CWE-311", "?"]
    assert [row[3] for row in tables(page)["Actions"] if row[0] == "`stop`"] == ["claimed"]


def test_the_comment_above_the_lifecycle_opens_the_page(page: str) -> None:
    assert "A vault, as `vault` says; its &#60;b&#62;shelves&#60;/b&#62; are &#42;not&#42; here." in page
    assert "```text\n  one   thing\n  other thing\n```" in page
    assert "\n\nAnd the end.\n\n" in page
    assert MarkdownIt("commonmark", {"html": True}).render(page).count("<b>") == 0


def test_standards_are_those_of_the_shape_that_is_applied(house: Path) -> None:
    """Not of a shared one that has the same name as the check."""
    own = 'property mine(kept[T]: secret) "{kept} is kept"\n  for t: T  never attacker knows kept[t]\n'
    checks = "check mine(item) as freed_is_destroyed\ncheck confidentiality(item) as kept"
    text = (house / "vault.kf").read_text(encoding="utf-8")
    (house / "checked.kf").write_text(f"{text}\n{own}{checks}\n", encoding="utf-8")
    done = keyfate("page", "checked.kf", cwd=house)
    asked = {row[0]: row[-1] for row in tables(done.stdout)["Properties"]}
    assert asked["`freed_is_destroyed`"] == asked["`secrecy`"] == "–"
    assert "3.6.1" in asked["`kept`"]


def test_both_diagrams_are_mermaid(page: str) -> None:
    blocks = [t for t in MarkdownIt("commonmark").parse(page) if t.type == "fence" and t.info == "mermaid"]
    assert ["what flows where" in blocks[0].content, "where they rest" in blocks[1].content] == [True, True]


def test_a_policy_of_another_lifecycle_is_refused(house: Path) -> None:
    other = house / "other"
    other.mkdir()
    furnish(other)
    done = keyfate("page", "vault.kf", "other/safe.policy.toml", cwd=house)
    assert done.returncode == 2
    assert "error[KF572]: `safe` is a policy of `vault`" in done.stderr


def test_without_policies_a_lifecycle_of_ones_own_has_no_answers(house: Path) -> None:
    done = keyfate("page", "vault.kf", cwd=house)
    assert done.returncode == 0
    assert "## Answers" not in done.stdout
    assert "## Properties" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["page"], "name a lifecycle, or say --library"),
        (["page", "--library"], "--library stands alone"),
        (["page", "vault.kf", "--library", "--output", "x"], "--library stands alone"),
        (["page", "vault.kf", "hollow"], "error[KF572]: there is no policy below `hollow`"),
        (["page", "valt"], "there is no lifecycle `valt`"),
        (["page", "--library", "--output", "vault.kf"], "`vault.kf` cannot be made: file exists"),
        (["page", "--library", "--output", "no/where"], "`no/where` is in no folder that exists"),
    ],
)
def test_bad_usage(house: Path, words: list[str], said: str) -> None:
    (house / "hollow").mkdir(exist_ok=True)
    done = keyfate(*words, cwd=house)
    assert done.returncode == 2
    assert said in done.stderr
