"""A real Slurm on this machine: the same table from a job array and from Dask's SLURMCluster as from local workers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = ("sbatch", "squeue", "scancel", "slurmctld", "slurmd", "munged")
SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
LACKING = [program for program in PROGRAMS if shutil.which(program, path=SEARCHED) is None]
DEADLINE_S = 240

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(LACKING), reason=f"Slurm is not installed ({', '.join(LACKING)} missing; Debian: slurm-wlm and munge)"
    ),
]

SPEC = {
    "arch": "aim_1card",
    "workload": "llama2_7b_512_64",
    "axes": {
        "workload.prompt_tokens": [4],
        "workload.output_tokens": [2],
        "workload.batch": [1, 2],
        "memory.channels": [8, 32],
        "memory.controller_static_w": {"low": 1, "high": 49, "step": 2},
    },
    "skip_if": "capacity.needed_bytes > capacity.available_bytes and memory.controller_static_w > 40",
}
N_POINTS = 100


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running Slurm; gives the environment in which its commands work."""
    folder = tmp_path_factory.mktemp("slurm") / "run"
    ports = {"SLURMCTLD_PORT": str(free_port()), "SLURMD_PORT": str(free_port()), "SLURM_TEST_CPUS": "2"}
    started = subprocess.run(
        [HERE / "start-slurm.sh", folder], env=os.environ | ports, capture_output=True, text=True, check=False
    )
    try:
        assert started.returncode == 0, started.stderr
        yield os.environ | {"SLURM_CONF": str(folder / "conf" / "slurm.conf"), "PATH": SEARCHED}
    finally:
        subprocess.run([HERE / "stop-slurm.sh", folder, "--wipe"], check=False, capture_output=True)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


Sweep = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def sweep(slurm: dict[str, str], tmp_path: Path) -> Sweep:
    """`nearbank sweep` of the spec, in a process that can reach Slurm."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps(SPEC))

    def call(folder: Path, **cluster: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "simulator.cli.main", "sweep", str(spec), "-o", str(folder)]
        if cluster:
            path = tmp_path / "cluster.yaml"
            path.write_text(json.dumps(cluster))
            command += ["--cluster", str(path)]
        done = subprocess.run(command, env=slurm, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
        assert done.returncode == 0, done.stderr
        return done

    return call


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.3)


def test_slurm_gives_the_table_of_local_workers(slurm: dict[str, str], sweep: Sweep, tmp_path: Path) -> None:
    sweep(tmp_path / "local")
    expected = (tmp_path / "local" / "results.parquet").read_bytes()
    assert len((tmp_path / "local" / "points.jsonl").read_text().splitlines()) == N_POINTS

    def is_idle() -> bool:
        return not subprocess.run(
            ["squeue", "-h"], env=slurm, capture_output=True, text=True, check=True
        ).stdout.strip()

    # An array whose tasks are cancelled in the middle, and submitted again.
    array = {"tasks": 3, "memory_mib": 900, "time": "00:10:00"}
    out = tmp_path / "array"
    job = sweep(out, **array).stdout.split()[1].rstrip(":")
    wait_until(lambda: sum(path.stat().st_size for path in (out / "journal").glob("*")) > 10_000)
    subprocess.run(["scancel", job], env=slurm, check=True)
    wait_until(is_idle)
    sweep(out, **array)
    wait_until(is_idle)
    assert (out / "results.parquet").read_bytes() == expected
    records = [
        line for path in (out / "journal").glob("*") for line in path.read_text().splitlines() if '"status"' in line
    ]
    assert len(records) == N_POINTS
    assert "every point has its outcome" in sweep(out, **array).stderr

    dask = {"runner": "dask", "slurm": {"workers": 2, "memory_mib": 900, "time": "00:10:00"}}
    sweep(tmp_path / "dask", **dask)
    assert (tmp_path / "dask" / "results.parquet").read_bytes() == expected
    wait_until(is_idle)
