"""Warnings: volatile places that a power event leaves (R4), secrets that no place holds (R14)."""

from __future__ import annotations

import pytest

from keyfate.lifecycle.lints import lint, uncleared_places, unplaced_secrets
from semantics.small import lifecycle

POWER = """
  sort P = alpha | beta
  secret k
  place ram[P] volatile at cpu
  place regs volatile at cpu
  place disk persistent at host starts with k
  state on : bool = true
  action reset[p: P] by cpu power event then %s
  action halt by cpu then on := false
"""


@pytest.mark.parametrize(
    ("effects", "left"),
    [
        ("on := false", ["`ram`", "`regs`"]),
        ("clear ram[p]", ["`regs`"]),
        ("if on { clear ram[p] } else { ram[p] becomes disk }; regs becomes {k}", []),
        ("clear ram[p]; regs loses k", ["`regs`"]),
        ("for q: P { clear ram[q] }; regs gains all of disk", ["`regs`"]),
    ],
)
def test_power_events_should_clear_what_is_volatile(effects: str, left: list[str]) -> None:
    found = uncleared_places(lifecycle(POWER % effects))
    assert [d.code for d in found] == ["KF304"] * len(left)
    assert all(d.severity == "warning" and "`reset`" in d.message for d in found)
    assert [place for d, place in zip(found, left, strict=True) if place in d.message] == left


@pytest.mark.parametrize(
    ("effect", "placed"),
    [
        ("disk gains m", True),
        ("disk gains enc(k, m) ideal", True),
        ("disk gains wrap(k, pair(k, seal(k, m))) ideal", True),
        ("disk becomes {k, aenc(pub(k), m)} ideal", True),
        ("disk gains enc(m, k) ideal", False),
        ('disk gains kdf("x", m) ideal', False),
        ("disk gains if on then m else k", True),
        ("disk gains b using disk", True),
        ("disk loses m", False),
    ],
)
def test_secrets_should_enter_a_place(effect: str, placed: bool) -> None:
    text = f"""
      secret k, m
      place disk persistent at host starts with k
      state on : bool = true
      message Blob = enc(k, m)
      action put[b: Blob] by cpu then {effect}
    """
    if effect.startswith("disk gains if"):
        text = text.replace("m else k", "m else k ideal")
    found = unplaced_secrets(lifecycle(text))
    assert [(d.code, "`m`" in d.message, d.severity) for d in found] == ([] if placed else [("KF305", True, "warning")])


def test_lint_is_all_of_them() -> None:
    of = lifecycle(POWER.replace("secret k", "secret k, m") % "on := false")
    assert [d.code for d in lint(of)] == ["KF304", "KF304", "KF305"]
