"""Types of terms: atoms, keys, messages, and what functions make of them (R7)."""

from __future__ import annotations

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.contexts import Typing, short
from keyfate.language.symbols import Scope, did_you_mean

ARITIES: dict[t.Function, tuple[int, int | None]] = {
    "kdf": (1, None),
    "hash": (1, None),
    "mac": (2, None),
    "sign": (2, None),
    "enc": (2, 2),
    "seal": (2, 2),
    "wrap": (2, 2),
    "page": (3, 3),
    "aenc": (2, 2),
    "pub": (1, 1),
    "pair": (2, 2),
}
_FUNCTIONS: dict[str, t.Function] = {name: name for name in ARITIES}
LABELLED = {"kdf", "hash", "mac", "sign"}

SHAPES = {
    "kdf": 'as in `kdf("label", key, context)`',
    "hash": "as in `hash(m)`",
    "mac": "as in `mac(k, m)`",
    "sign": "as in `sign(k, m)`",
    "enc": "as in `enc(k, m)`",
    "seal": "as in `seal(k, m)`",
    "wrap": "as in `wrap(k, m)`",
    "page": "as in `page(k, address, m)`",
    "aenc": "as in `aenc(pub(k), m)`",
    "pub": "as in `pub(k)`",
    "pair": "as in `pair(a, b)`",
}


class Terms(Typing):
    """The rules of terms."""

    def term(self, expr: s.Expr, scope: Scope) -> t.TermExpr:
        match expr:
            case s.Call():
                return self._call(expr, scope)
            case s.IfExpr():
                with self.turned(0):
                    condition = self.condition(expr.condition, scope)
                return t.IfTerm(condition, self.term(expr.then, scope), self.term(expr.otherwise, scope))
            case s.Ref():
                word = expr.name.text
                if word in scope.variables and not expr.bracketed:
                    param, type = scope.variables[word]
                    if type.message is not None:
                        return t.MessageVar(param.name)
                else:
                    entity = self.meaning(word, scope)
                    if entity is None:
                        raise self.unknown(expr.name, scope)
                    if entity.kind in ("secret", "public"):
                        args = self.args(expr, entity, scope, optional=True)
                        return t.AtomTerm(entity.name, args, entity.kind == "public")
                    if entity.body_kind == "term":
                        body = self.expand(expr, entity, scope)
                        assert isinstance(body, t.TermExpr), "body_kind says so"
                        return body
        raise self.reporter.stop(
            "KF212",
            f"`{short(expr)}` is a {self.kind(expr, scope)}, but a term is needed here",
            expr.span,
            help="terms are secrets, publics, keys, messages, and what functions such as `enc(k, m)` make of them",
        )

    def _call(self, expr: s.Call, scope: Scope) -> t.TermExpr:
        word = expr.function.text
        name = _FUNCTIONS.get(word)
        if name is None:
            entity = self.table.find(word, scope)
            help = did_you_mean(word, _FUNCTIONS)
            if entity is not None and entity.index:
                help = f"an index stands in brackets: `{word}[…]`"
            raise self.reporter.stop(
                "KF202",
                f"unknown function `{word}`",
                expr.function.span,
                help=help or f"functions: {', '.join(ARITIES)}",
            )
        args, label = expr.args, None
        if args and isinstance(args[0], s.Quoted):
            if name not in LABELLED:
                raise self.reporter.stop("KF215", f"`{name}` takes no label", args[0].span, help="drop the string")
            label, args = args[0].text, args[1:]
        if name == "kdf" and label is None:
            raise self.reporter.stop(
                "KF215",
                "a `kdf` needs a label first",
                expr.span,
                help='as in `kdf("td-key", seed, measurement)`: the label keeps two derivations apart',
            )
        low, high = ARITIES[name]
        if len(args) < low or (high is not None and len(args) > high):
            wanted = str(low) if low == high else f"at least {low}"
            raise self.reporter.stop(
                "KF215", f"`{name}` takes {wanted} term(s), here are {len(args)}", expr.span, help=SHAPES[name]
            )
        terms = tuple(self.term(arg, scope) for arg in args)
        if name == "page" and not _public(terms[1]):
            raise self.reporter.stop(
                "KF216",
                f"the address `{args[1].span.text}` of a `page` is not public",
                args[1].span,
                help="the address is made of `public` terms only: whoever has the memory has its addresses",
            )
        if name == "aenc" and not (isinstance(terms[0], t.Apply) and terms[0].function == "pub"):
            raise self.reporter.stop(
                "KF216",
                f"`{args[0].span.text}` is not a public key",
                args[0].span,
                help="`aenc(pub(k), m)` encrypts to the public key of `k`",
            )
        return t.Apply(name, label, terms)


def _public(term: t.TermExpr) -> bool:
    match term:
        case t.AtomTerm():
            return term.public
        case t.Apply():
            return all(_public(a) for a in term.args)
        case t.IfTerm():
            return _public(term.then) and _public(term.otherwise)
        case t.Existing():
            return _public(term.term)
    return False
