"""Commands that write documents: answers and pages."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keyfate.cli import completing, options
from keyfate.cli.printing import put, refuse_taken
from keyfate.cli.statuses import MET


@click.command()
@click.argument("path", metavar="[FILE.toml]", required=False, type=click.Path(path_type=Path))
@options.timeout
@options.output
def answers(path: Path | None, timeout: float | None, output: Path | None) -> None:
    """Answer a document of questions by verdicts and frontiers.

    The answers are a page of Markdown. Without FILE, the questions that keyfate ships about its own library.

    \b
    Exit status, the first that applies: 2 for bad usage or a document that cannot be read, 5 if judges disagree, 1 if
    a claim does not hold, 3 if something has no answer, 0. Unless it is 0, no file is written.

    \b
      keyfate answers --output docs/answers.md
    """
    from keyfate.commands.answering import answers as answer

    refuse_taken(() if path is None else (path,), output=output)
    text, wrong, status = answer(path, timeout)
    if wrong:
        click.echo(wrong, err=True)
    if status == MET or output is None:
        put(text, output)
    if output is not None and status == MET:
        click.echo(f"wrote {output}")
    sys.exit(status)


@click.command()
@click.argument("name", metavar="[LIFECYCLE]", required=False, shell_complete=completing.policy_or_lifecycle)
@click.argument("policies", metavar="[POLICY|FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--library", is_flag=True, help="A page for every shipped lifecycle, into the folder that --output names."
)
@options.output
def page(name: str | None, policies: tuple[Path, ...], library: bool, output: Path | None) -> None:
    """Write a lifecycle as a page of Markdown.

    It has diagrams, controls, attackers, properties and their verdicts: those under each POLICY. Without one, the page
    of a shipped lifecycle shows what is expected of its policies.

    \b
    Exit status: 0; 5 if judges disagree about a verdict, 3 if one is open; 2 for bad usage, lifecycle or policy.

    \b
      keyfate page LIFECYCLE POLICY --output page.md
      keyfate page --library --output docs/library
    """
    from keyfate.commands import paging

    if library:
        if name is not None or output is None:
            raise click.UsageError("--library stands alone, with the folder to write to behind --output")
        for written in paging.write_library(output):
            click.echo(f"wrote {written}")
        return
    if name is None:
        raise click.UsageError("name a lifecycle, or say --library")
    refuse_taken((Path(name), *policies), output=output)
    text, status = paging.page(name, policies)
    put(text, output)
    if output is not None:
        click.echo(f"wrote {output}")
    sys.exit(status)
