"""The matrix unit against its closed forms and against a wave-by-wave schedule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import product, run_alone, wired

from simulator.errors import MappingError
from simulator.units.matrix import Matrix, Tiling
from simulator.workload.ops import AttentionOp

CLOCK_PS = 1e6 / 1500


def unit(changes: dict[str, dict[str, object]] | None = None) -> Matrix:
    found = wired("hbm3_npu", changes).components["matrix"]
    assert isinstance(found, Matrix)
    return found


@given(outputs=st.integers(1, 5000), inputs=st.integers(1, 5000), tokens=st.integers(1, 600))
def test_a_product_has_a_tile_for_each_128_by_128_block(outputs: int, inputs: int, tokens: int) -> None:
    tiles = -(-outputs // 128) * -(-inputs // 128)
    assert unit().tiling(product(outputs, inputs, tokens)) == Tiling(-(-tiles // 4), tokens, outputs * inputs)


def test_each_cached_head_is_a_product_of_its_own_that_shared_queries_meet() -> None:
    op = AttentionOp(
        name="score", kind="attn_score", n_heads=8, n_kv_heads=2, head_dim=128, batch=3, queries=1, context=300, pairs=1
    )
    assert unit().tiling(op) == Tiling(-(-3 * 2 * 3 // 4), 4, 3 * 2 * 128 * 300)


def test_many_vectors_make_a_product_take_the_arrays_time() -> None:
    system = wired("hbm3_npu")
    tokens = 4096
    took = run_alone(system, product(1024, 1024, tokens))
    waves = 64 // 4
    cycles = 128 + waves * tokens + 128 + 128 - 1
    first_wave_ps = took - cycles * CLOCK_PS
    # Before the arrays can start they wait for the first wave, one sixteenth of 2 MiB.
    assert 0 < first_wave_ps < 1e6
    assert system.around.limits.bound_by() == {"ffn_up": "compute"}


def test_one_vector_makes_a_product_take_the_streams_time() -> None:
    system = wired("hbm3_npu")
    took = run_alone(system, product(4096, 4096))
    matrix = system.components["matrix"]
    assert isinstance(matrix, Matrix)
    start, stream = wired("hbm3_npu").components["memory"].look_up(2 * 4096 * 4096)  # type: ignore[attr-defined]
    assert start == 0
    stream_ps = matrix.memory.engine.to_ps(stream.work.end_ticks)
    assert took - stream_ps == pytest.approx((128 + 1 + 128 + 128 - 1) * CLOCK_PS, abs=2)
    assert stream_ps >= 2 * 4096 * 4096 / matrix.memory.pin_bytes_per_s * 1e12


def schedule(arrivals: list[int], tiling: Tiling, buffered: int, load: int, wave: int) -> tuple[list[int], list[int]]:
    """Wave by wave: bytes arrive in order, as fast as alone when there is room; arrays take them in turn."""
    arrived: list[int] = []
    starts: list[int] = []
    for k, alone in enumerate(arrivals):
        service = alone - (arrivals[k - 1] if k else 0)
        room = starts[k - buffered] if k >= buffered else 0
        arrived.append(max(arrived[-1] if k else 0, room) + service)
        starts.append(max(arrived[k] + load, starts[k - 1] + wave if k else 0))
    return starts, arrived


@given(
    gaps=st.lists(st.integers(0, 2_000_000), min_size=1, max_size=40),
    vectors=st.integers(1, 2000),
    buffered=st.integers(2, 6),
)
def test_waves_are_paced_by_stream_buffer_and_arrays(gaps: list[int], vectors: int, buffered: int) -> None:
    wave_bytes = 4 * 128 * 128 * 2
    matrix = unit({"vmem": {"capacity_bytes": buffered * wave_bytes}})
    arrivals = np.cumsum(np.array(gaps, dtype=np.int64))
    tiling = Tiling(len(gaps), vectors, 1)
    load, wave = matrix._ps(128), matrix._ps(max(128, vectors))
    starts, arrived = matrix._pace(arrivals, tiling)
    assert (starts.tolist(), arrived.tolist()) == schedule(arrivals.tolist(), tiling, buffered, load, wave)


def test_a_buffer_without_room_for_two_waves_is_refused() -> None:
    with pytest.raises(MappingError, match="cannot hold two waves of 131072 bytes"):
        wired("hbm3_npu", {"vmem": {"capacity_bytes": 200_000}})


def test_wider_elements_than_the_cells_are_refused() -> None:
    with pytest.raises(MappingError, match="16-bit data; the cells of matrix take 8 bits"):
        run_alone(wired("hbm3_npu", {"matrix": {"element_bytes": 1}}), product(128, 128))
