"""`nearbank sweep --cluster`: a Slurm job array, or Dask."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from simulator.cli import output
from simulator.errors import ConfigError

if TYPE_CHECKING:
    from simulator.config.cluster_schema import Dask, SlurmArray
    from simulator.explore.folder import Folder


def run_on_cluster(args: argparse.Namespace, folder: Folder) -> int:
    """Run a sweep on the cluster that a YAML describes."""
    from simulator.config.cluster_schema import Dask
    from simulator.explore.cluster import read_cluster

    cluster = read_cluster(args.cluster)
    if isinstance(cluster, Dask):
        return _dask(args, folder, cluster)
    return _slurm_array(args, folder, cluster)


def _dask(args: argparse.Namespace, folder: Folder, cluster: Dask) -> int:
    """Lead a sweep whose workers are Dask's."""
    from simulator.api import EVALUATE, read_sweep
    from simulator.cli.sweep_summary import show
    from simulator.cli.sweep_watch import watching
    from simulator.explore.executors.dask_pool import dask_executor
    from simulator.explore.run import run_sweep

    plan = read_sweep(args.spec)
    resume = args.resume or args.retry_failed
    with watching(plan.terms) as watch:
        finished = run_sweep(
            plan,
            folder,
            lambda terms, catalog: dask_executor(terms, catalog, EVALUATE, folder.path, cluster),
            watch,
            resume=resume,
            retry=args.retry_failed,
        )
    return show(finished, as_json=args.json)


def _slurm_array(args: argparse.Namespace, folder: Folder, cluster: SlurmArray) -> int:
    """Freeze the points and submit what is missing of them; the first time that is all."""
    from simulator.api import read_sweep
    from simulator.cli.sweep_summary import show
    from simulator.explore.executors import slurm
    from simulator.explore.run import finish, freeze

    with folder.locked():
        if job := slurm.is_queued(folder):
            raise ConfigError(f"{folder.path}: job {job} still waits or runs; wait for it, or scancel {job}")
        frozen = folder.frozen(to_run=True) if args.spec.is_dir() else freeze(read_sweep(args.spec), folder)
        known = {key for key, o in folder.outcomes().items() if not (args.retry_failed and o.status == "failed")}
        tasks = slurm.tasks_missing(frozen.points, known, cluster.tasks)
        if not tasks:
            output.warn(f"{folder.path}: every point has its outcome")
            return show(finish(folder), as_json=args.json)
        slurm.write_scripts(folder, cluster, frozen.terms.name, retry=args.retry_failed)
        job = slurm.submit(folder, cluster, tasks)
    points = len({point.id for point in frozen.points} - known)
    if args.json:
        output.document({"schema": "nearbank.submission/1", "job": job, "tasks": len(tasks), "points": points})
    else:
        output.text(f"job {job}: {points} points in {len(tasks)} tasks; squeue -j {job} shows them")
        output.text(f"the table follows in {folder.path}; the same command again runs what is missing")
    return 0
