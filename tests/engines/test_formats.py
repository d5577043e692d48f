"""Circuits as AIGER and as Horn clauses, and what other tools answer about them.

ABC is asked where it is installed, as .ci/run does; the reader of tests and Z3 and cvc5 from the index always are.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engines import aigs
from engines.circuits import distance, is_bad, is_first, random_circuit, states, successors, values
from engines.smt import by_cvc5, by_z3
from keyfate.engines import aiger, berkeley
from keyfate.engines.circuit import FALSE, LEAF, TRUE, Circuit, value_of
from keyfate.engines.decide import Engine
from keyfate.engines.horn import horn, spoken
from keyfate.engines.ic3 import Proof
from keyfate.engines.labels import distinct
from keyfate.engines.provers import NoAnswerError, Reachable, Word
from keyfate.engines.sat import Clock, OutOfBudgetError
from keyfate.engines.search import Run
from keyfate.engines.spacer import spacer
from keyfate.lifecycle.names import Before, Holds
from keyfate.lifecycle.problem import Budget, NotWithin, Reached, Undecided, Unreachable
from keyfate.lifecycle.spelling import Spelling
from semantics.small import lifecycle, problem

CLOCK = Clock(Budget())
SEEDS = (*range(118), 250, 483)  # in the last two, bad is reached only from a first state that is known to be none
PROVERS = {"spacer": spacer} | ({"abc": berkeley.berkeley} if berkeley.installed() else {})

GATE = """
control guarded : bool
capability look "looks"
secret treasure
place shelf persistent at host
state door : bool = any
state shown : red | green | blue = any
exposes shelf to look
action put by cpu when door and not guarded then shelf gains treasure
action turn by cpu when shown = red then shown := green
property kept never attacker knows treasure
property put_only always not (previously once did turn) or once did turn
property green possible shown = green and once (did turn) and did put
"""


def awkward(seed: int) -> Circuit:
    """A random circuit of which the first two latches, where they start free, are never both true at first."""
    circuit = random_circuit(seed)
    free = [latch.literal for latch in circuit.latches if latch.initial is None][:2]
    return replace(circuit, known=((free[0] ^ 1, free[1] ^ 1),)) if len(free) == 2 else circuit


# AIGER


@pytest.mark.parametrize("seed", SEEDS)
def test_a_counterexample_is_one_step_longer(seed: int) -> None:
    circuit = awkward(seed)
    shortest = distance(circuit)
    found = aigs.distance(aigs.read(aiger.binary(aiger.model(circuit))))
    assert found == (None if shortest is None else shortest + aiger.LEAD)


@pytest.mark.parametrize("seed", SEEDS)
def test_text_and_binary_are_one_circuit(seed: int) -> None:
    model = aiger.model(random_circuit(seed))
    text, binary = aiger.text(model, "rule", ["about"]), aiger.binary(model, "rule", ["about"])
    assert aigs.read(text.encode()) == aigs.read(binary)


@pytest.mark.parametrize("rule", ["kept", "put_only", "green"])
def test_symbols_are_what_certificates_say_and_the_comment_closes(rule: str) -> None:
    of = lifecycle(GATE)
    circuit = Engine(of).exactly(problem(of, rule)).circuit
    spelling = Spelling(of)
    file = aigs.read(aiger.binary(aiger.model(circuit, spelling.show), rule, ["one", "two"]))
    assert len(set(file.symbols.values())) == len(file.symbols) == file.inputs + len(file.latches) + 1
    assert file.symbols["l0"] == aiger.STARTED
    assert file.symbols["b0"] == rule
    assert [spelling.bit(file.symbols[f"l{n}"]) for n in range(1, len(file.latches))] == [
        latch.name for latch in circuit.latches
    ]
    assert file.comment == ["one", "two"]


def test_a_label_of_two_lines_stays_on_one() -> None:
    of = lifecycle(
        "secret s\nplace p persistent at host starts with s\nplace q persistent at host\n"
        'action put by host then q gains kdf("a\\nb \\"c\\"", s) using p\n'
        "action drop by host then clear q\n"
        'property kept never once (q has kdf("a\\nb \\"c\\"", s)) and not q has kdf("a\\nb \\"c\\"", s)\n'
    )
    circuit = Engine(of).exactly(problem(of, "kept")).circuit
    spelling = Spelling(of)
    assert any("\\n" in spelling.show(latch.name) for latch in circuit.latches)
    file = aigs.read(aiger.text(aiger.model(circuit, spelling.show)).encode())
    assert {spelling.bit(name) for name in file.symbols.values() if " of once " in name or "place" in name} == {
        latch.name for latch in circuit.latches if isinstance(latch.name, Before | Holds)
    }


def test_names_of_clauses_are_what_certificates_say() -> None:
    of = lifecycle(GATE)
    circuit = Engine(of).exactly(problem(of, "green")).circuit
    spelling = Spelling(of)
    names = spoken(circuit, spelling.show)
    assert [spelling.bit(name) for name in names.bits] == [latch.name for latch in circuit.latches]


def test_what_is_never_bad_is_a_file_too() -> None:
    circuit = replace(random_circuit(0), bad=FALSE, parts=())
    assert aigs.distance(aigs.read(aiger.text(aiger.model(circuit)).encode())) is None


def test_names_that_are_taken_get_a_number() -> None:
    assert distinct(["a", "b", "a", "a (2)", "a"]) == ["a", "b", "a (2)", "a (2) (2)", "a (3)"]


# Horn clauses


@pytest.mark.parametrize("seed", SEEDS)
def test_horn_clauses_have_a_solution_where_bad_is_never_reached(seed: int) -> None:
    circuit = awkward(seed)
    script = horn(circuit, spoken(circuit, str), ["about", ""])
    expected = "sat" if distance(circuit) is None else "unsat"
    assert by_z3(script) == expected
    assert by_cvc5(script) == expected


@pytest.mark.parametrize("bad", [FALSE, TRUE])
def test_a_circuit_without_bits_is_a_script_too(bad: int) -> None:
    circuit = Circuit((LEAF,), (LEAF,), (), (), TRUE, (), bad, (bad,))
    script = horn(circuit, spoken(circuit, str))
    assert by_z3(script) == by_cvc5(script) == ("unsat" if bad else "sat")


# Provers


@pytest.mark.parametrize("name", PROVERS)
def test_provers_decide(name: str) -> None:
    proofs = 0
    for seed in SEEDS:
        circuit = awkward(seed)
        shortest = distance(circuit)
        said = PROVERS[name](circuit, CLOCK)
        if shortest is None:
            assert isinstance(said, Proof), seed
            proofs += bool(said.clauses)
            inside = {state for state in states(circuit) if holds(circuit, said, state)}
            for state in states(circuit):
                assert state in inside or not is_first(circuit, state), seed
            for state in inside:
                assert not is_bad(circuit, state), seed
                assert {after for after in successors(circuit, state) if known(circuit, after)} <= inside, seed
        else:
            assert isinstance(said, Run | Reachable), seed
            if isinstance(said, Run):
                assert len(said.inputs) == shortest, seed
                assert is_bad(circuit, ended(circuit, said)), seed
    assert proofs


def known(circuit: Circuit, state: tuple[int, ...]) -> bool:
    found = values(circuit, state)
    return value_of(found, circuit.constraint) == 1


def holds(circuit: Circuit, proof: Proof, state: tuple[int, ...]) -> bool:
    found = values(circuit, state)
    return known(circuit, state) and all(any(value_of(found, own) for own in clause) for clause in proof.clauses)


def ended(circuit: Circuit, run: Run) -> tuple[int, ...]:
    """Where the run leads."""
    leaves = {literal: int(value) for literal, value in run.first.items()}
    begin = circuit.evaluate(leaves)
    state = tuple(
        leaves[latch.literal] if latch.initial is None else value_of(begin, latch.initial) for latch in circuit.latches
    )
    assert is_first(circuit, state)
    for chosen in run.inputs:
        found = values(circuit, state, tuple(int(chosen[literal]) for literal in circuit.inputs))
        state = tuple(value_of(found, latch.next) for latch in circuit.latches)
    return state


@pytest.mark.parametrize("name", PROVERS)
def test_engines_of_other_provers_answer_as_ours(name: str) -> None:
    of = lifecycle(GATE)
    ours, other = Engine(of), Engine(of, PROVERS[name])
    for rule in ("kept", "put_only", "green"):
        asked = problem(of, rule)
        expected, found = ours.decide(asked), other.decide(asked)
        assert type(found) is type(expected), rule
        if isinstance(expected, Reached) and isinstance(found, Reached):
            assert len(found.trace.actions) == len(expected.trace.actions)
    assert isinstance(other.decide(problem(of, "green"), Budget(steps=1)), NotWithin)


@pytest.mark.parametrize("name", PROVERS)
def test_time_that_is_up_is_no_answer(name: str) -> None:
    with pytest.raises(OutOfBudgetError):
        PROVERS[name](random_circuit(3), Clock(Budget(0.0)))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "ended with status 3"),
        ("echo what is this", "gave up: what is this"),
        ("echo 'Output 0 of miter was asserted in frame 2'; exit 0", "wrote no run"),
        ("echo Property proved", "named no invariant"),
        ("echo Property proved; ln -s /dev/zero invariant.pla", "named no invariant"),
        (
            "echo Property proved; printf '.ilb of_no_latch\\n1 1\\n' > invariant.pla",
            "that cannot be read",
        ),
        ("echo Property proved; printf '.ilb l0\\n111 1\\n' > invariant.pla", "that cannot be read"),
        (f"echo 'was asserted in frame {'9' * 5000}'", "gave up"),
        ("while :; do echo much; done", "ABC wrote more than 1 MiB"),
        ("echo Property proved; while :; do echo .ilb; done > invariant.pla", "ABC wrote more than 1 MiB"),
        ("exec sleep 60", "no answer within 0.2 s"),
    ],
)
def test_an_abc_that_fails_decides_nothing(
    script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / berkeley.COMMANDS[0]
    fake.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(berkeley, "_MOST", 1 << 20)
    of = lifecycle(GATE)
    found = Engine(of, berkeley.berkeley).decide(problem(of, "kept"), Budget(0.2 if "sleep" in script else None))
    assert isinstance(found, Undecided)
    assert reason in found.reason


def test_an_abc_ends_with_whoever_asked_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that SIGTERM ends leaves neither the process nor its folder behind."""
    fake, folders = tmp_path / berkeley.COMMANDS[0], tmp_path / "folders"
    fake.write_text(
        f"#!/bin/sh\nsleep 0.5\necho $$ > {tmp_path}/started\nmv {tmp_path}/started {tmp_path}/at\nexec sleep 600\n"
    )
    fake.chmod(0o755)
    folders.mkdir()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(tempfile, "tempdir", str(folders))
    worker = multiprocessing.get_context("fork").Process(target=berkeley.berkeley, args=(random_circuit(3), CLOCK))
    worker.start()
    while not (tmp_path / "at").exists():
        assert worker.is_alive()
        time.sleep(0.01)
    worker.terminate()
    worker.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "at").read_text()), 0)
    assert not list(folders.iterdir())


@pytest.mark.parametrize("end", ["wait", "exit 1"])
def test_what_an_abc_started_ends_with_it(end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether time ends it or it ends by itself: a script that stands for ABC has it as its child."""
    fake = tmp_path / berkeley.COMMANDS[0]
    fake.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path}/child\n{end}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises((OutOfBudgetError, NoAnswerError)):
        berkeley.berkeley(random_circuit(3), Clock(Budget(1.0)))
    status = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)


def test_of_a_long_output_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / berkeley.COMMANDS[0]
    fake.write_text("#!/bin/sh\nyes Property proved | head -c 1000000\necho its last words\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(berkeley, "_TAIL", 16)
    with pytest.raises(NoAnswerError, match="gave up: its last words"):
        berkeley.berkeley(random_circuit(3), CLOCK)


def test_an_abc_that_is_not_there_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoAnswerError, match="not installed"):
        berkeley.berkeley(random_circuit(3), CLOCK)


def test_an_invariant_of_another_shape_is_a_word_alone() -> None:
    of = lifecycle(GATE)
    assert Engine(of, lambda circuit, clock: Word()).decide(problem(of, "kept")) == Unreachable(None)
