"""The shapes of the TOML files that keyfate reads. Names in them are resolved elsewhere."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AttackerTable(_Table):
    """Who attacks: a profile, single capabilities, or both together."""

    profile: Text | None = None
    profiles: Text | None = None  # the file that has the profile
    capabilities: list[Text] = []


class PolicyFile(_Table):
    """One `*.policy.toml`. Every table may be left out; `lifecycle` may come through `extends`."""

    title: str = ""
    lifecycle: Text | None = None
    extends: Text | None = None
    controls: dict[str, Any] = {}
    attacker: AttackerTable | None = None
    require: dict[str, Literal["PROVED", "VIOLATED", "POSSIBLE", "IMPOSSIBLE", "DEPENDS", "VACUOUS"]] = {}
    not_required: dict[str, Text] = {}
    scope: dict[str, Annotated[int, Field(ge=1)]] = {}


class Profile(_Table):
    """One table of an attackers' file: capabilities by name, and other profiles it includes."""

    title: str = ""
    includes: list[Text] = []
    capabilities: list[Text] = []


class ClauseTable(_Table):
    """A clause of a standard, with our reading of it."""

    standard: Text
    number: Text
    reading: Text
    known: Literal["read", "listed", "recalled"]


class MappingTable(_Table):
    """Which clauses ask for a property, or why none does."""

    clauses: list[Text] = []
    none: str = ""


class StandardsFile(_Table):
    """properties/standards.toml."""

    standards: dict[str, Text]
    clauses: dict[str, ClauseTable]
    properties: dict[str, MappingTable]


class ShownTable(_Table):
    """A verdict that a claim rests on."""

    policy: Text
    property: Text
    verdict: Text


class ClaimTable(_Table):
    """A sentence, and the verdicts without which it may not be said."""

    says: Text
    shown_by: Annotated[list[ShownTable], Field(min_length=1)]


class VerdictsTable(_Table):
    """Verdicts side by side: a row for each property, a column for each policy."""

    caption: Text
    policies: Annotated[list[Text], Field(min_length=1)]
    properties: Annotated[list[Text], Field(min_length=1)]


class AttacksTable(_Table):
    """The minimal conditions under which `property` breaks: the settings of `policy`, with `set` instead and `open`
    left open; every attacker."""

    label: Text
    policy: Text
    property: Text
    set: dict[str, str | bool | int] = {}
    open: list[Text] = []


class AttackGroupTable(_Table):
    """Frontiers to be held against each other, such as before and after a countermeasure; where they say what each
    `adds`, the first is what all have."""

    caption: Text
    adds: bool = False
    rows: Annotated[list[AttacksTable], Field(min_length=1)]


class QuestionTable(_Table):
    """One question with what answers it."""

    title: Text
    asks: Text
    claims: list[ClaimTable] = []
    verdicts: list[VerdictsTable] = []
    attacks: list[AttackGroupTable] = []


class QuestionsFile(_Table):
    """A document of questions; `policies` is the folder that has the policies it names."""

    title: Text
    intro: str = ""
    policies: Text = "."
    question: Annotated[list[QuestionTable], Field(min_length=1)]
