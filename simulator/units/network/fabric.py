"""Fabric: what joins the equal devices of a platform, and runs their collectives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from simulator.errors import ConfigError
from simulator.units import hops, limits
from simulator.units.base import (
    Component,
    Environment,
    NonNegative,
    OpUnit,
    PartSpec,
    Positive,
    PositiveInt,
    Process,
    Surroundings,
    peer,
    unit_type,
)
from simulator.units.network.collectives import algorithms
from simulator.units.network.messages import LinkTiming, Network
from simulator.units.network.protocols import Protocol, candidates
from simulator.units.network.topology import topologies
from simulator.units.processors.processor import Processor
from simulator.workload.collective import COLLECTIVE_KINDS, CollectiveOp
from simulator.workload.ops import Op

BIT = "bit"
"""Action: one bit over one wire, headers included."""


class FabricSpec(PartSpec):
    """Equal links of ``bandwidth_gb_s`` (10^9 bytes a second) each way that join the devices as ``topology`` says.

    ``attached``: the component of a device that its port belongs to. ``latency_ns``: of a link, from first bit in to
    first bit out. ``node_latency_ns``: of each switch or router on the way. A packet of ``packet_bytes`` carries
    ``payload_bytes``. ``columns``: of a mesh. ``algorithms``: collective -> how the links alone do it. ``protocols``:
    of the library that does collectives in their place, by name; each collective by the quickest one.
    ``static_power_w``: of the switch and all its ports. ``energy_class``: ``link`` between packages, ``network`` on
    one die.
    """

    kind: Literal["fabric"]
    attached: str
    topology: str
    columns: PositiveInt | None = None
    bandwidth_gb_s: Positive
    latency_ns: NonNegative
    node_latency_ns: NonNegative
    packet_bytes: PositiveInt
    payload_bytes: PositiveInt
    algorithms: dict[str, str]
    protocols: dict[str, Protocol] = Field(default_factory=dict)
    energy_pj_per_bit: NonNegative
    static_power_w: NonNegative
    energy_class: Literal["link", "network"] = "link"


@dataclass(frozen=True)
class Done:
    """A collective on the idle fabric: its time, the bytes over all wires, and the bytes that reached their ends.

    ``launch_ps``: of its time, what passes before the first message.
    """

    time_ps: int
    carried_bytes: int
    delivered_bytes: int
    launch_ps: int = 0


@unit_type("fabric", FabricSpec)
class Fabric(OpUnit):
    """Runs one collective at a time on the idle network, message by message; equal ones are simulated once (exact).

    On a processor the collective is a kernel of its queue: it waits for the host, and keeps the cores running.
    What it tells its observers is one device's share, because all that a device does is counted for each of them.
    """

    kinds = COLLECTIVE_KINDS
    shared = True
    in_step = True
    spec: FabricSpec

    def __init__(self, name: str, spec: FabricSpec, around: Surroundings) -> None:
        super().__init__(name, spec, around)
        self._done: dict[tuple[str, int, int], Done] = {}
        if spec.topology not in topologies:
            raise ConfigError(topologies.unknown(spec.topology), key=f"components.{name}.topology")
        for kind, algorithm in spec.algorithms.items():
            self._algorithm(kind, algorithm, "algorithms")
        for label, protocol in spec.protocols.items():
            for kind, algorithm in protocol.algorithms.items():
                self._algorithm(kind, algorithm, f"protocols.{label}.algorithms")
        self._attached: Component | None = None

    def _algorithm(self, kind: str, algorithm: str, where: str) -> None:
        full = f"{kind}/{algorithm}"
        if full not in algorithms:
            raise ConfigError(algorithms.unknown(full), key=f"components.{self.name}.{where}.{kind}")

    def connect(self, components: Mapping[str, Component]) -> None:
        """Find the component that the port belongs to."""
        self._attached = peer(self, components, "attached", self.spec.attached, Component)

    def supports(self, kind: str) -> bool:
        """Whether ``algorithms`` or a protocol says how."""
        return kind in self.spec.algorithms or any(kind in p.algorithms for p in self.spec.protocols.values())

    @property
    def _own_protocols(self) -> tuple[str, ...]:
        """What the stack of the processor brings."""
        return self._attached.stack.spec.own_collectives if isinstance(self._attached, Processor) else ()

    def execute(self, op: Op) -> Process:
        """All messages of the collective."""
        assert isinstance(op, CollectiveOp)
        env, hooks = self.around.env, self.around.hooks
        if isinstance(self._attached, Processor):
            yield env.timeout(self._attached.issue_wait_ps(op.kind))
        start_ps = env.now_ps
        done = self.collective(op.kind, op.n_bytes, op.endpoints)
        yield env.timeout(done.time_ps)
        if isinstance(self._attached, Processor):
            self._attached.kept_active(done.time_ps, op.kind)
        share = -(-done.carried_bytes // op.devices)
        hooks.busy(self.name, start_ps, env.now_ps, op.name)
        hooks.transfer(start_ps, env.now_ps, hops.LINK, share, self.name)
        hooks.activity(self.name, BIT, 8 * share, op.kind)
        self.around.limits.add(op.kind, {limits.LINKS: done.time_ps - done.launch_ps, limits.LAUNCH: done.launch_ps})

    def collective(self, kind: str, n_bytes: int, endpoints: int) -> Done:
        """``kind`` among ``endpoints`` devices, by itself."""
        key = (kind, n_bytes, endpoints)
        found = self._done.get(key)
        if found is None:
            found = self._done[key] = self._run(*key)
        return found

    def _run(self, kind: str, n_bytes: int, endpoints: int) -> Done:
        """The quickest protocol's, or that of the links alone."""
        if endpoints < 2:
            return Done(0, 0, 0)
        best: Done | None = None
        for protocol in candidates(self.spec.protocols, kind, n_bytes, endpoints, self._own_protocols):
            if best is not None and protocol.least_ps(n_bytes, endpoints) >= best.time_ps:
                continue
            timing = protocol.link(self._timing(), n_bytes, endpoints, self._links(endpoints))
            found = self._simulate(
                self._network(Environment(), endpoints, timing),
                f"{kind}/{protocol.algorithms[kind]}",
                n_bytes,
                round(1000 * protocol.launch_ns),
            )
            best = found if best is None or found.time_ps < best.time_ps else best
        if best is not None:
            return best
        name = f"{kind}/{self.spec.algorithms[kind]}"
        return self._simulate(self.network(Environment(), endpoints), name, n_bytes, 0)

    def _simulate(self, network: Network, name: str, n_bytes: int, launch_ps: int) -> Done:
        env = network.env
        env.run(until=env.process(algorithms.get(name)(network, n_bytes)))
        return Done(launch_ps + env.now_ps, network.carried_bytes, network.delivered_bytes, launch_ps)

    def _links(self, endpoints: int) -> int:
        """Links of one endpoint that send at the same time."""
        return endpoints - 1 if self.spec.topology == "point_to_point" else 1

    def network(self, env: Environment, endpoints: int) -> Network:
        """The idle network of ``endpoints`` devices, as its links alone are."""
        return self._network(env, endpoints, self._timing())

    def _network(self, env: Environment, endpoints: int, timing: LinkTiming) -> Network:
        topology = topologies.get(self.spec.topology)(endpoints, self.spec.columns)
        return Network(env, topology, timing)

    def _timing(self) -> LinkTiming:
        spec = self.spec
        return LinkTiming(
            bandwidth_gb_s=spec.bandwidth_gb_s,
            latency_ps=round(1000 * spec.latency_ns),
            node_latency_ps=round(1000 * spec.node_latency_ns),
            packet_bytes=spec.packet_bytes,
            payload_bytes=spec.payload_bytes,
        )

    def energy_table(self) -> Mapping[str, Mapping[str, float]]:
        """Energy of one bit over one wire."""
        return {BIT: {self.spec.energy_class: self.spec.energy_pj_per_bit}}

    def assumptions(self) -> tuple[str, ...]:
        """What is not modelled."""
        free = f"{self.name}: additions of a reduction take no time beside the transfers"
        fastest = max((protocol.rate_gb_s for protocol in self.spec.protocols.values()), default=math.inf)
        if fastest >= self.spec.bandwidth_gb_s:
            return (free,)
        slower = f"its library's protocols send at most {fastest:g} of {self.spec.bandwidth_gb_s:g} GB/s from a device"
        return (free, f"{self.name}: {slower}, and do not speed up with its links")
