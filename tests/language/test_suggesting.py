"""Shared properties that are one name, or one line, short of being checked."""

from __future__ import annotations

import pytest

from keyfate.language.declaring import Placed
from keyfate.language.loading import load_text, shared_properties
from keyfate.language.parsing import parse
from keyfate.language.source import Diagnostic, Source
from keyfate.language.suggesting import suggestions
from keyfate.language.syntax import PropertyDecl

TEXT = """lifecycle small "two keys of two domains" status assumed
sort D = one | two
capability see
component cpu inside
secret memory[D]
place disk persistent at cpu
state gone : bool = false
exposes disk to see
action fill[d: D] by cpu then disk gains memory[d]; gone := true
"""


def found(text: str, *shared: str) -> tuple[Diagnostic, ...]:
    file, wrong = parse(Source("shared.kf", "\n".join(shared)))
    assert wrong == ()
    shapes = {d.name.text: Placed("", d) for d in file.declarations if isinstance(d, PropertyDecl)}
    loaded = load_text(TEXT + text)
    return suggestions(loaded.lifecycle, loaded.placed, shapes or shared_properties())


def test_a_condition_short() -> None:
    (hint,) = found("check confidentiality(memory)")
    assert hint.code == "KF321"
    assert hint.message == "the shared property `sanitization` would apply if there were a `disposed_everywhere`"
    assert hint.help is not None
    assert hint.help.splitlines() == [
        "declare `def disposed_everywhere = …`, then `check sanitization(memory, disposed_everywhere)`",
        "Once every platform is disposed of, nothing left anywhere, and nothing ever seen, yields memory",
    ]
    assert hint.span.text == "memory"


def test_what_the_hint_says_can_be_done() -> None:
    done = "check confidentiality(memory) def disposed_everywhere = gone = true "
    hint = next(hint for hint in found(done) if "`sanitization`" in hint.message)
    assert hint.message == "the shared property `sanitization` applies, and nothing checks it"
    assert hint.help is not None
    line = hint.help.splitlines()[0].strip("`")
    assert line == "check sanitization(memory, disposed_everywhere)"
    assert not any("`sanitization`" in hint.message for hint in found(done + line))


SHAPE = """property twice(item[T]: secret, over[T]: condition, both[T, T]: condition) "{item}"
  for t: T never attacker knows item[t] and over[t] and both[t, t]"""


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("", None),
        ("def over[d: D] = not gone", None),  # which secret, and `both`: two short
        (
            "secret item[D] def over[d: D] = not gone",
            "declare `def both[d: D, d2: D] = …`, then `check twice(item, over, both)`\nitem",
        ),
        (
            "def over[d: D] = not gone def both[d: D, e: D] = not gone",
            "take `memory` for it: `check twice(memory, over, both)`\nmemory",
        ),
        (
            "secret disk_key[D] def over[d: D] = not gone def both[d: D, e: D] = not gone",
            "take one of `disk_key`, `memory` for it: `check twice(ITEM, over, both)`\nITEM",
        ),
        ("secret item[D] def over[d: D] = not gone def both[d: D] = not gone", None),  # `both` is something else
        ("secret item[D] def over[d: D] = not gone state both : bool = false", None),
        ("secret item def over[d: D] = not gone def both[d: D, e: D] = not gone", None),  # `item` is something else
        ("sort E = x | y secret item[D] def over[e: E] = not gone", None),  # not of one sort
        ("secret item[D] place over[D] persistent at cpu", None),  # no condition
        ("secret item[D] def over[d: D] = gone", None),  # a value
    ],
)
def test_how_many_names_are_short(text: str, help: str | None) -> None:
    hints = found(text, SHAPE)
    assert [hint.help for hint in hints] == ([] if help is None else [help])


def test_sorts_that_nobody_knows_yet() -> None:
    params = "(powerless[P]: condition, left[P, T]: condition)"
    shape = f"property lost{params} for p: P, t: T when powerless[p] never left[p, t]"
    (hint,) = found("def powerless[d: D] = not gone", shape)
    assert hint.help == (
        "declare `def left[d: D, t: T] = …`, with sorts of yours for `T`, then `check lost(powerless, left)`"
    )


def test_one_parameter_says_nothing() -> None:
    assert found("", "property alone(item[T]: secret) for t: T never attacker knows item[t]") == ()


def test_a_property_of_that_name_is_not_missing() -> None:
    done = "check confidentiality(memory) property sanitization never gone"
    assert found(done) == ()
