"""What a lifecycle may not say: code, words underlined, and a hint at the mend, for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyfate.language.loading import load, load_text
from keyfate.language.source import LifecycleError

BASE = """
lifecycle small "a small one" status documented
sort P = alpha | beta
sort E = 0 .. 3
control persist : off | on = "x"
control bind : bool
capability steal "reads"
component cpu inside
component host outside
secret seed[P], data
public label[P], zero
key k[p: P] = kdf("k", seed[p], if bind then label[p] else zero)
message Blob = enc(k[p], data) for p: P
place store[P] persistent at cpu
place disk persistent at host
state power[P] : off | on = off
state owner : P or none = none
state epoch : E = 0
state hot : bool = false
def warm[p: P] = power[p] = on
"""
BASE = BASE.replace(' = "x"', "")
STEP = "action boot[p: P] by cpu when power[p] = off then power[p] := on\n"

WRONG = [
    ("unknown name", "action a by cpu when powr[alpha] = on then hot := true", "KF202", "powr", "power"),
    ("unknown sort", "state x[Plat] : off | on = off", "KF202", "Plat", None),
    ("unknown value", "action a by cpu when power[alpha] = runing then hot := true", "KF202", "runing", None),
    ("unknown action", "action a by cpu when did boo then hot := true", "KF202", "boo", "boot"),
    ("unknown function", "action a by cpu then disk gains encr(seed[alpha], data) using store", "KF202", "encr", "enc"),
    ("unknown capability", "exposes disk to stael", "KF202", "stael", "steal"),
    ("unknown component", "place x volatile at cpuu", "KF202", "cpuu", "cpu"),
    ("unknown property", "check confidentialty(data)", "KF202", "confidentialty", None),
    ("wrong index sort", "action a by cpu when power[epoch] = on then hot := true", "KF205", "epoch", None),
    ("wrong index count", "action a by cpu when power = on then hot := true", "KF210", "power", None),
    ("index on an atom", "action a by cpu then disk gains data[alpha]", "KF210", "data[alpha]", None),
    ("type error", "action a by cpu then epoch := alpha", "KF205", "alpha", None),
    ("condition for a value", "action a by cpu then epoch := (hot and hot)", "KF205", "(hot and hot)", None),
    ("value for a condition", "action a by cpu when epoch then hot := true", "KF205", "epoch", None),
    ("term for a condition", "action a by cpu when data then hot := true", "KF211", "data", None),
    ("terms compared", "action a by cpu when data = seed[alpha] then hot := true", "KF212", "data", None),
    ("value for a term", "action a by cpu then disk gains power[alpha] using store", "KF212", "power[alpha]", None),
    ("duplicate", "state power : off | on = off", "KF201", "power", None),
    ("duplicate value", "state x : a | b | a = b", "KF201", "a", None),
    ("cyclic key", 'key k1 = kdf("a", k2) key k2 = kdf("b", k1)', "KF217", "k1", None),
    ("self cyclic key", 'key k1 = kdf("a", k1)', "KF217", "k1", None),
    ("gain without sources", "action a by cpu then disk gains k[alpha]", "KF232", "k[alpha]", None),
    ("leak without sources", "action a by cpu then leaks data to steal", "KF232", "data", None),
    ("attacker using", "action a by attacker then disk gains data using store", "KF231", "using store", None),
    ("undeclared place", "action a by cpu then dusk gains data", "KF202", "dusk", "disk"),
    ("not a place", "action a by cpu then data gains data", "KF214", "data", None),
    ("control assigned", "action a by cpu then persist := on", "KF230", "persist", None),
    ("member assigned", "action a by cpu then alpha := on", "KF230", "alpha", None),
    ("knows negated", "property q never not attacker knows data", "KF242", "attacker knows data", None),
    (
        "knows left of implies",
        "property q never (attacker knows data implies hot)",
        "KF242",
        "attacker knows data",
        None,
    ),
    ("knows in always", "property q always attacker knows data", "KF241", "attacker knows data", None),
    (
        "knows in a guard",
        "action a by cpu when attacker knows data then hot := true",
        "KF241",
        "attacker knows data",
        None,
    ),
    (
        "knows negated in the attacker's guard",
        "action a by attacker when not attacker knows data then hot := true",
        "KF242",
        "attacker knows data",
        None,
    ),
    ("knows through a def", "def kn = attacker knows data property q never not kn", "KF242", "kn", None),
    (
        "recoverable in a guard",
        "action a by cpu when data recoverable then hot := true",
        "KF241",
        "data recoverable",
        None,
    ),
    ("recoverable negated", "property q never not data recoverable", "KF242", "data recoverable", None),
    ("capability in a condition", "action a by cpu when steal then hot := true", "KF213", "steal", None),
    ("state in a constraint", "constraint hot", "KF240", "hot", None),
    ("state in a first value", "state x : bool = hot", "KF240", "hot", None),
    ("no first value", "state x : a | b", "KF262", "x", None),
    ("empty range", "sort Q = 3 .. 1", "KF220", "3 .. 1", None),
    ("none of a plain state", "action a by cpu then power[alpha] := none", "KF208", "none", None),
    ("state indexed by maybe none", "action a by cpu when power[owner] = on then hot := true", "KF206", "owner", None),
    ("number outside", "action a by cpu then epoch := 7", "KF207", "7", None),
    ("no order", "action a by cpu when power[alpha] < on then hot := true", "KF205", "power[alpha] < on", None),
    ("kdf without a label", "key q = kdf(data)", "KF215", "kdf(data)", None),
    ("label on enc", 'key q = enc("x", data, data)', "KF215", '"x"', None),
    ("arity", "key q = enc(data)", "KF215", "enc(data)", None),
    ("secret address", "key q = page(data, data, data)", "KF216", "data", None),
    ("not a public key", "key q = aenc(data, data)", "KF216", "data", None),
    ("range left in a property", "property q never epoch + 1 = 2", "KF243", "epoch + 1", None),
    ("range left in an exposure", "exposes disk to steal when epoch + 1 = 2", "KF243", "epoch + 1", None),
    ("needs of a component", "action a by cpu needs steal then hot := true", "KF233", "steal", None),
    ("binder shadows", "property q for alpha: P never hot", "KF204", "alpha", None),
    ("word of the language", "secret attacker_ public bool", "KF204", "bool", None),
    ("possible with when", "property q when hot possible hot", "KF254", "hot", None),
    ("severity", "property q severity huge never hot", "KF255", "huge", None),
    ("status", "action a by cpu then hot := true status sure", "KF255", "sure", None),
    ("argument of another kind", "check only_secret(disk)", "KF252", "disk", None),
    ("argument of another shape", "check only_secret(seed)", "KF253", "seed", None),
    ("arguments missing", "check only_secret", "KF250", "check only_secret", None),
    ("checked twice", "check only_secret(data) check only_secret(data)", "KF201", "check only_secret(data)", None),
]
SHAPE = "property only_secret(item: secret) never attacker knows item\n"


@pytest.mark.parametrize(("text", "code", "words", "hint"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_wrong(text: str, code: str, words: str, hint: str | None) -> None:
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP + SHAPE + text)
    found = caught.value.diagnostics
    assert [(d.code, d.span.text) for d in found] == [(code, words)]
    assert found[0].help
    if hint is not None:
        assert f"`{hint}`" in found[0].help


def test_all_errors_of_a_file_at_once() -> None:
    """Each broken clause costs one diagnostic, and hides none behind it."""
    text = BASE + "action a by cpu when powr[alpha] = on then epoch := alpha; dusk gains data\nstate y : a | b\n"
    with pytest.raises(LifecycleError) as caught:
        load_text(text)
    assert [d.code for d in caught.value.diagnostics] == ["KF202", "KF205", "KF202", "KF262"]


WRONG_ONCE = [
    ("place x[Plat] volatile at cpu action a by cpu when x has data then x[alpha] gains data", "Plat"),
    ("state x[Plat] : off | on = off action a by cpu when x[alpha] = on then x[alpha] := off", "Plat"),
    ("def x[p: Plat] = data action a by cpu when x[alpha] and hot then disk gains x[alpha] using store", "Plat"),
    ("def x = x and hot action a by cpu when x then hot := x", "x"),
]


@pytest.mark.parametrize(("text", "words"), WRONG_ONCE)
def test_a_wrong_declaration_is_told_once_and_not_where_it_is_used(text: str, words: str) -> None:
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP + text)
    assert [d.span.text for d in caught.value.diagnostics] == [words]


def test_a_declaration_that_cannot_be_read_makes_no_other_wrong() -> None:
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP + "state y : a | | b = a\naction z by cpu when y = a then hot := true; dusk gains data\n")
    assert [(d.code, d.span.text) for d in caught.value.diagnostics] == [("KF101", "|"), ("KF202", "dusk")]


RIGHT = [
    ("both sides of a comparison", "action a by cpu when on = power[alpha] and alpha = owner then hot := true"),
    ("none", "action a by cpu when owner != none then owner := none"),
    ("choice of values", "action a by cpu then epoch := if hot then 1 else epoch"),
    ("condition assigned", "action a by cpu then hot := (hot or power[alpha] = on)"),
    ("term indexed by maybe none", "action a by cpu then clear disk property q never attacker knows k[owner]"),
    ("range", "action a by cpu when epoch < 3 and 1 <= epoch then epoch := epoch + 1"),
    ("message parameter", "action a[b: Blob] by attacker needs steal when attacker knows b then disk gains b"),
    ("quantifiers", "property q never all p: P where power[p] = on { some r: P { power[r] = off } }"),
    ("family in a set", "property q never (store, disk) yields data"),
    ("in a set", "action a by cpu when power[alpha] in {on, off} then hot := true"),
    ("double negation of knows", "property q never not (hot or not attacker knows data)"),
    ("past", "property q never once did boot and historically hot and previously (hot since did boot[_])"),
    ("recoverable negated in possible", "property q possible hot and not data recoverable"),
    ("if condition", "property q never if bind then hot else not hot"),
    ("def of a value", "def mine = owner action a by cpu when mine = alpha then hot := true"),
    ("value and condition def", "action a by cpu when warm[alpha] and bind then hot := true"),
]


@pytest.mark.parametrize("text", [r[1] for r in RIGHT], ids=[r[0] for r in RIGHT])
def test_right(text: str) -> None:
    assert load_text(BASE + STEP + text).lifecycle.name == "small"


def test_scope_names_members_first_and_generates_the_rest() -> None:
    wide = load_text(BASE + STEP, scope={"P": 3, "E": 2}).lifecycle
    assert [s.members for s in wide.sorts] == [("alpha", "beta", "p_3"), (0, 1)]
    assert wide.sorts[0].named == 2
    narrow = load_text(BASE + STEP, scope={"P": 1}).lifecycle
    assert narrow.sorts[0].members == ("alpha",)
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP + "property q never owner = beta", scope={"P": 1})
    assert [(d.code, d.span.text) for d in caught.value.diagnostics] == [("KF209", "beta")]


@pytest.mark.parametrize(
    ("scope", "code"), [({"P": 0}, "KF220"), ({"Q": 2}, "KF202"), ({"P": 10_000}, "KF221"), ({"E": -1}, "KF220")]
)
def test_impossible_scopes(scope: dict[str, int], code: str) -> None:
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP, scope=scope)
    assert caught.value.diagnostics[0].code == code


def test_expansion_is_bounded() -> None:
    """Definitions that double each time are refused where they grow, promptly."""
    defs = "def d0 = hot\n" + "".join(f"def d{n} = d{n - 1} and d{n - 1}\n" for n in range(1, 60))
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP + defs)
    assert caught.value.diagnostics[0].code == "KF223"


def test_expansion_is_not_deep() -> None:
    """Each evaluator recurses: a chain of definitions is refused before it could run out of stack."""
    defs = "def d0 = hot\n" + "".join(f"def d{n} = not d{n - 1}\n" for n in range(1, 400))
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP + defs)
    assert caught.value.diagnostics[0].code == "KF223"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"state big[{', '.join(['P'] * 9)}] : bool = false", "big"),
        (f"control big[{', '.join(['P'] * 9)}] : bool", "big"),
        (f"capability big[{', '.join(['P'] * 9)}]", "big"),
        (f"place big[{', '.join(['P'] * 9)}] volatile at cpu", "big"),
        (f"action big[{', '.join(f'x{n}: P' for n in range(9))}] by cpu", "big"),
        (f"property big for {', '.join(f'x{n}: P' for n in range(9))} never hot", "big"),
        ("property big never " + "".join(f"all x{n}: P {{ " for n in range(12)) + "hot" + " }" * 12, "big"),
        ("action big by cpu then " + "".join(f"for x{n}: P {{ " for n in range(12)) + "clear ram" + " }" * 12, "big"),
    ],
)
def test_too_many_instances_are_refused_promptly(text: str, named: str) -> None:
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP + text, scope={"P": 20})
    found = caught.value.diagnostics[0]
    assert (found.code, found.span.text) == ("KF224", named)
    assert "`P` 20" in (found.help or "")


def test_actions_that_together_are_too_many_are_refused_by_the_largest() -> None:
    steps = ["action small[x: P] by cpu then clear disk "]
    for name, effect in (("more", "clear disk"), ("most", "clear disk; clear disk"), ("third", "clear disk")):
        steps.append(f"action {name}[x: P, y: P, z: P] by cpu when power[x] = on then {effect} ")
    assert load_text(BASE + STEP + "".join(steps), scope={"P": 20}).lifecycle
    with pytest.raises(LifecycleError) as caught:
        load_text(BASE + STEP + "".join(steps), scope={"P": 45})
    (found,) = caught.value.diagnostics
    assert (found.code, found.span.text) == ("KF224", "most")
    assert "are of `most`" in found.message
    assert "`P` 45" in (found.help or "")


def test_equal_past_operators_share_a_latch_and_others_do_not() -> None:
    text = "def was[p: P] = once power[p] = on property q for p: P never was[p] and was[alpha] and was[beta]"
    lifecycle = load_text(BASE + STEP + text + " property r never was[alpha]").lifecycle
    q, r = lifecycle.properties
    identities = [past.identity for past in q.body.operands]
    assert len(set(identities)) == 3
    assert r.body.identity == identities[1]


@pytest.mark.parametrize(
    ("line", "status"), [('lifecycle part "a part" status claimed\n', "claimed"), ("", "documented")]
)
def test_a_fragments_own_line_gives_the_status_of_what_it_declares(tmp_path: Path, line: str, status: str) -> None:
    part = f"{line}component cpu inside\nstate hot : bool = false\naction heat by cpu when not hot then hot := true\n"
    (tmp_path / "part.kf").write_text(part, encoding="utf-8")
    whole = tmp_path / "whole.kf"
    whole.write_text(
        'lifecycle whole "all of it" status documented\ninclude "part.kf" as part\ncomponent host outside\n'
        "action cool by host when part.hot then part.hot := false\nproperty stays never part.hot\n",
        encoding="utf-8",
    )
    assert {action.name: action.status for action in load(whole).lifecycle.actions} == {
        "part.heat": status,
        "cool": "documented",
    }
    if line:  # and it can be checked alone
        assert [action.status for action in load(tmp_path / "part.kf").lifecycle.actions] == ["claimed"]
