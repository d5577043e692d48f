"""`keyfate new`."""

from __future__ import annotations

from pathlib import Path

import click

from keyfate.cli import completing
from keyfate.cli.printing import put

_output = click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")


@click.group()
def new() -> None:
    """Write a first lifecycle, or a first policy. It is to be changed into your own; overwrites nothing."""


@new.command()
@click.argument("name")
@_output
def lifecycle(name: str, output: Path | None) -> None:
    """Write NAME.kf, a small lifecycle. One property of it holds and one breaks.

    The comments in it tell what each part is, and how to mend the property that breaks.
    """
    from keyfate.commands import starting

    put(starting.new_lifecycle(name, output), None)


@new.command()
@click.argument("lifecycle", metavar="LIFECYCLE", shell_complete=completing.lifecycle)
@_output
def policy(lifecycle: str, output: Path | None) -> None:
    """Write a policy about LIFECYCLE, a path or a shipped name. It is valid, with all that can be set as comments.

    It is named after the lifecycle, in the current folder.
    """
    from keyfate.commands import starting

    put(starting.new_policy(lifecycle, output), None)
