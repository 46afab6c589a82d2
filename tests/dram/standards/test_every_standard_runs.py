"""Every shipped standard under load: all requests served once, legal logs, both engines the same, refresh kept up."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
from shipped_standards import SHIPPED
from strategies import bank_count, standard, with_policy

from simulator.config.dram_schema import Dram
from simulator.config.timing import resolve_dram
from simulator.dram.checker import check_log
from simulator.dram.device import Device, RequestList
from simulator.dram.reference import MemoryRequest, run_reference
from simulator.dram.replay import logged

REFRESH_PERIODS = 3


@cache
def device(name: str, page_policy: str, refresh: str) -> Device:
    return Device(with_policy(standard(name), page_policy=page_policy, refresh=refresh))


def load(spec: Dram, count: int, *, over_ticks: int = 0) -> list[MemoryRequest]:
    """Reads and writes to a few rows of all banks, at once or spread over ``over_ticks``."""
    draw = random.Random(f"{spec.name} {count}")
    banks, columns = bank_count(spec), spec.organization.row_bytes // spec.organization.burst_bytes
    return [
        MemoryRequest(
            draw.choice("RRW"),
            draw.randrange(banks),
            draw.randrange(3),
            draw.randrange(columns),
            i * over_ticks // count,
        )
        for i in range(count)
    ]


def as_list(requests: list[MemoryRequest]) -> RequestList:
    columns = np.ascontiguousarray(np.array([(r.bank, r.row, r.column, r.arrival) for r in requests], dtype=np.int64).T)
    return RequestList(np.array([r.kind == "W" for r in requests]), *columns)


def has_refresh(name: str) -> bool:
    return standard(name).controller.refresh != "none"


@pytest.mark.parametrize("page_policy", ["open", "closed"])
@pytest.mark.parametrize("name", SHIPPED)
def test_random_requests_are_all_served_by_legal_commands(name: str, page_policy: str) -> None:
    found = device(name, page_policy, "none")
    requests = load(found.spec, 600)
    run = found.run_requests(as_list(requests), log=True)
    reads = sum(request.kind == "R" for request in requests)
    served = {kind: run.commands.get(kind, 0) + run.commands.get(f"{kind}A", 0) for kind in ("RD", "WR")}
    if "forward_any_read" not in found.spec.controller.quirks:
        assert served == {"RD": reads, "WR": len(requests) - reads}
    assert (run.completions > 0).all()
    assert run.issued is not None
    assert check_log(found.spec, logged(found.spec, run.issued, 0)) == []


@pytest.mark.parametrize("name", [name for name in SHIPPED if has_refresh(name)])
def test_refresh_comes_at_its_period_and_the_requests_still_end(name: str) -> None:
    found = device(name, "open", "REFab")
    period_ticks = resolve_dram(found.spec).refresh_interval
    requests = load(found.spec, 120, over_ticks=REFRESH_PERIODS * period_ticks + period_ticks // 2)
    run = found.run_requests(as_list(requests), log=True)
    refreshed = next(row.scope for row in found.spec.commands.values() if row.refreshes and row.scope != "bank")
    nodes = found.spec.organization.levels.get(refreshed, 1) if refreshed != "channel" else 1
    assert run.commands["REFab"] == REFRESH_PERIODS * nodes
    assert (run.completions > 0).all()
    assert run.issued is not None
    log = logged(found.spec, run.issued, 0)
    assert check_log(found.spec, log) == []
    assert all(entry.tick >= period_ticks for entry in log if entry.command == "REFab")


@pytest.mark.parametrize("name", SHIPPED)
def test_both_engines_issue_the_same_commands(name: str) -> None:
    found = device(name, "open", standard(name).controller.refresh)
    period_ticks = resolve_dram(found.spec).refresh_interval
    requests = load(found.spec, 60) + [
        MemoryRequest(r.kind, r.bank, r.row, r.column, period_ticks + r.arrival)
        for r in load(found.spec, 20, over_ticks=200)
    ]
    run = found.run_requests(as_list(requests), log=True)
    expected = run_reference(found.spec, requests)
    assert run.issued is not None
    assert logged(found.spec, run.issued, 0) == list(expected.log)
    assert run.completions.tolist() == list(expected.completions)
