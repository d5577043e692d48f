"""The part of the shipped library that a suite takes; all of it with `--hypothesis-profile deep`.

That every verdict, frontier and number of states is as expected is tested on all of it (tests/cli/test_shipped.py).
What only asks whether another judge agrees takes some policies of each lifecycle: which, depends on places in lists.
"""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import settings

from keyfate.language.library import folder
from keyfate.policy.finding import shipped_names

DEEP = settings.get_current_profile_name() == "deep"


def policies(one_in: int) -> list[Path]:
    """Of each lifecycle one in so many policies, and at least one."""
    of: dict[str, list[Path]] = {}
    for path in sorted((folder("models") / "expected").glob("*.json")):
        lifecycle = json.loads(path.read_text(encoding="utf-8"))["lifecycle"]
        of.setdefault(lifecycle, []).append(folder("models") / "policies" / f"{path.stem}.policy.toml")
    step = 1 if DEEP else one_in
    return [path for number, found in enumerate(of.values()) for path in found[number % min(step, len(found)) :: step]]


def lifecycles(one_in: int) -> list[str]:
    """One in so many of the shipped lifecycles, by name."""
    return list(shipped_names())[:: 1 if DEEP else one_in]


def name(path: Path) -> str:
    """Of a policy or a lifecycle, as a test's own."""
    return path.name.partition(".policy")[0].removesuffix(".kf")
