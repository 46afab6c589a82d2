"""Copy engine: moves weights and cached tokens between a far memory and the one that an accelerator reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from simulator.errors import ConfigError
from simulator.units import hops, limits
from simulator.units.base import Component, OpUnit, PartSpec, Process, peer, unit_type
from simulator.units.drive import Drive
from simulator.units.link import Link
from simulator.units.memory import Memory
from simulator.workload.ops import Op
from simulator.workload.transfers import FETCH, STORE


class CopyEngineSpec(PartSpec):
    """Copies between ``far``, a memory or a drive, and the memory ``near``, over the link ``over``.

    ``far_end``: the end of the link on the far side.
    """

    kind: Literal["copy_engine"]
    far: str
    near: str
    over: str
    far_end: str


@unit_type("copy_engine", CopyEngineSpec)
class CopyEngine(OpUnit):
    """Runs fetches and stores, one at a time; reading, crossing the link and writing go on side by side."""

    kinds = frozenset({FETCH.name, STORE.name})
    spec: CopyEngineSpec
    far: Memory | Drive
    near: Memory
    link: Link

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find both ends and the link."""
        self.near = peer(self, components, "near", self.spec.near, Memory)
        self.link = peer(self, components, "over", self.spec.over, Link)
        kind: type[Memory | Drive] = Drive if self._is_drive(components.get(self.spec.far)) else Memory
        self.far = peer(self, components, "far", self.spec.far, kind)
        if self.spec.far_end not in self.link.spec.between:
            raise ConfigError(
                f"'{self.spec.far_end}' is no end of {self.spec.over} (ends: {', '.join(self.link.spec.between)})",
                key=f"components.{self.name}.far_end",
            )

    @staticmethod
    def _is_drive(component: Component | None) -> bool:
        return isinstance(component, Drive)

    def execute(self, op: Op) -> Process:
        """Both memories and the link, from now on; the last of them to be done sets the end."""
        env, n_bytes = self.around.env, op.weight_bytes + op.kv_read_bytes + op.kv_write_bytes
        start_ps, inward = env.now_ps, op.kind == FETCH.name
        near_end, far_end = self._near_end(), self.spec.far_end
        far_ps = self._far(op, n_bytes, write=not inward)
        link_ps = self.link.carry(start_ps, n_bytes, far_end if inward else near_end, op.kind)
        near_ps = self.near.stream(n_bytes, op, write=inward).end_ps
        ends = {limits.FAR_MEMORY: far_ps, limits.FAR_LINK: link_ps, limits.PINS: near_ps}
        end_ps = max(ends.values())
        yield env.timeout(end_ps - start_ps)
        self.around.hooks.busy(self.name, start_ps, end_ps, op.name)
        slowest = max(ends, key=lambda name: ends[name])
        self.around.limits.add(op.kind, {slowest: end_ps - start_ps})

    def _near_end(self) -> str:
        return next(end for end in self.link.spec.between if end != self.spec.far_end)

    def _far(self, op: Op, n_bytes: int, *, write: bool) -> int:
        if isinstance(self.far, Drive):
            return self.far.access(n_bytes, op.kind, write=write)
        return self.far.stream(n_bytes, op, write=write).end_ps

    def array_bytes(self, op: Op) -> Mapping[tuple[str, str], int]:
        """Whole bursts in both memories."""
        n_bytes = op.weight_bytes + op.kv_read_bytes + op.kv_write_bytes
        found = {(self.near.name, hops.CELLS_TO_IO): self.near.burst_bytes(n_bytes)}
        if isinstance(self.far, Memory):
            found[self.far.name, hops.CELLS_TO_IO] = self.far.burst_bytes(n_bytes)
        return found

    def assumptions(self) -> tuple[str, ...]:
        """What is taken for granted."""
        return (f"{self.name}: a copy reads, crosses {self.spec.over} and is written at the same time, as one stream",)
