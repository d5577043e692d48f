"""`keyfate certify`, and the folder that `keyfate check --certificates` fills."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keyfate.checking.certificate_reading import Read, read_certificate
from keyfate.checking.certificates import ENDING, Certified, base_name, of_one
from keyfate.checking.certifying import Bench
from keyfate.checking.results import DIVERGED, MET, UNDECIDED
from keyfate.checking.shelf import Shelf
from keyfate.commands import naming
from keyfate.language.source import Diagnostic, LifecycleError
from keyfate.policy.finding import find
from keyfate.policy.policy import Policy
from keyfate.reporting.certifying import judged_text, written_text
from keyfate.reporting.writing import OutputError, make_folder, write_whole

SECONDS = 60.0  # one question to one solver


def certify(
    paths: Sequence[Path], lifecycle: str | None, timeout: float | None, *, color: bool, width: int | None
) -> tuple[str, int]:
    """What the judges say of every certificate, and the exit status: 5 before 3 before 0.

    Raises LifecycleError with all that is wrong with any file, before anything is judged.
    """
    where = None if lifecycle is None else naming.lifecycle(lifecycle)
    found = find(paths, ENDING)
    if not found:
        help = "`keyfate check --certificates FOLDER` writes them"
        raise naming.on_command_line("KF587", "there is no certificate", " ".join(map(str, paths)), help)
    shelf = Shelf()
    certificates: list[Read] = []
    problems: dict[tuple[str, Diagnostic], Diagnostic] = {}  # spans of two files may be equal
    for path in found:
        try:
            certificates.append(read_certificate(path, where, shelf))
        except LifecycleError as error:
            problems |= {(found.span.path, found): found for found in error.diagnostics}
    if problems:
        raise LifecycleError(tuple(problems.values()))
    bench = Bench(SECONDS if timeout is None else timeout)
    judged = tuple(map(bench.judge, certificates))
    statuses = {one.status for one in judged}
    status = next((status for status in (DIVERGED, UNDECIDED) if status in statuses), MET)
    return judged_text(judged, color=color, width=width), status


@dataclass
class Shelved:
    """The folder that certificates go to, and how many went there; `missing` says for which there is none."""

    folder: Path
    written: int = 0
    names: set[str] = field(default_factory=set)
    missing: list[Certified] = field(default_factory=list)

    def __call__(self, certified: Certified) -> None:
        """Raises OutputError where a file cannot be written."""
        if certified.missing is not None:
            self.missing.append(certified)
            return
        for name, text in certified.files:
            write_whole(self.folder / name, text)
            self.names.add(name)
        self.written += 1

    def tidy(self, policies: Sequence[Policy]) -> None:
        """Take away what is left there of certificates of these policies' verdicts and was not written now: of
        another verdict, or of none. Raises OutputError where that cannot be."""
        bases = [base_name(policy, rule) for policy in policies for rule in policy.lifecycle.properties]
        try:
            left = [name for name in sorted(os.listdir(self.folder)) if name not in self.names]
            for name in left:
                path = self.folder / name
                if any(of_one(base, name) for base in bases) and (path.is_symlink() or path.is_file()):
                    path.unlink(missing_ok=True)
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            raise OutputError(f"what is no longer true in `{self.folder}` cannot be taken away: {said}") from None

    def told(self) -> str:
        """What was written, for people."""
        return written_text(self.folder, self.written, self.missing)


def shelved(folder: Path) -> Shelved:
    """The folder, made if it is not there. Raises OutputError where nothing can be written to it."""
    make_folder(folder)
    return Shelved(folder)
