"""Drive: a solid-state drive that data is read from and written to in whole, without a model of its flash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from simulator.mapping.layout import Store
from simulator.units import hops
from simulator.units.base import Component, NonNegative, PartSpec, Positive, Surroundings, unit_type

BYTE = "byte"
"""Action: one byte read or written."""
BLOCK_BYTES = 4096


class DriveSpec(PartSpec):
    """Sequential ``read_gb_s`` and ``write_gb_s`` (10^9 bytes a second); ``latency_ns`` of an access."""

    kind: Literal["drive"]
    capacity_bytes: Annotated[int, Field(ge=1, le=2**60)]
    read_gb_s: Positive
    write_gb_s: Positive
    latency_ns: NonNegative
    energy_pj_per_byte: NonNegative
    static_power_w: NonNegative


@unit_type("drive", DriveSpec)
class Drive(Component):
    """Serves one access after the other, in the order of the calls."""

    spec: DriveSpec

    def __init__(self, name: str, spec: DriveSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self._free_ps = 0

    @property
    def store(self) -> Store:
        """This drive as the layout sees it."""
        return Store(self.name, 1, 1, self.spec.capacity_bytes // BLOCK_BYTES, BLOCK_BYTES)

    def access(self, n_bytes: int, op_kind: str, *, write: bool) -> int:
        """Read or write ``n_bytes``; returns when the last of them is there."""
        now_ps = self.around.env.now_ps
        rate = self.spec.write_gb_s if write else self.spec.read_gb_s
        start_ps = max(now_ps, self._free_ps)
        self._free_ps = start_ps - int(-n_bytes * 1000 // rate)
        end_ps = self._free_ps + round(1000 * self.spec.latency_ns)
        hooks = self.around.hooks
        hooks.busy(self.name, start_ps, self._free_ps, op_kind)
        hooks.transfer(start_ps, end_ps, hops.DRIVE, n_bytes, self.name)
        hooks.activity(self.name, BYTE, n_bytes, op_kind)
        return end_ps

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of a byte, with the host's memory out of account."""
        return {BYTE: {"host": self.spec.energy_pj_per_byte}}

    def static_power_w(self) -> Mapping[str, float]:
        """Power of the idle drive."""
        return {"host": self.spec.static_power_w}

    def assumptions(self) -> tuple[str, ...]:
        """What is left out."""
        return (f"{self.name}: sequential rates hold, as for reads of whole blocks of a model; flash is not modelled",)
