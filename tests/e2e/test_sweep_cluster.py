"""What is submitted to Slurm, told by programs that stand in for Slurm's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import ConfigError
from simulator.explore.executors.slurm import _ranges
from simulator.explore.shards import Shard, shard
from tests.explore.conftest import point

Nearbank = Callable[..., Any]


@given(st.sets(st.integers(1, 40), min_size=1))
def test_ranges_name_every_task(tasks: set[int]) -> None:
    found: list[int] = []
    for part in _ranges(sorted(tasks)).split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    assert found == sorted(tasks)


@given(st.integers(1, 300), st.integers(1, 20))
def test_shards_share_out_every_point_once_and_evenly(n_points: int, count: int) -> None:
    points = [point(index) for index in range(n_points)]
    parts = [Shard(index, count).of(points) for index in range(1, count + 1)]
    assert sorted(p.index for part in parts for p in part) == list(range(n_points))
    assert max(map(len, parts)) - min(map(len, parts)) <= 8  # BLOCKS, each of which may differ by one


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/", "-1/2"])
def test_a_shard_is_one_of_n(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a shard"):
        shard(text)


@pytest.fixture
def fake_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """sbatch notes its arguments in a file and gives numbers; squeue lists what the file ``queued`` says."""
    programs = tmp_path / "bin"
    programs.mkdir()
    calls = tmp_path / "calls"
    (programs / "sbatch").write_text(f'#!/bin/sh\necho "$@" >> {calls}\ngrep -c . {calls}\n')
    (programs / "squeue").write_text(f"#!/bin/sh\ncat {tmp_path}/queued 2>/dev/null || true\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return calls


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    axes = {"memory.channels": [32, 64], "workload.prompt_tokens": [4], "workload.output_tokens": [2]}
    path.write_text(json.dumps({"arch": "aim_1card", "workload": "decode_512", "axes": axes}))
    return path


def cluster(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cluster.yaml"
    path.write_text(text)
    return path


def test_a_job_array_has_the_tasks_that_are_missing(
    nearbank: Nearbank, fake_slurm: Path, spec: Path, tmp_path: Path
) -> None:
    slurm = cluster(
        tmp_path,
        "tasks: 2\nat_once: 1\ncpus: 3\nmemory_mib: 2000\ntime: '01:00:00'\npartition: night\nsetup: [module load x]\n",
    )
    out = tmp_path / "out"
    shown = nearbank("sweep", spec, "-o", out, "--cluster", slurm, "--json")
    assert (shown.code, shown.json["tasks"], shown.json["points"]) == (0, 2, 2)
    first, then = fake_slurm.read_text().splitlines()
    assert first.split()[:2] == ["--parsable", "--array=1-2%1"]
    assert then.split()[:2] == ["--parsable", "--dependency=afterany:1"]
    script = (out / "slurm" / "array.sh").read_text()
    for line in ("--cpus-per-task=3", "--mem=2000M", "--time=01:00:00", "--partition=night"):
        assert f"#SBATCH {line}\n" in script
    assert script.index("module load x") < script.index("exec ")
    # The frozen points run, though the YAML that they came from is gone; then one task is left.
    spec.unlink()
    assert nearbank("sweep", out, "--shard", "1/2", "-j", 1).code == 0
    assert nearbank("sweep", out, "--merge").code == 1
    nearbank("sweep", out, "--cluster", slurm)
    assert fake_slurm.read_text().splitlines()[2].split()[1] == "--array=2%1"
    assert nearbank("sweep", out, "-j", 1).code == 0
    assert "every point has its outcome" in nearbank("sweep", out, "--cluster", slurm).err


def test_a_folder_whose_job_is_queued_is_left_alone(
    nearbank: Nearbank, fake_slurm: Path, spec: Path, tmp_path: Path
) -> None:
    slurm = cluster(tmp_path, "tasks: 2\n")
    assert nearbank("sweep", spec, "-o", tmp_path / "out", "--cluster", slurm).code == 0
    (tmp_path / "queued").write_text("1_[1-2] night\n")
    shown = nearbank("sweep", spec, "-o", tmp_path / "out", "--cluster", slurm)
    assert (shown.code, "job 1 still waits or runs" in shown.err) == (2, True)
    assert len(fake_slurm.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tasks: none\n", "cluster.yaml:1:1: tasks: 'none' is not a whole number"),
        ("runner: slurm\n", "cluster.yaml:1:1: runner: there is no runner 'slurm' (known: slurm_array, dask)"),
        ("runner: dask\n", "cluster.yaml:1:1: runner: Dask needs one of 'address', 'local' and 'slurm', not none"),
        ("runner: dask\nlocal: {worker: 2}\n", "cluster.yaml:2:9: local.worker: unknown key 'worker'"),
        ("kind: platform\n", "cluster.yaml:1:1: kind: 'cluster' is a platform, not a cluster"),
        ("runner: dask\naddress: tcp://127.0.0.1:9\n", "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_a_wrong_cluster_is_one_line(
    nearbank: Nearbank, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.setattr("simulator.explore.executors.dask_pool.CONNECT_S", 1)
    shown = nearbank("sweep", spec, "-o", tmp_path / "out", "--cluster", cluster(tmp_path, text))
    assert shown.code == 2
    assert said in shown.err
    assert "Traceback" not in shown.err


def test_without_sbatch_the_way_out_is_told(
    nearbank: Nearbank, spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    shown = nearbank("sweep", spec, "-o", tmp_path / "out", "--cluster", cluster(tmp_path, "tasks: 2\n"))
    assert (shown.code, "there is no sbatch here" in shown.err) == (2, True)


def test_points_that_need_results_cannot_be_shared_out(nearbank: Nearbank, spec: Path, tmp_path: Path) -> None:
    data = json.loads(spec.read_text()) | {"sampler": "tpe", "samples": 5, "objectives": ["power_w"]}
    spec.write_text(json.dumps(data))
    shown = nearbank("sweep", spec, "-o", tmp_path / "out", "--shard", "1/2")
    assert (shown.code, "cannot be shared out" in shown.err) == (2, True)
