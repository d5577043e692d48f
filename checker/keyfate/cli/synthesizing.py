"""`keyfate frontier`: every minimal condition under which a property breaks."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keyfate.cli import completing, options
from keyfate.cli.printing import colored, columns, put, refuse_taken
from keyfate.cli.statuses import NOTHING


@click.command()
@click.argument("name", metavar="LIFECYCLE|POLICY", shell_complete=completing.policy_or_lifecycle)
@click.argument("rules", metavar="[PROPERTY]...", nargs=-1, shell_complete=completing.property_name)
@click.option("--attackers", is_flag=True, help="The policy's controls are fixed: minimal attackers that break it.")
@click.option(
    "--controls", is_flag=True, help="The policy's attacker is fixed: settings that break, and all that are safe."
)
@click.option("--set", "settings", multiple=True, metavar="CONTROL=VALUE", help="Fix a control.")
@click.option("--with", "on", multiple=True, metavar="CAPABILITY", help="The attacker has this capability.")
@click.option("--without", "off", multiple=True, metavar="CAPABILITY", help="No attacker has this capability.")
@click.option("--traces", is_flag=True, help="Show the actions of every trace, and which row has it.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@options.output
@options.scope
@options.timeout
@options.memory
def frontier(
    name: str,
    rules: tuple[str, ...],
    attackers: bool,
    controls: bool,
    settings: tuple[str, ...],
    on: tuple[str, ...],
    off: tuple[str, ...],
    traces: bool,
    form: str,
    output: Path | None,
    scope: dict[str, int],
    timeout: float | None,
    memory: int | None,
) -> None:
    """Find every minimal condition under which a property breaks.

    It is proved that there is no other.

    Controls and capabilities are open, but for what options fix; of a policy, nothing is fixed without
    --attackers or --controls.

    
    Exit status: 0 if all were found, 3 if some may be missing, 4 if there is no property, 5 if judges
    disagree, 2 for bad usage.

    
      keyfate frontier LIFECYCLE PROPERTY
      keyfate frontier POLICY --attackers
    """
    from keyfate.commands.synthesizing import Fixed, synthesize

    if attackers and controls:
        raise click.UsageError("--attackers and --controls do not go together: leave both out, and all is open")
    if (attackers or controls) and name.endswith(".kf"):
        option = "--attackers" if attackers else "--controls"
        raise click.UsageError(
            f"{option} takes a policy, and `{name}` is a lifecycle: fix its parts by --set and --with"
        )
    refuse_taken((Path(name),), output=output)
    text, status = synthesize(
        name,
        rules,
        "attackers" if attackers else "controls" if controls else "both",
        Fixed(settings, on, off),
        form,
        colored(output),
        columns(output),
        traces=traces,
        scope=scope,
        timeout=timeout,
        memory=memory,
    )
    put(text, output)
    if status == NOTHING:
        said = f"nothing was checked: the lifecycle of `{name}` has no property"
        click.echo(f"{said}; write one, or name a lifecycle that has some", err=True)
    sys.exit(status)
