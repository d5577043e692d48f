"""What a stranger gets: wheel, source distribution, editable install; one name, all folders, nothing heavy."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from installing import Built, Environment, build, run

FOLDERS = ("models", "properties", "reports")

WHERE = """
from pathlib import Path
import keyfate
from keyfate.language.library import folder
print(Path(keyfate.__file__).resolve().parent)
for name in ("models", "properties", "reports"):
    print(folder(name))
"""

LOADED = """
import sys
from keyfate.cli.main import main
sys.argv = ["keyfate", "--help"]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
heavy = {"z3", "pysat", "networkx", "hypothesis", "pydantic", "pydot", "cryptography", "jsonschema"}
print("heavy:", *sorted(heavy & set(sys.modules)))
"""


def test_wheel_adds_one_name(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"keyfate"}
    assert "keyfate/py.typed" in names
    assert "keyfate/language/grammar.lark" in names
    assert not [name for name in names if {"tests", "__pycache__", ".mypy_cache"} & set(name.split("/"))]


def test_wheel_holds_every_shipped_file(built: Built, root: Path) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
    for folder in FOLDERS:
        here = {
            f"keyfate/{path.relative_to(root).as_posix()}"
            for path in (root / folder).rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }
        assert here, f"{folder}/ is empty"
        assert here <= names


def test_wheel_says_whose_it_is(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        (info,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = wheel.read(info).decode()
        (licence,) = (name for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
        assert b"Apache License" in wheel.read(licence)
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata


def test_source_distribution_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert (source / "tests" / "packaging").is_dir(), "the source distribution can test itself"
    assert (source / "examples" / "laptop" / "laptop.kf").is_file()
    again, _ = build(source, tmp_path / "again")
    with zipfile.ZipFile(built.wheel) as first, zipfile.ZipFile(again) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())
        differing = [name for name in first.namelist() if first.read(name) != second.read(name)]
    assert differing == []


def test_installed_wheel_finds_its_folders(installed: Environment, tmp_path: Path) -> None:
    package, *folders = run(installed.python, "-c", WHERE, cwd=tmp_path).stdout.splitlines()
    assert Path(package).is_relative_to(installed.folder.resolve())
    assert [Path(folder) for folder in folders] == [Path(package) / name for name in FOLDERS]


def test_installed_wheel_adds_one_name(installed: Environment) -> None:
    added = {path.name for path in installed.packages.iterdir()} - {"behind.pth", "__pycache__"}
    assert {name for name in added if not name.endswith(".dist-info")} == {"keyfate"}


def test_editable_install_finds_the_folders_of_the_checkout(editable: Environment, root: Path, tmp_path: Path) -> None:
    package, *folders = run(editable.python, "-c", WHERE, cwd=tmp_path).stdout.splitlines()
    assert Path(package) == root / "checker" / "keyfate"
    assert [Path(folder) for folder in folders] == [root / name for name in FOLDERS]


@pytest.mark.parametrize("kind", ["installed", "editable"])
def test_command_lists_the_library(kind: str, request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> None:
    """As a console script and as `python -m`, from a folder that has nothing to do with keyfate."""
    made: Environment = request.getfixturevalue(kind)
    script = run(made.scripts / "keyfate", "list", cwd=tmp_path).stdout
    module = run(made.python, "-m", "keyfate", "list", cwd=tmp_path).stdout
    assert script == module
    for path in (root / "models").glob("*.kf"):
        assert path.stem in script


def test_help_loads_nothing_heavy(installed: Environment, tmp_path: Path) -> None:
    printed = run(installed.python, "-c", LOADED, cwd=tmp_path).stdout
    assert printed.splitlines()[-1] == "heavy:"
    assert "check" in printed


def test_missing_folder_is_told_clearly(installed: Environment, tmp_path: Path) -> None:
    """A damaged installation says what is missing and what to do."""
    copy = tmp_path / "lib" / "keyfate"
    (copy / "language").mkdir(parents=True)
    source = installed.packages / "keyfate"
    for name in ("__init__.py", "language/__init__.py", "language/library.py"):
        (copy / name).write_bytes((source / name).read_bytes())
    asking = "from keyfate.language.library import folder; folder('models')"
    done = run(sys.executable, "-S", "-c", asking, cwd=tmp_path / "lib", check=False)
    assert done.returncode == 1
    assert "LibraryError: the folder `models` that comes with keyfate is missing" in done.stderr
    assert "install it again" in done.stderr
