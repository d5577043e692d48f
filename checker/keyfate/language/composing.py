"""Effects and expressions out of what the grammar recognises, and the tools to build any node.

One method for each rule of grammar.lark, called bottom-up by the parser; it
keeps no state. What the grammar is too coarse to refuse is refused here by
`MisplacedError`.
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
_OWN = EXPRESSION_KEYWORDS | {"attacker", "true", "false", "none", "any", "_"}


class MisplacedError(Exception):
    """Something that stands where the grammar allows it and the language does not."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class Lexeme(Token):
    """A token that knows its span."""

    span: Span


def lexeme(kind: str, text: str, span: Span) -> Lexeme:
    """A token of grammar.lark's terminal `kind`."""
    token = Lexeme(kind, text)
    token.span = span
    return token


@dataclass(frozen=True)
class Several:
    """What a rule for a list found; without a span if it found nothing."""

    items: tuple[Any, ...]
    span: Span | None


def over(children: Sequence[Any]) -> Span:
    """From the first to the last of what a rule matched."""
    spans = [child.span for child in children if child.span is not None]
    return Span(spans[0].source, spans[0].start, spans[-1].end)


def refuse(code: str, message: str, span: Span, help_: str | None, labels: tuple[Label, ...] = ()) -> NoReturn:
    """Ends the declaration with this error."""
    raise MisplacedError(Diagnostic(code, message, span, labels, help_))


def word_of(token: Lexeme) -> s.Word:
    """The word as a node."""
    return s.Word(str(token), token.span)


def declared_word(token: Lexeme) -> s.Word:
    """The word as a node, where it is given a meaning: no word of the language, no dot."""
    if token in _OWN or token in DECLARATIONS:
        refuse("KF107", f"`{token}` is a word of the language and cannot be a name", token.span, "choose another name")
    if "." in token:
        refuse(
            "KF107",
            f"`{token}` cannot be declared: a name with a dot belongs to an `include`",
            token.span,
            "a dot stands only where a name of an included file is used",
        )
    return word_of(token)


def text_of(token: Lexeme) -> s.Text:
    """The text in quotes as a node, its escapes resolved."""
    return s.Text(unescape(str(token)), token.span)


def number_of(token: Lexeme) -> s.Number:
    """The number as a node."""
    return s.Number(int(token), token.span)


def tokens_of(children: Iterable[Any], kind: str) -> list[Lexeme]:
    """The tokens of one kind among what a rule matched."""
    return [child for child in children if isinstance(child, Lexeme) and child.type == kind]


def is_written(child: Any, text: str) -> bool:
    """Whether this is the token for that keyword or mark."""
    return isinstance(child, Lexeme) and child.type != "STRING" and child == text


def nodes_of(children: Iterable[Any]) -> tuple[Any, ...]:
    """The nodes among what a rule matched."""
    return tuple(child for child in children if not isinstance(child, (Lexeme, Several)))


def several(children: Sequence[Any], items: Iterable[Any]) -> Several:
    """These items, which a rule found in `children`."""
    return Several(tuple(items), over(children) if children else None)


def place_of(expr: s.Expr, where: str) -> s.Ref:
    """The expression in front of `where`, which must be a place."""
    if isinstance(expr, s.Ref):
        return expr
    refuse("KF110", f"{where} is about places, and this is no place", expr.span, "name a place: `disk` or `disk[p]`")


def maybe(found: Several) -> Any:
    """What a rule found that may find nothing."""
    return found.items[0] if found.items else None


def _balanced(operator: Literal["and", "or"], operands: Sequence[s.Expr]) -> s.Expr:
    """A long chain as a shallow tree: `and` and `or` are associative."""
    if len(operands) == 1:
        return operands[0]
    middle = (len(operands) + 1) // 2
    left, right = _balanced(operator, operands[:middle]), _balanced(operator, operands[middle:])
    return s.Binary(operator, left, right, over((left, right)))


class Composer(Transformer[Lexeme, Any]):
    """Each method takes what its rule matched, in order, keywords and marks included."""

    def _list(self, c: list[Any]) -> Several:
        return several(c, nodes_of(c))

    where = refs_and = refs = _list

    # Effects

    def effects(self, c: list[Any]) -> Several:
        return several(c, (item for child in c for item in (child.items if isinstance(child, Several) else (child,))))

    def closed(self, c: list[Any]) -> Several:
        return several(c, nodes_of(c))

    def assign(self, c: list[Any]) -> s.AssignEffect:
        return s.AssignEffect(c[0], c[2], over(c))

    def gains(self, c: list[Any]) -> s.GainsEffect:
        return s.GainsEffect(c[0], c[2], maybe(c[3]), over(c))

    def gains_all(self, c: list[Any]) -> s.GainsAllEffect:
        return s.GainsAllEffect(c[0], c[4], over(c))

    def loses(self, c: list[Any]) -> s.LosesEffect:
        return s.LosesEffect(c[0], c[2], over(c))

    def becomes(self, c: list[Any]) -> s.BecomesEffect:
        return s.BecomesEffect(c[0], nodes_of(c[1:]), maybe(c[-1]), over(c))

    def clears(self, c: list[Any]) -> s.BecomesEffect:
        place = next(child for child in c if isinstance(child, s.Ref))
        return s.BecomesEffect(place, (), None, over(c))

    def copies(self, c: list[Any]) -> s.CopiesEffect:
        return s.CopiesEffect(c[0], c[2], over(c))

    def leaks(self, c: list[Any]) -> s.LeaksEffect:
        return s.LeaksEffect(c[1], maybe(c[2]), c[4].items, over(c))

    def for_each(self, c: list[Any]) -> s.ForEffect:
        binders = tuple(child for child in c if isinstance(child, s.Binder))
        return s.ForEffect(binders, maybe(c[-2]), c[-1].items, over(c))

    def choose(self, c: list[Any]) -> s.IfEffect:
        otherwise: tuple[s.Effect, ...] = ()
        if len(c) > 3:
            otherwise = (c[4],) if isinstance(c[4], s.IfEffect) else c[4].items
        return s.IfEffect(c[1], c[2].items, otherwise, over(c))

    def block(self, c: list[Any]) -> Several:
        return several(c, c[1].items if len(c) == 3 else ())

    def sources(self, c: list[Any]) -> Several:
        if not c:
            return several(c, ())
        places = c[1].items if len(c) == 2 else ()
        return several(c, [s.Sources(is_written(c[0], "ideal"), places, over(c))])

    # Expressions

    def ref(self, c: list[Any]) -> s.Ref:
        return s.Ref(word_of(c[0]), nodes_of(c), over(c), len(c) > 1)

    def call(self, c: list[Any]) -> s.Call:
        return s.Call(word_of(c[0]), nodes_of(c), over(c))

    def number(self, c: list[Any]) -> s.Number:
        return number_of(c[0])

    def quoted(self, c: list[Any]) -> s.Quoted:
        return s.Quoted(unescape(str(c[0])), c[0].span)

    def parens(self, c: list[Any]) -> s.Expr:
        inner: s.Expr = c[1]
        return replace(inner, span=over(c))

    def if_expr(self, c: list[Any]) -> s.IfExpr:
        return s.IfExpr(c[1], c[3], c[5], over(c))

    def quantified(self, c: list[Any]) -> s.Quantified:
        binders = tuple(child for child in c if isinstance(child, s.Binder))
        kind: Literal["all", "some"] = "all" if is_written(c[0], "all") else "some"
        return s.Quantified(kind, binders, maybe(c[-4]), c[-2], over(c))

    def binary(self, c: list[Any]) -> s.Binary:
        return s.Binary(cast("Any", str(c[1])), c[0], c[2], over(c))

    def chain(self, c: list[Any]) -> s.Expr:
        return _balanced("and" if is_written(c[1], "and") else "or", nodes_of(c))

    def unary(self, c: list[Any]) -> s.Unary:
        return s.Unary(cast("Any", str(c[0])), c[1], over(c))

    def one_of(self, c: list[Any]) -> s.OneOf:
        return s.OneOf(c[0], nodes_of(c[1:]), over(c))

    def has(self, c: list[Any]) -> s.HasExpr:
        return s.HasExpr(place_of(c[0], "`has`"), c[2], over(c))

    def yields(self, c: list[Any]) -> s.YieldsExpr:
        places = tuple(place_of(expr, "`yields`") for expr in nodes_of(c[:-1]))
        return s.YieldsExpr(places, c[-1], over(c))

    def recoverable(self, c: list[Any]) -> s.RecoverableExpr:
        if len(c) == 2:
            return s.RecoverableExpr(c[0], "anywhere", (), over(c))
        mode: Literal["from", "except"] = "from" if is_written(c[2], "from") else "except"
        places = (c[3],) if len(c) == 4 else c[4].items
        return s.RecoverableExpr(c[0], mode, places, over(c))

    def knows(self, c: list[Any]) -> s.KnowsExpr:
        return s.KnowsExpr(c[2], over(c))

    def did(self, c: list[Any]) -> s.DidExpr:
        args = tuple(child.items[0] for child in c if isinstance(child, Several))
        return s.DidExpr(word_of(c[1]), args, over(c), len(c) > 2)

    def did_argument(self, c: list[Any]) -> Several:
        return several(c, [None if isinstance(c[0], Lexeme) else c[0]])
