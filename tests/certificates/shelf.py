"""Certificates written and judged in one process, as the commands do it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from keyfate.checking.certificate_reading import Read, read_certificate
from keyfate.checking.certificates import Certified
from keyfate.checking.certifying import Bench, Judged
from keyfate.checking.results import Report
from keyfate.checking.running import Options
from keyfate.checking.session import open_session
from keyfate.checking.shelf import Shelf
from keyfate.lifecycle.explicit import explore
from keyfate.lifecycle.problem import Unreachable


def written(
    paths: Sequence[Path], only: tuple[str, ...] = (), scope: Mapping[str, int] | None = None
) -> tuple[Report, list[Certified]]:
    """A check, and the certificates of its verdicts."""
    kept: list[Certified] = []
    options = Options(only=only, sweep=False, workers=1, certificates=True)
    return open_session(paths, scope or {}).check(options, keep=kept.append), kept


def put(certificates: Sequence[Certified], folder: Path) -> list[Path]:
    """The files of the certificates; the paths of those that name the others."""
    for one in certificates:
        assert one.missing is None, one
        for name, text in one.files:
            (folder / name).write_text(text, encoding="utf-8")
    return [folder / one.files[-1][0] for one in certificates]


def read(path: Path, lifecycle: Path | None = None) -> Read:
    return read_certificate(path, lifecycle, Shelf())


def judged(path: Path, lifecycle: Path | None = None) -> Judged:
    return Bench(60.0).judge(read(path, lifecycle))


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def save(data: object, path: Path) -> Path:
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def right(one: Read) -> bool:
    """Whether every proof of the certificate is of what the plain interpreter cannot reach either."""
    proofs = [claim for claim in one.claims if claim.invariant is not None]
    return all(isinstance(explore(claim.problem).finding, Unreachable) for claim in proofs)
