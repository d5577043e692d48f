"""Policies: what they resolve to. What can be wrong with them is in tests/language/test_bad_input.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyfate.language import typed as t
from keyfate.language.library import folder as shipped
from keyfate.language.source import LifecycleError, Source
from keyfate.lifecycle.names import CapabilityName, ControlName
from keyfate.policy import admissible
from keyfate.policy.admissible import completions, refuted
from keyfate.policy.finding import find
from keyfate.policy.loading import lifecycle_policy, load_policy
from keyfate.policy.policy import PolicyError
from keyfate.policy.toml import parse
from vault import furnish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


def write(folder: Path, text: str, name: str = "mine.policy.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_policy_fixes_and_leaves_open(folder: Path) -> None:
    policy = load_policy(write(folder, 'lifecycle = "vault.kf"\n[controls]\nroot = "tpm"\nsealed = { left = true }\n'))
    assert policy.settings.controls == {ControlName("root"): "tpm", ControlName("sealed", ("left",)): True}
    assert [str(c) for c in policy.open_controls] == ["saving", "sealed[right]", "wipe"]
    assert all(policy.settings.capabilities.values())
    assert len(policy.settings.capabilities) == 4
    assert policy.attacker == "every capability"


def test_single_instances_win_over_the_whole(folder: Path) -> None:
    text = 'lifecycle = "vault.kf"\n[controls]\n"sealed[right]" = false\nsealed = true\n'
    policy = load_policy(write(folder, text))
    assert policy.settings.controls == {
        ControlName("sealed", ("left",)): True,
        ControlName("sealed", ("right",)): False,
    }


def test_extends_builds_on_another_policy(folder: Path) -> None:
    safe, flash = (load_policy(folder / f"{name}.policy.toml") for name in ("safe", "flash"))
    assert flash.settings.controls[ControlName("root")] == "flash"
    assert flash.settings.controls[ControlName("saving")] is True
    assert flash.settings.capabilities == safe.settings.capabilities
    assert flash.title == "in flash"
    assert [Path(f).name for f in flash.files] == ["flash.policy.toml", "safe.policy.toml"]


def test_extends_across_folders_finds_what_the_base_finds(folder: Path) -> None:
    (folder / "below").mkdir()
    policy = load_policy(write(folder / "below", 'extends = "../safe.policy.toml"\n'))
    assert Path(policy.lifecycle.path).name == "vault.kf"


def test_requirements_add_override_and_take_out(folder: Path) -> None:
    text = (
        'extends = "safe.policy.toml"\n[require]\nsecrecy = "VIOLATED"\ngone_is_gone = "PROVED"\n'
        '[not_required]\nrestores = "no need"\n'
    )
    policy = load_policy(write(folder, text))
    assert {(r.property, r.verdict, r.named) for r in policy.requirements} == {
        ("secrecy", "VIOLATED", True),
        ("gone_is_gone", "PROVED", True),
        ("off_is_empty", "PROVED", False),
        ("audited", "PROVED", False),
    }
    assert [(e.property, e.reason) for e in policy.not_required] == [("restores", "no need")]


def test_an_attacker_is_a_profile_with_what_it_includes(folder: Path) -> None:
    (folder / "attackers.toml").write_text(
        '[thief]\ntitle = "steals"\ncapabilities = ["steal", "of_another_lifecycle"]\n'
        '[lab]\nincludes = ["thief"]\ncapabilities = ["open_tpm"]\n'
    )
    policy = load_policy(
        write(folder, 'lifecycle = "vault.kf"\n[attacker]\nprofile = "lab"\ncapabilities = ["peek[left]"]\n')
    )
    assert set(policy.capabilities_on) == {
        CapabilityName("steal"),
        CapabilityName("open_tpm"),
        CapabilityName("peek", ("left",)),
    }
    assert policy.settings.capabilities[CapabilityName("peek", ("right",))] is False
    assert policy.attacker == "lab + peek[left]"
    assert policy.warnings == ()


def test_a_slip_in_a_profile_is_warned_of(folder: Path) -> None:
    (folder / "attackers.toml").write_text('[thief]\ncapabilities = ["steall"]\n')
    policy = load_policy(write(folder, 'lifecycle = "vault.kf"\n[attacker]\nprofile = "thief"\n'))
    assert [(w.code, w.severity, w.span.text) for w in policy.warnings] == [("KF523", "warning", '"steall"')]


def test_a_profile_made_for_another_lifecycle_is_warned_of(folder: Path) -> None:
    """Against an attacker that can do nothing, everything is proved."""
    (folder / "attackers.toml").write_text('[thief]\ncapabilities = ["take_the_lorry"]\n[tenant]\n')
    policy = load_policy(write(folder, 'lifecycle = "vault.kf"\n[attacker]\nprofile = "thief"\n'))
    assert [(w.code, w.severity, w.span.text) for w in policy.warnings] == [("KF524", "warning", '"thief"')]
    policy = load_policy(write(folder, 'lifecycle = "vault.kf"\n[attacker]\nprofile = "tenant"\n'))
    assert policy.warnings == ()


def test_no_attacker_at_all(folder: Path) -> None:
    policy = load_policy(write(folder, 'lifecycle = "vault.kf"\n[attacker]\n'))
    assert policy.capabilities_on == ()


def test_all_is_every_capability(folder: Path) -> None:
    policy = load_policy(write(folder, 'lifecycle = "vault.kf"\n[attacker]\ncapabilities = ["all"]\n'))
    assert len(policy.capabilities_on) == 4


def test_scope_of_the_command_line_wins(folder: Path) -> None:
    path = write(folder, 'lifecycle = "vault.kf"\n[scope]\nShelf = 3\n')
    assert len(load_policy(path).lifecycle.sorts[0].members) == 3
    assert len(load_policy(path, scope={"Shelf": 4}).lifecycle.sorts[0].members) == 4


def test_a_sort_of_a_fragment_is_sized_by_its_dotted_name(folder: Path) -> None:
    (folder / "part.kf").write_text("sort Slot = one | two\nstate used[Slot] : bool = false\n", encoding="utf-8")
    text = 'lifecycle whole "x" include "part.kf" as part component c outside action act by c '
    (folder / "whole.kf").write_text(text + "property p never part.used[part.one]", encoding="utf-8")
    for key in ("part.Slot", '"part.Slot"'):
        path = write(folder, f'lifecycle = "whole.kf"\n[scope]\n{key} = 3\n')
        assert len(load_policy(path).lifecycle.sorts[0].members) == 3
    path = write(folder, 'lifecycle = "whole.kf"\n[scope]\npart.Slt = 3\n')
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert [(d.code, d.span.line) for d in caught.value.diagnostics] == [("KF202", 3)]


def test_a_bare_lifecycle_leaves_controls_open_and_capabilities_on(folder: Path) -> None:
    policy = lifecycle_policy(folder / "vault.kf")
    assert policy.settings.controls == {}
    assert len(policy.open_controls) == 5
    assert all(policy.settings.capabilities.values())
    assert [r.property for r in policy.requirements] == ["secrecy", "gone_is_gone", "off_is_empty", "audited"]


def test_admissible_settings_are_those_of_the_constraints(folder: Path) -> None:
    lifecycle = lifecycle_policy(folder / "vault.kf").lifecycle
    settings = list(completions(lifecycle, {}))
    assert len(settings) == 2 * 2 * 4 * 2 - 2 * 4  # all, without wipe in flash
    assert not any(s[ControlName("wipe")] and s[ControlName("root")] == "flash" for s in settings)
    assert refuted(lifecycle, {ControlName("wipe"): True}) == ()
    assert len(refuted(lifecycle, {ControlName("wipe"): True, ControlName("root"): "flash"})) == 1


def pigeons(holes: int) -> str:
    """A lifecycle whose constraints give one more pigeon than there are holes one of its own: no setting does."""
    birds = range(holes + 1)
    lines = ['lifecycle loft source "a test" status documented', "component cpu inside"]
    lines += [f"control in{p}_{h} : bool" for p in birds for h in range(holes)]
    lines += [f"constraint {' or '.join(f'in{p}_{h}' for h in range(holes))}" for p in birds]
    lines += [f"constraint not (in{p}_{h} and in{q}_{h})" for h in range(holes) for p in birds for q in range(p)]
    return "\n".join([*lines, "state on : bool = false", "action go by cpu then on := true", "property off never on"])


@pytest.mark.parametrize(("holes", "code"), [(2, "KF514"), (8, "KF515")])
def test_a_search_for_an_admissible_setting_ends(
    holes: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many constraints there are: before it ends, no deadline is looked at."""
    path = tmp_path / "loft.kf"
    path.write_text(pigeons(holes), encoding="utf-8")
    looked, evaluate = iter(range(admissible.LIMIT)), admissible.truth

    def counted(condition: t.Condition, env: admissible.Environment, setting: admissible.Setting) -> bool | None:
        assert next(looked, None) is not None, "it looks at more than its limit"
        return evaluate(condition, env, setting)

    monkeypatch.setattr(admissible, "truth", counted)
    with pytest.raises(LifecycleError) as error:
        lifecycle_policy(path)
    assert [d.code for d in error.value.diagnostics] == [code]


def test_the_shipped_lifecycles_have_admissible_settings() -> None:
    paths = list(shipped("models").glob("*.kf"))
    assert paths
    for path in paths:
        assert next(completions(lifecycle_policy(path).lifecycle, {}), None) is not None


def test_policies_below_a_folder(folder: Path) -> None:
    for name in (".hidden", "venv", "team/deep", "other"):
        (folder / name).mkdir(parents=True)
        write(folder / name, "")
    (folder / "venv" / "pyvenv.cfg").touch()
    found = [path.relative_to(folder).as_posix() for path in find([folder, folder / "safe.policy.toml"])]
    assert found == [
        "flash.policy.toml",
        "safe.policy.toml",
        "other/mine.policy.toml",
        "team/deep/mine.policy.toml",
    ]


def test_every_key_and_value_has_its_place() -> None:
    text = (
        '# a comment = "no"\ntitle = "x = 1"\n[controls]\na.b = 1 # c\n"p[q]" = { r = true, \'s\' = "t" }\n'
        'list = ["a", # b\n  "c"]\nlong = """x\n[y]"""\n[[w]]\nx=1\n[[w]]\nx=2\n'
    )
    document = parse(Source("p", text))
    places = {
        path: (entry.key.line, entry.key.column, entry.key.text, entry.value.text)
        for path, entry in document.entries.items()
    }
    assert places["title",] == (2, 1, "title", '"x = 1"')
    assert places["controls", "a", "b"] == (4, 1, "a.b", "1")
    assert places["controls", "p[q]", "s"] == (5, 22, "'s'", '"t"')
    assert places["controls", "list", 1] == (7, 3, '"c"', '"c"')
    assert places["controls", "long"][3] == '"""x\n[y]"""'
    assert places["w", 1, "x"] == (13, 1, "x", "2")
    assert document.key(("controls", "nothing")).text == "[controls]"


def test_a_benefit_is_never_vacuous_and_may_not_be_required_to_be(folder: Path) -> None:
    """`possible` has no `when`: who requires that asks for what no run of keyfate ever answers."""
    with pytest.raises(PolicyError) as refused:
        load_policy(write(folder, 'lifecycle = "vault.kf"\n[require]\nrestores = "VACUOUS"\n'))
    assert [d.code for d in refused.value.diagnostics] == ["KF531"]
