"""Names that are declared and do nothing, as the text alone tells: keys, defs, messages, parameters, shapes.

Keys and defs are expanded by typing, so what uses one can only be seen in what was written.
Only the lifecycle's own file is spoken of: an included fragment serves several lifecycles, and what one of
them leaves unused another needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from keyfate.language import syntax as s
from keyfate.language.declaring import Placed
from keyfate.language.source import Diagnostic, Label, Span
from keyfate.language.symbols import KINDS

Family = s.DefDecl | s.MessageDecl
_LEAVES = (s.Word, s.Text, s.Number, s.Quoted, Span, str, int, type(None))


def unused(placed: Iterable[Placed]) -> tuple[Diagnostic, ...]:
    """KF310 for a key, def or message that nothing uses, KF311 for a variable, KF314 for a shape."""
    text = _Text(placed)
    found = (*text.families_unused(), *text.shapes_unused(), *text.variables_unused())
    return tuple(sorted(found, key=lambda d: d.span.start))


class _Text:
    """Every declaration, what is in it, and what names mean there."""

    def __init__(self, placed: Iterable[Placed]) -> None:
        self.walked = [(item, tuple(_nodes(item.declaration))) for item in placed]
        self.families = {
            item.prefix + item.declaration.name.text: (item.prefix, item.declaration, _named(nodes))
            for item, nodes in self.walked
            if isinstance(item.declaration, Family)
        }
        self.shapes = {
            item.prefix + item.declaration.name.text: (item.prefix, item.declaration)
            for item, _ in self.walked
            if isinstance(item.declaration, s.PropertyDecl) and item.declaration.params
        }
        checks = ((i.prefix, i.declaration) for i, _ in self.walked if isinstance(i.declaration, s.CheckDecl))
        named = (_find(decl.property.text, prefix, self.shapes) for prefix, decl in checks)
        self.applied = frozenset(name for name in named if name is not None)

    def families_unused(self) -> Iterator[Diagnostic]:
        pending = [name for item, nodes in self.walked for name in self._asked_for(item, nodes)]
        users: dict[str, list[Label]] = {name: [] for name in self.families}
        uses: dict[str, list[str]] = {}
        for name, (prefix, decl, words) in self.families.items():
            uses[name] = self._meant(prefix, words)
            for used in uses[name]:
                users[used].append(Label(decl.name.span, "this uses it, and is used by nothing"))
        live: set[str] = set()
        while pending:
            name = pending.pop()
            if name not in live:
                live.add(name)
                pending.extend(uses[name])
        for name, (prefix, decl, _) in self.families.items():
            if name not in live and not prefix:
                message = isinstance(decl, s.MessageDecl)
                help = "let a parameter of an attacker's action range over it, or take it out" if message else ""
                kind = "message" if isinstance(decl, s.MessageDecl) else decl.kind
                yield nothing_uses(kind, name, decl.name.span, tuple(users[name]), help)

    def _asked_for(self, item: Placed, nodes: Iterable[object]) -> list[str]:
        """The keys, defs and messages that a declaration of another kind uses."""
        decl = item.declaration
        if isinstance(decl, Family):
            return []
        if isinstance(decl, s.PropertyDecl) and decl.params:
            if item.prefix + decl.name.text not in self.applied:
                return []  # nobody asks it
            given = frozenset(param.name.text for param in decl.params)
            return self._meant(item.prefix, _named(nodes) - given)
        return self._meant(item.prefix, _named(nodes))

    def _meant(self, prefix: str, words: Iterable[str]) -> list[str]:
        found = (_find(word, prefix, self.families) for word in words)
        return [name for name in found if name is not None]

    def shapes_unused(self) -> Iterator[Diagnostic]:
        for name, (prefix, decl) in self.shapes.items():
            if name not in self.applied and not prefix:
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
        for item, nodes in self.walked:
            if item.prefix:
                continue
            match decl := item.declaration:
                case s.DefDecl(body=s.Ref(name=s.Word(text="true" | "false"))):
                    pass  # what a shape asks for with an index, and this lifecycle never or always has
                case s.DefDecl() | s.MessageDecl():
                    what = "message" if isinstance(decl, s.MessageDecl) else decl.kind
                    yield from _unused(decl.params, (decl.body,), f"the {what} `{decl.name.text}`", _DROP)
                case s.ActionDecl():
                    positions = asked.get(decl.name.text, frozenset())
                    params = [b for n, b in enumerate(decl.params) if n not in positions]
                    body = (decl.needs, decl.guard, decl.effects)
                    yield from _unused(params, body, f"the action `{decl.name.text}`", _DROP)
                case s.PlaceDecl() | s.StateDecl():
                    used = _named(_nodes(decl.starts if isinstance(decl, s.PlaceDecl) else decl.initial))
                    for part in decl.index:
                        if part.name is not None and part.name.text not in used:
                            help = f"name the sort alone: `[{part.sort.text}]`"
                            yield _unused_variable(part.name, f"`{decl.name.text}`", help)
                case s.PropertyDecl():
                    where = f"the property `{decl.name.text}`"
                    yield from _unused(decl.binders, (decl.when, decl.body), where, _DROP)
                    yield from _unused(decl.params, (decl.binders, decl.when, decl.body), where, _DROP)
            for node in nodes:
                if isinstance(node, s.Quantified):
                    yield from _unused(node.binders, (node.where, node.body), f"this `{node.kind}`", _DROP)
                elif isinstance(node, s.ForEffect):
                    yield from _unused(node.binders, (node.where, node.body), "this `for`", _DROP)

    def _asked(self) -> Mapping[str, frozenset[int]]:
        """By action of the own file, the parameters that some `did A[…]` tells instances apart by."""
        found: dict[str, set[int]] = {}
        for _, nodes in self.walked:
            for node in nodes:
                if isinstance(node, s.DidExpr):
                    positions = (n for n, arg in enumerate(node.args) if arg is not None)
                    found.setdefault(node.action.text, set()).update(positions)
        return {name: frozenset(positions) for name, positions in found.items()}


_DROP = "drop it, or use it: as it is, it only multiplies what is looked at"


def nothing_uses(kind: str, name: str, span: Span, labels: tuple[Label, ...] = (), help: str = "") -> Diagnostic:
    """The warning about a declaration that could as well be missing."""
    what = KINDS[kind].removeprefix("a ").removeprefix("an ").removesuffix(" family")
    return Diagnostic("KF310", f"nothing uses the {what} `{name}`", span, labels, help or "take it out", "warning")


def _named(nodes: Iterable[object]) -> frozenset[str]:
    """The names in expressions, and of sorts that variables range over; not what is declared."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, s.Ref):
            found.add(node.name.text)
        elif isinstance(node, s.Binder):
            found.add(node.sort.text)
    return frozenset(found)


def _nodes(node: object) -> Iterator[object]:
    """`node` and everything below it. Walks without recursion."""
    pending = [node]
    while pending:
        present = pending.pop()
        if isinstance(present, tuple):
            pending.extend(present)
        elif isinstance(present, s.Notes):
            pending.extend(expr for expr, _ in present.values)
        elif not isinstance(present, _LEAVES):
            yield present
            pending.extend(vars(present).values())


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
    used = _named(_nodes(inside)) if listed else frozenset()
    for binder in listed:
        if binder.name.text not in used:
            yield _unused_variable(binder.name, where, help)


def _unused_variable(word: s.Word, where: str, help: str) -> Diagnostic:
    return Diagnostic("KF311", f"{where} does not use its `{word.text}`", word.span, help=help, severity="warning")
