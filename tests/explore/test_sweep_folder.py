"""Sweeps in their folder: nothing is lost, nothing is computed twice, and the table is the same in the end."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from simulator.errors import ConfigError
from simulator.explore.folder import LOCAL, Folder
from simulator.explore.run import Finished, load_finished
from tests.explore.drive import drive

KILLS = int(os.environ.get("NEARBANK_TEST_KILLS", "3"))
"""How often the sweep is killed; the tests of a release take 20."""

ROOT = Path(__file__).resolve().parents[2]
SpecFile = Callable[..., Path]


@pytest.fixture(autouse=True)
def marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where workers note what they begin."""
    path = tmp_path / "marks"
    monkeypatch.setenv("NEARBANK_TEST_MARKS", str(path))
    return path


def begun(marks: Path) -> Counter[str]:
    return Counter(marks.read_text().split()) if marks.exists() else Counter()


def same_table(one: Finished, other: Finished) -> bool:
    assert one.table is not None
    assert other.table is not None
    return one.table.read_bytes() == other.table.read_bytes()


def test_a_table_has_a_row_for_each_point_in_the_order_of_the_sweep(spec_file: SpecFile, tmp_path: Path) -> None:
    spec = spec_file({"memory.channels": [8, 16], "workload.batch": [1, 2, 3]})
    finished = drive(spec, tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "results.parquet").to_pydict()
    assert table["memory.channels"] == [8, 8, 8, 16, 16, 16]
    assert table["workload.batch"] == [1, 2, 3, 1, 2, 3]
    assert table["tokens_per_s"] == [0, 10, 20, 30, 40, 50]
    assert table["status"] == ["done"] * 6
    assert (tmp_path / "out" / "assumptions.json").read_text().count("a guess") == 1
    assert [row["tokens_per_s"] for row in load_finished(Folder(tmp_path / "out")).rows] == table["tokens_per_s"]
    assert finished.missing == 0


def test_a_folder_with_results_is_continued_only_when_asked_to(
    spec_file: SpecFile, tmp_path: Path, marks: Path
) -> None:
    spec = spec_file({"memory.channels": [8, 16]})
    first = drive(spec, tmp_path / "out")
    before = first.table and first.table.read_bytes()
    with pytest.raises(ConfigError, match="already holds a sweep; continue it with --resume"):
        drive(spec, tmp_path / "out")
    again = drive(spec, tmp_path / "out", resume=True)
    assert again.table is not None
    assert again.table.read_bytes() == before
    assert set(begun(marks).values()) == {1}


def test_a_changed_sweep_runs_only_what_is_new(spec_file: SpecFile, tmp_path: Path, marks: Path) -> None:
    drive(spec_file({"memory.channels": [8, 16], "workload.batch": [1, 2]}), tmp_path / "out")
    grown = spec_file({"workload.batch": [2, 3], "memory.channels": [8, 16]}, "grown.yaml")
    finished = drive(grown, tmp_path / "out", resume=True)
    assert len(begun(marks)) == 6
    assert set(begun(marks).values()) == {1}
    assert [(row["workload.batch"], row["memory.channels"]) for row in finished.rows] == [
        (2, 8),
        (2, 16),
        (3, 8),
        (3, 16),
    ]


def test_another_sweep_is_not_continued_in_the_folder_of_a_sweep(
    spec_file: SpecFile, tmp_path: Path, marks: Path
) -> None:
    drive(spec_file({"memory.channels": [8, 16]}), tmp_path / "out")
    before = (tmp_path / "out" / "points.jsonl").read_bytes()
    other = spec_file({"memory.channels": [32]}, "other.yaml")
    with pytest.raises(ConfigError, match="out holds the sweep 'spec', of which 'other' has no point; take another -o"):
        drive(other, tmp_path / "out", resume=True)
    assert (tmp_path / "out" / "points.jsonl").read_bytes() == before
    assert len(begun(marks)) == 2


def test_equal_points_of_one_sweep_run_once(spec_file: SpecFile, tmp_path: Path, marks: Path) -> None:
    finished = drive(
        spec_file({"a": {"set": {"x": {"memory.channels": 8}, "y": {"memory.channels": 8}}}}), tmp_path / "o"
    )
    assert [row["a"] for row in finished.rows] == ["x", "y"]
    assert sum(begun(marks).values()) == 1


def test_failed_points_are_kept_unless_they_are_to_be_tried_again(
    spec_file: SpecFile, tmp_path: Path, marks: Path
) -> None:
    spec = spec_file({"do": {"set": {"raise": {"workload.seed": 1}, "fine": {"workload.seed": 2}}}})
    finished = drive(spec, tmp_path / "out")
    assert [row["status"] for row in finished.rows] == ["failed", "done"]
    drive(spec, tmp_path / "out", resume=True)
    assert sorted(begun(marks).values()) == [1, 1]
    drive(spec, tmp_path / "out", resume=True, retry=True)
    assert sorted(begun(marks).values()) == [1, 2]


def test_two_sweeps_in_one_folder_are_refused(spec_file: SpecFile, tmp_path: Path) -> None:
    spec = spec_file({"memory.channels": [8]})
    with (
        Folder(tmp_path / "out").locked(),
        pytest.raises(ConfigError, match=rf"another sweep works in this folder \(process {os.getpid()} on "),
    ):
        drive(spec, tmp_path / "out")
    assert drive(spec, tmp_path / "out").missing == 0


def start(spec: Path, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.explore.drive", str(spec), str(folder), *more], cwd=ROOT)


def test_a_sweep_that_is_killed_goes_on_where_it_was(spec_file: SpecFile, tmp_path: Path, marks: Path) -> None:
    """kill -9 of the main process at random moments: workers die too, the final table is the undisturbed one."""
    n_points = 30 * KILLS
    axes = {"do": {"set": {f"sleep 0.05{seed:04d}": {"workload.seed": seed} for seed in range(n_points)}}}
    spec = spec_file(axes)
    undisturbed = drive(spec, tmp_path / "undisturbed")
    marks.unlink()
    source, folder, kills = random.Random(7), tmp_path / "killed", 0
    kept: dict[str, int] = {}
    for _ in range(KILLS):
        process = start(spec, folder, "resume")
        known = len(Folder(folder).outcomes())
        wait_for(lambda p=process, n=known: len(Folder(folder).outcomes()) > n or p.poll() is not None)
        time.sleep(source.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        stored = Folder(folder).outcomes()
        kept |= {point: times for point, times in begun(marks).items() if point in stored}
    assert kills >= KILLS - 1
    finished = drive(spec, folder, resume=True)
    assert same_table(finished, undisturbed)
    # Whatever was in the journal when the process was killed is never begun again.
    assert kept
    assert {point: begun(marks)[point] for point in kept} == kept


def wait_for(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_a_hanging_worker_dies_with_a_killed_sweep(spec_file: SpecFile, tmp_path: Path, marks: Path) -> None:
    process = start(spec_file({"do": {"set": {"hang": {"workload.seed": 1}}}}), tmp_path / "out")
    wait_for(lambda: bool(begun(marks)))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    assert children
    for pid in children:
        wait_for(
            lambda pid=pid: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
        )


def test_a_damaged_tail_costs_only_its_points(spec_file: SpecFile, tmp_path: Path, marks: Path) -> None:
    spec = spec_file({"memory.channels": [1, 2, 3, 4, 5, 6]})
    whole = drive(spec, tmp_path / "out")
    before = whole.table and whole.table.read_bytes()
    journal = tmp_path / "out" / "journal" / f"{LOCAL}.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30] + b"\xff\x00")
    marks.unlink()
    finished = drive(spec, tmp_path / "out", resume=True)
    assert finished.table is not None
    assert finished.table.read_bytes() == before
    assert sum(begun(marks).values()) == 1


def test_points_frozen_by_another_simulator_do_not_run(spec_file: SpecFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    drive(spec_file({"memory.channels": [8]}), out)
    catalog = json.loads((out / "catalog.json").read_text())
    (out / "catalog.json").write_text(json.dumps(catalog | {"simulator": "older"}))
    assert load_finished(Folder(out)).missing == 0
    with pytest.raises(ConfigError, match="was frozen by simulator older, this is"):
        Folder(out).frozen(to_run=True)
