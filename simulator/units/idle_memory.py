"""Low-power states of a memory between pieces of work: which are entered, for how long, and how long waking takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.config.dram_schema import Dram
from simulator.config.timing import clocks

NOT_ENTERED = 1 << 62


@dataclass(frozen=True)
class IdleStretch:
    """An idle stretch of all channels in ticks: in precharge power-down, in self-refresh, and when that began."""

    powered_down: int = 0
    self_refresh: int = 0
    self_refresh_from: int = 0


class IdleStates:
    """The idle policy of one standard in ticks.

    All channels of a memory become idle together: all rows are closed when a piece of work ends.
    """

    def __init__(self, spec: Dram, refreshes_due: Callable[[int], int], refresh_ticks: int) -> None:
        policy, timings = spec.controller.idle, clocks(spec)
        self._tick_ps = spec.tCK_ps / spec.ticks_per_clock
        self._power_down_after = self._ticks(policy.power_down_after_ps)
        self._self_refresh_after = self._ticks(policy.self_refresh_after_ps)
        self._exit = timings.get("nXP", 0) * spec.ticks_per_clock
        self._self_refresh_exit = timings.get("nXS", 0) * spec.ticks_per_clock
        self._refreshes_due = refreshes_due
        self._awake_per_refresh = refresh_ticks + self._exit + self._power_down_after

    def _ticks(self, time_ps: int | None) -> int:
        return NOT_ENTERED if time_ps is None else -int(-time_ps // self._tick_ps)

    def wake_ticks(self, idle_ticks: int) -> int:
        """Ticks from the arrival of work after ``idle_ticks`` until commands may issue."""
        if idle_ticks <= 0:
            return 0
        if idle_ticks >= self._self_refresh_after:
            return self._self_refresh_exit
        return self._exit if idle_ticks >= self._power_down_after else 0

    def arrival(self, free: int, start: int) -> int:
        """When the work arrived that starts at ``start`` on a memory that was free from ``free`` on."""
        if start - self._self_refresh_exit - free >= self._self_refresh_after:
            return start - self._self_refresh_exit
        woken = start - self._exit - free >= self._power_down_after
        return start - self._exit if woken and start > free else start

    def stretch(self, free: int, until: int) -> IdleStretch:
        """What a memory without work from ``free`` to ``until`` has been in."""
        asleep_from = free + self._self_refresh_after
        if until > asleep_from:
            return IdleStretch(self._powered_down(free, asleep_from), until - asleep_from, asleep_from)
        return IdleStretch(self._powered_down(free, until))

    def _powered_down(self, free: int, until: int) -> int:
        """Ticks in power-down from ``free`` on; a refresh that falls due is served awake, and then it begins anew."""
        if until - free < self._power_down_after:
            return 0
        refreshes = self._refreshes_due(until) - self._refreshes_due(free)
        return max(0, until - free - self._power_down_after - refreshes * self._awake_per_refresh)
