"""Slurm job arrays: scripts that run the shards of a frozen sweep, and their submission.

No process stays behind to lead them: each task has a journal of its own, and submitting again runs what is missing.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from simulator.config.cluster_schema import Job, SlurmArray
from simulator.errors import ConfigError
from simulator.explore.folder import Folder
from simulator.explore.points import Point
from simulator.explore.shards import shard_numbers

SCRIPTS = "slurm"
JOB_ID = "job_id"
SIGNAL_BEFORE_END_S = 30
"""How long before its time is up a task is told to end."""


def write_scripts(folder: Folder, cluster: SlurmArray, name: str, *, retry: bool = False) -> None:
    """Write the scripts of the array and of the merge that follows it; people may read and change them."""
    path = folder.path.resolve()
    (path / SCRIPTS).mkdir(parents=True, exist_ok=True)
    work = f'sweep {shlex.quote(str(path))} --shard "$SLURM_ARRAY_TASK_ID/{cluster.tasks}" -j "$SLURM_CPUS_PER_TASK"'
    work += " --retry-failed" if retry else ""
    array = [
        *_directives(cluster, f"nearbank-{name}", path / SCRIPTS / "%A_%a.out"),
        f"#SBATCH --signal=B:TERM@{SIGNAL_BEFORE_END_S}",
        "#SBATCH --requeue",
        "#SBATCH --open-mode=append",
    ]
    folder.write(f"{SCRIPTS}/array.sh", _script(array, cluster, work))
    merge = _directives(cluster, f"nearbank-{name}-merge", path / SCRIPTS / "merge_%j.out")
    folder.write(f"{SCRIPTS}/merge.sh", _script(merge, cluster, f"sweep {shlex.quote(str(path))} --merge"))


def submit(folder: Folder, cluster: SlurmArray, missing: Sequence[int]) -> str:
    """Submit the tasks ``missing`` and the merge after them; gives the id of the array. Raises ConfigError."""
    limit = f"%{cluster.at_once}" if cluster.at_once else ""
    array = _sbatch(f"--array={_ranges(missing)}{limit}", folder.path / SCRIPTS / "array.sh")
    folder.write(f"{SCRIPTS}/{JOB_ID}", f"{array}\n")
    _sbatch(f"--dependency=afterany:{array}", folder.path / SCRIPTS / "merge.sh")
    return array


def tasks_missing(points: Sequence[Point], known: Iterable[str], tasks: int) -> list[int]:
    """The tasks of an array that have points without an outcome."""
    done = set(known)
    numbers = shard_numbers(points, tasks)
    return sorted({number for point, number in zip(points, numbers, strict=True) if point.id not in done})


def is_queued(folder: Folder) -> str | None:
    """The id of the array submitted for ``folder`` while tasks of it wait or run."""
    file = folder.path / SCRIPTS / JOB_ID
    if not file.is_file():
        return None
    job = file.read_text(encoding="ascii").strip()
    listed = subprocess.run(  # noqa: S603 - arguments are ours
        ["squeue", "--noheader", "--jobs", job],  # noqa: S607 - found on PATH like all of Slurm
        capture_output=True,
        text=True,
        check=False,
    )
    # Slurm forgets finished jobs, and then says that the id is invalid.
    return job if listed.returncode == 0 and listed.stdout.strip() else None


def _directives(cluster: Job, name: str, log: Path) -> list[str]:
    asked = {
        "job-name": name,
        "output": str(log),
        "nodes": "1",
        "ntasks": "1",
        "cpus-per-task": str(cluster.cpus),
        "mem": f"{cluster.memory_mib}M" if cluster.memory_mib else None,
        "time": cluster.time,
        "partition": cluster.partition,
        "account": cluster.account,
    }
    return [
        *(f"#SBATCH --{key}={value}" for key, value in asked.items() if value),
        *map("#SBATCH {}".format, cluster.options),
    ]


def _script(directives: Sequence[str], cluster: Job, work: str) -> str:
    python = shlex.quote(cluster.python or sys.executable)
    return "\n".join(
        ["#!/bin/bash", *directives, "", *cluster.setup, f"exec {python} -m simulator.cli.main {work}", ""]
    )


def _sbatch(option: str, script: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - arguments are ours
            ["sbatch", "--parsable", option, str(script.resolve())],  # noqa: S607 - found on PATH like all of Slurm
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise ConfigError("there is no sbatch here: submit from a machine of the cluster, or use --shard") from None
    if done.returncode:
        raise ConfigError(f"sbatch refused the job: {' '.join(done.stderr.split())}")
    return done.stdout.strip().partition(";")[0]


def _ranges(numbers: Sequence[int]) -> str:
    """``1-4,7`` for 1 2 3 4 7."""
    cuts = [0, *(at for at, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1), len(numbers)]
    parts = [numbers[start:end] for start, end in pairwise(cuts)]
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts if part)
