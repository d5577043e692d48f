"""A frontier as people read it: what each part says, and what it never says."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from keyfate.checking.frontier import Condition, FrontierReport, FrontierTrace, PropertyFrontier
from keyfate.checking.results import Certificate, Scope
from keyfate.reporting.frontier import frontier_text

TRACE = FrontierTrace({"root": "flash"}, ("steal",), ("start", "stop"), True, ())

BASE = PropertyFrontier(
    lifecycle="vault",
    property="secrecy",
    kind="never",
    text="Nobody learns an item",
    severity="critical",
    verdict="COMPLETE",
    reason=None,
    scope=Scope({"Shelf": 2}),
    fixed={},
    fixed_capabilities=(),
    open_controls={"root": ("flash", "tpm"), "saving": (False, True)},
    open_capabilities=("steal", "open_tpm", "peek"),
    conditions=(
        Condition({"root": ("flash",), "saving": (True,)}, ("steal",), 3, 2, (0,)),
        Condition({"saving": (True,)}, ("steal", "open_tpm", "peek"), None, 4, (0,)),
    ),
    others=None,
    traces=(TRACE,),
    configurations=2000,
    reaching=500,
    undecided=0,
    symmetric=(),
    certificate=Certificate("invariant", "z3", 1234),
    seconds=1.0,
)


def lines(**changes: Any) -> list[str]:
    return lines_of(replace(BASE, **changes))


def lines_of(frontier: PropertyFrontier, width: int = 200, traces: bool = False) -> list[str]:
    """What is said of it, without what stands around it."""
    text = frontier_text(FrontierReport("0", (), 0, (frontier,)), "nothing", traces=traces, width=width)
    head, *said, blank, following = text.splitlines()
    assert (head, blank, following) == ("secrecy · Nobody learns an item", "", "next: nothing")
    return [line.strip() for line in said]


def test_a_row_for_each_condition() -> None:
    assert lines() == [
        "vault · critical · Shelf=2",
        "only if saving = true",
        "breaks if              the attacker has           cost   steps",
        "──────────────────────────────────────────────────────────────",
        "root = flash           steal                      3      2",
        "whatever else is set   steal, open_tpm and peek   ?      4",
        "✓ complete: 2 minimal conditions, safe in 1,500 of 2,000 configurations (75.0 %), 1 trace confirmed in bytes; "
        "Z3 accepts the proof",
    ]


def test_beside_a_row_stand_its_traces_where_they_are_shown() -> None:
    first, second = BASE.conditions
    several = replace(BASE, conditions=(first, replace(second, traces=(1, 0))), traces=(TRACE, TRACE))
    _, _, head, _, one, other, *_ = lines_of(several, traces=True)
    assert head.endswith("cost   steps   traces")
    assert one.split()[-2:] == ["2", "0"]
    assert other.endswith("?      4       1, 0")
    assert not any("traces" in line for line in lines_of(several)[:-1])


def test_where_some_settings_need_more_steps_both_numbers_are_told() -> None:
    longer = replace(TRACE, controls={"root": "tpm"}, actions=("start", "stop", "start"))
    either = Condition({"root": ("flash", "tpm")}, (), 0, 2, (0, 1))
    _, _, _, one, *_ = lines(conditions=(either,), traces=(TRACE, longer))
    assert one.split("   ")[-1] == "2 to 3"
    _, _, _, one, *_ = lines(conditions=(replace(either, traces=(0,)),), traces=(TRACE, longer))
    assert one.split("   ")[-1].strip() == "2"


def test_a_trace_says_what_it_ran_under() -> None:
    """The controls that its rows name, and the capabilities that are not fixed."""
    trace = FrontierTrace(
        {"root": "flash", "saving": True, "wipe": False}, ("steal", "peek"), ("start", "stop[a, b]"), True, ()
    )
    rows = (
        Condition({"root": ("flash",)}, ("steal",), 3, 2, (0,)),
        Condition({"saving": (True,)}, ("peek",), 3, 2, (0,)),
    )

    def said(width: int = 200, **changes: Any) -> list[str]:
        frontier = replace(BASE, conditions=rows, traces=(trace,), **changes)
        told = lines_of(frontier, width, traces=True)
        at = next(number for number, line in enumerate(told) if line.startswith("✓ trace"))
        return told[at : next(number for number, line in enumerate(told) if line.startswith("✓ complete"))]

    assert said() == ["✓ trace 0 (root = flash, saving = true; steal, peek): start → stop[a, b]"]
    assert said(40) == ["✓ trace 0 (root = flash,", "saving = true; steal, peek): start →", "stop[a, b]"]
    assert said(fixed={"peek": True}, fixed_capabilities=("peek",)) == [
        "✓ trace 0 (root = flash, saving = true; steal): start → stop[a, b]"
    ]


def test_a_property_without_a_text_has_its_name_alone() -> None:
    said = frontier_text(FrontierReport("0", (), 0, (replace(BASE, text=""),)), "nothing")
    assert said.splitlines()[0] == "secrecy"


def test_without_sorts_no_scope_is_told() -> None:
    assert lines(scope=Scope({}))[0] == "vault · critical"


def test_where_nothing_breaks_it() -> None:
    _, says, summary = lines_of(nothing := replace(BASE, conditions=(), traces=(), reaching=0))
    assert says == "nothing breaks it"
    assert summary == "✓ complete: safe in all 2,000 configurations; Z3 accepts the proof"
    _, says, summary = lines_of(replace(nothing, kind="possible"))
    assert says == "nothing makes it possible"
    assert "possible in none of the 2,000 configurations" in summary


def test_where_nothing_is_known_nothing_is_claimed() -> None:
    said = lines(
        conditions=(),
        verdict="UNKNOWN",
        reason="interrupted",
        configurations=None,
        reaching=None,
        undecided=None,
        certificate=None,
    )
    assert said[1:] == ["· incomplete, none found yet, 1 trace confirmed in bytes: interrupted"]
    cut = replace(BASE, conditions=(), traces=(), verdict="UNKNOWN", reason="interrupted", certificate=None)
    assert lines_of(replace(cut, reaching=0, undecided=2000))[-1] == (
        "· incomplete, none found yet, 100 % of 2,000 configurations open: interrupted"
    )
    assert "0 conditions so far, breaks in 500 of" in lines_of(replace(cut, undecided=0))[-1], "too many to be listed"


def test_what_is_not_finished_is_called_so() -> None:
    cut = replace(BASE, verdict="UNKNOWN", reason="out of memory", undecided=1, certificate=None)
    assert lines_of(cut)[-1] == (
        "· incomplete, 2 conditions so far, breaks in 500 of 2,000 configurations (25.0 %), 0.1 % open, "
        "1 trace confirmed in bytes: out of memory"
    )
    unsure = replace(TRACE, capabilities=(), confirmed=False)
    *_, first, second, summary = lines_of(replace(cut, traces=(TRACE, unsure)), traces=True)
    assert (first, second) == (
        "✓ trace 0 (root = flash; steal): start → stop",
        "· trace 1: start → stop",
    )
    assert "1 of 2 traces confirmed in bytes: out of memory" in summary


@pytest.mark.parametrize(
    ("reaching", "every", "said"),
    [
        (0, 1, "safe in the only configuration"),
        (1, 1, "safe in no configuration"),
        (2000, 2000, "safe in none of the 2,000 configurations"),
        (1, 100_000, "safe in 99,999 of 100,000 configurations (99.9 %)"),
        (99_999, 100_000, "safe in 1 of 100,000 configurations (0.1 %)"),
    ],
)
def test_few_are_not_none_and_most_are_not_all(reaching: int, every: int, said: str) -> None:
    assert f", {said}, " in lines(reaching=reaching, configurations=every)[-1]


def test_of_what_breaks_everywhere_nothing_is_proved() -> None:
    assert "Z3" not in lines(reaching=2000)[-1]


def test_what_others_cover_stands_behind_them() -> None:
    covered = replace(BASE.conditions[1], implied=True)
    said = lines(conditions=(BASE.conditions[0], covered))
    assert said.index("also minimal, though the rows above cover these together:") == 5
    assert said[6].startswith("breaks if")


def test_a_condition_that_asks_for_nothing() -> None:
    honest = replace(BASE, kind="possible", open_capabilities=(), conditions=(Condition({}, (), 0, 2, (0,)),))
    assert lines_of(honest)[1:4] == ["possible if       steps", "───────────────────────", "whatever is set   2"]


def test_within_which_ranges_it_is_complete() -> None:
    assert lines(scope=Scope({"Shelf": 2}, ("Count 0 .. 2",)))[-1].startswith("✓ complete within Count 0 .. 2: ")


def test_where_no_control_is_asked_for_only_the_attacker_is_told() -> None:
    said = lines(conditions=(Condition({}, ("steal", "peek"), 4, 2, (0,)),), fixed={"root": "flash", "saving": True})
    assert said[1:5] == [
        "with root = flash, saving = true",
        "breaks if the attacker has   cost   steps",
        "─────────────────────────────────────────",
        "steal and peek               4      2",
    ]


def test_an_attacker_who_is_fixed() -> None:
    shut = {"steal": True, "open_tpm": False, "peek": True}
    fixed = lines(fixed=shut, fixed_capabilities=tuple(shut), open_capabilities=())
    assert fixed[1:3] == ["the attacker has steal, peek", "and nothing else"]
    assert not any("cost" in line for line in fixed)
    shut = {"steal": False, "open_tpm": False, "peek": False}
    assert lines(fixed=shut, fixed_capabilities=tuple(shut), open_capabilities=())[1] == "the attacker has nothing"
    part = lines(
        fixed={"open_tpm": True, "peek": False},
        fixed_capabilities=("open_tpm", "peek"),
        open_capabilities=("steal",),
        conditions=(Condition({"root": ("flash",)}, (), 0, 1, (0,)),),
    )
    assert part[1:3] == ["the attacker has open_tpm", "the attacker lacks peek"]
    assert part[5].split("   ")[1].strip() == "nothing more"


def test_settings_that_hold() -> None:
    others = (Condition({"saving": (False,)}, (), 0), Condition({"root": ("tpm", "element")}, (), 0))
    said = lines(others=others)
    at = said.index("holds if")
    assert said[at + 2 : at + 4] == ["saving = false", "root = tpm or element"]
    assert "impossible if" in lines(others=others, kind="possible")


def test_members_that_stand_for_each_other() -> None:
    assert lines(symmetric=("Shelf", "Room", "Key"))[1] == "members of Shelf, Room and Key stand for each other"


@pytest.mark.parametrize("width", [45, 50, 60, 70, 100])
def test_what_is_long_is_broken_between_settings(width: int) -> None:
    fixed = {f"control_number_{number}": "value" for number in range(9)}
    text = frontier_text(FrontierReport("0", (), 0, (replace(BASE, fixed=fixed),)), "nothing", width=width)
    first, *others = [line for line in text.splitlines() if "control_number" in line]
    item = r"control_number_\d = value"
    assert re.fullmatch(rf"  with {item}(, {item})*,", first)
    assert others
    for number, line in enumerate(others, start=1):
        assert re.fullmatch(rf"   {item}(, {item})*{'' if number == len(others) else ','}", line), line


@pytest.mark.parametrize("width", [45, 60, 70, 80, 90, 100])
def test_cells_are_broken_between_settings(width: int) -> None:
    settings = {"keystore": ("software", "element"), "pin": ("absent", "short"), "evict": (True,)}
    long = Condition(settings, ("steal_the_token", "guess_pins", "run_code"), 3, 2, (0,))
    other = Condition({"keystore": ("software",)}, ("run_code",), 3, 2, (0,))
    text = "\n".join(lines_of(replace(BASE, conditions=(long, other)), width))
    for setting in ("keystore = software or element", "pin = absent or short", "evict = true", "and run_code"):
        assert setting in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    shut = {"steal": True, "open_tpm": False, "peek": True}
    report = FrontierReport("0", (), 0, (BASE, replace(BASE, fixed=shut, fixed_capabilities=tuple(shut))))
    text = frontier_text(report, "nothing", traces=True, width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    words = text.replace(",", " ").split()
    assert {"steal", "open_tpm", "peek", "flash", "1,500"} <= {*words, *text.split()}, "no name is cut"


def test_hostile_words_do_nothing() -> None:
    text = frontier_text(FrontierReport("0", (), 0, (replace(BASE, text="a\x1b[31m\nb"),)), "nothing", color=False)
    assert "\x1b" not in text
