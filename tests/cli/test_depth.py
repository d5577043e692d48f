"""Nesting up to the language's limit is answered, by every reader of the tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_long_chain_of_keys_is_no_crash(tmp_path: Path) -> None:
    keys = 'key k0 = kdf("a", m)\n' + "".join(f'key k{n} = kdf("a", k{n - 1})\n' for n in range(1, 150))
    text = (
        'lifecycle deep "x" status assumed\nsecret m\ncomponent c inside\ncapability cap "x"\n'
        f"{keys}place p volatile at c\nexposes p to cap\naction a by c then p gains m\n"
        "property q never attacker knows k149\n"
    )
    (tmp_path / "deep.kf").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "keyfate", "check", "deep.kf"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (1, "")
    assert "VIOLATED in 1 step" in done.stdout
