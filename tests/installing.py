"""Building this checkout, and environments to install it into; nothing is fetched."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path


def run(*command: str | Path, cwd: Path, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command away from this process's Python settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**clean, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert not check or done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def build(source: Path, to: Path) -> tuple[Path, Path]:
    """Wheel and source distribution of the tree at `source`."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", to, cwd=source)
    (wheel,), (sdist,) = to.glob("*.whl"), to.glob("*.tar.gz")
    return wheel, sdist


@dataclass(frozen=True)
class Environment:
    """A fresh virtual environment that sees this one's packages behind its own, but not this one's `.pth` files."""

    folder: Path

    @property
    def scripts(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    @property
    def python(self) -> Path:
        return self.scripts / Path(sys.executable).name

    @property
    def packages(self) -> Path:
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.folder), "platbase": str(self.folder)}))

    def install(self, *what: str | Path) -> None:
        run(
            *(sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"),
            *("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", *what),
            cwd=self.folder,
        )


def environment(folder: Path) -> Environment:
    venv.create(folder, with_pip=False)
    made = Environment(folder)
    (made.packages / "behind.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return made


@dataclass(frozen=True)
class Built:
    wheel: Path
    sdist: Path
