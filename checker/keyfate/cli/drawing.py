"""`keyfate draw`: pictures for a design review."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from keyfate.cli import completing, options
from keyfate.cli.printing import put, refuse_taken

KINDS = ("lifecycle", "keys", "dataflow", "trace", "attack")
FORMATS = {".dot": "dot", ".gv": "dot", ".mmd": "mermaid", ".md": "markdown", ".svg": "svg", ".png": "png"}
"""What a file's extension asks for."""


@click.command()
@click.argument("kind", metavar="KIND", type=click.Choice(KINDS))
@click.argument("name", metavar="LIFECYCLE|POLICY", shell_complete=completing.policy_or_lifecycle)
@click.argument("rule", metavar="[PROPERTY]", required=False, shell_complete=completing.property_name)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write to this file: .svg, .png, .dot, .gv, .mmd (Mermaid) or .md (Mermaid in a page).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("dot", "mermaid", "markdown", "svg")),
    help="Without --output: what to print.  [default: dot]",
)
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="NAME",
    shell_complete=completing.state_name,
    help="Of `lifecycle`: only this state variable.",
)
@click.option("--product", is_flag=True, help="Of `lifecycle`: one graph of the joint states.")
@click.option("--falls", metavar="NAME", help="Of `keys`: what falls if this one is known.")
@options.deciding
def draw(
    kind: str,
    name: str,
    rule: str | None,
    output: Path | None,
    form: str | None,
    states: tuple[str, ...],
    product: bool,
    falls: str | None,
    **how: Any,
) -> None:
    """Draw a diagram, as Graphviz or Mermaid.

    \b
    KIND is one of
      lifecycle  a state machine for each state variable; with PROPERTY, its trace in bold
      keys       the keys, what they are derived from, and where they rest
      dataflow   what flows between components and places, across which trust boundary, and who sees it
      trace      PROPERTY's trace as a sequence, and what the attacker knows at each step
      attack     how PROPERTY's secret was computed, as a tree of AND and OR

    \b
    Exit status: 2 where there is no such picture; of PROPERTY, 5 where judges disagree, 3 where none has an answer.

    \b
    Without --output it prints DOT, or what --format says:
      keyfate draw keys LIFECYCLE -o keys.svg
      keyfate draw trace POLICY PROPERTY --format mermaid
    """
    from keyfate.commands import drawing
    from keyfate.reporting.words import clean

    _refuse_idle(kind, rule, states=states, product=product, falls=falls, **how)
    if output is not None:
        if form is not None:
            raise click.UsageError("--format goes without --output, whose extension says the format")
        form = _form(output)
        refuse_taken((Path(name),), output=output)
    try:
        drawn = drawing.draw(kind, name, rule, form or "dot", states=states, product=product, falls=falls, **how)
    except drawing.UndecidedError as error:
        click.echo(f"no picture: {clean(str(error))}", err=True)
        click.echo(f"next: keyfate explain {shlex.quote(name)} {shlex.quote(rule or '')}", err=True)
        sys.exit(error.status)
    put(drawn.content, output)
    if output is not None:
        click.echo(f"wrote {output}: {drawn.summary}")
        click.echo(f"next: {drawn.following}")


def _form(output: Path) -> str:
    found = FORMATS.get(output.suffix.lower())
    if found is None:
        from keyfate.language.symbols import did_you_mean

        known = did_you_mean(output.suffix, FORMATS) or f"it may end in {', '.join(FORMATS)}"
        said = f"ends in `{output.suffix}`, which is no format" if output.suffix else "has no extension"
        raise click.BadParameter(f"`{output}` {said}: {known}", param_hint="--output")
    return found


def _refuse_idle(kind: str, rule: str | None, **given: Any) -> None:
    """Refuse what a diagram of this kind would not heed."""
    decides = kind in ("trace", "attack") or (kind == "lifecycle" and rule is not None)
    idle = {
        "--state": kind != "lifecycle" and given["states"],
        "--product": kind != "lifecycle" and given["product"],
        "--falls": kind != "keys" and given["falls"] is not None,
        "--timeout": not (decides or (kind == "lifecycle" and not given["product"])) and given["timeout"] is not None,
        "--engine": not decides and given["engine"] != "auto",
        "PROPERTY": kind in ("keys", "dataflow") and rule is not None,
    }
    for option, refused in idle.items():
        if refused:
            why = " without PROPERTY" if kind == "lifecycle" else ""
            raise click.UsageError(f"{option} means nothing to `draw {kind}`{why}")
    if given["product"] and given["states"]:
        raise click.UsageError("--product is of all state variables: it goes without --state")
