"""Worker processes on this machine: watched, limited, and replaced when they die."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.errors import SimulatorError
from simulator.explore.executors.batches import Queue
from simulator.explore.executors.wire import STARTED, Inbox, Refusal, send
from simulator.explore.outcome import Outcome
from simulator.explore.points import Catalog, Point
from simulator.explore.terms import Rules, Terms

GRACE_S = 5.0
"""How long a worker that has hung up may take to end before it is killed."""

TICK_S = 0.2
"""How often limits are checked and watchers get a chance to show something."""

RECYCLE_MIB = 480
"""A worker that keeps more than this after a point is replaced by a fresh one: caches must not grow for ever."""

LOG = "workers.log"
"""Where in the folder of a sweep the stderr of its workers goes."""

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Worker:
    """One worker process and what it is at."""

    def __init__(self, evaluate: str, stderr: int) -> None:
        command = [sys.executable, "-P", "-m", "simulator.explore.executors.worker", evaluate, str(os.getpid())]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=_environment()
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to = self._process.stdin
        self.output = self._process.stdout
        self.inbox = Inbox(self.output.fileno())
        self.is_ready = False
        self.todo: list[Point] = []
        self.started_s: float | None = None
        self._known: set[str] = set()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def current(self) -> Point | None:
        """The point that it is at."""
        return self.todo[0] if self.todo and self.started_s is not None else None

    def give(self, catalog: Catalog, points: list[Point]) -> None:
        """Hand over a batch; only to a worker that is ready, so that neither side waits for the other to read."""
        self.is_ready = False
        self.todo = points
        with contextlib.suppress(BrokenPipeError):
            send(self._to, (catalog.part_for(points, self._known), points))

    def resident_mib(self) -> float:
        """Memory that it holds now; 0 where the system does not tell."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError, ValueError):
            return 0.0
        return pages * _PAGE / 2**20

    def end(self) -> str:
        """See it end, by itself if it has hung up, and say how it did."""
        if self.inbox.closed:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=GRACE_S)
        with contextlib.suppress(OSError):
            self._process.kill()
        code = self._process.wait()
        with contextlib.suppress(OSError):
            self._to.close()
        self.output.close()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class LocalExecutor:
    """``n_workers`` worker processes that evaluate points with the function called ``evaluate``."""

    def __init__(self, evaluate: str, catalog: Catalog, n_workers: int, rules: Rules, log: Path) -> None:
        self._evaluate = evaluate
        self._catalog = catalog
        self._n_workers = n_workers
        self._rules = rules
        self._log = log
        self._workers: list[Worker] = []
        self._selector = selectors.DefaultSelector()
        self._deaths: Counter[str] = Counter()
        self._stderr = -1
        self._idle_deaths = 0

    @property
    def doing(self) -> Sequence[Point | None]:
        """What each worker is at."""
        return [worker.current for worker in self._workers]

    def __enter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._stderr = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in list(self._workers):
            self._drop(worker)
        self._selector.close()
        os.close(self._stderr)
        if self._log.exists() and not self._log.stat().st_size:
            self._log.unlink()

    def run(self, points: Iterable[Point]) -> Iterator[Outcome | None]:
        """Outcomes as they come, each point's once; None now and then, for whoever shows progress."""
        queue = Queue(points)
        while len(queue) or any(worker.todo for worker in self._workers):
            self._staff(queue)
            events = self._selector.select(TICK_S)
            for key, _ in events:
                yield from self._hear(key.data, queue)
            yield from self._enforce(queue)
            yield None

    def _staff(self, queue: Queue) -> None:
        """As many workers as there is work for, each with a batch."""
        busy = sum(1 for worker in self._workers if worker.todo)
        while len(self._workers) < min(self._n_workers, busy + len(queue)):
            worker = Worker(self._evaluate, self._stderr)
            self._workers.append(worker)
            self._selector.register(worker.output, selectors.EVENT_READ, worker)
        for worker in self._workers:
            if worker.is_ready and len(queue):
                worker.give(self._catalog, queue.take(self._n_workers))

    def _hear(self, worker: Worker, queue: Queue) -> Iterator[Outcome]:
        for message in worker.inbox.messages():
            if isinstance(message, Outcome):
                point = worker.todo.pop(0)
                worker.started_s = None
                queue.learn(point, message.wall_s)
                yield _counted(message, self._deaths[point.id] + 1)
            elif isinstance(message, Refusal):
                raise SimulatorError(message.reason)
            elif message == STARTED:
                worker.started_s = time.monotonic()
                self._idle_deaths = 0
            else:
                worker.is_ready = True
                if worker.resident_mib() > RECYCLE_MIB:
                    self._drop(worker)
                    return
        if worker.inbox.closed:
            yield from self._bury(worker, queue)

    def _bury(self, worker: Worker, queue: Queue) -> Iterator[Outcome]:
        """A worker has died: its point is tried again or given up, the rest of its batch goes to others."""
        point = worker.current
        queue.put_back(worker.todo[1:] if point else worker.todo)
        how = self._drop(worker)
        if point is None:
            self._idle_deaths += 1
            if self._idle_deaths > 3 * self._n_workers:
                raise SimulatorError(f"worker processes do not start ({how}); see {self._log}")
            return
        self._deaths[point.id] += 1
        if self._deaths[point.id] > self._rules.retries:
            tries = self._deaths[point.id]
            yield Outcome(point.id, "failed", error=f"its worker process died ({how}), {tries} times", attempts=tries)
        else:
            queue.put_back([point])

    def _enforce(self, queue: Queue) -> Iterator[Outcome]:
        for worker in list(self._workers):
            point = worker.current
            if point is None or worker.started_s is None:
                continue
            took_s = time.monotonic() - worker.started_s
            held_mib = worker.resident_mib()
            if took_s > self._rules.time_s:
                error = f"took more than {self._rules.time_s:g} s (limits.time_s)"
            elif held_mib > self._rules.memory_mib:
                error = f"took more than {self._rules.memory_mib} MiB (limits.memory_mib)"
            else:
                continue
            queue.put_back(worker.todo[1:])
            self._drop(worker)
            yield Outcome(point.id, "failed", error=error, wall_s=took_s, attempts=self._deaths[point.id] + 1)

    def _drop(self, worker: Worker) -> str:
        self._selector.unregister(worker.output)
        self._workers.remove(worker)
        return worker.end()


def local_executor(terms: Terms, catalog: Catalog, evaluate: str, folder: Path, jobs: int | None) -> LocalExecutor:
    """The worker processes of a sweep: ``jobs`` of them, or one for each core that this process may use."""
    return LocalExecutor(evaluate, catalog, jobs or cores(), terms.rules, folder / LOG)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _counted(outcome: Outcome, attempts: int) -> Outcome:
    return Outcome(**(outcome.record() | {"attempts": attempts, "assumptions": outcome.assumptions}))


def _environment() -> dict[str, str]:
    """Modules are found where this process finds them; one thread a worker, unless the user says otherwise."""
    path = {"PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)}
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    return one | dict(os.environ) | path
