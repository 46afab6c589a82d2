"""Matrix unit: systolic arrays fed from a memory through an on-chip buffer."""

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
    Process,
    Surroundings,
    cycles_ps,
    peer,
    unit_type,
)
from simulator.units.buffer import Buffer
from simulator.units.cells import Cells, CellsSpec
from simulator.units.dram_stream import StreamWork
from simulator.units.dram_work import Work
from simulator.units.fetch_ahead import FetchAhead
from simulator.units.processors.stack import Stack
from simulator.units.storage import Storage
from simulator.units.systolic import Passes, Shape
from simulator.units.wave_pace import Fetch, Pace
from simulator.workload.ops import KindsOf, Op


class MatrixSpec(CellsSpec):
    """As `CellsSpec`; the stored operands come from ``memory`` through ``buffer``.

    ``stack``: what launches the ops, if anything has to.
    """

    kind: Literal["matrix"]
    memory: str
    buffer: str
    stack: str | None = None
    static_power_w: NonNegative


@dataclass(frozen=True)
class Tiling:
    """An op on the arrays, in cycles with every operand at hand.

    ``waves``: parts in which its stored operand comes, one block of `Array` for each array; they start ``busy / waves``
    after each other, the first ``load`` after the start. ``cycles``: all. ``held_waves``: waves that stay in the buffer
    for several tiles.
    """

    waves: int
    busy: int
    load: int
    cycles: int
    held_waves: int = 1


def tiling_of(passes: Sequence[Passes], waves: int, held_waves: int = 1) -> Tiling:
    """A product's passes, one after the other, with its stored operand in ``waves`` waves."""
    busy = sum(part.tiles * part.interval for part in passes)
    last = passes[-1]
    return Tiling(waves, busy, passes[0].load, passes[0].load + busy - last.interval + last.drain, held_waves)


@dataclass(frozen=True)
class MatrixRun:
    """An op on the arrays: its beginning, the arrival of its last bytes, which ``work`` brought, and its end."""

    start_ps: int
    arrived_ps: int
    end_ps: int
    work: Work


@unit_type("matrix", MatrixSpec)
class Matrix(OpUnit):
    """Runs products with weights and with the KV cache, whose stored operand streams in while the arrays work.

    It comes in waves, one block of ``rows`` x ``cols`` cells for each array; `Array` says how many cycles they take. A
    wave starts when its bytes have arrived; they may be requested once the buffer has room. Weights do not depend on
    the ops before: their first waves are fetched while those still work, as far as half of the buffer has room.
    """

    kinds = KindsOf("matrix", "grouped_matrix", "attention")
    spec: MatrixSpec
    memory: Storage
    buffer: Buffer
    _ahead: FetchAhead
    _key: tuple[str, int]
    """All of this unit that its pace depends on."""

    def __init__(self, name: str, spec: MatrixSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.clock_ps = 1e6 / spec.clock_mhz
        self.cells = Cells(self, spec)

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find memory and buffer. Raises MappingError for a buffer that cannot hold two waves."""
        self.memory = peer(self, components, "memory", self.spec.memory, Storage)  # type: ignore[type-abstract]
        self.buffer = peer(self, components, "buffer", self.spec.buffer, Buffer)
        self._stack = peer(self, components, "stack", self.spec.stack, Stack) if self.spec.stack else None
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
        return self.cells.wave_bytes

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
        """Peak rate of all arrays, at the operands that they are quickest at."""
        return self.cells.flops_per_s

    def tiling(self, op: Op) -> Tiling:
        """The waves and cycles of an op."""
        product = self.cells.product(op)
        rate = self.cells.rate(op, product)
        each = [
            Shape(matrices, m, product.n, product.k)
            for m, matrices in product.loads or ((product.m, product.matrices),)
        ]
        passes = [self.cells.array.passes(shape, rate.macs_per_cell, rate.beat_cycles) for shape in each]
        whole = Shape(product.matrices, product.m, product.n, product.k)
        waves = self.cells.array.blocks(whole, rate.macs_per_cell)
        held = max(self.cells.array.held_blocks(shape, rate.macs_per_cell) for shape in each)
        return tiling_of(passes, waves, held)

    def take(self, op: Op) -> Op:
        """As `Cells.take`."""
        return self.cells.take(op)

    def expect(self, ops: Sequence[Op]) -> None:
        """The products whose weights can be fetched ahead."""
        self._ahead.expect(ops)

    def execute(self, op: Op) -> Process:
        """Stream and arrays side by side, wave by wave; when the stream has ended, that of the next weights begins."""
        env, hooks = self.around.env, self.around.hooks
        n_bytes = op.weight_bytes + op.kv_read_bytes
        tiling = self.tiling(op)
        self._check_room(op, tiling)
        if self._stack is not None:
            yield env.timeout(self._stack.gaps_ps(op.kind))
        delays_ps = self.memory.delays_ps()
        run = self._run(op, tiling, n_bytes)
        banks_ps = self.buffer.access_ps(n_bytes, n_bytes, op.input_bytes, op.output_bytes)
        end_ps = max(run.end_ps, run.start_ps + banks_ps)
        yield env.timeout(max(0, run.arrived_ps - env.now_ps))
        self._ahead.fetch()
        yield env.timeout(end_ps - env.now_ps)
        yield from self.memory.catch_up(delays_ps)
        hooks.busy(self.name, run.start_ps, end_ps, op.name)
        hooks.activity(self.name, *self.cells.multiplied(op), op.kind)
        self.buffer.passed(run.start_ps, end_ps, n_bytes, op)
        self.around.limits.add(op.kind, self._held(run, tiling, banks_ps))

    def _held(self, run: MatrixRun, tiling: Tiling, banks_ps: int) -> Mapping[str, int]:
        """What the op waited for: the stream, the arrays or the banks of the buffer."""
        if banks_ps > run.end_ps - run.start_ps:
            return {limits.BANKS: banks_ps}
        work_ps = self._ps(tiling.busy)
        streamed = run.arrived_ps - run.start_ps >= work_ps
        return self.memory.held_ps(run.work) if streamed else {limits.COMPUTE: work_ps}

    def estimate_ps(self, op: Op) -> int:
        """The longer of stream at the peak of the pins and waves, and the way out."""
        op = self.tried(op)
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

    def _check_room(self, op: Op, tiling: Tiling) -> None:
        """What several tiles meet in a row has to stay in the buffer."""
        room = self.waves_buffered - self.waves_ahead
        if tiling.held_waves > room:
            raise MappingError(
                f"{op.name}: {self.spec.dataflow} keeps {tiling.held_waves} waves of {self.wave_bytes} bytes in the "
                f"buffer of {self.name}, which has room for {room}"
            )

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Whole bursts of the stationary operand."""
        return {(self.memory.name, hops.CELLS_TO_IO): self.memory.burst_bytes(op.weight_bytes + op.kv_read_bytes)}

    def _ps(self, cycles: int) -> int:
        return cycles_ps(cycles, self.spec.clock_mhz)

    def _wave_ps(self, tiling: Tiling) -> int:
        """From one wave to the next, rounded down; `_timing` makes up for that."""
        return self._ps(tiling.busy) // tiling.waves

    def _drain_ps(self, tiling: Tiling) -> int:
        """From the start of the last wave to the last results."""
        return self._ps(tiling.cycles - tiling.load - tiling.busy * (tiling.waves - 1) // tiling.waves)

    def _pace(self, tiling: Tiling) -> Pace:
        return Pace(self._ps(tiling.load), self._wave_ps(tiling), self.waves_buffered - self.waves_ahead)

    def _arrays_wait(self, tiling: Tiling, bursts: int) -> bool:
        """Whether the arrays take waves at least as fast as the pins can bring them."""
        return self._ps(tiling.busy) <= bursts * self.memory.burst_ps

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
            first_ps, last_ps = ready_ps, pace.load_ps + max(arrived_ps, ready_ps + pace.wave_ps * (tiling.waves - 1))
        else:
            starts, arrivals = pace.schedule(
                np.concatenate([fetch.arrivals(engine) for fetch in fetches]),
                ahead=sum(fetch.waves for fetch in ahead),
                asked_ps=fetches[-1].start_ps,
                ready_ps=ready_ps,
            )
            arrived_ps, first_ps, last_ps = int(arrivals[-1]), int(starts[0]) - pace.load_ps, int(starts[-1])
        return arrived_ps, max(first_ps + self._ps(tiling.cycles), last_ps + self._drain_ps(tiling))

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one multiply-add, by width where that is known."""
        return self.cells.energy.table

    def assumptions(self) -> tuple[str, ...]:
        """What the schedule leaves out."""
        return (
            f"{self.name}: weights of the next product fill up to half of the buffer once the stream before has ended",
            f"{self.name}: the first product of a step and the cache are fetched when their op starts",
            f"{self.name}: vectors and partial sums between buffer and arrays cost no energy",
            f"{self.name}: causal prefill computes whole tiles; only the multiply-adds that count cost energy",
        )
