"""`keyfate new`: files to begin with."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from keyfate.commands import naming
from keyfate.language.declaring import WORDS
from keyfate.language.library import folder
from keyfate.language.scanning import DECLARATIONS, EXPRESSION_KEYWORDS
from keyfate.policy.finding import ENDING, shipped_names
from keyfate.reporting.writing import write_whole

_RESERVED = frozenset(DECLARATIONS) | EXPRESSION_KEYWORDS | WORDS | {"_"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MARK = "@name@"  # in the template; no word of the language has such a sign


def new_lifecycle(given: str, output: Path | None) -> str:
    """Write the lifecycle that `given` names; what to tell of it.

    Raises LifecycleError for a name that a lifecycle cannot have (KF565), a file that is there
    (KF566) and a folder that is not (KF567); OutputError where it cannot be written.
    """
    name = lifecycle_name(given)
    path = output or Path(f"{given.removesuffix('.kf')}.kf")
    if path.suffix != ".kf":
        help = f"write it to `{path.with_suffix('.kf').name}`" if path.name else "name a file"
        raise naming.on_command_line("KF568", "a lifecycle's file ends with `.kf`", str(path), help)
    template = folder("reports") / "templates" / "lifecycle.kf"
    _write(path, template.read_text(encoding="utf-8").replace(_MARK, name))
    shown = shlex.quote(str(path))
    return _told(path, f"keyfate check {shown}", f"keyfate new policy {shown}")


def lifecycle_name(given: str) -> str:
    """The lifecycle's name for a file of that name: `models/my-vault.kf` is about `my_vault`.

    Raises LifecycleError (KF565).
    """
    stem = os.path.basename(given.removesuffix(".kf"))
    name = re.sub(r"[-. ]", "_", stem)
    if stem[:1] in ("-", ".", " ") or not _NAME.fullmatch(name):
        help = "a name begins with a letter and has letters of the alphabet, digits, `_` and `-`, as in `my-vault`"
        raise naming.on_command_line("KF565", f"`{stem}` cannot be the name of a lifecycle", given, help)
    if name in _RESERVED:
        help = f"take another one, as in `{stem}-lifecycle`"
        raise naming.on_command_line("KF565", f"`{name}` is a word of the language", given, help)
    return name


def new_policy(given: str, output: Path | None) -> str:
    """Write a policy about the lifecycle `given`, a path or a shipped name; what to tell of it.

    Raises LifecycleError where the lifecycle cannot be used, a file is there (KF566), a folder
    is not (KF567) or the path cannot be written in a text (KF569); OutputError where it cannot be written.
    """
    from keyfate.checking.shelf import Shelf
    from keyfate.policy.attackers import find_profiles, load_attackers
    from keyfate.policy.outline import outline

    source = naming.lifecycle(given)
    stem = source.name.removesuffix(".kf")
    path = output or Path(f"{stem}{ENDING}")
    if path.suffix == ".kf":
        help = f"policies are named as in `{path.stem}{ENDING}`"
        raise naming.on_command_line("KF568", "a policy is no `.kf` file", str(path), help)
    _refuse(path)
    lifecycle = Shelf().load(source, {}).lifecycle
    profiles = find_profiles(path, None)
    attackers = load_attackers(profiles) if profiles.is_file() else None
    named = given if given in shipped_names() and not os.path.exists(given) else _relative(source, path)
    if any("\ud800" <= char <= "\udfff" for char in named):  # bytes that are no UTF-8
        help = "a policy is a text and cannot name it: give the file or its folder another name"
        raise naming.on_command_line("KF569", f"the path `{named}` is not UTF-8", given, help)
    _write(path, outline(lifecycle, named, attackers))
    return _told(path, f"keyfate check {shlex.quote(str(path))}")


def _relative(lifecycle: Path, policy: Path) -> str:
    """The path that a policy calls the lifecycle by: from its own folder, and one that is seen to be a path."""
    try:
        named = Path(os.path.relpath(lifecycle, policy.parent)).as_posix()
    except ValueError:  # another drive
        named = lifecycle.absolute().as_posix()
    return named if named.endswith(".kf") or "/" in named else f"./{named}"


def _write(path: Path, text: str) -> None:
    _refuse(path)
    write_whole(path, text)


def _refuse(path: Path) -> None:
    """Nothing that is there is overwritten, and no folder is made that nobody asked for."""
    if os.path.lexists(path):
        what = "is a folder" if os.path.isdir(path) else "is there already, and is left as it is"
        raise naming.on_command_line("KF566", f"`{path}` {what}", str(path), "name another file with `--output`")
    if not os.path.isdir(path.parent):
        message = f"there is no folder `{path.parent}`"
        raise naming.on_command_line("KF567", message, str(path), "make it first, or name another file with `--output`")


def _told(path: Path, *commands: str) -> str:
    first, *rest = commands
    return "\n".join((f"wrote {path}", f"next: {first}", *(f"      {command}" for command in rest))) + "\n"
