"""Tiling of products over cores against its closed form, and a tile at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.units.processors.shapes import Product
from simulator.units.processors.tiles import STEP, Machine, best_schedule, schedule

sizes = st.integers(1, 5000)


def machine(cores: int = 108, tile_clocks: float = 0, cache: float = 1e9) -> Machine:
    return Machine(cores, 1024, cache, tile_clocks, ((128, 128), (64, 64), (16, 64)))


@given(m=sizes, n=sizes, k=sizes, cores=st.integers(1, 300))
def test_waves_are_tiles_over_cores_rounded_up(m: int, n: int, k: int, cores: int) -> None:
    found = schedule(machine(cores), Product(1, m, n, k, 16, 16), (128, 128), 1)
    tiles = sum(1 for _ in range(0, m, 128) for _ in range(0, n, 128))
    assert found.waves * cores >= tiles > (found.waves - 1) * cores
    assert found.clocks == pytest.approx(found.waves * -(-k // STEP) * STEP * 128 * 128 / 1024)


def test_one_tile_more_than_the_cores_takes_twice_the_time() -> None:
    full = schedule(machine(), Product(1, 128, 108 * 128, 4096, 16, 16), (128, 128), 1)
    over = schedule(machine(), Product(1, 128, 108 * 128 + 1, 4096, 16, 16), (128, 128), 1)
    assert over.clocks == 2 * full.clocks


def test_a_slow_cache_paces_a_tile_by_its_operands() -> None:
    found = schedule(machine(cache=10), Product(1, 128, 128, 6400, 16, 16), (128, 128), 1)
    assert found.clocks == pytest.approx(6400 * (128 + 128) * 2 / 10)


def test_narrow_weights_take_less_of_the_cache() -> None:
    whole, half = (schedule(machine(), Product(1, 1, 4096, 4096, bits, 16), (16, 64), 1) for bits in (16, 8))
    assert whole.fetched_bytes == pytest.approx(64 * 4096 * (64 + 1) * 2)
    assert half.fetched_bytes == pytest.approx(64 * 4096 * (64 + 2))


def test_the_inner_dimension_is_split_where_cores_would_idle() -> None:
    narrow = best_schedule(machine(), Product(1, 1, 1024, 8192, 16, 16))
    assert narrow.splits > 1
    assert best_schedule(machine(cache=47, tile_clocks=1500), Product(1, 4096, 4096, 4096, 16, 16)).splits == 1


@given(m=sizes, n=sizes, k=sizes)
def test_no_schedule_beats_the_peak_and_more_rows_never_help(m: int, n: int, k: int) -> None:
    found = best_schedule(machine(cache=47, tile_clocks=1500), Product(1, m, n, k, 16, 16))
    assert found.clocks >= m * n * k / (108 * 1024)
    assert best_schedule(machine(cache=47, tile_clocks=1500), Product(1, 2 * m, n, k, 16, 16)).clocks >= found.clocks
