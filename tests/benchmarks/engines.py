"""keyfate beside ABC and Spacer, and the frontier beside deciding every configuration: the same systems, one run.

    python tests/benchmarks/engines.py [--scopes 1,2,3,4,6] [--runs N] [--cap SECONDS] [--markdown FILE]

Asserts nothing: figures are for people, and are named with their machine. Each measurement is a process of its own.
Where others work on the machine, wall times grow and CPU times hardly do; so ratios are those of CPU times.
Needs a POSIX system, and Berkeley ABC for its columns.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import generating

from keyfate.engines.berkeley import installed
from keyfate.language.library import folder

MEASURING = Path(__file__).with_name("measuring.py")
LIFECYCLE = folder("models") / "tdx-1.5-persistent.kf"
POLICIES = folder("models") / "policies"
SHIPPED = {"Platform": 1, "TD": 1}
"""Sorts that grow with the scope; the images stay two."""


@dataclass(frozen=True)
class Case:
    """A property under a policy; `broken` is found by `bmc3`, all else proved by `pdr`."""

    system: str
    policy: str
    rule: str
    broken: bool


CASES = (
    Case("1.5", "hardened", "confidentiality", False),
    Case("1.5", "hardened", "sanitization", False),
    Case("1.5", "hardened", "no_clone", False),
    Case("1.5", "unattested-migration", "confidentiality", True),
    Case("generated", "guarded", "sanitization", False),
    Case("generated", "unguarded", "confidentiality", True),
)
FRONTIERS = (("1.5", "confidentiality"), ("1.5", "sanitization"), ("generated", "confidentiality"))


@dataclass(frozen=True)
class Ended:
    """A process: what it printed (nothing if it was stopped), and what it took."""

    said: str | None
    wall: float
    cpu: float
    megabytes: float


@dataclass(frozen=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def text(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        rows = [zip(row, widths, strict=True) for row in (self.head, *self.rows)]
        return "\n".join((self.title, "", *("  ".join(f"{cell:>{width}}" for cell, width in row) for row in rows)))

    def markdown(self) -> str:
        lines = [self.head, ("---",) + ("---:",) * (len(self.head) - 1), *self.rows]
        return "\n".join((f"## {self.title}", "", *("| " + " | ".join(row) + " |" for row in lines)))


class Rows(list[tuple[str, ...]]):
    """Shown as they come: the whole takes long."""

    def append(self, row: tuple[str, ...]) -> None:
        print(" | ".join(row), file=sys.stderr, flush=True)
        super().append(row)


class Bench:
    """One run of the benchmark."""

    def __init__(self, place: Path, scopes: Sequence[int], runs: int, cap: float, sample: int) -> None:
        self.place = place
        self.scopes = scopes
        self.runs = runs
        self.cap = cap
        self.sample = sample
        self.peak = 0.0
        for size in scopes:
            generating.write(place / str(size), size, size, 2)

    # One measurement

    def process(self, command: Sequence[str], limit: float) -> Ended:
        """The process, stopped after `limit` seconds."""
        start = time.perf_counter()
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True
            )
            previous = signal.signal(signal.SIGALRM, lambda *_: os.killpg(process.pid, signal.SIGKILL))
            signal.setitimer(signal.ITIMER_REAL, limit)
            try:
                _, status, usage = os.wait4(process.pid, 0)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, previous)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            errors.seek(0)
            if process.returncode not in (0, 1, 3, -signal.SIGKILL):
                raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}\n{errors.read()}")
            said = None if process.returncode == -signal.SIGKILL else out.read()
        peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        return Ended(said, wall, usage.ru_utime + usage.ru_stime, peak)

    def measured(self, what: str, path: Path, rule: str, scope: dict[str, int], runs: int) -> dict[str, Any]:
        """Nothing where it was stopped."""
        told = [str(path), rule, "--scope", json.dumps(scope), "--cap", f"{self.cap:g}", "--sample", str(self.sample)]
        command = (sys.executable, str(MEASURING), what, *told, "--runs", str(runs))
        done = self.process(command, self.cap * (runs + 3))
        found: dict[str, Any] = json.loads(done.said) if done.said else {}
        return {**found, "peak": done.megabytes}

    def where(self, system: str, policy: str | None, size: int) -> tuple[Path, dict[str, int]]:
        if system == "generated":
            place = self.place / str(size)
            return place / ("generated.kf" if policy is None else f"{policy}.policy.toml"), {}
        path = LIFECYCLE if policy is None else POLICIES / f"tdx-1.5-{policy}.policy.toml"
        return path, dict.fromkeys(SHIPPED, size)

    # Tables

    def verdicts(self) -> Iterable[Table]:
        growth: list[tuple[str, ...]] = []
        for broken, title in ((False, "PROVED"), (True, "VIOLATED")):
            rows = Rows()
            for case in (case for case in CASES if case.broken == broken):
                points: list[dict[str, Any]] = []
                tired = False  # of Spacer, which did not end on a smaller system
                for size in self.scopes:
                    path, scope = self.where(case.system, case.policy, size)
                    own = self.measured("keyfate", path, case.rule, scope, self.runs)
                    name = f"{case.system} {case.policy}: {case.rule}, {size}×{size}"
                    if "cpu" not in own:
                        rows.append((name, "stopped", *("",) * 10))
                        break
                    if broken == (own["steps"] is None):
                        rows.append((name, "not broken" if broken else "broken", *("",) * 10))
                        continue
                    abc: dict[str, Any] = {}
                    if installed() is not None:
                        abc = self.measured("bmc3" if broken else "pdr", path, case.rule, scope, self.runs)
                    other = {} if tired else self.measured("spacer", path, case.rule, scope, 1)
                    tired = tired or other.get("cpu") is None
                    points.append({**own, "abc": abc.get("cpu", math.nan)})
                    rows.append(
                        (
                            name,
                            str(int(own["latches"])),
                            seconds(own["wall"]),
                            seconds(own["cpu"]),
                            seconds(own["search"]),
                            seconds(abc.get("wall")),
                            seconds(abc.get("cpu")),
                            seconds(abc.get("own")),
                            f"> {self.cap:g}" if tired else seconds(other["cpu"]),
                            ratio(own["cpu"], abc.get("cpu")),
                            ratio(own["search"], abc.get("own")),
                            f"{own['peak']:.0f}",
                        )
                    )
                big = [point for point in points if point["latches"] > 1]
                for what, key in (("to the certified verdict", "cpu"), ("search alone", "search"), ("ABC", "abc")):
                    if len(big) > 2 and all(point[key] > 0 for point in big):
                        found = exponent([(point["latches"], point[key]) for point in big])
                        growth.append((f"{case.system} {case.policy}: {case.rule}, {what}", f"{found:.2f}"))
            yield Table(f"{title}: seconds, the least of up to {self.runs}", _VERDICTS, rows)
        yield from self.frontiers(growth)
        yield Table("Growth: the exponent by which CPU time grows with the latches (log-log fit)", _GROWTH, growth)

    def frontiers(self, growth: list[tuple[str, ...]]) -> Iterable[Table]:
        rows = Rows()
        for system, rule in FRONTIERS:
            points = []
            for size in (size for size in self.scopes if size > 1):
                path, scope = self.where(system, None, size)
                words = ",".join(f"{sort}={members}" for sort, members in scope.items())
                command = [sys.executable, "-m", "keyfate", "frontier", str(path), rule, "--format", "json"]
                command += ["--timeout", f"{5 * self.cap:g}", *(["--scope", words] if words else [])]
                done = [self.process(command, 6 * self.cap)]
                while done[0].wall < self.cap / 2 and len(done) < self.runs:
                    done.append(self.process(command, 6 * self.cap))
                wall, cpu = min(one.wall for one in done), min(one.cpu for one in done)
                found = json.loads(done[0].said)["frontiers"][0] if done[0].said else {"verdict": "stopped"}
                name = f"{system}: {rule}, {size}×{size}"
                peak = f"{max(one.megabytes for one in done):.0f}"
                if found["verdict"] != "COMPLETE":
                    rows.append((name, "", found["verdict"], "", seconds(wall), seconds(cpu), "", "", "", "", peak))
                    break
                each = self.measured("configurations", path, rule, scope, 1)
                if "own" not in each:
                    rows.append((name, "", "", "", seconds(wall), seconds(cpu), "stopped", "", "", "", peak))
                    continue
                fastest = min(each["own"], each["abc"] or math.inf)
                all_of_them = fastest * found["configurations"]
                points.append((each["latches"], cpu))
                rows.append(
                    (
                        name,
                        str(int(each["latches"])),
                        str(len(found["conditions"])),
                        f"{found['configurations']:.2g}",
                        seconds(wall),
                        seconds(cpu),
                        f"{1000 * each['own']:.1f} ({each['own sample']:.0f})",
                        f"{1000 * each['abc']:.1f} ({each['abc sample']:.0f})" if each["abc"] else "",
                        span(all_of_them),
                        f"{all_of_them / cpu:.2g}",
                        peak,
                    )
                )
            if len(points) > 2:
                growth.append((f"frontier, {system}: {rule}", f"{exponent(points):.2f}"))
        yield Table("Frontier: seconds, of cold processes; every judge included", _FRONTIERS, rows)

    def commands(self) -> Table:
        rows = Rows()
        policies = ((f"check {name}", (str(_policy(name)),)) for name in _CHECKED)
        cases = (("check --library --quick", ("--library", "--quick")), *policies)
        for title, words in cases:
            command = (sys.executable, "-m", "keyfate", "check", *words)
            self.process(command, 1000)  # fills the disk cache and the byte code
            done = [self.process(command, 1000)]
            while done[0].wall < self.cap / 2 and len(done) < self.runs:
                done.append(self.process(command, 1000))
            peak = max(one.megabytes for one in done)
            rows.append(
                (title, seconds(min(one.wall for one in done)), seconds(min(one.cpu for one in done)), f"{peak:.0f}")
            )
        return Table(f"Commands: seconds, of cold processes, the least of up to {self.runs}", _COMMANDS, rows)


_VERDICTS = (
    "property, scope", "latches", "keyfate wall", "cpu", "its search", "ABC wall", "cpu", "its own time", "Spacer",
    "keyfate/ABC", "search/ABC's own", "peak MiB",
)  # fmt: skip
_FRONTIERS = (
    "property, scope", "latches", "conditions", "configurations", "wall", "cpu", "ms each, keyfate", "ms each, ABC",
    "all of them", "times the frontier", "peak MiB",
)  # fmt: skip
_GROWTH = ("what", "exponent")
_COMMANDS = ("command", "wall", "cpu", "peak MiB")
_CHECKED = ("hardened", "open")


def _policy(name: str) -> Path:
    return POLICIES / f"tdx-1.5-{name}.policy.toml"


def seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if value < 1 else f"{value:.1f}"


def span(value: float) -> str:
    year = 365.25 * 86400
    return f"{value / year:.2g} years" if value > year else f"{seconds(value)} s"


def ratio(own: float, other: float | None) -> str:
    """A clock that shows hundredths says nothing of what takes less."""
    return "" if other is None or other < 0.01 else f"{own / other:.1f}"


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the straight line through the logarithms, by least squares."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    middle, height = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - middle) ** 2 for x in xs)
    return sum((x - middle) * (y - height) for x, y in zip(xs, ys, strict=True)) / across if across else math.nan


def head() -> str:
    names = [f"Python {platform.python_version()}", f"keyfate {version('keyfate')}"]
    names += [f"{name} {version(name)}" for name in ("z3-solver", "python-sat", "oxidd")]
    names.append("Berkeley ABC" if installed() else "no ABC")
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    return (
        f"{date.today().isoformat()}, {_processor()}, {os.cpu_count()} cores, {platform.system()}; {', '.join(names)}; "
        f"load at the beginning {load}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description="keyfate beside ABC, Spacer and the sum of all configurations")
    parser.add_argument("--scopes", default="1,2,3,4,6", help="members of each sort, with commas between")
    parser.add_argument("--runs", type=int, default=3, help="of each measurement; the least counts (default 3)")
    parser.add_argument("--cap", type=float, default=60.0, help="seconds for Spacer, and for a sample (default 60)")
    parser.add_argument("--sample", type=int, default=100, help="configurations decided one by one (default 100)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    options = parser.parse_args()
    try:
        scopes = [int(word) for word in options.scopes.split(",")]
    except ValueError:
        parser.error(f"`{options.scopes}` is no list of numbers, such as 1,2,3")
    if min(scopes) < 1 or options.runs < 1 or options.cap <= 0 or options.sample < 1:
        parser.error("every number needs to be at least 1")
    about = head()
    print(about)
    tables = []
    with tempfile.TemporaryDirectory(prefix="keyfate-") as place:
        bench = Bench(Path(place), scopes, options.runs, options.cap, options.sample)
        tables.append(bench.commands())
        print(f"\n{tables[-1].text()}", flush=True)
        for table in bench.verdicts():
            tables.append(table)
            print(f"\n{table.text()}", flush=True)
    if options.markdown:
        text = "\n\n".join((f"Measured {about}.", *(table.markdown() for table in tables)))
        options.markdown.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
