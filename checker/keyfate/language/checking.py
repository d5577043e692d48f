"""From syntax trees to a checked lifecycle: names, sorts, types, and where what may stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar, cast, get_args

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.declaring import Declarer, Placed
from keyfate.language.effects import EffectTyper, capabilities
from keyfate.language.expressions import Typer
from keyfate.language.properties import PropertyTyper
from keyfate.language.rules import judge
from keyfate.language.sizes import too_big, too_many_steps
from keyfate.language.source import Diagnostic, Label, Span
from keyfate.language.symbols import Entity, Reporter, Scope, Table, UntypedError, did_you_mean

Built = TypeVar("Built")


def check(
    placed: tuple[Placed, ...],
    *,
    path: str,
    files: tuple[str, ...],
    library: Callable[[], Mapping[str, Placed]],
    scope: Mapping[str, int],
    whole: Span,
) -> tuple[t.Lifecycle | None, tuple[Diagnostic, ...]]:
    """The lifecycle that the declarations make, or None with what is wrong. Never raises."""
    return _Checker(placed, library, scope).run(path, files, whole)


class _Checker:
    def __init__(
        self, placed: tuple[Placed, ...], library: Callable[[], Mapping[str, Placed]], scope: Mapping[str, int]
    ) -> None:
        self.placed = placed
        self.reporter = Reporter()
        self.table = Table()
        self.typer = Typer(self.table, self.reporter)
        self.declarer = Declarer(self.typer, scope)
        self.properties = PropertyTyper(self.typer, library)
        self.terms: list[t.TermFamily] = []

    def run(self, path: str, files: tuple[str, ...], whole: Span) -> tuple[t.Lifecycle | None, tuple[Diagnostic, ...]]:
        header = self._header(whole)
        self.declarer.run(self.placed)
        self._families()
        lifecycle = t.Lifecycle(
            name=header.name.text if header is not None else "",
            title=_title(header.notes) if header is not None else "",
            sources=_texts(header.notes.sources) if header is not None else (),
            status=self._status(header.notes, "assumed") if header is not None else "assumed",
            path=path,
            files=files,
            sorts=tuple(self.declarer.sorts),
            controls=self._each(s.ControlDecl, self._control),
            capabilities=self._each(s.CapabilityDecl, self._capability),
            components=self._each(s.ComponentDecl, self._component),
            atoms=self._each(s.AtomDecl, self._atom),
            terms=tuple(self.terms),
            places=self._each(s.PlaceDecl, self._place),
            states=self._each(s.StateDecl, self._state),
            exposures=self._each(s.ExposesDecl, self._exposure),
            actions=self._each(s.ActionDecl, self._action),
            constraints=self._each(s.ConstraintDecl, self._constraint),
            properties=self._properties(),
            span=header.span if header is not None else whole,
        )
        if not lifecycle.actions and not self.reporter.failed:
            self.reporter.report(
                "KF260", "the lifecycle has no action", lifecycle.span, help="declare what may happen: `action …`"
            )
        self._report(None if self.reporter.failed else too_many_steps(lifecycle.actions, self.declarer.sorts))
        found = tuple(self.reporter.diagnostics)
        return (None if self.reporter.failed else lifecycle), found

    def _each(self, kind: type[s.Declaration], build: Callable[..., Built]) -> tuple[Built, ...]:
        built = []
        for item in self.placed:
            if isinstance(item.declaration, kind):
                try:
                    built.append(build(item.declaration, item))
                except UntypedError:
                    continue
        for one in built:
            self._sized(one, getattr(one, "name", "this"), getattr(one, "span", None))
        return tuple(built)

    def _properties(self) -> tuple[t.Property, ...]:
        rules = self.properties.all(self.placed)
        for rule in rules:
            self._sized(rule, rule.name, rule.check_span)
        return rules

    def _sized(self, node: object, name: str, span: Span | None) -> bool:
        return self._report(None if span is None else too_big(node, name, span, self.declarer.sorts))

    def _report(self, wrong: Diagnostic | None) -> bool:
        if wrong is not None:
            self.reporter.report(wrong.code, wrong.message, wrong.span, help=wrong.help)
        return wrong is None

    # -- header and notes

    def _header(self, whole: Span) -> s.LifecycleDecl | None:
        headers = [i for i in self.placed if isinstance(i.declaration, s.LifecycleDecl) and not i.prefix]
        if not headers:
            self.reporter.report(
                "KF261",
                "there is no `lifecycle` declaration",
                Span(whole.source, 0, min(1, len(whole.source.text))),
                help='begin with `lifecycle NAME "what it is"`; a fragment is checked where a lifecycle includes it',
            )
            return None
        for extra in headers[1:]:
            self.reporter.report(
                "KF201",
                "a file has one `lifecycle` declaration",
                extra.declaration.span,
                labels=(Label(headers[0].declaration.span, "first here"),),
                help="drop this one, or move it to a file of its own",
            )
        header = headers[0].declaration
        assert isinstance(header, s.LifecycleDecl)
        return header

    def _status(self, notes: s.Notes, default: t.Status) -> t.Status:
        if notes.status is None:
            return default
        if notes.status.text not in get_args(t.Status):
            self.reporter.report(
                "KF255",
                f"unknown status `{notes.status.text}`",
                notes.status.span,
                help=f"a status is one of {', '.join(get_args(t.Status))}",
            )
            return default
        return cast("t.Status", notes.status.text)

    def _default_status(self, prefix: str) -> t.Status:
        """The status of the nearest `lifecycle` header: an included fragment may have its own."""
        best: t.Status = "assumed"
        longest = -1
        for item in self.placed:
            if (
                isinstance(item.declaration, s.LifecycleDecl)
                and prefix.startswith(item.prefix)
                and len(item.prefix) > longest
            ):
                best, longest = self._status(item.declaration.notes, "assumed"), len(item.prefix)
        return best

    # -- keys, defs, messages

    def _families(self) -> None:
        """Types every `key`, `def` and `message`, each after those it uses."""
        declared: dict[str, Placed] = {}
        for item in self.placed:
            if isinstance(item.declaration, s.DefDecl | s.MessageDecl):
                declared.setdefault(item.prefix + item.declaration.name.text, item)
        uses = {}
        for name, item in declared.items():
            assert isinstance(item.declaration, s.DefDecl | s.MessageDecl)
            bound = {b.name.text for b in item.declaration.params}
            found = (self.table.find(w, item.scope) for w in _names(item.declaration.body) if w not in bound)
            uses[name] = [e.name for e in found if e is not None and e.name in declared]
        while True:
            try:
                order = list(TopologicalSorter(uses).static_order())
                break
            except CycleError as error:
                self._cycle(error.args[1], declared)
                for name in error.args[1]:
                    uses.pop(name, None)
                    uses = {n: [u for u in us if u != name] for n, us in uses.items()}
        for name in order:
            try:
                self._family(declared[name], self.table.entities[("", name)])
            except UntypedError:
                continue
        position = {name: n for n, name in enumerate(declared)}
        self.terms.sort(key=lambda family: position[family.name])

    def _cycle(self, cycle: list[str], declared: Mapping[str, Placed]) -> None:
        names = list(reversed(cycle))
        first = declared[names[0]].declaration
        assert isinstance(first, s.DefDecl | s.MessageDecl)
        labels = []
        for name in names[1:-1]:
            other = declared[name].declaration
            assert isinstance(other, s.DefDecl | s.MessageDecl)
            labels.append(Label(other.name.span, "and this one"))
        self.reporter.report(
            "KF217",
            f"`{names[0]}` is defined by itself: {' → '.join(f'`{n}`' for n in names)}",
            first.name.span,
            labels=labels,
            help="a key is derived from something that is there before it",
        )

    def _family(self, item: Placed, entity: Entity) -> None:
        decl = item.declaration
        assert isinstance(decl, s.DefDecl | s.MessageDecl)
        if entity.declaration is not decl:
            raise UntypedError  # a duplicate, already reported
        params, scope = self.typer.bind(decl.params, item.scope, messages=False)
        kind = "term" if entity.body_kind == "term" else self.typer.kind(decl.body, scope)
        with self.typer.collecting() as uses:
            type = None
            if kind == "term":
                body: t.TermExpr | t.Condition | t.ValueExpr = self.typer.term(decl.body, scope)
                judge(uses, "plain", self.reporter)
            elif kind == "condition":
                body = self.typer.condition(decl.body, scope)
            else:
                body, type = self.typer.value(decl.body, scope)
        if not self._sized(body, entity.name, decl.name.span):
            raise UntypedError
        self.table.entities[("", entity.name)] = replace(
            entity, params=params, body=body, body_kind=kind, type=entity.type or type, uses=tuple(uses)
        )
        if kind == "term":
            family = "message" if isinstance(decl, s.MessageDecl) else decl.kind
            term = cast("t.TermExpr", body)
            self.terms.append(t.TermFamily(family, entity.name, params, term, _title(decl.notes), decl.name.span))

    # -- declarations

    def _entity(self, kind: str, item: Placed, word: s.Word) -> Entity:
        space = {"capability": "capability", "component": "component", "action": "action"}.get(kind, "")
        entity = self.table.entities.get((space, item.prefix + word.text))
        if entity is None or entity.declaration is not item.declaration:
            raise UntypedError
        return entity

    def _control(self, decl: s.ControlDecl, item: Placed) -> t.Control:
        entity = self._entity("control", item, decl.name)
        assert entity.type is not None
        values = []
        for expr, text in decl.notes.values:
            value, _ = self.typer.value(expr, item.scope, entity.type)
            if not isinstance(value, t.Constant):
                raise self.reporter.stop(
                    "KF205", f"`{expr.span.text}` is not a value of `{decl.name.text}`", expr.span, help="name a value"
                )
            values.append((value.value, text.text))
        return t.Control(
            entity.name,
            tuple(i.domain for i in entity.index),
            entity.type.domain,
            _title(decl.notes),
            tuple(values),
            decl.notes.evidence.text if decl.notes.evidence is not None else "",
            decl.name.span,
        )

    def _capability(self, decl: s.CapabilityDecl, item: Placed) -> t.Capability:
        entity = self._entity("capability", item, decl.name)
        return t.Capability(
            entity.name,
            tuple(i.domain for i in entity.index),
            _title(decl.notes),
            _texts(decl.notes.refs),
            tuple(n.value for n in decl.notes.cwes),
            decl.notes.cost.value if decl.notes.cost is not None else None,
            decl.name.span,
        )

    def _component(self, decl: s.ComponentDecl, item: Placed) -> t.Component:
        entity = self._entity("component", item, decl.name)
        return t.Component(entity.name, decl.inside, _title(decl.notes), decl.name.span)

    def _atom(self, decl: s.AtomDecl, item: Placed) -> t.AtomFamily:
        entity = self._entity(decl.kind, item, decl.name)
        return t.AtomFamily(
            entity.name,
            tuple(i.domain for i in entity.index),
            decl.kind == "public",
            _title(decl.notes),
            decl.name.span,
        )

    def _parts(self, parts: tuple[s.IndexPart, ...], scope: Scope) -> tuple[tuple[t.Param, ...], Scope]:
        params: list[t.Param] = []
        for part in parts:
            if part.name is not None:
                bound, scope = self.typer.bind((s.Binder(part.name, part.sort, part.span),), scope, messages=False)
                params.extend(bound)
            else:
                params.append(self.typer.param(part.sort.text.lower(), self.typer.sort(part.sort, scope)))
        return tuple(params), scope

    def _place(self, decl: s.PlaceDecl, item: Placed) -> t.Place:
        entity = self._entity("place", item, decl.name)
        component = self._component_name(decl.component, item.scope)
        params, scope = self._parts(decl.index, item.scope)
        with self.typer.collecting() as uses:
            starts = tuple(self.typer.term(expr, scope) for expr in decl.starts)
        judge(uses, "controls", self.reporter)
        return t.Place(entity.name, params, decl.persistent, component, starts, _title(decl.notes), decl.name.span)

    def _component_name(self, word: s.Word, scope: Scope) -> str:
        entity = self.table.find(word.text, scope, "component")
        if entity is None:
            raise self.reporter.stop(
                "KF202",
                f"unknown component `{word.text}`",
                word.span,
                help=did_you_mean(word.text, [*self.table.names("component"), "attacker"])
                or f"declare it: `component {word.text} inside` or `outside`",
            )
        return entity.name

    def _state(self, decl: s.StateDecl, item: Placed) -> t.State:
        entity = self._entity("state", item, decl.name)
        assert entity.type is not None
        params, scope = self._parts(decl.index, item.scope)
        initial: t.ValueExpr | None = None
        if decl.initial is None:
            raise self.reporter.stop(
                "KF262",
                f"`{decl.name.text}` has no first value (R6)",
                decl.name.span,
                help=f"end the declaration with `= VALUE`, or `= any`; values: {entity.type.label}",
            )
        if not (isinstance(decl.initial, s.Ref) and decl.initial.name.text == "any"):
            with self.typer.collecting() as uses:
                initial, _ = self.typer.value(decl.initial, scope, entity.type)
            judge(uses, "controls", self.reporter)
        return t.State(entity.name, params, entity.type.domain, initial, _title(decl.notes), decl.name.span)

    def _exposure(self, decl: s.ExposesDecl, item: Placed) -> t.Exposure:
        binders = tuple(a for a in decl.args if isinstance(a, s.Binder))
        params, scope = self.typer.bind(binders, item.scope, messages=False)
        args = tuple(s.Ref(a.name, (), a.name.span) if isinstance(a, s.Binder) else a for a in decl.args)
        ref = s.Ref(decl.place, args, decl.place.span, bracketed=bool(args))
        place = self.typer.place(ref, scope)
        with self.typer.collecting() as uses:
            condition = t.Truth(True) if decl.condition is None else self.typer.condition(decl.condition, scope)
        judge(uses, "exposure", self.reporter)
        when = None if decl.condition is None else decl.condition.span
        seen_by = capabilities(self.typer, decl.capabilities, scope)
        return t.Exposure(params, place, seen_by, condition, decl.span, when)

    def _action(self, decl: s.ActionDecl, item: Placed) -> t.Action:
        entity = self._entity("action", item, decl.name)
        attacker = decl.actor.text == "attacker"
        actor = "attacker" if attacker else self._component_name(decl.actor, item.scope)
        params, scope = self.typer.bind(decl.params, item.scope)
        needs: tuple[t.CapabilityRef, ...] = ()
        if decl.needs:
            if not attacker:
                raise self.reporter.stop(
                    "KF233",
                    f"`{decl.name.text}` is not an attacker's action, so it needs no capability (R10)",
                    decl.needs[0].span,
                    help="say `by attacker`, or drop `needs`",
                )
            needs = capabilities(self.typer, decl.needs, scope)
        guard: t.Condition = t.Truth(True)
        with self.typer.collecting() as uses:
            if decl.guard is not None:
                with suppress(UntypedError):  # reported; the effects are read all the same
                    guard = self.typer.condition(decl.guard, scope)
        judge(uses, "attacker guard" if attacker else "guard", self.reporter)
        with self.typer.collecting() as uses:
            effects = EffectTyper(self.typer, attacker=attacker).all(decl.effects, scope)
        judge(uses, "plain", self.reporter)
        return t.Action(
            entity.name,
            params,
            actor,
            needs,
            guard,
            effects,
            decl.power_event,
            _title(decl.notes),
            _texts(decl.notes.sources),
            self._status(decl.notes, self._default_status(item.prefix)),
            decl.name.span,
        )

    def _constraint(self, decl: s.ConstraintDecl, item: Placed) -> t.Constraint:
        with self.typer.collecting() as uses:
            condition = self.typer.condition(decl.condition, item.scope)
        judge(uses, "controls", self.reporter)
        return t.Constraint(condition, _title(decl.notes), decl.span)


def _names(node: object) -> Iterator[str]:
    """Every name that an expression refers to."""
    pending = [node]
    while pending:  # chains of `and` nest to the left, deeper than recursion goes
        node = pending.pop()
        if isinstance(node, s.Ref):
            yield node.name.text
        if isinstance(node, tuple):
            pending.extend(node)
        elif is_dataclass(node) and not isinstance(node, Span):
            pending.extend(getattr(node, f.name) for f in fields(node))


def _title(notes: s.Notes) -> str:
    return notes.title.text if notes.title is not None else ""


def _texts(texts: tuple[s.Text, ...]) -> tuple[str, ...]:
    return tuple(text.text for text in texts)
