"""Types of effects: assignments, what places gain and lose, leaks (R1 to R3, R10)."""

from __future__ import annotations

from keyfate.language import syntax as s
from keyfate.language import typed as t
from keyfate.language.expressions import Typer
from keyfate.language.source import Span
from keyfate.language.symbols import KINDS, Scope, UntypedError, did_you_mean


class EffectTyper:
    """Types the effects of one action. `attacker` says who acts."""

    def __init__(self, typer: Typer, *, attacker: bool) -> None:
        self.typer = typer
        self.reporter = typer.reporter
        self.table = typer.table
        self.attacker = attacker

    def all(self, effects: tuple[s.Effect, ...], scope: Scope) -> tuple[t.Effect, ...]:
        """Every effect that can be typed; the others are reported, each on its own."""
        typed: list[t.Effect] = []
        for effect in effects:
            try:
                typed.append(self._effect(effect, scope))
            except UntypedError:
                continue
        return tuple(typed)

    def _effect(self, effect: s.Effect, scope: Scope) -> t.Effect:
        match effect:
            case s.AssignEffect():
                return self._assign(effect, scope)
            case s.GainsEffect():
                place = self.typer.place(effect.place, scope)
                term = self.typer.term(effect.term, scope)
                return t.Gain(place, term, self._origin(term, effect.term, effect.sources, scope), effect.span)
            case s.LosesEffect():
                return t.Lose(self.typer.place(effect.place, scope), self.typer.term(effect.term, scope), effect.span)
            case s.BecomesEffect():
                place = self.typer.place(effect.place, scope)
                terms = []
                for expr in effect.terms:
                    term = self.typer.term(expr, scope)
                    terms.append((term, self._origin(term, expr, effect.sources, scope)))
                return t.Become(place, tuple(terms), effect.span)
            case s.GainsAllEffect() | s.CopiesEffect():
                place = self.typer.place(effect.place, scope)
                origin = self.typer.place(effect.origin, scope)
                return t.Copy(place, origin, isinstance(effect, s.CopiesEffect), effect.span)
            case s.LeaksEffect():
                return self._leak(effect, scope)
            case s.IfEffect():
                condition = self.typer.condition(effect.condition, scope)
                return t.Choose(condition, self.all(effect.then, scope), self.all(effect.otherwise, scope), effect.span)
            case s.ForEffect():
                return self._for(effect, scope)

    def _for(self, effect: s.ForEffect, scope: Scope) -> t.Effect:
        params, inner = self.typer.bind(effect.binders, scope)
        where: t.Condition = t.Truth(True)
        if effect.where is not None:
            where = self.typer.condition(effect.where, inner)
        body = self.all(effect.body, inner)
        # The condition stands at the innermost binder, where all its variables are bound.
        typed = t.ForEach(params[-1], where, body, effect.span)
        for param in reversed(params[:-1]):
            typed = t.ForEach(param, t.Truth(True), (typed,), effect.span)
        return typed

    def _assign(self, effect: s.AssignEffect, scope: Scope) -> t.Effect:
        word = effect.target.name
        entity = None if word.text in scope.variables else self.typer.meaning(word.text, scope)
        if entity is None:
            raise self.typer.unknown(word, scope)
        if entity.kind != "state" or entity.type is None:
            help = {
                "control": "controls are frozen (R6): what may change is a `state`",
                "place": f"a place changes by `{word.text} gains …`, `loses …`, `becomes …` or `clear {word.text}`",
            }.get(entity.kind, "only a `state` is assigned")
            raise self.reporter.stop(
                "KF230", f"`{word.text}` is {KINDS[entity.kind]} and cannot be assigned", word.span, help=help
            )
        args = self.typer.args(effect.target, entity, scope)
        value, _ = self.typer.value(effect.value, scope, entity.type)
        return t.Assign(t.StateRef(entity.name, args, entity.type.optional), value, effect.span)

    def _origin(self, term: t.TermExpr, expr: s.Expr, sources: s.Sources | None, scope: Scope) -> t.Origin:
        if self.attacker:
            if sources is not None:
                raise self.reporter.stop(
                    "KF231",
                    "what the attacker writes comes from what it knows (R10)",
                    sources.span,
                    help="drop the `using` or `ideal`; the action needs `attacker knows` of the term by itself",
                )
            return t.Origin("known", None)
        if sources is None:
            if isinstance(term, t.AtomTerm):
                return t.Origin("public" if term.public else "create", None)
            raise self.reporter.stop(
                "KF232",
                f"`{expr.span.text}` comes from nowhere (R3)",
                expr.span,
                help="say which places yield it: `using PLACE, PLACE`; or mark it `ideal`",
            )
        if sources.ideal:
            return t.Origin("ideal", None)
        return t.Origin("using", self.typer.places(sources.places, scope))

    def _leak(self, effect: s.LeaksEffect, scope: Scope) -> t.Effect:
        term = self.typer.term(effect.term, scope)
        if effect.sources is None or effect.sources.ideal:
            span = effect.term.span if effect.sources is None else effect.sources.span
            raise self.reporter.stop(
                "KF232",
                f"`{effect.term.span.text}` leaks from nowhere (R3)",
                span,
                help="say which places yield it while the action runs: `leaks TERM using PLACE to CAPABILITY`",
            )
        places = self.typer.places(effect.sources.places, scope)
        return t.Leak(term, places, capabilities(self.typer, effect.capabilities, scope), effect.span)


def capabilities(typer: Typer, refs: tuple[s.Ref, ...], scope: Scope) -> tuple[t.CapabilityRef, ...]:
    """The capabilities named after `to` or `needs`."""
    typed = []
    for ref in refs:
        entity = typer.table.find(ref.name.text, scope, "capability")
        if entity is None:
            other = typer.table.find(ref.name.text, scope)
            span: Span = ref.name.span
            if other is not None:
                raise typer.reporter.stop(
                    "KF213",
                    f"`{ref.name.text}` is {KINDS[other.kind]}, not a capability",
                    span,
                    help="after `to` and `needs` stand capabilities",
                )
            raise typer.reporter.stop(
                "KF202",
                f"unknown capability `{ref.name.text}`",
                span,
                help=did_you_mean(ref.name.text, typer.table.names("capability"))
                or f'declare it: `capability {ref.name.text} "what it sees or does"`',
            )
        typed.append(t.CapabilityRef(entity.name, typer.args(ref, entity, scope)))
    return tuple(typed)
