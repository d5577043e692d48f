"""A certificate read back: of this keyfate's format, this lifecycle, this property, or an error that says which not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keyfate
from keyfate.checking.certificates import FORMAT, property_data, texts
from keyfate.checking.claims import Claim
from keyfate.checking.json_texts import JsonError, follow, parsed, place_of, shortened
from keyfate.checking.problem_data import Data, read_claim, read_settings
from keyfate.checking.results import Verdict
from keyfate.checking.shelf import Shelf
from keyfate.language.library import folder
from keyfate.language.reading import read_text
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.names import Term
from keyfate.lifecycle.spelling import Spelling, SpellingError
from keyfate.policy.loading import lifecycle_policy, load_policy
from keyfate.policy.policy import Policy

LARGEST = 64 * 1024 * 1024  # bytes; the largest of the library has under a hundred kilobytes
_HELP = "a certificate is what `keyfate check --certificates FOLDER` wrote"
_AGAIN = "write it anew with `keyfate check --certificates FOLDER`"
_ELSEWHERE = "write it anew, or say where the lifecycle is that it was written for: `--lifecycle PATH`"


@dataclass(frozen=True)
class Read:
    """A certificate about `rule` under the settings of `policy`; `notes` say what was not looked at."""

    path: str
    policy: Policy
    rule: Property
    verdict: Verdict
    claims: tuple[Claim, ...]
    notes: tuple[str, ...]


def read_certificate(path: Path, lifecycle: Path | None, shelf: Shelf) -> Read:
    """The certificate in the file at `path`; its lifecycle is at `lifecycle`, if given, else where it says.

    Raises LifecycleError: KF580 where it is not JSON, KF581 where it does not follow
    reports/certificate.schema.json, KF582 for another version, KF583 for another lifecycle, KF584 for another
    property or scope, KF585 for another policy, KF586 where it names what the lifecycle has not; the codes of
    any text where one of the files cannot be read.
    """
    return _Reading(path, shelf).read(lifecycle)


class _Reading:
    def __init__(self, path: Path, shelf: Shelf) -> None:
        self._path = path
        self._shelf = shelf
        try:
            self._source = Source(str(path), read_text(path, largest=LARGEST))
        except LifecycleError as error:  # its hints are for lifecycles
            raise LifecycleError([replace(found, help=_HELP) for found in error.diagnostics]) from None

    def read(self, where: Path | None) -> Read:
        data = self._data()
        lifecycle, bare = self._lifecycle(data, where)
        rule = self._property(data, lifecycle)
        settings = self._spelled(lambda: read_settings(data["settings"], Spelling(lifecycle)))
        notes = []
        policy = replace(bare, settings=settings)
        if data["policy"] is not None:
            policy = replace(policy, name=data["policy"]["name"], path=data["policy"]["path"])
            notes += self._compare(data, policy, moved=where is not None)
        elif settings != bare.settings:
            message = "the certificate names no policy, and without one nothing is fixed and every capability is on"
            raise self._wrong("KF585", message, self._find("settings"), _AGAIN)
        claims = self._spelled(lambda: self._claims(data, lifecycle, rule))
        return Read(str(self._path), policy, rule, data["verdict"], claims, tuple(notes))

    # Shape and version

    def _data(self) -> Data:
        try:
            data = parsed(self._source)
        except JsonError as error:
            raise self._wrong("KF580", error.message, error.span.start) from None
        version = data.get("keyfate_certificate") if isinstance(data, dict) else None
        if isinstance(version, int) and not isinstance(version, bool) and version != FORMAT:
            said = f"the certificate has format {version}, and this keyfate reads format {FORMAT}"
            raise self._wrong("KF582", said, self._find("keyfate_certificate"), _AGAIN)
        try:
            follow(data, self._source, "certificate", "a certificate")
        except JsonError as error:
            raise self._wrong("KF581", error.message, error.span.start) from None
        if _series(data["keyfate"]) != _series(keyfate.__version__):
            said = f"the certificate is of keyfate {data['keyfate']}, and this is keyfate {keyfate.__version__}"
            raise self._wrong("KF582", said, self._find("keyfate"), _AGAIN)
        return dict(data)

    # What it is about

    def _lifecycle(self, data: Data, where: Path | None) -> tuple[Lifecycle, Policy]:
        said = data["lifecycle"]
        path = where or self._found(said["path"], said["texts"][0]["sha256"])
        own = hashlib.sha256(read_text(path, shown=str(path)).encode("utf-8")).hexdigest()
        self._same(str(path), own, said["texts"][0]["sha256"])
        try:
            bare = lifecycle_policy(path, scope=data["scope"], load=self._shelf.load)
        except LifecycleError as error:
            here = Span(self._source, self._find("scope"), self._find("scope") + 1)
            moved = [replace(d, span=here) if d.span.path == "--scope" else d for d in error.diagnostics]
            raise LifecycleError(moved) from None
        lifecycle = bare.lifecycle
        found, wanted = dict(texts(lifecycle)), {text["name"]: text["sha256"] for text in said["texts"]}
        for name in sorted({*found, *wanted}):
            if name == said["texts"][0]["name"] and name not in found:  # it has another name now
                continue
            if found.get(name) != wanted.get(name) and found.get(name) != own:
                self._same(name, found.get(name), wanted.get(name))
        if lifecycle.name != said["name"]:
            message = f"the certificate is about `{said['name']}`, and the lifecycle is `{lifecycle.name}`"
            raise self._wrong("KF583", message, self._find("lifecycle"), _ELSEWHERE)
        sizes = {sort.name: len(sort.members) for sort in lifecycle.sorts}
        if sizes != data["scope"]:
            message = f"the certificate has sorts {_listed(data['scope'])}, the lifecycle {_listed(sizes)}"
            raise self._wrong("KF584", message, self._find("scope"), _AGAIN)
        return lifecycle, bare

    def _found(self, name: str, digest: str) -> Path:
        """The lifecycle: where it was, beside the certificate, or among the shipped ones."""
        given, here = Path(name), self._path.parent
        for path in (given, here / given, here / given.name, here.parent / given.name, folder("models") / given.name):
            try:
                if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
                    return path
            except (OSError, ValueError):
                continue
        return given

    def _same(self, name: str, found: str | None, wanted: str | None) -> None:
        if found == wanted:
            return
        if found is None or wanted is None:
            who, whom = ("the certificate", "the lifecycle") if found is None else ("the lifecycle", "the certificate")
            message = f"{who} was read from `{name}` too, {whom} was not"
        else:
            message = f"`{name}` has SHA-256 {found[:16]}…, and the certificate is about {wanted[:16]}…"
        raise self._wrong("KF583", f"this is about another lifecycle: {message}", self._find("texts"), _ELSEWHERE)

    def _property(self, data: Data, lifecycle: Lifecycle) -> Property:
        said = data["property"]
        rule = next((rule for rule in lifecycle.properties if rule.name == said["name"]), None)
        at = self._find("property")
        if rule is None:
            raise self._wrong("KF584", f"`{lifecycle.name}` has no property `{said['name']}`", at, _AGAIN)
        for key, own in property_data(rule).items():
            if own != said[key]:
                message = f"`{rule.name}` has another {key}: `{_line(own)}`, and the certificate `{_line(said[key])}`"
                raise self._wrong("KF584", message, at, _AGAIN)
        return rule

    def _compare(self, data: Data, policy: Policy, *, moved: bool) -> list[str]:
        """Whether the policy, where it can be found, still asks for these settings."""
        name = data["policy"]["path"]
        given = Path(name)
        path = next((p for p in (given, self._path.parent / given) if _is_file(p)), None)
        if moved or path is None:
            return [f"settings as the certificate has them: `{name}` was not looked at"]
        now = load_policy(path, scope=data["scope"], load=self._shelf.load)
        other = None
        if sorted(texts(now.lifecycle).values()) != sorted(texts(policy.lifecycle).values()):
            other = "is over another lifecycle"
        elif now.settings != policy.settings:
            other = "asks for other settings"
        if other is not None:
            message = f"`{name}` now {other} than the certificate is about"
            raise self._wrong("KF585", message, self._find("policy"), _AGAIN)
        if policy.name not in (now.name, name):  # its path, where two policies of one check have one name
            message = f"`{name}` is the policy `{now.name}`, and the certificate calls it `{policy.name}`"
            raise self._wrong("KF585", message, self._find("policy"), _AGAIN)
        return []

    # What it claims

    def _claims(self, data: Data, lifecycle: Lifecycle, rule: Property) -> tuple[Claim, ...]:
        table: dict[str, Term] = {}
        for name, text in data["terms"].items():
            table[name] = Spelling(lifecycle, table).term(text)
        spelling = Spelling(lifecycle, table)
        return tuple(read_claim(claim, lifecycle, rule, spelling) for claim in data["claims"])

    def _spelled(self, read: Any) -> Any:
        try:
            return read()
        except SpellingError as error:
            word = str(error).partition("`")[2].partition("`")[0]
            at = max(self._source.text.find(word), 0)
            raise self._wrong("KF586", str(error), at, _AGAIN) from None

    def _find(self, key: str) -> int:
        return place_of(self._source, key).start

    def _wrong(self, code: str, message: str, at: int = 0, help: str = _HELP) -> LifecycleError:
        return LifecycleError([Diagnostic(code, message, Span(self._source, at, at + 1), help=help)])


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no path at all: too long, or with what no path holds
        return False


def _series(version: str) -> str:
    """What a version shares with those that read the language alike."""
    return ".".join(version.split(".")[:2])


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={size}" for name, size in sizes.items()) or "of no name"


def _line(text: str) -> str:
    return shortened(" ".join(text.split()))
