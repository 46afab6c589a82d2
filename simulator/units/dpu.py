"""DPU array: general-purpose cores, one at each DRAM bank, that meet only over the host (UPMEM-like)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from simulator.errors import ConfigError, MappingError
from simulator.units import hops, limits
from simulator.units.base import (
    Component,
    NonNegative,
    OpUnit,
    PartSpec,
    Positive,
    PositiveInt,
    Process,
    Surroundings,
    cycles_ps,
    peer,
    unit_type,
)
from simulator.units.formats import dense, elements_of, stored_bytes, tell, with_stored_bytes
from simulator.units.memory import Memory
from simulator.units.vault_matrix import VaultShape
from simulator.workload.ops import AttentionOp, GroupedMatrixOp, KindsOf, KvAppendOp, MatrixOp, Op

INSTRUCTION = "instruction"
"""Action: one instruction of one core."""

WRAM_BYTE = "wram_byte"
"""Action: one byte that the DMA engine puts into working memory."""

FLOAT_BITS = 16
"""Least width of floating-point code; the cores have none for narrower numbers."""


class DpuSpec(PartSpec):
    """One core for each channel of ``memory`` (its MRAM), at ``clock_mhz``.

    ``tasklets`` threads take turns; a thread issues at most once in ``dispatch_cycles``. A transfer of at most
    ``dma_block_bytes`` from MRAM to the ``wram_bytes`` of working memory takes ``dma_setup_cycles`` +
    ``dma_cycles_per_byte`` x bytes. ``instructions_per_mac``: bits of a stored element -> instructions of one
    multiply-add, loads included.
    """

    kind: Literal["dpu"]
    memory: str
    clock_mhz: Positive
    tasklets: Annotated[int, Field(ge=1, le=24)]
    dispatch_cycles: PositiveInt
    wram_bytes: PositiveInt
    dma_block_bytes: PositiveInt
    dma_setup_cycles: NonNegative
    dma_cycles_per_byte: Positive
    instructions_per_mac: dict[str, Positive]
    energy_pj_per_instruction: NonNegative
    energy_pj_per_wram_byte: NonNegative
    static_power_w: NonNegative


@dataclass(frozen=True)
class Share:
    """What the busiest core does of an op: ``rows`` of ``inputs`` elements, each met by ``vectors`` vectors.

    ``strips``: rows of all cores. ``passes``: how often the rows come from MRAM, for as many vectors as fit WRAM.
    """

    strips: int
    rows: int
    inputs: int
    vectors: int
    passes: int


@unit_type("dpu", DpuSpec)
class Dpu(OpUnit):
    """Products with weights and with the KV cache: each core has whole rows, and the one with most sets the pace.

    Cores compute while the DMA engine fills the other half of their buffers: an op takes the longer of instructions,
    DMA and the bank's own time.
    """

    kinds = KindsOf("matrix", "grouped_matrix", "attention", "cache")
    spec: DpuSpec
    memory: Memory

    def __init__(self, name: str, spec: DpuSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.clock_ps = 1e6 / spec.clock_mhz
        if self.buffer_bytes > spec.wram_bytes:
            raise ConfigError(
                f"two blocks for each of {spec.tasklets} tasklets take {self.buffer_bytes} bytes of WRAM",
                key=f"components.{name}.wram_bytes",
            )

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the memory, one channel of which is the MRAM of one core."""
        self.memory = peer(self, components, "memory", self.spec.memory, Memory)

    @property
    def buffer_bytes(self) -> int:
        """WRAM that the blocks under way take: two for each tasklet."""
        return 2 * self.spec.tasklets * self.spec.dma_block_bytes

    @property
    def flops_per_s(self) -> float:
        """Peak rate of all cores, for the elements that take fewest instructions."""
        return 2e6 * self.memory.spec.channels * self.spec.clock_mhz / min(self.spec.instructions_per_mac.values())

    def take(self, op: Op) -> Op:
        """Every element, in the next width that the cores have code for."""
        if op.encoding is None and self._has_code(op):
            return op
        if op.encoding is not None and op.encoding.pattern != "dense":
            tell(
                self.around,
                self.name,
                "its cores take every element: sparse weights lie and are multiplied with their zeros",
            )
        op = dense(op)
        elements = elements_of(op)
        if not elements:
            return op
        bits = float(op.encoding.value_bits) if op.encoding else 8 * stored_bytes(op) / elements
        least = FLOAT_BITS if op.encoding is not None and op.encoding.number == "fp" else bits
        wider = [int(width) for width in self.spec.instructions_per_mac if int(width) >= max(bits, least)]
        if not wider:
            return op
        width = min(wider)
        if width > bits:
            tell(self.around, self.name, f"its cores have no code for {bits:g} bits: stored in {width} bits")
        op = with_stored_bytes(op, stored_bytes(op) + ceil((width - bits) * elements / 8))
        return op if op.encoding is None else replace(op, encoding=replace(op.encoding, value_bits=Fraction(width)))

    def _has_code(self, op: Op) -> bool:
        elements = elements_of(op)
        return not elements or f"{8 * stored_bytes(op) / elements:g}" in self.spec.instructions_per_mac

    def execute(self, op: Op) -> Process:
        """Instructions, DMA and the bank side by side."""
        start_ps = self.around.env.now_ps
        if isinstance(op, KvAppendOp):
            booking = self.memory.stream(op.kv_write_bytes, op, write=True)
            self.around.limits.add(op.kind, self.memory.held_ps(booking.work))
            yield self.around.env.timeout(booking.end_ps - start_ps)
            return
        share = self.share(op)
        start, stream = self.memory.look_up_shape(self._shape(op, share))
        start_ps = self.memory.engine.to_ps(start)
        stream_ps = self.memory.engine.to_ps(stream.work.end_ticks)
        compute_ps, dma_ps = self._ps(self.compute_cycles(op, share)), self._ps(self.dma_cycles(op, share))
        end_ps = start_ps + max(compute_ps, dma_ps, stream_ps)
        booking = self.memory.book(start, stream, start_ps + max(dma_ps, stream_ps), op)
        yield self.around.env.timeout(end_ps - self.around.env.now_ps)
        self._report(op, share, start_ps, end_ps)
        held = {limits.COMPUTE: compute_ps, limits.DMA: dma_ps}
        self.around.limits.add(op.kind, held if end_ps - start_ps > stream_ps else self.memory.held_ps(booking.work))

    def _report(self, op: Op, share: Share, start_ps: int, end_ps: int) -> None:
        hooks = self.around.hooks
        n_bytes = _stored(op) * share.passes
        hooks.busy(self.name, start_ps, end_ps, op.name)
        hooks.transfer(start_ps, end_ps, hops.SRAM, n_bytes, self.name)
        hooks.activity(self.name, WRAM_BYTE, n_bytes, op.kind)
        hooks.activity(self.name, INSTRUCTION, round(op.flops // 2 * self._per_mac(op, share)), op.kind)

    def _ps(self, cycles: int) -> int:
        return cycles_ps(cycles, self.spec.clock_mhz)

    def share(self, op: Op) -> Share:
        """The busiest core's share. Raises MappingError for an op that cores cannot run."""
        if isinstance(op, MatrixOp):
            strips, inputs, vectors = op.out_features, op.in_features, op.tokens
        elif isinstance(op, GroupedMatrixOp):
            strips, inputs, vectors = op.matrices * op.out_features, op.in_features, ceil(op.vectors / op.matrices)
        elif isinstance(op, AttentionOp):
            outputs, inputs = (op.context, op.head_dim) if op.kind == "attn_score" else (op.head_dim, op.context)
            strips, vectors = op.batch * op.n_kv_heads * outputs, op.queries * (op.n_heads // op.n_kv_heads)
        else:
            raise MappingError(f"{op.name}: {self.name} cannot run a {type(op).__name__}")
        # An element of a vector is as wide as a stored one, unless the op says how wide it is.
        vector_bytes = ceil(max(_stored(op) / strips, op.input_bytes / vectors if isinstance(op, MatrixOp) else 0))
        # A vector longer than the room is met in parts, which changes the order of the reads and not their number.
        resident = max(1, (self.spec.wram_bytes - self.buffer_bytes) // vector_bytes)
        return Share(strips, ceil(strips / self.memory.spec.channels), inputs, vectors, ceil(vectors / resident))

    def _per_mac(self, op: Op, share: Share) -> float:
        bits = 8 * _stored(op) / (share.strips * share.inputs)
        if op.encoding is not None:
            bits = float(op.encoding.value_bits)
        found = self.spec.instructions_per_mac.get(f"{bits:g}")
        if found is None:
            known = ", ".join(self.spec.instructions_per_mac)
            raise MappingError(f"{op.name}: {bits:g}-bit data; the cores of {self.name} have code for {known} bits")
        return found

    def compute_cycles(self, op: Op, share: Share) -> int:
        """Cycles of the busiest core's instructions: one a cycle if there are as many tasklets as dispatch cycles."""
        instructions = share.rows * share.inputs * share.vectors * self._per_mac(op, share)
        return ceil(instructions * max(1.0, self.spec.dispatch_cycles / self.spec.tasklets))

    def dma_cycles(self, op: Op, share: Share) -> int:
        """Cycles of the busiest core's DMA engine, which serves one transfer after the other."""
        n_bytes = share.passes * ceil(share.rows * _stored(op) / share.strips)
        blocks = ceil(n_bytes / self.spec.dma_block_bytes)
        return ceil(blocks * self.spec.dma_setup_cycles + n_bytes * self.spec.dma_cycles_per_byte)

    def _shape(self, op: Op, share: Share) -> VaultShape:
        memory = self.memory.spec
        return VaultShape(
            _stored(op) * share.passes,
            memory.channels,
            memory.interleave_bytes,
            write=False,
            vaults=memory.channels,
            strips=share.strips,
        )

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Whole bursts of each core's rows, as often as they are read; bursts of what is appended."""
        burst = self.memory.spec.dram.organization.burst_bytes
        if isinstance(op, KvAppendOp):
            return {(self.memory.name, hops.CELLS_TO_IO): self.memory.burst_bytes(op.kv_write_bytes)}
        classes = self._shape(op, self.share(op)).classes(burst)
        return {(self.memory.name, hops.CELLS_TO_IO): burst * sum(n * count for n, count in classes)}

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of an instruction, and of a byte into WRAM."""
        return {
            INSTRUCTION: {"compute": self.spec.energy_pj_per_instruction},
            WRAM_BYTE: {"sram": self.spec.energy_pj_per_wram_byte},
        }

    def assumptions(self) -> tuple[str, ...]:
        """What the schedule leaves out."""
        return (
            f"{self.name}: the tasklets of a core share its work evenly, and its DMA runs beside it",
            f"{self.name}: each core has whole rows of a matrix; values are cached transposed, so no sum is left",
            f"{self.name}: each core has rows of all experts, which meet as many vectors as an expert does on average",
            f"{self.name}: vectors come from the host into WRAM, as wide as the code needs; sums leave from there",
        )


def _stored(op: Op) -> int:
    return op.weight_bytes + op.kv_read_bytes
