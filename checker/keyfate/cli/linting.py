"""`keyfate lint`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keyfate.cli import completing, options
from keyfate.cli.printing import colored, columns, put, refuse_taken
from keyfate.cli.statuses import NOTHING


@click.command()
@click.argument(
    "paths", nargs=-1, metavar="[LIFECYCLE|POLICY|FOLDER]...", shell_complete=completing.policy_or_lifecycle
)
@click.option("--strict", is_flag=True, help="End with 1 if there is a warning.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@options.output
def lint(paths: tuple[str, ...], strict: bool, form: str, output: Path | None) -> None:
    """Warn of what was probably not meant, without solving. Without arguments, everything below this folder.

    Names that nothing uses, actions whose sources cannot be there, exposures that show nothing, capabilities
    that no profile grants. Hints, such as a shared property that is one name short of applying, never fail.

    \b
    Exit status, the first that applies:
      2  bad usage, lifecycle or policy
      4  no lifecycle and no policy found
      1  with --strict: there is a warning
      0  otherwise
    """
    from keyfate.commands import linting

    refuse_taken(tuple(map(Path, paths)), output=output)
    answer = linting.lint(paths, form, strict, colored(output), columns(output))
    if answer is None:
        click.echo("no lifecycle and no policy found: name one, or `keyfate new lifecycle NAME` begins one", err=True)
        sys.exit(NOTHING)
    text, status = answer
    put(text, output)
    sys.exit(status)
