"""Hypothesis draws small lifecycles: guards, effects, key graphs with cycles, exposures, the past.

Every drawn text is well typed by construction; effects of one action touch
different locations, so conflicts (R2) are rare. Kept small enough for the
plain interpreter to exhaust.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

HEADER = """
lifecycle drawn "drawn at random" status assumed
sort P = a | b
sort E = 0 .. 2
control c0 : bool
control c1 : x | y
capability cap0 "sees"
capability cap1 "does"
component cpu inside
component host outside
secret s0[P], s1, s2
public pub0[P], pub1
place q0[P] volatile at cpu{starts}
place q1 persistent at host
state st[P] : u | v | w = {first}
state owner : P or none = none
state e : E = 0
state hot : bool = {hot}
message Msg = enc(s2, s0[p]) for p: P
"""


@dataclass
class Drawer:
    """Draws one text; `draw` is Hypothesis' own."""

    draw: st.DrawFn

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def maybe(self) -> bool:
        return self.draw(st.booleans())

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def index(self, bound: tuple[str, ...]) -> str:
        return self.pick("a", "b", *bound, *bound)

    def term(self, bound: tuple[str, ...], depth: int = 2, states: bool = True) -> str:
        if depth == 0 or self.number(0, 2) == 0:
            atoms = [f"s0[{self.index(bound)}]", "s1", "s2", "pub1", f"pub0[{self.index(bound)}]"]
            if states:
                atoms.append("s0[owner]")
            return self.pick(*atoms)
        first, second = (self.term(bound, depth - 1, states) for _ in range(2))
        return self.pick(
            f"enc({first}, {second})",
            f"enc({first}, {second})",
            f'kdf("l", {first})',
            f'kdf("m", {first}, {second})',
            f"pair({first}, {second})",
            f"aenc(pub({first}), {second})",
            f"page({first}, pub1, {second})",
            f"sign({first}, {second})",
            f"(if c0 then {first} else {second})",
        )

    def condition(self, bound: tuple[str, ...], depth: int = 2, *, past: bool = True, controls: bool = True) -> str:
        if depth == 0 or self.number(0, 3) == 0:
            return self.pick(
                f"st[{self.index(bound)}] = {self.pick('u', 'v', 'w')}",
                f"st[{self.index(bound)}] != {self.pick('u', 'v', 'w')}",
                f"owner = {self.index(bound)}",
                "owner = none",
                f"e {self.pick('=', '<', '>=')} {self.number(0, 2)}",
                "hot",
                *(("c0", f"c1 = {self.pick('x', 'y')}") if controls else ()),
                f"{self.place(bound)} has {self.term(bound, 1)}",
                f"({self.place(bound)}, q1) yields {self.term(bound, 1)}",
                *(("did go0", "once did go1") if past else ()),
            )
        one = self.condition(bound, depth - 1, past=past)
        two = self.condition(bound, depth - 1, past=past)
        wholes = [f"({one} and {two})", f"({one} or {two})", f"(not {one})", f"({one} iff {two})"]
        if past:
            wholes += [f"(once {one})", f"(historically {one})", f"(previously {one})", f"({one} since {two})"]
        if "z" not in bound:
            inner = self.condition((*bound, "z"), depth - 1, past=past)
            wholes += [f"some z: P {{ {inner} }}", f"all z: P {{ {inner} }}"]
        return self.pick(*wholes)

    def place(self, bound: tuple[str, ...]) -> str:
        return self.pick(f"q0[{self.index(bound)}]", "q1")

    def effects(self, bound: tuple[str, ...], attacker: bool) -> str:
        effects = []
        targets = self.draw(st.lists(st.sampled_from(["st", "owner", "e", "hot", "q0", "q1"]), min_size=1, max_size=3))
        for target in dict.fromkeys(targets):
            effects.append(self.effect(target, bound, attacker))
        if not attacker and self.maybe():
            term = self.term(bound, 1)
            effects.append(f"leaks {term} using {self.place(bound)}, q1 to {self.pick('cap0', 'cap1')}")
        wrapped = []
        for effect in effects:
            if self.number(0, 3) == 0:
                effect = f"if {self.condition(bound, 1)} {{ {effect} }}"
            wrapped.append(effect)
        return "; ".join(wrapped)

    def effect(self, target: str, bound: tuple[str, ...], attacker: bool) -> str:
        match target:
            case "st":
                value = self.pick("u", "v", "w", "if hot then u else w")
                if self.number(0, 3) == 0:
                    return f"for y: P where owner = y {{ st[y] := {value} }}"
                return f"st[{self.index(bound)}] := {value}"
            case "owner":
                return f"owner := {self.pick(self.index(bound), 'none')}"
            case "e":
                return f"e := {self.pick('0', '1', 'e + 1', 'e + 1')}"
            case "hot":
                return f"hot := {self.pick('true', 'false', f'({self.condition(bound, 1)})')}"
        place = f"q0[{self.index(bound)}]" if target == "q0" else "q1"
        other = f"q0[{self.index(bound)}]" if target == "q1" else "q1"
        term = self.term(bound)
        sources = "" if attacker else self.pick(f" using {other}, {place}", " using q0, q1", " ideal")
        created = self.pick(f"{place} gains s0[{self.index(bound)}]", f"{place} gains s1", f"{place} gains s2")
        return self.pick(
            created,
            created,
            f"{place} gains {term}{sources or ''}" if sources or attacker else created,
            f"{place} loses {self.term(bound, 1)}",
            f"{place} becomes {{{term}}}{sources}",
            f"{place} becomes {other}",
            f"{place} gains all of {other}",
            f"clear {place}",
        )

    def action(self, number: int) -> str:
        attacker = number > 1 and self.number(0, 2) == 0
        bound = ("p",) if self.maybe() else ()
        params = "[p: P]" if bound else ""
        message = attacker and self.maybe()
        if message:
            params = "[p: P, g: Msg]" if bound else "[g: Msg]"
        guard = self.condition(bound, 1) if self.maybe() else "true"
        if attacker and self.maybe():
            guard = f"({guard}) and attacker knows {self.term(bound, 1)}"
        effects = "q1 gains g" if message else self.effects(bound, attacker)
        who = f"attacker needs {self.pick('cap0', 'cap1')}" if attacker else "cpu"
        return f"action go{number}{params} by {who} when {guard} then {effects}\n"

    def lifecycle(self) -> str:
        starts = f" starts with {self.term((), 1, states=False)}" if self.maybe() else ""
        text = HEADER.format(starts=starts, first=self.pick("u", "any"), hot=self.pick("true", "false", "c0", "any"))
        for place in self.draw(st.lists(st.sampled_from(["q0[p: P]", "q1"]), max_size=2)):
            caps = self.pick("cap0", "cap1", "cap0 and cap1")
            bound = ("p",) if "p" in place else ()
            text += f"exposes {place} to {caps} when {self.condition(bound, 1)}\n"
        if self.maybe():
            text += f"constraint {self.pick('c0', 'not c0', 'c1 = x', 'c0 or c1 = y')}\n"
        for number in range(self.number(2, 4)):
            text += self.action(number)
        return text + self.properties()

    def properties(self) -> str:
        target = self.term(("t",), 1, states=False)
        return (
            f"property knows_ for t: P never attacker knows {target}\n"
            f"property left for t: P when {self.condition(('t',), 1)} never {target} recoverable\n"
            f"property shown for t: P never {self.condition(('t',), 2)}\n"
            f"property kept always {self.condition((), 1)}\n"
            f"property can for t: P possible {self.condition(('t',), 1)}\n"
        )


@st.composite
def lifecycles(draw: st.DrawFn) -> str:
    """The text of a small lifecycle with five properties of every kind."""
    return Drawer(draw).lifecycle()
