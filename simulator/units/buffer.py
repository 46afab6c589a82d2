"""Buffer: on-chip SRAM that streams pass through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from simulator.units import hops
from simulator.units.base import Component, NonNegative, PartSpec, PositiveInt, cycles_ps, unit_type
from simulator.units.sram_banks import Access, Banks
from simulator.workload.ops import Op

ACCESS = "byte"
"""Action: one byte written or read."""


class BufferSpec(PartSpec):
    """``capacity_bytes`` of SRAM at ``energy_pj_per_byte`` for each byte written or read.

    ``organization``: its banks; without them its bandwidth is taken to be enough.
    """

    kind: Literal["buffer"]
    capacity_bytes: PositiveInt
    energy_pj_per_byte: NonNegative
    static_power_w: NonNegative
    organization: Banks | None = None


@unit_type("buffer", BufferSpec)
class Buffer(Component):
    """An SRAM. Its users check what fits, and ask how long its banks take."""

    spec: BufferSpec

    def access_ps(self, *streams_bytes: int) -> int:
        """Time in which its banks serve streams of so many bytes each, side by side; 0 where it has none."""
        banks = self.spec.organization
        if banks is None:
            return 0
        cycles = banks.cycles([Access(banks.words(n_bytes)) for n_bytes in streams_bytes])
        return cycles_ps(cycles, banks.clock_mhz)

    def passed(self, start_ps: int, end_ps: int, n_bytes: int, op: Op) -> None:
        """``n_bytes`` were written and read once."""
        self.around.hooks.transfer(start_ps, end_ps, hops.SRAM, 2 * n_bytes, self.name)
        self.around.hooks.activity(self.name, ACCESS, 2 * n_bytes, op.kind)

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one byte."""
        return {ACCESS: {"sram": self.spec.energy_pj_per_byte}}

    def assumptions(self) -> tuple[str, ...]:
        """What is not modelled."""
        if self.spec.organization is not None:
            return ()
        return (f"{self.name}: SRAM bandwidth is taken to be enough for its users",)
