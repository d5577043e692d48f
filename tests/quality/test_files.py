"""What may not stand in a file: length, names, paths, swallowed errors, silent exemptions, state."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

READABLE, HARD = 450, 600  # about 400; what needs 600 is two rooms

LONGER: dict[str, str] = {
    "checker/keyfate/language/syntax.py": "one tree, all its nodes; data without code",
    "checker/keyfate/language/typed.py": "one tree, all its nodes; data without code",
}
"""Files over READABLE lines that are one room all the same, each with the reason. None past HARD."""

NO_PYTHON = ("models", "properties", "reports", "examples")

_CONTAINERS = {
    "dict",
    "list",
    "set",
    "defaultdict",
    "deque",
    "Counter",
    "OrderedDict",
    "WeakKeyDictionary",
    "bytearray",
}
_MUTATORS = {
    *["add", "append", "appendleft", "clear", "discard", "extend", "extendleft", "insert", "pop", "popitem"],
    *["popleft", "remove", "reverse", "rotate", "setdefault", "sort", "subtract", "update", "move_to_end"],
    *["difference_update", "intersection_update", "symmetric_difference_update"],
}


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """The files that people wrote, with their text."""
    folders = ("checker", "models", "properties", "reports", "examples", "tests", "docs", ".ci")
    files = [path for path in root.iterdir() if path.is_file() and path.name != ".git"]
    files += [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    for path in sorted(files):
        inside = path.relative_to(root).parts
        if any(part == "__pycache__" or (part.startswith(".") and part != ".ci") for part in inside[:-1]):
            continue  # caches
        if path.suffix not in (".pyc", ".png", ".ico", ".woff2"):
            yield path, path.read_text(encoding="utf-8", errors="replace")  # wrong bytes are some tests' matter


def python_files(root: Path) -> Iterator[tuple[Path, str]]:
    return ((path, text) for path, text in texts(root) if path.suffix == ".py")


# Length and names


def test_files_can_be_read_in_one_sitting(root):
    lines = {path.relative_to(root).as_posix(): len(text.splitlines()) for path, text in texts(root)}
    long = {name: n for name, n in lines.items() if name.startswith("checker/") and n > READABLE}
    assert {name: n for name, n in long.items() if name not in LONGER or n > HARD} == {}
    assert sorted(set(LONGER) - set(long)) == [], "no longer long: take it off the list"


def test_no_code_names_a_shipped_lifecycle(root):
    """What works for ours works for anybody's."""
    shipped = set()
    for path in (root / "models").rglob("*.kf"):
        named = re.findall(r"^\s*lifecycle\s+(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        shipped.update([path.stem, *named] if named else ())  # a fragment is no lifecycle
    assert shipped, "models/ holds no lifecycle"
    pattern = re.compile("|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w-])" for name in sorted(shipped)))
    code = ((path, text) for path, text in texts(root) if path.is_relative_to(root / "checker"))
    hits = [path.name for path, text in code if pattern.search(text)]
    assert hits == []


def test_data_folders_hold_no_python(root):
    """A lifecycle from a stranger's pull request can be checked without running a line of it."""
    for folder in NO_PYTHON:
        files = [path for path in (root / folder).rglob("*") if path.is_file()]
        assert files, f"{folder}/ is empty"
        for path in files:
            assert path.suffix not in (".py", ".pyi", ".pyc", ".pyx", ".ipynb", ".so", ".pth"), path
            assert b"python" not in path.read_bytes().split(b"\n", 1)[0], f"{path} begins like a script"


def test_data_folders_stay_out_of_the_package(root):
    assert [name for name in NO_PYTHON if (root / "checker" / "keyfate" / name).exists()] == []


def test_no_path_of_a_machine(root):
    """`/home/…` and the like: a file that only works where it was written."""
    homes = "|".join(["home", "root", "Users", "work", "opt"])
    pattern = re.compile(rf"(?<![\w.:/*$\"'}}-])/(?:{homes})/\w|[A-Z]:\\\\?Users\\")
    hits = [f"{path.name}: {hit.group()}" for path, text in texts(root) for hit in pattern.finditer(text)]
    assert hits == []


# Errors and exemptions


def test_no_error_is_swallowed_unseen(root):
    """A broken rule must not read as "no threat". Cleaning up and raising on is no swallowing."""
    wrong = []
    for path, text in python_files(root):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler):
                kinds = [] if node.type is None else [ast.unparse(n) for n in ast.walk(node.type)]
                last = node.body[-1]
                raised_on = isinstance(last, ast.Raise) and last.exc is None
                if (node.type is None or {"Exception", "BaseException"} & set(kinds)) and not raised_on:
                    wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []


def test_exemptions_have_a_reason(root):
    """What a line is excused from has a code, and the reason stands behind it on that line."""
    exemption = re.compile(r"#\s*(type:\s*ignore|noqa)")
    reasoned = re.compile(r"#\s*(type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)\s*(#\s*)?\w[^#]{6,}")
    wrong = []
    for path, text in python_files(root):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and exemption.search(token.string) and not reasoned.search(token.string):
                wrong.append(f"{path.name}:{token.start[0]}: {token.string}")
    assert wrong == []


def test_no_test_is_switched_off(root):
    switches = {"skip", "skipif", "xfail", "importorskip"}
    wrong = []
    for path, text in python_files(root):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and node.attr in switches and "pytest" in ast.unparse(node.value):
                wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []


# State


def _is_container(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _CONTAINERS


def mutated_globals(tree: ast.Module) -> list[str]:
    """Module-level containers that the module changes, and names that a function rebinds. A heuristic."""
    containers = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and _is_container(node.value):
            containers |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and _is_container(node.value) and isinstance(node.target, ast.Name):
            containers.add(node.target.id)
    found = []

    def inside(node: ast.expr) -> bool:
        while isinstance(node, ast.Subscript | ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in containers

    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found.append(f"line {node.lineno}: global {', '.join(node.names)}")
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = list(node.targets)
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Subscript) and inside(target) for target in targets):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and node.target.id in containers:
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _MUTATORS
            and inside(node.func.value)
        ):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def growing_caches(tree: ast.Module) -> list[str]:
    """Caches of the process that grow with what it is given: `@cache` on a function with parameters."""
    return [
        f"line {node.lineno}: {node.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(d).split("(")[0].rpartition(".")[2] in ("cache", "lru_cache") for d in node.decorator_list)
        and (node.args.args or node.args.kwonlyargs or node.args.vararg or node.args.kwarg)
    ]


def test_modules_keep_no_state(house):
    """A frozen Problem goes in, a frozen verdict comes out; nothing stays behind in the process."""
    wrong = {m.name: mutated_globals(m.tree) + growing_caches(m.tree) for m in house.modules.values()}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_state_heuristic_sees_what_it_should():
    seen = "cache = {}\nITEMS: list[int] = []\ndef f(k):\n    cache[k] = 1\n    ITEMS.append(k)\n    global n\n"
    assert len(mutated_globals(ast.parse(seen))) == 3
    assert len(growing_caches(ast.parse("@functools.lru_cache(None)\ndef f(x): ...\n@cache\ndef g(): ...\n"))) == 1
    assert mutated_globals(ast.parse("TABLE = {1: 2}\ndef f(k):\n    local = []\n    local.append(TABLE[k])\n")) == []
