"""The command that rewrites texts: format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from keyfate.cli.printing import colored, errors_text, put, put_exactly
from keyfate.cli.statuses import BROKEN, DEFECT, MET, NOTHING, UNUSABLE

if TYPE_CHECKING:
    from keyfate.commands.formatting import Outcome


_STREAM = Path("-")


@click.command(name="format")
@click.argument("paths", nargs=-1, metavar="[LIFECYCLE.kf|FOLDER]...", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--check", is_flag=True, help="Change nothing; name the files that are not in canonical layout.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
def format_(paths: tuple[Path, ...], check: bool, diff: bool) -> None:
    """Write lifecycles in canonical layout, comments kept. Without arguments, all below this folder.

    With `-` the text comes from the standard input and goes to the standard output.

    \b
    Exit status, the first that applies:
      2  a file cannot be read or written, or has errors; it is left as it is, the others are done
      1  with --check, a file is not in canonical layout
      4  there is no lifecycle
      0  all files are in canonical layout now; or, without --check, --diff showed the way there
    """
    from keyfate.commands import formatting

    if _STREAM not in paths:
        outcome = formatting.format_files(paths, write=not (check or diff))
        _finish(outcome, paths, check=check, diff=diff)
    if len(paths) > 1:
        raise click.UsageError("`-` is the standard input, and stands alone")
    if sys.stdin is None:
        raise click.UsageError("there is no standard input to read `-` from")
    outcome = formatting.format_stream(sys.stdin.buffer)
    if check or diff:
        _finish(outcome, paths, check=check, diff=diff)
    put_exactly(outcome.texts[0].after)


def _finish(outcome: Outcome, paths: tuple[Path, ...], *, check: bool, diff: bool) -> NoReturn:
    from keyfate.commands.formatting import differences, summary
    from keyfate.language.source import LifecycleError

    if outcome.empty:
        where = "there" if paths else "here"
        click.echo(f"no lifecycle found {where}: name a `.kf` file, or a folder with some in or below it", err=True)
        sys.exit(NOTHING)
    told = summary(outcome, written=not (check or diff), words=[str(path) for path in paths])
    if diff:
        put(differences(outcome, color=colored(None)), None)
        click.echo(told, err=True, nl=False)  # so that a pipe gets the differences alone
    else:
        put(told, None)
    for failure in outcome.unwritten:
        click.echo(f"error: {failure}", err=True)
    if outcome.diagnostics:
        click.echo(errors_text(LifecycleError(outcome.diagnostics)), err=True)
    if outcome.defective:
        sys.exit(DEFECT)
    if outcome.unwritten or outcome.diagnostics:
        sys.exit(UNUSABLE)
    sys.exit(BROKEN if check and outcome.changed else MET)
