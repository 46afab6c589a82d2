"""The matrix unit against its closed forms and against a wave-by-wave schedule."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts import Moved, product, run_alone, wired

from simulator.errors import ConfigError, MappingError
from simulator.system.builder import System
from simulator.units import hops
from simulator.units.matrix import Matrix
from simulator.units.systolic import Shape
from simulator.units.wave_pace import Pace
from simulator.workload.ops import AttentionOp, MatrixOp, Op

CLOCK_PS = 1e6 / 1500


def unit(changes: dict[str, dict[str, object]] | None = None) -> Matrix:
    found = wired("hbm3_npu", changes).components["matrix"]
    assert isinstance(found, Matrix)
    return found


@given(outputs=st.integers(1, 5000), inputs=st.integers(1, 5000), tokens=st.integers(1, 600))
def test_a_product_has_a_tile_for_each_128_by_128_block(outputs: int, inputs: int, tokens: int) -> None:
    waves = -(-(-(-outputs // 128) * -(-inputs // 128)) // 4)
    tiling = unit().tiling(product(outputs, inputs, tokens))
    assert (tiling.waves, tiling.busy) == (waves, waves * max(128, tokens))


def test_each_cached_head_is_a_product_of_its_own_that_shared_queries_meet() -> None:
    op = AttentionOp(
        name="score", kind="attn_score", n_heads=8, n_kv_heads=2, head_dim=128, batch=3, queries=1, context=300, pairs=1
    )
    tiling = unit().tiling(op)
    waves = -(-3 * 2 * 3 // 4)
    assert (tiling.waves, tiling.cycles) == (waves, 128 + (waves - 1) * 128 + 4 + 128 + 128 - 1)


def test_operands_of_half_the_width_make_tiles_twice_as_deep() -> None:
    narrow = unit({"matrix": {"macs_per_cell": {"16": 1.0, "8": 2.0}}})
    op = replace(product(1024, 1024, 7), weight_bytes=1024 * 1024, input_bytes=1024 * 7)
    assert narrow.tiling(op).waves == 8
    assert narrow.tiling(replace(op, input_bytes=2 * op.input_bytes)).waves == 16
    assert narrow.flops_per_s == 2 * unit().flops_per_s


@pytest.mark.parametrize("dataflow", ["weight_stationary", "input_stationary", "output_stationary"])
@pytest.mark.parametrize("shape", [(1024, 1024, 1), (1024, 1000, 900), (100, 5000, 130)])
def test_every_dataflow_takes_the_cycles_of_its_arrays_once_the_operand_lies_in_the_buffer(
    dataflow: str, shape: tuple[int, int, int]
) -> None:
    outputs, inputs, tokens = shape
    system = wired("hbm3_npu", {"matrix": {"dataflow": dataflow}})
    matrix = system.units["matrix"]
    assert isinstance(matrix, Matrix)
    ops: list[Op] = [named("a", 128, 128), replace(product(outputs, inputs, tokens), name="b")]
    matrix.expect(ops)
    system.env.run(until=system.env.process(matrix.execute(ops[0])))
    system.env.run(until=system.env.timeout(10**9))
    start_ps = system.env.now_ps
    system.env.run(until=system.env.process(matrix.execute(ops[1])))
    cycles = matrix.cells.array.passes(Shape(1, tokens, outputs, inputs)).cycles
    assert system.env.now_ps - start_ps == pytest.approx(cycles * CLOCK_PS, abs=2)


def test_a_strip_that_several_tiles_meet_has_to_stay_in_the_buffer() -> None:
    system = wired("hbm3_npu", {"matrix": {"dataflow": "output_stationary"}, "vmem": {"capacity_bytes": 1_000_000}})
    with pytest.raises(MappingError, match="output_stationary keeps 32 waves of 131072 bytes"):
        run_alone(system, product(4096, 4096, 200))


def test_more_than_a_register_holds_is_refused() -> None:
    with pytest.raises(ConfigError, match="2 elements of '16' bits are not what a register of 16 bits can hold"):
        unit({"matrix": {"macs_per_cell": {"16": 2.0}}})


def test_operands_that_two_cells_share_halve_the_depth_and_take_their_cycles() -> None:
    cells = {"matrix": {"element_bytes": 1, "macs_per_cell": {"8": 1.0, "16": 0.5}, "beat_cycles": {"16": 2}}}
    tiling = unit(cells).tiling(product(1024, 1024, 100))
    assert (tiling.waves, tiling.busy) == (32, 32 * 200)


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


def schedule(alone: list[int], pace: Pace, ahead: int, asked: int, ready: int) -> tuple[list[int], list[int]]:
    """Wave by wave: bytes arrive in order, as fast as alone when there is room; arrays take them in turn."""
    arrived: list[int] = []
    starts: list[int] = []
    for k, time in enumerate(alone):
        if k < ahead:
            arrived.append(time)
        else:
            asked_for = asked if k == ahead else arrived[-1]
            room = starts[k - pace.window] if k >= pace.window else asked_for
            service = time - (asked if k == ahead else alone[k - 1])
            arrived.append(max(time, max(asked_for, room) + service))
        earliest = max(arrived[k], ready) + pace.load_ps
        starts.append(max(earliest, starts[-1] + pace.wave_ps) if k else earliest)
    return starts, arrived


@given(
    gaps=st.lists(st.integers(0, 2_000_000), min_size=1, max_size=40),
    wave=st.integers(1, 2_000_000),
    window=st.integers(1, 6),
    ahead=st.integers(0, 6),
    late=st.integers(0, 9_000_000),
)
def test_waves_are_paced_by_stream_buffer_and_arrays(
    gaps: list[int], wave: int, window: int, ahead: int, late: int
) -> None:
    alone = np.cumsum(np.array(gaps, dtype=np.int64))
    ahead = min(ahead, len(gaps), window)
    asked = int(alone[ahead - 1]) if ahead else 0
    pace = Pace(load_ps=85_334, wave_ps=wave, window=window)
    starts, arrived = pace.schedule(alone, ahead=ahead, asked_ps=asked, ready_ps=late)
    assert (starts.tolist(), arrived.tolist()) == schedule(alone.tolist(), pace, ahead, asked, late)


def in_a_row(system: System, ops: list[Op], gap_ps: int) -> int:
    """Run products one after the other, each ``gap_ps`` after the one before."""
    unit = system.units["matrix"]
    unit.expect(ops)
    for op in ops:
        system.env.run(until=system.env.process(unit.execute(op)))
        if op is not ops[-1]:
            system.env.run(until=system.env.timeout(gap_ps))
    return system.env.now_ps


def named(name: str, outputs: int, inputs: int) -> MatrixOp:
    return replace(product(outputs, inputs), name=name)


def test_weights_of_the_next_product_come_while_the_arrays_drain_and_wait() -> None:
    gap_ps, n_bytes = 3_000_000, 2 * 4096 * 4096
    ops: list[Op] = [named(name, 4096, 4096) for name in "abc"]
    log = Moved()
    ahead = in_a_row(wired("hbm3_npu", instruments=[log]), ops, gap_ps)
    alone = 3 * run_alone(wired("hbm3_npu"), ops[0]) + 2 * gap_ps
    # Two gaps and two drains of the arrays are hidden, but for the rows that every stream opens and closes.
    assert 2 * gap_ps * 0.8 < alone - ahead < 2 * (gap_ps + 400_000)
    pins = wired("hbm3_npu").components["memory"].ceilings()[0][1]
    assert ahead > 3 * n_bytes / pins * 1e12
    assert log.n_bytes[hops.CELLS_TO_IO] == 3 * n_bytes


def test_no_more_weights_come_ahead_than_half_of_the_buffer_holds() -> None:
    long_ps, wave_bytes = 10**9, 4 * 128 * 128 * 2
    ops: list[Op] = [named(name, 4096, 4096) for name in "ab"]
    for waves in (2, 3, 5, 40, 400):
        log = Moved()
        system = wired("hbm3_npu", {"vmem": {"capacity_bytes": waves * wave_bytes}}, instruments=[log])
        unit = system.units["matrix"]
        unit.expect(ops)
        system.env.run(until=system.env.process(unit.execute(ops[0])))
        system.env.run(until=system.env.timeout(long_ps))
        ahead = log.n_bytes[hops.CELLS_TO_IO] - ops[0].weight_bytes
        assert ahead == min((waves - 1) // 2 * wave_bytes, ops[1].weight_bytes)


def test_a_product_that_lies_in_the_buffer_takes_the_arrays_time_alone() -> None:
    system = wired("hbm3_npu")
    unit = system.units["matrix"]
    ops: list[Op] = [named("a", 4096, 4096), named("b", 1024, 1024)]
    unit.expect(ops)
    system.env.run(until=system.env.process(unit.execute(ops[0])))
    system.env.run(until=system.env.timeout(10**9))
    start_ps = system.env.now_ps
    system.env.run(until=system.env.process(unit.execute(ops[1])))
    waves = 64 // 4
    cycles = 128 + (waves - 1) * 128 + 1 + 128 + 128 - 1
    assert system.env.now_ps - start_ps == pytest.approx(cycles * CLOCK_PS, rel=1e-4)


def test_the_cache_is_not_fetched_ahead() -> None:
    log = Moved()
    system = wired("hbm3_npu", instruments=[log])
    unit = system.units["matrix"]
    score = AttentionOp(
        name="score", kind="attn_score", kv_read_bytes=2 * 1024 * 64, n_heads=1, n_kv_heads=1, head_dim=64,
        batch=1, queries=1, context=1024, pairs=1024,
    )  # fmt: skip
    first = named("a", 512, 512)
    unit.expect([first, score])
    system.env.run(until=system.env.process(unit.execute(first)))
    system.env.run(until=system.env.timeout(10**9))
    assert log.n_bytes[hops.CELLS_TO_IO] == first.weight_bytes


def test_a_buffer_without_room_for_two_waves_is_refused() -> None:
    with pytest.raises(MappingError, match="cannot hold two waves of 131072 bytes"):
        wired("hbm3_npu", {"vmem": {"capacity_bytes": 200_000}})


def test_wider_elements_than_the_cells_are_refused() -> None:
    with pytest.raises(MappingError, match="16-bit data; the cells of matrix take 8 bits"):
        run_alone(wired("hbm3_npu", {"matrix": {"element_bytes": 1}}), product(128, 128))
