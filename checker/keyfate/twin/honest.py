"""The honest half of the twin: who holds which bytes, and what is computed from whose.

A place is a set of slots, each a term's name with the bytes that lie there, as honest
software knows what it put where. What it writes it computes from the bytes of the named
sources alone (R3). The bytes of secrets are drawn here; nobody else ever sees them but
through a place, a leak or an exposure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from keyfate.lifecycle.names import Atom, Compound, Term
from keyfate.twin.bytestrings import SECRET_BYTES, public_bytes
from keyfate.twin.primitives import Primitives

Slots = Mapping[Term, bytes]


class Vault:
    """The true bytes of every term: secrets from a seeded generator, the rest by the primitives.

    Used to create secrets and to know which byte string a question is about (the canary).
    """

    def __init__(self, primitives: Primitives, seed: int) -> None:
        self._primitives = primitives
        self._seed = seed
        self._bytes: dict[Term, bytes] = {}

    def bytes_of(self, term: Term) -> bytes:
        known = self._bytes.get(term)
        if known is None:
            known = self._bytes[term] = self._compute(term)
        return known

    def _compute(self, term: Term) -> bytes:
        if isinstance(term, Compound):
            return self._primitives.make(term.function)(term.label, [self.bytes_of(arg) for arg in term.args])
        if term.public:
            return public_bytes(term.name, term.args)
        # an extendable-output function over seed and name: the same bytes in whatever order they are asked for
        return hashlib.shake_256(f"keyfate {self._seed} {term}".encode()).digest(SECRET_BYTES)


class Workbench:
    """What can be computed from some slots, by opening and making with their bytes only."""

    def __init__(self, primitives: Primitives, slots: Slots) -> None:
        self._primitives = primitives
        self._known: dict[Term, bytes] = dict(slots)
        self._made: dict[Term, bytes | None] = {}
        self._opened = False

    def compute(self, term: Term) -> bytes | None:
        """The bytes of `term`, or None where the slots do not yield it."""
        made = self._make(term)
        if made is None and not self._opened:
            self._open_all()
            made = self._make(term)
        return made

    def _make(self, term: Term) -> bytes | None:
        known = self._known.get(term)
        if known is not None:
            return known
        if isinstance(term, Atom):
            return public_bytes(term.name, term.args) if term.public else None
        if term not in self._made:
            parts = [self._make(arg) for arg in term.args]
            ready = [part for part in parts if part is not None]
            whole = len(ready) == len(parts)
            self._made[term] = self._primitives.make(term.function)(term.label, ready) if whole else None
        return self._made[term]

    def _open_all(self) -> None:
        """Open what can be opened until nothing more can (key graphs may be cyclic)."""
        closed = [term for term in self._known if isinstance(term, Compound)]
        progress = True
        while progress:
            progress = False
            for term in list(closed):
                inside = self._open(term)
                if inside is None:
                    continue
                closed.remove(term)
                progress = True
                for part, data in inside.items():
                    if part not in self._known:
                        self._known[part] = data
                        if isinstance(part, Compound):
                            closed.append(part)
            self._made.clear()
        self._opened = True

    def _open(self, term: Compound) -> dict[Term, bytes] | None:
        opener = self._primitives.opener(term.function)
        if opener is None:
            return None
        *keys, inside = term.args
        if term.function == "pair":
            keys, parts = [], list(term.args)
        elif term.function == "aenc":
            recipient = term.args[0]
            if not isinstance(recipient, Compound) or recipient.function != "pub":
                return None
            keys, parts = [recipient.args[0]], [inside]
        else:
            parts = [inside]
        secrets = [self._make(key) for key in keys]
        ready = [secret for secret in secrets if secret is not None]
        if len(ready) < len(secrets):
            return None
        opened = opener(ready, self._known[term])
        return None if opened is None else dict(zip(parts, opened, strict=True))
