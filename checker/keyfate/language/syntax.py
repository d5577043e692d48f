"""The syntax tree: what was written, before names mean anything.

Built by `parsing`, read by `checking` (and by whoever prints a file anew).
Every node has the span of the words that made it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from keyfate.language.source import Span


@dataclass(frozen=True)
class Word:
    """An identifier where it stands (`a` or, behind an include, `tpm.a`)."""

    text: str
    span: Span


@dataclass(frozen=True)
class Text:
    """A quoted string, its escapes resolved."""

    text: str
    span: Span


@dataclass(frozen=True)
class Binder:
    """`p: Platform`; or, in a `property`'s list only, `item[T]: secret` (then `index` is not empty)."""

    name: Word
    sort: Word
    span: Span
    index: tuple[Word, ...] = ()


# Expressions: one grammar for values, conditions and terms; checking tells them apart.


@dataclass(frozen=True)
class Ref:
    """`name` or `name[a, b]`; also `true`, `false`, `none`, `any`, `nobody`."""

    name: Word
    args: tuple[Expr, ...]
    span: Span
    bracketed: bool = False


@dataclass(frozen=True)
class Number:
    value: int
    span: Span


@dataclass(frozen=True)
class Quoted:
    """A string inside an expression: the label of a `kdf`."""

    text: str
    span: Span


@dataclass(frozen=True)
class Call:
    """`enc(k, m)`, `kdf("label", a, b)`, `pub(k)`."""

    function: Word
    args: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True)
class Unary:
    operator: Literal["not", "once", "historically", "previously"]
    operand: Expr
    span: Span


@dataclass(frozen=True)
class Binary:
    operator: Literal["and", "or", "implies", "iff", "=", "!=", "<", "<=", ">", ">=", "+", "since"]
    left: Expr
    right: Expr
    span: Span


@dataclass(frozen=True)
class OneOf:
    """`td[t] in {running, saved}`."""

    operand: Expr
    choices: tuple[Expr, ...]
    span: Span


@dataclass(frozen=True)
class IfExpr:
    """`if c then a else b`: a value, a condition or a term."""

    condition: Expr
    then: Expr
    otherwise: Expr
    span: Span


@dataclass(frozen=True)
class Quantified:
    """`all p: Platform where G { E }` or `some p: Platform where G { E }`."""

    kind: Literal["all", "some"]
    binders: tuple[Binder, ...]
    where: Expr | None
    body: Expr
    span: Span


@dataclass(frozen=True)
class HasExpr:
    """`PLACE has TERM`."""

    place: Ref
    term: Expr
    span: Span


@dataclass(frozen=True)
class YieldsExpr:
    """`PLACE yields TERM` or `(P, Q) yields TERM`."""

    places: tuple[Ref, ...]
    term: Expr
    span: Span


@dataclass(frozen=True)
class KnowsExpr:
    """`attacker knows TERM`."""

    term: Expr
    span: Span


@dataclass(frozen=True)
class RecoverableExpr:
    """`TERM recoverable`, `… recoverable from (P)`, `… recoverable except (P)`."""

    term: Expr
    mode: Literal["anywhere", "from", "except"]
    places: tuple[Ref, ...]
    span: Span


@dataclass(frozen=True)
class DidExpr:
    """`did A`, `did A[p, _]`: the args are empty for any instance, None for `_`."""

    action: Word
    args: tuple[Expr | None, ...]
    span: Span
    bracketed: bool = False


Expr = (
    Ref
    | Number
    | Quoted
    | Call
    | Unary
    | Binary
    | OneOf
    | IfExpr
    | Quantified
    | HasExpr
    | YieldsExpr
    | KnowsExpr
    | RecoverableExpr
    | DidExpr
)


# Effects


@dataclass(frozen=True)
class Sources:
    """What stands behind a gained or leaked term: `using P, Q`, or `ideal`."""

    ideal: bool
    places: tuple[Ref, ...]
    span: Span


@dataclass(frozen=True)
class AssignEffect:
    """`td[t] := saved`."""

    target: Ref
    value: Expr
    span: Span


@dataclass(frozen=True)
class GainsEffect:
    """`PLACE gains TERM using P, Q`."""

    place: Ref
    term: Expr
    sources: Sources | None
    span: Span


@dataclass(frozen=True)
class GainsAllEffect:
    """`PLACE gains all of PLACE`."""

    place: Ref
    origin: Ref
    span: Span


@dataclass(frozen=True)
class LosesEffect:
    """`PLACE loses TERM`."""

    place: Ref
    term: Expr
    span: Span


@dataclass(frozen=True)
class BecomesEffect:
    """`PLACE becomes {T, U} using P`; `clear PLACE` is `becomes {}`."""

    place: Ref
    terms: tuple[Expr, ...]
    sources: Sources | None
    span: Span


@dataclass(frozen=True)
class CopiesEffect:
    """`PLACE becomes PLACE`."""

    place: Ref
    origin: Ref
    span: Span


@dataclass(frozen=True)
class LeaksEffect:
    """`leaks TERM using P to CAP and CAP`."""

    term: Expr
    sources: Sources | None
    capabilities: tuple[Ref, ...]
    span: Span


@dataclass(frozen=True)
class ForEffect:
    """`for x: S where G { … }`."""

    binders: tuple[Binder, ...]
    where: Expr | None
    body: tuple[Effect, ...]
    span: Span


@dataclass(frozen=True)
class IfEffect:
    """`if G { … } else { … }`."""

    condition: Expr
    then: tuple[Effect, ...]
    otherwise: tuple[Effect, ...]
    span: Span


Effect = (
    AssignEffect
    | GainsEffect
    | GainsAllEffect
    | LosesEffect
    | BecomesEffect
    | CopiesEffect
    | LeaksEffect
    | ForEffect
    | IfEffect
)


# Declarations


@dataclass(frozen=True)
class Notes:
    """The labelled words behind a declaration; each may be missing."""

    title: Text | None = None
    sources: tuple[Text, ...] = ()
    status: Word | None = None
    refs: tuple[Text, ...] = ()
    cwes: tuple[Number, ...] = ()
    cost: Number | None = None
    evidence: Text | None = None
    severity: Word | None = None
    holds: Text | None = None
    broken: Text | None = None
    values: tuple[tuple[Expr, Text], ...] = ()  # `value flash "…"`


@dataclass(frozen=True)
class LifecycleDecl:
    name: Word
    notes: Notes
    span: Span


@dataclass(frozen=True)
class IncludeDecl:
    """`include "file.kf" as tpm`."""

    file: Text
    prefix: Word
    span: Span


@dataclass(frozen=True)
class SortDecl:
    """`sort S = a | b` (members) or `sort S = 0 .. 3` (low and high)."""

    name: Word
    members: tuple[Word, ...]
    low: Number | None
    high: Number | None
    notes: Notes
    span: Span


@dataclass(frozen=True)
class TypeExpr:
    """What a control or a state ranges over: `a | b`, `bool`, `S`, `S or none`.

    `choices` of length one may be a sort, `bool`, or a lone value.
    """

    choices: tuple[Word, ...]
    optional: bool
    span: Span


@dataclass(frozen=True)
class ControlDecl:
    name: Word
    index: tuple[Word, ...]
    type: TypeExpr
    notes: Notes
    span: Span


@dataclass(frozen=True)
class CapabilityDecl:
    name: Word
    index: tuple[Word, ...]
    notes: Notes
    span: Span


@dataclass(frozen=True)
class ComponentDecl:
    name: Word
    inside: bool
    notes: Notes
    span: Span


@dataclass(frozen=True)
class AtomDecl:
    """One name of a `secret` or `public` list."""

    kind: Literal["secret", "public"]
    name: Word
    index: tuple[Word, ...]
    notes: Notes
    span: Span


@dataclass(frozen=True)
class DefDecl:
    """`key k[p: S] = TERM` (kind key) or `def d[p: S] = EXPR` (kind def)."""

    kind: Literal["key", "def"]
    name: Word
    params: tuple[Binder, ...]
    body: Expr
    notes: Notes
    span: Span


@dataclass(frozen=True)
class MessageDecl:
    """`message Blob = TERM for p: Platform, t: TD`."""

    name: Word
    params: tuple[Binder, ...]
    body: Expr
    notes: Notes
    span: Span


@dataclass(frozen=True)
class IndexPart:
    """One index of a place or state: `Platform`, or `p: Platform` where `p` is used behind."""

    name: Word | None
    sort: Word
    span: Span


@dataclass(frozen=True)
class PlaceDecl:
    name: Word
    index: tuple[IndexPart, ...]
    persistent: bool
    component: Word
    starts: tuple[Expr, ...]
    notes: Notes
    span: Span


@dataclass(frozen=True)
class StateDecl:
    name: Word
    index: tuple[IndexPart, ...]
    type: TypeExpr
    initial: Expr | None
    notes: Notes
    span: Span


@dataclass(frozen=True)
class ExposesDecl:
    """`exposes disk[p: Platform] to A and B when C`: binders stand in the brackets."""

    place: Word
    args: tuple[Binder | Expr, ...]
    capabilities: tuple[Ref, ...]
    condition: Expr | None
    notes: Notes
    span: Span


@dataclass(frozen=True)
class ActionDecl:
    name: Word
    params: tuple[Binder, ...]
    actor: Word
    needs: tuple[Ref, ...]
    power_event: bool
    guard: Expr | None
    effects: tuple[Effect, ...]
    notes: Notes
    span: Span


@dataclass(frozen=True)
class ConstraintDecl:
    condition: Expr
    notes: Notes
    span: Span


@dataclass(frozen=True)
class CheckDecl:
    """`check confidentiality(memory) as c severity high`."""

    property: Word
    args: tuple[Expr, ...]
    alias: Word | None
    notes: Notes
    span: Span


@dataclass(frozen=True)
class PropertyDecl:
    """A property, or (with parameters) the shape of one."""

    name: Word
    params: tuple[Binder, ...]
    binders: tuple[Binder, ...]
    when: Expr | None
    kind: Literal["never", "always", "possible"]
    body: Expr
    notes: Notes
    span: Span


Declaration = (
    LifecycleDecl
    | IncludeDecl
    | SortDecl
    | ControlDecl
    | CapabilityDecl
    | ComponentDecl
    | AtomDecl
    | DefDecl
    | MessageDecl
    | PlaceDecl
    | StateDecl
    | ExposesDecl
    | ActionDecl
    | ConstraintDecl
    | CheckDecl
    | PropertyDecl
)


@dataclass(frozen=True)
class File:
    """One parsed text, its declarations in the order written.

    `unread` are the names whose declarations could not be read: who uses one is not at fault.
    """

    path: str
    declarations: tuple[Declaration, ...]
    span: Span
    unread: tuple[Word, ...] = ()
