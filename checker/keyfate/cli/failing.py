"""How a run ends that came to no verdict: told in the form that was asked for, if that can be known."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyfate.cli.printing import taken
from keyfate.language.source import Diagnostic
from keyfate.reporting.terminals import shows_color

if TYPE_CHECKING:
    from keyfate.commands.gate import Gate

_GITHUB = "github"
_OTHERS = ("--baseline", "--output", "--json-output")  # options that name files


def tell(words: Sequence[str], text: str, said: str = "", diagnostics: Sequence[Diagnostic] = ()) -> None:
    """Say `text` where a person looks, and what else the words of the command line ask for.

    `said` is the text in one line; the diagnostics are what it is about, if that stands in files.
    """
    form, page = _asked(words)
    if form != _GITHUB and page is None:
        click.echo(text, err=True, color=shows_color(sys.stderr))
        return
    from keyfate.cli.printing import deliver
    from keyfate.commands.gate import failure, gate
    from keyfate.reporting.writing import OutputError

    chosen: Gate = gate(form, page, os.environ)
    told = failure(text.rstrip() + "\n", said, diagnostics, chosen)
    try:
        deliver(told, chosen)
    except OutputError as error:  # it was no verdict before, and is none now
        deliver(told, replace(chosen, summary=None))
        click.echo(f"error: {error}", err=True)


def _asked(words: Sequence[str]) -> tuple[str, Path | None]:
    """`--format` and `--summary`, whatever else is wrong with the words. A page is added to no file that is
    named otherwise too, nor to a lifecycle or policy."""
    options: list[click.Parameter] = [
        click.Option(["--format"]),
        click.Option(["--summary"], type=click.Path(path_type=Path)),
        *(click.Option([option]) for option in _OTHERS),
    ]
    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    reader = click.Command("keyfate", params=options, context_settings=settings, add_help_option=False)
    try:
        context = reader.make_context("keyfate", list(words), resilient_parsing=True)
    except click.ClickException:  # an option without its value
        return "", None
    form, page, *others = (context.params[name] for name in ("format", "summary", *map(_name, _OTHERS)))
    if page is not None and taken(page, [Path(other) for other in (*others, *context.args) if other is not None]):
        page = None
    return form or "", page


def _name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")
