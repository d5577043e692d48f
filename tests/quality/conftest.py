"""The code as the quality tests see it: modules, their syntax trees, what each imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Module:
    """One module below checker/, with everything it imports, inside functions too."""

    name: str  # keyfate.language.source; a package by its own name
    path: Path
    text: str
    tree: ast.Module
    imports: frozenset[str]  # full names of modules, `keyfate.` ones resolved to what exists

    @property
    def room(self) -> str:
        """`language`, `cli`, …; empty for keyfate/__init__.py."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else ""


@dataclass(frozen=True)
class House:
    root: Path
    modules: dict[str, Module]

    def reachable(self, start: str, within: str = "keyfate") -> set[str]:
        """The modules that `start` imports, directly or through others, below `within`."""
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            for name in self.modules[ahead.pop()].imports:
                if name in self.modules and name not in seen and (name + ".").startswith(within + "."):
                    seen.add(name)
                    ahead.append(name)
        return seen


def _imported(tree: ast.Module, package: str, known: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in known else base
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                first = node.args[0] if node.args else None
                yield first.value if isinstance(first, ast.Constant) else "<computed>"


@pytest.fixture(scope="session")
def house(root: Path) -> House:
    source = root / "checker"
    names: dict[str, Path] = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    modules = {}
    for name, path in names.items():
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, str(path))
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        modules[name] = Module(name, path, text, tree, frozenset(_imported(tree, package, set(names))))
    return House(root, modules)
