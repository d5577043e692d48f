"""Which files a person means by the words behind a command. Reads none of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from keyfate.language.library import folder

ENDING = ".policy.toml"
LIFECYCLES = ".kf"


def find(paths: Iterable[Path], ending: str = ENDING) -> tuple[Path, ...]:
    """Files as they are named, folders as the policies (or what ends otherwise) below them; each once, in that order.

    A path that does not exist is kept: whoever reads it says so.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in files_below(path, ending) if os.path.isdir(path) else (path,):
            found.setdefault(file.absolute(), file)
    return tuple(found.values())


def policies_below(folder: Path) -> Iterator[Path]:
    """Every `*.policy.toml` below `folder`, sorted; hidden folders and virtual environments left out."""
    return files_below(folder, ENDING)


def files_below(folder: Path, ending: str, wanted: Callable[[Path], bool] = lambda _: True) -> Iterator[Path]:
    """Every file below `folder` that ends so and is `wanted`, sorted; hidden folders and environments left out."""
    for here, files in _walk(folder):
        for name in sorted(files):
            if name.endswith(ending) and wanted(here / name):
                yield here / name


def folders_below(folder: Path) -> Iterator[Path]:
    """`folder` and every folder below it in which a policy would be found."""
    return (here for here, _ in _walk(folder))


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not _environment(here / f))
        yield here, files


def _environment(folder: Path) -> bool:
    return folder.name == "node_modules" or os.path.exists(folder / "pyvenv.cfg")  # also where nobody may look


def policy_meant(path: Path) -> Path | None:
    """The policy that is meant by its name alone, as reports call it: one beside, else a shipped one; None where `path`
    is there itself."""
    if os.path.exists(path) or not path.name:
        return None
    meant = (path.with_name(f"{path.name}{ENDING}"), folder("models") / "policies" / f"{path.name}{ENDING}")
    return next((one for one in meant if os.path.isfile(one)), None)


def lifecycle_path(name: str, beside: Path | None = None) -> Path | None:
    """Where the lifecycle `name` is: a path (relative to the file `beside`, if given), or a
    shipped name. None if there is none."""
    base = beside.parent if beside is not None else Path()
    if name.endswith(".kf") or "/" in name or "\\" in name:
        found = base / name
        return found if os.path.exists(found) else None
    shipped = folder("models") / f"{name}.kf"
    local = base / f"{name}.kf"
    return shipped if os.path.isfile(shipped) else local if os.path.isfile(local) else None


def shipped_lifecycles() -> Mapping[str, Path]:
    """Every shipped lifecycle, by the name that policies call it by."""
    return {path.name.removesuffix(LIFECYCLES): path for path in sorted(folder("models").glob(f"*{LIFECYCLES}"))}


def shipped_fragments() -> tuple[str, ...]:
    """What lifecycles may include a copy of, as they would name it."""
    models = folder("models")
    return tuple(path.relative_to(models).as_posix() for path in sorted(models.glob(f"*/*{LIFECYCLES}")))


def shipped_names() -> tuple[str, ...]:
    """The names of the shipped lifecycles."""
    return tuple(shipped_lifecycles())


def shipped_policies() -> tuple[Path, ...]:
    """Every shipped policy."""
    return tuple(policies_below(folder("models") / "policies"))
