"""Collectives along a line of cores of a mesh, by the wafer-scale model of Luczynski et al. (HPDC 2024).

A collective takes max(C, E / N + L) + (2 T_R + 1) D cycles: C words that one core takes in, E / N words that a link
carries, L hops, and D additions in a row, each with a way down the ramp from the router to its core and back up (T_R).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isqrt


@dataclass(frozen=True)
class Line:
    """``cores`` cores in a row with one word a cycle and link, each way; ``ramp`` cycles from router to core."""

    cores: int
    ramp: int

    @property
    def reach(self) -> int:
        """Hops from the middle to the farther end."""
        return self.cores // 2

    @property
    def _step(self) -> int:
        return 2 * self.ramp + 1

    def broadcast(self, words: int) -> int:
        """From the middle to both ends; routers copy words as they pass."""
        return words + self.reach + self._step if self.cores > 1 else 0

    def reduce(self, words: int) -> int:
        """From both ends to the middle: sums along groups of cores, then along the groups' last ones.

        Each side is cut into groups of about the root of its length. A group's last core takes in its group's sums and
        those of the groups before, the middle one those of both sides.
        """
        if self.cores == 1:
            return 0
        group = max(1, isqrt(self.reach))
        additions = (group - 1) + ceil(self.reach / group)
        streams = min(2, self.cores - 1)
        return streams * words + self.reach + self._step * additions

    def allreduce(self, words: int) -> int:
        """A reduction and a broadcast of its sums."""
        return self.reduce(words) + self.broadcast(words)

    def crossings(self, words: int) -> int:
        """Words times links of a broadcast, or of a reduction."""
        return words * (self.cores - 1)
