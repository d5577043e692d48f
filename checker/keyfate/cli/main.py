"""The console script: every command, and how each way to fail ends."""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO

import click

from keyfate import __version__
from keyfate.cli import (
    certifying,
    completing,
    deciding,
    documenting,
    drawing,
    exporting,
    linting,
    starting,
    synthesizing,
    texts,
)
from keyfate.cli.failing import tell
from keyfate.cli.printing import errors_text, until_hung_up
from keyfate.cli.statuses import DEFECT, STOPPED, UNUSABLE
from keyfate.language.library import LibraryError
from keyfate.language.source import Diagnostic, LifecycleError
from keyfate.reporting.writing import OutputError

_UNWRITABLE = (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF)


class _Commands(click.Group):
    """click ends with 1 where who reads has gone, which says that a requirement is broken."""

    def make_context(self, *words: Any, **settings: Any) -> click.Context:
        with until_hung_up():
            return super().make_context(*words, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        with until_hung_up():
            return super().invoke(ctx)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="keyfate")
def keyfate() -> None:
    """Proves or breaks what you require of a key over its whole life.

    \b
    Try:  keyfate check --library
    """


for _command in (
    deciding.check,
    certifying.certify,
    deciding.explain,
    synthesizing.frontier,
    deciding.list_,
    deciding.hunt,
    drawing.draw,
    exporting.export,
    documenting.answers,
    documenting.page,
    linting.lint,
    texts.format_,
    starting.new,
    completing.completion,
):
    keyfate.add_command(_command)

_EXPECTED = (
    click.ClickException,
    click.Abort,
    LifecycleError,
    LibraryError,
    OutputError,
    KeyboardInterrupt,
    BrokenPipeError,
)


class _NowhereError(Exception):
    """The current folder is gone: no relative path means anything, and none can be made absolute."""


class _Defects:
    """A crash of keyfate must not end with Python's status 1, which says that a requirement is broken."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (*_EXPECTED, SystemExit)) or _of_stream(error):
            return
        if isinstance(error, FileNotFoundError) and not _somewhere():
            raise _NowhereError from None
        lines = "".join(traceback.format_exception(error))
        asked = "this is a defect of keyfate, not of your files: please report it with the lines above"
        _tell(sys.argv[1:], f"{lines}{asked}", f"a defect of keyfate: {type(error).__name__}: {error}")
        sys.exit(DEFECT)


def main() -> NoReturn:
    """The console script. Every error that a user can make ends here: status 2 and no traceback."""
    sys.setrecursionlimit(20_000)  # texts may nest 200 deep, and who reads a tree needs some calls a level
    signal.signal(signal.SIGTERM, _stop)
    status: object = 0
    words = sys.argv[1:]
    _open_streams()
    gc.set_threshold(100_000, 20, 100)  # millions of small objects that live to the end, and no cycles
    try:
        with _Defects():
            completing.refuse_odd(os.environ)
            status = keyfate.main(standalone_mode=False, complete_var=completing.VARIABLE)
    except click.ClickException as error:
        _tell(words, _usage(error), error.format_message())
        status = UNUSABLE
    except LifecycleError as error:
        _tell(words, errors_text(error), diagnostics=error.diagnostics)
        status = UNUSABLE
    except (LibraryError, OutputError) as error:
        _tell(words, f"error: {error}", str(error))
        status = UNUSABLE
    except _NowhereError:  # in words alone: annotations and pages are about files in that folder
        _tell((), "error: the current folder is gone: change to one that exists (`cd`), and run it there")
        status = UNUSABLE
    except OSError as error:  # the others are told where they arise
        _silence(sys.stdout)
        _tell((), f"error: the standard output cannot be written: {(error.strerror or str(error)).lower()}")
        status = UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        _tell(words, "interrupted", "it was interrupted")
        status = STOPPED
    sys.exit(status if isinstance(status, int) else 0)


def _stop(number: int, frame: object) -> None:
    """What `timeout` and service managers send is an interrupt: what was found is told, and no process stays behind."""
    raise KeyboardInterrupt


def _somewhere() -> bool:
    """Whether the current folder still exists."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _open_streams() -> None:
    """Whoever closed an output wants nothing of it."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 open to the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 open to the end


def _of_stream(error: BaseException) -> bool:
    """Whether a full disk or a broken terminal is behind the standard output or the error stream: who writes
    a file says so itself."""
    return isinstance(error, OSError) and error.errno in _UNWRITABLE and error.filename is None


def _silence(*streams: TextIO) -> None:
    """What is still to be written must not fail again when the interpreter ends."""
    for stream in streams:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _tell(words: Sequence[str], text: str, said: str = "", diagnostics: Sequence[Diagnostic] = ()) -> None:
    """Tell it if anybody can be told. The status says it all the same, and must not become another."""
    try:
        tell(words, text, said, diagnostics)
    except OSError:
        _silence(sys.stdout, sys.stderr)


def _usage(error: click.ClickException) -> str:
    """What click says of bad usage."""
    shown = io.StringIO()
    error.show(shown)
    return shown.getvalue().rstrip("\n")
