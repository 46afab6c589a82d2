"""Copy engine: moves weights and cached tokens between a far memory and the one that an accelerator reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from simulator.errors import ConfigError
from simulator.units import hops, limits
from simulator.units.base import Component, OpUnit, PartSpec, Process, peer, unit_type
from simulator.units.drive import Drive
from simulator.units.link import Link
from simulator.units.memory import Memory
from simulator.workload.ops import Op
from simulator.workload.transfers import FETCH, STORE


class CopyEngineSpec(PartSpec):
    """Copies between ``far``, a memory or a drive, and the memory ``near``, over the link ``over``, or over several.

    Several are named from the far side on. ``far_end``: the end of the (first) link on the far side.
    """

    kind: Literal["copy_engine"]
    far: str
    near: str
    over: str | Annotated[tuple[str, ...], Field(min_length=1)]
    far_end: str


@unit_type("copy_engine", CopyEngineSpec)
class CopyEngine(OpUnit):
    """Runs fetches and stores, one at a time; reading, crossing the link and writing go on side by side."""

    kinds = frozenset({FETCH.name, STORE.name})
    spec: CopyEngineSpec
    far: Memory | Drive
    near: Memory
    way: tuple[tuple[Link, str, str], ...]
    """Links from the far side on, each with its ends: the far one, the near one."""

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find both ends and the links between them."""
        self.near = peer(self, components, "near", self.spec.near, Memory)
        over = (self.spec.over,) if isinstance(self.spec.over, str) else self.spec.over
        self.way = tuple(self._way([peer(self, components, "over", name, Link) for name in over]))
        kind: type[Memory | Drive] = Drive if self._is_drive(components.get(self.spec.far)) else Memory
        self.far = peer(self, components, "far", self.spec.far, kind)

    def _way(self, links: Sequence[Link]) -> Iterator[tuple[Link, str, str]]:
        far_end, key = self.spec.far_end, "far_end"
        for link in links:
            ends = link.spec.between
            if far_end not in ends:
                message = f"'{far_end}' is no end of {link.name} (ends: {', '.join(ends)})"
                raise ConfigError(message, key=f"components.{self.name}.{key}")
            near_end = ends[1] if far_end == ends[0] else ends[0]
            yield link, far_end, near_end
            far_end, key = near_end, "over"

    @staticmethod
    def _is_drive(component: Component | None) -> bool:
        return isinstance(component, Drive)

    def execute(self, op: Op) -> Process:
        """Both memories and the link, from now on; the last of them to be done sets the end."""
        env, n_bytes = self.around.env, op.weight_bytes + op.kv_read_bytes + op.kv_write_bytes
        start_ps, inward = env.now_ps, op.kind == FETCH.name
        far_ps = self._far(op, n_bytes, write=not inward)
        link_ps = self._carry(start_ps, n_bytes, op.kind, inward=inward)
        near_ps = self.near.stream(n_bytes, op, write=inward).end_ps
        ends = {limits.FAR_MEMORY: far_ps, limits.FAR_LINK: link_ps, limits.PINS: near_ps}
        end_ps = max(ends.values())
        yield env.timeout(end_ps - start_ps)
        self.around.hooks.busy(self.name, start_ps, end_ps, op.name)
        slowest = max(ends, key=lambda name: ends[name])
        self.around.limits.add(op.kind, {slowest: end_ps - start_ps})

    def _carry(self, start_ps: int, n_bytes: int, op_kind: str, *, inward: bool) -> int:
        """When the last byte has crossed all links, each of which passes on what comes while more is on its way."""
        end_ps = ready_ps = start_ps
        for link, far_end, near_end in self.way if inward else reversed(self.way):
            latency_ps = round(1000 * link.spec.latency_ns)
            carried_ps = link.carry(ready_ps, n_bytes, far_end if inward else near_end, op_kind)
            end_ps, ready_ps = max(end_ps + latency_ps, carried_ps), ready_ps + latency_ps
        return end_ps

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
        over = " and ".join(link.name for link, _, _ in self.way)
        return (f"{self.name}: a copy reads, crosses {over} and is written at the same time, as one stream",)
