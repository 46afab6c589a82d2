"""How long a kernel takes: arithmetic, cache and memory side by side, at the clock that they may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.units import limits
from simulator.units.processors.demand import Demand


@dataclass(frozen=True)
class Streamed:
    """A kernel's traffic with the memory: when it ends from now on, what held it, and its DRAM commands."""

    took_ps: int
    held: Mapping[str, int]
    commands: Mapping[str, int]


@dataclass(frozen=True)
class Paced:
    """A kernel's time and what held it; ``clock`` and ``voltage`` of the cores over the full ones."""

    took_ps: int
    held: Mapping[str, int]
    clock: float = 1.0
    voltage: float = 1.0


def paced(demand: Demand, cache_ps: int, streamed: Streamed, after_ps: int, at: tuple[float, float]) -> Paced:
    """The longest of arithmetic, cache traffic (both at full clock) and stream, and ``after_ps`` if that is any time.

    ``at``: (clock, voltage) that the cores have.
    """
    clock, voltage = at
    full_ps = max(demand.compute_ps, cache_ps)
    core_ps = -int(-full_ps // clock)
    resource = demand.resource if demand.compute_ps >= cache_ps else limits.CACHE
    held: Mapping[str, int] = {resource: full_ps}
    if core_ps > full_ps:
        held = {resource: full_ps, limits.POWER: core_ps - full_ps}
    if streamed.took_ps > core_ps:
        core_ps, held = streamed.took_ps, streamed.held
    return Paced(core_ps + after_ps if core_ps else 0, held, clock, voltage)
