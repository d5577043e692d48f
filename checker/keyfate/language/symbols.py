"""What names stand for, and how a wrong one is told from a right one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.source import Diagnostic, Label, Severity, Span


@dataclass(frozen=True)
class ValueType:
    """The values an expression can have. `values` is without `none`; `message` names a family."""

    label: str
    values: tuple[t.Value, ...]
    optional: bool = False
    ordered: bool = False
    sort: str | None = None
    message: str | None = None

    @property
    def domain(self) -> t.Domain:
        if self.optional:
            return t.Domain(f"{self.label} or none", (*self.values, None))
        return t.Domain(self.label, self.values)

    def accepts(self, other: ValueType) -> bool:
        """Whether both range over the same values, `none` aside."""
        return self.sort == other.sort and self.message == other.message and set(self.values) == set(other.values)


BOOL = ValueType("bool", (False, True), sort="bool")


@dataclass(frozen=True)
class Use:
    """Something that not every context allows: `what` with its polarity (+1, -1, 0 for both)."""

    what: str  # knows, recoverable, state, place, past
    polarity: int
    span: Span


@dataclass(frozen=True)
class Entity:
    """A declared name. Which of the optional fields are set depends on `kind`."""

    kind: str  # sort member control capability component secret public key def message place state action property
    name: str
    span: Span
    index: tuple[ValueType, ...] = ()
    type: ValueType | None = None
    params: tuple[t.Param, ...] = ()
    body: t.TermExpr | t.Condition | t.ValueExpr | None = None
    body_kind: str = ""  # term, condition, value
    uses: tuple[Use, ...] = ()
    value: t.Value = None
    declaration: s.Declaration | None = None

    @property
    def broken(self) -> bool:
        """Whether only its name is known: its declaration is wrong, and that is already said."""
        if self.kind == "def":
            return not self.body_kind
        return self.kind in ("message", "place", "state") and self.declaration is None


KINDS = {
    "sort": "a sort",
    "member": "a member of a sort",
    "control": "a control",
    "capability": "a capability",
    "component": "a component",
    "secret": "a secret",
    "public": "a public",
    "key": "a key",
    "def": "a def",
    "message": "a message family",
    "place": "a place",
    "state": "a state",
    "action": "an action",
    "property": "a property",
}

# Names that stand in different positions may be the same word.
SPACES = {"capability": "capability", "component": "component", "action": "action", "property": "property"}


class UntypedError(Exception):
    """A clause that cannot be typed; its diagnostic is already reported."""


@dataclass
class Reporter:
    """Collects diagnostics in order; at most `most`, so that one slip cannot flood a terminal."""

    most: int = 100
    diagnostics: list[Diagnostic] = field(default_factory=list)
    behind: list[Label] = field(default_factory=list)

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        help: str | None = None,
        labels: Iterable[Label] = (),
        severity: Severity = "error",
    ) -> None:
        found = Diagnostic(code, message, span, (*labels, *self.behind), help, severity)
        if len(self.diagnostics) < self.most and found not in self.diagnostics:
            self.diagnostics.append(found)

    def stop(
        self, code: str, message: str, span: Span, *, help: str | None = None, labels: Iterable[Label] = ()
    ) -> UntypedError:
        self.report(code, message, span, help=help, labels=labels)
        return UntypedError()

    @contextmanager
    def because(self, label: Label) -> Iterator[None]:
        """Diagnostics reported inside carry `label` too (the `check` line behind a shared property)."""
        self.behind.append(label)
        try:
            yield
        finally:
            self.behind.pop()

    @property
    def failed(self) -> bool:
        return any(d.severity == "error" for d in self.diagnostics)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the nearest known word, or None."""
    near = get_close_matches(word, sorted(set(known)), n=1, cutoff=0.6)
    return f"did you mean `{near[0]}`?" if near else None


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: the bound variables, the include prefix, a template's arguments."""

    prefix: str = ""
    variables: Mapping[str, tuple[t.Param, ValueType]] = field(default_factory=dict)
    aliases: Mapping[str, Entity] = field(default_factory=dict)

    def bind(self, word: str, param: t.Param, type: ValueType) -> Scope:
        return Scope(self.prefix, {**self.variables, word: (param, type)}, self.aliases)


@dataclass
class Table:
    """All declared names; `(space, full name)` to entity."""

    entities: dict[tuple[str, str], Entity] = field(default_factory=dict)

    def declare(self, entity: Entity, reporter: Reporter) -> bool:
        key = (SPACES.get(entity.kind, ""), entity.name)
        other = self.entities.get(key)
        if other is not None:
            reporter.report(
                "KF201",
                f"`{entity.name}` is declared twice",
                entity.span,
                labels=(Label(other.span, f"first declared here, as {KINDS[other.kind]}"),),
                help="give one of them another name",
            )
            return False
        self.entities[key] = entity
        return True

    def find(self, name: str, scope: Scope, space: str = "") -> Entity | None:
        """The entity that `name` means there: a template's argument, then the include's own, then outward."""
        if space == "" and name in scope.aliases:
            return scope.aliases[name]
        prefix = scope.prefix
        while True:
            found = self.entities.get((space, prefix + name))
            if found is not None or not prefix:
                return found
            prefix = prefix[: prefix.rstrip(".").rfind(".") + 1]

    def names(self, space: str = "", kinds: Iterable[str] = ()) -> list[str]:
        wanted = set(kinds)
        return [e.name for (sp, _), e in self.entities.items() if sp == space and (not wanted or e.kind in wanted)]
