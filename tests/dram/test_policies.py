"""Controller policies: the compiled engine equals the SimPy reference engine, and the checker passes what they do."""

from __future__ import annotations

from functools import lru_cache

import pytest
from engines import assert_engines_agree, request_list
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    golden,
    programs,
    refresh_policies,
    request_lists,
    same_bank_refresh,
    standard,
    with_controller,
)

from simulator.config.dram_schema import Dram
from simulator.config.timing import resolve_dram
from simulator.dram.device import Device
from simulator.dram.reference import MemoryRequest

EXAMPLES = 60
MANAGED = {
    "ddr4": standard("ddr4_3200_8gb_x8"),
    "ddr5, same-bank refresh": same_bank_refresh(),
    "gddr6": standard("gddr6_14g_8gb"),
    "hbm2, single bus": with_controller(standard("hbm2_2.0g"), command_buses="single"),
    "hbm3": standard("hbm3_6.4g"),
    "lpddr5": golden("LPDDR5"),
}
QUEUED = ("ddr4_3200_8gb_x8", "hbm2_2.0g", "gddr6_14g_8gb", "ddr5_4800_16gb_x8", "hbm3_6.4g")


@lru_cache(maxsize=256)
def device(name: str, changes: tuple[tuple[str, object], ...]) -> Device:
    return Device(with_controller(standard(name), **dict(changes)))


@st.composite
def command_queue_policies(draw: st.DrawFn) -> dict[str, object]:
    return {
        "scheduler": draw(st.sampled_from(("BANK_QUEUES", "RANK_QUEUES"))),
        "command_queue": draw(st.sampled_from((1, 3, 8))),
        "row_hit_cap": draw(st.sampled_from((None, 1, 4))),
        "forwarding": draw(st.booleans()),
        "page_policy": draw(st.sampled_from(("open", "closed"))),
        "read_queue": draw(st.sampled_from((2, 32))),
        "write_queue": draw(st.sampled_from((2, 16))),
        "refresh_order": draw(st.sampled_from(("together", "staggered"))),
    }


@pytest.mark.parametrize("name", QUEUED)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_command_queues_agree(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    policy = data.draw(command_queue_policies()) | {"refresh": data.draw(refresh_policies(spec))}
    assert_engines_agree(device(name, tuple(policy.items())), data.draw(request_lists(spec)), [])


@st.composite
def managed_policies(draw: st.DrawFn, spec: Dram) -> dict[str, object]:
    timeout = draw(st.sampled_from((None, 5, 100)))
    refresh = draw(st.sampled_from(("none", *(name for name, row in spec.commands.items() if row.refreshes))))
    most = spec.max_postponed_refreshes if refresh != "none" else 0
    postpone = draw(st.sampled_from([moved for moved in (0, 2, 4, 8) if moved <= most]))
    scheduler = draw(st.sampled_from(("FRFCFS", "FCFS", "IN_ORDER")))
    return {
        "scheduler": scheduler,
        "row_hit_cap": draw(st.sampled_from((None, 1, 4))),
        "age_limit": draw(st.sampled_from((None, 10, 200))) if scheduler != "IN_ORDER" else None,
        "page_policy": draw(st.sampled_from(("open", "closed"))) if timeout is None else "timeout",
        "page_timeout": timeout,
        "read_queue": draw(st.sampled_from((2, 32))),
        "write_queue": draw(st.sampled_from((2, 16))),
        "refresh": refresh,
        "refresh_order": draw(st.sampled_from(("together", "staggered"))),
        "refresh_postpone": postpone,
        "refresh_pull_in": draw(st.sampled_from([moved for moved in (0, 1, 4) if moved + postpone <= most])),
        "contention": draw(st.sampled_from(("skip", "cancel"))),
    }


@pytest.mark.parametrize("name", sorted(MANAGED))
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_further_policies_agree(name: str, data: st.DataObject) -> None:
    spec = MANAGED[name]
    policy = data.draw(managed_policies(spec))
    assert_engines_agree(Device(with_controller(spec, **policy)), data.draw(request_lists(spec)), [])


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_programs_beside_requests_agree_under_further_policies(data: st.DataObject) -> None:
    spec = standard("hbm2_pim")
    changes = {
        "page_policy": "timeout",
        "page_timeout": data.draw(st.sampled_from((5, 100))),
        "refresh": data.draw(st.sampled_from(("none", "REFab"))),
        "refresh_postpone": data.draw(st.sampled_from((0, 8))),
        "row_hit_cap": data.draw(st.sampled_from((None, 2))),
    }
    found = Device(with_controller(spec, **changes))
    assert_engines_agree(found, data.draw(request_lists(spec, 30)), data.draw(programs(spec, 6)))


def test_no_request_starves_under_an_age_limit() -> None:
    """Row hits that never end keep a conflicting read out; with a limit it waits little longer than that."""
    base = with_controller(standard("ddr4_3200_8gb_x8"), refresh="none")
    victim = MemoryRequest("R", 0, 1, 0, 40)
    hits = [MemoryRequest("R", 0, 0, i % 128, 4 * i) for i in range(4000)]
    requests = sorted([*hits, victim], key=lambda request: request.arrival)
    index = requests.index(victim)

    def wait(**changes: object) -> int:
        run = Device(with_controller(base, **changes)).run_requests(request_list(requests))
        return int(run.completions[index]) - victim.arrival

    assert wait() > 4000
    assert wait(age_limit=200) < 200 + 200
    assert wait(row_hit_cap=4) < 500


def test_an_idle_channel_pulls_refreshes_in_and_a_busy_one_puts_them_off() -> None:
    base = standard("ddr4_3200_8gb_x8")
    interval = resolve_dram(base).refresh_interval
    busy = [MemoryRequest("R", i % 16, 0, i % 128, 0) for i in range(20 * interval // 4)]

    def refreshes_during_work(**changes: object) -> int:
        run = Device(with_controller(base, **changes)).run_requests(request_list(busy))
        return run.commands.get("REFab", 0)

    due = refreshes_during_work()
    assert due >= 18
    assert refreshes_during_work(refresh_postpone=8) == due - 7
    late = [MemoryRequest("R", 0, 0, 0, interval // 2)]
    early = Device(with_controller(base, refresh_pull_in=3)).run_requests(request_list(late))
    assert early.commands["REFab"] == 3
