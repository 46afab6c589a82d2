"""SRAM banks and ports: closed forms against banks that serve word by word, and streams through a chip's SRAM."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import product, run_alone, wired

from simulator.api import load_arch, load_workload, simulate
from simulator.errors import CapacityError
from simulator.units.base import Environment, Surroundings
from simulator.units.sram import Sram, SramClock, SramSpec
from simulator.units.sram_banks import Access, Banks

ORGANIZATION = {"banks": 12, "ports": 2, "word_bytes": 16, "clock_mhz": 900.0}


def word_by_word(banks: int, ports: int, accesses: list[Access]) -> int:
    """Cycles of banks that each serve up to ``ports`` waiting words a cycle."""
    waiting: list[deque[int]] = [deque() for _ in range(banks)]
    for access in accesses:
        for word in range(access.words):
            waiting[(access.first + word * access.stride) % banks].append(word)
    cycles = 0
    while any(waiting):
        for bank in waiting:
            for _ in range(min(ports, len(bank))):
                bank.popleft()
        cycles += 1
    return cycles


@given(
    banks=st.integers(1, 24),
    ports=st.integers(1, 3),
    accesses=st.lists(
        st.builds(Access, st.integers(0, 90), stride=st.integers(1, 40), first=st.integers(0, 30)),
        min_size=1,
        max_size=4,
    ),
)
def test_accesses_take_as_long_as_their_busiest_bank(banks: int, ports: int, accesses: list[Access]) -> None:
    organization = Banks(banks=banks, ports=ports, word_bytes=16, clock_mhz=1000.0)
    assert organization.cycles(accesses) == word_by_word(banks, ports, accesses)


def test_a_stride_of_all_banks_meets_one_bank_alone() -> None:
    organization = Banks(banks=16, ports=1, word_bytes=16, clock_mhz=1000.0)
    assert organization.cycles([Access(160)]) == 10
    assert organization.cycles([Access(160, stride=16)]) == 160
    assert organization.cycles([Access(160), Access(160, first=5)]) == 20


@given(mhz=st.floats(1.0, 3000.0), time_ps=st.integers(0, 10**12))
def test_a_tick_never_starts_before_its_time(mhz: float, time_ps: int) -> None:
    clock = SramClock(mhz)
    tick = clock.to_ticks(time_ps)
    assert clock.to_ps(tick) >= time_ps
    assert tick == 0 or clock.to_ps(tick - 1) < time_ps


def sram(**changes: object) -> Sram:
    values: dict[str, object] = {
        "kind": "sram", "organization": ORGANIZATION, "bank_bytes": 1600, "stream_words": 10, "latency_cycles": 3.0,
        "energy_pj_per_byte": 1.0, "static_power_w": 0.0,
    }  # fmt: skip
    return Sram("sram", SramSpec.model_validate(values | changes, strict=True), Surroundings(Environment()))


@given(n_bytes=st.integers(1, 5000), streams=st.integers(1, 40), ports=st.integers(1, 3))
def test_a_stream_is_as_quick_as_banks_or_streams_and_its_last_word_is_its_end(
    n_bytes: int, streams: int, ports: int
) -> None:
    start, stream = sram(stream_words=streams, organization=ORGANIZATION | {"ports": ports}).look_up(n_bytes)
    words = -(-n_bytes // 16)
    assert start == 0
    assert stream.work.ticks == -(-words // min(streams, 12 * ports))
    arrivals = stream.arrival(np.arange(1, words + 1))
    assert arrivals[-1] == stream.work.end_ticks
    assert (np.diff(arrivals) >= 0).all()


def test_the_next_stream_follows_when_the_banks_are_free() -> None:
    memory = sram()
    op = product(1, 1)
    first, second = (memory.stream(1600, op) for _ in range(2))
    assert memory.engine.to_ticks(first.end_ps) == 10 + 3
    assert memory.engine.to_ticks(second.end_ps) == 20 + 3


def test_a_chip_streams_its_weights_at_the_rate_of_its_streams() -> None:
    system = wired("groq_lpu_chip")
    took_ps = run_alone(system, product(3200, 3200))
    # 64 streams of 320 bytes a cycle; 20 cycles of transit before, 20 each for load and both ways across a plane after.
    cycles = 2 * 3200 * 3200 // (64 * 320) + 20 + 20 + 1 + 20 + 20 - 1
    assert took_ps == pytest.approx(cycles / 0.9e-3, rel=1e-3)
    assert system.around.limits.bound_by() == {"ffn_up": "SRAM streams"}


def test_a_model_that_is_too_large_for_a_chip_says_how_many_chips_would_do() -> None:
    with pytest.raises(CapacityError, match=r"0\.21 GiB; what would fit: 62 chips"):
        simulate(load_arch("groq_lpu_chip"), load_workload("decode_512"))


def test_chips_that_are_too_few_say_how_many_would_do_in_place_of_each() -> None:
    with pytest.raises(CapacityError, match="or 2 chips in place of each"):
        simulate(load_arch("groq_lpu_system"), load_workload("decode_512", ["batch=64"]))
    one_wafer = load_arch("wafer_scale", ["devices.count=6", "parallelism.pipeline=6"])
    with pytest.raises(CapacityError, match="4 regions in place of each"):
        simulate(one_wafer, load_workload("decode_512", ["model=llama2_70b"]))
