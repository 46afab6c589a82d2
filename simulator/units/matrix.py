"""Matrix unit: weight-stationary systolic arrays fed from a memory through an on-chip buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

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
from simulator.units.dram_work import Work
from simulator.units.fetch_ahead import FetchAhead
from simulator.units.memory import Memory
from simulator.units.wave_pace import Fetch, Pace
from simulator.workload.ops import AttentionOp, GroupedMatrixOp, KindsOf, MatrixOp, Op

MAC = "multiply_add"
"""Action: one multiply-add of the op (not of idle cells)."""


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


@dataclass(frozen=True)
class MatrixRun:
    """An op on the arrays: its beginning, the arrival of its last bytes, which ``work`` brought, and its end."""

    start_ps: int
    arrived_ps: int
    end_ps: int
    work: Work


@unit_type("matrix", MatrixSpec)
class Matrix(OpUnit):
    """Runs products with weights and with the KV cache, whose stationary operand streams in while the arrays work.

    One wave fills each array with one ``rows`` x ``cols`` tile. A tile shifts in within ``rows`` cycles, behind the
    vectors of the tile before it, and meets its vectors one a cycle, so that waves follow each other every
    ``max(rows, vectors)`` cycles. The last results leave ``rows + cols - 1`` cycles after the last vector went in.
    A wave starts when its bytes have arrived; they may be requested once the buffer has room. Weights do not depend on
    the ops before: their first waves are fetched while those still work, as far as half of the buffer has room.
    """

    kinds = KindsOf("matrix", "grouped_matrix", "attention")
    spec: MatrixSpec
    memory: Memory
    buffer: Buffer
    _ahead: FetchAhead
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
        self._ahead = FetchAhead(self.memory, self.waves_ahead, lambda op: self.tiling(op).waves)

    @property
    def wave_bytes(self) -> int:
        """Bytes of one full wave."""
        return self.spec.arrays * self.spec.rows * self.spec.cols * self.spec.element_bytes

    @property
    def waves_buffered(self) -> int:
        """Full waves that fit the buffer."""
        return int(self.buffer.spec.capacity_bytes // self.wave_bytes)

    @property
    def waves_ahead(self) -> int:
        """Waves of the next product that may lie in the buffer: half, and less than what stays for the one at work."""
        return (self.waves_buffered - 1) // 2 if self.waves_buffered > 2 else 0

    @property
    def flops_per_s(self) -> float:
        """Peak rate of all arrays."""
        return 2e6 * self.spec.arrays * self.spec.rows * self.spec.cols * self.spec.clock_mhz

    def tiling(self, op: Op) -> Tiling:
        """The tiles of an op: its matrix, or one matrix for each cached head of each sequence."""
        rows, cols = self.spec.rows, self.spec.cols
        if isinstance(op, MatrixOp):
            matrices, inputs, outputs, vectors = 1, op.in_features, op.out_features, op.tokens
        elif isinstance(op, GroupedMatrixOp):
            # A tile takes as long as it shifts in, however few vectors meet it.
            passed = sum(max(rows, tokens) * experts for tokens, experts in op.loads)
            matrices, inputs, outputs, vectors = op.matrices, op.in_features, op.out_features, -(-passed // op.matrices)
        elif isinstance(op, AttentionOp):
            matrices, vectors = op.batch * op.n_kv_heads, op.queries * (op.n_heads // op.n_kv_heads)
            inputs, outputs = (op.head_dim, op.context) if op.kind == "attn_score" else (op.context, op.head_dim)
        else:
            raise MappingError(f"{op.name}: {self.name} cannot run a {type(op).__name__}")
        tiles = matrices * -(-inputs // rows) * -(-outputs // cols)
        return Tiling(-(-tiles // self.spec.arrays), vectors, matrices * inputs * outputs)

    def expect(self, ops: Sequence[Op]) -> None:
        """The products whose weights can be fetched ahead."""
        self._ahead.expect(ops)

    def execute(self, op: Op) -> Process:
        """Stream and arrays side by side, wave by wave; when the stream has ended, that of the next weights begins."""
        env, hooks = self.around.env, self.around.hooks
        n_bytes = op.weight_bytes + op.kv_read_bytes
        tiling = self.tiling(op)
        self._check_width(op, n_bytes, tiling.elements)
        delays_ps = self.memory.delays_ps()
        run = self._run(op, tiling, n_bytes)
        yield env.timeout(max(0, run.arrived_ps - env.now_ps))
        self._ahead.fetch()
        yield env.timeout(run.end_ps - env.now_ps)
        yield from self.memory.catch_up(delays_ps)
        hooks.busy(self.name, run.start_ps, run.end_ps, op.name)
        hooks.activity(self.name, MAC, op.flops // 2, op.kind)
        self.buffer.passed(run.start_ps, run.end_ps, n_bytes, op)
        work_ps = tiling.waves * self._wave_ps(tiling)
        streamed = run.arrived_ps - run.start_ps >= work_ps
        self.around.limits.add(op.kind, self.memory.held_ps(run.work) if streamed else {limits.COMPUTE: work_ps})

    def estimate_ps(self, op: Op) -> int:
        """The longer of stream at the peak of the pins and waves, and the way out."""
        tiling = self.tiling(op)
        stream_ps = round((op.weight_bytes + op.kv_read_bytes) / self.memory.pin_bytes_per_s * 1e12)
        return max(stream_ps, tiling.waves * self._wave_ps(tiling)) + self._drain_ps(tiling)

    def _run(self, op: Op, tiling: Tiling, n_bytes: int) -> MatrixRun:
        """Book what is still to be fetched, and find when the arrays are done."""
        now_ps, engine = self.around.env.now_ps, self.memory.engine
        ahead = self._ahead.start(op)
        rest = n_bytes - ahead.n_bytes
        if not rest:
            arrived_ps, end_ps = self._timing(tiling, ahead.fetches, None, now_ps)
            return MatrixRun(now_ps, arrived_ps, end_ps, ahead.fetches[-1].stream.work)
        start, stream = self.look_up(op, rest)
        if ahead.n_bytes:
            start_ps = now_ps
            fetch = Fetch(engine.to_ps(start), stream, tiling.waves - ahead.waves)
            arrived_ps, end_ps = self._timing(tiling, ahead.fetches, fetch, now_ps)
        else:
            start_ps = engine.to_ps(start)
            arrived_ps, end_ps = (start_ps + time_ps for time_ps in self._paced(tiling, stream))
        booking = self.memory.book(start, stream, arrived_ps, op)
        return MatrixRun(start_ps, arrived_ps, end_ps, booking.work)

    def look_up(self, op: Op, n_bytes: int) -> tuple[int, StreamWork]:
        """(first tick, stream) of the last ``n_bytes`` of the operand of ``op``, spread over all channels."""
        del op
        return self.memory.look_up(n_bytes)

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

    def _wave_ps(self, tiling: Tiling) -> int:
        return self._ps(max(self.spec.rows, tiling.vectors))

    def _drain_ps(self, tiling: Tiling) -> int:
        return self._ps(tiling.vectors + self.spec.rows + self.spec.cols - 1)

    def _pace(self, tiling: Tiling) -> Pace:
        return Pace(self._ps(self.spec.rows), self._wave_ps(tiling), self.waves_buffered - self.waves_ahead)

    def _arrays_wait(self, tiling: Tiling, bursts: int) -> bool:
        """Whether the arrays take waves at least as fast as the pins can bring them."""
        dram = self.memory.spec.dram.organization
        burst_ps = dram.burst_bytes * 8 * 1e6 / (dram.data_pins * dram.data_rate_mbps)
        return self._wave_ps(tiling) * tiling.waves <= bursts * burst_ps

    def _paced(self, tiling: Tiling, stream: StreamWork) -> tuple[int, int]:
        """As `_timing`, in ps from the start of a product's only stream."""
        key = (*self._key, tiling)
        found: tuple[int, int] | None = stream.memo.get(key)
        if found is None:
            found = stream.memo[key] = self._timing(tiling, (), Fetch(0, stream, tiling.waves), 0)
        return found

    def _timing(self, tiling: Tiling, ahead: tuple[Fetch, ...], rest: Fetch | None, ready_ps: int) -> tuple[int, int]:
        """(arrival of the last bytes, exit of the last results) of a product whose inputs are there at ``ready_ps``.

        ``ahead`` was fetched before, ``rest`` is fetched now. Where the arrays wait for the pins, only the last wave
        matters.
        """
        engine, pace = self.memory.engine, self._pace(tiling)
        fetches = (*ahead, rest) if rest else ahead
        if self._arrays_wait(tiling, sum(fetch.stream.bursts for fetch in fetches)):
            arrived_ps = fetches[-1].last_ps(engine)
            last_ps = pace.load_ps + max(arrived_ps, ready_ps + pace.wave_ps * (tiling.waves - 1))
        else:
            starts, arrivals = pace.schedule(
                np.concatenate([fetch.arrivals(engine) for fetch in fetches]),
                ahead=sum(fetch.waves for fetch in ahead),
                asked_ps=fetches[-1].start_ps,
                ready_ps=ready_ps,
            )
            arrived_ps, last_ps = int(arrivals[-1]), int(starts[-1])
        return arrived_ps, last_ps + self._drain_ps(tiling)

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one multiply-add."""
        return {MAC: {"compute": self.spec.energy_pj_per_mac}}

    def static_power_w(self) -> Mapping[str, float]:
        """Static power of the unit."""
        return {"static": self.spec.static_power_w}

    def assumptions(self) -> tuple[str, ...]:
        """What the schedule leaves out."""
        return (
            f"{self.name}: weights of the next product fill up to half of the buffer once the stream before has ended",
            f"{self.name}: the first product of a step and the cache are fetched when their op starts",
            f"{self.name}: vectors and partial sums between buffer and arrays cost no energy",
            f"{self.name}: causal prefill computes whole tiles; only the multiply-adds that count cost energy",
        )
