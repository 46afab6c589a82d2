"""What a stretch of DRAM work did, in ticks and counts, and its sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simulator.config.dram_schema import Command, Dram
from simulator.config.timing import ResolvedDram
from simulator.dram.runs import DeviceRun
from simulator.units import limits


@dataclass(frozen=True)
class Work:
    """Counts over all channels; ``ticks`` until the rows are closed again, ``end_ticks`` until the last data was there.

    ``open_ticks``: rank-ticks with a bank open, ``bank_ticks``: bank-ticks open. ``held``: ticks of the busiest channel
    by the resource that took them.
    """

    ticks: int
    end_ticks: int
    commands: Mapping[str, int]
    open_ticks: int = 0
    bank_ticks: int = 0
    read_bytes: int = 0
    write_bytes: int = 0
    internal_bytes: int = 0
    array_bytes: int = 0
    held: Mapping[str, int] = field(default_factory=dict)


def added(parts: Iterable[tuple[Work, int]], end_ticks: int) -> Work:
    """The sum of works, each so many times; the last data of the whole is there at ``end_ticks``."""
    commands: Counter[str] = Counter()
    held: Counter[str] = Counter()
    ticks = opened = banks = read = written = internal = array = 0
    for work, times in parts:
        ticks += work.ticks * times
        opened += work.open_ticks * times
        banks += work.bank_ticks * times
        read += work.read_bytes * times
        written += work.write_bytes * times
        internal += work.internal_bytes * times
        array += work.array_bytes * times
        for name, count in work.commands.items():
            commands[name] += count * times
        for name, count in work.held.items():
            held[name] += count * times
    return Work(ticks, end_ticks, dict(commands), opened, banks, read, written, internal, array, dict(held))


class Attribution:
    """Splits a channel's time by resource; what is neither pins, MACs, refresh nor mode changes is rows."""

    def __init__(self, spec: Dram, resolved: ResolvedDram) -> None:
        organization = spec.organization
        tick_ps = spec.tCK_ps / spec.ticks_per_clock
        bit_ps = 1e6 / (organization.data_pins * organization.data_rate_mbps)
        self._pins = organization.burst_bytes * 8 * bit_ps / tick_ps
        self._on_pins = tuple(name for name, c in spec.commands.items() if c.data != "none")
        self.near_bank_gaps = {
            name: _pace(resolved, name) for name, c in spec.commands.items() if c.internal_bytes and c.data == "none"
        }
        self._mode_switch = spec.controller.mode_switch
        self._mode = _least_gap(resolved, self._mode_switch) if self._mode_switch else 0
        self._refresh = {name: c.latency for name, c in resolved.commands.items() if c.refreshes}
        self._ranks = ranks(spec)
        self.array_bytes = {
            name: max(c.internal_bytes, organization.burst_bytes if _moves_cells(c) else 0)
            for name, c in spec.commands.items()
        }

    def held(self, ticks: int, counts: Mapping[str, int]) -> dict[str, int]:
        """Ticks by resource for one channel that issued ``counts`` in ``ticks``."""
        parts = {
            limits.MAC_RATE: sum(counts.get(name, 0) * gap for name, gap in self.near_bank_gaps.items()),
            limits.PINS: round(sum(counts.get(name, 0) for name in self._on_pins) * self._pins),
            limits.MODE: counts.get(self._mode_switch, 0) * self._mode if self._mode_switch else 0,
            limits.REFRESH: sum(counts.get(name, 0) * t for name, t in self._refresh.items()) // self._ranks,
        }
        return {limits.ROWS: max(0, ticks - sum(parts.values()))} | {name: part for name, part in parts.items() if part}


def ranks(spec: Dram) -> int:
    """Nodes of a channel that open, close and refresh on their own (pseudo-channels, ranks); 1 if the channel does."""
    refreshing = [c.scope for c in spec.commands.values() if c.refreshes and c.row == "closed" and c.scope != "bank"]
    total = 1
    for level, count in spec.organization.levels.items():
        if not refreshing or refreshing[0] == "channel":
            return 1
        total *= count
        if level == refreshing[0]:
            return total
    return 1


def _moves_cells(command: Command) -> bool:
    """Whether the command's burst comes from, or goes to, the cell array."""
    return command.data != "none" and command.row == "open" and not command.registers


def _gap(resolved: ResolvedDram, first: str, then: str) -> int:
    """Longest plain gap from one command to another at any level, in ticks."""
    gaps = [c.gap(first, then) for c in resolved.constraints if c.window == 1 and first in c.from_ and then in c.to]
    return max(gaps, default=0)


def _pace(resolved: ResolvedDram, name: str) -> int:
    """The gap from one command to the next of its kind on whichever other node of the channel, in ticks."""
    anywhere = [
        c.gap(name, name)
        for c in resolved.constraints
        if c.window == 1 and name in c.from_ and name in c.to and resolved.node_counts[c.level] == 1
    ]
    return max(anywhere) if anywhere else _gap(resolved, name, name)


def _least_gap(resolved: ResolvedDram, first: str) -> int:
    """The gap from one command to whichever other may follow it soonest, in ticks."""
    return min(_gap(resolved, first, then) for then in resolved.commands if then != first)


def work_of(run: DeviceRun, attribution: Attribution) -> Work:
    """The `Work` of one engine run."""
    busiest = max(run.by_class, key=lambda counts: sum(counts.values()), default={})
    return Work(
        ticks=run.idle_tick,
        end_ticks=run.end_tick,
        commands=run.commands,
        open_ticks=run.active_ticks,
        bank_ticks=run.bank_ticks,
        read_bytes=run.read_bytes,
        write_bytes=run.write_bytes,
        internal_bytes=run.internal_bytes,
        array_bytes=sum(count * attribution.array_bytes[name] for name, count in run.commands.items()),
        held=attribution.held(run.end_tick, busiest),
    )
