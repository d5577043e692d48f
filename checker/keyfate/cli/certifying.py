"""`keyfate certify`: the judges on what a check has written."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keyfate.cli import completing, options
from keyfate.cli.printing import colored, columns, put, refuse_taken


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER...", type=click.Path(path_type=Path))
@click.option(
    "--lifecycle",
    metavar="LIFECYCLE",
    help="Where the lifecycle is, if it moved.",
    shell_complete=completing.lifecycle,
)
@options.seconds("Seconds that a solver may take for one question; then it is not decided.  [default: 60]")
@options.output
def certify(paths: tuple[Path, ...], lifecycle: str | None, timeout: float | None, output: Path | None) -> None:
    """Have certificates judged by others than who wrote them.

    They are what `keyfate check --certificates` wrote. An invariant is judged by a fresh Z3 and, if installed, cvc5;
    a trace by Z3, by the interpreter and on bytes. Nothing of the engine that found them runs.

    \b
    Exit status, the first that applies:
      2  bad usage; a file that is no certificate, or is one of another lifecycle, property, policy or version
      5  a judge refuses a certificate
      3  a judge came to no answer
      0  every judge accepts all of them
    """
    from keyfate.commands import certifying

    refuse_taken((*paths, *([Path(lifecycle)] if lifecycle is not None else [])), output=output)
    text, status = certifying.certify(paths, lifecycle, timeout, color=colored(output), width=columns(output))
    put(text, output)
    sys.exit(status)
