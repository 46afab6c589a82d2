"""Processors: memory time by the engine and by bytes in flight, launches, caches, precision, bad input."""

from typing import Any

import pytest
from parts import Moved, components, platform, product, run_alone

from simulator.errors import ConfigError, MappingError
from simulator.hooks import Hooks
from simulator.system.builder import System, build_system
from simulator.units import hops
from simulator.units.processors.gpu import Gpu
from simulator.workload.ops import AttentionOp, VectorOp

GPU = "a100_sxm_80g"
PS_PER_NS = 1000


def wired(changes: dict[str, dict[str, Any]] | None = None, *instruments: Any) -> System:
    return build_system(platform(components(GPU, changes), "one_processor"), hooks=Hooks(instruments))


def stack(**values: Any) -> dict[str, dict[str, Any]]:
    return {
        "stack": {"graphs": True, "kernel_gap_ns": 0, "step_host_ns": 0, "in_flight_bytes": {"default": 1e9}} | values
    }


def took_ps(changes: dict[str, dict[str, Any]], op: Any) -> int:
    system = wired(changes)
    system.around.sustained = False
    return run_alone(system, op)


def attention(batch: int, context: int, heads: int = 32, kv_heads: int = 8) -> AttentionOp:
    macs = batch * heads * 128 * context
    return AttentionOp(
        name="score", kind="attn_score", flops=2 * macs, kv_read_bytes=2 * batch * kv_heads * 128 * context,
        n_heads=heads, n_kv_heads=kv_heads, head_dim=128, batch=batch, queries=1, context=context, pairs=context,
    )  # fmt: skip


def test_a_product_at_batch_1_takes_the_memory_stream_and_one_latency() -> None:
    system = wired(stack())
    memory = system.components["memory"]
    op = product(8192, 8192)
    start, stream = memory.look_up(op.weight_bytes)  # type: ignore[attr-defined]
    stream_ps = memory.engine.to_ps(start + stream.work.end_ticks)  # type: ignore[attr-defined]
    assert run_alone(system, op) == pytest.approx(stream_ps + 331 * PS_PER_NS, abs=2000)


def test_few_bytes_in_flight_pace_the_stream_by_littles_law() -> None:
    op = product(8192, 8192)
    found = took_ps(stack(in_flight_bytes={"default": 2000}), op)
    assert found == pytest.approx((op.weight_bytes / (108 * 2000) + 1) * 331 * PS_PER_NS, rel=1e-6)


def test_many_rows_make_a_product_take_the_tensor_pipes_time() -> None:
    op = product(8192, 8192, 8192)
    assert op.flops / (312e12 / 1e12) < took_ps(stack(), op) < 1.2 * op.flops / (312e12 / 1e12)


def test_each_kernel_waits_for_the_host_unless_a_graph_holds_it() -> None:
    op = product(64, 64)
    plain = took_ps(stack(), op)
    launched = took_ps(stack(graphs=False, kernel_host_ns={"default": 9000}, kernels={"default": 3}), op)
    in_graph = took_ps(stack(kernel_host_ns={"default": 9000}, kernels={"default": 3}, kernel_gap_ns=1000), op)
    assert launched - plain == 3 * 9000 * PS_PER_NS
    assert in_graph - plain == 3 * 1000 * PS_PER_NS


def test_activations_reach_the_memory_only_when_they_do_not_fit_the_cache() -> None:
    for elements, expected in ((1 << 20, 0), (1 << 25, 1 << 27)):
        moved = Moved()
        op = VectorOp(
            name="gelu", kind="gelu", flops=elements, elements=elements, rows=elements // 1024,
            input_bytes=2 * elements, output_bytes=2 * elements,
        )  # fmt: skip
        run_alone(wired(stack(), moved), op)
        assert moved.n_bytes[hops.CELLS_TO_IO] == expected


def test_a_split_context_gives_every_core_work() -> None:
    whole, split = (
        took_ps(stack(in_flight_bytes={"default": 9000}, split_context=n), attention(1, 8192)) for n in (0, 256)
    )
    assert whole > 3 * split


def test_attention_on_lanes_costs_each_query_head_and_narrow_caches_their_widening() -> None:
    lanes = stack(attention_lane_ops=6.0)
    grouped, alone = (took_ps(lanes, attention(64, 4096, kv_heads=kv)) for kv in (1, 32))
    assert grouped > 0.9 * 6 * 64 * 32 * 128 * 4096 / (108 * 64 * 1.41e9) * 1e12
    assert alone >= grouped


def test_weights_narrower_than_the_products_are_widened_on_the_integer_lanes() -> None:
    op = product(8192, 8192)
    narrow = type(op)(
        **{name: getattr(op, name) for name in op.__slots__} | _inherited(op) | {"weight_bytes": op.weight_bytes // 4}
    )
    ops = 8192 * 8192 * 100
    assert took_ps(stack(dequantise_ops={"4": 100.0}), narrow) > ops / (108 * 64 * 1.41e9) * 1e12


def _inherited(op: Any) -> dict[str, Any]:
    return {name: getattr(op, name) for base in type(op).__mro__[1:-1] for name in getattr(base, "__slots__", ())}


def test_operands_wider_than_any_pipe_are_refused() -> None:
    with pytest.raises(MappingError, match="16-bit operands; gpu takes 8 bits"):
        took_ps(stack() | {"gpu": {"macs_per_clock": {"8": 2048}}}, product(64, 64))


def test_the_peak_is_that_of_the_data_sheet() -> None:
    gpu = wired().components["gpu"]
    assert isinstance(gpu, Gpu)
    assert gpu.flops_per_s == pytest.approx(624e12, rel=0.01)


def test_a_processor_names_its_stack() -> None:
    with pytest.raises(ConfigError, match="there is no component 'none'"):
        wired({"gpu": {"stack": "none"}})


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"ffn_dwn": {"split_k": 2}}, r"'ffn_dwn' is not a product with weights.*'ffn_down'"),
        ({"ffn_down": {"tile_m": 40, "tile_n": 64}}, r"40x64 is not one that the kernels offer \(allowed: 256x128"),
        ({"ffn_down": {"tile_m": 64}}, "needs both tile_m and tile_n"),
    ],
)
def test_a_mapping_that_cannot_be_is_named(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        wired({"gpu": {"mapping": mapping}})


def test_a_fixed_mapping_is_kept_shown_and_never_quicker() -> None:
    op = product(4096, 4096, 512)
    fixed = {"gpu": {"mapping": {op.kind: {"tile_m": 64, "tile_n": 64, "split_k": 4, "buffers": 1}}}}
    found = wired(stack() | fixed)
    gpu = found.components["gpu"]
    assert isinstance(gpu, Gpu)
    shown = gpu.mapping(op)
    assert {name: shown[name] for name in ("tile_m", "tile_n", "split_k", "buffers")} == {
        "tile_m": 64, "tile_n": 64, "split_k": 4, "buffers": 1,
    }  # fmt: skip
    assert took_ps(stack() | fixed, op) > took_ps(stack(), op)


def test_a_tiling_that_does_not_fit_the_scratchpad_stops_the_run() -> None:
    op = product(4096, 4096, 512)
    wanted = {"tile_m": 256, "tile_n": 128, "buffers": 8}
    with pytest.raises(MappingError, match=rf"mapping\.{op.kind}: no tiling.*65536 bytes of a core's scratchpad"):
        took_ps(stack() | {"gpu": {"scratch_bytes": 65536, "mapping": {op.kind: wanted}}}, op)
