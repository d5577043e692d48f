"""The console script: every command, and how each way to fail ends."""

from __future__ import annotations

import gc
import io
import sys
import traceback
from typing import NoReturn

import click

from keyfate import __version__
from keyfate.cli import completing, deciding, drawing, linting, starting, texts
from keyfate.cli.failing import tell
from keyfate.cli.printing import errors_text
from keyfate.language.library import LibraryError
from keyfate.language.source import LifecycleError
from keyfate.reporting.writing import OutputError

UNUSABLE = 2  # bad usage, lifecycle or policy
DEFECT = 70  # EX_SOFTWARE of sysexits.h
STOPPED = 130  # as shells say of a process that an interrupt ended


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="keyfate")
def keyfate() -> None:
    """Proves or breaks what you require of a key over its whole life.

    \b
    Try:  keyfate check --library
    """


for _command in (
    deciding.check,
    deciding.explain,
    deciding.list_,
    deciding.hunt,
    drawing.draw,
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


class _Defects:
    """A crash of keyfate must not end with Python's status 1, which says that a requirement is broken."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (*_EXPECTED, SystemExit)):
            return
        lines = "".join(traceback.format_exception(error))
        asked = "this is a defect of keyfate, not of your files: please report it with the lines above"
        tell(sys.argv[1:], f"{lines}{asked}", f"a defect of keyfate: {type(error).__name__}: {error}")
        sys.exit(DEFECT)


def main() -> NoReturn:
    """The console script. Every error that a user can make ends here: status 2 and no traceback."""
    sys.setrecursionlimit(20_000)  # texts may nest 200 deep, and who reads a tree needs some calls a level
    status: object = 0
    words = sys.argv[1:]
    gc.set_threshold(100_000, 20, 100)  # millions of small objects that live to the end, and no cycles
    try:
        with _Defects():
            status = keyfate.main(standalone_mode=False, complete_var=completing.VARIABLE)
    except click.ClickException as error:
        tell(words, _usage(error), error.format_message())
        status = UNUSABLE
    except LifecycleError as error:
        tell(words, errors_text(error), diagnostics=error.diagnostics)
        status = UNUSABLE
    except (LibraryError, OutputError) as error:
        tell(words, f"error: {error}", str(error))
        status = UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        tell(words, "interrupted", "it was interrupted")
        status = STOPPED
    sys.exit(status if isinstance(status, int) else 0)


def _usage(error: click.ClickException) -> str:
    """What click says of bad usage."""
    shown = io.StringIO()
    error.show(shown)
    return shown.getvalue().rstrip("\n")
