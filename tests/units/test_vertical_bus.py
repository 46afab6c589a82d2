"""Vertical buses: their time against a bus simulated burst by burst, their energy per bit, and what cannot be built."""

import numpy as np
import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st
from parts import product, run_alone
from stacks import Moved, memory_of, stack

from simulator.errors import ConfigError, MappingError
from simulator.mapping.chain import Chain
from simulator.units import hops
from simulator.units.dram_stream import StreamShape
from simulator.units.vertical_bus import carried

ARRIVALS = st.lists(st.integers(0, 5000), min_size=1, max_size=40).map(sorted)


def burst_by_burst(arrivals: list[int], channels: int, burst_ps: int) -> list[int]:
    """When each round of bursts is across, in a simulation of one bus that serves its channels in turn."""
    env, done = simpy.Environment(), []

    def bus():  # type: ignore[no-untyped-def]
        for arrival in arrivals:
            for _ in range(channels):
                yield env.timeout(max(0, arrival - env.now))
                yield env.timeout(burst_ps)
            done.append(env.now)

    env.process(bus())
    env.run()
    return done


@given(arrivals=ARRIVALS, channels=st.integers(1, 8), burst_ps=st.integers(1, 300))
def test_a_shared_bus_serves_its_channels_in_turn(arrivals: list[int], channels: int, burst_ps: int) -> None:
    across = carried(np.array(arrivals, dtype=float), channels * burst_ps)
    assert across.tolist() == burst_by_burst(arrivals, channels, burst_ps)


@given(arrivals=ARRIVALS, turn=st.floats(0.1, 500), more=st.floats(1, 10))
def test_more_wires_are_never_slower(arrivals: list[int], turn: float, more: float) -> None:
    times = np.array(arrivals, dtype=float)
    assert (carried(times, turn / more) <= carried(times, turn) + 1e-6).all()


def test_a_narrow_bus_takes_its_bytes_over_its_rate() -> None:
    # Eight buses for sixteen channels, 32 wires of 1600 Mb/s each: 6.4 GB/s for two channels.
    narrow = {"tsv": {"buses": 8, "width_bits": 32, "rate_mbps": 1600}}
    memory = memory_of(stack(narrow))
    _, stream = memory.look_up(1 << 20)
    assert memory.bus.bytes_per_s == 8 * 32 * 1600e6 / 8
    end_ps = memory.engine.to_ps(stream.work.end_ticks)
    bus_ps = (1 << 20) / memory.bus.bytes_per_s * 1e12
    first_ps = memory.engine.to_ps(int(stack_without_bus(memory, 1 << 20)))
    assert end_ps == pytest.approx(bus_ps + first_ps + 1000, abs=2 * memory.spec.dram.tCK_ps)


def stack_without_bus(memory, n_bytes: int) -> int:  # type: ignore[no-untyped-def]
    """Tick of the first burst in the memory's own stream."""
    shape = StreamShape(n_bytes, memory.spec.channels, memory.spec.interleave_bytes, write=False)
    stream = memory.streams.run(shape, 0, exact=True)
    return int(stream.arrival(np.array([1]))[0])


def test_a_wide_bus_adds_a_burst_and_its_latency() -> None:
    wide = memory_of(stack({"tsv": {"width_bits": 4096, "latency_ns": 10}}))
    shape = StreamShape(1 << 20, 16, 256, write=False)
    alone = wide.streams.run(shape, 0, exact=True)
    _, stream = wide.look_up(1 << 20)
    tick_ps = 625 / 2
    burst_ps = 256 * 8 * 1e6 / (4096 * 6400)
    added_ps = (stream.work.end_ticks - alone.work.end_ticks) * tick_ps
    assert added_ps == pytest.approx(10_000 + burst_ps, abs=2 * tick_ps)


@pytest.mark.parametrize("write", [False, True])
def test_what_crosses_the_bus_is_what_the_channels_moved_at_its_price(write: bool) -> None:
    moved = Moved()
    system = stack(None, moved)
    memory = memory_of(system)
    memory.stream(300_000, product(1, 1), write=write)
    at_channels = moved.n_bytes[memory.name, hops.CONTROLLER_TO_PINS if write else hops.PINS_TO_CONTROLLER]
    assert moved.n_bytes[memory.bus.name, hops.VERTICAL_BUS] == at_channels == memory.burst_bytes(300_000)
    assert memory.bus.energy_table() == {"bit": {"tsv": 0.61}}


@given(width=st.sampled_from([8, 16, 32, 64, 128]))
def test_twice_the_wires_are_never_slower_for_an_op(width: int) -> None:
    times = [run_alone(stack({"tsv": {"width_bits": w}}), product(512, 512)) for w in (width, 2 * width)]
    assert times[1] <= times[0]


def test_an_op_behind_a_narrow_bus_is_bound_by_it() -> None:
    system = stack({"tsv": {"width_bits": 16}})
    run_alone(system, product(2048, 1024))
    assert system.around.limits.bound_by() == {"ffn_up": "vertical bus"}


def test_a_memory_that_rests_half_the_time_takes_twice_as_long() -> None:
    ends = []
    for pace in (1.0, 0.5):
        _, stream = memory_of(stack({"memory": {"pace": pace}, "tsv": {"latency_ns": 0}})).look_up(1 << 20)
        ends.append(stream.work.end_ticks)
    assert ends[1] == pytest.approx(2 * ends[0], abs=1)


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"tsv": {"buses": 5}}, "components.tsv.buses", "5 buses cannot serve equal groups of 16 channels"),
        ({"memory": {"bus": "host"}}, "components.memory.bus", "'host' is a host, not a vertical_bus"),
        ({"memory": {"bus": "tvs"}}, "components.memory.bus", "there is no component 'tvs'"),
    ],
)
def test_a_bus_that_does_not_fit_is_told(changes: dict[str, dict[str, object]], key: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        stack(changes)
    assert caught.value.key == key


def test_two_memories_cannot_share_a_bus() -> None:
    shared = dict(stack().platform.components["memory"].model_dump(by_alias=True))
    with pytest.raises(ConfigError, match="'tsv' already serves 'memory'"):
        stack({"second": shared})


def test_near_bank_programs_need_buses_as_fast_as_the_channels() -> None:
    memory = memory_of(stack({"tsv": {"width_bits": 64}}))
    with pytest.raises(MappingError, match="need vertical buses as fast as its channels"):
        memory.run(Chain(()), product(1, 1))
