"""The stage a run is in, shared by all tallies of one run."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.hooks import Instrument


@dataclass
class Stage:
    """Where the run is: ``name`` is one of ``result.STAGES``.

    ``weight`` is how many real steps the simulated one stands for: 1 unless the scenario samples its decode steps.
    """

    name: str = "prefill"
    weight: float = 1


class Tally(Instrument):
    """An observer that files what it sees under the current stage, times the stage's weight."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def flush(self) -> None:
        """Close the current step: called before the stage or its weight changes, and at the end of the run."""


def whole(count: float) -> int:
    """A weighted count as the nearest whole number; exact when no step is sampled, since weights are then 1."""
    return round(count)
