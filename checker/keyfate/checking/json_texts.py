"""JSON that keyfate wrote and anybody may have changed: read strictly, and what is wrong with it has a place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from keyfate.language.library import folder
from keyfate.language.source import Source, Span


class JsonError(Exception):
    """What is wrong with a text, and where: it is no JSON, or (`shape`) not as its schema asks."""

    def __init__(self, message: str, span: Span, *, shape: bool = False) -> None:
        super().__init__(message)
        self.message, self.span, self.shape = message, span, shape


def parsed(source: Source) -> Any:
    """The text as JSON has it, no key twice in one object. Raises JsonError."""
    try:
        return json.loads(source.text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise JsonError(f"this is not JSON: {error.msg.lower()}", Span(source, error.pos, error.pos + 1)) from None
    except _TwiceError as error:
        raise JsonError(f"`{error}` stands twice in one object", place_of(source, str(error))) from None
    except (RecursionError, ValueError):  # nested without end, or a number of thousands of digits
        raise JsonError("this JSON is nested too deeply, or holds too large a number", Span(source, 0, 1)) from None


def follow(data: object, source: Source, schema: str, what: str) -> None:
    """Hold what was read against reports/<schema>.schema.json; `what` it should be is for the message.

    Raises JsonError at the key that the fault is nearest to.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    wanted = json.loads((folder("reports") / f"{schema}.schema.json").read_text(encoding="utf-8"))
    try:
        fault = best_match(Draft202012Validator(wanted).iter_errors(data))
    except RecursionError:
        said = f"the file is not as {what} has it: it is nested too deeply"
        raise JsonError(said, Span(source, 0, 1), shape=True) from None
    if fault is None:
        return
    at, keys = "/".join(map(str, fault.absolute_path)), [k for k in fault.absolute_path if isinstance(k, str)]
    said = f"{f'`{at}`' if at else 'the file'} is not as {what} has it: {shortened(fault.message)}"
    raise JsonError(said, place_of(source, keys[-1]) if keys else Span(source, 0, 1), shape=True)


def place_of(source: Source, key: str) -> Span:
    """Where a text has this key as a word of its own, else its begin."""
    word = json.dumps(key, ensure_ascii=False)
    at = source.text.find(word)
    return Span(source, 0, 1) if at < 0 else Span(source, at, at + len(word))


def shortened(message: str) -> str:
    """The fault without a value of many pages."""
    return message if len(message) <= 200 else f"{message[:100]} … {message[-80:]}"


class _TwiceError(Exception):
    """A key that stands twice in one object, of which JSON would keep the last."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _TwiceError(key)
        made[key] = value
    return made
