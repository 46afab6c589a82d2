"""Worker processes: every point has exactly one outcome, whatever happens to the worker that has it."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from simulator.errors import SimulatorError
from simulator.explore.executors.batches import MOST_POINTS, Queue
from simulator.explore.executors.local import LocalExecutor, Rules
from simulator.explore.outcome import Outcome
from simulator.explore.points import Catalog
from tests.explore.conftest import point
from tests.explore.evaluators import BEHAVE

RULES = Rules(time_s=60, memory_mib=1024, retries=2)


def outcomes(tmp_path: Path, todo: list[str], rules: Rules = RULES, workers: int = 2) -> list[Outcome]:
    """What becomes of points that are told to do ``todo``, in the order of the points."""
    points = [point(index, do=what) for index, what in enumerate(todo)]
    with LocalExecutor(BEHAVE, Catalog(), workers, rules, tmp_path / "log") as executor:
        found = [outcome for outcome in executor.run(points) if outcome is not None]
    assert Counter(outcome.id for outcome in found) == Counter(p.id for p in points)
    return sorted(found, key=lambda outcome: outcome.id)


def test_every_kind_of_end_is_told_and_stops_nobody(tmp_path: Path) -> None:
    todo = ["", "raise", "does-not-fit", "stalls", "skip", "print", "exit", "die", *[""] * 20]
    found = outcomes(tmp_path, todo)
    assert [(o.status, o.error) for o in found[:6]] == [
        ("done", None),
        ("failed", "ZeroDivisionError: on the"),
        ("infeasible", "too large by half"),
        ("failed", "waits for ever"),
        ("skipped", None),
        ("done", None),
    ]
    assert (found[6].status, found[6].error) == ("failed", "its worker process died (exit code 3), 3 times")
    assert (found[7].status, found[7].error) == ("failed", "its worker process died (signal SIGKILL), 3 times")
    assert [(o.status, o.figures["tokens_per_s"]) for o in found[8:]] == [("done", 10.0 * i) for i in range(8, 28)]


def test_a_point_that_hangs_is_stopped_and_the_rest_of_its_batch_goes_on(tmp_path: Path) -> None:
    found = outcomes(tmp_path, ["", "hang", *[""] * 10], Rules(1.0, 1024, 2), workers=1)
    assert (found[1].status, found[1].error) == ("failed", "took more than 1 s (limits.time_s)")
    assert [o.status for o in found].count("done") == 11


def test_a_point_that_eats_memory_is_stopped(tmp_path: Path) -> None:
    found = outcomes(tmp_path, ["eat 400", "", ""], Rules(60, 200, 2))
    assert (found[0].status, found[0].error) == ("failed", "took more than 200 MiB (limits.memory_mib)")
    assert [o.status for o in found[1:]] == ["done", "done"]


def test_a_point_whose_worker_died_is_tried_again(tmp_path: Path) -> None:
    found = outcomes(tmp_path, ["", f"die-once {tmp_path / 'mark'}", ""])
    assert [(o.status, o.attempts) for o in found] == [("done", 1), ("done", 2), ("done", 1)]


def test_workers_killed_at_random_lose_nothing(tmp_path: Path) -> None:
    source = random.Random(3)
    points = [point(index, do="sleep 0.02") for index in range(60)]
    found: list[Outcome] = []
    kills = 0
    with LocalExecutor(BEHAVE, Catalog(), 2, Rules(60, 1024, 50), tmp_path / "log") as executor:
        for outcome in executor.run(points):
            found += [outcome] if outcome else []
            if kills < 6 and len(found) > 8 * kills and executor._workers:
                os.kill(source.choice(executor._workers).pid, signal.SIGKILL)
                kills += 1
    assert kills == 6
    assert Counter(outcome.id for outcome in found) == Counter(p.id for p in points)
    assert {outcome.status for outcome in found} == {"done"}


def test_leaving_a_sweep_ends_its_workers(tmp_path: Path) -> None:
    with LocalExecutor(BEHAVE, Catalog(), 2, RULES, tmp_path / "log") as executor:
        for outcome in executor.run([point(0), point(1, do="hang"), point(2, do="hang")]):
            if outcome is not None and len(executor._workers) == 2:
                break
        pids = [worker.pid for worker in executor._workers]
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_that_cannot_start_end_the_sweep(tmp_path: Path) -> None:
    with (
        LocalExecutor("tests.explore.evaluators:gone", Catalog(), 2, RULES, tmp_path / "log") as executor,
        pytest.raises(SimulatorError, match="worker processes do not start"),
    ):
        list(executor.run([point(0)]))
    assert "has no attribute 'gone'" in (tmp_path / "log").read_text()


def test_batches_grow_with_what_is_known_and_shrink_towards_the_end() -> None:
    queue = Queue([point(index) for index in range(1000)])
    queue.learn(point(0), took_s=5.0)
    assert len(queue.take(2)) == 2
    queue.learn(point(0), took_s=0.0)
    for _ in range(2000):
        queue.learn(point(0), took_s=0.001)
    sizes = []
    while len(queue):
        sizes.append(len(queue.take(2)))
    assert sizes[0] == MOST_POINTS
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert sum(sizes) == 998


def test_a_worker_of_another_simulator_refuses(tmp_path: Path) -> None:
    catalog = Catalog(simulator="0.0.1+abc")
    with (
        LocalExecutor(BEHAVE, catalog, 1, RULES, tmp_path / "log") as executor,
        pytest.raises(SimulatorError, match=r"the sweep is of simulator 0\.0\.1\+abc, a worker is "),
    ):
        list(executor.run([point(0)]))


class Deadly:
    """What kills the process that unpickles it."""

    def __reduce__(self) -> tuple[Callable[[int], NoReturn], tuple[int]]:
        return os._exit, (9,)


def test_workers_that_die_before_their_first_point_end_the_sweep(tmp_path: Path) -> None:
    catalog = Catalog(archs={"a": Deadly()})  # type: ignore[dict-item]
    with (
        LocalExecutor(BEHAVE, catalog, 1, RULES, tmp_path / "log") as executor,
        pytest.raises(SimulatorError, match=r"worker processes do not start \(exit code 9\)"),
    ):
        list(executor.run([point(0)]))
