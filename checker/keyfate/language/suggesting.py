"""Shared properties that a lifecycle could check and does not, because one name is missing, or only the line.

A parameter has a counterpart in the lifecycle where something of its kind, with as many indices, has its
very name, or was given to a parameter of that name by another `check`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyfate.language import syntax as s
from keyfate.language.declaring import Placed
from keyfate.language.properties import ACCEPTS
from keyfate.language.source import Diagnostic, Span
from keyfate.language.typed import Domain, Lifecycle


@dataclass(frozen=True)
class _Named:
    """Something that an argument of a `check` may name; `index` has the labels of its sorts."""

    kind: str
    name: str
    index: tuple[str, ...]
    span: Span

    def fits(self, param: s.Binder) -> bool:
        return self.kind in ACCEPTS[param.sort.text] and len(self.index) == len(param.index)


def suggestions(lifecycle: Lifecycle, placed: Sequence[Placed], shared: Mapping[str, Placed]) -> tuple[Diagnostic, ...]:
    """KF321, one for each shared property that is one name or one line short of being checked."""
    own = {i.declaration.name.text for i in placed if isinstance(i.declaration, s.PropertyDecl)}
    checked = {rule.template for rule in lifecycle.properties}
    known = {named.name: named for named in _named(lifecycle, placed)}
    given = _given(placed, shared, known)
    taken = {*known, *(state.name for state in lifecycle.states), *(control.name for control in lifecycle.controls)}
    found = []
    for name, item in shared.items():
        shape = item.declaration
        assert isinstance(shape, s.PropertyDecl)
        # With a single parameter there is nothing that says that the property is about this lifecycle.
        if len(shape.params) > 1 and name not in own | checked:
            hint = _Fit(shape, known, given, taken).hint()
            if hint is not None:
                found.append(hint)
    return tuple(found)


def _given(
    placed: Sequence[Placed], shared: Mapping[str, Placed], known: Mapping[str, _Named]
) -> Mapping[tuple[str, str], _Named]:
    """What the checks of the lifecycle give to parameters of shared properties, by name and kind."""
    found: dict[tuple[str, str], _Named] = {}
    for item in placed:
        check = item.declaration
        if isinstance(check, s.CheckDecl) and check.property.text in shared and not item.prefix:
            shape = shared[check.property.text].declaration
            assert isinstance(shape, s.PropertyDecl)
            for param, arg in zip(shape.params, check.args, strict=False):
                if isinstance(arg, s.Ref) and not arg.bracketed and arg.name.text in known:
                    found.setdefault((param.name.text, param.sort.text), known[arg.name.text])
    return found


def _named(lifecycle: Lifecycle, placed: Sequence[Placed]) -> Iterator[_Named]:
    """What the lifecycle's own file names."""
    for atom in lifecycle.atoms:
        yield _Named("public" if atom.public else "secret", atom.name, _labels(atom.index), atom.span)
    for family in lifecycle.terms:
        kind = "term" if family.kind == "def" else family.kind
        yield _Named(kind, family.name, _labels([p.domain for p in family.params]), family.span)
    for place in lifecycle.places:
        yield _Named("place", place.name, _labels([p.domain for p in place.params]), place.span)
    for sort in lifecycle.sorts:
        yield _Named("sort", sort.name, (), sort.span)
    terms = {family.name for family in lifecycle.terms}
    defs = {d.name.text: d for i in placed if isinstance(d := i.declaration, s.DefDecl) and not i.prefix}
    for name, decl in defs.items():
        if name not in terms and not _value(decl.body, defs):
            yield _Named("condition", name, tuple(b.sort.text for b in decl.params), decl.name.span)


def _labels(domains: Sequence[Domain]) -> tuple[str, ...]:
    return tuple(domain.label for domain in domains)


def _value(body: s.Expr, defs: Mapping[str, s.DefDecl]) -> bool:
    """Whether a `def` that is no term is a value, not a condition: by its words, as typing has it."""
    match body:
        case s.Number() | s.Binary(operator="+"):
            return True
        case s.IfExpr():
            return _value(body.then, defs)
        case s.Ref():
            word = body.name.text
            return _value(defs[word].body, defs) if word in defs else word not in ("true", "false")
    return False


@dataclass(frozen=True)
class _Fit:
    """A shared property held against what the lifecycle has."""

    shape: s.PropertyDecl
    known: Mapping[str, _Named]
    given: Mapping[tuple[str, str], _Named]
    taken: Collection[str]

    def _counterpart(self, param: s.Binder) -> _Named | None:
        for found in (self.known.get(param.name.text), self.given.get((param.name.text, param.sort.text))):
            if found is not None and found.fits(param):
                return found
        return None

    def hint(self) -> Diagnostic | None:
        """What to say of it, if anything."""
        matched = {param.name.text: self._counterpart(param) for param in self.shape.params}
        missing = [param for param in self.shape.params if matched[param.name.text] is None]
        there = [(p, found) for p in self.shape.params if (found := matched[p.name.text]) is not None]
        exact = [found for param, found in there if found.name == param.name.text]
        sorts: dict[str, str] = {}
        for param, found in there:
            for word, label in zip(param.index, found.index, strict=True):
                if sorts.setdefault(word.text, label) != label:
                    return None
        if not missing and exact:
            return self._says("applies, and nothing checks it", exact[0].span, matched, "", "")
        if len(missing) != 1 or missing[0].name.text in self.taken:
            return None
        lacking = missing[0]
        name, kind = lacking.name.text, lacking.sort.text
        short = f"would apply if there were a `{name}`"
        if kind == "condition":
            declared = f"`def {name}{_index(lacking, sorts)} = …`"
            free = sorted({w.text for w in lacking.index if w.text not in sorts})
            of = f", with sorts of yours for {', '.join(f'`{w}`' for w in free)}" if free else ""
            return self._says(short, there[0][1].span, matched, name, f"declare {declared}{of}, then ")
        fitting = sorted(n.name for n in self.known.values() if n.fits(lacking))
        if not exact or not fitting:
            return None
        if len(fitting) == 1:
            return self._says(short, exact[0].span, matched, fitting[0], f"take `{fitting[0]}` for it: ")
        which = ", ".join(f"`{n}`" for n in fitting)
        return self._says(short, exact[0].span, matched, name.upper(), f"take one of {which} for it: ")

    def _says(
        self, what: str, span: Span, matched: Mapping[str, _Named | None], missing: str, before: str
    ) -> Diagnostic:
        names = [missing if found is None else found.name for found in matched.values()]
        title = self.shape.notes.title.text if self.shape.notes.title is not None else ""
        for param, name in zip(matched, names, strict=True):
            title = title.replace(f"{{{param}}}", name)
        asks = f"\n{title}" if title else ""
        return Diagnostic(
            "KF321",
            f"the shared property `{self.shape.name.text}` {what}",
            span,
            help=f"{before}`check {self.shape.name.text}({', '.join(names)})`{asks}",
            severity="warning",
        )


def _index(param: s.Binder, sorts: Mapping[str, str]) -> str:
    """`[p: Platform, t: TD]` for the parameter's index."""
    bound: list[str] = []
    parts = []
    for word in param.index:
        sort = sorts.get(word.text, word.text)
        name = sort[:1].lower()
        bound.append(name)
        parts.append(f"{name}{bound.count(name) if bound.count(name) > 1 else ''}: {sort}")
    return f"[{', '.join(parts)}]" if parts else ""
