"""Power limit of a board: how far clock and voltage give way under a kernel that would draw more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.units.base import Positive

HALVINGS = 24
"""Steps of the search for a clock."""

Share = Annotated[float, Field(gt=0, le=1)]


class PowerLimit(Spec):
    """What a board may draw, cores and memory together, and its voltage at lower clocks.

    ``least_clock``: the lowest clock over the full one. The voltage falls linearly with the clock, from 1 at the full
    one to ``least_voltage`` at ``knee_clock``, and no further.
    """

    limit_w: Positive
    least_clock: Share
    knee_clock: Annotated[float, Field(gt=0, lt=1)]
    least_voltage: Share

    def voltage(self, clock: float) -> float:
        """Voltage at ``clock``, both over those at full clock."""
        slope = (1 - self.least_voltage) / (1 - self.knee_clock)
        return max(self.least_voltage, 1 - slope * (1 - clock))


@dataclass(frozen=True)
class Load:
    """A kernel at full clock and voltage.

    ``core_ps`` follow the clock, ``other_ps`` (the memory's stream) run beside them, ``after_ps`` come on top of both.
    ``core_pj`` are spent at the cores' voltage, ``other_pj`` are not; ``clocked_w`` flow from the clocks of the cores,
    ``other_w`` regardless of clock and voltage.
    """

    core_ps: int
    other_ps: int
    after_ps: int
    core_pj: float
    other_pj: float
    clocked_w: float
    other_w: float

    def power_w(self, clock: float, voltage: float) -> float:
        """Mean power at a clock and a voltage; a pJ each ps is a W."""
        took_ps = max(self.core_ps / clock, self.other_ps) + self.after_ps
        spent_pj = self.core_pj * voltage**2 + self.other_pj
        return self.other_w + self.clocked_w * clock * voltage**2 + spent_pj / took_ps


def clock_under(limit: PowerLimit, load: Load) -> float:
    """The highest clock, over the full one, at which ``load`` keeps ``limit``; the lowest where none does."""

    def keeps(clock: float) -> bool:
        return load.power_w(clock, limit.voltage(clock)) <= limit.limit_w

    if keeps(1.0):
        return 1.0
    low, high = limit.least_clock, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return low


def total_pj(prices: Mapping[str, Mapping[str, float]], counts: Mapping[str, float]) -> float:
    """Energy of ``counts`` actions at ``prices`` (action -> energy class -> pJ)."""
    return sum(count * sum(prices.get(action, {}).values()) for action, count in counts.items())
