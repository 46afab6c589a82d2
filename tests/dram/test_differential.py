"""The compiled engine equals the SimPy reference engine, command for command, and the checker passes both."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    CONTENTIONS,
    NEAR_BANK_STANDARDS,
    PAGE_POLICIES,
    SCHEDULERS,
    STANDARDS,
    programs,
    refresh_policies,
    request_lists,
    standard,
    with_policy,
)

from simulator.config.dram_schema import Dram
from simulator.config.paths import list_names
from simulator.dram.checker import check_log
from simulator.dram.device import Device, DeviceRun, RequestList
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.dram.reference import MemoryRequest, ProgramEntry, run_reference
from simulator.dram.replay import logged

EXAMPLES = 150
"""For each of five standards, and for three near-bank ones twice more: 1650 streams."""

EXAMPLES_ELSEWHERE = 20


def request_list(requests: list[MemoryRequest]) -> RequestList:
    def column(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    return RequestList(
        np.array([r.kind == "W" for r in requests], dtype=np.bool_),
        column([r.bank for r in requests]),
        column([r.row for r in requests]),
        column([r.column for r in requests]),
        column([r.arrival for r in requests]),
    )


def host_program(spec: Dram, entries: list[ProgramEntry]) -> HostProgram:
    builder = ProgramBuilder(spec, 1)
    for entry in entries:
        builder.add(entry.command, entry.count, bank=entry.bank, row=entry.row)
    return builder.build()


@cache
def device(name: str, page_policy: str, refresh: str, scheduler: str, contention: str) -> Device:
    changes = {"page_policy": page_policy, "refresh": refresh, "scheduler": scheduler, "contention": contention}
    return Device(with_policy(standard(name), **changes))


def assert_engines_agree(found: Device, requests: list[MemoryRequest], entries: list[ProgramEntry]) -> None:
    spec = found.spec
    run: DeviceRun = found.run_requests(request_list(requests), host_program(spec, entries), log=True)
    expected = run_reference(spec, requests, entries)
    assert run.issued is not None
    log = logged(spec, run.issued, 0)
    assert log == list(expected.log)
    assert run.commands == expected.counts
    assert run.completions.tolist() == list(expected.completions)
    assert run.end_tick == expected.end_tick
    assert check_log(spec, log) == []


@pytest.mark.parametrize("name", STANDARDS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_memory_streams_agree(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = device(
        name, data.draw(PAGE_POLICIES), data.draw(refresh_policies(spec)), data.draw(SCHEDULERS), data.draw(CONTENTIONS)
    )
    assert_engines_agree(found, data.draw(request_lists(spec)), [])


@pytest.mark.parametrize("name", sorted(set(list_names("drams")) - set(STANDARDS)))
@settings(max_examples=EXAMPLES_ELSEWHERE)
@given(data=st.data())
def test_memory_streams_agree_on_every_other_standard(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = device(
        name, data.draw(PAGE_POLICIES), data.draw(refresh_policies(spec)), data.draw(SCHEDULERS), data.draw(CONTENTIONS)
    )
    assert_engines_agree(found, data.draw(request_lists(spec)), [])


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_near_bank_programs_agree(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = device(name, "open", data.draw(refresh_policies(spec)), "FRFCFS", data.draw(CONTENTIONS))
    assert_engines_agree(found, [], data.draw(programs(spec)))


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_both_together_agree(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = device(name, data.draw(PAGE_POLICIES), data.draw(refresh_policies(spec)), "FRFCFS", data.draw(CONTENTIONS))
    assert_engines_agree(found, data.draw(request_lists(spec, 30)), data.draw(programs(spec, 6)))
