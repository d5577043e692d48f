"""GitHub's runner, as far as it reads what a step prints: by the rules of its command parser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_COMMANDS = ("error", "warning", "notice", "group", "endgroup", "stop-commands", "add-mask", "set-output", "debug")


@dataclass(frozen=True)
class Command:
    name: str
    properties: Mapping[str, str]
    message: str


def obeyed(output: str) -> Iterator[Command]:
    """The commands that the runner acts on; between `stop-commands` and its word there are none."""
    waits_for = None
    for line in output.split("\n"):
        command = parsed(line, (*_COMMANDS, *([waits_for] if waits_for else [])))
        if command is None:
            continue
        if waits_for is not None:
            if command.name == waits_for:
                waits_for = None
        elif command.name == "stop-commands":
            waits_for = command.message
        else:
            yield command


def parsed(line: str, known: tuple[str, ...] = _COMMANDS) -> Command | None:
    """`::name key=value,…::message` at the start of a line, or `##[name key=value;…]message` anywhere in it."""
    text = line.lstrip()
    if text.startswith("::") and "::" in text[2:]:
        head, _, message = text[2:].partition("::")
        name, _, listed = head.partition(" ")
        if name in known:
            pairs = (part.partition("=") for part in listed.strip().split(",") if part)
            return Command(name, {k: _plain(v, property=True) for k, _, v in pairs}, _plain(message))
    at = line.find("##[")
    if at >= 0 and "]" in line[at:]:
        head, _, message = line[at + 3 :].partition("]")
        name, _, listed = head.partition(" ")
        if name in known:
            pairs = (part.partition("=") for part in listed.split(";") if part)
            return Command(name, {k: v for k, _, v in pairs}, message)
    return None


def annotations(output: str) -> list[Command]:
    """What stands beside the lines of a pull request."""
    return [c for c in obeyed(output) if c.name in ("error", "warning", "notice")]


def _plain(text: str, *, property: bool = False) -> str:
    escapes = [("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if property else []), ("%25", "%")]
    for escape, char in escapes:
        text = text.replace(escape, char)
    return text
