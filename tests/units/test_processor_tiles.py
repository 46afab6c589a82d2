"""Tiling of products over cores against its closed form, a tile at a time, and all tilings against the chosen one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.units.processors.shapes import Product
from simulator.units.processors.tiles import (
    FREE,
    STEPS,
    Machine,
    Schedule,
    Wanted,
    best_schedule,
    candidates,
    schedule,
    scratch_bytes,
)

sizes = st.integers(1, 5000)
STEP = STEPS[0]


def machine(cores: int = 108, tile_clocks: float = 0, cache: float = 1e9, **more: object) -> Machine:
    base = Machine(cores, 1024, cache, tile_clocks, ((128, 128), (64, 64), (16, 64)), 2**20, 2**40, 1e9)
    return replace(base, **more)  # type: ignore[arg-type]


def one(found: Schedule | None) -> Schedule:
    assert found is not None
    return found


@given(m=sizes, n=sizes, k=sizes, cores=st.integers(1, 300))
def test_waves_are_tiles_over_cores_rounded_up(m: int, n: int, k: int, cores: int) -> None:
    found = one(schedule(machine(cores), Product(1, m, n, k, 16, 16), (128, 128), 1))
    tiles = sum(1 for _ in range(0, m, 128) for _ in range(0, n, 128))
    assert found.waves * cores >= tiles > (found.waves - 1) * cores
    assert found.clocks == pytest.approx(found.waves * -(-k // STEP) * STEP * 128 * 128 / 1024)


def test_one_tile_more_than_the_cores_takes_twice_the_time() -> None:
    full = one(schedule(machine(), Product(1, 128, 108 * 128, 4096, 16, 16), (128, 128), 1))
    over = one(schedule(machine(), Product(1, 128, 108 * 128 + 1, 4096, 16, 16), (128, 128), 1))
    assert over.clocks == 2 * full.clocks


def test_a_slow_cache_paces_a_tile_by_its_operands() -> None:
    found = one(schedule(machine(cache=10), Product(1, 128, 128, 6400, 16, 16), (128, 128), 1))
    assert found.clocks == pytest.approx(6400 * (128 + 128) * 2 / 10)


def test_one_buffer_adds_the_fetch_to_the_work_and_two_hide_the_shorter() -> None:
    product, clocks = Product(1, 128, 128, 6400, 16, 16), {}
    for buffers in (1, 2, 4):
        clocks[buffers] = one(schedule(machine(cache=64), product, (128, 128), 1, buffers=buffers)).clocks
    work, load = 6400 * 128 * 128 / 1024, 6400 * 512 / 64
    assert clocks[1] == pytest.approx(work + load)
    assert clocks[2] == clocks[4] == pytest.approx(max(work, load))


def test_a_small_scratchpad_takes_shallower_steps_and_none_takes_no_tile() -> None:
    product = Product(1, 128, 128, 4096, 16, 16)
    whole = scratch_bytes(product, (128, 128), STEP, 2)
    fitting = {size: schedule(machine(scratch_bytes=size), product, (128, 128), 1) for size in (whole, whole / 2)}
    assert [one(found).step for found in fitting.values()] == [64, 32]
    assert schedule(machine(scratch_bytes=1000), product, (128, 128), 1) is None
    assert best_schedule(machine(scratch_bytes=1000), product) is None


def test_narrow_weights_take_less_of_the_cache() -> None:
    whole, half = (one(schedule(machine(), Product(1, 1, 4096, 4096, bits, 16), (16, 64), 1)) for bits in (16, 8))
    assert whole.fetched_bytes == pytest.approx(64 * 4096 * (64 + 1) * 2)
    assert half.fetched_bytes == pytest.approx(64 * 4096 * (64 + 2))


def test_the_group_of_tiles_decides_which_operand_is_read_again() -> None:
    product = Product(1, 64 * 128, 16 * 128, 4096, 16, 16)
    small = machine(cache_bytes=1000, moving_in_dram=True)
    reads = {}
    for group in (1, 8, 64):
        found = one(schedule(small, product, (128, 128), 1, group))
        reads[group] = (found.stored_reads, found.moving_reads)
    assert reads == {1: (64, 1), 8: (8, -(-16 // (108 // 8))), 64: (1, 16)}
    free = one(schedule(small, product, (128, 128), 1))
    assert free.dram_bytes(product) <= min(4 * r + 16 * s for r, s in reads.values()) * 4096 * 4096
    roomy = one(schedule(machine(moving_in_dram=True), product, (128, 128), 1))
    assert (roomy.stored_reads, roomy.moving_reads) == (1, 1)
    assert one(schedule(machine(), product, (128, 128), 1)).moving_reads == 0


def test_a_group_whose_rows_fit_the_cache_reads_them_once() -> None:
    product = Product(1, 64 * 128, 1600 * 128, 4096, 16, 16)
    slab = 8 * 128 * 4096 * 2
    for cache, expected in ((slab, 1), (slab - 1, -(-1600 // (108 // 8)))):
        found = one(schedule(machine(cache_bytes=cache, moving_in_dram=True), product, (128, 128), 1, 8))
        assert (found.stored_reads, found.moving_reads) == (8, expected)


def test_the_inner_dimension_is_split_where_cores_would_idle() -> None:
    assert one(best_schedule(machine(), Product(1, 1, 1024, 8192, 16, 16))).splits > 1
    wide = machine(cache=47, tile_clocks=1500)
    assert one(best_schedule(wide, Product(1, 4096, 4096, 4096, 16, 16))).splits == 1


@given(m=sizes, n=sizes, k=sizes)
def test_no_schedule_beats_the_peak_and_more_rows_never_help(m: int, n: int, k: int) -> None:
    wide = machine(cache=47, tile_clocks=1500)
    found = one(best_schedule(wide, Product(1, m, n, k, 16, 16)))
    assert found.clocks >= m * n * k / (108 * 1024)
    assert one(best_schedule(wide, Product(1, 2 * m, n, k, 16, 16))).clocks >= found.clocks


@given(m=sizes, n=sizes, k=sizes, dram=st.floats(10, 1e4), cache=st.integers(1, 2**30))
def test_the_chosen_tiling_is_the_quickest_of_all(m: int, n: int, k: int, dram: float, cache: int) -> None:
    at = machine(cache=47, dram_bytes_per_clock=dram, cache_bytes=cache, moving_in_dram=True)
    product = Product(1, m, n, k, 16, 16)

    def clocks(found: Schedule) -> float:
        return max(found.clocks, found.dram_bytes(product) / dram)

    assert clocks(one(best_schedule(at, product))) == min(clocks(found) for found in candidates(at, product))


def test_what_is_fixed_is_kept_and_the_rest_is_free() -> None:
    product = Product(1, 512, 4096, 4096, 16, 16)
    found = one(best_schedule(machine(), product, Wanted(tile=(16, 64), split_k=3)))
    assert (found.tile, found.splits) == ((16, 64), 3)
    assert one(best_schedule(machine(), product, Wanted(group_m=2))).group_m == 2
    assert one(best_schedule(machine(), product, FREE)).clocks <= found.clocks


def test_a_budget_takes_the_first_candidates_only() -> None:
    product = Product(1, 1, 1024, 8192, 16, 16)
    assert one(best_schedule(machine(), product, budget=1)) == next(candidates(machine(), product))


def test_of_equally_quick_tilings_the_one_with_less_padding_is_taken() -> None:
    at = machine(cache=1, tiles=((64, 64), (16, 64)))
    found = one(best_schedule(at, Product(1, 1, 64 * 108, 4096, 16, 16)))
    assert found.tile[0] == 16
