"""Data movement: bytes over each hop between the cell array and the arithmetic."""

from __future__ import annotations

from collections import defaultdict

from simulator.metrics.stage import Stage, Tally, whole


class DataMovement(Tally):
    """Adds up the bytes of each transfer by its hop."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._bytes: dict[str, float] = defaultdict(int)

    def transfer(self, start_ps: int, end_ps: int, hop: str, n_bytes: int, component: str) -> None:
        """``n_bytes`` crossed ``hop`` in ``component``."""
        del start_ps, end_ps, component
        self._bytes[hop] += n_bytes * self.stage.count

    def by_hop(self) -> dict[str, int]:
        """Bytes by hop over the whole run."""
        return {hop: whole(self._bytes[hop]) for hop in sorted(self._bytes)}
