"""GPU: streaming multiprocessors with tensor and vector pipes behind a shared L2."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from pydantic import Field

from simulator.units.base import NonNegative, PositiveInt, unit_type
from simulator.units.processors.processor import Processor, ProcessorSpec
from simulator.units.processors.shapes import Product, product_of
from simulator.units.processors.tiles import Machine, best_schedule
from simulator.workload.ops import AttentionOp, Op, ProductOp


class GpuSpec(ProcessorSpec):
    """``cores`` are streaming multiprocessors or compute units, ``macs_per_clock`` their dense tensor pipes.

    ``integer_lanes``: of one core, for the widening of weights. ``tiles``: output tiles (rows x columns) that a core's
    registers hold and the kernel library offers. ``tile_clocks``: of filling a tile's pipeline and storing its result.
    """

    kind: Literal["gpu"]
    integer_lanes: PositiveInt
    tiles: tuple[tuple[PositiveInt, PositiveInt], ...] = Field(min_length=1)
    tile_clocks: NonNegative


@unit_type("gpu", GpuSpec)
class Gpu(Processor):
    """Products as waves of output tiles, one to a core; attention as one block for each cached head and its splits."""

    spec: GpuSpec

    def product_ps(self, op: ProductOp) -> tuple[int, int, int]:
        """As `Processor.product_ps`."""
        product = product_of(op)
        macs = self.mac_rate(op, product)
        if isinstance(op, AttentionOp):
            return self._attention_ps(op, product, macs)
        machine = Machine(
            cores=self.spec.cores,
            macs_per_clock=macs,
            cache_bytes_per_clock=self.spec.cache_bytes_per_clock / self.spec.cores,
            tile_clocks=self.spec.tile_clocks,
            tiles=self.spec.tiles,
        )
        found = _schedule(machine, product)
        clocks = found.clocks + self._widen_clocks(product)
        return self.clocks_ps(clocks), found.fetched_bytes, self.spec.cores

    def _widen_clocks(self, product: Product) -> float:
        """Lane clocks to widen the stored operand once, where it is narrower than the multiply-adds."""
        if product.stored_bits >= product.math_bits:
            return 0.0
        ops = self.stack.dequantise_ops(product.stored_bits)
        return product.matrices * product.n * product.k * ops / (self.spec.cores * self.spec.integer_lanes)

    def _attention_ps(self, op: AttentionOp, product: Product, macs: float) -> tuple[int, int, int]:
        """Blocks over the cores; tensor rows are padded to the 16 of one instruction."""
        stack = self.stack.spec
        shared = product.m if stack.shared_heads else op.queries
        passes = 1 if stack.shared_heads else op.n_heads // op.n_kv_heads
        splits = max(1, -(-op.context // stack.split_context)) if stack.split_context else 1
        row_blocks = -(-shared // QUERY_ROWS)
        blocks = product.matrices * passes * splits * row_blocks
        workers = min(self.spec.cores, blocks)
        useful = product.useful if op.queries > 1 else 1.0
        block_macs = useful * min(shared, QUERY_ROWS) * product.n * product.k / splits
        if self._on_lanes(op):
            block_clocks = block_macs * stack.attention_lane_ops / self.spec.lanes
        else:
            block_clocks = block_macs * _padded(min(shared, QUERY_ROWS)) / macs
        clocks = -(-blocks // self.spec.cores) * block_clocks + self._widen_clocks(product) * self.spec.cores / workers
        return self.clocks_ps(clocks), round(op.kv_read_bytes * passes * row_blocks * useful), workers

    def _on_lanes(self, op: AttentionOp) -> bool:
        return op.queries == 1 and self.stack.spec.attention_lane_ops > 0

    def lane_ops(self, op: Op) -> float:
        """As `Processor.lane_ops`, and what products do on the lanes: widening, and attention without tensor pipes."""
        if not isinstance(op, ProductOp):
            return super().lane_ops(op)
        product = product_of(op)
        widened = self._widen_clocks(product) * self.spec.cores * self.spec.integer_lanes
        attended = self.stack.spec.attention_lane_ops * (op.flops // 2)
        return widened + (attended if isinstance(op, AttentionOp) and self._on_lanes(op) else 0.0)


TENSOR_ROWS = 16
"""Rows of one tensor instruction (mma.m16n8k16)."""
QUERY_ROWS = 128
"""Query rows that one block of an attention kernel holds."""


def _padded(rows: int) -> float:
    """Tensor rows for each row."""
    return -(-rows // TENSOR_ROWS) * TENSOR_ROWS / rows


_schedule = lru_cache(maxsize=4096)(best_schedule)
