"""The walk of twin and interpreter as a Hypothesis state machine: for tests of anybody's lifecycle.

Each action is a rule, so Hypothesis leaves some out of a walk at random (swarm testing:
Groce, Zhang, Eide, Chen, Regehr, ISSTA 2012) and prints what it found as a program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from keyfate.language.typed import Lifecycle, Property
from keyfate.lifecycle.problem import Settings
from keyfate.twin.pairs import Choose, Grounds, Pair

T = TypeVar("T")


def machine(
    lifecycle: Lifecycle, settings: Settings, holding: Sequence[Property] = (), *, grounds: Grounds | None = None
) -> type[RuleBasedStateMachine]:
    """A state machine that fails where the two sides disagree, or where one of `holding` breaks.

    For a test: `TestWalk = machine(lifecycle, Settings(), proved).TestCase`. `grounds`
    replaces what the walks stand on, for instance with other primitives.
    """
    shared = grounds or Grounds(lifecycle, settings, holding)

    class Walk(RuleBasedStateMachine):
        pair: Pair

        @initialize(data=st.data())
        def begin(self, data: st.DataObject) -> None:
            pair = shared.draw(_drawing(data), Pair)
            if pair is None:
                reject()
            self.pair = pair
            self.look()

        @rule()
        def rest(self) -> None:
            """A walk may stand still: where nothing can happen, there is still a rule."""

        def look(self) -> None:
            difference = self.pair.difference()
            assert difference is None, f"{difference}, at the end of {self.pair.trace}"
            broken = [found.name for found in shared.properties if self.pair.breaks(found)]
            assert not broken, f"{', '.join(broken)} broken at the end of {self.pair.trace}"

    def act(self: Walk, data: st.DataObject, name: str) -> None:
        instances = [action for action in self.pair.enabled if action.name == name]
        self.pair.step(_drawing(data)("as", instances))
        self.look()

    members: dict[str, object] = {}
    for action in lifecycle.actions:

        def can(self: Walk, name: str = action.name) -> bool:
            return any(instance.name == name for instance in self.pair.enabled)

        members[f"act_{action.name}"] = precondition(can)(rule(data=st.data(), name=st.just(action.name))(act))
    return type("Walk", (Walk,), members)


def _drawing(data: st.DataObject) -> Choose:
    def choose(label: str, options: Sequence[T]) -> T:
        return data.draw(st.sampled_from(options), label=label)

    return choose
