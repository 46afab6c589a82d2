"""Low-power states in the gaps of a request list: the rule of docs/dram-engine.md section 10 for one channel.

Work that arrives at a sleeping channel waits for it to wake, which is the same as arriving later. So the rule moves
arrivals and leaves the engines as they are; a gap depends only on what came before it, so moving the arrivals of one
run's gaps until nothing moves any more gives the one consistent schedule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.config.energy import ResolvedEnergy, resolve_energy
from simulator.config.timing import ResolvedDram, clocks, resolve_dram
from simulator.dram.engines import DeviceEngine
from simulator.dram.runs import DeviceRun, Issued, RequestList

Ints = npt.NDArray[np.int64]
NEVER = 1 << 62


@dataclass(frozen=True)
class Gap:
    """An idle stretch in ticks: all requests before it done at ``start``, the next arrives at ``end``.

    ``asleep_from``: in self-refresh from here on; ``end`` where it is not entered.
    """

    start: int
    end: int
    asleep_from: int


@dataclass(frozen=True)
class IdleRun:
    """A run and what its idle stretches saved, in pJ.

    Its counts are without the refreshes that self-refresh replaces; its log shows them, as the devices' own.
    """

    run: DeviceRun
    saved_pj: float


def has_idle_policy(spec: Dram) -> bool:
    """Whether the standard's controller enters any state of low power."""
    idle = spec.controller.idle
    return idle.power_down_after_ps is not None or idle.self_refresh_after_ps is not None


def run_with_idle_states(device: DeviceEngine, requests: RequestList) -> IdleRun:
    """Serve requests on a channel that sleeps in their gaps. The run has its log."""
    rule = _Rule(device.spec)
    moved = requests
    while True:
        run = device.run_requests(moved, log=True)
        gaps = rule.gaps(requests, run)
        arrival = rule.woken(requests, gaps)
        if np.array_equal(arrival, moved.arrival):
            return rule.account(run, gaps)
        moved = replace(requests, arrival=arrival)


class _Rule:
    """The idle policy of one standard, in ticks."""

    def __init__(self, spec: Dram) -> None:
        self.spec, self.dram = spec, resolve_dram(spec)
        self.energy: ResolvedEnergy = resolve_energy(spec)
        tick_ps, timings, idle = spec.tCK_ps / spec.ticks_per_clock, clocks(spec), spec.controller.idle
        self.tick_ps = tick_ps
        down, asleep = idle.power_down_after_ps, idle.self_refresh_after_ps
        self.down_after = NEVER if down is None else int(-(-down // tick_ps))
        self.asleep_after = NEVER if asleep is None else int(-(-asleep // tick_ps))
        self.exit = timings.get("nXP", 0) * spec.ticks_per_clock
        self.asleep_exit = timings.get("nXS", 0) * spec.ticks_per_clock
        bank = len(self.dram.levels) - 1
        all_bank = [c for c in self.dram.commands.values() if c.name == spec.controller.refresh and c.scope < bank]
        self.refresh = all_bank[0].name if all_bank else ""
        self.refresh_ticks = all_bank[0].latency if all_bank else 0

    def gaps(self, requests: RequestList, run: DeviceRun) -> list[Gap]:
        """The stretches without work that are long enough for a state of low power."""
        if not len(requests.arrival):
            return []
        done = np.concatenate([[0], np.maximum.accumulate(run.completions)[:-1]])
        wanted = np.nonzero(requests.arrival - done >= min(self.down_after, self.asleep_after))[0]
        refreshes = self._refreshes(run)
        return [self._gap(int(done[i]), int(requests.arrival[i]), refreshes) for i in wanted]

    def _refreshes(self, run: DeviceRun) -> Ints:
        """Ticks at which a run refreshed all banks of a rank."""
        issued = _log(run)
        code = list(self.spec.commands).index(self.refresh) if self.refresh else -1
        return np.asarray(issued.tick[issued.command == code], dtype=np.int64)

    def _gap(self, start: int, end: int, refreshes: Ints) -> Gap:
        """Self-refresh is entered after the first refresh that falls due late enough: it finds all rows closed."""
        interval = self.dram.refresh_interval
        if self.asleep_after == NEVER or not self.refresh:
            return Gap(start, end, end)
        due = -(-(start + self.asleep_after) // interval) * interval
        served = refreshes[(refreshes >= due) & (refreshes < due + interval)]
        asleep_from = int(served[-1]) + self.refresh_ticks if len(served) else end
        return Gap(start, end, min(end, asleep_from))

    def _wakes_after(self, gap: Gap) -> int:
        if gap.asleep_from < gap.end:
            return self.asleep_exit
        return self.exit if gap.end - gap.start >= self.down_after else 0

    def woken(self, requests: RequestList, gaps: list[Gap]) -> Ints:
        """Arrivals, none before the channel is awake."""
        arrival = requests.arrival.copy()
        for gap in gaps:
            awake = gap.end + self._wakes_after(gap)
            first = np.searchsorted(requests.arrival, gap.end)
            last = np.searchsorted(requests.arrival, awake)
            arrival[first:last] = np.maximum(arrival[first:last], awake)
        return arrival

    def account(self, run: DeviceRun, gaps: list[Gap]) -> IdleRun:
        """What a run's gaps saved, and the run without the refreshes that fell due in self-refresh."""
        issued, refreshes = _log(run), self._refreshes(run)
        saved_mw_ticks, skipped = 0.0, 0
        for gap, open_banks in zip(gaps, _open_banks(self.dram, issued, gaps), strict=True):
            saved_mw_ticks += self._powered_down(gap, open_banks, refreshes)
            saved_mw_ticks += self._less(self.energy.self_refresh_mw) * (gap.end - gap.asleep_from)
            skipped += int(((refreshes > gap.asleep_from) & (refreshes < gap.end)).sum())
        return IdleRun(self._without(run, skipped), saved_mw_ticks * self.tick_ps * 1e-3)

    def _without(self, run: DeviceRun, refreshes: int) -> DeviceRun:
        if not refreshes:
            return run
        commands = run.commands | {self.refresh: run.commands[self.refresh] - refreshes}
        return replace(run, commands=commands, by_class=(commands,), refreshes=run.refreshes - refreshes)

    def _less(self, power_mw: float | None) -> float:
        return self.energy.precharged_mw - (power_mw or 0.0)

    def _powered_down(self, gap: Gap, open_banks: list[int], refreshes: Ints) -> float:
        """Saved mW x ticks of power-down: active until the first refresh closes the rows, precharged from then on."""
        inside = refreshes[(refreshes >= gap.start) & (refreshes < gap.asleep_from)]
        first = int(inside[0]) if len(inside) else gap.asleep_from
        saved = self._saved_active(open_banks) * max(0, first - gap.start - self.down_after)
        served = len(inside) // self.energy.ranks
        if served:
            asleep = gap.asleep_from - first - served * (self.refresh_ticks + self.exit + self.down_after)
            saved += self._less(self.energy.power_down_precharged_mw) * max(0, asleep)
        return saved

    def _saved_active(self, open_banks: list[int]) -> float:
        """Saved mW of a channel whose ranks have so many open banks."""
        energy = self.energy
        down = energy.power_down_precharged_mw or 0.0
        opened = (energy.power_down_active_mw or 0.0) - down
        all_open = energy.active_mw - energy.precharged_mw
        saved = energy.precharged_mw - down
        for banks in open_banks:
            if banks:
                more = energy.rank_open_mw + banks * energy.bank_open_mw
                saved += more - opened * more / all_open
        return saved


def _log(run: DeviceRun) -> Issued:
    if run.issued is None:
        raise ValueError("idle stretches are found in the log of a run")
    return run.issued


def _open_banks(dram: ResolvedDram, issued: Issued, gaps: list[Gap]) -> Iterator[list[int]]:
    """Open banks of each rank at the start of each gap, in order."""
    commands = list(dram.commands.values())
    refresh = next((c.scope for c in commands if c.refreshes and c.scope < len(dram.levels) - 1), 0)
    banks, ranks = dram.node_counts[-1], prod(dram.level_counts[: refresh + 1])
    span = [banks // dram.node_counts[c.scope] for c in commands]
    changes = [i for i, c in enumerate(commands) if c.opens or c.closes]
    chosen = np.isin(issued.command, changes)
    log = list(zip(*(a[chosen].tolist() for a in (issued.tick, issued.command, issued.node)), strict=True))
    state, at = [False] * banks, 0
    for gap in gaps:
        while at < len(log) and log[at][0] <= gap.start:
            _, command, node = log[at]
            first = node * span[command]
            state[first : first + span[command]] = [not commands[command].closes] * span[command]
            at += 1
        yield [sum(state[r * banks // ranks : (r + 1) * banks // ranks]) for r in range(ranks)]
