"""The channels at system level: time, the refresh clock, chains and their reuse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import product, wired

from simulator.mapping.chain import Chain
from simulator.units.dram_engine import DramEngine
from simulator.units.dram_work import ranks
from simulator.units.near_bank import NearBank


def near_bank() -> NearBank:
    found = wired("aim_1card").components["near_bank"]
    assert isinstance(found, NearBank)
    return found


UNIT = near_bank()


@given(time_ps=st.integers(0, 10**15))
def test_times_round_up_to_the_next_tick_and_never_back(time_ps: int) -> None:
    for name in ("aim_1card", "hbm3_npu"):
        engine = wired_engine(name)
        tick = engine.to_ticks(time_ps)
        assert engine.to_ps(tick) >= time_ps
        assert tick == 0 or engine.to_ps(tick - 1) < time_ps


ENGINES: dict[str, DramEngine] = {}


def wired_engine(name: str) -> DramEngine:
    if name not in ENGINES:
        ENGINES[name] = wired(name).components["memory"].engine  # type: ignore[attr-defined]
    return ENGINES[name]


def test_refresh_is_told_by_the_clock_not_by_the_work() -> None:
    engine = UNIT.memory.engine
    just_after = engine.phase(0)
    assert engine.refresh_ticks < just_after <= engine.refresh_ticks + 2
    assert engine.phase(7 * engine.interval) == just_after
    assert engine.phase(engine.interval - just_after) == 0


@settings(max_examples=30)
@given(start=st.integers(0, 10**5), repeats=st.integers(1, 6))
def test_a_chain_is_its_programs_end_to_end(start: int, repeats: int) -> None:
    engine = UNIT.memory.engine
    first, second = (UNIT.chain(product(outputs, 700)).parts[0][0] for outputs in (600, 90))
    chain = engine.chain(Chain(((first, repeats), (second, 1))), start)
    done, commands = 0, 0
    for program in [*[first] * repeats, second]:
        work = engine.program(program, start + done)
        end = done + work.end_ticks
        done += work.ticks
        commands += sum(work.commands.values())
    assert (chain.ticks, chain.end_ticks) == (done, end)
    assert sum(chain.commands.values()) == commands


@settings(max_examples=30)
@given(start=st.integers(0, 10**6))
def test_reuse_gives_what_a_fresh_run_gives(start: int) -> None:
    engine = UNIT.memory.engine
    (program, _), *_ = UNIT.chain(product(600, 1500)).parts
    reused = engine.program(program, start)
    fresh = engine.device.run_program(program, refresh_phase=engine.phase(start))
    assert (reused.ticks, reused.end_ticks, reused.commands) == (fresh.idle_tick, fresh.end_tick, fresh.commands)


@given(start=st.integers(0, 10**6))
def test_what_held_a_channel_adds_up_to_its_time(start: int) -> None:
    work = UNIT.memory.engine.chain(UNIT.chain(product(1024, 4096)), start)
    assert sum(work.held.values()) == pytest.approx(work.end_ticks, rel=0.02)


@pytest.mark.parametrize(("name", "count"), [("aim_1card", 1), ("hbm2_pim_bank", 1), ("hbm3_npu", 2)])
def test_pseudo_channels_count_as_ranks(name: str, count: int) -> None:
    assert ranks(wired_engine(name).spec) == count
