"""Syntax nodes out of what the grammar recognises.

One method for each rule of grammar.lark, called bottom-up by the parser; it
keeps no state, so one builder serves every text. What the grammar is too
coarse to refuse is refused here by `MisplacedError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, cast

from lark import Token, Transformer

from keyfate.language import syntax as s
from keyfate.language.scanning import DECLARATIONS, EXPRESSION_KEYWORDS, unescape
from keyfate.language.source import Diagnostic, Label, Span

# Words that an expression or an effect reads as their own; a name of this kind could never be used.
EXPRESSION_WORDS = EXPRESSION_KEYWORDS | {"attacker", "true", "false", "none", "any", "_"}

_NOTES: dict[str, frozenset[str]] = {
    "lifecycle": frozenset({"source", "status"}),
    "control": frozenset({"value", "evidence", "source", "status"}),
    "capability": frozenset({"cwe", "ref", "cost", "source", "status"}),
    "action": frozenset({"source", "status"}),
    "check": frozenset({"severity", "holds", "broken"}),
    "property": frozenset({"severity", "holds", "broken", "source", "ref"}),
}


class MisplacedError(Exception):
    """Something that stands where the grammar allows it and the language does not."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Lexeme(Token):
    """A token that knows its span."""

    span: Span


def lexeme(kind: str, text: str, span: Span) -> Lexeme:
    token = Lexeme(kind, text)
    token.span = span
    return token


@dataclass(frozen=True)
class Several:
    """What a rule for a list found; without a span if it found nothing."""

    items: tuple[Any, ...]
    span: Span | None


@dataclass(frozen=True)
class _Note:
    keyword: str
    value: Any
    span: Span


def _over(children: Sequence[Any]) -> Span:
    spans = [child.span for child in children if child.span is not None]
    return Span(spans[0].source, spans[0].start, spans[-1].end)


def _refuse(code: str, message: str, span: Span, help_: str | None, labels: tuple[Label, ...] = ()) -> NoReturn:
    raise MisplacedError(Diagnostic(code, message, span, labels, help_))


def _word(token: Lexeme) -> s.Word:
    return s.Word(str(token), token.span)


def _declared(token: Lexeme) -> s.Word:
    """A word that is given a meaning here."""
    if token in EXPRESSION_WORDS or token in DECLARATIONS:
        _refuse("KF107", f"`{token}` is a word of the language and cannot be a name", token.span, "choose another name")
    if "." in token:
        _refuse(
            "KF107",
            f"`{token}` cannot be declared: a name with a dot belongs to an `include`",
            token.span,
            "a dot stands only where a name of an included file is used",
        )
    return _word(token)


def _text(token: Lexeme) -> s.Text:
    return s.Text(unescape(str(token)), token.span)


def _number(token: Lexeme) -> s.Number:
    return s.Number(int(token), token.span)


def _tokens(children: Iterable[Any], kind: str) -> list[Lexeme]:
    return [child for child in children if isinstance(child, Lexeme) and child.type == kind]


def _is(child: Any, text: str) -> bool:
    return isinstance(child, Lexeme) and child.type != "STRING" and child == text


def _nodes(children: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(child for child in children if not isinstance(child, (Lexeme, Several)))


def _several(children: Sequence[Any], items: Iterable[Any]) -> Several:
    return Several(tuple(items), _over(children) if children else None)


def _place(expr: s.Expr, where: str) -> s.Ref:
    if isinstance(expr, s.Ref):
        return expr
    _refuse("KF110", f"{where} is about places, and this is no place", expr.span, "name a place: `disk` or `disk[p]`")


def _notes(keyword: str, *groups: Several) -> s.Notes:
    """The notes of one declaration, those it may not have and those it has twice refused."""
    allowed = _NOTES.get(keyword, frozenset())
    first: dict[str, _Note] = {}
    many: dict[str, list[Any]] = {"source": [], "ref": [], "cwe": [], "value": []}
    for note in (item for group in groups for item in group.items):
        if note.keyword != "title" and note.keyword not in allowed:
            known = ", ".join(f"`{word}`" for word in sorted(allowed))
            _refuse(
                "KF109",
                f"{'an' if keyword[0] in 'aei' else 'a'} `{keyword}` has no `{note.keyword}`",
                note.span,
                f"behind its description it may have {known}" if known else "it may only have a description",
            )
        if note.keyword in many:
            many[note.keyword].append(note.value)
        elif note.keyword in first:
            what = "description" if note.keyword == "title" else f"`{note.keyword}`"
            before = Label(first[note.keyword].span, "the first one")
            _refuse("KF109", f"a second {what}", note.span, "keep one of them", (before,))
        else:
            first[note.keyword] = note

    def one(word: str) -> Any:
        return first[word].value if word in first else None

    return s.Notes(
        title=one("title"),
        sources=tuple(many["source"]),
        status=one("status"),
        refs=tuple(many["ref"]),
        cwes=tuple(many["cwe"]),
        cost=one("cost"),
        evidence=one("evidence"),
        severity=one("severity"),
        holds=one("holds"),
        broken=one("broken"),
        values=tuple(many["value"]),
    )


def _balanced(operator: Literal["and", "or"], operands: Sequence[s.Expr]) -> s.Expr:
    """A long chain as a shallow tree: `and` and `or` are associative."""
    if len(operands) == 1:
        return operands[0]
    middle = (len(operands) + 1) // 2
    left, right = _balanced(operator, operands[:middle]), _balanced(operator, operands[middle:])
    return s.Binary(operator, left, right, _over((left, right)))


class Builder(Transformer[Lexeme, s.Declaration]):
    """Each method takes what its rule matched, in order, keywords and marks included."""

    # Declarations

    def lifecycle(self, c: list[Any]) -> Several:
        return self._one(c, s.LifecycleDecl(_declared(c[1]), _notes("lifecycle", c[2]), _over(c)))

    def include(self, c: list[Any]) -> Several:
        return self._one(c, s.IncludeDecl(_text(c[1]), _declared(c[3]), _over(c)))

    def sort_members(self, c: list[Any]) -> Several:
        members = tuple(_declared(token) for token in _tokens(c[3:], "NAME"))
        return self._one(c, s.SortDecl(_declared(c[1]), members, None, None, _notes("sort", c[-1]), _over(c)))

    def sort_range(self, c: list[Any]) -> Several:
        notes = _notes("sort", c[6])
        return self._one(c, s.SortDecl(_declared(c[1]), (), _number(c[3]), _number(c[5]), notes, _over(c)))

    def control(self, c: list[Any]) -> Several:
        return self._one(c, s.ControlDecl(_declared(c[1]), c[2].items, c[4], _notes("control", c[5]), _over(c)))

    def capability(self, c: list[Any]) -> Several:
        return self._one(c, s.CapabilityDecl(_declared(c[1]), c[2].items, _notes("capability", c[3]), _over(c)))

    def component(self, c: list[Any]) -> Several:
        return self._one(c, s.ComponentDecl(_declared(c[1]), _is(c[2], "inside"), _notes("component", c[3]), _over(c)))

    def atoms(self, c: list[Any]) -> Several:
        kind: Literal["secret", "public"] = "secret" if _is(c[0], "secret") else "public"
        found = [
            s.AtomDecl(kind, name, index.items, _notes(kind, notes), span)
            for name, index, notes, span in (child.items for child in c if isinstance(child, Several))
        ]
        return _several(c, found)

    def atom(self, c: list[Any]) -> Several:
        return _several(c, (_declared(c[0]), c[1], c[2], _over(c)))

    def define(self, c: list[Any]) -> Several:
        kind: Literal["key", "def"] = "key" if _is(c[0], "key") else "def"
        return self._one(c, s.DefDecl(kind, _declared(c[1]), c[2].items, c[4], _notes(kind, c[5]), _over(c)))

    def message(self, c: list[Any]) -> Several:
        return self._one(c, s.MessageDecl(_declared(c[1]), c[4].items, c[3], _notes("message", c[5]), _over(c)))

    def place(self, c: list[Any]) -> Several:
        _, name, index, kept, _, component, starts, notes = c
        decl = s.PlaceDecl(
            _declared(name),
            index.items,
            _is(kept, "persistent"),
            _word(component),
            starts.items,
            _notes("place", notes),
            _over(c),
        )
        return self._one(c, decl)

    def state(self, c: list[Any]) -> Several:
        _, name, index, _, type_, initial, notes = c
        first = initial.items[0] if initial.items else None
        return self._one(c, s.StateDecl(_declared(name), index.items, type_, first, _notes("state", notes), _over(c)))

    def exposes(self, c: list[Any]) -> Several:
        _, place, args, _, capabilities, guard, notes = c
        decl = s.ExposesDecl(
            _word(place), args.items, capabilities.items, self._maybe(guard), _notes("exposes", notes), _over(c)
        )
        return self._one(c, decl)

    def action(self, c: list[Any]) -> Several:
        _, name, params, before, _, actor, needs, power, guard, effects, behind = c
        decl = s.ActionDecl(
            _declared(name),
            params.items,
            _word(actor),
            needs.items,
            power.span is not None,
            self._maybe(guard),
            effects.items,
            _notes("action", before, behind),
            _over(c),
        )
        return self._one(c, decl)

    def constraint(self, c: list[Any]) -> Several:
        return self._one(c, s.ConstraintDecl(c[1], _notes("constraint", c[2]), _over(c)))

    def check(self, c: list[Any]) -> Several:
        _, name, args, alias, notes = c
        return self._one(c, s.CheckDecl(_word(name), args.items, self._maybe(alias), _notes("check", notes), _over(c)))

    def property(self, c: list[Any]) -> Several:
        _, name, params, before, binders, when, kind, body, behind = c
        decl = s.PropertyDecl(
            _declared(name),
            params.items,
            binders.items,
            self._maybe(when),
            cast('Literal["never", "always", "possible"]', str(kind)),
            body,
            _notes("property", before, behind),
            _over(c),
        )
        return self._one(c, decl)

    @staticmethod
    def _one(children: list[Any], declaration: s.Declaration) -> Several:
        return _several(children, (declaration,))

    @staticmethod
    def _maybe(found: Several) -> Any:
        return found.items[0] if found.items else None

    # Notes

    def notes(self, c: list[Any]) -> Several:
        return _several(c, c)

    def title(self, c: list[Any]) -> _Note:
        return _Note("title", _text(c[0]), _over(c))

    def text_note(self, c: list[Any]) -> _Note:
        return _Note(str(c[0]), _text(c[1]), _over(c))

    def word_note(self, c: list[Any]) -> _Note:
        return _Note(str(c[0]), _word(c[1]), _over(c))

    def number_note(self, c: list[Any]) -> _Note:
        return _Note(str(c[0]), _number(c[1]), _over(c))

    def value_note(self, c: list[Any]) -> _Note:
        value = _number(c[1]) if c[1].type == "NUMBER" else s.Ref(_word(c[1]), (), c[1].span)
        return _Note("value", (value, _text(c[2])), _over(c))

    # Parts of declarations

    def index(self, c: list[Any]) -> Several:
        return _several(c, map(_word, _tokens(c, "NAME")))

    def type(self, c: list[Any]) -> s.TypeExpr:
        return s.TypeExpr(tuple(map(_declared, _tokens(c, "NAME"))), _is(c[-1], "none"), _over(c))

    def slot(self, c: list[Any]) -> s.Binder:
        name, index, _, sort = c
        return s.Binder(_declared(name), _word(sort), _over(c), index.items)

    def part(self, c: list[Any]) -> s.IndexPart:
        if len(c) == 1:
            return s.IndexPart(None, _word(c[0]), _over(c))
        return s.IndexPart(_declared(c[0]), _word(c[2]), _over(c))

    def binder(self, c: list[Any]) -> s.Binder:
        return s.Binder(_declared(c[0]), _word(c[2]), _over(c))

    def _list(self, c: list[Any]) -> Several:
        return _several(c, _nodes(c))

    params = shape = parts = openings = starts = initial = binding = guard = arguments = where = refs_and = refs = _list

    def needs(self, c: list[Any]) -> Several:
        return _several(c, c[1].items if c else ())

    def power(self, c: list[Any]) -> Several:
        return _several(c, ())

    def then(self, c: list[Any]) -> Several:
        return _several(c, c[1].items if c else ())

    def alias(self, c: list[Any]) -> Several:
        return _several(c, [_declared(c[1])] if c else ())

    # Effects

    def effects(self, c: list[Any]) -> Several:
        return _several(c, (item for child in c for item in (child.items if isinstance(child, Several) else (child,))))

    def closed(self, c: list[Any]) -> Several:
        return _several(c, _nodes(c))

    def assign(self, c: list[Any]) -> s.AssignEffect:
        return s.AssignEffect(c[0], c[2], _over(c))

    def gains(self, c: list[Any]) -> s.GainsEffect:
        return s.GainsEffect(c[0], c[2], self._maybe(c[3]), _over(c))

    def gains_all(self, c: list[Any]) -> s.GainsAllEffect:
        return s.GainsAllEffect(c[0], c[4], _over(c))

    def loses(self, c: list[Any]) -> s.LosesEffect:
        return s.LosesEffect(c[0], c[2], _over(c))

    def becomes(self, c: list[Any]) -> s.BecomesEffect:
        return s.BecomesEffect(c[0], _nodes(c[1:]), self._maybe(c[-1]), _over(c))

    def clears(self, c: list[Any]) -> s.BecomesEffect:
        place = next(child for child in c if isinstance(child, s.Ref))
        return s.BecomesEffect(place, (), None, _over(c))

    def copies(self, c: list[Any]) -> s.CopiesEffect:
        return s.CopiesEffect(c[0], c[2], _over(c))

    def leaks(self, c: list[Any]) -> s.LeaksEffect:
        return s.LeaksEffect(c[1], self._maybe(c[2]), c[4].items, _over(c))

    def for_each(self, c: list[Any]) -> s.ForEffect:
        binders = tuple(child for child in c if isinstance(child, s.Binder))
        return s.ForEffect(binders, self._maybe(c[-2]), c[-1].items, _over(c))

    def choose(self, c: list[Any]) -> s.IfEffect:
        otherwise: tuple[s.Effect, ...] = ()
        if len(c) > 3:
            otherwise = (c[4],) if isinstance(c[4], s.IfEffect) else c[4].items
        return s.IfEffect(c[1], c[2].items, otherwise, _over(c))

    def block(self, c: list[Any]) -> Several:
        return _several(c, c[1].items if len(c) == 3 else ())

    def sources(self, c: list[Any]) -> Several:
        if not c:
            return _several(c, ())
        places = c[1].items if len(c) == 2 else ()
        return _several(c, [s.Sources(_is(c[0], "ideal"), places, _over(c))])

    # Expressions

    def ref(self, c: list[Any]) -> s.Ref:
        return s.Ref(_word(c[0]), _nodes(c), _over(c), len(c) > 1)

    def call(self, c: list[Any]) -> s.Call:
        return s.Call(_word(c[0]), _nodes(c), _over(c))

    def number(self, c: list[Any]) -> s.Number:
        return _number(c[0])

    def quoted(self, c: list[Any]) -> s.Quoted:
        return s.Quoted(unescape(str(c[0])), c[0].span)

    def parens(self, c: list[Any]) -> s.Expr:
        inner: s.Expr = c[1]
        return replace(inner, span=_over(c))

    def if_expr(self, c: list[Any]) -> s.IfExpr:
        return s.IfExpr(c[1], c[3], c[5], _over(c))

    def quantified(self, c: list[Any]) -> s.Quantified:
        binders = tuple(child for child in c if isinstance(child, s.Binder))
        kind: Literal["all", "some"] = "all" if _is(c[0], "all") else "some"
        return s.Quantified(kind, binders, self._maybe(c[-4]), c[-2], _over(c))

    def binary(self, c: list[Any]) -> s.Binary:
        return s.Binary(cast("Any", str(c[1])), c[0], c[2], _over(c))

    def chain(self, c: list[Any]) -> s.Expr:
        return _balanced("and" if _is(c[1], "and") else "or", _nodes(c))

    def unary(self, c: list[Any]) -> s.Unary:
        return s.Unary(cast("Any", str(c[0])), c[1], _over(c))

    def one_of(self, c: list[Any]) -> s.OneOf:
        return s.OneOf(c[0], _nodes(c[1:]), _over(c))

    def has(self, c: list[Any]) -> s.HasExpr:
        return s.HasExpr(_place(c[0], "`has`"), c[2], _over(c))

    def yields(self, c: list[Any]) -> s.YieldsExpr:
        places = tuple(_place(expr, "`yields`") for expr in _nodes(c[:-1]))
        return s.YieldsExpr(places, c[-1], _over(c))

    def recoverable(self, c: list[Any]) -> s.RecoverableExpr:
        if len(c) == 2:
            return s.RecoverableExpr(c[0], "anywhere", (), _over(c))
        mode: Literal["from", "except"] = "from" if _is(c[2], "from") else "except"
        places = (c[3],) if len(c) == 4 else c[4].items
        return s.RecoverableExpr(c[0], mode, places, _over(c))

    def knows(self, c: list[Any]) -> s.KnowsExpr:
        return s.KnowsExpr(c[2], _over(c))

    def did(self, c: list[Any]) -> s.DidExpr:
        args = tuple(child.items[0] for child in c if isinstance(child, Several))
        return s.DidExpr(_word(c[1]), args, _over(c), len(c) > 2)

    def did_argument(self, c: list[Any]) -> Several:
        return _several(c, [None if isinstance(c[0], Lexeme) else c[0]])
