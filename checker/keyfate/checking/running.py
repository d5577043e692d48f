"""Many policies over the cores of the machine, in the order given, whatever finishes first."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait

from keyfate.checking.answering import summarize, unfinished
from keyfate.checking.assembling import assemble, preload
from keyfate.checking.certificates import Certified, certified
from keyfate.checking.deciding import PolicyCheck
from keyfate.checking.judges import ENGINES, OUT_OF_MEMORY, TIMEOUT, Court, Deadline, EngineName
from keyfate.checking.memory import Rumours
from keyfate.checking.naming import Namer
from keyfate.checking.pool import EXHAUSTED, GRACE, INTERRUPTED, EndedError, Worker, at_work, cores, glance
from keyfate.checking.possible import Possibility
from keyfate.checking.results import PolicySummary, Result
from keyfate.language.source import Diagnostic, LifecycleError
from keyfate.language.typed import Lifecycle, Property
from keyfate.policy.policy import Policy

_WORTH_SHARING = 4  # properties of one policy for which a second process pays

Tick = Callable[[str, str], None]
"""Called with the names of policy and property when a verdict stands."""
Keep = Callable[[Certified], None]
"""Called with the certificate of a verdict, if there is one."""


@dataclass(frozen=True)
class Options:
    """How to check. `only`: these properties and no others; `sweep`: also look for dead actions;
    `workers`: processes, None for one a core; `memory`: bytes for each; `certificates`: write one for each verdict."""

    engine: EngineName = "auto"
    deadline: Deadline = field(default_factory=Deadline)
    only: tuple[str, ...] = ()
    sweep: bool = True
    workers: int | None = None
    memory: int | None = None
    certificates: bool = False


@dataclass(frozen=True)
class Checked:
    """One policy's part of a report."""

    summary: PolicySummary
    results: tuple[Result, ...]


@dataclass(frozen=True)
class Seat:
    """What the checks of all policies over one lifecycle share."""

    lifecycle: Lifecycle
    court: Court
    namer: Namer
    possibilities: dict[tuple[object, ...], Possibility] = field(default_factory=dict)
    rumours: Rumours = field(default_factory=Rumours)


class Bench:
    """Seats, one for each lifecycle (by identity), made when first needed."""

    def __init__(self, options: Options) -> None:
        self._engine = options.engine
        self._remembering = not options.certificates  # those are to be the same each time
        self._seats: dict[int, Seat] = {}

    def of(self, lifecycle: Lifecycle) -> Seat:
        """Raises LifecycleError where the lifecycle is too large or contradicts itself."""
        if id(lifecycle) not in self._seats:
            self._seats[id(lifecycle)] = self._seat(lifecycle)
        return self._seats[id(lifecycle)]

    def _seat(self, lifecycle: Lifecycle) -> Seat:
        court = assemble(lifecycle, self._engine, remembering=self._remembering)
        return Seat(lifecycle, court, Namer(lifecycle))


def run(
    policies: Sequence[Policy],
    options: Options,
    tick: Tick | None = None,
    keep: Keep | None = None,
    asked: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Checked, ...]:
    """Check every policy; `asked` has, by its name, the properties that are wanted of it. Raises LifecycleError where a
    lifecycle turns out to be unusable.

    An interrupt ends the run with what was decided by then; the rest is UNKNOWN. So is what runs out of memory.
    """
    workers = options.workers or cores()
    each = workers // max(1, len(policies))
    wanted = [options if asked is None else replace(options, only=asked[policy.name]) for policy in policies]
    parts = [part for policy, own in zip(policies, wanted, strict=True) for part in _parts(policy, own, each)]
    workers = min(len(parts), workers)
    alone = workers == 1 and options.memory is None  # a limit is for a process that may come to its end by it
    done = _alone(parts, tick, keep) if alone else _Pool(parts, tick, keep, workers).run()
    return tuple(
        _whole(policy, [d for p, d in zip(parts, done, strict=True) if p.policy is policy]) for policy in policies
    )


@dataclass(frozen=True)
class _Part:
    """Some properties of a policy, all of them if `options` names none."""

    policy: Policy
    options: Options


def _parts(policy: Policy, options: Options, number: int) -> list[_Part]:
    """The policy for one worker, or dealt out to several; the first looks for dead actions."""
    names = [r.name for r in _possible_first(_rules(policy, options))]
    if number < 2 or len(names) < _WORTH_SHARING:
        return [_Part(policy, options)]
    return [
        _Part(policy, replace(options, only=tuple(names[i::number]), sweep=options.sweep and i == 0))
        for i in range(number)
    ]


def _whole(policy: Policy, parts: Sequence[Checked]) -> Checked:
    if len(parts) == 1:
        return parts[0]
    order = [r.name for r in policy.lifecycle.properties]
    results = sorted((r for part in parts for r in part.results), key=lambda r: order.index(r.property))
    return Checked(parts[0].summary, tuple(results))


def _alone(parts: Sequence[_Part], tick: Tick | None, keep: Keep | None) -> tuple[Checked, ...]:
    bench = Bench(parts[0].options)
    known: list[dict[str, Result]] = [{} for _ in parts]
    done: list[Checked] = []
    try:
        for part, results in zip(parts, known, strict=True):
            done.append(_check(part, bench, _telling(part, tick), keep, results))
    except KeyboardInterrupt:
        rest = zip(parts[len(done) :], known[len(done) :], strict=True)
        done += [_unfinished(part, INTERRUPTED, results) for part, results in rest]
    return tuple(done)


def _rules(policy: Policy, options: Options) -> list[Property]:
    return [r for r in policy.lifecycle.properties if not options.only or r.name in options.only]


def _possible_first(rules: Sequence[Property]) -> list[Property]:
    """Traces of what is possible show much that need not be asked again."""
    return sorted(rules, key=lambda rule: rule.kind != "possible")


def _telling(part: _Part, tick: Tick | None) -> Callable[[Result], None]:
    return lambda result: None if tick is None else tick(part.policy.name, result.property)


def _check(
    part: _Part, bench: Bench, tell: Callable[[Result], None], keep: Keep | None, results: dict[str, Result]
) -> Checked:
    """`results` has what was decided when an interrupt comes."""
    policy, options = part.policy, part.options
    seat = bench.of(policy.lifecycle)
    check = PolicyCheck(
        policy,
        seat.court,
        seat.namer,
        options.deadline,
        seat.possibilities,
        seat.rumours,
        certificates=options.certificates,
    )
    rules = _rules(policy, options)
    for rule in _possible_first(rules):
        results[rule.name], answers = check.decided(rule)
        if options.certificates and keep is not None:
            written = certified(policy, rule, results[rule.name].verdict, answers, seat.court.certifier, seat.namer)
            if written is not None:
                keep(written)
        tell(results[rule.name])
    dead, divergence = check.dead_actions() if options.sweep else (None, None)
    return Checked(summarize(policy, dead, divergence), tuple(results[rule.name] for rule in rules))


def _unfinished(part: _Part, reason: str, known: Mapping[str, Result] | None = None) -> Checked:
    """UNKNOWN is what is not `known`."""
    policy, engine, known = part.policy, ENGINES[part.options.engine], known or {}
    results = (known.get(r.name) or unfinished(policy, r, engine, reason) for r in _rules(policy, part.options))
    return Checked(summarize(policy, None, None), tuple(results))


class _Pool:
    """Workers that each take the next part, of the lifecycle they know already where there is one."""

    def __init__(self, parts: Sequence[_Part], tick: Tick | None, keep: Keep | None, workers: int) -> None:
        self._parts = parts
        self._tick = tick
        self._keep = keep
        self._memory = parts[0].options.memory
        # What leaves most open takes longest, and is begun first.
        self._left = sorted(range(len(parts)), key=lambda i: -len(parts[i].policy.open_controls))
        self._done: dict[int, Checked] = {}
        self._known: list[dict[str, Result]] = [{} for _ in parts]  # of what is not done
        preload(self._memory)
        self._workers = [Worker.started(_work, self._parts) for _ in range(workers)]

    def run(self) -> tuple[Checked, ...]:
        reason = TIMEOUT
        try:
            for worker in self._workers:
                self._next(worker)
            while any(w.at is not None for w in self._workers) and not self._overdue():
                busy = [w for w in self._workers if w.at is not None]
                ready = wait([w.connection for w in busy], timeout=glance(self._memory))
                for worker in busy:
                    if worker.connection in ready:
                        self._hear(worker)
                    elif worker.exceeds(self._memory):
                        worker.kill()
                        assert worker.at is not None, "it is busy"
                        self._lost(worker, worker.at, OUT_OF_MEMORY)
        except KeyboardInterrupt:
            reason = INTERRUPTED
        finally:
            for worker in self._workers:
                worker.end()
        return tuple(
            self._done.get(i) or _unfinished(part, reason, self._known[i]) for i, part in enumerate(self._parts)
        )

    def _next(self, worker: Worker) -> None:
        if not self._left:
            worker.at = None
            return
        last = None if worker.at is None else self._parts[worker.at].policy
        taken = [self._parts[w.at].policy.lifecycle for w in self._workers if w.at is not None and w is not worker]

        def distance(index: int) -> int:
            """How much a worker must build anew for that policy."""
            policy = self._parts[index].policy
            if last is not None and policy.lifecycle is last.lifecycle:
                return 0 if policy.settings.controls == last.settings.controls else 1
            return 3 if any(policy.lifecycle is lifecycle for lifecycle in taken) else 2

        worker.at = min(self._left, key=distance)
        self._left.remove(worker.at)
        worker.send((worker.at, self._open(worker.at)))

    def _open(self, index: int) -> tuple[str, ...]:
        """The properties of a part that are not decided, as a worker takes them."""
        part = self._parts[index]
        names = (rule.name for rule in _possible_first(_rules(part.policy, part.options)))
        return tuple(name for name in names if name not in self._known[index])

    def _hear(self, worker: Worker) -> None:
        assert worker.at is not None
        try:
            message = worker.hear()
        except EndedError as error:
            self._lost(worker, worker.at, str(error))
            return
        if isinstance(message, Checked):
            known = self._known[worker.at] | {result.property: result for result in message.results}
            rules = _rules(self._parts[worker.at].policy, self._parts[worker.at].options)
            self._done[worker.at] = replace(message, results=tuple(known[rule.name] for rule in rules))
            self._next(worker)
        elif isinstance(message, _Failed):
            raise LifecycleError(message.diagnostics)
        elif isinstance(message, Certified):
            if self._keep is not None:
                self._keep(message)
        else:
            self._decided(worker.at, message)

    def _decided(self, index: int, result: Result) -> None:
        self._known[index][result.property] = result
        _telling(self._parts[index], self._tick)(result)

    def _lost(self, worker: Worker, index: int, reason: str) -> None:
        """A process ended: what it was at is UNKNOWN, and another one goes on."""
        part = self._parts[index]
        names = self._open(index)
        if names:
            rule = next(rule for rule in part.policy.lifecycle.properties if rule.name == names[0])
            self._decided(index, unfinished(part.policy, rule, ENGINES[part.options.engine], reason))
        if len(names) > 1:
            self._left.append(index)
        else:  # it was the last, or it was looking for dead actions
            self._done[index] = _unfinished(part, reason, self._known[index])
        worker.at = None
        if self._left:
            worker.connection.close()
            self._workers[self._workers.index(worker)] = fresh = Worker.started(_work, self._parts)
            self._next(fresh)

    def _overdue(self) -> bool:
        at = self._parts[0].options.deadline.at
        return at is not None and time.time() > at + GRACE


@dataclass(frozen=True)
class _Failed:
    diagnostics: tuple[Diagnostic, ...]


def _work(connection: Connection, parts: Sequence[_Part]) -> None:
    """A worker: indices come in, with names of properties; certificates and results go out as they are decided, then
    the whole."""
    at_work()
    bench = Bench(parts[0].options)

    def tell(result: Result) -> None:
        if result.reason == OUT_OF_MEMORY:
            raise MemoryError  # others would find no more of it here than this one
        connection.send(result)

    while True:
        try:
            index, names = connection.recv()
        except EOFError:
            return
        part = replace(parts[index], options=replace(parts[index].options, only=names))
        try:
            checked = _check(part, bench, tell, connection.send, {})
        except LifecycleError as error:
            connection.send(_Failed(error.diagnostics))
        except MemoryError:
            sys.exit(EXHAUSTED)
        else:
            connection.send(checked)
