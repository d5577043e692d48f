"""One measurement in a process of its own: what engines.py asks for, as JSON on standard output.

Every time is in seconds, the least of several runs. `cpu`, and what is given without a name, is CPU time, which others
that work on the machine disturb less; ABC's reports of itself are CPU time too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keyfate.checking.assembling import assemble
from keyfate.checking.judges import Deadline
from keyfate.checking.session import open_session
from keyfate.commands.exporting import problem as problem_of
from keyfate.engines.aiger import binary, model
from keyfate.engines.berkeley import installed
from keyfate.engines.circuit import Circuit
from keyfate.engines.decide import Engine
from keyfate.engines.ic3 import proving
from keyfate.engines.provers import NoAnswerError
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.search import searching
from keyfate.engines.spacer import spacer
from keyfate.language.typed import Lifecycle
from keyfate.lifecycle.instances import capability_names, control_domains, control_names
from keyfate.lifecycle.problem import Budget, Problem, Reach, Reached, Settings, Unreachable
from keyfate.lifecycle.symmetry import Symmetries

Figures = dict[str, float | int | str | None]

_OWN_TIME = re.compile(r"(?:Property proved\.|asserted in frame \d+\.)\s+Time =\s*([0-9.]+) sec")


@dataclass(frozen=True)
class Asked:
    """What to measure. `cap`: seconds after which Spacer is stopped and no further configuration is begun."""

    what: str
    path: Path
    rule: str
    scope: dict[str, int]
    runs: int
    cap: float
    sample: int

    def problem(self) -> Problem:
        policy = open_session((self.path,), self.scope).policies[0]
        rule = next(known for known in policy.lifecycle.properties if known.name == self.rule)
        return problem_of(policy, rule)


def keyfate(asked: Asked) -> Figures:
    """From the parsed lifecycle to the certified verdict; and the search alone, over the circuit that is searched."""
    problem = asked.problem()
    court = assemble(problem.lifecycle, "auto")
    verdict = court.ask(problem, Deadline()).finding  # everything is imported now
    assert isinstance(verdict, Reached | Unreachable), verdict

    def whole() -> None:
        answer = assemble(problem.lifecycle, "auto").ask(problem, Deadline())
        assert answer.divergence is None, answer.divergence

    engine, symmetry = Engine(problem.lifecycle), Symmetries(problem.lifecycle).of(problem)
    whole_circuit = engine.exactly(problem).circuit
    circuit = engine.question(problem, symmetry=symmetry).circuit
    search = _proved if isinstance(verdict, Unreachable) else _searched
    wall, cpu = least(whole, asked)
    _, alone = least(lambda: search(circuit), asked)
    return {
        "steps": len(verdict.trace.actions) if isinstance(verdict, Reached) else None,
        "latches": len(whole_circuit.latches),
        "gates": sum(1 for left in whole_circuit.left if left >= 0),
        "wall": wall,
        "cpu": cpu,
        "search": alone,
    }


def _proved(circuit: Circuit) -> None:
    for _ in proving(circuit, Clock(Budget()), None):
        pass


def _searched(circuit: Circuit) -> None:
    for _ in searching(circuit, Clock(Budget()), None):
        pass


def abc(asked: Asked) -> Figures:
    """ABC's whole process over the AIGER that `keyfate export` writes, and the time that it reports of itself."""
    problem = asked.problem()
    circuit = Engine(problem.lifecycle).exactly(problem).circuit
    found: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "question.aig"
        path.write_bytes(binary(model(circuit)))
        while len(found) < asked.runs and sum(wall for wall, _, _ in found) <= asked.cap / 2:
            found.append(_abc(path, asked.what))
    return dict(zip(("wall", "cpu", "own"), map(min, zip(*found, strict=True)), strict=True))


def _abc(path: Path, script: str) -> tuple[float, float, float]:
    command = installed()
    assert command is not None, "ABC is not installed"
    start = time.perf_counter()
    process = subprocess.Popen(
        [command, "-q", f"read {path}; {script}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, _, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = 0
    process.stdout.close()
    own = _OWN_TIME.search(said)
    assert own is not None, said
    return wall, usage.ru_utime + usage.ru_stime, float(own.group(1))


def fixedpoint(asked: Asked) -> Figures:
    """Spacer over the same circuit, once; `cpu` is None where it was stopped."""
    problem = asked.problem()
    circuit = Engine(problem.lifecycle).exactly(problem).circuit
    start = time.process_time()
    try:
        spacer(circuit, Clock(Budget(seconds=asked.cap)))
    except (OutOfBudgetError, NoAnswerError):
        return {"cpu": None}
    return {"cpu": time.process_time() - start}


def configurations(asked: Asked) -> Figures:
    """Seconds for one configuration of all, drawn at random: keyfate's engine without any judge, and ABC's `pdr`."""
    lifecycle = asked.problem().lifecycle
    rule = next(known for known in lifecycle.properties if known.name == asked.rule)
    engine = Engine(lifecycle)
    target = Reach(rule.binders, rule.target)
    everything = engine.question(Problem(lifecycle, Settings(), target)).circuit
    asked_of = [Problem(lifecycle, settings, target) for settings in _drawn(lifecycle, asked.sample)]
    engine.decide(asked_of[0])
    own = list(_timed(engine.decide, asked_of, asked.cap))
    other: list[float] = []
    if installed() is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "question.aig"
            end = time.perf_counter() + asked.cap
            for problem in asked_of:
                path.write_bytes(binary(model(engine.exactly(problem).circuit)))
                other.append(_abc(path, "pdr")[1])
                if time.perf_counter() > end:
                    break
    return {
        "latches": len(everything.latches),
        "own": sum(own) / len(own),
        "own sample": len(own),
        "abc": sum(other) / len(other) if other else None,
        "abc sample": len(other),
    }


def _drawn(lifecycle: Lifecycle, count: int) -> Iterator[Settings]:
    draw = random.Random(0)
    domains = control_domains(lifecycle)
    for _ in range(count):
        yield Settings(
            {name: draw.choice(domains[name.name].values) for name in control_names(lifecycle)},
            {name: draw.random() < 0.5 for name in capability_names(lifecycle)},
        )


def _timed(act: Callable[[Problem], object], problems: Sequence[Problem], cap: float) -> Iterator[float]:
    end = time.perf_counter() + cap
    for problem in problems:
        start = time.process_time()
        act(problem)
        yield time.process_time() - start
        if time.perf_counter() > end:
            return


def least(act: Callable[[], object], asked: Asked) -> tuple[float, float]:
    """The least wall time and the least CPU time of several runs, of which none begins past half of the cap."""
    walls, cpus = [], []
    while len(walls) < asked.runs and sum(walls) <= asked.cap / 2:
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def main() -> None:
    parser = argparse.ArgumentParser(description="one measurement, for engines.py")
    parser.add_argument("what", choices=("keyfate", "pdr", "bmc3", "spacer", "configurations"))
    parser.add_argument("path", type=Path)
    parser.add_argument("rule")
    parser.add_argument("--scope", type=json.loads, default={})
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cap", type=float, default=60.0)
    parser.add_argument("--sample", type=int, default=100)
    asked = Asked(**vars(parser.parse_args()))
    measure = {"keyfate": keyfate, "spacer": fixedpoint, "configurations": configurations}.get(asked.what, abc)
    sys.setrecursionlimit(20_000)  # as the command line has it
    json.dump(measure(asked), sys.stdout)


if __name__ == "__main__":
    main()
