"""Streams: what every burst costs, and how far the short cut is from it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import wired

from simulator.units.dram_stream import SHORT_BURSTS, StreamShape, StreamWork
from simulator.units.memory import Memory


def memory(name: str) -> Memory:
    found = wired(name).components["memory"]
    assert isinstance(found, Memory)
    return found


MEMORIES = {name: memory(name) for name in ("hbm3_npu", "aim_1card", "hbm2_pim_bank")}


def both(name: str, n_bytes: int, tick: int, *, write: bool = False) -> tuple[StreamWork, StreamWork]:
    streams = MEMORIES[name].streams
    shape = StreamShape(n_bytes, MEMORIES[name].spec.channels, 32, write)
    return streams.run(shape, tick, exact=True), streams.run(shape, tick, exact=False)


@settings(max_examples=20)
@given(
    n_bytes=st.integers(10**6, 12 * 10**6),
    tick=st.integers(0, 10**5),
    name=st.sampled_from(sorted(MEMORIES)),
    write=st.booleans(),
)
def test_the_short_cut_stays_near_the_simulated_stream(n_bytes: int, tick: int, name: str, write: bool) -> None:
    exact, short_cut = both(name, n_bytes, tick, write=write)
    engine = MEMORIES[name].engine
    # The places in the refresh interval are 1/256 of it apart, and a refresh may fall on either side of the end.
    refresh = max(c.latency for c in engine.resolved.commands.values() if c.refreshes) + 100
    assert abs(short_cut.work.end_ticks - exact.work.end_ticks) <= refresh + engine.interval // 256
    bursts = -(-n_bytes // 32)
    for work in (exact.work, short_cut.work):
        assert work.commands["WR" if write else "RD"] == bursts
        assert work.read_bytes + work.write_bytes == bursts * 32
    assert short_cut.work.commands["ACT"] == pytest.approx(exact.work.commands["ACT"], rel=0.05)


@pytest.mark.parametrize("name", sorted(MEMORIES))
def test_the_short_cut_is_within_a_thousandth_of_long_streams(name: str) -> None:
    exact, short_cut = both(name, 48 * 10**6, 12345)
    assert short_cut.work.end_ticks == pytest.approx(exact.work.end_ticks, rel=1e-3)


@given(n_bytes=st.integers(1, SHORT_BURSTS * 32))
def test_short_streams_are_run_command_by_command(n_bytes: int) -> None:
    exact, default = both("aim_1card", n_bytes, 31)
    memory, engine = MEMORIES["aim_1card"], MEMORIES["aim_1card"].engine
    moved = memory.streams._rounded(engine.phase(31)) - engine.phase(31)
    again, _ = both("aim_1card", n_bytes, 31 + moved)
    assert default.work == again.work
    assert exact.work.commands["RD"] == -(-n_bytes // 32)


def test_bursts_arrive_in_order_and_the_last_when_the_stream_ends() -> None:
    import numpy as np

    for stream in both("hbm3_npu", 3 * 10**6, 777):
        arrivals = stream.arrival(np.arange(1, stream.bursts + 1))
        assert np.all(np.diff(arrivals) >= 0)
        assert arrivals[-1] == stream.work.end_ticks


@pytest.mark.parametrize("name", sorted(MEMORIES))
def test_no_stream_is_faster_than_the_pins(name: str) -> None:
    exact, _ = both(name, 10**7, 0)
    end_ps = MEMORIES[name].engine.to_ps(exact.work.end_ticks)
    assert 10**7 / MEMORIES[name].pin_bytes_per_s * 1e12 <= end_ps


@given(n_bytes=st.integers(1, 10**6), chunk=st.sampled_from([32, 64, 256, 1024]))
def test_every_burst_goes_to_one_channel(n_bytes: int, chunk: int) -> None:
    shape = StreamShape(n_bytes, 32, chunk, write=False)
    classes = shape.classes(32)
    assert sum(n_bursts * channels for n_bursts, channels in classes) == -(-n_bytes // 32)
    assert sum(channels for _, channels in classes) <= 32
    assert classes[0][0] == max(n_bursts for n_bursts, _ in classes)
    assert classes[0][0] - classes[-1][0] <= chunk // 32 or len(classes) == 1
