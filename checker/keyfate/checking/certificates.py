"""A verdict as a certificate: one JSON file that people can read, and questions for any solver beside it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keyfate
from keyfate.checking.claims import Claim, NotAmountError, supporting
from keyfate.checking.judges import Answer, Certifier, GaveUpError
from keyfate.checking.naming import Namer
from keyfate.checking.problem_data import Data, claim_data, settings_data
from keyfate.checking.results import Verdict
from keyfate.language.library import folder
from keyfate.language.reading import read_text
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.names import Compound, Holds, Observed, Term
from keyfate.lifecycle.problem import Reached, Unreachable
from keyfate.lifecycle.spelling import Spelling
from keyfate.policy.finding import ENDING as ENDING_OF_POLICIES
from keyfate.policy.policy import Policy

FORMAT = 1
ENDING = ".cert.json"
SETTLED: tuple[Verdict, ...] = ("PROVED", "VIOLATED", "VACUOUS", "POSSIBLE", "IMPOSSIBLE", "DEPENDS")
"""Verdicts that something can be shown for."""

_BEHIND = re.compile(r"\.cert\.json|(\.\d+)?\.(admissible|initiation|consecution|safety)\.smt2", re.ASCII)


@dataclass(frozen=True)
class Certified:
    """The files of one certificate, the one that names the others last; or why there is none."""

    policy: str
    property: str
    files: tuple[tuple[str, str], ...]
    missing: str | None = None


def certified(
    policy: Policy, rule: Property, verdict: Verdict, answers: Sequence[Answer], certifier: Certifier, namer: Namer
) -> Certified | None:
    """The certificate of a verdict that stands on `answers`, all of them judged; None for a verdict that is none.

    Raises LifecycleError where a text of the lifecycle can no longer be read.
    """
    if verdict not in SETTLED:
        return None
    claims = [
        Claim(answer.problem, answer.finding)
        for answer in answers
        if answer.problem is not None and isinstance(answer.finding, Reached | Unreachable)
    ]
    if any(isinstance(claim.finding, Unreachable) and claim.invariant is None for claim in claims):
        return Certified(policy.name, rule.name, (), "a proof without an invariant")
    try:
        needed = supporting(policy, rule, verdict, claims, certifier)
    except (NotAmountError, GaveUpError) as error:
        return Certified(policy.name, rule.name, (), str(error))
    return Certified(policy.name, rule.name, tuple(_files(policy, rule, verdict, needed, certifier, namer)))


def _files(
    policy: Policy, rule: Property, verdict: Verdict, claims: Sequence[Claim], certifier: Certifier, namer: Namer
) -> Iterator[tuple[str, str]]:
    base = base_name(policy, rule)
    table = _named(claims, namer)
    spelling = Spelling(policy.lifecycle, table)
    written = []
    proofs = sum(1 for claim in claims if claim.invariant is not None)
    for number, claim in enumerate(claims, start=1):
        data = claim_data(claim, rule, spelling)
        if claim.invariant is not None:
            stem = base if proofs == 1 else f"{base}.{number}"
            for script in certifier.scripts(claim.problem, claim.invariant):
                name = f"{stem}.{script.part}.smt2"
                data["never_reached"]["smtlib"][script.part] = name
                yield name, script.text
        written.append(data)
    head = head_data(policy, rule, verdict)
    terms = {name: spelling.structure(term) for name, term in table.items()}
    yield base + ENDING, json.dumps(head | {"terms": terms, "claims": written}, indent=2, ensure_ascii=False) + "\n"


def head_data(policy: Policy, rule: Property, verdict: Verdict) -> Data:
    """What the certificate is about."""
    lifecycle = policy.lifecycle
    return {
        "keyfate_certificate": FORMAT,
        "keyfate": keyfate.__version__,
        "lifecycle": {
            "name": lifecycle.name,
            "path": lifecycle.path,
            "texts": [{"name": name, "sha256": digest} for name, digest in texts(lifecycle).items()],
        },
        "policy": None if policy.span is None else {"name": policy.name, "path": policy.path},
        "scope": {sort.name: len(sort.members) for sort in lifecycle.sorts},
        "settings": settings_data(policy.settings),
        "property": property_data(rule),
        "verdict": verdict,
    }


def property_data(rule: Property) -> Data:
    return {"name": rule.name, "kind": rule.kind, "text": rule.text, "statement": rule.span.text}


def texts(lifecycle: Lifecycle) -> Mapping[str, str]:
    """The SHA-256 of every text that the lifecycle was read from, by a name that no folder changes."""
    root = Path(lifecycle.path).parent
    found = {Path(name).relative_to(root).as_posix(): Path(name) for name in lifecycle.files}
    for name in sorted({rule.span.path for rule in lifecycle.properties} - set(lifecycle.files)):
        found[f"keyfate:{name}"] = folder("properties") / Path(name).name
    return {name: hashlib.sha256(read_text(path).encode("utf-8")).hexdigest() for name, path in found.items()}


def file_name(policy: Policy) -> str:
    """What certificates of the policy's verdicts are called, in characters that every file system has."""
    bare = policy.span is None and policy.name != policy.path
    name = f"{policy.lifecycle.name}.kf" if bare else policy.name
    plain = re.sub(r"[^\w.-]", "_", name.removesuffix(ENDING_OF_POLICIES), flags=re.ASCII)
    if plain == name and not plain.startswith("."):
        return plain
    return f"{plain.lstrip('.')}-{hashlib.sha256(name.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def base_name(policy: Policy, rule: Property) -> str:
    """How the names of all files of one certificate begin."""
    return f"{file_name(policy)}.{rule.name}"


def of_one(base: str, name: str) -> bool:
    """Whether a file of that name is one of the certificate that begins so."""
    return name.startswith(base) and _BEHIND.fullmatch(name, len(base)) is not None


def _named(claims: Sequence[Claim], namer: Namer) -> dict[str, Term]:
    """The composed terms of the invariants that have a name, parts first. Where two have one name, the second
    is called `name#2`."""
    table: dict[str, Term] = {}
    seen: set[Term] = set()

    def visit(term: Term) -> None:
        if term in seen or not isinstance(term, Compound):
            return
        seen.add(term)
        for part in term.args:
            visit(part)
        name = namer.term(term)
        if name != namer.structure(term):
            number = 1
            while (called := name if number == 1 else f"{name}#{number}") in table:
                number += 1
            table[called] = term

    for claim in claims:
        for clause in claim.invariant.clauses if claim.invariant is not None else ():
            for literal in clause:
                if isinstance(literal.bit, Holds | Observed):
                    visit(literal.bit.term)
    return table
