"""The command line: reads words, calls a room, prints. What a command does is imported when it runs."""

from __future__ import annotations

import gc
import math
import os
import re
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from keyfate import __version__
from keyfate.language.library import LibraryError
from keyfate.language.source import LifecycleError
from keyfate.reporting.writing import OutputError

if TYPE_CHECKING:
    from keyfate.checking.results import Report

UNUSABLE = 2  # bad usage, lifecycle or policy
NOTHING = 4
DEFECT = 70  # EX_SOFTWARE of sysexits.h
HUNG_UP, STOPPED = 141, 130  # as shells say of a process that a closed pipe or an interrupt ended
ENGINES = ("auto", "z3", "explicit")


def _scope(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> dict[str, int]:
    """`Platform=3`, given several times or with commas between."""
    sizes: dict[str, int] = {}
    for part in ",".join(given).split(",") if given else ():
        sort, equals, size = (p.strip() for p in part.partition("="))
        if not sort or not equals or not re.fullmatch(r"0*[1-9][0-9]{0,8}", size):
            message = f"`{part}` is not SORT=SIZE with a size of 1 or more, such as Platform=3"
            raise click.BadParameter(message, ctx, param)
        sizes[sort] = int(size)
    return sizes


def _number(ctx: click.Context, param: click.Parameter, given: float | None) -> float | None:
    """Neither more nor less than anything, `nan` passes every range."""
    if given is not None and math.isnan(given):
        raise click.BadParameter("`nan` is no number", ctx, param)
    return given


_seconds = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    callback=_number,
    help="Seconds; the rest is UNKNOWN.",
)
_scope_option = click.option(
    "--scope", multiple=True, callback=_scope, metavar="SORT=SIZE", help="Resize a sort: Platform=3."
)


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every command that decides something."""
    for option in (
        _seconds,
        _scope_option,
        click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="Who decides."),
    ):
        command = option(command)
    return command


_format = click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
_output = click.option("--output", type=click.Path(path_type=Path), help="Write to this file instead.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="keyfate")
def keyfate() -> None:
    """Proves or breaks what you require of a key over its whole life.

    \b
    Try:  keyfate check --library
    """


@keyfate.command()
@click.argument("paths", nargs=-1, metavar="[POLICY|FOLDER|LIFECYCLE.kf]...", type=click.Path(path_type=Path))
@click.option("--library", is_flag=True, help="Check the shipped library against its expected answers.")
@click.option("--update", is_flag=True, help="With --library: write what was found as expected.")
@click.option(
    "--states", type=click.IntRange(min=0), default=20_000, show_default=True, help="With --update: count so far."
)
@_format
@_output
@click.option("--json-output", type=click.Path(path_type=Path), help="Write JSON to this file as well.")
@_shared
def check(
    paths: tuple[Path, ...],
    library: bool,
    update: bool,
    states: int,
    form: str,
    output: Path | None,
    json_output: Path | None,
    **how: Any,
) -> None:
    """Decide every property under each policy; without arguments, the policies below this folder.

    \b
    Exit status, the first that applies:
      2  bad usage, lifecycle or policy
      5  judges disagree; with --library, an answer is not the expected one
      1  a requirement is broken
      3  a required verdict is UNKNOWN or BOUNDED
      4  nothing meaningful was checked
      0  all requirements are met
    """
    from keyfate.reporting import commands

    if library and paths:
        raise click.UsageError("--library takes no paths: it checks what is shipped")
    if update and not library:
        raise click.UsageError("--update goes with --library")
    _outputs(output, json_output, paths)
    report = commands.check(paths, library=library, update=states if update else None, **how)
    if report is None:
        where = "here" if not paths else "there"
        click.echo(f"no policy found {where}: name one, or write one as `NAME.policy.toml`", err=True)
        click.echo("next: keyfate check --library", err=True)
        sys.exit(NOTHING)
    _report(report, form, output, json_output)


@keyfate.command()
@click.argument("policy", metavar="POLICY|LIFECYCLE.kf", type=click.Path(path_type=Path))
@click.argument("name", metavar="PROPERTY")
@_format
@_output
@_shared
def explain(policy: Path, name: str, form: str, output: Path | None, **how: Any) -> None:
    """Tell the trace step by step, and how the secret was computed."""
    from keyfate.reporting import commands

    _outputs(output, None, (policy,))
    text, status = commands.explain(policy, name, form, _color(output), _width(output), **how)
    _print(text, output)
    sys.exit(status)


@keyfate.command(name="list")
@click.argument("lifecycle", required=False)
@_scope_option
@_output
def list_(lifecycle: str | None, scope: dict[str, int], output: Path | None) -> None:
    """Show the library; or one lifecycle's controls, capabilities, actions and properties."""
    from keyfate.reporting import commands

    _outputs(output, None, () if lifecycle is None else (Path(lifecycle),))
    _print(commands.listing(lifecycle, scope, _color(output), _width(output)), output)


@keyfate.command()
@click.argument("path", metavar="LIFECYCLE|POLICY")
@click.option("--walks", type=click.IntRange(min=1), default=200, show_default=True, help="How many random walks.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed walks elsewhere.")
@_scope_option
@_output
def hunt(path: str, walks: int, seed: int, scope: dict[str, int], output: Path | None) -> None:
    """Walk at random, on real bytes, looking for a break that the checker missed."""
    from keyfate.reporting import commands

    _outputs(output, None, (Path(path),))
    text, status = commands.hunt(path, walks, seed, scope, _color(output), _width(output))
    _print(text, output)
    sys.exit(status)


def _report(report: Report, form: str, output: Path | None, json_output: Path | None) -> NoReturn:
    from keyfate.reporting.json import to_json
    from keyfate.reporting.text import report_text

    if json_output is not None:
        _write(json_output, to_json(report))
    text = to_json(report) if form == "json" else report_text(report, color=_color(output), width=_width(output))
    _print(text, output)
    sys.exit(report.exit_status)


def _outputs(output: Path | None, json_output: Path | None, inputs: Sequence[Path]) -> None:
    """Refuse, before any work, outputs that would overwrite an input or each other."""
    taken = [path.absolute() for path in inputs]
    for option, path in (("--output", output), ("--json-output", json_output)):
        if path is None:
            continue
        if path.absolute() in taken:
            raise click.BadParameter(f"`{path}` is taken already", param_hint=option)
        if os.path.isdir(path) or not os.path.isdir(path.absolute().parent):
            what = "is a folder" if os.path.isdir(path) else "is in no folder that exists"
            raise click.BadParameter(f"`{path}` {what}", param_hint=option)
        taken.append(path.absolute())


def _print(text: str, output: Path | None) -> None:
    """The whole text to a file or to the standard output, in the characters that it can show."""
    if output is not None:
        _write(output, text)
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has enough. The interpreter must not complain at exit, and click, which
        # would end with 1, not be asked: that says that a requirement is broken.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(HUNG_UP)


def _write(path: Path, text: str) -> None:
    from keyfate.reporting.writing import write_whole

    write_whole(path, text)


def _color(output: Path | None) -> bool:
    return output is None and _shows_color(sys.stdout)


def _shows_color(stream: TextIO) -> bool:
    """On a terminal, unless NO_COLOR (no-color.org) or a dumb terminal says otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _width(output: Path | None) -> int | None:
    if output is None and sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


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
        traceback.print_exception(error)
        click.echo("this is a defect of keyfate, not of your files: please report it with the lines above", err=True)
        sys.exit(DEFECT)


def main() -> NoReturn:
    """The console script. Every error that a user can make ends here: status 2 and no traceback."""
    sys.setrecursionlimit(20_000)  # texts may nest 200 deep, and who reads a tree needs some calls a level
    status: object = 0
    gc.set_threshold(100_000, 20, 100)  # millions of small objects that live to the end, and no cycles
    try:
        with _Defects():
            status = keyfate.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = UNUSABLE
    except LifecycleError as error:
        color, columns = _shows_color(sys.stderr), shutil.get_terminal_size((120, 24)).columns
        click.echo(_errors(error, color, columns), err=True)
        status = UNUSABLE
    except (LibraryError, OutputError) as error:
        click.echo(f"error: {error}", err=True)
        status = UNUSABLE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        status = STOPPED
    sys.exit(status if isinstance(status, int) else 0)


def _errors(error: LifecycleError, color: bool, width: int) -> str:
    from keyfate.language.rendering import render

    number = sum(1 for d in error.diagnostics if d.severity == "error")
    total = f"{number} error{'' if number == 1 else 's'}"
    return f"{render(error.diagnostics, color=color, width=width)}\n\n{total}"
