"""Which call the TDX module allows in which operation state: the lifecycle of migration says what its table does.

tests/data/tdx_module_1_5_op_states.csv has the table, read from the module's public source. An action whose text begins
with the name of a call is that call: TDH.EXPORT.PAUSE is `export_pause`. It is made on the side that its parameter `s`
says, or on the source. Whether it may happen in a state is asked of the certifier's encoding, and so of Z3: is there
any typed state, under any settings, with that operation state on that side, in which an instance of it is enabled?
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from keyfate.certifier.certify import Certifier
from keyfate.engines.decide import Engine
from keyfate.language.library import folder
from keyfate.language.loading import load, load_text
from keyfate.language.typed import Action, Lifecycle
from keyfate.lifecycle.names import StateName
from keyfate.lifecycle.problem import Problem, Reach, Reached, Settings
from keyfate.policy.loading import load_policy

MODEL = folder("models") / "tdx-1.5-migration.kf"
POLICY = folder("models") / "policies" / "tdx-1.5-migration-hardened.policy.toml"
TABLE = Path(__file__).parents[1] / "data" / "tdx_module_1_5_op_states.csv"
FACTS = Path(__file__).parents[3] / "shared" / "facts" / TABLE.name
OP_STATES = """
    UNINITIALIZED INITIALIZED RUNNABLE LIVE_EXPORT PAUSED_EXPORT POST_EXPORT
    MEMORY_IMPORT STATE_IMPORT POST_IMPORT LIVE_IMPORT FAILED_IMPORT
"""
STATES = OP_STATES.split()
CALLS = """
    MNG.INIT MR.FINALIZE VP.ENTER VP.FLUSH SERVTD.BIND SERVTD.PREBIND MIG.STREAM.CREATE
    EXPORT.STATE.IMMUTABLE EXPORT.MEM EXPORT.PAUSE EXPORT.TRACK EXPORT.STATE.TD EXPORT.STATE.VP EXPORT.ABORT
    EXPORT.UNBLOCKW EXPORT.RESTORE
    IMPORT.STATE.IMMUTABLE IMPORT.MEM IMPORT.TRACK IMPORT.STATE.TD IMPORT.STATE.VP IMPORT.COMMIT IMPORT.END IMPORT.ABORT
"""
MIGRATION = CALLS.split()

NEVER = {
    ("TDH.SERVTD.BIND", "POST_IMPORT"),
    ("TDH.SERVTD.BIND", "LIVE_IMPORT"),
    ("TDH.EXPORT.STATE.IMMUTABLE", "LIVE_IMPORT"),
}
"""What the lifecycle allows, and nobody gets to: a target is never the source of a migration of its own."""

Table = dict[tuple[str, str], bool]


def table() -> Table:
    with TABLE.open(encoding="utf-8", newline="") as rows:
        return {
            (row["name"], state): {"1": True, "0": False}[row[state]]
            for row in csv.DictReader(rows)
            for state in STATES
        }


def calls(lifecycle: Lifecycle) -> dict[str, Action]:
    """The actions that are calls, by the name of the call."""
    return {named[1]: a for a in lifecycle.actions if (named := re.match(r"(TDH\.[A-Z.]+): ", a.description))}


def allowed(lifecycle: Lifecycle, settings: Settings) -> Table:
    """The lifecycle's own table, of the calls that it has."""
    certifier = Certifier(lifecycle)
    encoding = certifier.encoding
    solver = certifier.fresh(Problem(lifecycle, settings, Reach((), lifecycle.properties[0].target)))
    found: Table = {}
    for call, action in calls(lifecycle).items():
        on = next((n for n, param in enumerate(action.params) if param.shown == "s"), None)
        steps = [step for name, step in encoding.steps.items() if name.name == action.name]
        for state in STATES:
            ways = []
            for step in steps:
                side = "source" if on is None else step.name.args[on]
                here = encoding.state(StateName("op", (side,)))[state.lower()]
                ways.append(encoding.formulas.all_of((step.enabled, here)))
            answer = solver.check_with(certifier.now.expr(encoding.formulas.any_of(ways)))
            assert answer in ("sat", "unsat")
            found[call, state] = answer == "sat"
    return found


def differing(own: Table, other: Table) -> set[tuple[str, str]]:
    """Of the calls in `own`, in which states the other table says otherwise."""
    return {cell for cell in own if own[cell] != other[cell]}


@pytest.fixture(scope="module")
def lifecycle() -> Lifecycle:
    return load(MODEL).lifecycle


@pytest.fixture(scope="module")
def own(lifecycle: Lifecycle) -> Table:
    return allowed(lifecycle, Settings())


def test_the_table_is_the_one_that_it_was_copied_from() -> None:
    facts = FACTS if FACTS.is_file() else TABLE  # beside a clone elsewhere there is nothing to compare with
    assert TABLE.read_bytes() == facts.read_bytes()


def test_a_call_is_an_action_of_its_name(lifecycle: Lifecycle) -> None:
    for call, action in calls(lifecycle).items():
        assert action.name == call.removeprefix("TDH.").lower().replace(".", "_")
    named = {call.removeprefix("TDH.").lower().replace(".", "_") for call, _ in table()}
    assert {action.name for action in lifecycle.actions} & named == {a.name for a in calls(lifecycle).values()}


def test_every_call_of_a_migration_is_there(lifecycle: Lifecycle) -> None:
    assert set(calls(lifecycle)) >= {f"TDH.{call}" for call in MIGRATION}


def test_the_states_are_those_of_the_table(lifecycle: Lifecycle) -> None:
    (op,) = (state for state in lifecycle.states if state.name == "op")
    assert [str(value).upper() for value in op.domain.values] == STATES


def test_the_lifecycle_allows_each_call_where_the_table_does(own: Table) -> None:
    assert len(own) == len(STATES) * len({call for call, _ in own})
    assert differing(own, table()) == set()


def test_safeguards_change_nothing_about_the_table(lifecycle: Lifecycle) -> None:
    policy = load_policy(POLICY)
    assert allowed(policy.lifecycle, policy.settings) == allowed(lifecycle, Settings())


@pytest.mark.parametrize("call", sorted(f"TDH.{call}" for call in MIGRATION))
def test_a_flipped_cell_is_found(call: str, own: Table) -> None:
    for state in STATES:
        flipped = table()
        flipped[call, state] = not flipped[call, state]
        assert differing(own, flipped) == {(call, state)}


@pytest.mark.parametrize(
    ("old", "new", "cell"),
    [
        (
            "when op[source] = live_export\n",
            "when op[source] in {live_export, runnable}\n",
            ("EXPORT.PAUSE", "RUNNABLE"),
        ),
        ("op[s] in {post_import, live_import}\n  then", "op[s] = post_import\n  then", ("IMPORT.END", "LIVE_IMPORT")),
    ],
)
def test_a_changed_guard_is_found(old: str, new: str, cell: tuple[str, str]) -> None:
    text = MODEL.read_text(encoding="utf-8")
    assert text.count(old) == 1
    changed = load_text(text.replace(old, new), str(MODEL)).lifecycle
    assert differing(allowed(changed, Settings()), table()) == {(f"TDH.{cell[0]}", cell[1])}


def test_every_call_happens_in_each_state_that_allows_it(lifecycle: Lifecycle) -> None:
    """With every safeguard, and so every state is reached: no cell is right only because a guard never holds."""
    cells = {f"{a.name}_in_{state}": (call, state) for call, a in calls(lifecycle).items() for state in STATES}
    cells = {name: cell for name, cell in cells.items() if table()[cell]}
    asked = "\n".join(happens(name, calls(lifecycle)[call], state) for name, (call, state) in cells.items())
    extended = load_text(f"{MODEL.read_text(encoding='utf-8')}\n{asked}", str(MODEL)).lifecycle
    settings, engine, certifier = load_policy(POLICY).settings, Engine(extended), Certifier(extended)
    rules = {rule.name: rule for rule in extended.properties}
    never = set()
    for name, cell in cells.items():
        problem = Problem(extended, settings, Reach(rules[name].binders, rules[name].target))
        finding = engine.decide(problem)
        assert certifier.certify(problem, finding).accepted
        if not isinstance(finding, Reached):
            never.add(cell)
    assert never == NEVER


def happens(name: str, action: Action, state: str) -> str:
    """A property: the call is made in that state, on the side that it is made on."""
    words = ["s" if param.shown == "s" else "_" for param in action.params]
    side = "s" if "s" in words else "source"
    made = f"did {action.name}" + (f"[{', '.join(words)}]" if words else "")
    some = "for s: Side " if side == "s" else ""
    return f"property {name} {some}possible {made} and previously op[{side}] = {state.lower()}"
