"""Names that are declared and do nothing, as the text alone tells: keys, defs, messages, parameters, shapes.

Keys and defs are expanded by typing, so what uses one can only be seen in what was written.
Only the lifecycle's own file is spoken of: an included fragment serves several lifecycles, and what one of
them leaves unused another needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from keyfate.language import syntax as s
from keyfate.language.declaring import Placed
from keyfate.language.source import Diagnostic, Label, Span
from keyfate.language.symbols import KINDS

Family = s.DefDecl | s.MessageDecl


def unused(placed: Iterable[Placed]) -> tuple[Diagnostic, ...]:
    """KF310 for a key, def or message that nothing uses, KF311 for a variable, KF314 for a shape."""
    text = _Text(tuple(placed))
    found = (*text.families_unused(), *text.shapes_unused(), *text.variables_unused())
    return tuple(sorted(found, key=lambda d: d.span.start))


@dataclass(frozen=True)
class _Text:
    """Every declaration, and what names mean in it."""

    placed: tuple[Placed, ...]

    @property
    def own(self) -> Iterator[s.Declaration]:
        return (item.declaration for item in self.placed if not item.prefix)

    def families(self) -> Mapping[str, Placed]:
        return {i.prefix + i.declaration.name.text: i for i in self.placed if isinstance(i.declaration, Family)}

    def shapes(self) -> Mapping[str, Placed]:
        """Properties with parameters."""
        return {
            i.prefix + i.declaration.name.text: i
            for i in self.placed
            if isinstance(i.declaration, s.PropertyDecl) and i.declaration.params
        }

    def applied(self) -> frozenset[str]:
        """The shapes that a `check` applies."""
        shapes = self.shapes()
        checks = ((i.prefix, i.declaration) for i in self.placed if isinstance(i.declaration, s.CheckDecl))
        named = (_find(decl.property.text, prefix, shapes) for prefix, decl in checks)
        return frozenset(name for name in named if name is not None)

    def families_unused(self) -> Iterator[Diagnostic]:
        families, applied = self.families(), self.applied()
        users: dict[str, list[Family]] = {name: [] for name in families}
        pending: list[str] = []
        for item in self.placed:
            decl = item.declaration
            bound: frozenset[str] = frozenset()
            if isinstance(decl, s.PropertyDecl) and decl.params:
                if item.prefix + decl.name.text not in applied:
                    continue  # nobody asks it
                bound = frozenset(param.name.text for param in decl.params)  # what `check` gives
            named = (_find(name, item.prefix, families) for name in mentions(decl) - bound)
            used = [name for name in named if name is not None]
            if isinstance(decl, Family):
                for name in used:
                    users[name].append(decl)
            else:
                pending.extend(used)
        live: set[str] = set()
        while pending:
            name = pending.pop()
            if name in live:
                continue
            live.add(name)
            item = families[name]
            named = (_find(word, item.prefix, families) for word in mentions(item.declaration))
            pending.extend(word for word in named if word is not None)
        for name, item in families.items():
            decl = item.declaration
            assert isinstance(decl, Family)
            if name not in live and not item.prefix:
                kind = "message" if isinstance(decl, s.MessageDecl) else decl.kind
                yield nothing_uses(
                    kind,
                    name,
                    decl.name.span,
                    tuple(Label(user.name.span, "this uses it, and is used by nothing") for user in users[name]),
                    "take it out, or use it"
                    if kind != "message"
                    else "give an attacker's action a parameter that ranges over it, or take it out",
                )

    def shapes_unused(self) -> Iterator[Diagnostic]:
        applied = self.applied()
        for name, item in self.shapes().items():
            decl = item.declaration
            assert isinstance(decl, s.PropertyDecl)
            if name not in applied and not item.prefix:
                given = ", ".join(param.name.text for param in decl.params)
                yield Diagnostic(
                    "KF314",
                    f"the property `{name}` has parameters, and no `check` applies it",
                    decl.name.span,
                    help=f"it asks nothing: apply it to names of the lifecycle, as in `check {name}({given})`",
                    severity="warning",
                )

    def variables_unused(self) -> Iterator[Diagnostic]:
        asked = self._asked()
        for decl in self.own:
            match decl:
                case s.DefDecl() | s.MessageDecl():
                    what = "message" if isinstance(decl, s.MessageDecl) else decl.kind
                    yield from _unused(decl.params, (decl.body,), f"the {what} `{decl.name.text}`", _DROP)
                case s.ActionDecl():
                    positions = asked.get(decl.name.text, frozenset())
                    params = [b for n, b in enumerate(decl.params) if n not in positions]
                    body = (decl.needs, decl.guard, decl.effects)
                    yield from _unused(params, body, f"the action `{decl.name.text}`", _DROP)
                case s.PlaceDecl() | s.StateDecl():
                    used = mentions(decl.starts if isinstance(decl, s.PlaceDecl) else decl.initial)
                    for part in decl.index:
                        if part.name is not None and part.name.text not in used:
                            help = f"name the sort alone: `[{part.sort.text}]`"
                            yield _unused_variable(part.name, f"`{decl.name.text}`", help)
                case s.PropertyDecl():
                    where = f"the property `{decl.name.text}`"
                    yield from _unused(decl.binders, (decl.when, decl.body), where, _DROP)
                    yield from _unused(decl.params, (decl.binders, decl.when, decl.body), where, _DROP)
            for node in _nodes(decl):
                if isinstance(node, s.Quantified):
                    yield from _unused(node.binders, (node.where, node.body), f"this `{node.kind}`", _DROP)
                elif isinstance(node, s.ForEffect):
                    yield from _unused(node.binders, (node.where, node.body), "this `for`", _DROP)

    def _asked(self) -> Mapping[str, frozenset[int]]:
        """By action of the own file, the parameters that some `did A[…]` tells instances apart by."""
        found: dict[str, set[int]] = {}
        for item in self.placed:
            for node in _nodes(item.declaration):
                if isinstance(node, s.DidExpr):
                    positions = (n for n, arg in enumerate(node.args) if arg is not None)
                    found.setdefault(node.action.text, set()).update(positions)
        return {name: frozenset(positions) for name, positions in found.items()}


_DROP = "drop it, or use it: as it is, it only multiplies what is looked at"


def nothing_uses(kind: str, name: str, span: Span, labels: tuple[Label, ...] = (), help: str = "") -> Diagnostic:
    """The warning about a declaration that could as well be missing."""
    what = KINDS[kind].removeprefix("a ").removeprefix("an ").removesuffix(" family")
    return Diagnostic("KF310", f"nothing uses the {what} `{name}`", span, labels, help or "take it out", "warning")


def mentions(node: object) -> frozenset[str]:
    """The names in expressions and of sorts that are used below `node`; what it declares is not among them."""
    found: set[str] = set()
    for part in _nodes(node):
        if isinstance(part, s.Ref):
            found.add(part.name.text)
        elif isinstance(part, s.Binder):
            found.add(part.sort.text)
    return frozenset(found)


def _nodes(node: object) -> Iterator[object]:
    """`node` and everything below it. Walks without recursion."""
    pending = [node]
    while pending:
        present = pending.pop()
        if isinstance(present, tuple):
            pending.extend(present)
        elif hasattr(present, "span"):
            yield present
            pending.extend(v for v in vars(present).values() if not isinstance(v, str | Span))
        elif isinstance(present, s.Notes):
            pending.extend(expr for expr, _ in present.values)


def _find(name: str, prefix: str, known: Mapping[str, object]) -> str | None:
    """What `name` means behind `prefix`: the include's own, then outward."""
    while True:
        if prefix + name in known:
            return prefix + name
        if not prefix:
            return None
        prefix = prefix[: prefix.rstrip(".").rfind(".") + 1]


def _unused(binders: Iterable[s.Binder], inside: object, where: str, help: str) -> Iterator[Diagnostic]:
    listed = tuple(binders)
    used = mentions(inside) if listed else frozenset()
    for binder in listed:
        if binder.name.text not in used:
            yield _unused_variable(binder.name, where, help)


def _unused_variable(word: s.Word, where: str, help: str) -> Diagnostic:
    return Diagnostic("KF311", f"{where} does not use its `{word.text}`", word.span, help=help, severity="warning")
