"""Workers of every kind of ill health: what becomes of their questions, and of those behind them."""

from __future__ import annotations

import faulthandler
import mmap
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from keyfate.checking import pool, running
from keyfate.checking.judges import OUT_OF_MEMORY, TIMEOUT, Deadline
from keyfate.checking.pool import EXHAUSTED, INTERRUPTED, EndedError, Outcome, Pool, Worker, measurable, resident
from keyfate.checking.session import open_session
from keyfate.language.source import Diagnostic, LifecycleError, Source, Span
from vault import furnish

MIB = 1 << 20


def answered(number: int) -> str:
    return f"answer {number}"


def sleep_for_ever() -> None:
    while True:
        time.sleep(60)


@dataclass(frozen=True)
class Work:
    """Question 1 goes wrong, in its way; every other is answered."""

    trouble: Callable[[Callable[[str], None]], None]

    def begin(self) -> Callable[[int, Callable[[str], None]], str]:
        def answer(number: int, tell: Callable[[str], None]) -> str:
            if number == 1:
                self.trouble(tell)
            return answered(number)

        return answer


def run(
    trouble: Callable[[Callable[[str], None]], None],
    *,
    workers: int = 1,
    deadline: Deadline | None = None,
    memory: int | None = None,
) -> tuple[Outcome[str], ...]:
    """Four questions, of which each is told of once."""
    ticked: list[int] = []
    asked: Pool[str] = Pool(Work(trouble), 4, deadline or Deadline(), workers=workers, memory=memory)
    found = asked.run(ticked.append)
    assert multiprocessing.active_children() == []
    if deadline is None:
        assert sorted(ticked) == [0, 1, 2, 3]
        assert [outcome for number, outcome in enumerate(found) if number != 1] == [
            Outcome(answered(number)) for number in (0, 2, 3)
        ], "who comes behind a worker that ended is answered by another"
    return found


def quiet(tell: Callable[[str], None]) -> None:
    pass


def partly(tell: Callable[[str], None]) -> None:
    tell("one")
    tell("one, two")


def killed(tell: Callable[[str], None]) -> None:
    tell("one")
    os.kill(os.getpid(), signal.SIGKILL)


def aborted(tell: Callable[[str], None]) -> None:
    faulthandler.disable()  # it need not be told where
    os.abort()


def out_of_memory(tell: Callable[[str], None]) -> None:
    tell("one")
    raise MemoryError


def left(tell: Callable[[str], None]) -> None:
    os._exit(1)


def hungry(tell: Callable[[str], None]) -> None:
    tell("one")
    kept = []
    for _ in count():
        kept.append(b"\1" * MIB)
        time.sleep(0.001)


def slow(tell: Callable[[str], None]) -> None:
    tell("one")
    sleep_for_ever()


@pytest.mark.parametrize("workers", [1, 2, 9, None])
def test_every_question_has_its_answer(workers: int | None) -> None:
    found = Pool(Work(quiet), 4, Deadline(), workers=workers).run()
    assert found == tuple(Outcome(answered(number)) for number in range(4))


def test_no_question_needs_no_worker() -> None:
    assert Pool(Work(quiet), 0, Deadline()).run() == ()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("trouble", "known"),
    [
        (partly, Outcome(answered(1))),
        (killed, Outcome("one", "its process was ended by signal 9 (out of memory?)")),
        (aborted, Outcome(None, "its process was ended by signal 6 (out of memory?)")),
        (out_of_memory, Outcome("one", OUT_OF_MEMORY)),
        (left, Outcome(None, "its process failed, a defect of keyfate")),
    ],
)
def test_what_becomes_of_a_question(
    trouble: Callable[[Callable[[str], None]], None], known: Outcome[str], workers: int
) -> None:
    assert run(trouble, workers=workers)[1] == known


def test_a_worker_that_takes_too_much_is_ended_and_what_it_told_is_kept() -> None:
    allowed = resident(os.getpid()) + 64 * MIB
    assert run(hungry, memory=allowed)[1] == Outcome("one", OUT_OF_MEMORY)


def test_memory_is_what_is_held_and_nothing_of_who_has_ended() -> None:
    before = resident(os.getpid())
    with mmap.mmap(-1, 64 * MIB) as fresh:  # what was freed before would be given again
        for page in range(0, len(fresh), mmap.PAGESIZE):
            fresh[page] = 1
        held = resident(os.getpid())
    assert held - before > 32 * MIB
    assert resident(None) == 0
    assert measurable()


def test_an_error_of_the_lifecycle_is_raised_here() -> None:
    with pytest.raises(LifecycleError, match="too large"):
        run(unusable)
    assert multiprocessing.active_children() == []


def unusable(tell: Callable[[str], None]) -> None:
    raise LifecycleError([Diagnostic("KF999", "too large", Span(Source("a.kf", "lifecycle a"), 0, 1))])


@dataclass(frozen=True)
class Stillborn:
    """A job that cannot begin: its workers end before a question reaches them."""

    def begin(self) -> Callable[[int, Callable[[str], None]], str]:
        os._exit(1)


def test_workers_that_cannot_begin_are_no_end_of_it() -> None:
    found = Pool(Stillborn(), 5, Deadline(), workers=2).run()
    assert {outcome.reason for outcome in found} == {"its process failed, a defect of keyfate"}


def test_who_does_not_come_back_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "GRACE", 0.5)
    found = run(slow, workers=1, deadline=Deadline.after(2.0))
    assert found[0] == Outcome(answered(0))
    assert found[1] == Outcome("one", TIMEOUT)
    assert found[2:] == (Outcome(None, TIMEOUT),) * 2


def test_an_interrupt_keeps_what_is_known() -> None:
    ticked = []

    def tick(number: int) -> None:
        ticked.append(number)
        if len(ticked) == 3:  # in a while, so that what the fourth tells has come
            signal.setitimer(signal.ITIMER_REAL, 0.5)

    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        found = Pool(Work(slow), 4, Deadline(), workers=2).run(tick)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert found[1] == Outcome("one", INTERRUPTED)
    assert [outcome for number, outcome in enumerate(found) if number != 1] == [
        Outcome(answered(number)) for number in (0, 2, 3)
    ]
    assert multiprocessing.active_children() == []


def breaks_off(connection: Connection, *_: object) -> None:
    """A worker that ends in the midst of a message: a length, and less than that."""
    connection.recv()
    os.write(connection.fileno(), struct.pack("!i", 1_000) + b"less")
    os._exit(EXHAUSTED)


def test_a_message_that_breaks_off_is_the_end_of_a_worker() -> None:
    worker = Worker.started(breaks_off)
    worker.send("begin")
    with pytest.raises(EndedError, match=OUT_OF_MEMORY):
        worker.hear()
    worker.send("again")  # and nobody is hung up on
    worker.end()


def test_a_check_whose_workers_break_off_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(running, "_work", breaks_off)  # which forked workers inherit
    session = open_session((furnish(tmp_path) / "safe.policy.toml",), {})
    report = session.check(running.Options(workers=2))
    assert {result.verdict for result in report.results} == {"UNKNOWN"}
    assert {result.reason for result in report.results} == {OUT_OF_MEMORY}


_PARENT = """
import time
from keyfate.checking.pool import Worker, at_work

def work(connection):
    at_work()
    connection.send("at work")
    time.sleep(600)

worker = Worker.started(work)
worker.hear()
print(worker.process.pid, flush=True)
time.sleep(600)
"""


def test_a_worker_does_not_outlive_who_would_hear_it() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert resident(worker)
        parent.kill()
    until = time.monotonic() + 60  # against a hang
    while resident(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not resident(worker)
