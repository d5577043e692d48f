"""The attacker's half of the twin: bytes in, everything that can be computed from them out.

It gets byte strings that exposures, leaks or places gave it, the public byte strings
and the declared recipes (Kerckhoffs). It tries every opening with every key it can make
and makes whatever the recipes allow, until nothing new comes out. It sees no closed
term and no state. The honest half and this one share nothing but the primitives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from keyfate.language.typed import Function
from keyfate.twin.bytestrings import short
from keyfate.twin.primitives import Open, Primitives, remembering
from keyfate.twin.recipes import Design, Form, Recipe


@dataclass(frozen=True)
class _Opening:
    """`data` was opened with `secrets` in this round and gave the byte string this stands for."""

    function: Function
    data: bytes
    secrets: tuple[bytes, ...]
    round: int


@dataclass(frozen=True)
class _Making:
    recipe: Recipe
    arguments: tuple[bytes, ...]


_SEARCHES_KEPT = 256
_COMBINATIONS = 500_000
_INVERTIBLE: frozenset[Function] = frozenset({"enc", "seal", "wrap", "page", "pair"})
_OPENING_ORDER: tuple[Function, ...] = ("enc", "seal", "wrap", "page", "aenc")


class SearchTooLargeError(RuntimeError):
    """A recipe has more combinations of arguments than can be tried."""


class Attacker:
    """One attacker's workshop: what was ever tried is remembered, what follows from which bytes is not mixed.

    A search is a function of the byte strings it starts from; the memory only saves work.
    """

    def __init__(self, design: Design, primitives: Primitives) -> None:
        self.primitives = remembering(primitives)
        self.publics = design.publics
        self.public = {data for family in design.publics.values() for data in family}
        self.makers: dict[Function, list[Recipe]] = {}
        for recipe in design.recipes:
            self.makers.setdefault(recipe.function, []).append(recipe)
        self.ways_in = [
            (recipe, opener, _secret_forms(recipe))
            for function in _OPENING_ORDER
            if (opener := self.primitives.opener(function)) is not None
            for recipe in self.makers.get(function, ())
        ]
        self.splitter: Open | None = self.primitives.open_pair if "pair" in self.makers else None
        self.labels: dict[bytes, str] = {}
        for family in design.publics.values():
            for data in family:
                self.labels[data] = data.decode()
        self._inside: dict[tuple[Function, bytes], tuple[tuple[bytes, ...], bytes]] = {}
        self._tried: dict[tuple[Function, bytes], set[tuple[bytes, ...]]] = {}
        self._resembles: dict[tuple[Function | None, bytes], bool] = {}
        self._searches: dict[frozenset[bytes], Knowledge] = {}

    def search(self, seen: Iterable[bytes]) -> Knowledge:
        """Everything that follows from `seen` and what is public."""
        start = frozenset(seen)
        found = self._searches.get(start)
        if found is None:
            if len(self._searches) >= _SEARCHES_KEPT:
                del self._searches[next(iter(self._searches))]  # the oldest
            found = self._searches[start] = Knowledge(self, start)
        return found

    def resembles(self, function: Function | None, data: bytes) -> bool:
        key = function, data
        known = self._resembles.get(key)
        if known is None:
            known = self._resembles[key] = self.primitives.resembles(function, data)
        return known

    def open(
        self, function: Function, opener: Open, data: bytes, choices: Sequence[tuple[bytes, ...]]
    ) -> tuple[tuple[bytes, ...], bytes] | None:
        """The secrets among `choices` that open `data`, and what is inside."""
        key = function, data
        right = self._inside.get(key)
        if right is not None:
            return right if right[0] in choices else None
        tried = self._tried.setdefault(key, set())
        for secrets in choices:
            if secrets in tried:
                continue
            tried.add(secrets)
            inside = opener(secrets, data)
            if inside is not None:
                right = self._inside[key] = secrets, inside[0]
                return right
        return None


def _secret_forms(recipe: Recipe) -> tuple[Form, ...]:
    """What to try as the secrets that open an output of `recipe`."""
    if recipe.function == "page":
        return recipe.arguments[:2]
    key = recipe.arguments[0]
    if recipe.function != "aenc":
        return (key,)
    private = Form(False)
    for public in key.recipes:
        if public.function == "pub":
            private |= public.arguments[0]
    return (private,)


class Knowledge:
    """What follows from some byte strings: those found (seen, or inside something opened) and those made."""

    def __init__(self, attacker: Attacker, seen: frozenset[bytes]) -> None:
        self._attacker = attacker
        self._found: dict[bytes, _Opening | None] = dict.fromkeys(sorted(seen))
        self._makings: dict[bytes, _Making] = {}
        self._forms: dict[Form, tuple[bytes, ...]] = {}
        self._outputs: dict[Recipe, tuple[bytes, ...]] = {}
        self._alike: dict[Function | None, list[bytes]] = {}
        self._everything: frozenset[bytes] | None = None
        self._saturate()

    def has(self, canary: bytes) -> bool:
        """Whether these bytes come out of the search.

        What has a key is not made for every message: the canary is opened, and the search goes on for what is
        inside. The construction is deterministic, so who has both parts makes the same bytes.
        """
        if canary in self._found or canary in self._attacker.public or canary in self._makings:
            return True
        for function, recipes in self._attacker.makers.items():
            if not self._attacker.resembles(function, canary):
                continue
            for recipe in recipes:
                if function in _INVERTIBLE:
                    self._make_back(recipe, canary)
                else:
                    self._output(recipe)
                if canary in self._makings:
                    return True
        return False

    def _make_back(self, recipe: Recipe, canary: bytes) -> None:
        """Make `canary` by a recipe whose outputs open with what makes them."""
        attacker = self._attacker
        opener = attacker.primitives.opener(recipe.function)
        assert opener is not None
        if recipe.function == "pair":
            parts = opener((), canary)
        else:
            choices = list(product(*map(self._candidates, _secret_forms(recipe))))
            opened = attacker.open(recipe.function, opener, canary, choices)
            parts = None if opened is None else (*opened[0], opened[1])
        if parts is None or not all(map(self.has, parts)):
            return
        made = attacker.primitives.make(recipe.function)(recipe.label, parts)
        self._makings.setdefault(made, _Making(recipe, parts))

    def everything(self) -> frozenset[bytes]:
        """All that was found, is public or can be made by one of the recipes."""
        if self._everything is None:
            out = {*self._found, *self._attacker.public}
            for recipes in self._attacker.makers.values():
                for recipe in recipes:
                    out.update(self._output(recipe))
            self._everything = frozenset(out)
        return self._everything

    def explain(self, canary: bytes, seen: Mapping[bytes, str], name: str) -> tuple[str, ...]:
        """How `canary`, called `name`, came out, one line a step; `seen` says where a byte string was seen."""
        if not self.has(canary):
            return ()
        lines: list[str] = []
        self._explain(canary, len(self._found) + 1, seen, lines, set())
        return (*lines, f"{short(canary)} is {name}")

    # The search.

    def _saturate(self) -> None:
        attacker = self._attacker
        closed: set[tuple[Function, bytes]] = set()  # opened or split already
        turn = 0
        while True:
            turn += 1
            news: dict[bytes, _Opening] = {}
            for recipe, opener, forms in attacker.ways_in:
                function = recipe.function
                blobs = [data for data in self._resembling(function) if (function, data) not in closed]
                if not blobs:
                    continue
                choices = list(product(*map(self._candidates, forms)))
                for data in blobs:
                    opened = attacker.open(function, opener, data, choices)
                    if opened is not None:
                        closed.add((function, data))
                        news.setdefault(opened[1], _Opening(function, data, opened[0], turn))
            if attacker.splitter is not None:
                for data in self._resembling("pair"):
                    if ("pair", data) not in closed:
                        closed.add(("pair", data))
                        for part in attacker.splitter((), data) or ():
                            news.setdefault(part, _Opening("pair", data, (), turn))
            fresh = {data: how for data, how in news.items() if data not in self._found}
            if not fresh:
                return
            self._found.update(fresh)
            self._forms.clear()
            self._outputs.clear()
            self._alike.clear()

    def _resembling(self, function: Function | None) -> list[bytes]:
        alike = self._alike.get(function)
        if alike is None:
            resembles = self._attacker.resembles
            alike = self._alike[function] = [data for data in self._found if resembles(function, data)]
        return alike

    def _candidates(self, form: Form) -> tuple[bytes, ...]:
        """Every byte string at hand that may stand where `form` stands."""
        out = self._forms.get(form)
        if out is None:
            here: dict[bytes, None] = {}
            for family in form.publics:
                here.update(dict.fromkeys(self._attacker.publics.get(family, ())))
            if form.secret:
                here.update(dict.fromkeys(self._resembling(None)))
            for recipe in form.recipes:
                here.update(dict.fromkeys(self._resembling(recipe.function)))
                here.update(dict.fromkeys(self._output(recipe)))
            out = self._forms[form] = tuple(here)
        return out

    def _output(self, recipe: Recipe) -> tuple[bytes, ...]:
        """Every byte string that `recipe` makes of what is at hand."""
        out = self._outputs.get(recipe)
        if out is None:
            here: dict[bytes, None] = {}
            make = self._attacker.primitives.make(recipe.function)
            choices = [self._candidates(form) for form in recipe.arguments]
            if prod(map(len, choices)) > _COMBINATIONS:
                raise SearchTooLargeError(f"more than {_COMBINATIONS:,} ways to make one `{recipe.function}`")
            for arguments in product(*choices):
                data = make(recipe.label, arguments)
                here[data] = None
                self._makings.setdefault(data, _Making(recipe, arguments))
            out = self._outputs[recipe] = tuple(here)
        return out

    # The account of it.

    def _explain(self, data: bytes, before: int, seen: Mapping[bytes, str], lines: list[str], told: set[bytes]) -> None:
        """Append how `data` was come by, using only what was found before round `before`, so it never circles."""
        if data in told:
            return
        told.add(data)
        attacker = self._attacker
        how = self._found.get(data)
        making = self._makings.get(data)
        if data in self._found and how is None:
            lines.append(f"read {short(data)} {seen.get(data, 'in the open')}")
        elif data in attacker.public:
            told.discard(data)  # publics need no line
        elif how is not None and (how.round < before or making is None):
            for secret in how.secrets:
                self._explain(secret, how.round, seen, lines, told)
            self._explain(how.data, how.round, seen, lines, told)
            secrets = ", ".join(map(self._name, how.secrets))
            verb = "split" if how.function == "pair" else f"opened {OPENED_AS[how.function]}"
            lines.append(f"{verb} {short(how.data)}{f' with {secrets}' if secrets else ''}: {short(data)}")
        elif making is not None:
            for argument in making.arguments:
                self._explain(argument, before, seen, lines, told)
            label = "" if making.recipe.label is None else f' "{making.recipe.label}"'
            arguments = ", ".join(map(self._name, making.arguments))
            lines.append(f"{MADE_BY[making.recipe.function]}{label} of {arguments}: {short(data)}")

    def _name(self, data: bytes) -> str:
        return self._attacker.labels.get(data) or short(data)


MADE_BY: Mapping[Function, str] = {
    "kdf": "kdf (SP 800-108, HMAC-SHA-256)",
    "hash": "hash (SHA-256)",
    "mac": "mac (HMAC-SHA-256)",
    "sign": "sign (Ed25519)",
    "enc": "enc (AES-256-GCM)",
    "seal": "seal (AES-256-GCM)",
    "wrap": "wrap (AES key wrap with padding)",
    "page": "page (AES-256-XTS)",
    "aenc": "aenc (X25519, HKDF, AES-256-GCM)",
    "pub": "public key (X25519, Ed25519)",
    "pair": "pair",
}
OPENED_AS: Mapping[Function, str] = {
    function: f"{function} ({MADE_BY[function].partition('(')[2]}" for function in _OPENING_ORDER
}
