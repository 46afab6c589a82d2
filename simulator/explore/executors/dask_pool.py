"""Dask: points as tasks of a cluster that is there already, or that is started for the sweep."""

from __future__ import annotations

import queue
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator.config.cluster_schema import Dask, DaskSlurm
from simulator.errors import ConfigError, SimulatorError
from simulator.explore.executors.dask_task import evaluate_point, itself
from simulator.explore.executors.local import TICK_S
from simulator.explore.outcome import Outcome
from simulator.explore.points import Catalog, Point
from simulator.explore.terms import Rules, Terms

WAITING_PER_WORKER = 4
"""Points handed to the scheduler beyond those that run, for each worker."""

CONNECT_S = 60


def dask_executor(terms: Terms, catalog: Catalog, evaluate: str, folder: Path, cluster: Dask) -> DaskExecutor:
    """The workers of ``cluster``. Raises ConfigError when Dask is not installed."""
    wanted = ["distributed", *(["dask_jobqueue"] if cluster.slurm else [])]
    lacking = [name for name in wanted if find_spec(name) is None]
    if lacking:
        raise ConfigError(f"{' and '.join(lacking)} not installed: pip install 'nearbank[cluster]'")
    return DaskExecutor(catalog, evaluate, terms.rules, lambda: _start(cluster, folder, terms))


class DaskExecutor:
    """Evaluates points with the function called ``evaluate`` on a Dask cluster.

    ``start`` gives the cluster, or the address of its scheduler.
    """

    def __init__(self, catalog: Catalog, evaluate: str, rules: Rules, start: Callable[[], Any]) -> None:
        self._catalog = catalog
        self._evaluate = evaluate
        self._rules = rules
        self._start = start
        self._stack = ExitStack()
        self._client: Any = None
        self._shared: dict[str, Any] = {}

    @property
    def doing(self) -> Sequence[Point | None]:
        """Where the workers are only the scheduler knows."""
        return ()

    def __enter__(self) -> Self:
        import dask
        from distributed import Client

        self._stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": self._rules.retries}))
        cluster = self._start()
        if not isinstance(cluster, str):
            cluster = self._stack.enter_context(cluster)
        try:
            self._client = self._stack.enter_context(Client(cluster, timeout=CONNECT_S))
        except (OSError, ValueError) as error:
            self._stack.close()
            raise ConfigError(f"no Dask scheduler answers at {cluster}: {error}", key="address") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, points: Iterable[Point]) -> Iterator[Outcome | None]:
        """Outcomes as they come, each point's once; None now and then."""
        left = iter(points)
        flying: dict[str, tuple[Any, Point]] = {}
        arrived: queue.SimpleQueue[str] = queue.SimpleQueue()
        while True:
            for point in islice(left, max(0, self._room() - len(flying))):
                future = flying[point.id] = (self._submit(point), point)
                future[0].add_done_callback(lambda _, key=point.id: arrived.put(key))
            if not flying:
                return
            try:
                future, point = flying.pop(arrived.get(timeout=TICK_S))
            except queue.Empty:
                yield None
                continue
            yield _outcome(future, point)

    def _room(self) -> int:
        """Points that the scheduler may have at a time."""
        threads = int(sum(self._client.nthreads().values()))
        return max(1, threads) * (1 + WAITING_PER_WORKER)

    def _submit(self, point: Point) -> Any:
        catalog = self._catalog
        return self._client.submit(
            evaluate_point,
            point,
            self._once(point.arch, catalog.archs),
            self._once(point.workload, catalog.workloads),
            (catalog.skip_if, catalog.exact, catalog.simulator),
            self._evaluate,
            self._rules,
            key=f"point-{point.id}",
            pure=False,
        )

    def _once(self, key: str, things: dict[str, Any]) -> Any:
        if key not in self._shared:
            self._shared[key] = self._client.submit(itself, things[key], key=f"shared-{key}")
        return self._shared[key]


def _outcome(future: Any, point: Point) -> Outcome:
    """The task's own outcome, or that its Dask workers died under it."""
    from distributed.scheduler import KilledWorker

    try:
        outcome: Outcome = future.result()
    except KilledWorker as error:
        return Outcome(point.id, "failed", error=f"its Dask worker died too often: {error.task}")
    except SimulatorError:
        raise
    except Exception as error:
        return Outcome(point.id, "failed", error=f"{type(error).__name__}: {error}".splitlines()[0])
    return outcome


def _start(cluster: Dask, folder: Path, terms: Terms) -> Any:
    if cluster.address is not None:
        return cluster.address
    if cluster.local is not None:
        from distributed import LocalCluster

        return LocalCluster(
            n_workers=cluster.local.workers,
            threads_per_worker=1,
            dashboard_address=None,
        )
    assert cluster.slurm is not None
    return _slurm(cluster.slurm, folder.resolve(), terms)


def _slurm(jobs: DaskSlurm, folder: Path, terms: Terms) -> Any:
    from dask_jobqueue import SLURMCluster

    memory_mib = jobs.memory_mib or terms.rules.memory_mib
    cluster = SLURMCluster(
        queue=jobs.partition,
        account=jobs.account,
        cores=jobs.cpus,
        processes=jobs.cpus,
        memory=f"{memory_mib}MiB",
        walltime=jobs.time,
        job_extra_directives=list(jobs.options),
        job_script_prologue=list(jobs.setup),
        python=shlex.quote(jobs.python or sys.executable),
        log_directory=str(folder / "slurm"),
        job_name=f"nearbank-{terms.name}",
        scheduler_options={"dashboard_address": None},
    )
    if jobs.minimum is None:
        cluster.scale(jobs=jobs.workers)
    else:
        cluster.adapt(minimum_jobs=jobs.minimum, maximum_jobs=jobs.workers)
    return cluster
