"""Programs and streams side by side: the arithmetic of two lanes, and the paces against command-level runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.config.dram_schema import Dram
from simulator.config.loader import build, load_document
from simulator.mapping.request_channels import RequestAttention, channel_array, request_program
from simulator.units.dram_engine import DramEngine
from simulator.units.side_by_side import Paces, SideBySide, measure

paces = st.builds(Paces, program=st.floats(0.2, 1), stream=st.floats(0.2, 1))


@given(paces, st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_neither_is_faster_than_alone_nor_slower_than_at_its_pace(
    both: Paces, program: int, stream: int, later: int
) -> None:
    lanes = SideBySide()
    lanes.add_program(0, program, both)
    told = lanes.programs.until
    end = lanes.add_stream(later, stream, 1.0)
    assert later + stream <= end <= later + stream / both.stream + 1
    assert program <= lanes.programs.until <= program / both.program + 2
    assert lanes.programs.until - told == lanes.programs.delay_ticks
    if later >= program:
        assert (end, lanes.programs.until) == (later + stream, program), "one after the other, neither feels the other"


def test_two_works_that_meet_halfway_share_from_there_on() -> None:
    lanes = SideBySide()
    assert lanes.add_stream(0, 1000, 1.0) == 1000
    assert lanes.add_program(600, 200, Paces(program=0.5, stream=0.25)) == 1000
    assert lanes.streams.until == 600 + 400 + (400 - 100), "400 ticks at a quarter bring 100 of the 400 that were left"
    assert lanes.streams.delay_ticks == 300


def test_a_reader_slower_than_the_pins_left_feels_nothing() -> None:
    lanes = SideBySide()
    lanes.add_program(0, 10_000, Paces(program=0.8, stream=0.4))
    assert lanes.add_stream(0, 1000, 0.4) == 1000
    assert lanes.programs.delay_ticks == pytest.approx(1000 * 0.2 * 0.4, abs=2)


def engine() -> DramEngine:
    return DramEngine(build(load_document("dram/hbm2_neupims", expected_kind="dram"), Dram))


def test_measured_paces_are_those_of_a_run_of_both() -> None:
    e = engine()
    work = RequestAttention(scores=True, heads=4, head_dim=128, queries=1, context=256)
    program = request_program(e.spec, channel_array(e.spec, 2, fused=True), work, np.ones(1, dtype=np.bool_))
    found = measure(e, program)
    assert found is measure(e, program)
    assert 0.9 < found.program <= 1.0, "near-bank commands go first"
    assert 0.2 < found.stream < 0.9
    alone = e.device.run_requests(e.burst_list(0, write=False), program, refresh_phase=0).end_tick
    bursts = int(found.stream * alone / found.program / 2 * 0.97)
    both = e.device.run_requests(e.burst_list(bursts, write=False), program, refresh_phase=0)
    assert both.completions.max() <= both.end_tick <= alone / found.program * 1.15
