"""Messages over a network: cut into packets, forwarded wire by wire, copied where routes part."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import simpy

from simulator.units.network.topology import Route, Topology, WireName
from simulator.units.network.wire import Wire

if TYPE_CHECKING:
    from simulator.units.base import Environment

OnPacket = Callable[[int], None]
"""Called with a packet's number when it has arrived."""

MOST_PACKETS = 4096
"""Packets of one message that are followed one by one, if not said otherwise; a longer one travels in equal trains."""


@dataclass(frozen=True)
class LinkTiming:
    """Of every link: rate each way, latency from last bit in to last bit out, that of a node behind it, and packets.

    A packet of ``packet_bytes`` on the wire carries ``payload_bytes``; a last one that is not full is sent whole. A
    message of more than ``most_packets`` travels in that many trains. ``message_ps``: what an endpoint is busy with
    for each message before its first bit leaves (LogP's overhead).
    """

    bandwidth_gb_s: float
    latency_ps: int
    node_latency_ps: int
    packet_bytes: int
    payload_bytes: int
    message_ps: int = 0
    most_packets: int = MOST_PACKETS


class _Message:
    """What of a message is still on its way: ``missing`` packets, counted at each end."""

    def __init__(self, env: Environment, flow: int, missing: int, on_packet: OnPacket | None) -> None:
        self.flow = flow
        self.done = env.event()
        self._missing = missing
        self._on_packet = on_packet
        if not missing:
            self.done.succeed()

    def arrived(self, number: int) -> None:
        """Packet ``number`` is at one of the ends."""
        if self._on_packet is not None:
            self._on_packet(number)
        self._missing -= 1
        if not self._missing:
            self.done.succeed()


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a packet goes from a node: it is for ``ends`` endpoints here, and for all others of ``all_ends`` onward."""

    ends: int
    onward: tuple[tuple[Wire, _Way], ...]
    all_ends: int


class Network:
    """The wires of a topology, made on first use. Messages run in ``env``."""

    def __init__(self, env: Environment, topology: Topology, link: LinkTiming) -> None:
        self.env = env
        self.topology = topology
        self.link = link
        self.wires: dict[WireName, Wire] = {}
        self.delivered_bytes = 0
        self._flows = 0
        self._ways: dict[tuple[int, tuple[int, ...]], _Way] = {}
        self._free_ps: dict[int, int] = {}

    @property
    def carried_bytes(self) -> int:
        """Bytes over all wires so far, headers included; what crosses two wires counts twice."""
        return sum(wire.carried_bytes for wire in self.wires.values())

    def packets(self, n_bytes: int) -> list[tuple[int, int]]:
        """(payload, bytes on the wire) of each packet, or train of packets, of a message."""
        link = self.link
        train = -(-n_bytes // (link.payload_bytes * link.most_packets)) or 1
        full = link.payload_bytes * train
        whole, rest = divmod(n_bytes, full)
        found = [(full, link.packet_bytes * train)] * whole
        if rest:
            found.append((rest, -(-rest // link.payload_bytes) * link.packet_bytes))
        return found

    def send(self, start: int, ends: Iterable[int], n_bytes: int, on_packet: OnPacket | None = None) -> simpy.Event:
        """A message from ``start`` to all ``ends`` (copied where their routes part).

        The event succeeds when every end has every byte.
        """
        way = self._way_to(start, tuple(end for end in ends if end != start))
        packets = self.packets(n_bytes) if way.all_ends else []
        message = _Message(self.env, self._new_flow(), len(packets) * way.all_ends, on_packet)
        wait_ps = self._prepare_ps(start) if way.all_ends else 0
        if not wait_ps:
            self._inject(way, packets, message)
        else:
            prepared = self.env.timeout(wait_ps)
            assert prepared.callbacks is not None
            prepared.callbacks.append(lambda _: self._inject(way, packets, message))
        return message.done

    def _prepare_ps(self, start: int) -> int:
        """Time until an endpoint, which prepares its messages one after the other, has prepared the next."""
        if start < 0 or not self.link.message_ps:
            return 0
        now_ps = self.env.now_ps
        self._free_ps[start] = max(now_ps, self._free_ps.get(start, 0)) + self.link.message_ps
        return self._free_ps[start] - now_ps

    def _inject(self, way: _Way, packets: list[tuple[int, int]], message: _Message) -> None:
        for number, packet in enumerate(packets):
            self._forward(way, packet, message, number)

    def _new_flow(self) -> int:
        self._flows += 1
        return self._flows

    def _forward(
        self, way: _Way, packet: tuple[int, int], message: _Message, number: int, _event: simpy.Event | None = None
    ) -> None:
        """A packet is at a node: count it if it is for this one, and send it on its next wires, a copy on each."""
        payload, wire_bytes = packet
        for _ in range(way.ends):
            self.delivered_bytes += payload
            message.arrived(number)
        for wire, rest in way.onward:
            wire.offer(message.flow, wire_bytes, partial(self._forward, rest, packet, message, number))

    def _way_to(self, start: int, ends: tuple[int, ...]) -> _Way:
        way = self._ways.get((start, ends))
        if way is None:
            way = self._ways[start, ends] = self._way([self.topology.route(start, end) for end in ends])
        return way

    def _way(self, routes: list[Route]) -> _Way:
        """One copy for all routes that share the next wire."""
        following: dict[WireName, list[Route]] = {}
        for route in filter(None, routes):
            following.setdefault(route[0], []).append(route[1:])
        onward = tuple((self._wire(name), self._way(rest)) for name, rest in following.items())
        return _Way(sum(not route for route in routes), onward, len(routes))

    def _wire(self, name: WireName) -> Wire:
        wire = self.wires.get(name)
        if wire is None:
            link = self.link
            latency_ps = link.latency_ps + link.node_latency_ps * self.topology.nodes(name)
            wire = self.wires[name] = Wire(self.env, link.bandwidth_gb_s, latency_ps)
        return wire
