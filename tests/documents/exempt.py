"""Blocks that tests/documents does not follow, by how they begin, each with what looks after it instead."""

from __future__ import annotations

EXEMPT: dict[str, dict[str, str]] = {
    "README.md": {
        "python3 -m venv .venv && .venv/bin/python -m pip install -q . &&": (
            "installs; test_statements.py looks for it in .ci/run, and tests/packaging installs and runs it"
        ),
        "python3 -m venv .venv && .venv/bin/python -m pip install -q -e": (
            "the suite itself, which would run this test; test_statements.py looks for it in .ci/run"
        ),
        "tdx_1_0_volatile · tdx-1.0-volatile": (
            "the beginning of a long run; test_statements.py holds it against the library's expected answers"
        ),
    },
    "docs/benchmarks.md": {
        ".venv/bin/python tests/benchmarks/engines.py": "an hour; test_statements.py asks for the options",
    },
    "docs/development.md": {
        "models/ ": "the folders; test_statements.py looks whether each is there",
        "python3 -m venv": "the suite itself, as .ci/run has it",
        ".venv/bin/python -m pytest --hypothesis-profile": "hours; test_statements.py asks for the profile",
        ".venv/bin/python tests/documents/run.py": "it would change the documents under test",
        ".venv/bin/python tests/benchmarks/run.py": "minutes; test_statements.py asks for the options",
    },
}
