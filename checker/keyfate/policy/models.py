"""The shape of policy and attacker files. Names in them are resolved elsewhere."""

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
