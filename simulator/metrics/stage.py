"""The stage a run is in, shared by all tallies of one run."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.hooks import Instrument


@dataclass
class Stage:
    """Where the run is: ``name`` is one of ``result.STAGES``.

    ``time``, ``count``, ``tokens``: how often what is simulated now happens one after the other, how often it happens
    in all (on every device), and how many tokens each sequence gets at its end. All are 1 but where a scenario
    samples its decode steps, or where one of many equal blocks and devices is simulated.
    """

    name: str = "prefill"
    time: float = 1
    count: float = 1
    tokens: float = 1

    def weigh(self, weight: float) -> None:
        """The step stands for ``weight`` steps, as it is."""
        self.time = self.count = self.tokens = weight


class Tally(Instrument):
    """An observer that files what it sees under the current stage, as often as it counts."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def flush(self) -> None:
        """Close the current step: called before the stage or its weights change, and at the end of the run."""


def whole(count: float) -> int:
    """A weighted count as the nearest whole number; exact when no step is sampled, since weights are then 1."""
    return round(count)
