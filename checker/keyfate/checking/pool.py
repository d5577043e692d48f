"""Independent questions over the cores of the machine: whatever ends the run, what was answered by then is kept."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from keyfate.checking.judges import OUT_OF_MEMORY, TIMEOUT, Deadline
from keyfate.language.source import Diagnostic, LifecycleError

FORKS = sys.platform == "linux"
"""Whether workers begin with what is loaded here; where forking is unsafe they are sent what they need."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

INTERRUPTED = "interrupted"
EXHAUSTED = 86
"""The exit status of a worker that ran out of memory."""
GRACE = 5.0
"""Seconds past the deadline after which a worker that does not come back is ended."""
_PROC = Path("/proc")


class Job(Protocol[T_co]):
    """Questions by number. Sent to other processes, where `begin` builds what they share."""

    def begin(self) -> Callable[[int, Callable[[Any], None]], T_co]:
        """Answers a question, and may tell what it knows by then. May raise LifecycleError, here or later."""
        ...


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The answer to one question; where it was not finished, what was told last, if anything, and why."""

    value: T | None
    reason: str | None = None


@dataclass
class Worker:
    """A process, our end of the talk, and the question it is at."""

    process: multiprocessing.process.BaseProcess
    connection: Connection
    at: int | None = None

    @classmethod
    def started(cls, work: Callable[..., None], *what: object) -> Worker:
        """A new one that does `work` with its own end of the talk and with `what`."""
        context = multiprocessing.get_context("fork") if FORKS else multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, *what), daemon=True)
        process.start()
        theirs.close()
        return cls(process, ours)

    def send(self, what: object) -> None:
        """What it is to do next. One that has ended already says so at the next look at it."""
        with suppress(OSError):
            self.connection.send(what)

    def hear(self) -> Any:
        """What it says. Raises EndedError where it has ended, in the midst of a message or before one."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            raise EndedError(self._why()) from None

    def _why(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        if code == EXHAUSTED:
            return OUT_OF_MEMORY
        if code < 0:
            return f"its process was ended by signal {-code} (out of memory?)"
        return "its process failed, a defect of keyfate"

    def exceeds(self, memory: int | None) -> bool:
        """Whether it holds more than so many bytes."""
        return memory is not None and resident(self.process.pid) > memory

    def kill(self) -> None:
        """At once: one that has no memory left may not come to hear SIGTERM."""
        self.process.kill()
        self.process.join()

    def end(self) -> None:
        """Whatever it is at."""
        self.process.terminate()
        self.process.join()
        self.connection.close()


class EndedError(Exception):
    """A worker has ended, and why."""


def at_work() -> None:
    """In a worker: its parent decides what an interrupt means, and ends it by SIGTERM. If that is killed, so be it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":  # solvers put handlers of their own in its place
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_outlived, daemon=True).start()


def _outlived() -> None:
    """Nobody is left to hear what this process would say."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "only workers are at work"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


@dataclass(frozen=True)
class _Message(Generic[T]):
    value: T
    finished: bool


@dataclass(frozen=True)
class _Failed:
    diagnostics: tuple[Diagnostic, ...]


class Pool(Generic[T]):
    """Answers `count` questions of a job by that many processes. One whose resident memory grows past `memory` bytes is
    ended; only where `measurable` says that this can be seen."""

    def __init__(
        self, job: Job[T], count: int, deadline: Deadline, *, workers: int | None = None, memory: int | None = None
    ) -> None:
        self._job = job
        self._deadline = deadline
        self._memory = memory
        self._glance = glance(memory)
        self._left = list(range(count))
        self._outcomes: list[Outcome[T]] = [Outcome(None, TIMEOUT)] * count
        self._size = min(count, workers or cores())

    def run(self, tick: Callable[[int], None] = lambda _: None) -> tuple[Outcome[T], ...]:
        """The outcome of each question; an interrupt ends what is not finished. `tick` hears of each that is.

        Raises LifecycleError where a lifecycle turns out to be unusable."""
        workers: list[Worker] = []
        reason = TIMEOUT
        try:
            for _ in range(self._size):
                workers.append(self._next(Worker.started(_work, self._job)))
            while (busy := [w for w in workers if w.at is not None]) and not self._overdue():
                ready = wait([w.connection for w in busy], timeout=self._glance)
                for worker in busy:
                    if worker.connection in ready:
                        workers[workers.index(worker)] = self._heard(worker, tick)
                    elif worker.exceeds(self._memory):
                        worker.kill()
                        workers[workers.index(worker)] = self._ended(worker, OUT_OF_MEMORY, tick)
        except KeyboardInterrupt:
            reason = INTERRUPTED
        finally:
            for worker in workers:
                worker.end()
        return tuple(
            Outcome(outcome.value, reason) if outcome.reason == TIMEOUT else outcome for outcome in self._outcomes
        )

    def _next(self, worker: Worker) -> Worker:
        worker.at = self._left.pop(0) if self._left else None
        if worker.at is not None:
            worker.send(worker.at)
        return worker

    def _heard(self, worker: Worker, tick: Callable[[int], None]) -> Worker:
        """The worker that goes on: another one where this one has ended."""
        assert worker.at is not None
        try:
            message = worker.hear()
        except EndedError as error:
            return self._ended(worker, str(error), tick)
        if isinstance(message, _Failed):
            raise LifecycleError(message.diagnostics)
        if not message.finished:
            self._outcomes[worker.at] = Outcome(message.value, TIMEOUT)
            return worker
        self._outcomes[worker.at] = Outcome(message.value)
        tick(worker.at)
        return self._next(worker)

    def _ended(self, worker: Worker, why: str, tick: Callable[[int], None]) -> Worker:
        """What this worker was at has no answer; another one goes on with what is left."""
        assert worker.at is not None
        at, worker.at = worker.at, None
        self._outcomes[at] = Outcome(self._outcomes[at].value, why)
        if self._left:
            worker.process.join()
            worker.connection.close()
            worker = self._next(Worker.started(_work, self._job))
        tick(at)
        return worker

    def _overdue(self) -> bool:
        at = self._deadline.at
        return at is not None and Deadline(at + GRACE).passed


def _work(connection: Connection, job: Job[T]) -> None:
    """A worker: numbers of questions come in; what is known of them goes out."""
    at_work()
    try:
        answer = job.begin()
        while True:
            number = connection.recv()
            connection.send(_Message(answer(number, lambda known: connection.send(_Message(known, False))), True))
    except LifecycleError as error:
        connection.send(_Failed(error.diagnostics))
    except MemoryError:
        os._exit(EXHAUSTED)  # perhaps in the midst of a message, behind which no other can come
    except EOFError:
        return


def glance(memory: int | None) -> float:
    """Seconds between two looks at workers, whose memory is looked at where it has a limit."""
    return 1.0 if memory is None else 0.1


def measurable() -> bool:
    """Whether the memory of another process can be seen here: Linux says it in `/proc`."""
    return (_PROC / "self" / "statm").exists()


def resident(process: int | None) -> int:
    """Bytes of memory that a process holds; 0 of one that has ended.

    Not its address space: decision diagrams set a gigabyte of that aside and use little of it."""
    try:
        pages = int((_PROC / str(process) / "statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
