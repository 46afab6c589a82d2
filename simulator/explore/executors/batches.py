"""Which points go to a worker together: enough work to hide the hand-over, little enough to end at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from simulator.explore.points import Point

TARGET_S = 10.0
"""How long a batch is meant to take."""

FIRST_GUESS_S = 1e-3
"""Seconds for each unit of `Point.cost`, until the first points have shown better."""

MOST_POINTS = 64
SHARE = 4
"""A batch is at most this part of what each worker still has to do, so that no worker ends long before the others."""


class Queue:
    """The points that wait, in order, and the expected time of each."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._points = deque(points)
        self._s_per_cost = FIRST_GUESS_S
        self._seen_cost = 0
        self._seen_s = 0.0

    def __len__(self) -> int:
        return len(self._points)

    def expected_s(self, point: Point) -> float:
        """How long ``point`` is likely to take."""
        return point.cost * self._s_per_cost

    def learn(self, point: Point, took_s: float) -> None:
        """Correct the estimate by a point that is done."""
        self._seen_cost += point.cost
        self._seen_s += took_s
        if self._seen_cost:
            self._s_per_cost = max(self._seen_s / self._seen_cost, 1e-9)

    def put_back(self, points: Iterable[Point]) -> None:
        """Points that were handed out and not begun go first, in their order."""
        self._points.extendleft(reversed(list(points)))

    def take(self, workers: int) -> list[Point]:
        """The next batch for one of ``workers``; empty when nothing waits."""
        batch: list[Point] = []
        left = len(self._points)
        most = max(1, min(MOST_POINTS, left // (SHARE * workers)))
        total_s = 0.0
        while self._points and len(batch) < most and (not batch or total_s < TARGET_S):
            batch.append(self._points.popleft())
            total_s += self.expected_s(batch[-1])
        return batch
