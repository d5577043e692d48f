"""From TOML tables to pydantic models, and from pydantic's errors to diagnostics with a place."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from keyfate.language.source import Diagnostic
from keyfate.language.symbols import did_you_mean
from keyfate.policy.toml import Document, Path

Model = TypeVar("Model", bound=BaseModel)

# What to write instead, by pydantic's names of errors
_MEND = {
    "int_type": "write a whole number: `3`",
    "int_from_float": "write a whole number: `3`",
    "greater_than_equal": "write a larger number, or leave it out",
    "string_type": 'write a text in quotes: `"…"`',
    "string_too_short": "write something between the quotes, or leave it out",
    "list_type": 'write a list: `["…", "…"]`',
    "dict_type": "write a table: its name in `[…]` on a line of its own",
    "model_type": "write a table: its name in `[…]` on a line of its own",
    "literal_error": "write one of these words",
}


def flatten(table: object, prefix: Path = ()) -> tuple[dict[str, object], dict[str, Path]]:
    """A table whose dotted keys are one word each (`tpm.sealed`), and the path of each."""
    values: dict[str, object] = {}
    paths: dict[str, Path] = {}
    if not isinstance(table, Mapping):
        return values, paths
    for key, value in table.items():
        if isinstance(value, Mapping):
            inner, places = flatten(value, (*prefix, key))
            values |= {f"{key}.{name}": v for name, v in inner.items()}
            paths |= {f"{key}.{name}": p for name, p in places.items()}
        else:
            values[key] = value
            paths[key] = (*prefix, key)
    return values, paths


def validate(
    model: type[Model],
    data: Mapping[str, object],
    document: Document,
    base: Path = (),
    tables: Mapping[Path, Path] = {},
) -> tuple[Model | None, list[Diagnostic]]:
    """`data` as a `model`, or what is wrong with it. `base` is where `data` stands in the
    document; `tables` maps paths of flattened keys to where they stand."""
    try:
        return model.model_validate(dict(data)), []
    except ValidationError as error:
        return None, [_diagnostic(model, e, document, base, tables) for e in error.errors(include_url=False)]


def _diagnostic(
    model: type[BaseModel], error: Any, document: Document, base: Path, tables: Mapping[Path, Path]
) -> Diagnostic:
    where: Path = tuple(error["loc"])
    path = (*base, *tables.get(where, where))
    name = ".".join(str(part) for part in where)
    if error["type"] == "extra_forbidden":
        fields = _fields(model, where[:-1])
        return Diagnostic(
            "KF503",
            f"unknown setting `{where[-1]}`",
            document.key(path),
            help=did_you_mean(str(where[-1]), fields) or f"known here: {', '.join(f'`{f}`' for f in fields)}",
        )
    message = str(error["msg"]).replace("Input should ", "should ").replace("'", "`")
    if error["type"] == "model_type":  # pydantic names its own class
        message = "should be a table"
    given = error.get("input")
    hint = None
    if error["type"] == "literal_error" and isinstance(given, str):
        words = [w for w in message.split("`") if w.isupper()]
        hint = did_you_mean(given.upper(), words)
    if not isinstance(given, str | int | float | bool):
        hint = hint or f"this is {_kind(given)}"
    hint = hint or _MEND.get(error["type"])
    return Diagnostic("KF504", f"`{name}` {message[:1].lower()}{message[1:]}", document.value(path), help=hint)


def _fields(model: type[BaseModel], where: Path) -> list[str]:
    """The settings that are known at `where` inside a model."""
    kind: object = model
    for part in where:
        table = _table(kind)
        if table is None:  # a list, or a table whose words are the user's
            kind = next(reversed(get_args(kind)), None)
        elif part in table.model_fields:
            kind = table.model_fields[str(part)].annotation
        else:
            return []
    table = _table(kind)
    return [] if table is None else list(table.model_fields)


def _table(kind: object) -> type[BaseModel] | None:
    """The model itself, or the one among alternatives."""
    alternatives = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return next((one for one in alternatives if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"
