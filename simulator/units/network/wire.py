"""A wire: one direction of a link, on which the flows that wait take turns packet by packet."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import simpy
from simpy.events import NORMAL, URGENT

from simulator.units.base import Call, Callback

if TYPE_CHECKING:
    from simulator.units.base import Environment


class Wire:
    """Carries packets at ``bandwidth_gb_s`` (10^9 bytes a second); each arrives ``latency_ps`` after its last bit left.

    Arbitration is round robin over flows. The time of a busy stretch is that of its bytes, rounded up once to whole ps.
    A network carries millions of packets, so that this calls back instead of being a process that is resumed.
    """

    def __init__(self, env: Environment, bandwidth_gb_s: float, latency_ps: int) -> None:
        self._env = env
        self._bandwidth_gb_s = bandwidth_gb_s
        self._latency_ps = latency_ps
        self._waiting: dict[int, deque[tuple[int, Callback]]] = {}
        self._turns: deque[int] = deque()
        self._serving = False
        self._start_ps = 0
        self._sent_bytes = 0
        """Of this busy stretch, with the packet on the wire."""
        self._packet: tuple[int, Callback]
        """The one on the wire."""
        self.carried_bytes = 0
        """Bytes carried so far, headers included."""

    def offer(self, flow: int, n_bytes: int, arrived: Callback) -> None:
        """Queue a packet of ``flow``; ``arrived`` is called when its last byte is at the other end."""
        queue = self._waiting.get(flow)
        if queue is None:
            queue = self._waiting[flow] = deque()
        if not queue:
            self._turns.append(flow)
        queue.append((n_bytes, arrived))
        if not self._serving:
            self._serving = True
            self._env.schedule(Call(self._env, self._start), URGENT)

    def _start(self, _event: simpy.Event) -> None:
        self._start_ps, self._sent_bytes = self._env.now_ps, 0
        self._send()

    def _send(self) -> None:
        """Put the next packet on the wire."""
        flow = self._turns.popleft()
        queue = self._waiting[flow]
        self._packet = queue.popleft()
        if queue:
            self._turns.append(flow)
        self._sent_bytes += self._packet[0]
        end_ps = self._start_ps - int(-self._sent_bytes * 1000 // self._bandwidth_gb_s)
        self._env.schedule(Call(self._env, self._sent), NORMAL, end_ps - self._env.now_ps)

    def _sent(self, _event: simpy.Event) -> None:
        """The last bit of the packet has left."""
        n_bytes, arrived = self._packet
        self.carried_bytes += n_bytes
        self._env.schedule(Call(self._env, arrived), NORMAL, self._latency_ps)
        if self._turns:
            self._send()
        else:
            self._serving = False
