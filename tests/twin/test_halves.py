"""The two halves of the twin share the primitives and helpers on bytes, nothing that thinks."""

from __future__ import annotations

import ast
import inspect

from keyfate.twin import attacker, bytestrings, honest, primitives, recipes

SHARED = {"keyfate.twin.bytestrings", "keyfate.twin.primitives", "keyfate.language.typed", "keyfate.lifecycle.names"}


def imported(module: object) -> set[str]:
    assert inspect.ismodule(module)
    tree = ast.parse(inspect.getsource(module))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in names if name.startswith("keyfate")}


def test_the_honest_half_stands_alone() -> None:
    assert imported(honest) <= SHARED


def test_the_attacker_stands_alone() -> None:
    assert imported(attacker) <= SHARED | {"keyfate.twin.recipes"}
    assert imported(recipes) <= SHARED | {"keyfate.lifecycle.trees"}


def test_the_attacker_names_nothing_symbolic() -> None:
    """Terms and states are no words of the attacker's module; what it imports of the language is one type."""
    tree = ast.parse(inspect.getsource(attacker))
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not words & {"Term", "Atom", "Compound", "AtomTerm", "Apply", "StateName", "PlaceName", "Lifecycle"}


def test_what_is_shared_knows_no_term() -> None:
    for module in (bytestrings, primitives):
        names = {node.id for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Name)}
        assert not names & {"Term", "Atom", "Compound"}
