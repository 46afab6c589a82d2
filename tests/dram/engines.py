"""The two engines side by side, for every test that compares them."""

from __future__ import annotations

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.dram.checker import check_log
from simulator.dram.device import Device, DeviceRun, RequestList
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.dram.reference import MemoryRequest, ProgramEntry, run_reference
from simulator.dram.replay import logged


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
