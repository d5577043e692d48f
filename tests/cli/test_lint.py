"""`keyfate lint` as a user runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from keyfate.policy.finding import shipped_names
from shell import ENV, keyfate
from vault import furnish

SLIP = """lifecycle slip "two slips" status assumed
sort Box = left | right
capability look
component room outside
secret paper[Box]
place board[Box] persistent at room
place drawer persistent at room
state idle : bool = true
exposes board[b: Box] to look
action put[b: Box] by room then board[b] gains paper[b]
action take[b: Box] by room then board[b] gains hash(paper[b]) using drawer
check confidentiality(paper)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slip.kf").write_text(SLIP, encoding="utf-8")
    return tmp_path


# Shapes that a shipped lifecycle is offered and does not take: (lifecycle, shape) and why.
DECLINED = {
    ("nist-key-states", "sanitization"): "it ends with a key: there is no platform to dispose of",
}


def test_the_shipped_library_is_clean(root: Path, tmp_path: Path) -> None:
    done = keyfate("lint", "--strict", "--format", "json", *shipped_names(), root / "models", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["warnings"] == []
    offered = set()
    for hint in said["hints"]:
        shape = re.search(r"the shared property `(\w+)`", hint["message"])
        # A place that nobody sees (KF320) would be a forgotten exposure: only shapes may be declined.
        assert hint["code"] == "KF321", hint
        assert shape is not None, hint
        offered.add((Path(hint["location"]["file"]).stem, shape[1]))
    assert offered == set(DECLINED)


def test_everything_that_is_found(folder: Path) -> None:
    done = keyfate("lint", "slip.kf", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    heads = [line.split("]")[0].split("[")[-1] for line in done.stdout.splitlines() if ": warning[" in line]
    assert heads == ["KF312", "KF315", "KF321", "KF320"]
    assert "slip.kf:8:7: warning[KF312]: nothing reads the state `idle`" in done.stdout
    assert done.stdout.endswith("\n\n2 warnings, 2 hints in 1 file\nnext: keyfate check slip.kf\n")


def test_of_a_place_only_the_graver_word_is_said(folder: Path) -> None:
    """That nothing enters it; not also that nobody looks at it."""
    (folder / "slip.kf").write_text(SLIP.replace(" using drawer", " ideal"), encoding="utf-8")
    done = keyfate("lint", "--format", "json", "slip.kf", cwd=folder)
    said = json.loads(done.stdout)
    of_drawer = [d["code"] for d in (*said["warnings"], *said["hints"]) if "`drawer`" in d["message"]]
    assert of_drawer == ["KF318"]


def test_strict_fails_for_a_warning_and_not_for_a_hint(folder: Path) -> None:
    assert keyfate("lint", "--strict", "slip.kf", cwd=folder).returncode == 1
    clean = (
        SLIP.replace("state idle : bool = true\n", "").replace(" using drawer", " ideal").replace("place drawer", "-- ")
    )
    (folder / "slip.kf").write_text(clean, encoding="utf-8")
    done = keyfate("lint", "--strict", "slip.kf", cwd=folder)
    assert (done.returncode, done.stdout.splitlines()[-2]) == (0, "no warnings, 1 hint in 1 file")


def test_json_follows_its_schema(folder: Path, root: Path) -> None:
    done = keyfate("lint", "--strict", "--format", "json", "slip.kf", cwd=folder)
    said = json.loads(done.stdout)
    schema = json.loads((root / "reports" / "lint.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(said)
    assert said["exit_status"] == done.returncode == 1
    assert said["files"] == ["slip.kf"]
    assert [w["code"] for w in said["warnings"]] == ["KF312", "KF315"]
    assert [h["code"] for h in said["hints"]] == ["KF321", "KF320"]
    assert said["warnings"][0]["location"] == {"file": "slip.kf", "line": 8, "column": 7}


def test_output_goes_to_a_file(folder: Path) -> None:
    done = keyfate("lint", "slip.kf", "--output", "found.txt", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert "2 warnings" in (folder / "found.txt").read_text(encoding="utf-8")
    assert keyfate("lint", "slip.kf", "--output", "slip.kf", cwd=folder).returncode == 2


def test_a_folder_means_its_lifecycles_and_policies(folder: Path) -> None:
    (folder / "below").mkdir()
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "not.kf").write_text("broken", encoding="utf-8")
    furnish(folder / "below")
    (folder / "part.kf").write_text("secret fragment\n", encoding="utf-8")  # no lifecycle by itself
    done = keyfate("lint", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" in 4 files\nnext: keyfate check .\n")
    assert "part.kf" not in done.stdout


def test_a_folder_without_policies_leads_on_to_its_lifecycle(folder: Path) -> None:
    assert keyfate("lint", cwd=folder).stdout.endswith("\nnext: keyfate check slip.kf\n")


def test_a_folder_with_a_pipe_a_huge_file_and_a_byte_order_mark(folder: Path) -> None:
    (folder / "bom.kf").write_bytes(b"\xef\xbb\xbf" + (folder / "slip.kf").read_bytes())
    assert "bom.kf" in keyfate("lint", ".", cwd=folder).stdout
    os.mkfifo(folder / "pipe.kf")
    (folder / "huge.kf").write_bytes(b"\n" * 600 * 1024)
    done = keyfate("lint", ".", cwd=folder)
    assert done.returncode == 2
    assert "`pipe.kf` is a pipe or a device" in done.stderr
    assert "`huge.kf` has 600 KiB, the limit is 512 KiB" in done.stderr


def test_a_lifecycle_that_several_policies_are_about_is_told_of_once(tmp_path: Path) -> None:
    furnish(tmp_path)
    text = (tmp_path / "vault.kf").read_text(encoding="utf-8")
    (tmp_path / "vault.kf").write_text(text + "state idle : bool = true\n", encoding="utf-8")
    done = keyfate("lint", "safe.policy.toml", "flash.policy.toml", "vault.kf", cwd=tmp_path)
    assert done.stdout.count("warning[KF312]") == 1


def test_nothing_to_look_at(tmp_path: Path) -> None:
    done = keyfate("lint", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("no lifecycle and no policy found")


@pytest.mark.parametrize(
    ("words", "said"),
    [(("nowhere.kf",), "nowhere.kf"), (("tdx-1.9",), "tdx-1.9"), (("slip.kf", "--format", "yaml"), "yaml")],
)
def test_bad_usage(words: tuple[str, ...], said: str, folder: Path) -> None:
    done = keyfate("lint", *words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_all_that_is_wrong_in_any_file_is_told_at_once(folder: Path) -> None:
    (folder / "bad.kf").write_text('lifecycle bad "x"\nsecret a\nsecret a\n', encoding="utf-8")
    (folder / "bad.policy.toml").write_text('lifecycle = "slip.kf"\n[controls]\nknob = 1\n', encoding="utf-8")
    done = keyfate("lint", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "KF201" in done.stderr
    assert "KF510" in done.stderr
    assert done.stderr.rstrip().endswith("errors")


def grants(folder: Path, profiles: str, policy: str) -> list[str]:
    (folder / "attackers.toml").write_text(profiles, encoding="utf-8")
    (folder / "mine.policy.toml").write_text(f'lifecycle = "slip.kf"\n{policy}', encoding="utf-8")
    done = keyfate("lint", "mine.policy.toml", cwd=folder)
    return [line.split(": ", 2)[2] for line in done.stdout.splitlines() if "KF319" in line or "KF524" in line]


LOOKER = '[looker]\ncapabilities = ["look"]\n'
OTHER = '[other]\ncapabilities = ["open_tpm"]\n'


def test_an_exposure_that_no_profile_sees(folder: Path) -> None:
    none = "no profile of `attackers.toml` grants the capability `look`"
    nothing = "profile `other` grants no capability that `slip` has"
    assert grants(folder, OTHER, '[attacker]\nprofile = "other"\n') == [nothing, none]
    assert grants(folder, OTHER + LOOKER, '[attacker]\nprofile = "other"\n') == [nothing]
    assert grants(folder, LOOKER, '[attacker]\nprofile = "looker"\n') == []
    assert grants(folder, OTHER, '[attacker]\nprofile = "other"\ncapabilities = ["look"]\n') == [nothing]
    assert grants(folder, OTHER, "") == []  # without an attacker all capabilities are on
    assert grants(folder, OTHER, "[attacker]\ncapabilities = []\n") == []  # no profile is used


def test_check_tells_what_bears_on_verdicts_and_no_more(folder: Path) -> None:
    done = keyfate("check", "slip.kf", cwd=folder)
    assert "KF315" in done.stdout
    assert "KF312" not in done.stdout
    assert "KF320" not in done.stdout


def test_lint_alone_loads_no_engine(tmp_path: Path) -> None:
    heavy = "pydantic z3 pysat networkx hypothesis rich jsonschema cryptography"
    code = f"""
import sys
sys.argv = ["keyfate", "lint", "{shipped_names()[0]}"]
from keyfate.cli.main import main
try:
    main()
except SystemExit as ended:
    assert not ended.code
print([name for name in {heavy.split()} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=ENV, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
