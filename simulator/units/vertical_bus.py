"""Vertical buses: the wires between the DRAM dies of a stack and its logic die (TSVs, hybrid bonds)."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from simulator.units import hops
from simulator.units.base import Component, NonNegative, PartSpec, Positive, PositiveInt, unit_type
from simulator.workload.ops import Op

BIT = "bit"
"""Action: one bit carried."""

Times = npt.NDArray[np.floating[Any]]


class VerticalBusSpec(PartSpec):
    """``buses`` equal buses, each of ``width_bits`` data wires at ``rate_mbps``, shared by an equal group of channels.

    ``latency_ns``: from one die to the other, pipelined. ``energy_pj_per_bit``: of one bit over the wires and their
    drivers.
    """

    kind: Literal["vertical_bus"]
    buses: PositiveInt
    width_bits: PositiveInt
    rate_mbps: Positive
    latency_ns: NonNegative
    energy_pj_per_bit: NonNegative
    static_power_w: NonNegative


@unit_type("vertical_bus", VerticalBusSpec)
class VerticalBus(Component):
    """Carries the bursts of one stacked memory, which asks it when they arrive.

    The channels of a group take turns, one burst each.
    """

    spec: VerticalBusSpec

    @property
    def bytes_per_s(self) -> float:
        """Peak rate of all buses together."""
        return self.spec.buses * self.spec.width_bits * self.spec.rate_mbps * 1e6 / 8

    def turn_ps(self, burst_bytes: int, channels: int) -> float:
        """Time in which each of the channels of one bus sends one burst, ``channels`` in all."""
        return channels / self.spec.buses * burst_bytes * 8 * 1e6 / (self.spec.width_bits * self.spec.rate_mbps)

    def passed(self, start_ps: int, n_bytes: int, op: Op) -> None:
        """``n_bytes`` cross, from ``start_ps`` on, spread evenly over the buses."""
        end_ps = start_ps + ceil(n_bytes / self.bytes_per_s * 1e12)
        hooks = self.around.hooks
        hooks.busy(self.name, start_ps, end_ps, op.name)
        hooks.transfer(start_ps, end_ps, hops.VERTICAL_BUS, n_bytes, self.name)
        hooks.activity(self.name, BIT, 8 * n_bytes, op.kind)

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one bit."""
        return {BIT: {"tsv": self.spec.energy_pj_per_bit}}

    def ceilings(self) -> tuple[tuple[tuple[str, ...], float], ...]:
        """The wires' rate."""
        return (((hops.VERTICAL_BUS,), self.bytes_per_s),)

    def assumptions(self) -> tuple[str, ...]:
        """How the channels of a group are taken to load their bus."""
        return (
            f"{self.name}: all channels of a bus carry what the busiest does, and take turns burst by burst",
            f"{self.name}: commands and addresses have wires of their own and cost no time or energy here",
        )


def carried(arrivals: Times, turn: float) -> Times:
    """When each burst of a channel is across a bus whose channels all have bursts at ``arrivals`` (ascending).

    ``turn`` is the time in which each of them sends one. A burst leaves when it has arrived and the bus is free of
    the turns before: D(k) = max(A(k), D(k - 1)) + turn.
    """
    index = np.arange(len(arrivals))
    found: Times = turn * (index + 1) + np.maximum.accumulate(arrivals - turn * index)
    return found
