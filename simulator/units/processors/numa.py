"""NUMA: the memory of a CPU is spread over its sockets, and what lies on another socket comes over their links."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from simulator.config.base_schema import Spec
from simulator.units.base import NonNegative, Positive


class Numa(Spec):
    """``sockets`` with an equal share of the cores and of the memory's channels.

    ``link_gb_s``: what one socket sends to, and receives from, all other ones together; ``remote_latency_ns``: of their
    memory, beyond the own one's. ``placement``: threads read what lies on their own socket (``local``, as with a
    process for each), pages are dealt out to all sockets in turn (``interleave``), or all pages lie on the
    ``first_socket``, where the thread that loaded the model ran.
    """

    sockets: Annotated[int, Field(ge=2, le=64)]
    link_gb_s: Positive
    remote_latency_ns: NonNegative
    placement: Literal["local", "interleave", "first_socket"]

    @property
    def remote_share(self) -> float:
        """Share of all bytes that come from another socket."""
        return 0.0 if self.placement == "local" else (self.sockets - 1) / self.sockets

    @property
    def latency_ns(self) -> float:
        """Mean latency beyond that of a socket's own memory."""
        return self.remote_share * self.remote_latency_ns

    def least_ps(self, n_bytes: int, spread_ps: int) -> int:
        """Least time of a stream that takes the memory of all sockets together ``spread_ps``.

        The busiest link carries what its socket receives or, from the first socket, all that the others read.
        """
        busiest = n_bytes * self.remote_share
        if self.placement == "interleave":
            busiest /= self.sockets
        memory_ps = spread_ps * (self.sockets if self.placement == "first_socket" else 1)
        return max(memory_ps, round(1000 * busiest / self.link_gb_s))
