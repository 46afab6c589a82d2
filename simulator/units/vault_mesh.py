"""Vault mesh: the network on a logic die that gives every vault what the vaults computed each for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import simpy

from simulator.errors import ConfigError
from simulator.units import hops
from simulator.units.base import PositiveInt, Process, Surroundings, unit_type
from simulator.units.link import BIT, Link, LinkSpec
from simulator.units.network.mesh_gather import MOST_PACKETS, Mesh, gather_ends
from simulator.units.network.messages import LinkTiming


class VaultMeshSpec(LinkSpec):
    """A mesh of ``columns`` x ``rows`` vaults; ``bandwidth_gb_s``, ``latency_ns`` and energy are those of one hop.

    ``between``: two units that both have a part in every vault. What the end ``gathers`` receives has to be complete
    in each of its parts; what the other end receives stays in the vault where it was made. ``packet_bytes`` at a time
    cross a hop.
    """

    kind: Literal["vault_mesh"]  # type: ignore[assignment]
    columns: PositiveInt
    rows: PositiveInt
    packet_bytes: PositiveInt
    gathers: str


@dataclass
class _Flow:
    """A gather on its way, and when it ends as far as is known."""

    n_bytes: int
    start_ps: int
    end_ps: int = 0


@unit_type("vault_mesh", VaultMeshSpec)
class VaultMesh(Link):
    """An all-gather in two phases, along the rows of the mesh, then along its columns; those that meet share the wires.

    Each of V vaults has n / V bytes at first. The busiest link of a row carries (C - 1) n / V bytes, that of a column
    (R - 1) C n / V, together n (V - 1) / V; each byte crosses V - 1 links in all. Time is that of the packets on the
    wires (`network.mesh_gather`), equal situations simulated once.
    """

    spec: VaultMeshSpec

    def __init__(self, name: str, spec: VaultMeshSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        if spec.gathers not in spec.between:
            raise ConfigError(
                f"'{spec.gathers}' is not an end of {name} (allowed: {', '.join(spec.between)})",
                key=f"components.{name}.gathers",
            )
        hop_ps = round(1000 * spec.latency_ns)
        link = LinkTiming(spec.bandwidth_gb_s, hop_ps, 0, spec.packet_bytes, spec.packet_bytes)
        self._mesh = Mesh(spec.columns, spec.rows, link)
        self._together: list[_Flow] = []
        """The gathers since the mesh was last idle."""

    @property
    def vaults(self) -> int:
        """Vaults of the mesh."""
        return self._mesh.nodes

    def send(self, n_bytes: int, start_from: str, op_kind: str) -> simpy.Event:
        """Send ``n_bytes`` from the end ``start_from`` now; the event happens when they are complete at the other."""
        env = self.around.env
        if start_from == self.spec.gathers or self.vaults == 1:
            return env.timeout(self._mesh.link.latency_ps)
        if all(flow.end_ps <= env.now_ps for flow in self._together):
            self._together = []
        flow = _Flow(n_bytes, env.now_ps)
        self._together.append(flow)
        self._tell_ends()
        return env.process(self._deliver(flow, op_kind))

    def _tell_ends(self) -> None:
        """When the gathers that share the mesh end, if no other joins them."""
        first_ps = self._together[0].start_ps
        starts = tuple((flow.start_ps - first_ps, flow.n_bytes) for flow in self._together)
        for flow, end_ps in zip(self._together, gather_ends(self._mesh, starts), strict=True):
            flow.end_ps = max(flow.end_ps, first_ps + end_ps)

    def _deliver(self, flow: _Flow, op_kind: str) -> Process:
        env, hooks = self.around.env, self.around.hooks
        while env.now_ps < flow.end_ps:
            yield env.timeout(flow.end_ps - env.now_ps)
        crossed = flow.n_bytes * (self.vaults - 1)
        hooks.busy(self.name, flow.start_ps, env.now_ps, op_kind)
        hooks.transfer(flow.start_ps, env.now_ps, hops.LINK, crossed, self.name)
        hooks.activity(self.name, BIT, 8 * crossed, op_kind)

    def assumptions(self) -> tuple[str, ...]:
        """What the model of the network leaves out."""
        return (
            f"{self.name}: of more than {MOST_PACKETS} packets of a vault several travel as one",
            f"{self.name}: sums and maxima over the rows of element-wise ops cross the mesh free",
        )
