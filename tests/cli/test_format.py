"""`keyfate format` as a user runs it: files rewritten, checked, compared; bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from keyfate.cli import main as cli
from keyfate.language import formatting
from vault import furnish

UGLY = "secret   a -- why\n\n\n\nsecret b\n"
NEAT = "secret a  -- why\n\nsecret b\n"


def keyfate(*words: object, cwd: Path, stdin: bytes | None = None, **more: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "keyfate", *map(str, words)],
        cwd=cwd,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | more,
        input=stdin,
        capture_output=True,
        timeout=300,
    )
    assert b"Traceback" not in done.stderr, done.stderr
    return done


def ran(*words: object, cwd: Path) -> tuple[int, str, str]:
    done = keyfate("format", *words, cwd=cwd)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ugly.kf").write_text(UGLY, encoding="utf-8")
    (tmp_path / "neat.kf").write_text(NEAT, encoding="utf-8")
    return tmp_path


def written(path: Path) -> tuple[int, int]:
    """Which file it is and when it was written; reading it changes neither."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def test_files_are_rewritten_only_if_they_change(folder: Path) -> None:
    (folder / "ugly.kf").chmod(0o640)
    before = written(folder / "neat.kf")
    assert ran(cwd=folder) == (0, "formatted ugly.kf\n1 of 2 files formatted\n", "")
    assert (folder / "ugly.kf").read_text() == NEAT
    assert (folder / "ugly.kf").stat().st_mode & 0o777 == 0o640
    assert written(folder / "neat.kf") == before
    assert sorted(p.name for p in folder.iterdir()) == ["neat.kf", "ugly.kf"]
    assert ran("ugly.kf", cwd=folder) == (0, "1 file in canonical layout\n", "")


def test_check_changes_nothing_and_says_what_would(folder: Path) -> None:
    said = "would format ugly.kf\n1 of 2 files not in canonical layout\nnext: keyfate format ugly.kf neat.kf\n"
    assert ran("--check", "ugly.kf", "neat.kf", cwd=folder) == (1, said, "")
    assert (folder / "ugly.kf").read_text() == UGLY
    assert ran("--check", "neat.kf", cwd=folder) == (0, "1 file in canonical layout\n", "")


def test_diff_shows_what_would_change(folder: Path) -> None:
    status, out, err = ran("--diff", cwd=folder)
    assert status == 0
    assert out == (
        "--- ugly.kf (as it is)\n+++ ugly.kf (canonical)\n@@ -1,6 +1,4 @@\n"
        "-secret   a -- why\n-\n-\n+secret a  -- why\n \n secret b\n \n"
    )
    assert err.splitlines()[0] == "would format ugly.kf"
    assert ran("--check", "--diff", cwd=folder)[:2] == (1, out)
    assert (folder / "ugly.kf").read_text() == UGLY


def test_diff_shows_printable_characters_only(tmp_path: Path) -> None:
    (tmp_path / "\x1b[2J.kf").write_text('secret\ta "\u3000"\r\n', encoding="utf-8", newline="")
    status, out, err = ran("--diff", cwd=tmp_path)
    assert status == 0
    assert '-secret\\x09a "\\u3000"\\x0d\n' in out
    assert '+secret a "\\u3000"\n' in out
    assert "\x1b" not in out + err
    assert "would format \\x1b[2J.kf" in err


def test_folders_mean_the_lifecycles_below_them(tmp_path: Path) -> None:
    for name in ("b/c/x.kf", "b/y.kf", ".git/z.kf", "env/z.kf", "node_modules/z.kf", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(UGLY)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    status, out, _ = ran("--check", ".", "b", "b/y.kf", cwd=tmp_path)
    assert status == 1
    assert out.splitlines()[:3] == [
        "would format b/y.kf",
        "would format b/c/x.kf",
        "2 of 2 files not in canonical layout",
    ]


def test_no_lifecycle_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not ours")
    for words in ((), (".",), ("--check",)):
        status, out, err = ran(*words, cwd=tmp_path)
        assert (status, out) == (4, "")
        assert "no lifecycle found" in err


def test_the_standard_input(folder: Path) -> None:
    done = keyfate("format", "-", cwd=folder, stdin='secret   a "é→"\r\n'.encode(), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (0, 'secret a "é→"\n'.encode(), b"")
    done = keyfate("format", "--check", "-", cwd=folder, stdin=UGLY.encode())
    assert done.returncode == 1
    assert done.stdout.startswith(b"would format <standard input>\n")
    assert keyfate("format", "--check", "-", cwd=folder, stdin=NEAT.encode()).returncode == 0
    assert b"\n-secret   a -- why\n" in keyfate("format", "--diff", "-", cwd=folder, stdin=UGLY.encode()).stdout
    for bad, code in ((b"secret", b"KF101"), (b"secret a\xff", b"KF405"), (b"-- " + b"x" * 600_000, b"KF402")):
        done = keyfate("format", "-", cwd=folder, stdin=bad)
        assert (done.returncode, done.stdout) == (2, b"")
        assert code in done.stderr
    done = keyfate("format", "-", "neat.kf", cwd=folder, stdin=b"")
    assert done.returncode == 2
    assert b"stands alone" in done.stderr


def test_a_file_with_errors_is_left_alone_and_the_others_are_done(folder: Path) -> None:
    bad = "secret   a\nsecret\naction x when\n"
    (folder / "bad.kf").write_text(bad)
    status, out, err = ran(cwd=folder)
    assert status == 2
    assert out == "formatted ugly.kf\n1 of 2 files formatted\n"
    assert "bad.kf:2:" in err
    assert "bad.kf:3:" in err
    assert err.endswith("2 errors\n")
    assert (folder / "bad.kf").read_text() == bad
    assert (folder / "ugly.kf").read_text() == NEAT
    (folder / "ugly.kf").write_text(UGLY)
    assert ran("--check", cwd=folder)[0] == 2


def test_what_cannot_be_read(folder: Path) -> None:
    (folder / "latin.kf").write_bytes(b'secret   a "\xe9"')
    (folder / "large.kf").write_text("-- x\n" * 120_000)
    os.mkfifo(folder / "pipe.kf")
    os.symlink("nowhere.kf", folder / "dangling.kf")
    os.symlink("loop.kf", folder / "loop.kf")
    (folder / "mine.policy.toml").write_text('lifecycle = "neat.kf"\n')
    expected = {
        "latin.kf": "KF405",
        "large.kf": "KF402",
        "pipe.kf": "KF401",
        "dangling.kf": "KF403",
        "loop.kf": "KF404",
        "missing.kf": "KF403",
        "mine.policy.toml": "KF560",
    }
    for name, code in expected.items():
        status, out, err = ran(name, cwd=folder)
        assert (status, out) == (2, ""), name
        assert f"error[{code}]" in err, name
    assert "is a policy, not a lifecycle" in ran("mine.policy.toml", cwd=folder)[2]
    status, out, err = ran(".", cwd=folder)
    assert status == 2
    assert out.startswith("formatted ugly.kf\n1 of 2 files")
    assert err.endswith("5 errors\n")


def test_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.kf").write_bytes(b"\xef\xbb\xbfsecret a\r\n\r\nsecret b\r\n")
    assert ran("--check", cwd=tmp_path)[0] == 1
    assert ran(cwd=tmp_path)[0] == 0
    assert (tmp_path / "a.kf").read_bytes() == b"secret a\n\nsecret b\n"


def test_a_link_stays_a_link(folder: Path) -> None:
    (folder / "real").mkdir()
    os.rename(folder / "ugly.kf", folder / "real" / "target.txt")
    os.symlink("real/target.txt", folder / "link.kf")
    os.symlink("link.kf", folder / "again.kf")
    assert ran(cwd=folder) == (0, "formatted real/target.txt\n1 of 2 files formatted\n", "")
    assert os.readlink(folder / "link.kf") == "real/target.txt"
    assert (folder / "real" / "target.txt").read_text() == NEAT


def test_what_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the system is asked in our place."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    done = CliRunner().invoke(cli.keyfate, ["format"])
    assert done.exit_code == 2
    assert "`ugly.kf` cannot be written: it is read-only" in done.output
    assert (folder / "ugly.kf").read_text() == UGLY


def test_a_defect_is_told_from_a_broken_requirement(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(formatting, "tabulated", lambda rows, comments: [["secret a"] for _ in rows])
    done = CliRunner().invoke(cli.keyfate, ["format", "--check", "ugly.kf"])
    assert done.exit_code == 70
    assert "KF564" in done.output
    assert (folder / "ugly.kf").read_text() == UGLY


def test_no_verdict_changes(tmp_path: Path) -> None:
    """The same report before and after, but for times and places in the file."""

    def report() -> list[dict[str, object]]:
        done = keyfate("check", "--format", "json", cwd=tmp_path)
        assert done.returncode == 1
        answers = json.loads(done.stdout)["results"]
        return [{key: answer[key] for key in ("policy", "property", "verdict", "steps")} for answer in answers]

    furnish(tmp_path)
    before, text = report(), (tmp_path / "vault.kf").read_text()
    assert ran(cwd=tmp_path)[0] == 0
    assert (tmp_path / "vault.kf").read_text() != text
    assert report() == before
    assert len(before) == 10


def test_without_color_where_nobody_looks(folder: Path) -> None:
    assert b"\x1b" not in keyfate("format", "--diff", cwd=folder).stdout
