"""What a cluster's YAML may say: how a sweep gets its machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.config.faults import Fault, semantic_check

Count = Annotated[int, Field(ge=1, le=100_000)]


class Job(Spec):
    """What a Slurm job asks for. ``time``: as Slurm writes it, ``04:00:00``; ``options``: more lines for sbatch.

    ``setup``: shell lines before the work, such as ``module load python``. ``python``: the interpreter on the nodes.
    """

    cpus: Count = 1
    memory_mib: Count | None = None
    time: str | None = None
    partition: str | None = None
    account: str | None = None
    options: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    python: str | None = None


class SlurmArray(Job):
    """A job array of ``tasks`` tasks, at most ``at_once`` of them at a time; no process stays behind to lead it."""

    kind: Literal["cluster"] = "cluster"
    runner: Literal["slurm_array"] = "slurm_array"
    tasks: Count
    at_once: Count | None = None


class DaskLocal(Spec):
    """A Dask cluster of ``workers`` processes on this machine."""

    workers: Count


class DaskSlurm(Job):
    """Slurm jobs that are Dask workers: ``workers`` of them, or between ``minimum`` and ``workers`` as work comes."""

    workers: Count
    minimum: Count | None = None


class Dask(Spec):
    """Dask: the scheduler at ``address``, or a cluster started for the sweep, ``local`` or by ``slurm``."""

    kind: Literal["cluster"] = "cluster"
    runner: Literal["dask"]
    address: str | None = None
    local: DaskLocal | None = None
    slurm: DaskSlurm | None = None


@semantic_check(Dask)
def _one_way(cluster: Dask) -> Iterator[Fault]:
    given = [name for name in ("address", "local", "slurm") if getattr(cluster, name) is not None]
    if len(given) != 1:
        yield Fault(
            ("runner",), f"Dask needs one of 'address', 'local' and 'slurm', not {' and '.join(given) or 'none'}"
        )


@semantic_check(DaskSlurm)
def _order(jobs: DaskSlurm) -> Iterator[Fault]:
    if jobs.minimum is not None and jobs.minimum > jobs.workers:
        yield Fault(("minimum",), f"{jobs.minimum} is more than the {jobs.workers} workers")
