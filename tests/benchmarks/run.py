"""How long keyfate takes and how much memory: cold processes, medians of several runs, one table.

    python tests/benchmarks/run.py [--runs N] [--only WORD] [--json FILE]

`--only library`: everything that is expected of the library, verdicts alone, and each lifecycle by itself.

Asserts nothing: figures are for people, and are named with their machine. Memory is the peak resident size of
the process (its own, or of its largest child). Needs a POSIX system.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from keyfate.checking.expected import load_answers
from keyfate.checking.library import answers_path
from keyfate.language.library import folder
from keyfate.policy.finding import shipped_names, shipped_policies


@dataclass(frozen=True)
class Case:
    name: str
    command: tuple[str, ...]
    statuses: tuple[int, ...] = (0,)
    """Exit statuses that count as having run; a break found is not a failure to measure."""


@dataclass(frozen=True)
class Run:
    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Row:
    name: str
    runs: int
    seconds: float  # median, wall
    slowest: float
    megabytes: float  # median of the peaks


def cases() -> list[Case]:
    keyfate = (sys.executable, "-m", "keyfate")
    found = [
        Case("--help", (*keyfate, "--help")),
        Case("list", (*keyfate, "list")),
        Case("library", (*keyfate, "check", "--library")),
        Case("library, verdicts alone", (*keyfate, "check", "--library", "--quick")),
    ]
    for name in shipped_names():
        found.append(Case(f"library {name}", (*keyfate, "check", "--library", name)))
    for lifecycle in sorted(folder("models").glob("*.kf")):
        found.append(Case(f"format {lifecycle.name}", (*keyfate, "format", "--check", str(lifecycle)), (0, 1)))
        found.append(Case(f"lint {lifecycle.name}", (*keyfate, "lint", str(lifecycle))))
    for policy in sorted((folder("models") / "policies").glob("*.policy.toml")):
        found.append(Case(f"check {policy.name}", (*keyfate, "check", str(policy)), (0, 1, 3)))
    for words in drawings():
        said = " ".join(Path(word).name for word in words)
        found.append(Case(f"draw {said}", (*keyfate, "draw", *words, "--format", "svg")))
    return found


def drawings() -> list[tuple[str, ...]]:
    """Every kind of diagram of every shipped lifecycle; a trace and an attack where a secret is known to leak."""
    found: list[tuple[str, ...]] = [
        (kind, lifecycle) for lifecycle in shipped_names() for kind in ("lifecycle", "keys", "dataflow")
    ]
    for path in shipped_policies():
        answers = load_answers(answers_path(path.name.removesuffix(".policy.toml"))).properties
        if answers.get("confidentiality", ("", None))[0] == "VIOLATED":
            found += [(kind, str(path), "confidentiality") for kind in ("trace", "attack")]
    return found


def measure(case: Case) -> Run:
    """One cold process, from fork to exit. Raises SystemExit with its words where it did not do its work."""
    with open(os.devnull, "rb") as nothing:
        start = time.perf_counter()
        process = subprocess.Popen(case.command, stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        words = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode not in case.statuses:
        raise SystemExit(f"{case.name}: exit status {process.returncode}\n{words.decode(errors='replace')}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss: bytes there, kibibytes elsewhere
    return Run(seconds, usage.ru_maxrss / unit)


def summary(case: Case, runs: Sequence[Run]) -> Row:
    seconds = [run.seconds for run in runs]
    memory = statistics.median(run.megabytes for run in runs)
    return Row(case.name, len(runs), statistics.median(seconds), max(seconds), memory)


def table(rows: Sequence[Row]) -> str:
    width = max(len(row.name) for row in rows)
    lines = [f"{'keyfate':{width}}  runs  median s  slowest s  peak MiB"]
    lines += [
        f"{row.name:{width}}  {row.runs:4}  {row.seconds:8.2f}  {row.slowest:9.2f}  {row.megabytes:8.0f}"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="cold start to exit of keyfate's commands")
    parser.add_argument("--runs", type=int, default=5, help="processes per command (default 5)")
    parser.add_argument("--only", default="", help="only commands whose name holds this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs needs at least 1")
    chosen = [case for case in cases() if options.only in case.name]
    if not chosen:
        parser.error(f"no command's name holds `{options.only}`")

    rows = []
    for case in chosen:
        measure(case)  # fills the disk cache and the byte code
        rows.append(summary(case, [measure(case) for _ in range(options.runs)]))
    print(table(rows))
    print(f"\nPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, {platform.system()}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
