"""`keyfate frontier`: what is open and what is fixed, every way to end, and what is kept when it is cut short."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shell import keyfate
from vault import furnish

TDX = "tdx-1.5-persistent"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return furnish(tmp_path)


def told(folder: Path, *words: str, status: int = 0) -> str:
    done = keyfate("frontier", *words, cwd=folder)
    assert (done.returncode, done.stderr) == (status, "")
    return done.stdout


def data(folder: Path, *words: str, status: int = 0) -> Any:
    return json.loads(told(folder, *words, "--format", "json", status=status))


def conditions(frontier: Any) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    return {
        (tuple(f"{n}={'|'.join(map(str, v))}" for n, v in c["controls"].items()), tuple(c["capabilities"]))
        for c in frontier["conditions"]
    }


def test_without_options_all_is_open(folder: Path) -> None:
    (frontier,) = data(folder, "vault.kf", "secrecy")["frontiers"]
    assert conditions(frontier) == {
        (("sealed[left]=False",), ("peek[left]",)),
        (("sealed[right]=False",), ("peek[right]",)),
        (("root=flash", "saving=True"), ("steal",)),
        (("saving=True",), ("steal", "open_tpm")),
    }
    assert frontier["fixed"] == {}
    assert frontier == data(folder, "safe.policy.toml", "secrecy")["frontiers"][0] | {"seconds": frontier["seconds"]}


def test_of_a_policy_whose_settings_are_not_used_that_is_said(folder: Path) -> None:
    words = "the policy's settings are not used: --attackers fixes its controls, --controls its attacker\n"
    assert told(folder, "safe.policy.toml", "audited", "--set", "root=tpm").startswith(words)
    for others in (("safe.policy.toml", "--attackers"), ("safe.policy.toml", "--controls"), ("vault.kf",)):
        assert "not used" not in told(folder, others[0], "audited", *others[1:])


def test_attackers_that_break_a_policy(folder: Path) -> None:
    (frontier,) = data(folder, "flash.policy.toml", "secrecy", "--attackers")["frontiers"]
    assert conditions(frontier) == {((), ("steal",))}
    assert frontier["fixed"]["root"] == "flash"
    assert frontier["open_controls"] == {}


def test_settings_that_are_safe_from_the_policys_attacker(folder: Path) -> None:
    (frontier,) = data(folder, "safe.policy.toml", "secrecy", "--controls")["frontiers"]
    assert frontier["fixed"] == {"steal": True, "open_tpm": False, "peek[left]": True, "peek[right]": True}
    assert conditions(frontier) == {
        (("sealed[left]=False",), ()),
        (("sealed[right]=False",), ()),
        (("root=flash", "saving=True"), ()),
    }
    assert {tuple(sorted(c["controls"])) for c in frontier["others"]} == {
        ("root", "sealed[left]", "sealed[right]"),
        ("sealed[left]", "sealed[right]", "wipe"),
        ("saving", "sealed[left]", "sealed[right]"),
    }
    text = told(folder, "safe.policy.toml", "secrecy", "--controls")
    assert "holds if" in text
    assert "  the attacker has steal, peek[left], peek[right]\n  and nothing else\n" in text


def test_parts_are_fixed_one_by_one(folder: Path) -> None:
    words = ("vault.kf", "secrecy", "--set", "saving=true", "--set", "sealed=true", "--without", "peek")
    (frontier,) = data(folder, *words, "--with", "open_tpm")["frontiers"]
    assert conditions(frontier) == {((), ("steal",))}
    assert frontier["fixed"] == {
        "saving": True,
        "sealed[left]": True,
        "sealed[right]": True,
        "open_tpm": True,
        "peek[left]": False,
        "peek[right]": False,
    }
    (one,) = data(folder, "vault.kf", "secrecy", "--set", "sealed[left]=false", "--with", "peek[left]")["frontiers"]
    assert one["reaching"] == one["configurations"]
    assert one["symmetric"] == []  # a setting tells its members apart


def test_every_property_is_asked_where_none_is_named(folder: Path) -> None:
    names = [frontier["property"] for frontier in data(folder, "vault.kf")["frontiers"]]
    assert names == ["secrecy", "gone_is_gone", "off_is_empty", "audited", "restores"]


def test_of_a_lifecycle_without_properties_nothing_is_checked(folder: Path) -> None:
    text = (folder / "vault.kf").read_text(encoding="utf-8")
    (folder / "bare.kf").write_text(text[: text.index("property ")], encoding="utf-8")
    for form in ("text", "json"):
        done = keyfate("frontier", "bare.kf", "--format", form, cwd=folder)
        assert done.returncode == 4
        assert done.stderr.startswith("nothing was checked: the lifecycle of `bare.kf` has no property")


def test_what_is_possible_has_conditions_too(folder: Path) -> None:
    (frontier,) = data(folder, "vault.kf", "restores")["frontiers"]
    assert conditions(frontier) == {(("saving=True",), ())}
    assert frontier["open_capabilities"] == []
    assert "possible if" in told(folder, "vault.kf", "restores")


def test_a_scope_and_traces_are_shown(folder: Path) -> None:
    text = told(folder, "vault.kf", "secrecy", "--scope", "Shelf=3", "--traces")
    assert "Shelf=3" in text
    assert re.search(r"^  ✓ trace 0 \([^;]+; .+\): start", text, re.MULTILINE)
    assert "\x1b" not in text


def test_the_next_command_asks_the_same_again(folder: Path) -> None:
    words = ("vault.kf", "secrecy", "--set", "sealed=true", "--with", "peek[left]", "--scope", "Shelf=2")
    (first,) = data(folder, *words)["frontiers"]
    following = told(folder, *words).splitlines()[-1].removeprefix("next: keyfate frontier ")
    told(folder, *shlex.split(following))
    (again,) = json.loads((folder / "frontier.json").read_text(encoding="utf-8"))["frontiers"]
    assert again | {"seconds": 0} == first | {"seconds": 0}


def test_where_time_was_up_the_next_command_has_more(folder: Path) -> None:
    words = (TDX, "no_clone", "--set", "erasure=skipped", "--scope", "Platform=3", "--scope", "TD=3")
    text = told(folder, *words, "--timeout", "0.5", status=3)
    assert following(text) == ["keyfate", "frontier", *words, "--timeout", "2"]


def test_where_memory_did_not_suffice_the_next_command_asks_for_less(folder: Path) -> None:
    """One control more is fixed, as the policy has it, until none is open; then a sort is smaller."""
    words = ["flash.policy.toml", "secrecy"]
    for more in (
        ["--set", "root=flash"],
        ["--set", "saving=true"],
        ["--set", "sealed[left]=true"],
        ["--set", "sealed[right]=true"],
        ["--set", "wipe=false"],
        ["--scope", "Shelf=1"],
    ):
        text = told(folder, *words, "--memory", "1", status=3)
        words += more
        assert following(text) == ["keyfate", "frontier", *words, "--memory", "1"]
    text = told(folder, "flash.policy.toml", "--attackers", "--with", "steal", "--memory", "1", status=3)
    assert following(text)[-8:] == ["restores", "--attackers", "--with", "steal", "--scope", "Shelf=1", "--memory", "1"]


def following(text: str) -> list[str]:
    """The words of the next command, over as many lines as it takes."""
    return shlex.split(text.partition("next: ")[2])


def test_it_is_written_whole(folder: Path) -> None:
    assert told(folder, "vault.kf", "secrecy", "--output", "f.txt") == ""
    assert "complete" in (folder / "f.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("vault.kf", "secrec"), "no property `secrec`"),
        (("vault.kf", "--set", "rot=tpm"), "no control `rot`"),
        (("vault.kf", "--set", "zzz=tpm"), "it declares `root`, `"),
        (("vault.kf", "--with", "zzz"), "it declares `steal`, `open_tpm`, `peek`\n"),
        (("vault.kf", "--set", "root=disk"), "`disk` is no value of `root`"),
        (("vault.kf", "--set", "root"), "`root` sets no control"),
        (("vault.kf", "--set", "root=tpm", "--set", "root=flash"), "`root` is set twice"),
        (("vault.kf", "--with", "stea"), "no capability `stea`"),
        (("vault.kf", "--with", "steal", "--without", "steal"), "`steal` is both given and taken"),
        (("vault.kf", "--set", "root=flash", "--set", "wipe=true"), "leave no setting"),
        (("vault.kf", "--set", "root=flash", "--set", "wipe=true"), "- this constraint refuses it"),
        (("vault.kf", "--attackers"), "takes a policy"),
        (("vault.kf", "--controls"), "takes a policy"),
        (("safe.policy.toml", "--controls", "--attackers"), "do not go together"),
        (("missing.kf",), "missing.kf"),
        (("vault.kf", "--scope", "Shelf=0"), "`Shelf=0`"),
        (("vault.kf", "--scope", "Shelv=3"), "Shelv"),
        (("vault.kf", "--timeout", "0"), "--timeout"),
        (("vault.kf", "--memory", "0"), "--memory"),
        (("vault.kf", "--output", "safe.policy.toml"), "is what keyfate reads"),
    ],
)
def test_a_mistake_ends_with_2_and_says_where(folder: Path, words: tuple[str, ...], said: str) -> None:
    done = keyfate("frontier", *words, cwd=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_time_that_is_up_is_unknown(folder: Path) -> None:
    """What was found by then is kept: tests/engines stops the clock at any moment."""
    (frontier,) = data(folder, TDX, "no_clone", "--timeout", "0.01", status=3)["frontiers"]
    assert frontier["verdict"] == "UNKNOWN"
    assert "no answer within" in frontier["reason"] or "time given was up" in frontier["reason"]
    assert frontier["certificate"] is None
    assert frontier["undecided"] is None or frontier["undecided"] > 0


def test_memory_that_does_not_suffice_is_unknown(folder: Path) -> None:
    """No process does with a megabyte, however little of time or memory the question takes."""
    (frontier,) = data(folder, TDX, "confidentiality", "--scope", "Platform=4,TD=4", "--memory", "1", status=3)[
        "frontiers"
    ]
    assert frontier["verdict"] == "UNKNOWN"
    assert "memory" in frontier["reason"]


def test_memory_is_what_is_held_and_not_what_is_set_aside(folder: Path) -> None:
    """Decision diagrams set a gigabyte of address space aside."""
    told(folder, "vault.kf", "secrecy", "--memory", "400")


@pytest.mark.parametrize(
    ("number", "send"),
    [(signal.SIGINT, os.killpg), (signal.SIGINT, os.kill), (signal.SIGTERM, os.kill)],
    ids=["as Ctrl-C does, to all of them", "to the command alone", "as timeout does"],
)
def test_an_interrupt_keeps_what_was_found_and_leaves_no_process(
    folder: Path, number: signal.Signals, send: Callable[[int, int], None]
) -> None:
    words = [TDX, "confidentiality", "sanitization", "no_clone", "--scope", "Platform=4,TD=4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "keyfate", "frontier", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        at_work(process.pid)
        send(process.pid, number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 3, err.decode()
        assert "incomplete" in out.decode()
        assert "interrupted" in out.decode()
        assert err == b""
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # nobody of its group is left
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def at_work(pid: int) -> None:
    """Wait until the process has workers, and a little more; where nobody tells, for long enough."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for _ in range(600):
        if not children.exists() or children.read_text(encoding="utf-8").strip():
            break
        time.sleep(0.1)
    time.sleep(3)


def test_an_honest_run_minds_no_attacker(folder: Path) -> None:
    (frontier,) = data(folder, "safe.policy.toml", "restores", "--controls")["frontiers"]
    assert conditions(frontier) == {(("saving=True",), ())}
    assert [other["controls"] for other in frontier["others"]] == [{"saving": [False]}]
    assert "impossible if" in told(folder, "safe.policy.toml", "restores", "--controls")


def test_it_follows_its_schema(folder: Path, root: Path) -> None:
    schema = json.loads((root / "reports" / "frontier.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(data(folder, "safe.policy.toml", "--controls", "--timeout", "60"), schema)


def test_the_same_goes_to_a_file_and_to_a_pipe(folder: Path) -> None:
    shown = told(folder, "vault.kf", "secrecy")
    told(folder, "vault.kf", "secrecy", "--output", "f.txt")
    assert (folder / "f.txt").read_text(encoding="utf-8") == shown
    assert "\x1b" not in shown


def test_shipped_lifecycles_have_frontiers(folder: Path) -> None:
    """What nothing breaks is told so, whatever the policy."""
    for of in ("tdx-1.0-volatile", "vault.kf"):
        frontiers = data(folder, of)["frontiers"]
        assert {frontier["verdict"] for frontier in frontiers} == {"COMPLETE"}
    assert "nothing breaks it" in told(folder, "tdx-1.0-volatile", "confidentiality")
