"""Reads a policy: its chain of `extends`, its lifecycle, its attacker, what it requires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from keyfate.language.loading import Loaded
from keyfate.language.loading import load as load_lifecycle
from keyfate.language.reading import resolved
from keyfate.language.source import Diagnostic, Label, LifecycleError, Span
from keyfate.language.symbols import did_you_mean
from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.instances import capability_names, control_names
from keyfate.lifecycle.names import CapabilityName
from keyfate.lifecycle.problem import Settings
from keyfate.policy.attackers import find_profiles, load_attackers
from keyfate.policy.files import read_source, shown_path
from keyfate.policy.finding import ENDING, lifecycle_path, policy_meant, shipped_names
from keyfate.policy.models import PolicyFile
from keyfate.policy.policy import Demand, Exemption, Policy, PolicyError, Requirement
from keyfate.policy.settings import Places, capabilities, contradictions, set_controls
from keyfate.policy.toml import Document, parse
from keyfate.policy.toml import Path as Keys
from keyfate.policy.validation import flatten, validate

Load = Callable[[Path, Mapping[str, int]], Loaded]

DEMANDS: Mapping[str, tuple[Demand, ...]] = {
    "never": ("PROVED", "VIOLATED", "VACUOUS"),
    "always": ("PROVED", "VIOLATED", "VACUOUS"),
    "possible": ("POSSIBLE", "IMPOSSIBLE", "DEPENDS"),  # it has no `when` to be dead (KF254)
}


@dataclass(frozen=True)
class _Link:
    """One file of the chain."""

    path: Path
    document: Document
    file: PolicyFile
    where: Mapping[Keys, Keys]  # (table, property) to the keys as written


def _load(path: Path, scope: Mapping[str, int]) -> Loaded:
    return load_lifecycle(shown_path(path), scope=scope)


def load_policy(path: str | Path, *, scope: Mapping[str, int] | None = None, load: Load = _load) -> Policy:
    """The policy at `path`; `scope` (from the command line) wins over the policy's own.

    `load` reads a lifecycle; a caller with many policies passes one that remembers.
    Raises PolicyError, or LifecycleError where the lifecycle itself is at fault, with
    every diagnostic found.
    """
    start = Path(path)
    try:
        chain = _chain(start)
        return _fold(start, chain, dict(scope or {}), load)
    except PolicyError:
        raise
    except LifecycleError as error:
        meant = policy_meant(start)
        help = None if meant is None else f"did you mean `{shown_path(meant)}`?"
        raise PolicyError([replace(d, help=help or d.help) for d in error.diagnostics]) from None


def lifecycle_of(path: Path) -> Path | None:
    """The lifecycle of a policy, which is not read; None where it names none that is there."""
    link = next((link for link in _chain(path) if link.file.lifecycle is not None), None)
    found = lifecycle_path(link.file.lifecycle, link.path) if link is not None and link.file.lifecycle else None
    return None if found is None else resolved(found)


def lifecycle_policy(path: str | Path, *, scope: Mapping[str, int] | None = None, load: Load = _load) -> Policy:
    """A bare lifecycle as a policy: every control open, every capability on, the default requirements."""
    loaded = load(Path(path), dict(scope or {}))
    lifecycle = loaded.lifecycle
    if lifecycle.constraints:
        problems = contradictions(lifecycle, Places(), lifecycle.constraints[-1].span)
        if problems:
            raise PolicyError(problems)
    on = capability_names(lifecycle)
    return Policy(
        name="(no policy)",
        path=lifecycle.path,
        title=lifecycle.title,
        lifecycle=lifecycle,
        settings=Settings({}, dict.fromkeys(on, True)),
        attacker="every capability",
        requirements=tuple(_default(p, p.check_span) for p in lifecycle.properties if p.kind != "possible"),
        not_required=(),
        scope=dict(scope or {}),
        files=(),
        span=None,
        open_controls=control_names(lifecycle),
        capabilities_on=on,
        warnings=loaded.warnings,
    )


def _chain(path: Path) -> list[_Link]:
    """The policy and those it extends, itself first."""
    chain: list[_Link] = []
    seen: list[Path] = []
    problems: list[Diagnostic] = []
    at: Span | None = None
    while True:
        document = parse(read_source(path, at=at))
        seen.append(resolved(path))
        data, tables = _flat(document)
        file, wrong = validate(PolicyFile, data, document, tables=tables)
        problems.extend(wrong)
        if file is None:
            raise PolicyError(problems)
        chain.append(_Link(path, document, file, tables))
        if file.extends is None:
            break
        at = document.value(("extends",))
        path = path.parent / file.extends
        if resolved(path) in seen:
            labels = [Label(link.document.value(("extends",)), "through here") for link in chain[:-1]]
            raise PolicyError(
                [Diagnostic("KF507", f"`{file.extends}` extends itself", at, tuple(labels), "break the circle")]
            )
    if problems:
        raise PolicyError(problems)
    return chain


def _flat(document: Document) -> tuple[dict[str, object], dict[Keys, Keys]]:
    """The data with dotted names of properties and sorts made one word, and where each stands."""
    data = dict(document.data)
    tables: dict[Keys, Keys] = {}
    for table in ("require", "not_required", "scope"):
        if isinstance(data.get(table), Mapping):
            values, paths = flatten(data[table], (table,))
            data[table] = values
            tables |= {(table, name): where for name, where in paths.items()}
    return data, tables


def _fold(start: Path, chain: list[_Link], scope: dict[str, int], load: Load) -> Policy:
    lifecycle, warnings, span, sizes = _lifecycle(chain, scope, load)
    problems: list[Diagnostic] = []
    places = Places()
    for link in reversed(chain):
        problems.extend(set_controls(lifecycle, link.document, link.file.controls, places))
    attacker, on, files, found = _attacker(lifecycle, chain)
    problems.extend(found)
    requirements, exemptions, found = _requirements(lifecycle, chain, span)
    problems.extend(found)
    if not problems:
        whole = next((link.document.key(("controls",)) for link in chain if link.file.controls), span)
        problems.extend(contradictions(lifecycle, places, whole))
    errors = [d for d in problems if d.severity == "error"]
    if errors:
        raise PolicyError(errors)
    names = control_names(lifecycle)
    instances = capability_names(lifecycle)
    name = start.name.removesuffix(ENDING).removesuffix(".toml")
    return Policy(
        name=name,
        path=chain[0].document.source.path,
        title=next((link.file.title for link in chain if link.file.title), name),
        lifecycle=lifecycle,
        settings=Settings(
            {n: places.controls[n] for n in names if n in places.controls}, {n: n in on for n in instances}
        ),
        attacker=attacker,
        requirements=requirements,
        not_required=exemptions,
        scope=sizes,
        files=(*(link.document.source.path for link in chain), *files),
        span=span,
        open_controls=tuple(n for n in names if n not in places.controls),
        capabilities_on=tuple(n for n in instances if n in on),
        warnings=(*warnings, *problems),
        profiles=files[0] if files else None,
        set_at={n: places.spans[n] for n in names if n in places.spans},
        head=chain[0].document.value(("extends" if chain[0].file.extends is not None else "lifecycle",)),
    )


def _lifecycle(
    chain: list[_Link], scope: dict[str, int], load: Load
) -> tuple[Lifecycle, tuple[Diagnostic, ...], Span, dict[str, int]]:
    link = next((link for link in chain if link.file.lifecycle is not None), None)
    if link is None or link.file.lifecycle is None:
        raise PolicyError(
            [
                Diagnostic(
                    "KF505",
                    "the policy names no lifecycle",
                    Span(chain[0].document.source, 0, 0),
                    help=f'write `lifecycle = "{(shipped_names() or ("name.kf",))[0]}"`, a shipped name or a path',
                )
            ]
        )
    span = link.document.value(("lifecycle",))
    name = link.file.lifecycle
    path = lifecycle_path(name, link.path)
    if path is None:
        beside = [p.name for p in link.path.parent.glob("*.kf")]
        hint = did_you_mean(name, (*shipped_names(), *beside)) or "`keyfate list` shows the shipped lifecycles"
        raise PolicyError([Diagnostic("KF506", f"there is no lifecycle `{name}`", span, help=hint)])
    own: dict[str, int] = {}
    where: dict[str, Span] = {}
    for one in reversed(chain):
        own |= one.file.scope
        where |= {sort: one.document.key(one.where["scope", sort]) for sort in one.file.scope}
    sizes = own | scope
    try:
        loaded = load(path, sizes)
    except LifecycleError as error:
        # A size that the lifecycle refuses is shown where the policy asks for it.
        moved = {sort: at for sort, at in where.items() if sort not in scope}
        raise PolicyError([_moved(d, moved) for d in error.diagnostics]) from None
    return loaded.lifecycle, loaded.warnings, span, sizes


def _moved(diagnostic: Diagnostic, moved: Mapping[str, Span]) -> Diagnostic:
    sort = diagnostic.span.source.text.partition("=")[0]
    if diagnostic.span.path == "--scope" and sort in moved:
        return replace(diagnostic, span=moved[sort])
    return diagnostic


def _attacker(
    lifecycle: Lifecycle, chain: list[_Link]
) -> tuple[str, frozenset[CapabilityName], tuple[str, ...], list[Diagnostic]]:
    link = next((link for link in chain if link.file.attacker is not None), None)
    if link is None or link.file.attacker is None:
        return "every capability", frozenset(capability_names(lifecycle)), (), []
    table = link.file.attacker
    words = [(w, link.document.value(("attacker", "capabilities", i))) for i, w in enumerate(table.capabilities)]
    on, problems = capabilities(lifecycle, words)
    files: tuple[str, ...] = ()
    says = ", ".join(table.capabilities) or "no capability"
    if table.profile is not None:
        span = link.document.value(("attacker", "profile"))
        at = link.document.value(("attacker", "profiles")) if table.profiles is not None else span
        attackers = load_attackers(find_profiles(link.path, table.profiles), at=at)
        files = (attackers.path,)
        if table.profile not in attackers.grants:
            hint = did_you_mean(table.profile, attackers.grants)
            hint = hint or f"`{attackers.path}` has {', '.join(f'`{p}`' for p in attackers.grants) or 'none'}"
            problems.append(Diagnostic("KF521", f"there is no profile `{table.profile}`", span, help=hint))
        else:
            granted, wrong = capabilities(lifecycle, attackers.grants[table.profile], foreign=True)
            problems.extend(wrong)
            if attackers.grants[table.profile] and not granted and not wrong:
                has = ", ".join(f"`{c.name}`" for c in lifecycle.capabilities) or "none"
                message = f"profile `{table.profile}` grants no capability that `{lifecycle.name}` has"
                problems.append(Diagnostic("KF524", message, span, help=f"it has {has}", severity="warning"))
            on |= granted
            says = " + ".join((table.profile, *table.capabilities))
    elif table.profiles is not None:
        span = link.document.key(("attacker", "profiles"))
        problems.append(
            Diagnostic(
                "KF504", "`profiles` names a file, and no profile of it is chosen", span, help='add `profile = "…"`'
            )
        )
    return says, frozenset(on), files, problems


def _requirements(
    lifecycle: Lifecycle, chain: list[_Link], span: Span
) -> tuple[tuple[Requirement, ...], tuple[Exemption, ...], list[Diagnostic]]:
    problems: list[Diagnostic] = []
    known = {p.name: p for p in lifecycle.properties}
    wanted = {p.name: _default(p, span) for p in lifecycle.properties if p.kind != "possible"}
    exempt: dict[str, Exemption] = {}
    for link in reversed(chain):
        for name, verdict in link.file.require.items():
            at = link.document.key(link.where["require", name])
            if name not in known:
                problems.append(_no_property(lifecycle, name, at))
                continue
            allowed = DEMANDS[known[name].kind]
            if verdict not in allowed:
                problems.append(
                    Diagnostic(
                        "KF531",
                        f"`{name}` can never be {verdict}: it is a `{known[name].kind}`",
                        link.document.value(link.where["require", name]),
                        help=f"write one of {', '.join(allowed)}",
                    )
                )
            wanted[name] = Requirement(name, verdict, True, at)
            exempt.pop(name, None)
        for name, reason in link.file.not_required.items():
            at = link.document.key(link.where["not_required", name])
            if name not in known:
                problems.append(_no_property(lifecycle, name, at))
            elif name in link.file.require:
                label = Label(link.document.key(link.where["require", name]), "required here")
                problems.append(
                    Diagnostic("KF532", f"`{name}` is both required and not required", at, (label,), "keep one of them")
                )
            else:
                wanted.pop(name, None)
                exempt[name] = Exemption(name, reason, at)
    order = list(known)
    return (
        tuple(sorted(wanted.values(), key=lambda r: order.index(r.property) if r.property in known else 0)),
        tuple(sorted(exempt.values(), key=lambda e: order.index(e.property))),
        problems,
    )


def _default(property: Property, span: Span) -> Requirement:
    return Requirement(property.name, "PROVED", False, span)


def _no_property(lifecycle: Lifecycle, name: str, span: Span) -> Diagnostic:
    names = [p.name for p in lifecycle.properties]
    hint = did_you_mean(name, names) or f"it checks {', '.join(f'`{n}`' for n in names) or 'none'}"
    return Diagnostic("KF530", f"`{lifecycle.name}` has no property `{name}`", span, help=hint)
