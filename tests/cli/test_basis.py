"""R16: a verdict rests on the weakest status of all that it needs, and not only of what is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TEXT = """
lifecycle ways "two ways to one end" status measured
control short : bool
component c inside
state there : bool = false
state half : bool = false
action go by c when short then there := true
action begin by c when not short then half := true status {status}
action finish by c when half then there := true
property arrives possible there
"""


def basis(folder: Path, status: str) -> tuple[str, str]:
    (folder / "ways.kf").write_text(TEXT.format(status=status), encoding="utf-8")
    command = [sys.executable, "-m", "keyfate", "check", "ways.kf", "--format", "json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    (result,) = json.loads(done.stdout)["results"]
    return result["verdict"], result["basis"]


def test_possible_rests_on_the_witness_of_every_setting(tmp_path: Path) -> None:
    assert basis(tmp_path, "measured") == ("POSSIBLE", "measured")
    assert basis(tmp_path, "claimed") == ("POSSIBLE", "claimed")
