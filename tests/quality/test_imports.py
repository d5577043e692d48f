"""Imports run one way down the house, and heavy ones stand behind one door each."""

from __future__ import annotations

import ast

FLOORS = {
    "": 0,
    "language": 1,
    "lifecycle": 2,
    "engines": 3,
    "certifier": 3,
    "twin": 3,
    "policy": 4,
    "checking": 5,
    "diagrams": 6,
    "reporting": 7,
    "commands": 8,
    "cli": 9,
    "__main__": 10,
}
"""A room imports from itself and from lower floors; rooms on one floor never see each other."""

NARROWER = {"policy": {"language", "lifecycle"}}
"""Rooms that need less than everything below them."""

DOORS = {
    "cvc5": {"keyfate.certifier.cvc5api"},
    "pydot": {"keyfate.diagrams.plotting"},
    "pysat": {"keyfate.engines.sat"},
    "z3": {"keyfate.certifier.z3api", "keyfate.engines.spacer"},
}
"""Untyped packages, and the one module of a room that may import each: engines and certifier share no code."""

LAZY = {"z3", "cvc5", "pysat", "oxidd", "networkx", "hypothesis", "pydantic", "pydot", "cryptography"}
"""Too slow to import for `keyfate --help`."""


def room_of(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def test_every_room_has_a_floor(house):
    assert {m.room for m in house.modules.values()} <= set(FLOORS)


def test_no_import_is_computed(house):
    assert [m.name for m in house.modules.values() if "<computed>" in m.imports] == []


def test_imports_of_keyfate_name_what_exists(house):
    unknown = [
        f"{m.name} imports {name}"
        for m in house.modules.values()
        for name in m.imports
        if name.split(".")[0] == "keyfate" and name not in house.modules
    ]
    assert unknown == []


def test_imports_run_down(house):
    wrong = []
    for module in house.modules.values():
        for name in sorted(module.imports & set(house.modules)):
            room = room_of(name)
            if room == module.room or room == "":
                continue
            allowed = NARROWER.get(module.room)
            if FLOORS[room] >= FLOORS[module.room] or (allowed is not None and room not in allowed):
                wrong.append(f"{module.name} imports {name}")
    assert wrong == []


def test_no_circles(house):
    circles = sorted(name for name in house.modules if name in house.reachable(name))
    assert circles == []


def test_package_inits_stay_thin(house):
    """A docstring and `__version__`: importing one module of a room imports no other."""
    for module in house.modules.values():
        if module.path.name == "__init__.py":
            rest = [
                node
                for node in module.tree.body
                if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
                and not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__")
            ]
            assert rest == [], f"{module.name} does more than say what it is"


def test_untyped_packages_stand_behind_one_door(house):
    for package, doors in DOORS.items():
        users = {m.name for m in house.modules.values() if any(i.split(".")[0] == package for i in m.imports)}
        assert users == doors, f"{package} is imported elsewhere than in {doors}"


def test_command_line_imports_nothing_heavy_at_its_top(house):
    """What `keyfate --help` loads; the packaging tests measure the same in a process."""
    for module in (m for m in house.modules.values() if m.room in ("cli", "__main__")):
        top = {
            alias.name.split(".")[0]
            for node in module.tree.body
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {node.module.split(".")[0] for node in module.tree.body if isinstance(node, ast.ImportFrom) and node.module}
        assert not top & LAZY


def test_the_certifier_evaluates_for_itself(house):
    """It shares parser, types and names with the engines; deduction and steps it encodes again."""
    own = [m for m in house.modules.values() if m.room == "certifier"]
    assert own
    forbidden = {
        f"keyfate.lifecycle.{name}" for name in ("universe", "deduction", "interpreter", "explicit", "conflicts")
    }
    for module in own:
        assert not house.reachable(module.name) & forbidden, module.name


def test_the_halves_of_the_twin_share_no_code(house):
    """The side that writes and the side that attacks have nothing in common but primitives and byte helpers."""
    honest, attacker = "keyfate.twin.honest", "keyfate.twin.attacker"
    assert {honest, attacker} <= set(house.modules)
    left, right = (house.reachable(half, within="keyfate.twin") | {half} for half in (honest, attacker))
    assert left & right <= {"keyfate.twin.primitives", "keyfate.twin.bytestrings"}


def test_the_attacking_half_sees_no_symbolic_term(house):
    """Bytes and declared recipes are all it is given: no closed term, no state, no deduction over them."""
    for name in ("keyfate.twin.attacker", "keyfate.twin.recipes"):
        symbolic = {
            f"keyfate.lifecycle.{room}" for room in ("names", "deduction", "universe", "evaluation", "interpreter")
        }
        assert not house.modules[name].imports & symbolic, name
