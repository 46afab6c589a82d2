"""A wire: one direction of a link, on which the flows that wait take turns packet by packet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.units.base import Environment, Process

Arrived = Callable[[], None]


class Wire:
    """Carries packets at ``bandwidth_gb_s`` (10^9 bytes a second); each arrives ``latency_ps`` after its last bit left.

    Arbitration is round robin over flows. The time of a busy stretch is that of its bytes, rounded up once to whole ps.
    """

    def __init__(self, env: Environment, bandwidth_gb_s: float, latency_ps: int) -> None:
        self._env = env
        self._bandwidth_gb_s = bandwidth_gb_s
        self._latency_ps = latency_ps
        self._waiting: dict[int, deque[tuple[int, Arrived]]] = {}
        self._turns: deque[int] = deque()
        self._serving = False
        self.carried_bytes = 0
        """Bytes carried so far, headers included."""

    def offer(self, flow: int, n_bytes: int, arrived: Arrived) -> None:
        """Queue a packet of ``flow``; ``arrived`` is called when its last byte is at the other end."""
        queue = self._waiting.setdefault(flow, deque())
        if not queue:
            self._turns.append(flow)
        queue.append((n_bytes, arrived))
        if not self._serving:
            self._serving = True
            self._env.process(self._serve())

    def _serve(self) -> Process:
        env = self._env
        start_ps, sent = env.now_ps, 0
        while self._turns:
            flow = self._turns.popleft()
            queue = self._waiting[flow]
            n_bytes, arrived = queue.popleft()
            if queue:
                self._turns.append(flow)
            sent += n_bytes
            yield env.timeout(start_ps - int(-sent * 1000 // self._bandwidth_gb_s) - env.now_ps)
            self.carried_bytes += n_bytes
            self._deliver(arrived)
        self._serving = False

    def _deliver(self, arrived: Arrived) -> None:
        event = self._env.timeout(self._latency_ps)
        assert event.callbacks is not None
        event.callbacks.append(lambda _: arrived())
