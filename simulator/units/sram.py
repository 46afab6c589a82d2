"""SRAM that holds weights and cache: banks with ports behind streams of a fixed width."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from simulator.mapping.layout import Store
from simulator.units import hops, limits
from simulator.units.base import NonNegative, PartSpec, PositiveInt, Surroundings, cycles_ps, unit_type
from simulator.units.dram_stream import StreamWork
from simulator.units.dram_work import Work
from simulator.units.sram_banks import Access, Banks
from simulator.units.storage import Booking, Storage
from simulator.workload.ops import Op

READ_BYTE, WRITTEN_BYTE = "read_byte", "written_byte"


class SramSpec(PartSpec):
    """``bank_bytes`` in each bank of ``organization``; all its streams together carry ``stream_words`` words a cycle.

    ``latency_cycles``: from a bank to the unit that reads. ``static_power_w``: leakage and clock. ``parts``: what has
    one such SRAM, in words of which there could be more.
    """

    kind: Literal["sram"]
    organization: Banks
    bank_bytes: PositiveInt
    stream_words: PositiveInt
    latency_cycles: NonNegative
    energy_pj_per_byte: NonNegative
    static_power_w: NonNegative
    parts: str = "chips"


class SramClock:
    """Ticks of an SRAM are cycles of its clock."""

    def __init__(self, clock_mhz: float) -> None:
        self._mhz = clock_mhz

    def to_ps(self, ticks: int) -> int:
        """Time in ps, rounded up."""
        return cycles_ps(ticks, self._mhz)

    def all_to_ps(self, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """As `to_ps`, of each."""
        found: npt.NDArray[np.int64] = -(-ticks * 1_000_000 // self._mhz).astype(np.int64)
        return found

    def to_ticks(self, time_ps: int) -> int:
        """The first cycle that starts at ``time_ps`` or later."""
        ticks = max(0, int(time_ps * self._mhz // 1_000_000) - 1)
        while self.to_ps(ticks) < time_ps:
            ticks += 1
        return ticks


@unit_type("sram", SramSpec)
class Sram(Storage):
    """All SRAM of a chip as one storage; a static schedule lets one stream after the other use all banks.

    A stream is as quick as its busiest bank or the streams' width, whichever is slower.
    """

    spec: SramSpec
    engine: SramClock

    def __init__(self, name: str, spec: SramSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self.engine = SramClock(spec.organization.clock_mhz)
        self.clock_ps = 1e6 / spec.organization.clock_mhz
        self._free_tick = 0

    @property
    def store(self) -> Store:
        """One part, whose banks take whole words."""
        banks = self.spec.organization
        rows = self.spec.bank_bytes // banks.word_bytes
        return Store(self.name, 1, banks.banks, rows, banks.word_bytes, parts=self.spec.parts)

    @property
    def words_per_cycle(self) -> int:
        """Of banks and streams, the fewer."""
        return min(self.spec.organization.words_per_cycle, self.spec.stream_words)

    @property
    def pin_bytes_per_s(self) -> float:
        """Peak rate of banks and streams, the slower."""
        banks = self.spec.organization
        return self.words_per_cycle * banks.word_bytes * banks.clock_mhz * 1e6

    @property
    def burst_ps(self) -> float:
        """Of a word, as its share of a cycle."""
        return 1e6 / self.spec.organization.clock_mhz / self.words_per_cycle

    @property
    def round_bytes(self) -> int:
        """A word of each bank."""
        return self.spec.organization.banks * self.spec.organization.word_bytes

    def burst_bytes(self, n_bytes: int) -> int:
        """Bytes of whole words."""
        return self.spec.organization.words(n_bytes) * self.spec.organization.word_bytes

    def look_up(self, n_bytes: int, *, write: bool = False) -> tuple[int, StreamWork]:
        """(first cycle, stream)."""
        start = max(self._free_tick, self.engine.to_ticks(self.around.env.now_ps))
        return start, _stream(self.spec.organization, self.spec.stream_words, self._latency, n_bytes, write=write)

    @property
    def _latency(self) -> int:
        return round(self.spec.latency_cycles)

    def stream(self, n_bytes: int, op: Op, *, write: bool = False) -> Booking:
        """A plain stream for ``op``, as soon as the banks are free."""
        start, stream = self.look_up(n_bytes, write=write)
        return self.book(start, stream, 0, op)

    def book(self, start: int, stream: StreamWork, end_ps: int, op: Op) -> Booking:
        """As `Storage.book`; the next stream may follow when the last word has left its bank."""
        work = stream.work
        slack = max(0, self.engine.to_ticks(end_ps) - start - work.end_ticks)
        self._free_tick = start + work.ticks + slack
        booking = Booking(self.engine.to_ps(start), self.engine.to_ps(start + work.end_ticks + slack), work)
        hooks = self.around.hooks
        hooks.busy(self.name, booking.start_ps, self.engine.to_ps(self._free_tick), op.name)
        hooks.transfer(booking.start_ps, booking.end_ps, hops.CELLS_TO_IO, work.array_bytes, self.name)
        for action, n_bytes in ((READ_BYTE, work.read_bytes), (WRITTEN_BYTE, work.write_bytes)):
            if n_bytes:
                hooks.activity(self.name, action, n_bytes, op.kind)
        return booking

    def held_ps(self, work: Work) -> Mapping[str, int]:
        """Banks or streams, whichever was slower."""
        return {resource: self.engine.to_ps(ticks) for resource, ticks in work.held.items()}

    def ceilings(self) -> tuple[tuple[tuple[str, ...], float], ...]:
        """The rate of banks and streams."""
        return (((hops.CELLS_TO_IO,), self.pin_bytes_per_s),)

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of a byte read or written."""
        price = {"sram": self.spec.energy_pj_per_byte}
        return {READ_BYTE: price, WRITTEN_BYTE: price}

    def assumptions(self) -> tuple[str, ...]:
        """How data lies in the banks."""
        return (f"{self.name}: weights and cache lie over all banks in turn, so that a stream meets no bank conflict",)


@lru_cache(maxsize=4096)
def _stream(banks: Banks, stream_words: int, latency: int, n_bytes: int, *, write: bool) -> StreamWork:
    words = banks.words(n_bytes)
    in_banks, on_streams = banks.cycles([Access(words)]), -(-words // stream_words)
    ticks = max(in_banks, on_streams)
    moved = words * banks.word_bytes
    work = Work(
        ticks=ticks,
        end_ticks=ticks + latency,
        commands={},
        read_bytes=0 if write else moved,
        write_bytes=moved if write else 0,
        array_bytes=moved,
        held={limits.BANKS if in_banks > on_streams else limits.SRAM_STREAMS: ticks},
    )
    rate = min(banks.words_per_cycle, stream_words)

    def arrival(bursts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        found: npt.NDArray[np.int64] = latency - (-bursts // rate)
        return found

    return StreamWork(work, words, arrival)
