"""`keyfate new`: what it writes can be used as it stands, and as its comments say."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import assume, given
from hypothesis import strategies as st

from drawing import lifecycles
from keyfate.checking.session import Session, Shelf, open_session
from keyfate.cli.main import keyfate
from keyfate.commands.starting import lifecycle_name
from keyfate.language.loading import load_text
from keyfate.language.scanning import DECLARATIONS, EXPRESSION_KEYWORDS
from keyfate.language.source import LifecycleError
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.lints import lint
from keyfate.policy.finding import shipped_names
from keyfate.policy.loading import load_policy
from keyfate.policy.outline import outline
from vault import furnish


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: object) -> Result:
    return CliRunner().invoke(keyfate, [*map(str, words)])


def said(*words: object) -> str:
    done = run(*words)
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: object) -> list[str]:
    """The codes of the errors; nothing may be written."""
    before = sorted(Path().rglob("*"))
    done = run(*words)
    assert isinstance(done.exception, LifecycleError), done.output
    assert sorted(Path().rglob("*")) == before
    assert all(d.help for d in done.exception.diagnostics)
    return [d.code for d in done.exception.diagnostics]


# A lifecycle


def test_it_checks_with_one_that_holds_and_one_that_breaks(here: Path) -> None:
    told = said("new", "lifecycle", "my-vault")
    assert told == "wrote my-vault.kf\nnext: keyfate check my-vault.kf\n      keyfate new policy my-vault.kf\n"
    done = run("check", "my-vault.kf")
    assert done.exit_code == 1
    assert re.search(r"theft +✓ PROVED", done.output)
    assert re.search(r"disposal +✗ VIOLATED", done.output)
    assert run("lint", "--strict", "my-vault.kf").exit_code == 0
    assert said("lint", "my-vault.kf").startswith("no warnings in 1 file\n")


def test_the_mend_that_its_comment_tells_mends_it(here: Path) -> None:
    said("new", "lifecycle", "my-vault")
    path = here / "my-vault.kf"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    (mend,) = (n for n, line in enumerate(lines) if line.startswith("-- action "))
    assert lines[mend + 1].startswith("action dispose ")
    lines[mend : mend + 2] = [lines[mend].removeprefix("-- ")]
    path.write_text("".join(lines), encoding="utf-8")
    assert run("check", "my-vault.kf").exit_code == 0
    assert run("lint", "--strict", "my-vault.kf").exit_code == 0


def test_a_path_names_file_and_lifecycle(here: Path) -> None:
    (here / "models").mkdir()
    said("new", "lifecycle", "models/my-first.vault")
    assert "lifecycle my_first_vault " in (here / "models" / "my-first.vault.kf").read_text(encoding="utf-8")
    said("new", "lifecycle", "models/other.kf")
    assert (here / "models" / "other.kf").is_file()
    said("new", "lifecycle", "third", "-o", "models/elsewhere.kf")
    assert "lifecycle third " in (here / "models" / "elsewhere.kf").read_text(encoding="utf-8")
    told = said("new", "lifecycle", "fourth", "--output", "with space.kf")
    assert "keyfate check 'with space.kf'" in told


@pytest.mark.parametrize(
    "name", ["sort", "when", "true", "attacker", "_", "9lives", "ä", 'a"b', "a\nb", "", "a/", "a b\\", "..", ".hidden"]
)
def test_names_that_a_lifecycle_cannot_have(name: str, here: Path) -> None:
    assert refused("new", "lifecycle", name) == ["KF565"]


def test_a_name_that_commands_would_take_for_an_option(here: Path) -> None:
    assert refused("new", "lifecycle", "--", "-x") == ["KF565"]


@given(
    st.sampled_from([*DECLARATIONS, *sorted(EXPRESSION_KEYWORDS)]) | st.text(st.characters(codec="utf-8"), max_size=6)
)
def test_a_name_is_refused_or_makes_a_lifecycle(name: str) -> None:
    try:
        word = lifecycle_name(name)
    except LifecycleError:
        return
    assert load_text(f'lifecycle {word} "x"\ncomponent c inside\naction a by c\n').lifecycle.name == word


def test_nothing_is_overwritten_and_no_folder_made(here: Path) -> None:
    (here / "mine.kf").write_text("my work", encoding="utf-8")
    (here / "folder.kf").mkdir()
    (here / "link.kf").symlink_to("nowhere")
    for name in ("mine", "mine.kf", "folder", "link"):
        assert refused("new", "lifecycle", name) == ["KF566"]
    assert refused("new", "lifecycle", "other", "-o", "mine.kf") == ["KF566"]
    assert (here / "mine.kf").read_text(encoding="utf-8") == "my work"
    assert refused("new", "lifecycle", "models/mine") == ["KF567"]
    assert refused("new", "lifecycle", "other", "-o", "models/mine.kf") == ["KF567"]
    assert refused("new", "lifecycle", "other", "-o", "mine.txt") == ["KF568"]
    for nameless in ("", ".", "..", "/"):
        assert refused("new", "lifecycle", "other", "-o", nameless) == ["KF568"]


# A policy


def suggestions(text: str) -> Iterator[tuple[str, str]]:
    """Each commented setting, and the policy with that one taken up."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if re.match(r"#[^ #\n]", line):
            yield line, "".join((*lines[:number], line[1:], *lines[number + 1 :]))


def every_way(path: Path) -> int:
    """How many settings are suggested; the policy and each way to take up one of them is loaded."""
    shelf = Shelf()
    text = path.read_text(encoding="utf-8")
    plain = load_policy(path, load=shelf.load)
    assert plain.open_controls
    taken = 0
    for line, changed in suggestions(text):
        path.write_text(changed, encoding="utf-8")
        policy = load_policy(path, load=shelf.load)
        assert policy != plain or "= " in line
        taken += 1
    path.write_text(text, encoding="utf-8")
    return taken


def test_a_policy_about_a_lifecycle_of_ones_own(here: Path) -> None:
    furnish(here)
    told = said("new", "policy", "vault.kf")
    assert told == "wrote vault.policy.toml\nnext: keyfate check vault.policy.toml\n"
    path = here / "vault.policy.toml"
    text = path.read_text(encoding="utf-8")
    assert tomllib.loads(text) == {
        "title": "a first policy about vault",
        "lifecycle": "vault.kf",
        "controls": {},
        "attacker": {"capabilities": ["steal", "open_tpm", "peek"]},
        "require": {},
        "scope": {},
        "not_required": {},
    }
    policy = load_policy(path)
    bare = open_session((here / "vault.kf",), {}).policies[0]
    assert (policy.settings, policy.requirements[0].verdict) == (bare.settings, "PROVED")
    assert [r.property for r in policy.requirements] == [r.property for r in bare.requirements]
    for line in (
        "# root: where the root key rests\n",
        '#root = "flash"  # on the disk\n',
        "#saving = true\n",
        "# It is set for all at once, or one by one as in `sealed.left = …`.\n",
        '  "steal",     # reads the disk of a vault that is off\n',
        '  "open_tpm",  # reads the TPM; cost 8\n',
        "# secrecy: Nobody learns an item\n",
        '#restores = "POSSIBLE"\n',
        "#Shelf = 2  # left, right\n",
        "#Count = 3  # 0 .. 2\n",
        '#secrecy = "why it need not hold here"\n',
    ):
        assert line in text, line
    assert every_way(path) == 8 + 2 + 5 + 2 + 1


@pytest.mark.parametrize("name", shipped_names())
def test_a_policy_about_a_shipped_lifecycle(name: str, here: Path) -> None:
    said("new", "policy", name)
    path = here / f"{name}.policy.toml"
    text = path.read_text(encoding="utf-8")
    assert tomllib.loads(text)["lifecycle"] == name
    assert all(len(line) <= 100 for line in text.splitlines())
    lifecycle = load_policy(path).lifecycle
    words = " ".join(line.lstrip("# ") for line in text.splitlines())
    for control in lifecycle.controls:
        assert " ".join(control.description.split()) in words
        for value in control.domain.values:
            written = f'"{value}"' if isinstance(value, str) else str(value).lower()
            name = re.escape(control.name)
            offered = re.search(rf"^#{name} = {re.escape(written)}(?!\w)", text, re.MULTILINE)
            assert offered or f"The constraints of the lifecycle exclude {written}." in words
    assert all(f'#{rule.name} = "' in text for rule in lifecycle.properties)
    assert all(f"#{sort.name} = {len(sort.members)}" in text for sort in lifecycle.sorts)
    assert '#profile = "nation_state"' in text
    shelf = Shelf()
    for _, changed in suggestions(text):
        path.write_text(changed, encoding="utf-8")
        load_policy(path, load=shelf.load)


def test_the_lifecycle_is_named_from_the_policys_folder(here: Path) -> None:
    (here / "policies").mkdir()
    (here / "models").mkdir()
    furnish(here / "models")
    said("new", "policy", "models/vault.kf", "-o", "policies/mine.policy.toml")
    assert load_policy(here / "policies" / "mine.policy.toml").lifecycle.name == "vault"
    odd = 'models/odd "name"\\\n.kf'
    (here / odd).write_text((here / "models" / "vault.kf").read_text(encoding="utf-8"), encoding="utf-8")
    said("new", "policy", odd, "-o", "odd.policy.toml")
    assert load_policy(here / "odd.policy.toml").lifecycle.name == "vault"
    os.rename(here / "models" / "vault.kf", here / "vault")
    said("new", "policy", "vault")
    assert load_policy(here / "vault.policy.toml").lifecycle.name == "vault"


def test_single_members_of_a_capability_are_told_of(here: Path) -> None:
    furnish(here)
    said("new", "policy", "vault.kf")
    path = here / "vault.policy.toml"
    text = path.read_text(encoding="utf-8")
    assert "as in `peek[left]`." in text
    path.write_text(text.replace('"peek",', '"peek[left]",'), encoding="utf-8")
    granted = {str(name): on for name, on in load_policy(path).settings.capabilities.items()}
    assert (granted["peek[left]"], granted["peek[right]"]) == (True, False)


def test_profiles_beside_the_policy_are_offered(here: Path) -> None:
    furnish(here)
    profiles = '[thief]\ntitle = "takes \\"disks\\""\ncapabilities = ["steal"]\n\n[stranger]\ncapabilities = ["fly"]\n'
    (here / "attackers.toml").write_text(profiles, encoding="utf-8")
    said("new", "policy", "vault.kf")
    text = (here / "vault.policy.toml").read_text(encoding="utf-8")
    assert '#profile = "thief"  # takes "disks"\n' in text
    assert "stranger" not in text


def test_values_that_a_constraint_excludes_are_not_offered(here: Path) -> None:
    furnish(here)
    vault = here / "vault.kf"
    vault.write_text(vault.read_text(encoding="utf-8") + "constraint root = tpm\n", encoding="utf-8")
    said("new", "policy", "vault.kf")
    text = (here / "vault.policy.toml").read_text(encoding="utf-8")
    assert '#root = "flash"' not in text
    assert '# The constraints of the lifecycle exclude "flash".\n' in text
    assert every_way(here / "vault.policy.toml") == 7 + 2 + 5 + 2 + 1


def test_policies_that_are_not_written(here: Path) -> None:
    furnish(here)
    assert refused("new", "policy", "tdx-9") == ["KF506"]
    assert refused("new", "policy", "vault.kf", "-o", "safe.policy.toml") == ["KF566"]
    assert refused("new", "policy", "vault.kf", "-o", "none/safe.policy.toml") == ["KF567"]
    assert refused("new", "policy", "vault.kf", "-o", "safe.kf") == ["KF568"]
    (here / "v\udcff.kf").write_bytes((here / "vault.kf").read_bytes())  # no TOML can name it
    assert refused("new", "policy", "v\udcff.kf") == ["KF569"]
    (here / "bad.kf").write_text('lifecycle bad "x"\nsecret a\nsecret a\n', encoding="utf-8")
    assert "KF201" in refused("new", "policy", "bad.kf")
    vault = (here / "vault.kf").read_text(encoding="utf-8")
    (here / "never.kf").write_text(vault + "constraint false\n", encoding="utf-8")
    assert refused("new", "policy", "never.kf") == ["KF514"]


HOSTILE = st.text(st.sampled_from("ab \"\\#=[]\n\t{}'`|-é文\u0301\U0001f511"), max_size=40) | st.text(
    st.sampled_from("a "), min_size=90, max_size=260
)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@given(st.data())
def test_whatever_a_lifecycle_says_stays_in_comments_and_strings(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    def words() -> str:
        return quoted(data.draw(HOSTILE))

    text = f"""lifecycle hostile {words()} status assumed
      sort P = a | b {words()}
      sort E = 0 .. 2 {words()}
      control c0 : bool {words()} value true {words()} evidence {words()}
      control c1[P, E] : x | y {words()} value x {words()}
      control c2 : E {words()} value 1 {words()}
      control c3 : P {words()} value b {words()}
      constraint c0 or c3 = a
      capability cap {words()} cost 3
      component cpu inside {words()}
      secret s {words()}
      place q persistent at cpu starts with s
      exposes q to cap when c0 and c2 = 1 and c1[c3, 0] = x
      action idle by cpu
      property p0 {words()} severity low holds {words()} never attacker knows s
      property p1 {words()} possible c0
    """
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile.kf").write_text(text, encoding="utf-8")
    lifecycle = load_text(text).lifecycle
    (folder / "my.policy.toml").write_text(outline(lifecycle, "hostile.kf", None), encoding="utf-8")
    assert every_way(folder / "my.policy.toml") == 2 + 2 + 3 + 2 + 2 + 2 + 1


@given(lifecycles())
def test_any_lifecycle_has_its_policy(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "drawn.kf").write_text(text, encoding="utf-8")
    lifecycle = load_text(text).lifecycle
    assume(not conflicts(lifecycle))
    written = outline(lifecycle, "drawn.kf", None)
    shelf = Shelf()
    for _, changed in (("", written), *suggestions(written)):
        (folder / "my.policy.toml").write_text(changed, encoding="utf-8")
        load_policy(folder / "my.policy.toml", load=shelf.load)


def test_names_behind_an_include(here: Path) -> None:
    (here / "part.kf").write_text(
        'control knob : on | off\nsort S = u | v\ncontrol each[S] : bool\ncapability see "x"\ncomponent c inside\n'
        "secret k\nplace p persistent at c starts with k\nexposes p to see when knob = on and each[u]\n"
        "property kept never attacker knows k\n",
        encoding="utf-8",
    )
    text = 'lifecycle whole "x" status assumed\ninclude "part.kf" as tpm\naction idle by tpm.c\n'
    (here / "whole.kf").write_text(text, encoding="utf-8")
    said("new", "policy", "whole.kf")
    assert every_way(here / "whole.policy.toml") == 2 + 2 + 1 + 1 + 1


def test_the_same_file_every_time(here: Path) -> None:
    furnish(here)
    said("new", "policy", "vault.kf", "-o", "one.policy.toml")
    said("new", "policy", "vault.kf", "-o", "two.policy.toml")
    assert (here / "one.policy.toml").read_bytes() == (here / "two.policy.toml").read_bytes()


def test_session_is_clean(here: Path) -> None:
    """The first lifecycle and the first policy bring no warning along."""
    said("new", "lifecycle", "first")
    said("new", "policy", "first.kf")
    session: Session = open_session((here / "first.policy.toml",), {})
    assert session.policies[0].warnings == ()
    assert lint(session.policies[0].lifecycle) == ()
    assert said("lint", "--strict").startswith("no warnings in 2 files\n")
