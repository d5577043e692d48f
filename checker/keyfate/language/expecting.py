"""Syntax errors in the words of the language: what was expected, what was found, how it is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from keyfate.language.scanning import DECLARATIONS, EXPRESSION_KEYWORDS, Chunk, Piece, shorten, unclosed
from keyfate.language.source import Diagnostic, Label, Source, Span

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
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})
# Words that continue a sentence: where an expression should stand, with an error behind, such a word is no name.
_CONTINUING = frozenset(
    {"using", "ideal", "gains", "loses", "becomes", "to", "by", "with", "where", "of", "from", "except", "knows"}
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


_EXPRESSION_HELP = (
    "an expression is a name, `name[a, b]`, a number, `enc(k, m)` or another function, `(…)`, `not …`, "
    "`if … then … else …`, `all x: S { … }`, `attacker knows …` or `did …`"
)
_OPERATOR_HELP = "what stands side by side is joined by an operator such as `and`, `or`, `=`, `in`, `has` or `yields`"
_EFFECT_HELP = (
    "an effect is `state := VALUE`, `PLACE gains TERM using PLACE`, `PLACE loses TERM`, `PLACE becomes {TERM}`, "
    "`clear PLACE`, `leaks TERM using PLACE to CAPABILITY`, `for x: S { … }` or `if … { … } else { … }`"
)


def no_declaration(source: Source, piece: Piece) -> Diagnostic:
    """The error for what stands before the first declaration."""
    guess = _meant(piece.text, (END,)) if piece.kind == "word" else None
    words = _either([f"`{word}`" for word in DECLARATIONS])
    return Diagnostic(
        "KF108",
        f"expected a declaration, found {_found(piece)}",
        Span(source, piece.start, piece.end),
        help=f"did you mean `{guess}`?" if guess else f"a declaration begins with {words}",
    )


def reserved(source: Source, piece: Piece) -> Diagnostic:
    """The error for a word of the language where a name should stand."""
    return Diagnostic(
        "KF107",
        f"`{piece.text}` is a word of the language and cannot be a name",
        Span(source, piece.start, piece.end),
        help="choose another name",
    )


def unexpected(
    source: Source, chunk: Chunk, number: int, accepted: frozenset[str], before: frozenset[str]
) -> Diagnostic:
    """The error for piece `number`, or for the end of the chunk, where only `accepted` may stand.

    `before` is what may stand where the piece before it stands.
    """
    pieces = chunk.pieces
    at = pieces[number] if number < len(pieces) else None
    last = pieces[number - 1]
    if at is not None and at.text in EXPRESSION_KEYWORDS and NAME in accepted and not _wants_expression(accepted):
        return reserved(source, at)
    if last.text in _CONTINUING and _wants_expression(before):
        at, accepted, number = last, before, number - 1
    labels = []
    opened = unclosed(pieces[:number])
    if opened is not None and (at is None or at.text in (")", "]", "}")):
        labels.append(Label(Span(source, opened.start, opened.end), "opened here"))
    shown = last if at is None else at
    where = f"behind {_found(last)}" if at is None else f", found {_found(at)}"
    return Diagnostic(
        "KF101",
        f"expected {_describe(accepted)}{'' if at else ' '}{where}",
        Span(source, shown.start, shown.end),
        tuple(labels),
        _help(chunk, at, last, accepted, before),
    )


def _help(chunk: Chunk, at: Piece | None, last: Piece, accepted: frozenset[str], before: frozenset[str]) -> str:
    if at is not None and at.kind == "word" and (guess := _meant(at.text, accepted)):
        return f"did you mean `{guess}`?"
    if last.kind == "word" and NAME in before and (guess := _meant(last.text, before)):
        return f"did you mean `{guess}` instead of `{last.text}`?"
    if at is not None and at.text == "=" and ":=" in accepted:
        return "an assignment is written `:=`"
    if at is not None and at.text in _COMPARISONS and "and" in accepted:
        return "a comparison has two sides; join two comparisons with `and`"
    if at is not None and at.kind == "word" and ";" in accepted:
        return "effects are separated by `;`"
    if _wants_effect(accepted) or ":=" in accepted:
        return _EFFECT_HELP
    if _wants_expression(accepted):
        return _EXPRESSION_HELP
    if _wants_operator(accepted) and END not in accepted:
        return _OPERATOR_HELP
    assert chunk.keyword is not None
    if at is not None and last.kind == "text" and END in accepted and at.text in before:
        return f"`{at.text}` stands before the text: `{SHAPES[chunk.keyword]}`"
    return f"{_article(chunk.keyword)} `{chunk.keyword}` is written `{SHAPES[chunk.keyword]}`"


def _wants_expression(accepted: frozenset[str]) -> bool:
    return NAME in accepted and "(" in accepted


def _wants_effect(accepted: frozenset[str]) -> bool:
    return NAME in accepted and "clear" in accepted


def _wants_operator(accepted: frozenset[str]) -> bool:
    return bool(accepted & {"+", "implies", "or"}) and "none" not in accepted


def _describe(accepted: frozenset[str]) -> str:
    """What may stand here, for a person: ``)`, `,` or an operator``."""
    left = set(accepted)
    kinds: list[str] = []
    if _wants_effect(accepted):
        kinds.append("an effect")
        left -= _EFFECT
    if _wants_expression(accepted):
        kinds.append("an expression" if "not" in left else "a value or a term")
        left -= _EXPRESSION
    if _wants_operator(accepted):
        kinds.append("an operator")
        left -= _OPERATORS
    if {"source", STRING} <= left:
        kinds.append("a description")
        left -= _NOTES
    if len(left) > 1 or kinds:
        left -= {"(", "["}  # behind every name; nobody is helped by reading it
    kinds.extend(_SHOWN[kind] for kind in (NAME, NUMBER, STRING, END) if kind in left)
    fixed = [f"`{word}`" for word in sorted(left - _SHOWN.keys(), key=lambda word: (word[0].isalpha(), word))]
    return _either(fixed + kinds)


def _either(items: list[str]) -> str:
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} or {items[-1]}"


def _found(piece: Piece) -> str:
    return f"`{shorten(piece.text)}`"


def _article(word: str) -> str:
    return "an" if word[0] in "aei" else "a"


def _meant(word: str, accepted: Iterable[str]) -> str | None:
    """The word of the language that a misspelt word was probably meant to be."""
    candidates = {word for word in accepted if word.isalpha() and word.islower()}
    if END in accepted:
        candidates.update(DECLARATIONS)
    close = difflib.get_close_matches(word[:40].lower(), sorted(candidates), 1, 0.7)
    return close[0] if close and close[0] != word else None
