"""Pictures read back: DOT by pydot and by Graphviz, Mermaid by its own parser."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pydot

from keyfate.diagrams.graphviz import find, picture

HERE = Path(__file__).parent
SVG = "{http://www.w3.org/2000/svg}"


def original(identifier: str) -> str:
    """The name that an identifier in DOT stands for."""
    codes = re.compile(r"\\(?:\\|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
    return codes.sub(
        lambda found: chr(int("".join(filter(None, found.groups())), 16)) if found[0] != r"\\" else "\\", identifier
    )


def ours(identifier: str) -> bool:
    """Whether the drawer made it up: title, legend, … begin with a backslash that is no name's."""
    return re.match(r"\\(?![\\xuU])", identifier) is not None


@dataclass(frozen=True)
class Read:
    """Names and ends that are the drawing's own, each with its attributes as they stand in the text."""

    nodes: dict[str, dict[str, str]]
    edges: list[tuple[str, str, dict[str, str]]]


def with_pydot(text: str) -> Read:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pydot calls pyparsing by its old names
        (graph,) = pydot.graph_from_dot_data(text)
    nodes, edges = {}, []
    for part in _parts(graph):
        for node in part.get_nodes():
            name = node.get_name()
            if name.startswith('"') and not ours(_unquoted(name)):
                nodes[original(_unquoted(name))] = _all_unquoted(node.get_attributes())
        for edge in part.get_edges():
            ends = _unquoted(edge.get_source()), _unquoted(edge.get_destination())
            if not any(map(ours, ends)):
                edges.append((*map(original, ends), _all_unquoted(edge.get_attributes())))
    return Read(nodes, edges)


def with_graphviz(text: str, program: str | None = None) -> Read:
    found = _laid_out(text, program)
    names = {item["_gvid"]: item["name"] for item in found["objects"] if "nodes" not in item and "pos" in item}
    attributes = {item["_gvid"]: item for item in found["objects"]}
    nodes = {original(name): attributes[gvid] for gvid, name in names.items() if not ours(name)}
    edges = [
        (original(names[edge["tail"]]), original(names[edge["head"]]), edge)
        for edge in found.get("edges", [])
        if not ours(names[edge["tail"]]) and not ours(names[edge["head"]])
    ]
    return Read(nodes, edges)


def seen(text: str) -> tuple[dict[str, list[list[str]]], list[list[str]], list[list[str]]]:
    """What a person reads in the SVG: the lines of every node by its identifier, of every edge, of every frame.

    Graphviz takes what looks like an entity in an identifier for one, there: two may become one.
    """
    top = ElementTree.fromstring(picture(text, "svg"))
    nodes: dict[str, list[list[str]]] = {}
    edges, frames = [], []
    for group in top.iter(f"{SVG}g"):
        lines = ["".join(line.itertext()).replace("\xa0", " ") for line in group.iter(f"{SVG}text")]
        match group.get("class"):
            case "node":
                name = "".join(group.find(f"{SVG}title").itertext()).replace("\xa0", " ")
                nodes.setdefault(name, []).append(lines)
            case "edge":
                edges.append(lines)
            case "cluster":
                frames.append(lines)
    return nodes, edges, frames


def _laid_out(text: str, program: str | None) -> dict[str, Any]:
    command = [program or find(), "-Tjson"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=300)
    return json.loads(done.stdout)


def _parts(graph: Any) -> Iterator[Any]:
    yield graph
    for below in graph.get_subgraphs():
        yield from _parts(below)


def _unquoted(text: str) -> str:
    assert text[0] == text[-1] == '"', text
    return text[1:-1].replace('\\"', '"')


def _all_unquoted(attributes: dict[str, str]) -> dict[str, str]:
    return {name: _unquoted(value) for name, value in attributes.items()}


class Mermaid:
    """Mermaid from npm, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("package.json", "read.mjs"):
            shutil.copy(HERE / name, folder)
        for attempt in range(4):
            command = [_program("npm"), "install", "--no-audit", "--no-fund", "--no-package-lock"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=500, check=False)
            if done.returncode == 0:
                return
            time.sleep(2 * attempt)
        raise RuntimeError(f"npm cannot install Mermaid, whose parser these tests ask:\n{done.stderr}")

    def read(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """What it finds in each text, labels as a browser shows them; `error` where it is none."""
        done = subprocess.run(
            [_program("node"), "read.mjs"],
            cwd=self._folder,
            input=json.dumps(texts).encode(),
            capture_output=True,
            timeout=300,
            check=True,
        )
        return [_shown(found) for found in json.loads(done.stdout)]


def _program(name: str) -> str:
    """Of the Node.js that pip brought."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found is not None, f"{name} is not beside Python: install the `dev` extra"
    return found


def _shown(value: Any) -> Any:
    """With entities as the characters that they are, as Mermaid does before it draws."""
    if isinstance(value, str):
        encoded = value.replace("ﬂ°°", "&#").replace("ﬂ°", "&").replace("¶ß", ";")
        return "\n".join(map(html.unescape, re.split("<br ?/?>", encoded)))
    if isinstance(value, list):
        return list(map(_shown, value))
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items()}
    return value
