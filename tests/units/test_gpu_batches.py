"""Products and attention of a GPU over batch sizes and contexts: no cliffs, and every core at work."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from parts import components, platform, product
from test_processors import attention

from simulator.system.builder import build_system
from simulator.units.processors.gpu import Gpu
from simulator.workload.ops import MatrixOp

MOST_STEP = 1.6
"""By how much one more sequence may slow a product of the sizes below, at most."""


def gpu(name: str, **stack: Any) -> Gpu:
    found = build_system(platform(components(name, {"stack": stack}), "one_processor")).components["gpu"]
    assert isinstance(found, Gpu)
    return found


def at_4_bits(op: MatrixOp) -> MatrixOp:
    return replace(op, weight_bytes=op.weight_bytes * 9 // 32)


def kernel_ps(unit: Gpu, op: MatrixOp) -> int:
    demand = unit.demand(op)
    stream_ps = round(demand.read_bytes / unit.memory.pin_bytes_per_s * 1e12)
    return max(demand.compute_ps, stream_ps)


@pytest.mark.parametrize("name", ["a100_sxm_80g", "rtx4090"])
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("outputs", [4096, 14336])
def test_one_more_sequence_never_speeds_a_product_up_nor_is_a_cliff(name: str, outputs: int, *, narrow: bool) -> None:
    unit = gpu(name, dequantise_ops={"4": 4.0})
    for batch in (1, 16, 32, 48, 64, 96, 128, 192, 256):
        ops = [product(outputs, 4096, rows) for rows in (batch, batch + 1)]
        before, after = (kernel_ps(unit, at_4_bits(op) if narrow else op) for op in ops)
        assert before <= after < MOST_STEP * before


@pytest.mark.parametrize(("name", "beside"), [("a100_sxm_80g", True), ("m2_ultra_gpu", False)])
def test_only_the_first_rows_wait_for_widening_where_products_have_their_pipes(name: str, *, beside: bool) -> None:
    unit, unwidened = gpu(name, dequantise_ops={"4": 4.0}), gpu(name, dequantise_ops={"4": 0.0})
    widening_ps = 8192 * 8192 * 4 / (unit.spec.cores * 64 * unit.spec.clock_mhz) * 1e6
    for rows, waits in ((1, True), (2048, not beside)):
        op = at_4_bits(product(8192, 8192, rows))
        more_ps = unit.demand(op).compute_ps - unwidened.demand(op).compute_ps
        assert more_ps == pytest.approx(widening_ps if waits else 0, rel=1e-3, abs=2)


def test_kernels_that_write_their_scores_deal_out_every_row_of_them() -> None:
    long = attention(1, 32768)
    written = gpu("rtx4090", flash_attention=False, shared_heads=False).demand(long)
    kept = gpu("rtx4090", flash_attention=True, shared_heads=False, split_context=0).demand(long)
    assert (written.workers, kept.workers) == (128, 32)


def test_longer_contexts_take_longer_and_come_nearer_to_the_peak() -> None:
    unit = gpu("h100_sxm", shared_heads=True, split_context=512, attention_rows=64)
    found = [(op.kv_read_bytes, kernel_ps(unit, op)) for op in (attention(1, 512 << n) for n in range(9))]
    assert all(a[1] <= b[1] and a[0] / a[1] <= 1.01 * b[0] / b[1] for a, b in pairwise(found))
    assert found[-1][0] / found[-1][1] * 1e12 == pytest.approx(unit.memory.pin_bytes_per_s, rel=0.01)
