"""Documents that ask: sentences with the verdicts they rest on, verdicts and frontiers side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keyfate.language.source import Diagnostic, LifecycleError, Span
from keyfate.language.symbols import did_you_mean
from keyfate.lifecycle.problem import Settings
from keyfate.policy.files import read_source
from keyfate.policy.finding import ENDING, policies_below
from keyfate.policy.loading import DEMANDS
from keyfate.policy.models import AttacksTable, QuestionsFile, QuestionTable
from keyfate.policy.policy import Policy
from keyfate.policy.settings import Places, contradictions, set_controls
from keyfate.policy.toml import Document, parse
from keyfate.policy.toml import Path as Keys
from keyfate.policy.validation import validate


@dataclass(frozen=True)
class Shown:
    """What a claim expects of a property under a policy; `span` is where it says so."""

    policy: str
    property: str
    verdict: str
    span: Span


@dataclass(frozen=True)
class Claim:
    says: str
    shown_by: tuple[Shown, ...]


@dataclass(frozen=True)
class Comparison:
    """Verdicts side by side."""

    caption: str
    policies: tuple[str, ...]
    properties: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Attacks:
    """A frontier: `settings` are fixed, all else is open. Each is a row of its own."""

    label: str
    policy: str
    property: str
    settings: Settings


@dataclass(frozen=True)
class AttackGroup:
    """Frontiers side by side. `adds`: of rows about the property of the first, what the first has is not repeated."""

    caption: str
    rows: tuple[Attacks, ...]
    adds: bool = False


@dataclass(frozen=True)
class Question:
    title: str
    asks: str
    claims: tuple[Claim, ...]
    comparisons: tuple[Comparison, ...]
    attacks: tuple[AttackGroup, ...]

    @property
    def anchor(self) -> str:
        """What its heading is linked by, as GitHub and MkDocs name it."""
        return "-".join("".join(c for c in self.title.lower() if c.isalnum() or c in " -_").split())


@dataclass(frozen=True)
class Questions:
    """A whole document, its names resolved; `policies` has every policy that it names."""

    path: str
    title: str
    intro: str
    questions: tuple[Question, ...]
    policies: Mapping[str, Policy]

    def asked(self) -> Mapping[str, tuple[str, ...]]:
        """The properties of which a verdict is needed, by policy."""
        wanted: dict[str, dict[str, None]] = {}
        for question in self.questions:
            for shown in (shown for claim in question.claims for shown in claim.shown_by):
                wanted.setdefault(shown.policy, {})[shown.property] = None
            for table in question.comparisons:
                for policy in table.policies:
                    has = {rule.name for rule in self.policies[policy].lifecycle.properties}
                    wanted.setdefault(policy, {}).update(dict.fromkeys(p for p in table.properties if p in has))
        return {policy: tuple(properties) for policy, properties in wanted.items() if properties}


Load = Callable[[Sequence[Path]], Sequence[Policy]]


def load_questions(path: Path, load: Load) -> Questions:
    """The document at `path`; `load` reads policies.

    Raises LifecycleError with all that is wrong: a shape (KF503, KF504), a policy that is not there, or twice (KF543),
    a property or a control that a lifecycle does not have (KF530, KF510 and their like), a verdict that a property
    can never have (KF531), a title that two questions have (KF544).
    """
    document = parse(read_source(path))
    file, problems = validate(QuestionsFile, document.data, document)
    if file is None:
        raise LifecycleError(problems)
    return _Resolver(document, file, _policies(path.parent / file.policies, file, document, load)).questions()


def _policies(folder: Path, file: QuestionsFile, document: Document, load: Load) -> Mapping[str, Policy]:
    """Those that the document names, by name."""
    if not os.path.isdir(folder):
        said = f"there is no folder `{file.policies}`"
        help = f"`policies` names a folder, beginning at that of `{document.source.path}`"
        raise LifecycleError([Diagnostic("KF543", said, document.value(("policies",)), help=help)])
    there: dict[str, list[Path]] = {}
    for found in policies_below(folder):
        there.setdefault(found.name.removesuffix(ENDING), []).append(found)
    named = {word: document.value(keys) for keys, word in _named(file)}
    problems = []
    for word, span in named.items():
        if word not in there:
            help = did_you_mean(word, there) or f"it is looked for below `{folder.as_posix()}`, which `policies` names"
            problems.append(Diagnostic("KF543", f"there is no policy `{word}`", span, help=help))
        elif len(there[word]) > 1:
            both = " and ".join(f"`{path.relative_to(folder).as_posix()}`" for path in there[word][:2])
            said = f"`{word}` may be {both}"
            problems.append(
                Diagnostic("KF543", said, span, help="rename one, or let `policies` name a folder with one")
            )
    if problems:
        raise LifecycleError(problems)
    return dict(zip(named, load([there[word][0] for word in named]), strict=True))


def _named(file: QuestionsFile) -> Iterator[tuple[Keys, str]]:
    """Every place that names a policy."""
    for n, question in enumerate(file.question):
        at: Keys = ("question", n)
        for c, claim in enumerate(question.claims):
            for s, shown in enumerate(claim.shown_by):
                yield (*at, "claims", c, "shown_by", s, "policy"), shown.policy
        for v, table in enumerate(question.verdicts):
            for p, policy in enumerate(table.policies):
                yield (*at, "verdicts", v, "policies", p), policy
        for g, group in enumerate(question.attacks):
            for r, row in enumerate(group.rows):
                yield (*at, "attacks", g, "rows", r, "policy"), row.policy


class _Resolver:
    """Names of one document, and what is wrong with them."""

    def __init__(self, document: Document, file: QuestionsFile, policies: Mapping[str, Policy]) -> None:
        self._document, self._file, self._policies = document, file, policies
        self._problems: list[Diagnostic] = []

    def questions(self) -> Questions:
        """Raises LifecycleError with every name that means nothing."""
        questions = tuple(self._question(q, ("question", n)) for n, q in enumerate(self._file.question))
        seen: set[str] = set()
        for n, question in enumerate(questions):
            if question.anchor in seen:
                said = f"a question before has the title `{question.title}`, or one that is linked by the same words"
                span = self._document.value(("question", n, "title"))
                self._problems.append(Diagnostic("KF544", said, span, help="links go by titles: change one"))
            seen.add(question.anchor)
        if self._problems:
            raise LifecycleError(self._problems)
        file = self._file
        return Questions(self._document.source.path, file.title, file.intro, questions, self._policies)

    def _question(self, given: QuestionTable, at: Keys) -> Question:
        claims = tuple(
            Claim(
                claim.says,
                tuple(
                    self._shown(s.policy, s.property, s.verdict, (*at, "claims", c, "shown_by", n))
                    for n, s in enumerate(claim.shown_by)
                ),
            )
            for c, claim in enumerate(given.claims)
        )
        for v, table in enumerate(given.verdicts):
            for n, name in enumerate(table.properties):
                self._known_to_one(name, table.policies, (*at, "verdicts", v, "properties", n))
        comparisons = tuple(Comparison(t.caption, tuple(t.policies), tuple(t.properties)) for t in given.verdicts)
        attacks = tuple(
            AttackGroup(
                group.caption,
                tuple(self._attacks(row, (*at, "attacks", g, "rows", n)) for n, row in enumerate(group.rows)),
                group.adds,
            )
            for g, group in enumerate(given.attacks)
        )
        return Question(given.title, given.asks, claims, comparisons, attacks)

    def _shown(self, policy: str, property: str, verdict: str, at: Keys) -> Shown:
        kind = self._kind(policy, property, (*at, "property"))
        if kind is not None and verdict not in DEMANDS[kind]:
            said = f"`{property}` can never be {verdict}: it is a `{kind}`"
            help = f"write one of {', '.join(DEMANDS[kind])}"
            self._problems.append(Diagnostic("KF531", said, self._document.value((*at, "verdict")), help=help))
        return Shown(policy, property, verdict, self._document.value((*at, "verdict")))

    def _kind(self, policy: str, name: str, at: Keys) -> str | None:
        lifecycle = self._policies[policy].lifecycle
        kinds = {rule.name: rule.kind for rule in lifecycle.properties}
        if name not in kinds:
            self._no_property(f"`{lifecycle.name}` has no property `{name}`", name, list(kinds), at)
        return kinds.get(name)

    def _known_to_one(self, name: str, policies: Sequence[str], at: Keys) -> None:
        known = [rule.name for policy in policies for rule in self._policies[policy].lifecycle.properties]
        if name not in known:
            self._no_property(f"no policy of this table has a property `{name}`", name, known, at)

    def _no_property(self, said: str, name: str, known: list[str], at: Keys) -> None:
        hint = did_you_mean(name, known) or f"there are {', '.join(f'`{n}`' for n in dict.fromkeys(known))}"
        self._problems.append(Diagnostic("KF530", said, self._document.value(at), help=hint))

    def _attacks(self, given: AttacksTable, at: Keys) -> Attacks:
        policy = self._policies[given.policy]
        self._kind(given.policy, given.property, (*at, "property"))
        places = Places()
        places.controls |= policy.settings.controls
        wrong = set_controls(policy.lifecycle, self._document, given.set, places, (*at, "set"))
        names = [control.name for control in policy.lifecycle.controls]
        for n, word in enumerate(given.open):
            place = self._document.value((*at, "open", n))
            if word not in names:
                said, help = f"`{policy.lifecycle.name}` has no control `{word}`", did_you_mean(word, names)
                wrong.append(Diagnostic("KF510", said, place, help=help))
            elif word in given.set:
                said = f"`{word}` is set here, and open"
                wrong.append(Diagnostic("KF510", said, place, help="keep it in `set` or in `open`"))
        for word in given.open:
            for name in [name for name in places.controls if name.name == word]:
                del places.controls[name]
        wrong = wrong or contradictions(policy.lifecycle, places, self._document.key(at))
        self._problems.extend(wrong)
        return Attacks(given.label, given.policy, given.property, Settings(places.controls))
