"""Equal bins of time, and what falls into each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bins:
    """``count`` bins of ``width_ps``, the first from ``first_ps`` on."""

    first_ps: int
    width_ps: int
    count: int

    @property
    def last_ps(self) -> int:
        """Where the last bin ends."""
        return self.first_ps + self.width_ps * self.count

    def busy(self, intervals: Iterable[tuple[int, int]]) -> tuple[float, ...]:
        """Share of each bin that intervals (start, end) cover; overlapping ones count once."""
        busy_ps, done_ps = [0] * self.count, self.first_ps
        for start, end in sorted(intervals):
            now, stop = max(start, done_ps), min(end, self.last_ps)
            while now < stop:
                position = (now - self.first_ps) // self.width_ps
                until = min(stop, self.first_ps + (position + 1) * self.width_ps)
                busy_ps[position] += until - now
                now = until
            done_ps = max(done_ps, stop)
        return tuple(round(ps / self.width_ps, 3) for ps in busy_ps)

    def spread(self, amounts: Iterable[tuple[int, int, int]]) -> tuple[int, ...]:
        """What falls into each bin of amounts (start, end, how much) that flow evenly, or at once where they end so."""
        found = [0.0] * self.count
        for start, end, amount in amounts:
            now, stop = max(start, self.first_ps), min(end, self.last_ps)
            if start == end and self.first_ps <= start < self.last_ps:
                found[(start - self.first_ps) // self.width_ps] += amount
            while now < stop:
                position = (now - self.first_ps) // self.width_ps
                until = min(stop, self.first_ps + (position + 1) * self.width_ps)
                found[position] += amount * (until - now) / (end - start)
                now = until
        return tuple(round(amount) for amount in found)
