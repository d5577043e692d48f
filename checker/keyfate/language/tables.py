"""The parser's tables, computed beforehand: to make them takes longer than to read most lifecycles.

`grammar.json` is what lark makes of `grammar.lark`. It is used where it was made of this very grammar by
the lark that is installed, and otherwise the tables are made anew: it saves time and decides nothing.

    python -m keyfate.language.tables      # after a change of the grammar; a test asks for it
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

_FILE = "grammar.json"


def grammar_text() -> str:
    """The grammar as it is written."""
    return _resource("grammar.lark").read_text(encoding="utf-8")


def made(text: str, transformer: Any = None) -> Lark:
    """The parser of the grammar `text`, made anew. Tokens are fed to it, so its lexer is never asked."""
    return Lark(text, parser="lalr", lexer="basic", keep_all_tokens=True, transformer=transformer)


def read(text: str, transformer: Any) -> Lark | None:
    """The parser of the grammar `text` from the tables beside it; None where they are of another grammar or lark."""
    stored = _stored()
    if stored is None or stored["made_of"] != _made_of(text):
        return None
    data, memo = stored["data"], _numbered(stored["memo"])
    table = data["parser"]["parser"]
    table["tokens"] = _numbered(table["tokens"])
    table["states"] = {int(state): _numbered(actions) for state, actions in table["states"].items()}
    loader: Any = Lark  # its method carries no types; the parsers that lark's own tool writes load so
    parser: Lark = loader._load_from_dict(data, memo, transformer=transformer)
    return parser


def _stored() -> dict[str, Any] | None:
    try:
        stored: dict[str, Any] = json.loads(_resource(_FILE).read_text(encoding="utf-8"))
    except OSError:
        return None
    return stored


def _made_of(text: str) -> list[str]:
    return [lark.__version__, hashlib.sha256(text.encode()).hexdigest()]


def _numbered(table: dict[str, Any]) -> dict[int, Any]:
    """JSON has no numbers for keys."""
    return {int(key): value for key, value in table.items()}


def _resource(name: str) -> Path:
    return Path(str(resources.files("keyfate.language").joinpath(name)))


def _write() -> None:
    text = grammar_text()
    data, memo = made(text).memo_serialize([TerminalDef, Rule])
    stored = {"made_of": _made_of(text), "data": data, "memo": memo}
    _resource(_FILE).write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write()
