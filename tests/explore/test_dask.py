"""Dask: a cluster on this machine, one worker of which is killed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from simulator.config.cluster_schema import Dask, DaskLocal
from simulator.explore.columns import Objective
from simulator.explore.executors.dask_pool import dask_executor
from simulator.explore.outcome import Outcome
from simulator.explore.points import BaseArch, Catalog
from simulator.explore.terms import Rules, Terms
from tests.explore.conftest import point
from tests.explore.evaluators import BEHAVE

TERMS = Terms(
    "t", Rules(time_s=2, memory_mib=500, retries=2), ("do",), ("do",), ("do",), (Objective("tokens_per_s", "max"),)
)
CLUSTER = Dask(runner="dask", local=DaskLocal(workers=2))


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_killed_dask_worker_loses_nothing(tmp_path: Path) -> None:
    todo = ["hang", "die", "does-not-fit", *["sleep 0.05"] * 30]
    points = [point(index, do=what) for index, what in enumerate(todo)]
    catalog = Catalog({"a": BaseArch("a", {}, {})}, {"w": "{}"})
    found: list[Outcome] = []
    with dask_executor(TERMS, catalog, BEHAVE, tmp_path, CLUSTER) as executor:
        cluster: Any = executor._client.cluster
        for outcome in executor.run(points):
            found += [outcome] if outcome else []
            if len(found) == 8 and outcome:
                next(iter(cluster.workers.values())).process.process._process.kill()
    assert Counter(outcome.id for outcome in found) == Counter(p.id for p in points)
    by_id = {outcome.id: outcome for outcome in found}
    assert [by_id[p.id].error for p in points[:3]] == [
        "took more than 2 s (limits.time_s)",
        "its worker process died (signal SIGKILL), 3 times",
        "too large by half",
    ]
    assert {by_id[p.id].status for p in points[3:]} == {"done"}
