"""Every diagram of the shipped lifecycles, read by `dot -Tplain` of each Graphviz there is and by Mermaid's parser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from diagrams.reading import Mermaid
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.diagrams.attack import attack
from keyfate.diagrams.dataflow import dataflow
from keyfate.diagrams.dot import dot
from keyfate.diagrams.figure import Drawing, Figure
from keyfate.diagrams.graphviz import find, laid_out
from keyfate.diagrams.keys import keys
from keyfate.diagrams.machines import machines
from keyfate.diagrams.mermaid import mermaid
from keyfate.diagrams.sequence import sequence
from keyfate.language.library import folder
from keyfate.policy.finding import shipped_names
from keyfate.policy.loading import lifecycle_policy, load_policy
from sampling import DEEP, policies


def drawings() -> Iterator[tuple[str, Drawing]]:
    # Which arrows there are with everything open takes many proofs; the figure looks like that of a policy.
    for path in map(folder("models").joinpath, (f"{name}.kf" for name in shipped_names())) if DEEP else policies(99):
        policy = (lifecycle_policy if path.suffix == ".kf" else load_policy)(path)
        name = Path(policy.lifecycle.path).stem
        yield f"{name} lifecycle", machines(policy)
        yield f"{name} keys", keys(policy.lifecycle)
        yield f"{name} dataflow", dataflow(policy)
    for path in sorted((folder("models") / "expected").glob("*.json"), reverse=True):
        broken = [
            rule
            for rule, answer in json.loads(path.read_text(encoding="utf-8"))["properties"].items()
            if answer["verdict"] == "VIOLATED" and "secrecy" in rule
        ]
        if broken:
            session = open_session((folder("models") / "policies" / f"{path.stem}.policy.toml",), {})
            report = session.check(Options(only=(broken[0],), workers=1, sweep=False))
            of = (session.policies[0].lifecycle, report.policies[0], report.results[0])
            yield f"{path.stem} trace", sequence(*of)
            yield f"{path.stem} attack", attack(*of)
            return


def plain(program: str, text: str) -> list[str]:
    """The names of the nodes that Graphviz lays out."""
    shown = laid_out(program, text, "plain").decode("utf-8")
    assert shown.rstrip().endswith("stop")
    names = re.findall(r'^node ("(?:[^"\\]|\\.)*"|\S+) ', shown, re.MULTILINE)
    return [name[1:-1] if name.startswith('"') else name for name in names]


def test_every_diagram_is_read(parser: Mermaid) -> None:
    shown = dict(drawings())
    assert {name.split()[0] for name in shown} >= set(shipped_names())
    assert {name.split()[-1] for name in shown} == {"lifecycle", "keys", "dataflow", "trace", "attack"}
    programs = {find(), shutil.which("dot")} - {None}
    assert programs
    for name, drawing in shown.items():
        for program in programs:
            nodes = plain(str(program), dot(drawing))
            assert nodes, name
            if isinstance(drawing, Figure):
                assert {node.name for node in drawing.nodes} <= set(nodes), name
                assert len(nodes) == len(set(nodes)), name
    for name, found in zip(shown, parser.read([mermaid(drawing) for drawing in shown.values()]), strict=True):
        assert "error" not in found, f"{name}: {found}"
