"""Syntax errors in the words of the language: what was expected, and how a declaration is written."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from keyfate.language.scanning import DECLARATIONS

# Names of what is not a fixed word or mark, as the grammar has them.
NAME, NUMBER, STRING, END = "NAME", "NUMBER", "STRING", "$END"

_NOTES = frozenset(
    {"source", "status", "ref", "cwe", "cost", "evidence", "severity", "holds", "broken", "value", STRING}
)
_EXPRESSION = frozenset(
    {"(", "not", "once", "historically", "previously", "if", "all", "some", "attacker", "did", NAME, NUMBER, STRING}
)
_EFFECT = frozenset({"clear", "leaks", "for", "if", NAME})
_OPERATORS = frozenset(
    {"=", "!=", "<", "<=", ">", ">=", "+", "in", "has", "yields", "recoverable", "and", "or", "implies", "iff", "since"}
)
_SHOWN = {NAME: "a name", NUMBER: "a number", STRING: "a text in quotes", END: "the next declaration"}

SHAPES = {
    "lifecycle": 'lifecycle NAME "title" source "…" status documented',
    "include": 'include "file.kf" as NAME',
    "sort": "sort NAME = a | b` or `sort NAME = 0 .. 3",
    "control": 'control NAME[SORT] : a | b "description" value a "…" evidence "…"',
    "capability": 'capability NAME[SORT] "description" cwe 316 ref "…" cost 2',
    "component": 'component NAME inside "description"` or `component NAME outside',
    "secret": 'secret NAME[SORT] "description", NAME',
    "public": 'public NAME[SORT] "description", NAME',
    "key": 'key NAME[p: SORT] = kdf("label", TERM, …) "description"',
    "def": 'def NAME[p: SORT] = EXPRESSION "description"',
    "message": "message NAME = TERM for p: SORT",
    "place": "place NAME[SORT] persistent at COMPONENT starts with TERM` or `place NAME volatile at COMPONENT",
    "state": "state NAME[SORT] : a | b = a",
    "exposes": "exposes PLACE[p: SORT] to CAPABILITY and CAPABILITY when CONDITION",
    "action": 'action NAME[p: SORT] "description" by COMPONENT needs CAPABILITY when CONDITION then EFFECT; EFFECT',
    "constraint": 'constraint CONDITION "description"',
    "check": "check PROPERTY(ARGUMENT, …) as NAME severity high",
    "property": 'property NAME(x[S]: secret) "description" severity high for s: S when CONDITION never CONDITION',
}


def wants_expression(accepted: Collection[str]) -> bool:
    """Whether an expression may begin where these may stand."""
    return NAME in accepted and "(" in accepted


def wants_effect(accepted: Collection[str]) -> bool:
    """Whether an effect may begin where these may stand."""
    return NAME in accepted and "clear" in accepted


def describe(accepted: Iterable[str]) -> str:
    """What may stand here, for a person: ``a`, `b` or an expression``."""
    left = set(accepted)
    kinds: list[str] = []
    if wants_effect(left):
        kinds.append("an effect")
        left -= _EFFECT
    if wants_expression(left):
        kinds.append("an expression" if "not" in left else "a value or a term")
        left -= _EXPRESSION
    if left & {"+", "implies", "or"} and "none" not in left:
        kinds.append("an operator")
        left -= _OPERATORS
    if {"source", STRING} <= left:
        kinds.append("a description")
        left -= _NOTES
    kinds.extend(_SHOWN[kind] for kind in (NAME, NUMBER, STRING, END) if kind in left)
    fixed = [f"`{word}`" for word in sorted(left - _SHOWN.keys(), key=lambda w: (w[0].isalpha(), w))]
    return enumerate_or(fixed + kinds)


def enumerate_or(items: list[str]) -> str:
    if len(items) < 2:
        return "".join(items) or "nothing more"
    return f"{', '.join(items[:-1])} or {items[-1]}"


def meant(word: str, accepted: Iterable[str], cutoff: float = 0.7) -> str | None:
    """The word of the language that a misspelt word was probably meant to be."""
    candidates = [a for a in accepted if a.isalpha() and a.islower()]
    if END in accepted:
        candidates.extend(DECLARATIONS)
    close = difflib.get_close_matches(word.lower(), sorted(candidates), 1, cutoff)
    return close[0] if close and close[0] != word else None


def shape(keyword: str) -> str:
    """How a declaration with this keyword is written."""
    return f"{'an' if keyword[0] in 'aei' else 'a'} `{keyword}` is written `{SHAPES[keyword]}`"
