"""The waves of a product: where they come from and when each starts on the arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.units.dram_stream import StreamWork
from simulator.units.storage import Clock

Times = npt.NDArray[np.int64]

NEVER_PS = -(1 << 60)
"""A time before all others."""


@dataclass(frozen=True)
class Fetch:
    """``waves`` waves of a product that come as one stream from ``start_ps`` on (ps since the start of the run)."""

    start_ps: int
    stream: StreamWork
    waves: int

    def last_ps(self, engine: Clock) -> int:
        """When the last of them is there."""
        return self.start_ps + engine.to_ps(self.stream.work.end_ticks)

    def arrivals(self, engine: Clock) -> Times:
        """When each of them is there; each has an equal share of the bursts."""
        shares = -(-np.arange(1, self.waves + 1) * self.stream.bursts // self.waves)
        return self.start_ps + engine.all_to_ps(self.stream.arrival(shares))


@dataclass(frozen=True)
class Pace:
    """How the arrays take waves.

    ``load_ps``: to shift the first wave in. ``wave_ps``: from the start of one wave to that of the next. ``window``:
    waves of the product at work that the buffer holds.
    """

    load_ps: int
    wave_ps: int
    window: int

    def schedule(
        self, arrivals: Times, *, ahead: int = 0, asked_ps: int = 0, ready_ps: int = NEVER_PS
    ) -> tuple[Times, Times]:
        """(start of each wave's vectors, arrival of each wave), for ``arrivals`` on a stream that nothing hinders.

        The first ``ahead`` waves were fetched before the product started, the others are asked for from ``asked_ps``
        on; their bytes are on their way for as long as on the unhindered stream, from when the wave before has arrived
        and the wave ``window`` before has been shifted in. No wave is shifted in before ``ready_ps``.
        """
        index = np.arange(len(arrivals))
        service = np.diff(arrivals, prepend=0)
        if ahead < len(arrivals):
            service[ahead] = arrivals[ahead] - asked_ps
        total = np.cumsum(service)
        first = max(self.window, ahead)
        hindered = arrivals
        while True:
            earliest = np.maximum(hindered, ready_ps) - self.wave_ps * index
            starts = self.load_ps + self.wave_ps * index + np.maximum.accumulate(earliest)
            room = np.full(len(arrivals), NEVER_PS)
            room[first:] = starts[first - self.window : max(first, len(arrivals)) - self.window]
            later = np.maximum(arrivals, total + np.maximum.accumulate(room - (total - service)))
            if np.array_equal(later, hindered):
                return starts, hindered
            hindered = later
