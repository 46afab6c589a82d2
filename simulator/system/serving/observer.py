"""What is seen of a request stream over time: how many are in the system, and a series of bounded length."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_POINTS = 256
FIRST_INTERVAL_PS = 10**9


@dataclass
class Census:
    """The integral of the number of requests in the system over time, exact in whole ps."""

    area_ps: int = 0
    inside: int = 0
    _since_ps: int = 0

    def change(self, now_ps: int, by: int) -> None:
        """``by`` requests more are in the system from ``now_ps`` on."""
        self.area_ps += self.inside * (now_ps - self._since_ps)
        self._since_ps = now_ps
        self.inside += by


@dataclass(frozen=True)
class Moment:
    """The state at one time: requests that wait and run, and pages of the KV cache in use."""

    time_ps: int
    waiting: int
    running: int
    kv_pages: int


@dataclass
class Series:
    """Moments at about equal distances, at most `MOST_POINTS`: when there are more, every second one goes."""

    moments: list[Moment] = field(default_factory=list)
    _interval_ps: int = FIRST_INTERVAL_PS
    _next_ps: int = 0

    def wants(self, now_ps: int) -> bool:
        """Whether it is time for a moment."""
        return now_ps >= self._next_ps

    def add(self, moment: Moment) -> None:
        """One more moment."""
        self.moments.append(moment)
        if len(self.moments) > MOST_POINTS:
            self.moments = self.moments[::2]
            self._interval_ps *= 2
        self._next_ps = moment.time_ps + self._interval_ps
