"""Matrix unit: weight-stationary systolic arrays fed from a memory through an on-chip buffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator.errors import MappingError
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
from simulator.units.buffer import Buffer
from simulator.units.dram_stream import StreamWork
from simulator.units.memory import Memory
from simulator.workload.ops import AttentionOp, MatrixOp, Op

MAC = "multiply_add"
"""Action: one multiply-add of the op (not of idle cells)."""

Times = npt.NDArray[np.int64]


class MatrixSpec(PartSpec):
    """``arrays`` arrays of ``rows`` x ``cols`` cells at ``clock_mhz``; stationary operands of ``element_bytes``."""

    kind: Literal["matrix"]
    memory: str
    buffer: str
    arrays: PositiveInt
    rows: PositiveInt
    cols: PositiveInt
    clock_mhz: Positive
    element_bytes: PositiveInt
    energy_pj_per_mac: NonNegative
    static_power_w: NonNegative


@dataclass(frozen=True)
class Tiling:
    """The stationary tiles of an op: ``waves`` of one tile an array, each met by ``vectors`` moving vectors.

    ``elements``: of the stationary operand.
    """

    waves: int
    vectors: int
    elements: int


@unit_type("matrix", MatrixSpec)
class Matrix(OpUnit):
    """Runs products with weights and with the KV cache, whose stationary operand streams in while the arrays work.

    One wave fills each array with one ``rows`` x ``cols`` tile. A tile shifts in within ``rows`` cycles, behind the
    vectors of the tile before it, and meets its vectors one a cycle, so that waves follow each other every
    ``max(rows, vectors)`` cycles. The last results leave ``rows + cols - 1`` cycles after the last vector went in.
    A wave starts when its bytes have arrived; they may be requested once the buffer has room.
    """

    kinds = frozenset(
        {"qkv_proj", "out_proj", "ffn_gate", "ffn_up", "ffn_down", "lm_head", "attn_score", "attn_context"}
    )
    spec: MatrixSpec
    memory: Memory
    buffer: Buffer
    _key: tuple[str, int]
    """All of this unit that its pace depends on."""

    def __init__(self, name: str, spec: MatrixSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.clock_ps = 1e6 / spec.clock_mhz

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find memory and buffer. Raises MappingError for a buffer that cannot hold two waves."""
        self.memory = peer(self, components, "memory", self.spec.memory, Memory)
        self.buffer = peer(self, components, "buffer", self.spec.buffer, Buffer)
        if self.waves_buffered < 2:
            raise MappingError(
                f"{self.name}: its buffer of {self.buffer.spec.capacity_bytes} bytes cannot hold two waves of "
                f"{self.wave_bytes} bytes, one at work and one arriving"
            )
        self._key = (self.spec.model_dump_json(), self.buffer.spec.capacity_bytes)

    @property
    def wave_bytes(self) -> int:
        """Bytes of one full wave."""
        return self.spec.arrays * self.spec.rows * self.spec.cols * self.spec.element_bytes

    @property
    def waves_buffered(self) -> int:
        """Full waves that fit the buffer."""
        return int(self.buffer.spec.capacity_bytes // self.wave_bytes)

    @property
    def flops_per_s(self) -> float:
        """Peak rate of all arrays."""
        return 2e6 * self.spec.arrays * self.spec.rows * self.spec.cols * self.spec.clock_mhz

    def tiling(self, op: Op) -> Tiling:
        """The tiles of an op: its matrix, or one matrix for each cached head of each sequence."""
        rows, cols = self.spec.rows, self.spec.cols
        if isinstance(op, MatrixOp):
            matrices, inputs, outputs, vectors = 1, op.in_features, op.out_features, op.tokens
        elif isinstance(op, AttentionOp):
            matrices, vectors = op.batch * op.n_kv_heads, op.queries * (op.n_heads // op.n_kv_heads)
            inputs, outputs = (op.head_dim, op.context) if op.kind == "attn_score" else (op.context, op.head_dim)
        else:
            raise MappingError(f"{op.name}: {self.name} cannot run a {type(op).__name__}")
        tiles = matrices * -(-inputs // rows) * -(-outputs // cols)
        return Tiling(-(-tiles // self.spec.arrays), vectors, matrices * inputs * outputs)

    def execute(self, op: Op) -> Process:
        """Stream and arrays side by side, wave by wave."""
        env, hooks = self.around.env, self.around.hooks
        n_bytes = op.weight_bytes + op.kv_read_bytes
        tiling = self.tiling(op)
        self._check_width(op, n_bytes, tiling.elements)
        start, stream = self.memory.look_up(n_bytes)
        start_ps = self.memory.engine.to_ps(start)
        stream_ps, array_ps = self._paced(tiling, stream)
        end_ps = start_ps + array_ps
        booking = self.memory.book(start, stream, start_ps + stream_ps, op)
        yield env.timeout(end_ps - env.now_ps)
        hooks.busy(self.name, start_ps, end_ps, op.name)
        hooks.activity(self.name, MAC, op.flops // 2, op.kind)
        self.buffer.passed(start_ps, end_ps, n_bytes, op)
        work_ps = tiling.waves * self._ps(max(self.spec.rows, tiling.vectors))
        held = self.memory.held_ps(booking.work) if stream_ps >= work_ps else {limits.COMPUTE: work_ps}
        self.around.limits.add(op.kind, held)

    def _check_width(self, op: Op, n_bytes: int, elements: int) -> None:
        """Narrower elements are widened as they shift in; wider ones do not fit the cells."""
        if n_bytes > elements * self.spec.element_bytes:
            bits, most = 8 * n_bytes / elements, 8 * self.spec.element_bytes
            raise MappingError(f"{op.name}: {bits:g}-bit data; the cells of {self.name} take {most} bits")

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Whole bursts of the stationary operand."""
        return {(self.memory.name, hops.CELLS_TO_IO): self.memory.burst_bytes(op.weight_bytes + op.kv_read_bytes)}

    def _ps(self, cycles: int) -> int:
        return cycles_ps(cycles, self.spec.clock_mhz)

    def _to_ps(self, ticks: Times) -> Times:
        dram = self.memory.spec.dram
        found: Times = -(-ticks * dram.tCK_ps // dram.ticks_per_clock)
        return found

    def _paced(self, tiling: Tiling, stream: StreamWork) -> tuple[int, int]:
        """(when the last bytes arrive, when the last results leave), in ps from the start of the stream."""
        key = (*self._key, tiling)
        found: tuple[int, int] | None = stream.memo.get(key)
        if found is None:
            found = stream.memo[key] = self._last_wave(tiling, stream)
        return found

    def _last_wave(self, tiling: Tiling, stream: StreamWork) -> tuple[int, int]:
        """As `_paced`. Where the pins cannot outpace the arrays, only the last wave matters."""
        drain_ps = self._ps(tiling.vectors + self.spec.rows + self.spec.cols - 1)
        dram = self.memory.spec.dram.organization
        burst_ps = dram.burst_bytes * 8 * 1e6 / (dram.data_pins * dram.data_rate_mbps)
        if self._ps(max(self.spec.rows, tiling.vectors)) * tiling.waves <= stream.bursts * burst_ps:
            arrived_ps = self.memory.engine.to_ps(stream.work.end_ticks)
            return arrived_ps, arrived_ps + self._ps(self.spec.rows) + drain_ps
        shares = -(-np.arange(1, tiling.waves + 1) * stream.bursts // tiling.waves)
        starts, arrivals = self._pace(self._to_ps(stream.arrival(shares)), tiling)
        return int(arrivals[-1]), int(starts[-1]) + drain_ps

    def _pace(self, arrivals: Times, tiling: Tiling) -> tuple[Times, Times]:
        """(start of each wave's vectors, arrival of each wave), in ps from the start of the stream.

        A wave's bytes are on their way for as long as on an unhindered stream, from when the wave before has arrived
        and the wave that fills the buffer has been shifted in.
        """
        load_ps, wave_ps = self._ps(self.spec.rows), self._ps(max(self.spec.rows, tiling.vectors))
        index = np.arange(tiling.waves)
        service = np.diff(arrivals, prepend=0)
        total = np.cumsum(service)
        hindered = arrivals
        while True:
            starts = load_ps + wave_ps * index + np.maximum.accumulate(hindered - wave_ps * index)
            room = np.zeros(tiling.waves, dtype=np.int64)
            room[self.waves_buffered :] = starts[: -self.waves_buffered] if tiling.waves > self.waves_buffered else 0
            later = total + np.maximum.accumulate(room - (total - service))
            if np.array_equal(later, hindered):
                return starts, hindered
            hindered = later

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one multiply-add."""
        return {MAC: {"compute": self.spec.energy_pj_per_mac}}

    def static_power_w(self) -> Mapping[str, float]:
        """Static power of the unit."""
        return {"static": self.spec.static_power_w}

    def assumptions(self) -> tuple[str, ...]:
        """What the schedule leaves out."""
        return (
            f"{self.name}: an op's weights are requested when the op starts, not during the op before it",
            f"{self.name}: causal prefill computes whole tiles; only the multiply-adds that count cost energy",
        )
