"""The page of Markdown, read by a parser of Markdown: whatever texts hold, its structure stays ours."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hostile import TEXTS, texts
from keyfate.checking.changes import changes
from keyfate.checking.results import Difference, Notice, Report, Result, exit_status
from keyfate.reporting.markdown import code, fence, link, short, within, words
from keyfate.reporting.places import Places
from keyfate.reporting.summary import headline, no_verdict, nothing_found, summary

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NOWHERE = Places(Path("/nowhere"), Path("/nowhere"), "https://example.org/")


def tokens(text: str) -> list[Token]:
    """All tokens, those of a line included."""
    return [t for block in MARKDOWN.parse(text) for t in (block, *(block.children or ()))]


def shown(text: str) -> str:
    """What a reader sees of one line."""
    plain = "".join(t.content for t in tokens(text) if t.type in ("text", "code_inline", "text_special"))
    return plain.replace("\u200b", "")


def kinds(text: str) -> list[str]:
    return [t.type for t in tokens(text)]


def only(report: Report, *results: Result) -> Report:
    return replace(report, results=results, exit_status=exit_status(report.policies, results))


# Texts


@pytest.mark.parametrize("make", [code, words])
@pytest.mark.parametrize("frame", ["{}", "- {}", "1. {}", "#### {}", "**x:** {}", "| a |\n| --- |\n| {} |"])
@given(text=texts)
def test_a_text_is_a_text_wherever_it_stands(make: object, frame: str, text: str) -> None:
    assert callable(make)
    filled, empty = (frame.format(make(t)) for t in (text, "plain" if short(text) else ""))
    inert = {"text", "code_inline", "text_special", "html_inline"}
    assert [k for k in kinds(filled) if k not in inert] == [k for k in kinds(empty) if k not in inert]
    assert {t.content for t in tokens(filled) if t.type == "html_inline"} <= {"<code>", "</code>"}
    assert short(text) in shown(filled)


@given(text=texts)
def test_nobody_is_called_and_nothing_linked(text: str) -> None:
    spoken = "".join(t.content for t in tokens(words(text)) if t.type in ("text", "text_special"))
    assert not re.search(r"@\w|#\d", spoken)
    assert not re.search(r"https?://|www\.", words(text))


@given(text=texts)
def test_a_fence_holds(text: str) -> None:
    lines = "\n".join(("before", *text.splitlines(), "after"))
    (block,) = MARKDOWN.parse(fence(lines))
    assert block.type == "fence"
    assert "before" in block.content
    assert "after" in block.content


@given(address=texts)
def test_a_link_leads_where_it_should(address: str) -> None:
    found = [t for t in tokens(link("here", f"https://example.org/{address}")) if t.type == "link_open"]
    assert [str(t.attrs["href"]).startswith("https://example.org/") for t in found] == [True]


def test_what_fits() -> None:
    assert within(["aa", "bb", "cc"], 8) == ["aa", "bb"]
    assert within(["ä"], 4) == ["ä"]
    assert within(["ä"], 3) == []


# The page


def test_the_page_of_a_break(report: Report, house: Path) -> None:
    page = summary(report, None, Places(house, house, "https://example.org/"))
    assert page.startswith("## ✗ keyfate: 3 of 12 requirements broken\n")
    head = [t.content for t in tokens(page) if t.type == "inline" and "an item is read" in t.content]
    assert head == ["**an item is read**"] * 2
    assert "1. `start` by `chip`: power comes\n    - `power: off → on`\n" in page
    assert 'box[left]  computed: kdf "box"' in page
    assert "flash.policy.toml secrecy\n```" in page
    assert "https://example.org/flash.policy.toml#L" not in page  # the requirement stands in what it extends
    assert "[`safe.policy.toml:2`](<https://example.org/safe.policy.toml#L2>)" in page.replace(f"{house}/", "")
    assert "### What changed" not in page


def test_numbers_of_steps_are_a_list(report: Report) -> None:
    page = summary(only(report, *(r for r in report.results if r.policy == "flash")), None, NOWHERE)
    kind = kinds(page)
    assert kind.count("ordered_list_open") == 1
    assert kind.count("table_open") == 2
    assert next(t.content for t in tokens(page) if t.type == "fence").startswith("how the attacker computes item[left]")


def test_what_changed_is_a_table(report: Report) -> None:
    safe = report.policies[0]
    before = replace(report, policies=(replace(safe, controls=safe.controls | {"root": "flash"}), *report.policies[1:]))
    page = summary(report, changes(before, report), NOWHERE)
    assert "| `safe` | `root` | `flash` | `tpm` |" in page
    assert "nothing changed" in summary(report, changes(report, report), NOWHERE)
    fewer = replace(report, policies=report.policies[1:])
    assert "| `safe` | the policy was removed |  |  |" in summary(fewer, changes(report, fewer), NOWHERE)


def test_headlines(report: Report) -> None:
    met = next(r for r in report.results if r.policy == "safe" and r.met and r.required)
    unknown = replace(met, verdict="UNKNOWN", met=False)
    cases = {
        "✓ keyfate: all 1 requirement met": only(report, met),
        "✗ keyfate: 1 of 2 requirements broken": only(report, met, replace(met, verdict="VIOLATED", met=False)),
        "✗ keyfate: 1 of 2 requirements undecided, none broken": only(report, met, unknown),
        "✗ keyfate: nothing meaningful was checked": only(report, replace(met, verdict="VACUOUS")),
        "✗ keyfate: judges disagree": only(report, replace(met, verdict="DIVERGED", met=False)),
        "✓ keyfate: the library answers as expected": replace(report, differences=(), exit_status=0),
        "✗ keyfate: the library does not answer as expected": replace(
            report, differences=(Difference("p", None, "r", "verdict", "a", "b"),), exit_status=5
        ),
    }
    assert {headline(r) for r in cases.values()} == set(cases)
    for said, one in cases.items():
        assert headline(one) == said
        assert summary(one, None, NOWHERE).startswith(f"## {said}\n")


def test_no_verdict_is_not_a_break(report: Report) -> None:
    page = no_verdict("bad.policy.toml:1:1: error: ```\n</details> | @all")
    assert page.startswith("## ✗ keyfate could not run: there is no verdict\n")
    assert "broken" not in page
    assert kinds(page)[-1] == "fence"
    assert "nothing was checked" in nothing_found("no policy found here")


def structure(page: str) -> list[str]:
    """Blocks, cells and HTML of the page, without its sentences."""
    spoken = {"inline", "text", "code_inline", "text_special", "softbreak"}
    return [
        f"{t.type} {t.content if t.type.startswith('html') else ''}"
        for t in tokens(page)
        if t.type not in spoken and t.content not in ("<code>", "</code>")
    ]


@pytest.mark.parametrize("text", [t for t in TEXTS if t], ids=range(len(TEXTS) - 1))
def test_hostile_texts_change_no_structure(report: Report, text: str) -> None:
    def page(said: str) -> str:
        results = tuple(
            replace(
                r,
                text=said,
                says=said,
                reason=said,
                not_required=said if r.not_required else None,
                trace=None if r.trace is None else tuple(replace(s, description=said) for s in r.trace),
                configuration=dict.fromkeys(r.configuration, said),
            )
            for r in report.results
        )
        policies = tuple(
            replace(p, policy=p.policy, title=said, warnings=(Notice("KF999", said, None),), attacker=said)
            for p in report.policies
        )
        one = replace(report, policies=policies, results=results)
        return summary(one, changes(report, one), NOWHERE)

    assert structure(page(text)) == structure(page("plain words"))


def test_the_page_stays_small(report: Report) -> None:
    """1 MiB is what GitHub takes of a step."""
    huge = "<|>`" * 100_000
    broken = next(r for r in report.results if r.policy == "flash" and not r.met)
    assert broken.trace is not None
    assert broken.knowledge is not None
    tree = broken.knowledge[0]
    for _ in range(50):
        tree = replace(tree, term=huge[:1000], premises=(tree, replace(tree, premises=())))
    steps = tuple(replace(broken.trace[0], description=huge) for _ in range(3_000))
    results = tuple(
        replace(broken, property=f"p{i}", text=huge, says=huge, trace=steps, knowledge=(tree,)) for i in range(2_000)
    )
    notices = tuple(Notice("KF999", f"{i} {huge}", None) for i in range(400))
    policies = tuple(replace(p, warnings=notices) for p in report.policies)
    page = summary(only(replace(report, policies=policies), *results), None, NOWHERE)
    assert len(page.encode()) < 500_000
    assert max(map(len, page.splitlines())) < 10_000, "one text does not fill the page"
    assert re.search(r"and \d+ requirements more", page)
    assert re.search(r"and \d+ notes more", page)
    assert len(re.findall(r"and \d+ rows more", page)) == 2
    assert kinds(page).count("table_open") == 2
