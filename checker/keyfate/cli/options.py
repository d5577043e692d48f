"""Options that several commands share, and what they accept."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from keyfate.cli import completing

_LONGEST = 2_000_000.0  # seconds; what is waited for counts milliseconds in 31 bits
_MOST = 2**62  # bytes; the system counts them in 63 bits
ENGINES = ("auto", "z3", "explicit", "spacer", "abc", "all")


def _scope(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> dict[str, int]:
    """`Platform=3`, given several times or with commas between."""
    sizes: dict[str, int] = {}
    for part in ",".join(given).split(",") if given else ():
        sort, equals, size = (p.strip() for p in part.partition("="))
        if not sort or not equals or not re.fullmatch(r"0*[1-9][0-9]{0,8}", size):
            message = f"`{part}` is not SORT=SIZE with a size of 1 or more, such as Platform=3"
            raise click.BadParameter(message, ctx, param)
        if sizes.setdefault(sort, int(size)) != int(size):
            message = f"`{sort}` has two sizes, {sizes[sort]} and {int(size)}: leave one of the two out"
            raise click.BadParameter(message, ctx, param)
    return sizes


def _number(ctx: click.Context, param: click.Parameter, given: float | None) -> float | None:
    """Neither more nor less than anything, `nan` passes every range."""
    if given is None:
        return None
    if math.isnan(given):
        raise click.BadParameter("`nan` is no number", ctx, param)
    return min(given, _LONGEST)


def _mebibytes(ctx: click.Context, param: click.Parameter, given: int | None) -> int | None:
    """In bytes; more than the system can count is as good as all that it can."""
    if given is None:
        return None
    from keyfate.checking.pool import measurable

    if not measurable():
        raise click.UsageError("--memory: what memory processes hold cannot be seen here, leave it out", ctx)
    return min(given << 20, _MOST)


def _engine(ctx: click.Context, param: click.Parameter, given: str) -> str:
    """One that is there."""
    if given == "abc":
        from keyfate.engines.berkeley import COMMANDS, installed

        if installed() is None:
            names = " or ".join(f"`{name}`" for name in COMMANDS)
            message = f"`abc` is not installed: no {names} in PATH; Debian's package is `berkeley-abc`"
            raise click.BadParameter(message, ctx, param)
    return given


scope = click.option(
    "--scope",
    multiple=True,
    callback=_scope,
    metavar="SORT=SIZE",
    help="Resize a sort: Platform=3.",
    shell_complete=completing.sort_size,
)
output = click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead.")


def seconds(help: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--timeout`, more than nothing."""
    return click.option("--timeout", type=click.FloatRange(min=0, min_open=True), callback=_number, help=help)


timeout = seconds("Seconds; the rest is UNKNOWN.")
memory = click.option(
    "--memory",
    type=click.IntRange(min=1),
    callback=_mebibytes,
    metavar="MIB",
    help="Resident memory of each process, in MiB; what needs more is UNKNOWN.",
)


def deciding(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every command that decides something."""
    for option in (
        timeout,
        scope,
        click.option(
            "--engine",
            type=click.Choice(ENGINES),
            default="auto",
            callback=_engine,
            show_default=True,
            help="Who decides.",
        ),
    ):
        command = option(command)
    return command
