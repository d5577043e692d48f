"""Diagnostics as people read them."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyfate.language.rendering import escape, render
from keyfate.language.source import Diagnostic, Label, Source, Span


def found(source: Source, words: str, **more) -> Diagnostic:
    start = source.text.index(words)
    return Diagnostic("KF101", "wrong", Span(source, start, start + len(words)), **more)


SOURCE = Source("models/m.kf", "sort S = a | b\n\naction a\n  when b\n" + "\n" * 8 + "  then\tclear c\n")


def test_nothing_is_rendered_as_nothing():
    assert render([]) == ""


def test_words_are_underlined_and_help_is_given():
    diagnostic = Diagnostic("KF101", "expected `by`, found `when`", Span(SOURCE, 27, 31), help="say who")
    assert render([diagnostic]).split("\n") == [
        "models/m.kf:4:3: error[KF101]: expected `by`, found `when`",
        "  |",
        "4 |   when b",
        "  |   ^^^^",
        "  = help: say who",
    ]


def test_warning_without_help():
    assert render([found(SOURCE, "a | b", severity="warning")]).split("\n") == [
        "models/m.kf:1:10: warning[KF101]: wrong",
        "  |",
        "1 | sort S = a | b",
        "  |          ^^^^^",
    ]


def test_diagnostics_are_parted_by_an_empty_line():
    both = render([found(SOURCE, "a | b"), found(SOURCE, "when")])
    assert both.count("\n\n") == 1
    assert both == render([found(SOURCE, "a | b")]) + "\n\n" + render([found(SOURCE, "when")])


def test_labels_stand_in_the_order_of_the_text():
    labels = (Label(Span(SOURCE, 0, 4), "the sort"), Label(Span(SOURCE, 32, 33), "used here"))
    assert render([found(SOURCE, "clear", labels=labels, help="one\ntwo")]).split("\n") == [
        "models/m.kf:13:8: error[KF101]: wrong",
        "   |",
        " 1 | sort S = a | b",
        "   | ---- the sort",
        "   :",
        " 4 |   when b",
        "   |        - used here",
        "   :",
        "13 |   then    clear c",
        "   |           ^^^^^",
        "   = help: one",
        "           two",
    ]


def test_label_on_the_same_line_comes_below():
    label = Label(Span(SOURCE, 5, 6), "this")
    assert render([found(SOURCE, "b", labels=(label,))]).split("\n")[2:] == [
        "1 | sort S = a | b",
        "  |              ^",
        "  |      - this",
    ]


def test_label_in_another_file_names_it():
    other = Source("parts/x.kf", "sort T = a\n")
    assert render([found(SOURCE, "S", labels=(Label(Span(other, 5, 6), "the first"),))]).split("\n") == [
        "models/m.kf:1:6: error[KF101]: wrong",
        "  |",
        "1 | sort S = a | b",
        "  |      ^",
        "  --> parts/x.kf:1:6",
        "  |",
        "1 | sort T = a",
        "  |      - the first",
    ]


def test_span_over_several_lines_is_underlined_on_the_first():
    source = Source("m.kf", "def d = f(a,  \n  b)\n")
    assert render([found(source, "f(a,  \n  b)")]).split("\n")[2:] == ["1 | def d = f(a,", "  |         ^^^^"]


@pytest.mark.parametrize(("start", "end"), [(3, 3), (5, 5), (6, 6)])
def test_empty_span_has_one_mark(start, end):
    source = Source("m.kf", "sort \n")
    lines = render([Diagnostic("KF101", "wrong", Span(source, start, end))]).split("\n")
    assert lines[-1].count("^") == 1


def test_source_without_text_has_no_excerpt():
    assert render([Diagnostic("KF401", "no such file", Span(Source("x.kf", ""), 0, 0), help="look")]).split("\n") == [
        "x.kf:1:1: error[KF401]: no such file",
        "  = help: look",
    ]


def test_tabs_and_wide_characters_keep_the_marks_in_place():
    source = Source("m.kf", '\tsort "日本" = e\u0301 x')
    assert render([found(source, "x")]).split("\n")[2:] == ['1 |     sort "日本" = e\u0301 x', "  |" + " " * 21 + "^"]
    assert render([found(source, "日本")]).split("\n")[3] == "  |" + " " * 11 + "^^^^"


def test_carriage_return_of_a_line_end_is_not_shown():
    source = Source("m.kf", "sort S = a\r\nsort T = b\r\n")
    assert render([found(source, "T")]).split("\n")[2:] == ["2 | sort T = b", "  |      ^"]


def test_hostile_characters_are_shown_as_codes():
    source = Source("a\x1b[2J.kf", "sort \x1b[31m\u202ered\x07\x00\ud800 = a")
    diagnostic = found(source, "\u202e", help="take\x08 it", labels=(Label(Span(source, 0, 4), "la\x9bbel"),))
    assert render([diagnostic]).split("\n") == [
        "a\\x1b[2J.kf:1:11: error[KF101]: wrong",
        "  |",
        "1 | sort \\x1b[31m\\u202ered\\x07\\x00\\ud800 = a",
        "  |              ^^^^^^",
        "  | ---- la\\x9bbel",
        "  = help: take\\x08 it",
    ]
    assert escape("ok é 日 \U000e0001") == "ok é 日 \\U000e0001"


def test_long_line_is_cut_around_the_words():
    source = Source("m.kf", "def d = " + "a or " * 20_000 + "here or" + " b or" * 20_000)
    line, marks = render([found(source, "here")], width=60).split("\n")[2:]
    assert line == "1 | …" + ("a or " * 11)[-27:] + "here or" + (" b or" * 11)[:24] + "…"
    assert marks.index("^") == line.index("here")
    assert marks.count("^") == 4


@pytest.mark.parametrize(("words", "start"), [("def", 0), ("last", 9_995)])
def test_long_line_is_cut_on_one_side(words, start):
    source = Source("m.kf", f"def {'x' * 9_990} last")
    line, marks = render([found(source, words)], width=40).split("\n")[2:]
    assert source.text[start : start + len(words)] == words
    assert marks.index("^") == line.index(words)
    assert len(line) <= 4 + 40
    assert line.count("…") == 1


def test_words_longer_than_the_line_fill_it():
    source = Source("m.kf", f"def {'x' * 500} = a")
    line, marks = render([found(source, "x" * 500)], width=50).split("\n")[2:]
    assert line == f"1 | …{'x' * 48}…"
    assert marks == f"  |  {'^' * 48}"


def test_label_cut_off_is_shown_at_the_edge():
    source = Source("m.kf", f"({' ' * 500}]")
    lines = render([found(source, "]", labels=(Label(Span(source, 0, 1), "opened here"),))], width=30).split("\n")
    assert lines[-1] == "  |  - opened here"


def test_colour_only_adds_codes():
    diagnostics = [found(SOURCE, "clear", labels=(Label(Span(SOURCE, 0, 4), "the sort"),), help="say who")]
    coloured = render(diagnostics, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(diagnostics)
    assert "\x1b[1;31merror[KF101]\x1b[0m" in coloured
    assert "\x1b[1;31m^^^^^\x1b[0m" in coloured
    assert "\x1b" not in render(diagnostics)
    assert "\x1b[1;33mwarning" in render([found(SOURCE, "a", severity="warning")], color=True)


def columns(text: str) -> int:
    return sum(0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF") for char in text)


@given(st.text(), st.integers(0, 30), st.integers(0, 30), st.integers(0, 80), st.text(max_size=5))
def test_any_span_of_any_text_is_shown(text, first, length, width, label):
    start = min(first, len(text))
    end = min(start + length, len(text))
    span = Span(Source("m.kf", text), start, end)
    shown = render([Diagnostic("KF101", text, span, (Label(span, label),), text)], width=width)
    assert all(char.isprintable() or char == "\n" for char in shown)
    excerpt = [line for line in shown.split("\n") if re.match(r"\d+ \| ", line)]
    assert all(columns(line) <= max(width, 20) + 5 + len(str(span.line)) for line in excerpt)


@given(st.text("ab cd", min_size=1, max_size=300), st.data())
def test_marks_stand_below_the_words(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, min(len(text), start + 20)))
    source = Source("m.kf", f"\n{text}x")
    shown = render([Diagnostic("KF101", "wrong", Span(source, start + 1, end + 1))], width=50)
    line, marks = shown.split("\n")[2:]
    left = marks.index("^")
    assert line[left : left + marks.count("^")] == text[start:end]


def test_line_of_characters_without_width_is_cut_too():
    source = Source("m.kf", "e" + "\u0301" * 5_000 + "x")
    line = render([Diagnostic("KF101", "wrong", Span(source, 0, 1))], width=30).split("\n")[2]
    assert line.endswith("…")
    assert len(line) < 500
