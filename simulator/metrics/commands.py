"""Commands: how many of each kind the memories issued."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from simulator.metrics.stage import Stage, Tally, whole


class CommandCounts(Tally):
    """Adds up the DRAM commands of all channels, by name."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._counts: dict[str, float] = defaultdict(int)
        self.simulated = 0
        """Commands accounted for in the simulated steps, without the weights of sampling."""

    def commands(self, component: str, counts: Mapping[str, int]) -> None:
        """``component`` issued ``counts`` commands (summed over its channels)."""
        del component
        for name, count in counts.items():
            self._counts[name] += count * self.stage.count
            self.simulated += count

    def by_name(self) -> dict[str, int]:
        """Commands by name over the whole run; names that never occurred are left out."""
        return {name: whole(self._counts[name]) for name in sorted(self._counts) if self._counts[name]}
