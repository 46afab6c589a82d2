"""Link: carries tensors between two components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import simpy

from simulator.errors import ConfigError
from simulator.units import hops
from simulator.units.base import Component, NonNegative, PartSpec, Positive, Surroundings, unit_type

BIT = "bit"
"""Action: one bit carried."""


class LinkSpec(PartSpec):
    """Joins two components.

    ``bandwidth_gb_s`` (10^9 bytes a second) each way; ``latency_ns`` from first bit in to first bit out.
    ``energy_class``:
    ``link`` between packages, ``network`` on one die.
    """

    kind: Literal["link"]
    between: tuple[str, str]
    bandwidth_gb_s: Positive
    latency_ns: NonNegative
    energy_pj_per_bit: NonNegative
    static_power_w: NonNegative
    energy_class: Literal["link", "network"] = "link"


@unit_type("link", LinkSpec)
class Link(Component):
    """A full-duplex link: tensors of one direction follow each other in order of the calls; latency is pipelined."""

    spec: LinkSpec

    def __init__(self, name: str, spec: LinkSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self._free_ps = dict.fromkeys(spec.between, 0)

    def connect(self, components: Mapping[str, Component]) -> None:
        """Check the ends."""
        for position, end in enumerate(self.spec.between):
            if end not in components:
                raise ConfigError(
                    f"there is no component '{end}' (known: {', '.join(components)})",
                    key=f"components.{self.name}.between.{position}",
                )

    def send(self, n_bytes: int, start_from: str, op_kind: str) -> simpy.Event:
        """Send ``n_bytes`` from the end ``start_from`` now; the event happens when the last byte arrives."""
        env = self.around.env
        return env.timeout(self.carry(env.now_ps, n_bytes, start_from, op_kind) - env.now_ps)

    def carry(self, ready_ps: int, n_bytes: int, start_from: str, op_kind: str) -> int:
        """Send ``n_bytes`` from the end ``start_from``, not before ``ready_ps``; returns when the last byte arrives."""
        start_ps = max(ready_ps, self._free_ps[start_from])
        wire_ps = -int(-n_bytes * 1000 // self.spec.bandwidth_gb_s)
        self._free_ps[start_from] = start_ps + wire_ps
        end_ps = start_ps + wire_ps + round(1000 * self.spec.latency_ns)
        hooks = self.around.hooks
        hooks.busy(self.name, start_ps, start_ps + wire_ps, op_kind)
        hooks.transfer(start_ps, end_ps, hops.LINK, n_bytes, self.name)
        hooks.activity(self.name, BIT, 8 * n_bytes, op_kind)
        return end_ps

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one bit."""
        return {BIT: {self.spec.energy_class: self.spec.energy_pj_per_bit}}
