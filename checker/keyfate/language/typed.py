"""The checked lifecycle: what every room above `language` reads.

Names are resolved, sorts have their members (scopes applied), `key`, `def` and
shared properties are expanded, sugar is gone. Variables carry unique names, so
substitution never captures. What a node means is fixed by docs/language.md
(rules R1 to R16); who evaluates it does so for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from keyfate.language.source import Span


@dataclass(frozen=True)
class Message:
    """A member of a `message` family, as a value of a parameter."""

    family: str
    args: tuple[Value, ...]


# A sort's member or a choice (str), a range's number (int), a boolean, `none`, a message.
Value = str | int | bool | None | Message


@dataclass(frozen=True)
class Domain:
    """A finite set of values: `label` is its name for people (`Platform`, `bool`, `Image or none`)."""

    label: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Param:
    """A bound variable: `name` is unique in the lifecycle, `shown` is what the user wrote."""

    name: str
    shown: str
    domain: Domain


# Values


@dataclass(frozen=True)
class Constant:
    value: Value


@dataclass(frozen=True)
class Var:
    name: str


@dataclass(frozen=True)
class StateRef:
    name: str
    args: tuple[ValueExpr, ...]
    optional: bool = False  # whether the state may be `none`


@dataclass(frozen=True)
class ControlRef:
    name: str
    args: tuple[ValueExpr, ...]


@dataclass(frozen=True)
class Plus:
    """`operand + amount` in a range of `low .. high`; past `high` it has no value (R5: the instance is disabled)."""

    operand: ValueExpr
    amount: int
    low: int
    high: int


@dataclass(frozen=True)
class IfValue:
    condition: Condition
    then: ValueExpr
    otherwise: ValueExpr


ValueExpr = Constant | Var | StateRef | ControlRef | Plus | IfValue


# Terms


@dataclass(frozen=True)
class AtomTerm:
    """A `secret` or `public`; does not exist where an argument is `none` (R5)."""

    name: str
    args: tuple[ValueExpr, ...]
    public: bool


Function = Literal["kdf", "hash", "mac", "sign", "enc", "seal", "wrap", "page", "aenc", "pub", "pair"]


@dataclass(frozen=True)
class Apply:
    """A composed term. Shapes: kdf(label; one or more), hash(one or more), mac(k, one or more),
    sign(k, one or more), enc(k, m), seal(k, m), wrap(k, m), page(k, address, m) with a public address,
    aenc(pub(k), m), pub(k), pair(a, b)."""

    function: Function
    label: str | None
    args: tuple[TermExpr, ...]


@dataclass(frozen=True)
class IfTerm:
    condition: Condition
    then: TermExpr
    otherwise: TermExpr


@dataclass(frozen=True)
class Existing:
    """`term`, which exists only if none of `args` is `none`."""

    args: tuple[ValueExpr, ...]
    term: TermExpr


@dataclass(frozen=True)
class MessageVar:
    """A parameter over a message family: the member's term, evaluated in the present state."""

    name: str


TermExpr = AtomTerm | Apply | IfTerm | Existing | MessageVar


# Conditions


@dataclass(frozen=True)
class Truth:
    value: bool


@dataclass(frozen=True)
class Compare:
    """`=`, `<` or `<=` of two values of one domain. False where a side has no value (`Plus`)."""

    operator: Literal["=", "<", "<="]
    left: ValueExpr
    right: ValueExpr


@dataclass(frozen=True)
class Not:
    operand: Condition


@dataclass(frozen=True)
class And:
    operands: tuple[Condition, ...]


@dataclass(frozen=True)
class Or:
    operands: tuple[Condition, ...]


@dataclass(frozen=True)
class Quantifier:
    """`body` for all, or for some, values of `param`."""

    kind: Literal["all", "some"]
    param: Param
    body: Condition


@dataclass(frozen=True)
class PlaceRef:
    """A place; `args` is None for all instances of an indexed place (only in a PlaceSet).
    Indexed by `none` it does not exist."""

    name: str
    args: tuple[ValueExpr, ...] | None


@dataclass(frozen=True)
class PlaceSet:
    """The places listed; or, with `complement`, all places except those listed."""

    places: tuple[PlaceRef, ...]
    complement: bool = False


@dataclass(frozen=True)
class Has:
    place: PlaceRef
    term: TermExpr


@dataclass(frozen=True)
class Derivable:
    """R8: `term` follows from what `places` hold together, from what was observed
    (if `observed`), and from what is public.

    `attacker knows X`: no places, observed. `(P, Q) yields X` and `X recoverable
    from (P, Q)`: those places, not observed. `X recoverable`: all places, observed.
    `X recoverable except (P)`: all but P, observed.
    """

    places: PlaceSet
    observed: bool
    term: TermExpr


@dataclass(frozen=True)
class Did:
    """R12: the step that entered this state was an instance of `action` whose arguments
    equal `args` where these are not None."""

    action: str
    args: tuple[ValueExpr | None, ...]


@dataclass(frozen=True)
class Past:
    """`once`, `historically`, `previously` of `operand`, or `left since operand`.

    `identity` is unique to the operator in the lifecycle; with the values of `free`
    (its free variables, sorted) it names the history latch, see `lifecycle.names.Before`.
    """

    operator: Literal["once", "historically", "previously", "since"]
    operand: Condition
    left: Condition | None
    identity: int
    free: tuple[str, ...]


Condition = Truth | Compare | Not | And | Or | Quantifier | Has | Derivable | Did | Past


# Effects


@dataclass(frozen=True)
class Origin:
    """Where a written term comes from (R3, R10).

    create: a bare `secret`, made now; public: a bare `public`; using: the instance is
    enabled only if `places` together yield the term; ideal: not modelled; known: the
    attacker writes it, enabled only if `attacker knows` it.
    """

    kind: Literal["create", "public", "using", "ideal", "known"]
    places: PlaceSet | None


@dataclass(frozen=True)
class Assign:
    target: StateRef
    value: ValueExpr
    span: Span


@dataclass(frozen=True)
class Gain:
    place: PlaceRef
    term: TermExpr
    origin: Origin
    span: Span


@dataclass(frozen=True)
class Lose:
    place: PlaceRef
    term: TermExpr
    span: Span


@dataclass(frozen=True)
class Become:
    """The whole content becomes these terms, each with its origin; `clear` has none."""

    place: PlaceRef
    terms: tuple[tuple[TermExpr, Origin], ...]
    span: Span


@dataclass(frozen=True)
class Copy:
    """`place` gains all of `origin` (`replace` False) or becomes it (`replace` True), unread."""

    place: PlaceRef
    origin: PlaceRef
    replace: bool
    span: Span


@dataclass(frozen=True)
class CapabilityRef:
    name: str
    args: tuple[ValueExpr, ...]


@dataclass(frozen=True)
class Leak:
    """`term` is observed where all `capabilities` are on. Enabled only if `places` yield it."""

    term: TermExpr
    places: PlaceSet
    capabilities: tuple[CapabilityRef, ...]
    span: Span


@dataclass(frozen=True)
class ForEach:
    param: Param
    where: Condition
    body: tuple[Effect, ...]
    span: Span


@dataclass(frozen=True)
class Choose:
    condition: Condition
    then: tuple[Effect, ...]
    otherwise: tuple[Effect, ...]
    span: Span


Effect = Assign | Gain | Lose | Become | Copy | Leak | ForEach | Choose


# Declarations

Status = Literal["claimed", "assumed", "documented", "measured"]  # weakest first (R16)


@dataclass(frozen=True)
class Sort:
    name: str
    members: tuple[Value, ...]
    ordered: bool
    named: int  # how many members the text names; the rest were generated for a larger scope
    description: str
    span: Span


@dataclass(frozen=True)
class Control:
    name: str
    index: tuple[Domain, ...]
    domain: Domain
    description: str
    values: tuple[tuple[Value, str], ...]  # descriptions of single values
    evidence: str
    span: Span


@dataclass(frozen=True)
class Capability:
    name: str
    index: tuple[Domain, ...]
    description: str
    refs: tuple[str, ...]
    cwes: tuple[int, ...]
    cost: int | None
    span: Span


@dataclass(frozen=True)
class Component:
    name: str
    inside: bool
    description: str
    span: Span


@dataclass(frozen=True)
class AtomFamily:
    name: str
    index: tuple[Domain, ...]
    public: bool
    description: str
    span: Span


@dataclass(frozen=True)
class TermFamily:
    """A `key` or a `message`, or a `def` of a term: a named, indexed term."""

    kind: Literal["key", "message", "def"]
    name: str
    params: tuple[Param, ...]
    term: TermExpr
    description: str
    span: Span


@dataclass(frozen=True)
class Place:
    name: str
    params: tuple[Param, ...]
    persistent: bool
    component: str
    starts: tuple[TermExpr, ...]  # over `params` and controls
    description: str
    span: Span


@dataclass(frozen=True)
class State:
    name: str
    params: tuple[Param, ...]
    domain: Domain
    initial: ValueExpr | None  # over `params` and controls; None is `any`
    description: str
    span: Span


@dataclass(frozen=True)
class Exposure:
    """What `place` holds is observed where `condition` holds and all `capabilities` are on.

    `args` are over `params` (each value of which is meant). `when` are the words of the condition, if it has any.
    """

    params: tuple[Param, ...]
    place: PlaceRef
    capabilities: tuple[CapabilityRef, ...]
    condition: Condition
    span: Span
    when: Span | None = None


@dataclass(frozen=True)
class Action:
    """`actor` is a component's name or `attacker`; `guard` is the written one."""

    name: str
    params: tuple[Param, ...]
    actor: str
    needs: tuple[CapabilityRef, ...]
    guard: Condition
    effects: tuple[Effect, ...]
    power_event: bool
    description: str
    sources: tuple[str, ...]
    status: Status
    span: Span


@dataclass(frozen=True)
class Constraint:
    condition: Condition
    description: str
    span: Span


Level = Literal["low", "medium", "high", "critical"]


@dataclass(frozen=True)
class Property:
    """One checked property. never: no reachable state, no values of `binders`, has `when and body`.
    always: none has `when and not body`. possible: R13.

    `target` is the condition that a trace must reach: the break of a never or
    always, the witness of a possible.
    """

    name: str
    binders: tuple[Param, ...]
    kind: Literal["never", "always", "possible"]
    when: Condition | None
    body: Condition
    severity: Level
    text: str
    holds: str
    broken: str
    template: str  # the shared property it came from, or its own name
    span: Span  # of the property's text
    check_span: Span  # of the `check` line, or of the property again

    @property
    def target(self) -> Condition:
        body = Not(self.body) if self.kind == "always" else self.body
        return body if self.when is None else And((self.when, body))


@dataclass(frozen=True)
class Lifecycle:
    name: str
    title: str
    sources: tuple[str, ...]
    status: Status
    path: str
    files: tuple[str, ...]  # every text that went into it, the lifecycle's own first
    sorts: tuple[Sort, ...]
    controls: tuple[Control, ...]
    capabilities: tuple[Capability, ...]
    components: tuple[Component, ...]
    atoms: tuple[AtomFamily, ...]
    terms: tuple[TermFamily, ...]
    places: tuple[Place, ...]
    states: tuple[State, ...]
    exposures: tuple[Exposure, ...]
    actions: tuple[Action, ...]
    constraints: tuple[Constraint, ...]
    properties: tuple[Property, ...]
    span: Span
