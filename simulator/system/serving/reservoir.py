"""A random choice of the steps of a run, drawn while it goes on."""

from __future__ import annotations

from simulator.system.serving.composition import Composition
from simulator.workload.traffic.draw import stream

CHECKED = 8
"""Steps that are simulated as they are."""


class Reservoir:
    """Of all steps offered, `CHECKED` drawn with equal chances."""

    def __init__(self, seed: int) -> None:
        self._random = stream(seed, "checked steps")
        self._offered = 0
        self.steps: list[Composition] = []

    def offer(self, step: Composition) -> None:
        """One more step."""
        self._offered += 1
        if len(self.steps) < CHECKED:
            self.steps.append(step)
            return
        at = self._random.randrange(self._offered)
        if at < CHECKED:
            self.steps[at] = step
