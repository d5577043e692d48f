"""`keyfate export`: what other tools read."""

from __future__ import annotations

from pathlib import Path

import click

from keyfate.cli import completing, options
from keyfate.cli.printing import put, refuse_taken

AIGER = {".aag": "aag", ".aig": "aig"}
"""AIGER in text and in binary, by a file's extension."""


@click.command()
@click.argument("name", metavar="LIFECYCLE|POLICY", shell_complete=completing.policy_or_lifecycle)
@click.argument("rule", metavar="PROPERTY", shell_complete=completing.property_name)
@click.option(
    "--to", type=click.Choice(("aiger", "smtlib")), required=True, help="AIGER 1.9, or Horn clauses in SMT-LIB 2."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Write to this file; AIGER to .aag (text) or .aig (binary).",
)
@options.scope
def export(name: str, rule: str, to: str, output: Path, scope: dict[str, int]) -> None:
    """Write the question of one property for other tools.

    \b
      keyfate export POLICY PROPERTY --to aiger -o question.aig
      keyfate export POLICY PROPERTY --to smtlib -o question.smt2
    """
    from keyfate.commands import exporting

    form = to if to == "smtlib" else _aiger(output)
    refuse_taken((Path(name),), output=output)
    exported = exporting.export(name, rule, form, output, scope)
    put(exported.content, output)
    click.echo(f"wrote {output}: {exported.summary}")
    click.echo(f"next: {exported.following}")


def _aiger(output: Path) -> str:
    form = AIGER.get(output.suffix.lower())
    if form is None:
        raise click.BadParameter(
            f"`{output}` does not say which AIGER: it may end in .aag (text) or .aig (binary)", param_hint="--output"
        )
    return form
