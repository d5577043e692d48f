"""The commands that decide or show what was decided: check, explain, list, hunt."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from keyfate.cli import completing, options
from keyfate.cli.printing import colored, columns, deliver, put, refuse_taken
from keyfate.cli.statuses import NOTHING

_format = click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)


@click.command()
@click.argument(
    "paths",
    nargs=-1,
    metavar="[POLICY|FOLDER|LIFECYCLE.kf]...",
    type=click.Path(path_type=Path),
    shell_complete=completing.policy_or_lifecycle,
)
@click.option(
    "--library",
    is_flag=True,
    help="Check the shipped library, or the lifecycles of it that are named, against what is expected of them.",
)
@click.option("--quick", is_flag=True, help="With --library: verdicts alone, without frontiers and numbers of states.")
@click.option("--update", is_flag=True, help="With --library: write what was found as expected.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "github")),
    default="text",
    show_default=True,
    help="github: the text, then annotations for a pull request.",
)
@options.output
@click.option("--json-output", type=click.Path(path_type=Path), help="Write JSON to this file as well.")
@click.option("--summary", type=click.Path(path_type=Path), help="Add a page of Markdown to this file.")
@click.option(
    "--baseline", type=click.Path(path_type=Path), help="An earlier JSON report: tell what changed since then."
)
@click.option(
    "--certificates",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write what `keyfate certify` and any SMT solver can check.",
)
@click.option("--quiet", "-q", is_flag=True, help="Only what is broken or undecided; nothing where all is met.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@options.memory
@options.deciding
def check(
    paths: tuple[Path, ...],
    library: bool,
    quick: bool,
    update: bool,
    form: str,
    output: Path | None,
    json_output: Path | None,
    summary: Path | None,
    baseline: Path | None,
    certificates: Path | None,
    quiet: bool,
    watch: bool,
    **how: Any,
) -> None:
    """Decide every property under each policy. Without arguments, the policies below this folder.

    \b
    Exit status, the first that applies:
      2  bad usage, lifecycle or policy
      5  judges disagree; with --library, an answer is not the expected one
      1  a requirement is broken
      3  a required verdict is UNKNOWN or BOUNDED; with --library, any expected one
      4  nothing meaningful was checked
      0  all requirements are met
    """
    from keyfate.commands import certifying, checking, gate
    from keyfate.commands.library import Extra
    from keyfate.reporting.json import to_json

    for given, name in ((quick, "--quick"), (update, "--update")):
        if given and not library:
            raise click.UsageError(f"{name} goes with --library")
    if quick and update:
        raise click.UsageError("--update writes all that is expected: leave --quick out")
    if quiet and form == "json":
        raise click.UsageError("--quiet shortens a text, and --format json writes none")
    if watch:
        if (
            library
            or form != "text"
            or any(path is not None for path in (output, json_output, summary, baseline, certificates))
        ):
            raise click.UsageError("--watch shows a text, again and again: only --quiet goes with it")
        _watch(paths, quiet, how)
    chosen = gate.gate(form, summary, os.environ, _longer(**how))
    if baseline is not None and form == "json" and chosen.summary is None:
        raise click.UsageError("--baseline goes with a text or --summary: --format json is the report alone")
    inputs = (*(paths if not library else ()), *([baseline] if baseline is not None else []))
    refuse_taken(inputs, output=output, json_output=json_output, summary=summary)
    before = gate.baseline(baseline)
    if certificates is not None and how["engine"] == "explicit":
        raise click.UsageError("--certificates needs an invariant, and --engine explicit finds none")
    keep = None if certificates is None else certifying.shelved(certificates)
    extra = Extra(quick, update) if library else None
    report = checking.check(paths, library=extra, keep=keep, **how)
    if report is None:
        deliver(gate.nothing(_no_policy(paths), chosen), chosen)
        sys.exit(NOTHING)
    if json_output is not None:
        put(to_json(report), json_output)
    told = gate.verdict(report, before, chosen, quiet=quiet, color=colored(output), width=columns(output))
    deliver(told, chosen, output)
    if keep is not None and not quiet:
        click.echo(keep.told(), err=True)
    sys.exit(report.exit_status)


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
    """Show the library, or what one lifecycle declares. Controls, capabilities, actions, properties."""
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
    """Look for a break by random walks on real bytes. What the checker missed would be found so."""
    from keyfate.commands import hunting

    refuse_taken((Path(path),), output=output)
    text, status = hunting.hunt(path, walks, seed, scope, colored(output), columns(output))
    put(text, output)
    sys.exit(status)


def _watch(paths: Sequence[Path], quiet: bool, how: Mapping[str, Any]) -> NoReturn:
    """Ends with an interrupt, which is no verdict."""
    from keyfate.commands import watching

    for look in watching.looks(paths, **how):
        if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
            click.clear()
        put(watching.told(look, quiet=quiet, color=colored(None), width=columns(None)), None)
    raise AssertionError("watching ends only with an interrupt")


def _longer(timeout: float | None, scope: Mapping[str, int], engine: str, memory: int | None) -> Sequence[str]:
    """The options of the same check with ten times the time, if it has an end at all."""
    if timeout is None:
        return ()
    words = ["--timeout", f"{10 * timeout:g}"]
    words += [word for sort, size in scope.items() for word in ("--scope", f"{sort}={size}")]
    words += ["--engine", engine] if engine != "auto" else []
    return [*words, "--memory", str(memory >> 20)] if memory is not None else words


def _no_policy(paths: Sequence[Path]) -> str:
    from keyfate.commands import naming

    where = "here" if not paths else "there"
    said = f"no policy found {where}: name one, or write one as `NAME.policy.toml`"
    found = next((file for path in paths or (Path(),) for file in naming.lifecycles_below(path)), None)
    following = "check --library" if found is None else f"new policy {shlex.quote(str(found))}"
    return f"{said}\nnext: keyfate {following}\n"
