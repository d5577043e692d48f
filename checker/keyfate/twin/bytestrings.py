"""Byte helpers that both halves of the twin use; nothing here knows a key or a term."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from keyfate.language.typed import Value
from keyfate.lifecycle.names import show_name

SECRET_BYTES = 32  # the length of every atom that is secret


def frame(label: str | None, parts: Sequence[bytes]) -> bytes:
    """One byte string from a label and parts, each behind its length: no two inputs collide."""
    out = [b"\x00" if label is None else b"\x01" + _behind_length(label.encode())]
    out.extend(map(_behind_length, parts))
    return b"".join(out)


def _behind_length(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def public_bytes(name: str, args: tuple[Value, ...]) -> bytes:
    """The bytes of a public atom: its name, readable to everybody."""
    return b"public " + show_name(name, args).encode()


def short(data: bytes) -> str:
    """The first bytes of its SHA-256 in hex, for people: what is enciphered begins with a header, all alike."""
    return sha256(data).hexdigest()[:8]
