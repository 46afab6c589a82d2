"""Rank bus: the memory channels of a host, over which it reaches DPUs that cannot reach each other."""

from __future__ import annotations

from typing import Literal

from simulator.errors import ConfigError
from simulator.units import hops
from simulator.units.base import Positive, PositiveInt, Surroundings, unit_type
from simulator.units.link import BIT, Link, LinkSpec


class RankBusSpec(LinkSpec):
    """``dpus`` in ``ranks`` equal ranks, of which ``ranks_per_channel`` share one channel of the host.

    Rates are those of one rank: ``bandwidth_gb_s`` when each DPU gets bytes of its own, ``broadcast_gb_s`` when all get
    the same (all copies counted), ``gather_gb_s`` back to the host. ``latency_ns``: what the host takes to start a
    transfer. ``dpu``: the end with the DPUs. ``scattered``: op kinds whose results are cut up; others go to every DPU.
    """

    kind: Literal["rank_bus"]  # type: ignore[assignment]
    dpu: str
    dpus: PositiveInt
    ranks: PositiveInt
    ranks_per_channel: PositiveInt
    broadcast_gb_s: Positive
    gather_gb_s: Positive
    scattered: tuple[str, ...] = ()


@unit_type("rank_bus", RankBusSpec)
class RankBus(Link):
    """Half-duplex: one tensor at a time, either way. The ranks of a channel take turns, channels work side by side."""

    spec: RankBusSpec

    def __init__(self, name: str, spec: RankBusSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        if spec.dpu not in spec.between:
            ends = ", ".join(spec.between)
            raise ConfigError(f"'{spec.dpu}' is not an end of {name} (allowed: {ends})", key=f"components.{name}.dpu")
        self._bus_free_ps = 0

    def carry(self, ready_ps: int, n_bytes: int, start_from: str, op_kind: str) -> int:
        """Send ``n_bytes`` from the end ``start_from``; returns when the last DPU, or the host, has them."""
        crossed, gb_s = self._traffic(n_bytes, start_from, op_kind)
        channels = self.spec.ranks / self.spec.ranks_per_channel
        wire_ps = -int(-crossed * 1000 // (channels * gb_s))
        start_ps = max(ready_ps, self._bus_free_ps)
        self._bus_free_ps = start_ps + wire_ps
        end_ps = start_ps + wire_ps + round(1000 * self.spec.latency_ns)
        hooks = self.around.hooks
        hooks.busy(self.name, start_ps, start_ps + wire_ps, op_kind)
        hooks.transfer(start_ps, end_ps, hops.LINK, crossed, self.name)
        hooks.activity(self.name, BIT, 8 * crossed, op_kind)
        return end_ps

    def _traffic(self, n_bytes: int, start_from: str, op_kind: str) -> tuple[int, float]:
        """(bytes over all ranks, rate of one rank)."""
        if start_from == self.spec.dpu:
            return n_bytes, self.spec.gather_gb_s
        if op_kind in self.spec.scattered:
            return n_bytes, self.spec.bandwidth_gb_s
        return n_bytes * self.spec.dpus, self.spec.broadcast_gb_s

    def assumptions(self) -> tuple[str, ...]:
        """How results are shared out."""
        return (f"{self.name}: scattered results reach the DPUs in equal parts, and so do sums on their way back",)
