"""Properties: the lifecycle's own, and shared ones applied by `check` lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import cast, get_args

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.declaring import Placed
from keyfate.language.expressions import Typer
from keyfate.language.rules import judge
from keyfate.language.source import Label, Span
from keyfate.language.symbols import KINDS, Entity, Scope, UntypedError, ValueType, did_you_mean

# What a parameter of a shared property may be given.
ACCEPTS: dict[str, frozenset[str]] = {
    "secret": frozenset({"secret"}),
    "public": frozenset({"public"}),
    "key": frozenset({"key"}),
    "message": frozenset({"message"}),
    "term": frozenset({"secret", "public", "key", "message", "term"}),
    "condition": frozenset({"condition"}),
    "place": frozenset({"place"}),
    "sort": frozenset({"sort"}),
}


class PropertyTyper:
    """Types properties; `library` gives the shared ones by name, read only when one is needed."""

    def __init__(self, typer: Typer, library: Callable[[], Mapping[str, Placed]]) -> None:
        self.typer = typer
        self.reporter = typer.reporter
        self.table = typer.table
        self.library = cache(library)  # one lifecycle's checks read the shared files once
        self.properties: dict[str, t.Property] = {}

    def own(self, placed: Placed) -> None:
        """A property without parameters checks itself."""
        decl = placed.declaration
        assert isinstance(decl, s.PropertyDecl)
        if not decl.params:
            self._add(decl, placed.scope, placed.prefix + decl.name.text, {}, decl.notes, decl.name.span)

    def check(self, placed: Placed, local: Mapping[str, Placed]) -> None:
        """`check NAME(args) as alias`."""
        decl = placed.declaration
        assert isinstance(decl, s.CheckDecl)
        shape = self._shape(decl, placed, local)
        template = shape.declaration
        assert isinstance(template, s.PropertyDecl)
        if len(decl.args) != len(template.params):
            listed = ", ".join(p.span.text for p in template.params)
            raise self.reporter.stop(
                "KF250",
                f"`{decl.property.text}` takes {len(template.params)} argument(s), here are {len(decl.args)}",
                decl.span,
                help=f"its parameters: `{listed}`" if listed else "it takes none, and checks itself",
            )
        aliases: dict[str, Entity] = {}
        shown: dict[str, str] = {}
        for param, arg in zip(template.params, decl.args, strict=True):
            aliases[param.name.text] = self._argument(param, arg, placed.scope, aliases)
            shown[param.name.text] = " ".join(arg.span.text.split())
        name = placed.prefix + (decl.alias or decl.property).text
        with self.reporter.because(Label(decl.span, "checked here")):
            scope = Scope(shape.prefix, aliases=aliases)
            self._add(template, scope, name, shown, decl.notes, decl.span)

    def _shape(self, decl: s.CheckDecl, placed: Placed, local: Mapping[str, Placed]) -> Placed:
        name = decl.property.text
        found = local.get(placed.prefix + name) or local.get(name)
        if found is None:
            shared = self.library()
            found = shared.get(name)
            if found is None:
                raise self.reporter.stop(
                    "KF202",
                    f"unknown property `{name}`",
                    decl.property.span,
                    help=did_you_mean(name, [*local, *shared]) or "shared properties are in `properties/`",
                )
        return found

    def _argument(self, param: s.Binder, arg: s.Expr, scope: Scope, aliases: dict[str, Entity]) -> Entity:
        kind = param.sort.text
        accepted = ACCEPTS.get(kind)
        if accepted is None:
            raise self.reporter.stop(
                "KF251",
                f"unknown kind of parameter `{kind}`",
                param.sort.span,
                help=f"parameters are: {', '.join(ACCEPTS)}",
            )
        entity = None
        if isinstance(arg, s.Ref) and not arg.bracketed:
            entity = self.typer.meaning(arg.name.text, scope)
            if entity is None and arg.name.text not in ("true", "false"):
                raise self.typer.unknown(arg.name, scope)
        if entity is None or (entity.kind in ("state", "control") and kind == "condition"):
            entity = self._inline(param, arg, scope)
        given = entity.body_kind if entity.kind == "def" else entity.kind
        if given not in accepted:
            raise self.reporter.stop(
                "KF252",
                f"`{arg.span.text}` is {KINDS.get(given, f'a {given}')}, but `{param.name.text}` is a {kind}",
                arg.span,
                help=f"`{param.span.text}` takes {' or '.join(KINDS.get(a, f'a {a}') for a in sorted(accepted))}",
                labels=(Label(param.span, "the parameter"),),
            )
        if entity.kind == "sort":
            return entity
        if len(entity.index) != len(param.index):
            raise self.reporter.stop(
                "KF253",
                f"`{arg.span.text}` has {len(entity.index)} index(es), `{param.span.text}` has {len(param.index)}",
                arg.span,
                help="give a name with as many indices, as a `def` or a `key`",
                labels=(Label(param.span, "the parameter"),),
            )
        for word, index in zip(param.index, entity.index, strict=True):
            self._unify(word, index, arg, aliases)
        return entity

    def _unify(self, word: s.Word, index: ValueType, arg: s.Expr, aliases: dict[str, Entity]) -> None:
        known = aliases.get(word.text) or self.table.entities.get(("", word.text))
        if known is None:
            aliases[word.text] = Entity("sort", index.label, word.span, type=index)
        elif known.type is None or not known.type.accepts(index):
            raise self.reporter.stop(
                "KF253",
                f"`{arg.span.text}` is indexed by `{index.label}`, but `{word.text}` is `{known.name}` here",
                arg.span,
                help="the arguments' indices must be of the same sorts",
                labels=(Label(word.span, "the parameter's index"),),
            )

    def _inline(self, param: s.Binder, arg: s.Expr, scope: Scope) -> Entity:
        """An expression given where the parameter has no index."""
        with self.typer.collecting() as uses:
            if param.sort.text == "condition":
                body: t.Condition | t.TermExpr = self.typer.condition(arg, scope)
                kind = "condition"
            else:
                body = self.typer.term(arg, scope)
                kind = "term"
        return Entity("def", param.name.text, arg.span, body=body, body_kind=kind, uses=tuple(uses))

    def _add(
        self, decl: s.PropertyDecl, scope: Scope, name: str, shown: Mapping[str, str], notes: s.Notes, at: Span
    ) -> None:
        other = self.properties.get(name)
        if other is not None:
            raise self.reporter.stop(
                "KF201",
                f"the property `{name}` is checked twice",
                at,
                labels=(Label(other.check_span, "first here"),),
                help="name this one apart: `check … as other_name`",
            )
        binders, inner = self.typer.bind(decl.binders, scope)
        when = None
        with self.typer.collecting() as uses:
            if decl.when is not None:
                with self.typer.turned(0 if decl.kind == "possible" else 1):
                    when = self.typer.condition(decl.when, inner)
            body = self.typer.condition(decl.body, inner)
        judge(uses, decl.kind, self.reporter)
        if decl.kind == "possible" and decl.when is not None:
            self.reporter.report("KF254", "`possible` has no `when`", decl.when.span, help="write `possible P and E`")

        def fill(text: s.Text | None) -> str:
            words = "" if text is None else text.text
            for key, value in shown.items():
                words = words.replace(f"{{{key}}}", value)
            return words

        severity = notes.severity or decl.notes.severity
        level = severity.text if severity is not None else "high"
        if level not in get_args(t.Level):
            assert severity is not None
            raise self.reporter.stop(
                "KF255",
                f"unknown severity `{level}`",
                severity.span,
                help=f"severities: {', '.join(get_args(t.Level))}",
            )
        self.properties[name] = t.Property(
            name=name,
            binders=binders,
            kind=decl.kind,
            when=when,
            body=body,
            severity=cast("t.Level", level),
            text=fill(notes.title or decl.notes.title),
            holds=fill(notes.holds or decl.notes.holds),
            broken=fill(notes.broken or decl.notes.broken),
            template=decl.name.text,
            span=decl.span,
            check_span=at,
        )

    def all(self, placed: tuple[Placed, ...]) -> tuple[t.Property, ...]:
        """Every property of the lifecycle, in the order written."""
        local: dict[str, Placed] = {}
        for item in placed:
            if isinstance(item.declaration, s.PropertyDecl):
                local.setdefault(item.prefix + item.declaration.name.text, item)
        for item in placed:
            try:
                if isinstance(item.declaration, s.PropertyDecl):
                    self.own(item)
                elif isinstance(item.declaration, s.CheckDecl):
                    self.check(item, local)
            except UntypedError:
                continue
        return tuple(self.properties.values())
