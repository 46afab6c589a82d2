"""Where requests come from: at their times, or whenever a client of a closed loop is free."""

from __future__ import annotations

from collections.abc import Sequence as ListOf

from simulator.workload.traffic.request import Request


class Arrivals:
    """The requests of a stream; with ``concurrency`` as many clients, each of which asks again once it is answered."""

    def __init__(self, requests: ListOf[Request], concurrency: int | None = None) -> None:
        self._requests = requests
        self._closed = concurrency is not None
        self._allowed = concurrency or 0
        self._next = 0

    def due(self, now_ps: int) -> list[Request]:
        """The requests that have arrived by ``now_ps`` and were not given before."""
        first = self._next
        while self._next < len(self._requests) and self._arrived(now_ps):
            self._next += 1
        return list(self._requests[first : self._next])

    def _arrived(self, now_ps: int) -> bool:
        if self._closed:
            return self._next < self._allowed
        return self._requests[self._next].arrival_ps <= now_ps

    def answered(self) -> None:
        """A request is complete: its client asks again."""
        self._allowed += 1

    def next_ps(self) -> int | None:
        """When the next one arrives, if that is known."""
        if self._closed or self._next == len(self._requests):
            return None
        return self._requests[self._next].arrival_ps
