"""Vault mesh: the network on a logic die that gives every vault what the vaults computed each for themselves."""

from __future__ import annotations

from typing import Literal

from simulator.errors import ConfigError
from simulator.units import hops
from simulator.units.base import PositiveInt, Surroundings, unit_type
from simulator.units.link import BIT, Link, LinkSpec


class VaultMeshSpec(LinkSpec):
    """A mesh of ``columns`` x ``rows`` vaults; ``bandwidth_gb_s``, ``latency_ns`` and energy are those of one hop.

    ``between``: two units that both have a part in every vault. What the end ``gathers`` receives has to be complete
    in each of its parts; what the other end receives stays in the vault where it was made.
    """

    kind: Literal["vault_mesh"]  # type: ignore[assignment]
    columns: PositiveInt
    rows: PositiveInt
    gathers: str


@unit_type("vault_mesh", VaultMeshSpec)
class VaultMesh(Link):
    """An all-gather in two phases, along the rows of the mesh, then along its columns, one tensor at a time.

    Each of V vaults has n / V bytes at first. The busiest link of a row carries (C - 1) n / V bytes, that of a column
    (R - 1) C n / V, together n (V - 1) / V; each byte crosses V - 1 links in all.
    """

    spec: VaultMeshSpec

    def __init__(self, name: str, spec: VaultMeshSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        if spec.gathers not in spec.between:
            raise ConfigError(
                f"'{spec.gathers}' is not an end of {name} (allowed: {', '.join(spec.between)})",
                key=f"components.{name}.gathers",
            )
        self._gather_free_ps = 0

    @property
    def vaults(self) -> int:
        """Vaults of the mesh."""
        return self.spec.columns * self.spec.rows

    def carry(self, ready_ps: int, n_bytes: int, start_from: str, op_kind: str) -> int:
        """Send ``n_bytes`` from the end ``start_from``; returns when they are complete at the other."""
        hop_ps = round(1000 * self.spec.latency_ns)
        if start_from == self.spec.gathers:
            return ready_ps + hop_ps
        start_ps = max(ready_ps, self._gather_free_ps)
        wire_ps = -int(-n_bytes * (self.vaults - 1) * 1000 // (self.vaults * self.spec.bandwidth_gb_s))
        self._gather_free_ps = start_ps + wire_ps
        end_ps = start_ps + wire_ps + max(1, self.spec.columns + self.spec.rows - 2) * hop_ps
        crossed = n_bytes * (self.vaults - 1)
        hooks = self.around.hooks
        hooks.busy(self.name, start_ps, start_ps + wire_ps, op_kind)
        hooks.transfer(start_ps, end_ps, hops.LINK, crossed, self.name)
        hooks.activity(self.name, BIT, 8 * crossed, op_kind)
        return end_ps

    def assumptions(self) -> tuple[str, ...]:
        """What the model of the network leaves out."""
        return (
            f"{self.name}: all-gathers meet no other traffic",
            f"{self.name}: sums and maxima over the rows of element-wise ops cross the mesh free",
        )
