"""Protocols of a collective library: how its kernels use the links, and what they cost beside the wires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.units.base import NonNegative, Positive, PositiveInt
from simulator.units.network.messages import LinkTiming

if TYPE_CHECKING:
    from collections.abc import Mapping

TRAINS = 32
"""Pieces in which a library's kernels pass a message on."""


class Protocol(Spec):
    """One way in which a library does collectives.

    ``algorithms``: collective -> how it is done. ``launch_ns``: from the end of the kernel before to the first message.
    ``message_ns``: an endpoint's time for each message. ``rate_gb_s``: payload that one endpoint sends at most, over
    all of its links together, with all ``channels``; a channel after the first takes ``channel_bytes`` of the vector
    for each endpoint, so that a short vector gets only some of them. ``most_bytes``: of the vectors it takes.
    ``framework``: only where the stack brings it (``own_collectives``).
    """

    algorithms: dict[str, str] = Field(min_length=1)
    launch_ns: NonNegative
    message_ns: NonNegative
    rate_gb_s: Positive
    channels: PositiveInt = 1
    channel_bytes: PositiveInt = 1
    most_bytes: PositiveInt | None = None
    framework: bool = False

    def takes(self, kind: str, n_bytes: int, own: tuple[str, ...], name: str) -> bool:
        """Whether it may do a collective of ``n_bytes`` under a stack with ``own`` protocols."""
        fits = self.most_bytes is None or n_bytes <= self.most_bytes
        return kind in self.algorithms and fits and (not self.framework or name in own)

    def rate(self, n_bytes: int, endpoints: int) -> float:
        """Payload GB/s of one endpoint for a vector of ``n_bytes``."""
        used = min(float(self.channels), max(1.0, n_bytes / (self.channel_bytes * endpoints)))
        return self.rate_gb_s * used / self.channels

    def least_ps(self, n_bytes: int, endpoints: int) -> float:
        """A lower bound of any collective's time: its launch, a message, and each byte out of the endpoint once."""
        wire_ps = 1000 * n_bytes / endpoints / self.rate(n_bytes, endpoints)
        return 1000 * (self.launch_ns + self.message_ns) + wire_ps

    def link(self, plain: LinkTiming, n_bytes: int, endpoints: int, links: int) -> LinkTiming:
        """The timing of each of an endpoint's ``links``, no faster than ``plain``, under this protocol."""
        headers = plain.packet_bytes / plain.payload_bytes
        return LinkTiming(
            bandwidth_gb_s=min(plain.bandwidth_gb_s, self.rate(n_bytes, endpoints) / links * headers),
            latency_ps=plain.latency_ps,
            node_latency_ps=plain.node_latency_ps,
            packet_bytes=plain.packet_bytes,
            payload_bytes=plain.payload_bytes,
            message_ps=round(1000 * self.message_ns),
            most_packets=TRAINS,
        )


def candidates(
    protocols: Mapping[str, Protocol], kind: str, n_bytes: int, endpoints: int, own: tuple[str, ...]
) -> list[Protocol]:
    """The protocols that may do a collective, that with the lowest bound of its time first."""
    fitting = [p for name, p in protocols.items() if p.takes(kind, n_bytes, own, name)]
    return sorted(fitting, key=lambda protocol: protocol.least_ps(n_bytes, endpoints))
