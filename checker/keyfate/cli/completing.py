"""What a shell offers for arguments and options, and `keyfate completion`, which teaches a shell to ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

VARIABLE = "_KEYFATE_COMPLETE"  # what click's own scripts set when a shell asks

_PLAIN = re.compile(r"[\w./+,@%=-]+")  # what no shell reads as more than itself
_INSTALLS = {
    "bash": "~/.local/share/bash-completion/completions/keyfate",
    "zsh": '"${fpath[1]}/_keyfate"',
    "fish": "~/.config/fish/completions/keyfate.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(tuple(_INSTALLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what completes keyfate's words in SHELL. Its comment says where it belongs."""
    kind = get_completion_class(shell)
    assert kind is not None
    # Not the method of the class itself: bash's would start a bash to ask for its version.
    script = ShellComplete.source(kind(ctx.find_root().command, {}, "keyfate", VARIABLE))
    told = f"# to install: keyfate completion {shell} > {_INSTALLS[shell]}"
    lines = script.strip().splitlines()
    lines.insert(1 if lines[0].startswith("#compdef") else 0, told)  # zsh reads its first line
    click.echo("\n".join(lines))


def refuse_odd(environment: Mapping[str, str]) -> None:
    """Refuse what no script of ours asks. click would end with 1, which says that a requirement is broken, or fail."""
    asked = environment.get(VARIABLE)
    if not asked:
        return
    shell, _, what = asked.partition("_")
    words, at = environment.get("COMP_WORDS"), environment.get("COMP_CWORD", "")
    complete = words is not None and (shell == "fish" or re.fullmatch(r"-?\d{1,9}", at, re.ASCII) is not None)
    if shell not in _INSTALLS or not (what == "source" or (what == "complete" and complete)):
        raise click.UsageError(f"{VARIABLE} is for shells that complete words: `keyfate completion` teaches one to ask")


def policy_or_lifecycle(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Policies, lifecycles, folders, and shipped lifecycles by name."""
    return _paths(incomplete, policies=True)


def lifecycle(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Lifecycles, folders, and shipped lifecycles by name."""
    return _paths(incomplete, policies=False)


def property_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The properties of the policy or lifecycle that stands before."""
    from keyfate.commands import completing

    names = (name for word in _given(ctx) for name in completing.properties(word))
    return _items(names, incomplete)


def state_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The state variables of the policy or lifecycle that stands before."""
    from keyfate.commands import completing

    names = (name for word in _given(ctx) for name in completing.states(word))
    return _items(names, incomplete)


def sort_size(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`Platform=`, for the sorts of the policies or lifecycles that stand before."""
    from keyfate.commands import completing

    names = (f"{name}=" for word in _given(ctx) for name in completing.sorts(word))
    return _items(names, incomplete)


def _paths(incomplete: str, *, policies: bool) -> list[CompletionItem]:
    from keyfate.commands import completing

    files = completing.files(incomplete, policies=policies)
    names = [name for name in completing.shipped() if name.startswith(incomplete)]
    plain = [file for file in files if _PLAIN.fullmatch(file)]
    if not names and (len(plain) < len(files) or all(file.endswith("/") for file in files)):
        # The shell itself knows best how to quote, and how to go on inside a folder.
        return [CompletionItem(incomplete, type="file")]
    return _items((*names, *plain), incomplete)


def _given(ctx: click.Context) -> Iterable[str]:
    """The paths and names that the command was given so far."""
    for name in ("policy", "lifecycle", "path", "paths", "name"):
        value = ctx.params.get(name)
        for word in value if isinstance(value, tuple) else (value,):
            if isinstance(word, str | Path):
                yield str(word)
    yield from ctx.args  # where an option still waits for its value, nothing was made of the words before it


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in dict.fromkeys(words) if word.startswith(incomplete)]
