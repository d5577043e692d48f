"""Which clauses of which standards ask for what a property checks: properties/standards.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keyfate.language.library import folder
from keyfate.language.source import Diagnostic, LifecycleError, Span
from keyfate.language.symbols import did_you_mean
from keyfate.policy.files import read_source
from keyfate.policy.models import ClauseTable, MappingTable, StandardsFile
from keyfate.policy.toml import Document, parse
from keyfate.policy.validation import validate

FILE = "standards.toml"


@dataclass(frozen=True)
class Clause:
    """A clause with our reading of it, and how we know it: `read`, `listed` (its subject alone) or `recalled`."""

    standard: str
    number: str
    reading: str
    known: Literal["read", "listed", "recalled"]


@dataclass(frozen=True)
class Mapped:
    """The clauses that ask for a property; where there are none, why."""

    clauses: tuple[Clause, ...]
    none: str = ""


def load_standards(path: Path | None = None) -> Mapping[str, Mapped]:
    """By the name of a property, or of the shared property that is applied. Without a path: what keyfate ships.

    Raises LifecycleError with all that is wrong: a shape (KF503, KF504), an unknown word (KF541), or a
    property that has both clauses and a reason for none, or neither (KF542).
    """
    document = parse(read_source(path or folder("properties") / FILE))
    file, problems = validate(StandardsFile, document.data, document)
    if file is None:
        raise LifecycleError(problems)
    clauses = {name: _clause(name, one, file, document, problems) for name, one in file.clauses.items()}
    found = {name: _mapped(name, one, clauses, document, problems) for name, one in file.properties.items()}
    if problems:
        raise LifecycleError(problems)
    return found


def _clause(
    name: str, given: ClauseTable, file: StandardsFile, document: Document, problems: list[Diagnostic]
) -> Clause:
    if given.standard not in file.standards:
        span = document.value(("clauses", name, "standard"))
        problems.append(_unknown("standard", given.standard, file.standards, span))
    return Clause(file.standards.get(given.standard, ""), given.number, given.reading, given.known)


def _mapped(
    name: str, given: MappingTable, clauses: Mapping[str, Clause], document: Document, problems: list[Diagnostic]
) -> Mapped:
    for i, word in enumerate(given.clauses):
        if word not in clauses:
            span = document.value(("properties", name, "clauses", i))
            problems.append(_unknown("clause", word, clauses, span))
    if bool(given.clauses) == bool(given.none):
        both = "has clauses, and a reason for none" if given.none else "has neither clauses nor a reason for none"
        help = "keep one of the two" if given.none else 'write `clauses = ["…"]`, or `none = "why"`'
        problems.append(Diagnostic("KF542", f"`{name}` {both}", document.key(("properties", name)), help=help))
    return Mapped(tuple(clauses[word] for word in given.clauses if word in clauses), given.none)


def _unknown(kind: str, word: str, known: Iterable[str], span: Span) -> Diagnostic:
    names = list(known)
    hint = did_you_mean(word, names) or f"the file has {', '.join(f'`{n}`' for n in names) or 'none'}"
    return Diagnostic("KF541", f"there is no {kind} `{word}`", span, help=hint)
