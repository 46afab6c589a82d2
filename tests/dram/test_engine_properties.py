"""What holds on any channel: slower timings never help, more bank groups never hurt, each request is served once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from engines import request_list
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import bank_count, refresh_policies, request_lists, standard, with_controller

from simulator.config.dram_schema import Dram
from simulator.config.timing import ResolvedDram, resolve_dram
from simulator.dram.device import Device, RequestList
from simulator.dram.replay import logged

PLAIN = ("ddr4_3200_8gb_x8", "ddr5_4800_16gb_x8", "gddr6_14g_8gb", "hbm2_2.0g", "hbm3_6.4g", "lpddr5_6400_16gb_x16")
NOT_WAITS = ("nBL", "nWCKPST")
"""A burst takes what the rate of the pins says; the data clock runs on for tWCKPST, so a longer one helps."""


def with_timing(spec: Dram, name: str, value: int) -> Dram:
    return spec.model_copy(update={"timings": {**spec.timings, name: value}})


def demands(found: ResolvedDram) -> list[int]:
    """Every gap between two commands, and every latency, in ticks."""
    gaps = [row.gap(before, after) for row in found.constraints for before in row.from_ for after in row.to]
    return [*gaps, *(command.latency for command in found.commands.values())]


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=25)
@given(data=st.data())
def test_raising_a_timing_never_makes_a_stream_in_order_faster(name: str, data: st.DataObject) -> None:
    spec = with_controller(standard(name), scheduler="IN_ORDER", refresh="none")
    raised_name = data.draw(
        st.sampled_from([key for key in spec.timings if key.startswith("n") and key not in NOT_WAITS])
    )
    raised = with_timing(spec, raised_name, spec.timings[raised_name] + data.draw(st.integers(1, 30)))
    # Some gaps fall when a latency rises (a write's data come later, so a read before it may be later): not those.
    assume(all(a <= b for a, b in zip(demands(resolve_dram(spec)), demands(resolve_dram(raised)), strict=True)))
    requests = request_list(data.draw(request_lists(spec)))
    before, after = (Device(found).run_requests(requests) for found in (spec, raised))
    assert after.end_tick >= before.end_tick
    assert (after.completions >= before.completions).all()


@pytest.mark.parametrize("name", ["ddr4_3200_8gb_x8", "gddr6_14g_8gb", "hbm2_2.0g", "hbm3_6.4g"])
def test_another_bank_group_never_slows_row_hits(name: str) -> None:
    ends = []
    for groups in (1, 2, 4, 8):
        spec = with_controller(standard(name), refresh="none")
        levels = spec.organization.levels | {"bankgroup": groups}
        organization = spec.organization.model_copy(update={"levels": levels, "package": None})
        spec = spec.model_copy(update={"organization": organization})
        per_group = levels["bank"]
        numbers = np.arange(512, dtype=np.int64)
        bank, zeros = numbers % groups * per_group, np.zeros(512, dtype=np.int64)
        ends.append(Device(spec).run_requests(RequestList(zeros == 1, bank, zeros, numbers // groups % 16)).end_tick)
    assert ends == sorted(ends, reverse=True)
    assert ends[-1] < ends[0]


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=25)
@given(data=st.data())
def test_every_request_is_served_exactly_once(name: str, data: st.DataObject) -> None:
    policy = {
        "scheduler": data.draw(st.sampled_from(("FRFCFS", "FCFS", "IN_ORDER", "BANK_QUEUES", "RANK_QUEUES"))),
        "page_policy": data.draw(st.sampled_from(("open", "closed"))),
        "refresh": data.draw(refresh_policies(standard(name))),
    }
    spec = with_controller(standard(name), **policy)
    requests = request_list(data.draw(request_lists(spec)))
    run = Device(spec).run_requests(requests, log=True)
    assert run.issued is not None
    bursts = {command for command, row in spec.commands.items() if row.data != "none"}
    served = Counter(
        (spec.commands[entry.command].data, entry.address, entry.row, entry.column)
        for entry in logged(spec, run.issued, 0)
        if entry.command in bursts
    )
    kinds = np.where(requests.writes, "write", "read").tolist()
    places = [address(spec, bank) for bank in requests.bank.tolist()]
    asked = Counter(zip(kinds, places, requests.row.tolist(), requests.column.tolist(), strict=True))
    assert served == asked
    assert (run.completions > 0).all()


def address(spec: Dram, bank: int) -> tuple[int, ...]:
    """A bank's address by level."""
    assert bank < bank_count(spec)
    digits = []
    for count in reversed(spec.organization.levels.values()):
        bank, digit = divmod(bank, count)
        digits.append(digit)
    return tuple(reversed(digits))
