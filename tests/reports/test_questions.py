"""Documents of questions: what they print follows from verdicts, and a claim that does not hold is told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from keyfate.checking import questions
from keyfate.checking.questions import Decided, decide
from keyfate.checking.results import Verdict
from keyfate.checking.session import open_session
from keyfate.policy.questions import load_questions
from keyfate.reporting.questions import page, told
from shell import keyfate
from vault import furnish

DOCUMENT = """\
title = "Questions"
policies = "."

[[question]]
title = "Is it safe?"
asks = "Whether the vault keeps its secret"

[[question.claims]]
says = "A `vault` that is shut keeps it."
shown_by = [{ policy = "safe", property = "secrecy", verdict = "PROVED" }]

[[question.verdicts]]
caption = "side by side"
policies = ["safe", "flash"]
properties = ["secrecy", "restores"]

[[question.attacks]]
caption = "before and after"
rows = [
  { label = "before", policy = "flash", property = "secrecy" },
  { label = "after", policy = "flash", property = "secrecy", set = { root = "tpm" } },
  { label = "either", policy = "flash", property = "secrecy", open = ["root"] },
]
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("house"))


def asked(house: Path, text: str, *words: str) -> tuple[int, str, str]:
    (house / "asks.toml").write_text(text, encoding="utf-8")
    done = keyfate("answers", "asks.toml", *words, cwd=house)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def answered(house: Path) -> str:
    status, text, wrong = asked(house, DOCUMENT)
    assert (status, wrong) == (0, "")
    return text


def cells(text: str, head: str) -> list[list[str]]:
    """The rows of the table with that first head, as Markdown's own parser reads them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    tables: list[list[list[str]]] = []
    for token in tokens:
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline" and tables and token.map is not None and token.level > 2:
            tables[-1][-1].append(token.content)
    return next(table[1:] for table in tables if table[0][0] == head)


def test_verdicts_stand_side_by_side(answered: str) -> None:
    assert cells(answered, "property") == [
        ["`secrecy`", "PROVED, documented", "VIOLATED in 2, claimed"],
        ["`restores`", "POSSIBLE in 2, claimed", "POSSIBLE in 2, claimed"],
    ]


def test_frontiers_stand_side_by_side(answered: str) -> None:
    rows = cells(answered, "where")
    before = [row for row in rows if row[0] == "before"]
    after = rows[rows.index(before[0]) + 1]
    assert before == [["before", "", "`steal`", "?", "2"]]
    assert after[0] == "after"
    assert "`open_tpm`" in after[2]
    either = next(row for row in rows if row[0] == "either")
    assert either[1] in ("`root = flash`", "`root = tpm`")


def adding(house: Path, *rows: str) -> str:
    """The table of a document whose rows say what each adds to the first."""
    of = DOCUMENT.index("[[question.attacks]]")
    group = '[[question.attacks]]\ncaption = "of each"\nadds = true\nrows = [\n'
    status, text, wrong = asked(house, f"{DOCUMENT[:of]}{group}{''.join(f'  {{ {row} }},' for row in rows)}\n]\n")
    assert (status, wrong) == (0, "")
    assert "**of each: `secrecy`; below the first row, what each adds to it**" in text
    return text


def test_rows_that_ask_the_same_are_decided_once(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    ask = questions.frontiers

    def counting(job: Any, *rest: Any, **more: Any) -> Any:
        counted.append(len(job.questions))
        return ask(job, *rest, **more)

    monkeypatch.setattr(questions, "frontiers", counting)
    again = '{ label = "again", policy = "flash", property = "secrecy" },\n  { label = "after"'
    (house / "asks.toml").write_text(DOCUMENT.replace('{ label = "after"', again), encoding="utf-8")
    told: list[str] = []
    loaded = load_questions(house / "asks.toml", lambda paths: open_session(paths, {}).policies)
    found = {row.label: frontier for row, frontier in decide(loaded, tick=told.append).frontiers.items()}
    assert counted == [3]
    assert found["again"] is found["before"]
    assert found["after"] is not found["before"]
    assert {"before", "again", "after", "either"} <= set(told)


def test_time_that_is_up_leaves_nothing_written(house: Path) -> None:
    status, text, wrong = asked(house, DOCUMENT, "--timeout", "0.001", "--output", "late.md")
    assert (status, text) == (3, "")
    assert "`safe`" in wrong
    assert not (house / "late.md").exists()


SECRECY = 'policy = "flash", property = "secrecy"'


def test_of_what_rows_add_nothing_is_repeated(house: Path) -> None:
    all_have = f'{SECRECY}, set = {{ root = "tpm" }}'
    rows = (f'label = "all", {all_have}', f'label = "flash", {SECRECY}', f'label = "again", {all_have}')
    found = cells(adding(house, *rows), "where")
    assert len(found) > 2
    assert all("open_tpm" in row[1] for row in found[:-2])
    assert [row[:2] for row in found[-2:]] == [["flash", "`steal`"], ["again", "nobody else"]]


def test_a_row_that_lacks_what_the_first_has_is_in_full(house: Path) -> None:
    """`nobody else` would say that it breaks as the first row does."""
    rows = (
        f'label = "either", {SECRECY}, open = ["saving"]',
        f'label = "off", {SECRECY}, set = {{ saving = false }}',
        f'label = "on", {SECRECY}, set = {{ saving = true }}',
    )
    found = cells(adding(house, *rows), "where")
    said = "(in full, for it has not all of the first row)"
    assert [row[:3] for row in found] == [
        ["either", "`saving = true`", "`steal`"],
        [f"off {said}", "", "nobody"],
        [f"on {said}", "", "`steal`"],
    ]


def test_a_row_of_another_lifecycle_repeats_nothing(house: Path) -> None:
    other = house / "other"
    other.mkdir(exist_ok=True)
    for name in ("vault.kf", "safe.policy.toml", "flash.policy.toml"):
        text = (house / name).read_text(encoding="utf-8")
        (other / name.replace("flash.", "elsewhere.")).write_text(text, encoding="utf-8")
    (other / "safe.policy.toml").rename(other / "base.policy.toml")
    elsewhere = other / "elsewhere.policy.toml"
    elsewhere.write_text(elsewhere.read_text(encoding="utf-8").replace("safe.policy", "base.policy"), encoding="utf-8")
    text = adding(house, f'label = "here", {SECRECY}', 'label = "there", policy = "elsewhere", property = "secrecy"')
    shutil.rmtree(other)
    here, there = cells(text, "where")
    assert here[1:] == there[1:]


def test_a_claim_names_what_it_rests_on(answered: str) -> None:
    assert "- A `vault` that is shut keeps it.\n  (`secrecy` under `safe`: PROVED, documented)" in answered


def test_it_is_the_same_at_every_run(house: Path, answered: str) -> None:
    assert asked(house, DOCUMENT)[1] == answered


def test_a_claim_that_does_not_hold_is_told_and_nothing_is_written(house: Path) -> None:
    wrong = DOCUMENT.replace('policy = "safe", property = "secrecy"', 'policy = "flash", property = "secrecy"')
    status, text, error = asked(house, wrong, "--output", "answers.md")
    assert (status, text) == (1, "")
    assert error.startswith("asks.toml:10:")
    assert "`secrecy` under `flash` is VIOLATED, and a claim rests on its being PROVED" in error
    assert not (house / "answers.md").exists()
    status, text, _ = asked(house, wrong)
    assert status == 1
    assert "- ✗ A `vault`" in text


def test_a_name_that_two_policies_have_is_refused(house: Path) -> None:
    inner = house / "inner"
    inner.mkdir()
    (inner / "safe.policy.toml").write_text((house / "safe.policy.toml").read_text(encoding="utf-8"), encoding="utf-8")
    status, _, error = asked(house, DOCUMENT)
    (inner / "safe.policy.toml").unlink()
    assert status == 2
    assert "error[KF543]: `safe` may be `safe.policy.toml` and `inner/safe.policy.toml`" in error


@pytest.fixture(scope="module")
def decided(house: Path) -> Decided:
    (house / "asks.toml").write_text(DOCUMENT, encoding="utf-8")
    return decide(load_questions(house / "asks.toml", lambda paths: open_session(paths, {}).policies))


def test_only_what_is_asked_is_decided(decided: Decided) -> None:
    rules = ("secrecy", "restores")
    assert set(decided.results) == {(policy, rule) for policy in ("safe", "flash") for rule in rules}
    assert decided.exit_status == 0


@pytest.mark.parametrize(("verdict", "status"), [("UNKNOWN", 3), ("BOUNDED", 3), ("DIVERGED", 5), ("VIOLATED", 1)])
def test_a_verdict_that_is_none_is_told(decided: Decided, verdict: Verdict, status: int) -> None:
    key = ("safe", "secrecy")
    odd = replace(decided.results[key], verdict=verdict, reason="the moon", steps=None)
    found = replace(decided, results={**decided.results, key: odd})
    assert found.exit_status == status
    assert f"`secrecy` under `safe` is {verdict}" in told(found)
    assert "- ✗ A `vault`" in page(found, "keyfate answers")


@pytest.mark.parametrize(("verdict", "status"), [("UNKNOWN", 3), ("DIVERGED", 5)])
def test_a_frontier_that_is_not_complete_is_not_shown_as_one(decided: Decided, verdict: Any, status: int) -> None:
    row = decided.questions.questions[0].attacks[0].rows[0]
    odd = replace(decided.frontiers[row], verdict=verdict, reason="the moon", conditions=())
    found = replace(decided, frontiers={**decided.frontiers, row: odd})
    assert found.exit_status == status
    assert f"the frontier of `secrecy` is {verdict}: the moon" in told(found)
    assert "| before | not all is known |" in page(found, "keyfate answers")


@pytest.mark.parametrize(
    ("old", "new", "code", "said", "at"),
    [
        ('policies = ["safe", "flash"]', 'policies = ["sate", "flash"]', "KF543", "did you mean `safe`?", '"sate"'),
        ('properties = ["secrecy", ', 'properties = ["secracy", ', "KF530", "did you mean `secrecy`?", '"secracy"'),
        ('verdict = "PROVED"', 'verdict = "POSSIBLE"', "KF531", "it is a `never`", '"POSSIBLE"'),
        ('root = "tpm"', 'rot = "tpm"', "KF510", "did you mean `root`?", "rot"),
        ('root = "tpm"', 'root = "flesh"', "KF511", "did you mean `flash`?", '"flesh"'),
        ('root = "tpm"', "wipe = true", "KF514", "flash cannot be wiped", "wipe"),
        ('open = ["root"]', 'open = ["roof"]', "KF510", "did you mean `root`?", '"roof"'),
        ('policies = "."', 'policies = "."\nintr = "x"', "KF503", "did you mean `intro`?", "intr"),
        ('title = "Is it safe?"', "", "KF504", "required", ""),
        (
            'policies = "."\n',
            'policies = "."\n[[question]]\ntitle = "is it Safe"\nasks = "x"\n',
            "KF544",
            "a question before has the title `Is it safe?`, or one that is linked by the same words",
            '"Is it safe?"',
        ),
        ('policies = "."', 'policies = "elsewhere"', "KF543", "there is no folder `elsewhere`", '"elsewhere"'),
        ('policies = "."', 'policies = "vault.kf"', "KF543", "there is no folder `vault.kf`", '"vault.kf"'),
        ('policies = "."', 'policies = "a\\u0000b"', "KF543", "`policies` names a folder", '"a'),
        (
            'open = ["root"]',
            'set = { root = "tpm" }, open = ["root"]',
            "KF510",
            "`root` is set here, and open",
            '"root"',
        ),
        ("rows = [\n", 'rows = [\n"x",\n', "KF504", "`question.0.attacks.0.rows.0` should be a table\n", '"x"'),
        ('title = "Is it safe?"', "a." * 30_000 + "a = 1", "KF501", "more than 50 dots", "a.a."),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_place(
    house: Path, old: str, new: str, code: str, said: str, at: str
) -> None:
    assert DOCUMENT.count(old) == 1
    status, text, error = asked(house, DOCUMENT.replace(old, new))
    assert (status, text) == (2, "")
    assert f"error[{code}]" in error
    assert said in error
    line = next(line for line in error.splitlines() if line.startswith("asks.toml:"))
    number, column = map(int, line.split(":")[1:3])
    assert DOCUMENT.replace(old, new).splitlines()[number - 1][column - 1 :].startswith(at)
