"""Berkeley's ABC as a process over AIGER: `pdr` proves, `bmc3` finds a shortest run.

R. Brayton, A. Mishchenko, ABC: an academic industrial-strength verification tool, CAV 2010.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from keyfate.engines.aiger import LEAD, Model, binary, model
from keyfate.engines.circuit import FALSE, Circuit
from keyfate.engines.ic3 import Proof
from keyfate.engines.provers import NoAnswerError, Said
from keyfate.engines.sat import Clock
from keyfate.engines.search import Run

COMMANDS = ("berkeley-abc", "abc")
"""What it is called where it is installed: Debian has a name of its own for it."""

_MOST = 64 << 20
"""Bytes that ABC may write, in all files together."""
_TAIL = 64 << 10  # bytes of its output that are read
_GLANCE = 0.05  # seconds between two looks at what it wrote

_ASSERTED = re.compile(r"was asserted in frame (\d{1,9})\b")


def installed() -> str | None:
    """The path of ABC, if it is there."""
    return next(filter(None, map(shutil.which, COMMANDS)), None)


def berkeley(circuit: Circuit, clock: Clock) -> Said:
    """A Prover. Raises NoAnswerError also where ABC is not installed."""
    if circuit.bad == FALSE or circuit.constraint == FALSE:
        return Proof((), 0)
    command = installed()
    if command is None:
        raise NoAnswerError("ABC is not installed")
    found = model(circuit)
    with _terminable(), TemporaryDirectory(prefix="keyfate-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "question.aig").write_bytes(binary(found))
        # Without -o the invariant would be one only together with the property.
        said = _run(command, "pdr -o -d -I invariant.pla", place, clock)
        if "Property proved" in said:
            text = _written(place / "invariant.pla", "proved it and named no invariant")
            try:
                return Proof(_clauses(circuit, found, text), 0)
            except (KeyError, ValueError):  # of latches that there are not, or of another number of them
                raise NoAnswerError("ABC proved it, by an invariant that cannot be read") from None
        if _ASSERTED.search(said) is None:
            raise NoAnswerError(f"ABC gave up: {_last(said)}")
        said = _run(command, "bmc3; write_cex run.txt", place, clock)
        depth = _ASSERTED.search(said)
        if depth is None:
            raise NoAnswerError(f"ABC reaches it but found no shortest run: {_last(said)}")
        text = _written(place / "run.txt", "reaches it and wrote no run")
        return _retold(circuit, found, text, int(depth.group(1)))


@contextmanager
def _terminable() -> Iterator[None]:
    """Where SIGTERM would end this process on the spot, it ends ABC too and takes its folder away."""
    alone = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not alone:
        yield
        return
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _run(command: str, script: str, place: Path, clock: Clock) -> str:
    """The end of what ABC prints. Raises OutOfBudgetError after the clock's time; nothing of it runs any longer then,
    nor where it wrote too much."""
    clock.check()
    output = place / "output"
    room = _size(place) + _MOST
    try:
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [command, "-q", f"read question.aig; {script}"],
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own: what is called ABC may be a script that calls it
            )
    except OSError as error:
        raise NoAnswerError(f"ABC cannot be run: {(error.strerror or str(error)).lower()}") from None
    try:
        while process.poll() is None:
            clock.check()
            if _size(place) > room:
                raise NoAnswerError(f"ABC wrote more than {_MOST >> 20} MiB")
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GLANCE if clock.left is None else min(_GLANCE, clock.left))
    finally:
        _end(process)
    said = _tail(output)
    if process.returncode:
        raise NoAnswerError(f"ABC ended with status {process.returncode}: {_last(said)}")
    return said


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and all of its group."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # of a group that has ended already
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _size(place: Path) -> int:
    """Bytes of all files in the folder."""
    total = 0
    for path in place.iterdir():
        with suppress(OSError):  # it went while we looked
            total += path.lstat().st_size
    return total


def _tail(path: Path) -> str:
    """The end of a text, which may be long."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL))
        return stream.read(_TAIL).decode("utf-8", "replace")


def _last(said: str) -> str:
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")


def _written(path: Path, otherwise: str) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _MOST:  # a device would have no end
            raise NoAnswerError(f"ABC {otherwise}")
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise NoAnswerError(f"ABC {otherwise}") from None


def _clauses(circuit: Circuit, found: Model, text: str) -> tuple[tuple[int, ...], ...]:
    """The invariant: what ABC writes are cubes over some latches that are never reached.

    Once `started` is true, it is about the lifecycle's own states, of which its first is a successor.
    """
    bit = {name: latch.literal for (name, _), latch in zip(found.latches[1:], circuit.latches, strict=True)}
    started = found.latches[0][0]
    columns: Sequence[str] = ()
    clauses = []
    for line in text.splitlines():
        if line.startswith(".ilb"):
            columns = line.split()[1:]
        elif line and line[0] in "01-":
            cube = [(name, value == "1") for name, value in zip(columns, line.split()[0], strict=True) if value != "-"]
            if (started, False) not in cube:
                clauses.append(tuple(bit[name] ^ int(value) for name, value in cube if name != started))
    return tuple(clauses)


def _retold(circuit: Circuit, found: Model, text: str, depth: int) -> Run:
    """The run without the step before it. `text` has the latches' first values, then the inputs of each frame."""
    bits = [digit == "1" for digit in re.sub(r"#.*|\s", "", text)]
    width, begin = len(found.inputs), len(found.latches)
    if len(bits) != begin + width * (depth + 1):
        raise NoAnswerError("ABC reaches it, by a run that cannot be read")
    frames = [bits[begin + width * frame : begin + width * (frame + 1)] for frame in range(depth + 1)]
    free = [latch.literal for latch in circuit.latches if latch.initial is None]
    own = len(circuit.inputs)
    return Run(
        dict(zip(free, frames[0][own:], strict=True)),
        tuple(dict(zip(circuit.inputs, frame[:own], strict=True)) for frame in frames[LEAD:depth]),
    )
