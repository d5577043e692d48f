"""What is declared and used by nothing, told from the text and from the checked lifecycle."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyfate.language.loading import Loaded, load, load_text
from keyfate.language.unused import unused
from keyfate.lifecycle.unused import unseen_places, unused_names

TEXT = """lifecycle small "all of it is used" status assumed
sort P = alpha | beta
control mode : plain | bound
capability see "sees"
component cpu inside
component host outside
secret root[P], other
public address
key storage[p: P] = kdf("storage", root[p], if mode = bound then address else address)
def held[p: P] = disk has storage[p]
place fuses[p: P] persistent at cpu starts with root[p]
place disk persistent at host
state on[P] : bool = false
exposes disk to see
action derive[p: P] by cpu when not on[p] then on[p] := true; disk gains storage[p] using fuses[p]; disk gains other
property kept for p: P never held[p] and not on[p]
"""


def found(text: str) -> list[str]:
    """Codes and names, in the order of the text."""
    loaded = load_text(text)
    told = (*unused(loaded.placed), *unused_names(loaded.lifecycle))
    assert all(d.severity == "warning" and d.help for d in told)
    return [f"{d.code} {d.span.text}" for d in sorted(told, key=lambda d: d.span.start)]


def test_nothing_is_said_where_all_is_used() -> None:
    assert found(TEXT) == []
    assert unseen_places(load_text(TEXT).lifecycle) == ()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("sort Q = one | two", ["KF310 sort Q = one | two"]),
        ("sort Q = one | two state q : Q = one property p never q = two", []),
        ("sort Q = one | two state q : Q or none = none property p never q = two", []),
        ("control knob : bool", ["KF310 knob"]),
        ("control knob : bool constraint knob", ["KF310 knob"]),
        ("control knob : bool property p never knob and mode = plain", []),
        ("capability touch", ["KF310 touch"]),
        ("capability touch action look by attacker needs touch", []),
        ("component service inside", ["KF310 service"]),
        ("component service inside action look by service", []),
        ("public name", ["KF310 name"]),
        ("public name property p never attacker knows enc(other, name)", []),
        ("key spare = hash(other)", ["KF310 spare"]),
        ("key spare = hash(other) property p never attacker knows spare", []),
        ("def spare = disk has other", ["KF310 spare"]),
        ("def spare = disk has other def more = spare and mode = plain", ["KF310 spare", "KF310 more"]),
        ("def spare = disk has other def more = spare and mode = plain property p never more", []),
        ("public only key spare = hash(only)", ["KF310 only", "KF310 spare"]),
        ("state idle : bool = true def spare = idle", ["KF312 idle", "KF310 spare"]),
        ("message Note = enc(other, address)", ["KF310 Note"]),
        ("message Note = enc(other, address) action send[n: Note] by attacker then disk gains n", []),
        ("public only message Note = enc(other, only) action send[n: Note] by attacker then disk gains n", []),
        ("state idle : bool = true", ["KF312 idle"]),
        ("state seen : bool = false action look by host then seen := true", ["KF312 seen"]),
        ("state seen : bool = false action look by host then seen := not seen", []),
        ("state seen[P] : bool = false state at : P = alpha action look by host then seen[at] := true", ["KF312 seen"]),
        ("state seen : bool = false action look by host then if seen { on[alpha] := true }", []),
        ("place note persistent at cpu", ["KF313 note"]),
        ("place note persistent at cpu action look by host then note gains other; clear note", ["KF313 note"]),
        ("place note persistent at cpu action look by host then note becomes disk", ["KF313 note"]),
        ("place note persistent at cpu action look by host then disk becomes note", []),
        ("place note persistent at cpu action look by host when note yields other", []),
        ("place note persistent at cpu action look by host then disk gains hash(other) using disk, note", []),
        ("place note persistent at cpu action look by host then leaks other using note to see", []),
        ("place note persistent at cpu property p never other recoverable from (note)", []),
        ("place note persistent at cpu property p never other recoverable", []),  # it asks about all places
        ("property p(item: secret) never attacker knows item", ["KF314 p"]),
        ("property p(item: secret) never attacker knows item check p(other) as kept_too", []),
        ("def spare = hash(other) property p(item: secret) never disk has spare and disk has item", None),
        (
            "def spare = disk has other property p(spare: condition) never spare and mode = plain check p(true)",
            ["KF310 spare"],  # in the shape, the name is what `check` gives
        ),
        ("action look[p: P] by host", ["KF311 p"]),
        ("action look[p: P] by host property p1 never did look[alpha]", []),
        ("action look[p: P] by host property p1 never did look[_]", ["KF311 p"]),
        ("action look[p: P] by host then on[p] := true", []),
        ("key spare[p: P] = hash(other) property p1 never attacker knows spare[alpha]", ["KF311 p"]),
        ("def never_so[p: P] = false property p1 never never_so[alpha]", []),
        ("def odd[p: P] = on[alpha] property p1 never odd[alpha]", ["KF311 p"]),
        ("message Note = enc(other, address) for p: P action send[n: Note] by attacker then disk gains n", ["KF311 p"]),
        ("property p1 for p: P never disk has other", ["KF311 p"]),
        ("property p1 never some p: P { disk has other }", ["KF311 p"]),
        ("property p1 never some p: P where on[p] { disk has other }", []),
        ("action look by host then for p: P { on[alpha] := true }", ["KF311 p"]),
        ("property p1(a: secret, b: secret) never attacker knows a check p1(other, other)", ["KF311 b"]),
        ("place note[p: P] persistent at cpu property p1 never note[alpha] has other", ["KF311 p"]),
        ("state note[p: P] : bool = false property p1 never note[alpha]", ["KF311 p"]),
    ],
)
def test_each_kind_of_name(more: str, told: list[str] | None) -> None:
    if told is None:  # what only a shape uses that nobody applies is used by nothing
        told = ["KF310 spare", "KF314 p"]
    assert found(TEXT + more) == told


def test_what_only_the_unused_uses_says_who() -> None:
    first, second = unused(load_text(TEXT + "def spare = disk has other def more = spare and mode = plain").placed)
    assert first.message == "nothing uses the def `spare`"
    assert [(label.span.text, label.text) for label in first.labels] == [
        ("more", "this uses it, and is used by nothing")
    ]
    assert second.labels == ()


def included(folder: Path, main: str, part: str) -> Loaded:
    (folder / "part.kf").write_text(part, encoding="utf-8")
    (folder / "main.kf").write_text(TEXT + 'include "part.kf" as part\n' + main, encoding="utf-8")
    return load(folder / "main.kf")


def test_a_fragment_may_have_more_than_one_lifecycle_needs(tmp_path: Path) -> None:
    part = """
      sort Q = one | two
      control knob : bool
      key spare[q: Q] = hash(seed)
      secret seed
      state idle : bool = true
      component box outside
      place store persistent at box starts with seed
      property shape(item: secret) never attacker knows item
    """
    loaded = included(tmp_path, "", part)
    assert unused(loaded.placed) == ()
    assert unused_names(loaded.lifecycle) == ()
    assert unseen_places(loaded.lifecycle) == ()


def test_a_fragment_uses_what_it_names(tmp_path: Path) -> None:
    """A name without prefix in a fragment is its own first, then the lifecycle's."""
    loaded = included(
        tmp_path, "key spare = hash(other) key kept = hash(other)", "action look by host when disk has kept"
    )
    assert [d.span.text for d in unused(loaded.placed)] == ["spare"]
    loaded = included(
        tmp_path, "key kept = hash(other)", "key kept = hash(other) action look by host when disk has kept"
    )
    assert [d.span.text for d in unused(loaded.placed)] == ["kept"]
    loaded = included(tmp_path, "property p never attacker knows part.kept", "key kept = hash(other)")
    assert unused(loaded.placed) == ()


def test_an_outside_place_that_nobody_sees() -> None:
    text = TEXT.replace("exposes disk to see", "place box[P] persistent at host")
    (disk, box) = unseen_places(load_text(text).lifecycle)
    assert (disk.code, disk.span.text, box.span.text) == ("KF320", "disk", "box")
    assert disk.help == "if somebody can, say who: `exposes disk to CAPABILITY`"
    assert box.help == "if somebody can, say who: `exposes box[p: P] to CAPABILITY`"
    leaking = text + "action look by host then leaks other using disk to see"
    assert [d.span.text for d in unseen_places(load_text(leaking).lifecycle)] == ["box"]
