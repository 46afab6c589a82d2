"""What the compiled engine adds to a channel: streams with memory, equal channels once, any refresh phase."""

from __future__ import annotations

import numpy as np
import pytest
from host_programs import figures, host_programs, program
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import NEAR_BANK_STANDARDS, standard, with_policy

from simulator.dram.checker import check_log
from simulator.dram.device import Device, RequestList, Stream
from simulator.dram.program import ProgramBuilder
from simulator.dram.replay import logged

PLAIN = ("hbm2_2.0g", "hbm3_6.4g", "gddr6_aim")
DEVICES = {name: Device(standard(name)) for name in {*PLAIN, *NEAR_BANK_STANDARDS}}


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=12)
@given(
    kind=st.sampled_from("RW"),
    first=st.integers(0, 5000),
    n=st.integers(1, 60_000),
    phase=st.one_of(st.none(), st.integers(0, 20_000)),
)
def test_a_remembered_stream_equals_the_simulated_one(
    name: str, kind: str, first: int, n: int, phase: int | None
) -> None:
    segments = [Stream("R" if kind == "R" else "W", first, n, 3)]
    device = DEVICES[name]
    remembered = device.run_streams(segments, refresh_phase=phase, remember=True)
    simulated = device.run_streams(segments, refresh_phase=phase, remember=False)
    assert figures(remembered) == figures(simulated)


def test_streams_of_different_length_are_counted_by_their_channels() -> None:
    device = DEVICES["hbm2_2.0g"]
    run = device.run_streams([Stream("R", 0, 1000, 3), Stream("R", 0, 999, 5)])
    assert run.commands["RD"] == 3 * 1000 + 5 * 999
    assert run.read_bytes == run.commands["RD"] * 32


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=40)
@given(data=st.data())
def test_a_start_at_a_refresh_phase_equals_a_late_arrival(name: str, data: st.DataObject) -> None:
    device = DEVICES[name]
    spec = device.spec
    start = 1 + spec.ticks_per_clock * data.draw(st.integers(20_000, 40_000))
    n = data.draw(st.integers(1, 40))
    banks = np.array(data.draw(st.lists(st.integers(0, 15), min_size=n, max_size=n)), dtype=np.int64)
    zeros = np.zeros(n, dtype=np.int64)
    writes = zeros.astype(np.bool_)
    late = device.run_requests(RequestList(writes, banks, zeros, zeros, zeros + start))
    phased = device.run_requests(RequestList(writes, banks, zeros, zeros), refresh_phase=start)
    assert (late.completions - (start - 1)).tolist() == phased.completions.tolist()


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
def test_equal_channels_cost_what_one_does(name: str) -> None:
    runs = []
    for channels in (1, 8):
        builder = ProgramBuilder(standard(name), channels)
        program(builder, 5)
        runs.append(DEVICES[name].run_program(builder.build(), refresh_phase=100))
    one, eight = runs
    assert eight.end_tick == one.end_tick
    assert eight.idle_tick == one.idle_tick
    assert eight.commands == {command: 8 * count for command, count in one.commands.items()}
    assert eight.active_ticks == 8 * one.active_ticks


def test_channels_without_work_issue_nothing() -> None:
    builder = ProgramBuilder(standard("gddr6_aim_ref"), 4)
    program(builder, 2, np.array([True, False, True, False]))
    run = DEVICES["gddr6_aim_ref"].run_program(builder.build())
    assert run.by_class[run.class_of[1]] == {}
    assert run.by_class[run.class_of[0]]["MACab"] == 128


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
@settings(max_examples=60)
@given(data=st.data())
def test_every_channel_of_a_host_program_is_legal(name: str, data: st.DataObject) -> None:
    spec = standard(name)
    found = data.draw(host_programs(name, 3))
    run = DEVICES[name].run_program(found, log=True)
    assert run.issued is not None
    for channel in range(3):
        log = list(logged(spec, run.issued, run.class_of[channel]))
        assert check_log(spec, log) == []
        assert len(log) == sum(run.by_class[run.class_of[channel]].values())


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
@settings(max_examples=150)
@given(data=st.data())
def test_channels_that_have_become_equal_are_still_counted_one_by_one(name: str, data: st.DataObject) -> None:
    found = data.draw(host_programs(name, 5))
    phase = data.draw(st.one_of(st.none(), st.integers(0, 4000)))
    together = DEVICES[name].run_program(found, refresh_phase=phase)
    one_by_one = DEVICES[name].run_program(found, refresh_phase=phase, log=True)
    assert figures(together) == figures(one_by_one)


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
def test_refresh_takes_its_share_of_a_program(name: str) -> None:
    spec = standard(name)
    builder = ProgramBuilder(spec, 1)
    program(builder, 60)
    without = Device(with_policy(spec, refresh="none")).run_program(builder.build())
    if spec.controller.refresh == "none":
        assert without.refreshes == 0
        return
    run = DEVICES[name].run_program(builder.build())
    assert run.refreshes == run.commands["REFab"] > 0
    assert run.end_tick > without.end_tick
