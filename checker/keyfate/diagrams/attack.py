"""How a secret was computed, as an AND/OR tree: all the ways that the end of a trace leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyfate.checking.naming import Namer
from keyfate.checking.results import PolicySummary, Result
from keyfate.checking.retracing import retraced
from keyfate.diagrams.figure import Edge, Figure, Mark, Node, NodeKind, UndrawableError
from keyfate.diagrams.settings import setting
from keyfate.diagrams.ways import Goal, Ways
from keyfate.language.typed import Derivable, Lifecycle
from keyfate.lifecycle.account import Reason
from keyfate.lifecycle.deduction import Deduction, Rule, Sighting
from keyfate.lifecycle.names import Compound, PlaceName, Term
from keyfate.lifecycle.universe import universe

MOST = 3
"""So many ways to one term are drawn; the first is the one that `keyfate explain` tells."""

READABLE = 60
"""A figure of more nodes is drawn again with fewer ways to each term."""

_OPENED = {"seal": "unseal", "wrap": "unwrap", "pair": "take out of the pair"}
_SEALED = ("enc", "seal", "wrap", "page", "aenc")
_ONE_WAY = ("kdf", "hash", "mac", "sign", "pub")


def attack(lifecycle: Lifecycle, policy: PolicySummary, result: Result) -> Figure:
    """What the broken property asks for, and below it what that takes.

    Raises UndrawableError where no term was computed.
    """
    if not result.knowledge:
        raise UndrawableError(*_missing(policy, result))
    reasons = retraced(lifecycle, policy, result).reasons
    deduction, namer = Deduction(universe(lifecycle)), Namer(lifecycle)
    for most in range(MOST, 0, -1):
        drawing = _Drawing(namer)
        drawing.draw(result, reasons, deduction, most)
        if len(drawing.nodes) <= READABLE:
            break
    return Figure(
        title=f"{result.property} under {policy.policy}: {result.text}",
        nodes=tuple(drawing.nodes.values()),
        edges=tuple(drawing.edges),
        notes=(*setting(policy, result), *drawing.notes),
    )


def _missing(policy: PolicySummary, result: Result) -> tuple[str, str]:
    where = f"`{result.property}` is {result.verdict} under `{policy.policy}`"
    if result.trace is None:
        return f"{where}: there is no attack to draw", "a VIOLATED property that asks what is known has one"
    return f"{where}, and no term was computed for it", "draw `trace` instead: it shows how that state is reached"


class _Drawing:
    """Nodes and edges as they come, each goal once."""

    def __init__(self, namer: Namer) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.notes: list[str] = []
        self._namer = namer
        self._names: dict[tuple[Ways, Goal], str] = {}
        self._shown: dict[str, int] = {}

    def draw(self, result: Result, reasons: Sequence[Reason], deduction: Deduction, most: int) -> None:
        """All that the break rests on. Several reasons are needed together: of an `or`, an account has one side."""
        found: dict[object, Ways] = {}  # reasons that begin with the same facts share what is below them
        roots: list[tuple[Reason, Ways, Goal]] = []
        for reason in reasons:
            ways = found.setdefault((reason.seen, reason.held), Ways(deduction, reason.seen, reason.held, most))
            root = ways.goal(reason.derivation.term)
            if (ways, root) not in [(w, g) for _, w, g in roots]:
                roots.append((reason, ways, root))
        if any(ways.narrowed for ways in found.values()):
            self.notes.append("only the first way to each term is drawn, for there are too many")
        if len(roots) == 1:
            reason, ways, root = roots[0]
            self._goal(ways, root, _asked(reason.condition))
            return
        self._node("property", result.property, "goal", {"target"})
        self._node("property and", "all of these", "and")
        self._edge("property", "property and")
        for reason, ways, root in roots:
            self._edge("property and", self._name(ways, root))
            self._goal(ways, root, _asked(reason.condition))

    def _name(self, ways: Ways, goal: Goal) -> str:
        """The term's; with a number where several goals read the same."""
        if (ways, goal) not in self._names:
            shown = self._namer.term(goal.term)
            count = self._shown[shown] = self._shown.get(shown, 0) + 1
            self._names[ways, goal] = shown if count == 1 else f"{shown} #{count}"
        return self._names[ways, goal]

    def _goal(self, ways: Ways, goal: Goal, asked: str = "") -> None:
        """The node of `goal`, with all below it; `asked` says of a root what was asked."""
        name, shown = self._name(ways, goal), self._namer.term(goal.term)
        if name in self.nodes:
            return
        facts = ["public"] if goal.public else _facts(goal.facts)
        if len(facts) == 1 and not goal.rules and not asked:
            self._node(name, f"{shown}\n{facts[0]}", "fact")
            return
        if asked:
            self._node(name, f"{shown}\n{asked}", "goal", {"target"})
        else:
            self._node(name, shown, _kind(goal.term))
        above = name
        if len(facts) + len(goal.rules) > 1:
            above = f"{name} or"
            self._node(above, "one of these", "or")
            self._edge(name, above)
        for number, fact in enumerate(facts, start=1):
            self._node(f"{name} fact {number}", fact, "fact")
            self._edge(above, f"{name} fact {number}")
        for number, (rule, premises) in enumerate(goal.rules, start=1):
            below = [ways.goals[premise] for premise in dict.fromkeys(premises)]
            self._rule(above, f"{name} and {number}", rule, [self._name(ways, premise) for premise in below])
            for premise in below:
                self._goal(ways, premise)
        if goal.more:
            further = "1 further way is" if goal.more == 1 else f"{goal.more} further ways are"
            self.notes.append(f"{further} not drawn to {shown}")

    def _rule(self, above: str, gate: str, rule: Rule, premises: Sequence[str]) -> None:
        """One step of deduction: a gate where it takes several terms."""
        if len(premises) == 1:
            self._edge(above, premises[0], _done(rule))
            return
        self._node(gate, _done(rule), "and")
        self._edge(above, gate)
        for number, premise in enumerate(premises):
            self._edge(gate, premise, "with the key" if rule.kind == "decompose" and number == 1 else "")

    def _node(self, name: str, label: str, kind: NodeKind, marks: Iterable[Mark] = ()) -> None:
        self.nodes[name] = Node(name, label, kind, marks=frozenset(marks))

    def _edge(self, source: str, target: str, label: str = "") -> None:
        self.edges.append(Edge(source, target, label, "needs"))


def _asked(condition: Derivable) -> str:
    if not condition.observed:
        return "yielded by what is held"
    nowhere = not condition.places.places and not condition.places.complement
    return "computed by the attacker" if nowhere else "recoverable"


def _kind(term: Term) -> NodeKind:
    """What it is by itself, where that says something; a part of something else is a goal like the first."""
    if isinstance(term, Compound) and term.function in _ONE_WAY:
        return "derived"
    return "sealed" if isinstance(term, Compound) and term.function in _SEALED else "goal"


def _done(rule: Rule) -> str:
    """The rule as something one does."""
    whole = rule.conclusion if rule.kind == "compose" else rule.premises[0]
    assert isinstance(whole, Compound)
    if rule.kind == "decompose":
        return _OPENED.get(whole.function, "decrypt")
    return whole.function if whole.label is None else f'{whole.function} "{whole.label}"'


def _facts(facts: Iterable[Sighting | PlaceName]) -> list[str]:
    """What was seen or held, in words; sightings that differ only in who saw are one."""
    by: dict[str, list[str]] = {}
    for fact in facts:
        if isinstance(fact, PlaceName):
            by.setdefault(f"held in {fact}", [])
        else:
            when = f"after step {fact.step}" if fact.step else "at the start"
            where = f"seen in {fact.place} {when}" if fact.place is not None else f"leaked in step {fact.step}"
            by.setdefault(where, []).append(" and ".join(map(str, fact.capabilities)))
    return [words + (f"\nby {' or '.join(filter(None, who))}" if any(who) else "") for words, who in by.items()]
