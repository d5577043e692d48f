"""Follows a document as its reader would, and holds what it shows against what comes out.

    python tests/documents/run.py [--update] [DOCUMENT …]

Without names: every document. With `--update` outputs that differ are written into the document, to be looked at and
committed. Each document has a scratch folder, and its fenced blocks are taken in their order:

    ```console              What stands behind `$ ` is run by bash, with the lines behind `> ` that follow it; the other
                            lines are what it prints, both streams together. `…` stands for any words in a line, alone
                            in a line for any lines.
                            The first command that ends with 1, 2, … is followed by `$ echo $?`.
    ```sh                   Run as a whole; must end with 0. What it prints is not looked at.
    ```toml title="a.toml"  Written to that file, in any language. The text above names the file too: not every host
                            shows titles.
    ```diff title="a.toml"  Changes that file: its lines with ` ` or `-` in front become those with ` ` or `+`.
    ```mermaid              The whole of a `*.mmd` file that a command has drawn.
    any other               An excerpt: lines that stand so in a file of the folder, or in something printed before.

The README of an example begins in a copy of its folder, the README of the repository in a folder with `examples/`.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
ELISION = "…"

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<language>[\w+-]*) *(?P<options>.*?) *$")
_TITLE = re.compile(r'title="([^"]+)"')
_MARK = re.compile(rb"\x1e(\d+)\x1e")


def documents(root: Path = ROOT) -> tuple[str, ...]:
    """What people read, apart from the language: its blocks are run by tests/language."""
    found = [root / "README.md", *sorted((root / "docs").glob("*.md")), *sorted((root / "examples").rglob("*.md"))]
    return tuple(path.relative_to(root).as_posix() for path in found if path.name != "language.md")


@dataclass(frozen=True)
class Block:
    """A fenced block, `start` its first line (from 0), `before` what stands between it and the heading above."""

    language: str
    title: str | None
    start: int
    lines: tuple[str, ...]
    before: str

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def begins(self, words: str) -> bool:
        """Whether these words begin it: so an exemption names a block."""
        return self.text.startswith(words)


@dataclass(frozen=True)
class Command:
    """One command of a console block, `end` the number of the block's lines up to its output's end."""

    text: str
    shown: tuple[str, ...]
    first: int
    end: int


@dataclass(frozen=True)
class Problem:
    """What a reader would stumble over, at a line from 1; `mend` what its output's lines should be."""

    line: int
    says: str
    mend: tuple[int, int, tuple[str, ...]] | None = None


def blocks(text: str) -> Iterator[Block]:
    """Every fenced block. Raises ValueError for one that is indented or never ends."""
    opened: tuple[int, re.Match[str]] | None = None
    lines, heading = text.splitlines(), 0
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if opened is None and fence is not None:
            if fence["indent"]:
                raise ValueError(f"line {number + 1}: a fenced block begins at the left")
            opened = number, fence
        elif opened is not None and line.strip() == opened[1]["fence"]:
            start, head = opened
            title = _TITLE.search(head["options"])
            inside = tuple(lines[start + 1 : number])
            before = "\n".join(lines[heading:start])
            yield Block(head["language"], title[1] if title else None, start + 1, inside, before)
            opened = None
        elif opened is None and line.startswith("#"):
            heading = number
    if opened is not None:
        raise ValueError(f"line {opened[0] + 1}: a fenced block that never ends")


def commands(block: Block) -> list[Command]:
    """The commands of a console block with what it shows of their output."""
    found: list[Command] = []
    at = 0
    while at < len(block.lines):
        if not block.lines[at].startswith("$ "):
            raise ValueError(f"line {block.start + at + 1}: a console block begins with a command behind `$ `")
        words = [block.lines[at][2:]]
        at += 1
        while at < len(block.lines) and block.lines[at].startswith("> "):
            words.append(block.lines[at][2:])
            at += 1
        first = at
        while at < len(block.lines) and not block.lines[at].startswith("$ "):
            at += 1
        found.append(Command("\n".join(words), block.lines[first:at], first, at))
    return found


def alike(shown: Sequence[str], found: Sequence[str]) -> bool:
    """Whether the lines shown, with their elisions, are the lines found; blanks at the end count for nothing."""
    lines = (".*?".join(map(re.escape, line.split(ELISION))) + r"\n" for line in _trimmed(shown))
    pattern = "".join(r"(?:.*\n)*?" if line == r".*?\n" else line for line in lines)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _trimmed(found))) is not None


def _trimmed(lines: Iterable[str]) -> list[str]:
    trimmed = [line.rstrip() for line in lines]
    while trimmed and not trimmed[-1]:
        trimmed.pop()
    return trimmed


def changed(text: str, diff: Sequence[str]) -> str:
    """`text` with the changes that `diff` shows. Raises ValueError where it has no such lines, or has them twice."""
    lines = text.splitlines()
    hunks: list[list[str]] = [[]]
    for row in diff:
        if row.startswith("@@"):
            hunks.append([])
        else:
            hunks[-1].append(row)
    for rows in filter(None, hunks):
        old = [row[1:] for row in rows if row[:1] != "+"]
        new = [row[1:] for row in rows if row[:1] != "-"]
        places = [i for i in range(len(lines) - len(old) + 1) if lines[i : i + len(old)] == old]
        if len(places) != 1:
            raise ValueError(f"the lines to change stand {len(places)} times in the file")
        lines[places[0] : places[0] + len(old)] = new
    return "\n".join(lines) + "\n"


class Shell:
    """A bash that keeps its state from command to command: no terminal, no settings of who runs it."""

    def __init__(self, folder: Path, home: Path) -> None:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        settings = {"PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "TERM": "dumb", "TZ": "UTC"}
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if error is not None:
            self._process.kill()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def run(self, command: str) -> tuple[list[str], int]:
        """What the command prints, and its status. Raises ValueError where it ends the shell."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        words = f"{{ {command}\n}} </dev/null; __status=$?; printf '\\036%d\\036' $__status; (exit $__status)\n"
        self._process.stdin.write(words.encode())
        self._process.stdin.flush()
        seen = b""
        while (mark := _MARK.search(seen)) is None:
            more = os.read(self._process.stdout.fileno(), 65536)
            if not more:
                raise ValueError(f"`{command}` ends the shell: {seen.decode(errors='replace')}")
            seen += more
        return seen[: mark.start()].decode(errors="replace").splitlines(), int(mark[1])


class Reader:
    """Who follows one document in `folder`, and notes what it stumbles over."""

    def __init__(self, folder: Path, shell: Shell, exempt: Iterable[str] = ()) -> None:
        self.folder = folder
        self.shell = shell
        self.exempt = tuple(exempt)
        self.printed: list[list[str]] = []
        self.statuses = {0}  # those that the document has shown

    def follow(self, text: str) -> Iterator[Problem]:
        for block in blocks(text):
            if not any(map(block.begins, self.exempt)):
                try:
                    yield from self._block(block)
                except (ValueError, OSError) as error:
                    yield Problem(block.start, str(error))

    def _block(self, block: Block) -> Iterator[Problem]:
        if block.title is not None:
            yield from self._file(block, self.folder / block.title)
        elif block.language == "console":
            yield from self._console(block)
        elif block.language == "sh":
            printed, status = self.shell.run(block.text)
            if status:
                yield Problem(block.start, "\n".join([f"ends with {status}", *printed]))
        elif block.language == "mermaid":
            drawn = {path: path.read_text(encoding="utf-8") for path in sorted(self.folder.rglob("*.mmd"))}
            if block.text not in drawn.values():
                newest = max(drawn, key=lambda path: path.stat().st_mtime_ns, default=None)
                lines = tuple(drawn[newest].splitlines()) if newest is not None else ()
                mend = (block.start, block.start + len(block.lines), lines) if lines else None
                yield Problem(block.start, "no `*.mmd` file in the folder is this diagram", mend)
        elif not self._stands(block):
            yield Problem(block.start, "neither run, nor a file, nor an excerpt of a file or of what was printed")

    def _file(self, block: Block, path: Path) -> Iterator[Problem]:
        if f"`{block.title}`" not in block.before:
            yield Problem(block.start, f"the text before the block does not name `{block.title}`")
        path.parent.mkdir(parents=True, exist_ok=True)
        if block.language == "diff":
            path.write_text(changed(path.read_text(encoding="utf-8"), block.lines), encoding="utf-8")
        else:
            path.write_text(block.text, encoding="utf-8")

    def _console(self, block: Block) -> Iterator[Problem]:
        found = commands(block)
        for command, following in zip(found, [*found[1:], None], strict=True):
            printed, status = self.shell.run(command.text)
            self.printed.append(printed)
            line = block.start + command.first
            if not alike(command.shown, printed):
                blank = [""] if following is not None and command.shown[-1:] == ("",) else []
                mend = (line, block.start + command.end, (*_trimmed(printed), *blank))
                yield Problem(line, "\n".join([f"`{command.text}` prints", *printed]), mend)
            if following is not None and following.text == "echo $?":
                self.statuses.add(status)
            if status not in self.statuses:
                yield Problem(line, f"`{command.text}` ends with {status}: show it by `$ echo $?` behind it")

    def _stands(self, block: Block) -> bool:
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file() and ".git" not in path.parts]
        texts = [path.read_text(encoding="utf-8", errors="replace").splitlines() for path in files]
        wanted = list(block.lines)
        return any(text[i : i + len(wanted)] == wanted for text in [*texts, *self.printed] for i in range(len(text)))


def follow(name: str, scratch: Path, *, root: Path = ROOT, exempt: Iterable[str] = ()) -> list[Problem]:
    """What a reader of the document `name` stumbles over."""
    document = root / name
    folder, home = scratch / "here", scratch / "home"
    home.mkdir()
    if name.startswith("examples/"):
        shutil.copytree(document.parent, folder)
    else:
        folder.mkdir()
        if name == "README.md" and (root / "examples").is_dir():
            shutil.copytree(root / "examples", folder / "examples")
    with Shell(folder, home) as shell:
        return list(Reader(folder, shell, exempt).follow(document.read_text(encoding="utf-8")))


def mended(text: str, problems: Iterable[Problem]) -> str:
    """`text` with the outputs that came out."""
    lines = text.splitlines()
    for start, end, found in sorted((p.mend for p in problems if p.mend is not None), reverse=True):
        lines[start:end] = found
    return "\n".join(lines) + "\n"


def main() -> int:
    from exempt import EXEMPT

    parser = argparse.ArgumentParser(description="follow documents as their readers would")
    parser.add_argument("names", nargs="*", metavar="DOCUMENT")
    parser.add_argument("--update", action="store_true", help="write what is printed into the document")
    given = parser.parse_args()
    stumbled = False
    for name in given.names or documents():
        with tempfile.TemporaryDirectory() as scratch:
            problems = follow(name, Path(scratch), exempt=EXEMPT.get(name, {}))
        if given.update and any(p.mend for p in problems):
            path = ROOT / name
            path.write_text(mended(path.read_text(encoding="utf-8"), problems), encoding="utf-8")
        for problem in problems:
            done = " (written)" if given.update and problem.mend else ""
            print(f"{name}:{problem.line}: {problem.says}{done}")
        stumbled = stumbled or bool(problems)
    return int(stumbled)


if __name__ == "__main__":
    sys.exit(main())
