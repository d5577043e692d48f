"""Where what a command says goes: a file that appears whole, or a stream in the characters that it can show."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyfate.language.source import LifecycleError
from keyfate.reporting.terminals import shows_color

if TYPE_CHECKING:
    from keyfate.commands.gate import Gate, Told

_READ = (".kf", ".policy.toml")

HUNG_UP = 141  # as shells say of a process that a closed pipe ended


def refuse_taken(inputs: Sequence[Path], **outputs: Path | None) -> None:
    """Refuse, before any work, outputs that would overwrite an input or each other.

    `outputs` by option: `json_output` is what `--json-output` names.
    """
    from keyfate.reporting.writing import refusal

    used = list(inputs)
    for name, path in outputs.items():
        if path is None:
            continue
        option = f"--{name.replace('_', '-')}"
        why = taken(path, used) or refusal(path)
        if why:
            raise click.BadParameter(f"`{path}` {why}", param_hint=option)
        used.append(path)


def taken(path: Path, used: Sequence[Path]) -> str:
    """Why nothing may be written to `path`, if it is one of those in use or a text that keyfate reads; else empty."""
    if any(_same(path, other) for other in used):
        return "is taken already"
    # Perhaps it is read by this very command: what a folder holds, what a policy is about.
    read = os.path.exists(path) and any(name.endswith(_READ) for name in (path.name, os.path.realpath(path)))
    return "is what keyfate reads, not what it writes" if read else ""


def _same(one: Path, other: Path) -> bool:
    """Whether both are one file, by whatever links and folders they are reached."""
    try:
        return os.path.samefile(one, other)
    except OSError:  # one is not there yet
        return os.path.realpath(one) == os.path.realpath(other)


def deliver(told: Told, gate: Gate, output: Path | None = None) -> None:
    """Each part to its place: the page behind what the summary holds, the texts to file and streams."""
    from keyfate.reporting.writing import append

    if gate.summary is not None:
        append(gate.summary, told.page)
    if told.text or output is not None:
        put(told.text, output)
    if told.error:
        click.echo(told.error.rstrip("\n"), err=True)


def put(text: str | bytes, output: Path | None) -> None:
    """The whole text to a file, or to the standard output in the characters that it can show.

    Bytes, which are no text, go to a file.
    """
    if output is not None:
        from keyfate.reporting.writing import write_whole

        write_whole(output, text)
        return
    assert isinstance(text, str)
    encoding = sys.stdout.encoding or "utf-8"
    with until_hung_up():
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()


def put_exactly(text: str) -> None:
    """The text as UTF-8 to the standard output, for a program that reads it as a file."""
    with until_hung_up():
        sys.stdout.buffer.write(text.encode("utf-8"))
        sys.stdout.flush()


@contextmanager
def until_hung_up() -> Iterator[None]:
    """Ends the process where nobody reads any more."""
    try:
        yield
    except BrokenPipeError:
        # Who reads has enough. The interpreter must not complain at exit, and click, which
        # would end with 1, not be asked: that says that a requirement is broken.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(HUNG_UP)


def errors_text(error: LifecycleError) -> str:
    """Every diagnostic and their number, as the error stream may show them."""
    from keyfate.language.rendering import render

    number = sum(1 for d in error.diagnostics if d.severity == "error")
    shown = render(error.diagnostics, color=shows_color(sys.stderr), width=shutil.get_terminal_size((120, 24)).columns)
    return f"{shown}\n\n{number} error{'' if number == 1 else 's'}"


def colored(output: Path | None) -> bool:
    """Whether what goes there may be coloured."""
    return output is None and shows_color(sys.stdout)


def columns(output: Path | None) -> int | None:
    """How wide what goes there may be; None where nobody says."""
    if output is None and sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None
