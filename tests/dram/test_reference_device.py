"""The reference engine runs whole devices as the compiled engine does: host programs, request lists and streams."""

from __future__ import annotations

from functools import cache

import pytest
from engines import request_list
from host_programs import figures, host_programs
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import (
    CONTENTIONS,
    NEAR_BANK_STANDARDS,
    PAGE_POLICIES,
    SCHEDULERS,
    STANDARDS,
    bank_count,
    refresh_policies,
    request_lists,
    standard,
    with_policy,
)

from simulator.config.dram_schema import Dram
from simulator.dram.device import Device
from simulator.dram.program import ProgramBuilder
from simulator.dram.reference_device import ReferenceDevice
from simulator.dram.replay import logged
from simulator.dram.runs import DeviceRun, Stream

PHASES = st.one_of(st.none(), st.integers(0, 4000))


@cache
def engines(
    name: str, page_policy: str, refresh: str, scheduler: str, contention: str
) -> tuple[Dram, Device, ReferenceDevice]:
    changes = {"page_policy": page_policy, "refresh": refresh, "scheduler": scheduler, "contention": contention}
    spec = with_policy(standard(name), **changes)
    return spec, Device(spec), ReferenceDevice(spec)


def drawn_engines(data: st.DataObject, name: str) -> tuple[Dram, Device, ReferenceDevice]:
    return engines(
        name,
        data.draw(PAGE_POLICIES),
        data.draw(refresh_policies(standard(name))),
        data.draw(SCHEDULERS),
        data.draw(CONTENTIONS),
    )


def assert_equal(spec: Dram, compiled: DeviceRun, reference: DeviceRun) -> None:
    assert figures(compiled) == figures(reference)
    assert compiled.completions.tolist() == reference.completions.tolist()
    if compiled.issued is None or reference.issued is None:
        return
    for channel_class in compiled.class_of:
        logs = (list(logged(spec, run.issued, channel_class)) for run in (compiled, reference) if run.issued)
        first, second = logs
        assert first == second


@pytest.mark.parametrize("name", NEAR_BANK_STANDARDS)
@settings(max_examples=60)
@given(data=st.data())
def test_host_programs_are_equal_command_for_command(name: str, data: st.DataObject) -> None:
    spec, compiled, reference = drawn_engines(data, name)
    program, phase = data.draw(host_programs(name, 3)), data.draw(PHASES)
    runs = [engine.run_program(program, refresh_phase=phase, log=True) for engine in (compiled, reference)]
    assert_equal(spec, *runs)


@pytest.mark.parametrize("name", STANDARDS)
@settings(max_examples=25)
@given(data=st.data())
def test_streams_are_equal(name: str, data: st.DataObject) -> None:
    spec, compiled, reference = drawn_engines(data, name)
    stream = st.builds(Stream, st.sampled_from("RW"), st.integers(0, 500), st.integers(1, 200), st.integers(1, 3))
    segments, phase = data.draw(st.lists(stream, max_size=2)), data.draw(PHASES)
    assert_equal(spec, *(engine.run_streams(segments, refresh_phase=phase) for engine in (compiled, reference)))


@pytest.mark.parametrize("name", STANDARDS)
@settings(max_examples=25)
@given(data=st.data())
def test_request_lists_are_equal(name: str, data: st.DataObject) -> None:
    spec, compiled, reference = drawn_engines(data, name)
    requests, phase = request_list(data.draw(request_lists(spec))), data.draw(PHASES)
    runs = [engine.run_requests(requests, refresh_phase=phase, log=True) for engine in (compiled, reference)]
    assert_equal(spec, *runs)


def test_a_program_that_ends_with_a_barrier_ends_with_its_answer() -> None:
    spec = standard("gddr6_aim")
    builder = ProgramBuilder(spec, 1)
    builder.add("MACab", 3, row=1)
    without = Device(spec).run_program(builder.build())
    builder.sync()
    for engine in (Device(spec), ReferenceDevice(spec)):
        assert engine.run_program(builder.build()).end_tick == without.end_tick + 1


def test_banks_of_all_ranks_are_closed_at_the_end() -> None:
    spec = standard("hbm2_2.0g")
    run = ReferenceDevice(spec).run_streams([Stream("R", 0, bank_count(spec) * 8, 1)])
    assert run.commands["PREab"] == 2
    assert run.idle_tick > run.end_tick
