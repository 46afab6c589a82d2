"""Stacked memory: DRAM dies whose channels reach the logic die below over vertical buses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from simulator.errors import ConfigError, MappingError
from simulator.mapping.chain import Chain
from simulator.units import limits
from simulator.units.base import Component, peer, unit_type
from simulator.units.dram_stream import StreamShape, StreamWork
from simulator.units.dram_work import Work
from simulator.units.memory import Memory, MemorySpec
from simulator.units.storage import Booking
from simulator.units.vertical_bus import VerticalBus, carried
from simulator.workload.ops import Op

Pace = Annotated[float, Field(gt=0, le=1)]


class StackedMemorySpec(MemorySpec):
    """Channels as in `MemorySpec`, which send and receive over the buses of the component ``bus``.

    ``pace``: the share of time in which they may transfer; a controller that throttles lets them rest for the others.
    """

    kind: Literal["stacked_dram"]  # type: ignore[assignment]
    bus: str
    pace: Pace = 1.0


@unit_type("stacked_dram", StackedMemorySpec)
class StackedMemory(Memory):
    """A memory whose bursts cross a vertical bus: a burst is there when its turn on the bus is over.

    The DRAM serves a stream as fast as it can and holds its rows until the bus has taken the last burst; writes are
    paced as reads are.
    """

    spec: StackedMemorySpec
    bus: VerticalBus

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the bus. Raises ConfigError for one that another memory uses or whose groups are not equal."""
        self.bus = peer(self, components, "bus", self.spec.bus, VerticalBus)
        sharing = [c.name for c in components.values() if isinstance(c, StackedMemory) and c.spec.bus == self.spec.bus]
        if sharing != [self.name]:
            raise ConfigError(f"'{self.spec.bus}' already serves '{sharing[0]}'", key=f"components.{sharing[-1]}.bus")
        if self.spec.channels % self.bus.spec.buses:
            raise ConfigError(
                f"{self.bus.spec.buses} buses cannot serve equal groups of {self.spec.channels} channels",
                key=f"components.{self.bus.name}.buses",
            )

    @property
    def turn_ps(self) -> float:
        """Time in which each channel of one bus sends one burst."""
        return self.bus.turn_ps(self.spec.dram.organization.burst_bytes, self.spec.channels)

    @property
    def _latency_ticks(self) -> int:
        return self.engine.to_ticks(round(1000 * self.bus.spec.latency_ns))

    def look_up_shape(self, shape: StreamShape) -> tuple[int, StreamWork]:
        """The stream as it leaves the vertical bus."""
        start, stream = super().look_up_shape(shape)
        key = ("across", self.turn_ps, self.spec.pace, self._latency_ticks)
        across: StreamWork | None = stream.memo.get(key)
        if across is None:
            across = stream.memo[key] = self._across(stream)
        return start, across

    def _across(self, stream: StreamWork) -> StreamWork:
        tick_ps = self.spec.dram.tCK_ps / self.spec.dram.ticks_per_clock
        arrivals = stream.arrival(np.arange(1, stream.bursts + 1))
        crossed = carried(arrivals * tick_ps, self.turn_ps) / (tick_ps * self.spec.pace)
        ticks = np.ceil(np.round(crossed, 6)).astype(np.int64)
        latency = self._latency_ticks

        def arrival(bursts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            found: npt.NDArray[np.int64] = ticks[bursts - 1] + latency
            return found

        return StreamWork(self._stretched(stream, int(arrivals[-1]), int(ticks[-1])), stream.bursts, arrival)

    def _stretched(self, stream: StreamWork, dram_end: int, end: int) -> Work:
        """The work of a stream whose last burst is across at tick ``end``; the DRAM alone would end at ``dram_end``."""
        work, turns = stream.work, stream.bursts * self.turn_ps
        tick_ps = self.spec.dram.tCK_ps / self.spec.dram.ticks_per_clock
        held = dict(work.held)
        across = max(dram_end, ceil(turns / tick_ps))
        if across > dram_end:
            held[limits.VERTICAL_BUS] = across
        if self.spec.pace < 1:
            held[limits.THROTTLE] = max(0, end - across)
        return replace(
            work,
            ticks=work.ticks + end - dram_end,
            end_ticks=end + self._latency_ticks,
            open_ticks=round(work.open_ticks * end / dram_end),
            bank_ticks=round(work.bank_ticks * end / dram_end),
            held=held,
        )

    def run(self, chain: Chain, op: Op) -> Booking:
        """Near-bank programs: their bursts cross as they come, so the buses have to be as fast as the channels."""
        if self.bus.bytes_per_s < self.pin_bytes_per_s or self.spec.pace < 1:
            raise MappingError(
                f"{op.name}: near-bank programs of '{self.name}' need vertical buses as fast as its channels "
                f"({self.pin_bytes_per_s / 1e9:g} GB/s) and no throttling"
            )
        start = self._start()
        work = self.engine.chain(chain, start)
        return self._book(start, replace(work, end_ticks=work.end_ticks + self._latency_ticks), work.ticks, op)

    def _report(self, booking: Booking, free_ps: int, op: Op) -> None:
        super()._report(booking, free_ps, op)
        n_bytes = booking.work.read_bytes + booking.work.write_bytes
        if n_bytes:
            self.bus.passed(booking.start_ps, n_bytes, op)
