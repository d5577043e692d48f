"""The commands that decide or show what was decided: check, explain, list, hunt."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from keyfate.cli import completing, options
from keyfate.cli.printing import colored, columns, put, refuse_taken

if TYPE_CHECKING:
    from keyfate.checking.results import Report

NOTHING = 4

_format = click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)


@click.command()
@click.argument(
    "paths",
    nargs=-1,
    metavar="[POLICY|FOLDER|LIFECYCLE.kf]...",
    type=click.Path(path_type=Path),
    shell_complete=completing.policy_or_lifecycle,
)
@click.option("--library", is_flag=True, help="Check the shipped library against its expected answers.")
@click.option("--update", is_flag=True, help="With --library: write what was found as expected.")
@click.option(
    "--states", type=click.IntRange(min=0), default=20_000, show_default=True, help="With --update: count so far."
)
@_format
@options.output
@click.option("--json-output", type=click.Path(path_type=Path), help="Write JSON to this file as well.")
@options.deciding
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
    from keyfate.commands import checking

    if library and paths:
        raise click.UsageError("--library takes no paths: it checks what is shipped")
    if update and not library:
        raise click.UsageError("--update goes with --library")
    refuse_taken(paths, output=output, json_output=json_output)
    report = checking.check(paths, library=library, update=states if update else None, **how)
    if report is None:
        _nothing(paths)
    _report(report, form, output, json_output)


@click.command()
@click.argument(
    "policy",
    metavar="POLICY|LIFECYCLE.kf",
    type=click.Path(path_type=Path),
    shell_complete=completing.policy_or_lifecycle,
)
@click.argument("name", metavar="PROPERTY", shell_complete=completing.property_name)
@_format
@options.output
@options.deciding
def explain(policy: Path, name: str, form: str, output: Path | None, **how: Any) -> None:
    """Tell the trace step by step, and how the secret was computed."""
    from keyfate.commands import checking

    refuse_taken((policy,), output=output)
    text, status = checking.explain(policy, name, form, colored(output), columns(output), **how)
    put(text, output)
    sys.exit(status)


@click.command(name="list")
@click.argument("lifecycle", required=False, shell_complete=completing.lifecycle)
@options.scope
@options.output
def list_(lifecycle: str | None, scope: dict[str, int], output: Path | None) -> None:
    """Show the library; or one lifecycle's controls, capabilities, actions and properties."""
    from keyfate.commands import listing

    refuse_taken(() if lifecycle is None else (Path(lifecycle),), output=output)
    put(listing.listing(lifecycle, scope, colored(output), columns(output)), output)


@click.command()
@click.argument("path", metavar="LIFECYCLE|POLICY", shell_complete=completing.policy_or_lifecycle)
@click.option("--walks", type=click.IntRange(min=1), default=200, show_default=True, help="How many random walks.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed walks elsewhere.")
@options.scope
@options.output
def hunt(path: str, walks: int, seed: int, scope: dict[str, int], output: Path | None) -> None:
    """Walk at random, on real bytes, looking for a break that the checker missed."""
    from keyfate.commands import hunting

    refuse_taken((Path(path),), output=output)
    text, status = hunting.hunt(path, walks, seed, scope, colored(output), columns(output))
    put(text, output)
    sys.exit(status)


def _nothing(paths: Sequence[Path]) -> NoReturn:
    where = "here" if not paths else "there"
    click.echo(f"no policy found {where}: name one, or write one as `NAME.policy.toml`", err=True)
    click.echo("next: keyfate check --library", err=True)
    sys.exit(NOTHING)


def _report(report: Report, form: str, output: Path | None, json_output: Path | None) -> NoReturn:
    from keyfate.reporting.json import to_json
    from keyfate.reporting.text import report_text

    if json_output is not None:
        put(to_json(report), json_output)
    text = to_json(report) if form == "json" else report_text(report, color=colored(output), width=columns(output))
    put(text, output)
    sys.exit(report.exit_status)
