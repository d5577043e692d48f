"""What every suite shares: how much Hypothesis draws, and where the repository is.

`default` is what CI runs: few examples, the same ones each time. `deep` is for
a person with time (docs/development.md): many, and others each time.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_TIMELESS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}  # no test asserts a time

settings.register_profile(
    "default", max_examples=30, stateful_step_count=20, derandomize=True, database=None, **_TIMELESS
)
settings.register_profile("deep", max_examples=2_000, stateful_step_count=60, print_blob=True, **_TIMELESS)
settings.load_profile("default")  # `--hypothesis-profile deep` comes later and wins


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the repository, or of the unpacked source distribution."""
    return Path(__file__).resolve().parent.parent
