"""GPU: streaming multiprocessors with tensor and vector pipes behind a shared L2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from pydantic import Field

from simulator.errors import MappingError
from simulator.units.base import NonNegative, PositiveInt, Surroundings, unit_type
from simulator.units.processors.demand import Arithmetic
from simulator.units.processors.description import ProcessorSpec
from simulator.units.processors.fixed_mapping import FixedMapping, check
from simulator.units.processors.processor import Processor
from simulator.units.processors.shapes import Product, activation_bytes, product_of
from simulator.units.processors.tiles import FREE, Machine, Schedule, best_schedule
from simulator.workload.ops import ATTN_SCORE, SOFTMAX, AttentionOp, KindsOf, Op, ProductOp


class GpuSpec(ProcessorSpec):
    """``cores`` are streaming multiprocessors or compute units, ``macs_per_clock`` their dense tensor pipes.

    ``integer_lanes``: of one core, for the widening of weights. ``tiles``: output tiles (rows x columns) that a core's
    registers hold and the kernel library offers. ``tile_clocks``: of filling a tile's pipeline and storing its result.
    ``scratch_bytes``: shared memory of one core, for the operands of a tile's next steps. ``mapping``: by op kind, what
    is not left to the mapper, which looks at ``mapping_budget`` tilings of a product at most.
    """

    kind: Literal["gpu"]
    integer_lanes: PositiveInt
    tiles: tuple[tuple[PositiveInt, PositiveInt], ...] = Field(min_length=1)
    tile_clocks: NonNegative
    scratch_bytes: PositiveInt
    mapping: dict[str, FixedMapping] = Field(default_factory=dict)
    mapping_budget: PositiveInt = 1000


@unit_type("gpu", GpuSpec)
class Gpu(Processor):
    """Products as waves of output tiles, one to a core; attention as one block for each cached head and its splits."""

    spec: GpuSpec

    def __init__(self, name: str, spec: GpuSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        check(spec.mapping, spec.tiles, f"components.{name}.mapping")

    def product(self, op: ProductOp) -> Arithmetic:
        """As `Processor.product`."""
        product = product_of(op)
        macs = self.mac_rate(op, product)
        if isinstance(op, AttentionOp):
            return self._attention(op, product, macs)
        found = self._schedule(op, product, macs)
        clocks = self._with_widening(op, product, found)
        return Arithmetic(
            compute_ps=self.clocks_ps(clocks),
            fetched_bytes=found.fetched_bytes,
            workers=self.spec.cores,
            macs=found.macs(product),
            stored_bytes=found.stored_reads * op.weight_bytes,
            moving_bytes=found.moving_reads * op.input_bytes,
            mapping=_shown(found),
        )

    def _schedule(self, op: ProductOp, product: Product, macs: float) -> Schedule:
        spec = self.spec
        machine = Machine(
            cores=spec.cores,
            macs_per_clock=macs,
            cache_bytes_per_clock=spec.cache_bytes_per_clock / spec.cores,
            tile_clocks=spec.tile_clocks,
            tiles=spec.tiles,
            scratch_bytes=spec.scratch_bytes,
            cache_bytes=spec.cache_bytes,
            dram_bytes_per_clock=self.memory.pin_bytes_per_s / (1e6 * spec.clock_mhz),
            moving_in_dram=sum(activation_bytes(op, flash=False)) > spec.cache_bytes,
        )
        wanted = spec.mapping[op.kind].wanted if op.kind in spec.mapping else FREE
        found = _best(machine, product, wanted, spec.mapping_budget)
        if found is None:
            raise MappingError(
                f"components.{self.name}.mapping.{op.kind}: no tiling with what it fixes fits the {spec.scratch_bytes} "
                "bytes of a core's scratchpad"
            )
        return found

    def _widen_clocks(self, op: ProductOp, product: Product) -> float:
        """Lane clocks to put the stored operand in its places, and to widen it where the multiply-adds are wider."""
        ops = self.unpack_ops(op)
        bits = product.value_bits or product.stored_bits
        if bits < self.math_width(op, product):
            kept = op.encoding.share if op.encoding else 1.0
            ops += product.matrices * product.n * product.k * kept * self.stack.dequantise_ops(bits)
        return ops / (self.spec.cores * self.spec.integer_lanes)

    def _with_widening(self, op: ProductOp, product: Product, found: Schedule) -> float:
        """Clocks of products and widening together.

        A fragment is widened, then multiplied with its first rows; with further rows while the lanes widen the next.
        Multiply-adds without pipes of their own take turns with the widening.
        """
        widening = self._widen_clocks(op, product)
        if not widening:
            return found.clocks
        if self.spec.macs_per_clock[str(self.math_width(op, product))] <= self.spec.lanes:
            return found.clocks + widening
        loads = tuple((min(rows, TENSOR_ROWS), matrices) for rows, matrices in product.loads)
        first = replace(product, m=min(product.m, TENSOR_ROWS), loads=loads)
        return max(found.clocks, widening + self._schedule(op, first, self.mac_rate(op, product)).clocks)

    def _attention(self, op: AttentionOp, product: Product, macs: float) -> Arithmetic:
        """Blocks over the cores, on the tensor pipes or on the lanes; both run side by side."""
        found, stack = self._blocks(op, product), self.stack.spec
        workers = min(self.spec.cores, found.blocks)
        attended = stack.attention_lane_ops * found.macs if self._on_lanes(op) else 0.0
        on_pipes = 0.0 if attended else found.macs * found.padding
        lanes = (attended + self._padded_softmax(op, product)) / found.blocks / self.spec.lanes
        block_clocks = max(on_pipes / found.blocks / macs, lanes)
        widening = self._widen_clocks(op, product) * self.spec.cores / workers
        clocks = -(-found.blocks // self.spec.cores) * block_clocks + widening
        return Arithmetic(
            compute_ps=self.clocks_ps(clocks),
            fetched_bytes=round(op.kv_read_bytes * found.reads),
            workers=workers,
            macs=round(on_pipes),
            stored_bytes=op.kv_read_bytes,
            mapping={"blocks": found.blocks, "split_context": found.splits, "queries": found.rows},
        )

    def _blocks(self, op: AttentionOp, product: Product) -> Blocks:
        stack = self.stack.spec
        together = stack.shared_heads or op.kind in LATENT
        shared = product.m if together else op.queries
        passes = 1 if together else op.n_heads // op.n_kv_heads
        row_blocks, rows = -(-shared // QUERY_ROWS), min(shared, QUERY_ROWS)
        splits = max(1, -(-op.context // stack.split_context)) if stack.split_context else 1
        if op.queries == 1 and not stack.flash_attention:
            splits = product.n
        useful = product.useful if op.queries > 1 else 1.0
        blocks = product.matrices * passes * row_blocks
        tile = TENSOR_ROWS if op.kind in LATENT else stack.attention_rows or TENSOR_ROWS
        return Blocks(
            blocks=blocks * splits,
            splits=splits,
            rows=rows,
            padding=-(-rows // tile) * tile / rows,
            reads=passes * row_blocks * useful,
            macs=blocks * rows * useful * product.n * product.k,
        )

    def _padded_softmax(self, op: AttentionOp, product: Product) -> float:
        """Lane operations for the scores of rows that only fill a kernel's tile."""
        if op.kind != ATTN_SCORE.name or not self.stack.spec.attention_rows or self._on_lanes(op):
            return 0.0
        found = self._blocks(op, product)
        each = self.stack.spec.element_ops.get(SOFTMAX.name, float(SOFTMAX.flops_per_element or 0))
        return each * found.macs * (found.padding - 1) / product.k

    def _on_lanes(self, op: AttentionOp) -> bool:
        return op.queries == 1 and op.kind not in LATENT and self.stack.spec.attention_lane_ops > 0

    def lane_ops(self, op: Op) -> float:
        """As `Processor.lane_ops`, and what products do on the lanes: widening, and attention's share."""
        if not isinstance(op, ProductOp):
            return super().lane_ops(op)
        product = product_of(op)
        widened = self._widen_clocks(op, product) * self.spec.cores * self.spec.integer_lanes
        if not isinstance(op, AttentionOp):
            return widened
        attended = self.stack.spec.attention_lane_ops * (op.flops // 2) if self._on_lanes(op) else 0.0
        return widened + attended + self._padded_softmax(op, product)


@dataclass(frozen=True)
class Blocks:
    """An attention kernel's blocks: how many, over how many ``splits`` of the context, of how many query ``rows``.

    ``padding``: rows of its tile for each of them. ``reads``: how often the cached operand is fetched. ``macs`` of all.
    """

    blocks: int
    splits: int
    rows: int
    padding: float
    reads: float
    macs: float


LATENT = KindsOf("latent_attention")
"""All heads share the cached vectors: every kernel for these reads them once, on the tensor pipes."""
TENSOR_ROWS = 16
"""Rows of one tensor instruction (mma.m16n8k16)."""
QUERY_ROWS = 128
"""Query rows that one block of an attention kernel holds."""


def _shown(found: Schedule) -> Mapping[str, int | str]:
    rows, columns = found.tile
    return {
        "tile_m": rows,
        "tile_n": columns,
        "tile_k": found.step,
        "split_k": found.splits,
        "group_m": found.group_m,
        "buffers": found.buffers,
        "waves": found.waves,
    }


_best = lru_cache(maxsize=4096)(best_schedule)


def forget_mappings() -> None:
    """Empty the cache of chosen tilings, which all GPUs of a process share."""
    _best.cache_clear()
