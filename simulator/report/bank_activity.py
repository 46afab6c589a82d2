"""What commands say of the banks and buses of a channel: open rows, column accesses, refresh, busy buses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from simulator.hooks import ALL_BANKS, IssuedCommand
from simulator.metrics.bins import Bins
from simulator.report.command_roles import ACTIVATE, COLUMN, PRECHARGE, REFRESH

BINS = 192
SHORT = {"pseudochannel": "PC", "rank": "R", "sid": "SID", "bankgroup": "BG", "bank": "BA"}
"""Levels as JEDEC's standards abbreviate them."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Bank:
    """What a bank did in a window: shares of each bin, and column accesses in it."""

    name: str
    row_open: tuple[float, ...]
    refreshing: tuple[float, ...]
    accesses: tuple[int, ...]


@dataclass(frozen=True)
class Channel:
    """A memory's first channel in a window: buses, and the banks that commands addressed."""

    bins: Bins
    data_bus: tuple[float, ...]
    command_bus: tuple[float, ...]
    banks: Sequence[Bank]
    in_all: int

    def busiest(self, most: int) -> list[Bank]:
        """So many banks with the most column accesses, in the order of their places."""
        ranked = sorted(range(len(self.banks)), key=lambda place: (-sum(self.banks[place].accesses), place))
        return [self.banks[place] for place in sorted(ranked[:most])]


def channel_of(commands: Sequence[IssuedCommand], part: Mapping[str, Any]) -> Channel:
    """What ``commands``, by time, say of a channel of the memory ``part`` of a design point."""
    dram = part["dram"]
    first = commands[0].time_ps
    span = max(command.time_ps + command.took_ps for command in commands) - first
    bins = Bins(first, max(1, -(-span // BINS)), BINS)
    levels = dram["organization"]["levels"]
    nodes = [[f"{level} {n}" for n in range(count)] for level, count in levels.items()]
    names = [", ".join(place) for place in product(*nodes)]
    by_bank = {name: [c for c in commands if _reaches(c.bank, name)] for name in names}
    alone = {name: own for name, own in by_bank.items() if any(c.bank != ALL_BANKS for c in own)} or by_bank
    found = [_bank(short(name, levels), own, dram, bins) for name, own in alone.items()]
    return Channel(
        bins,
        _data_bus(commands, part, bins),
        bins.busy((c.time_ps, c.time_ps + c.took_ps) for c in commands),
        found,
        len(names),
    )


def short(bank: str, levels: Mapping[str, int]) -> str:
    """``bankgroup 1, bank 3`` as BG1 BA3; levels with one node are left out."""
    places = [place.rpartition(" ") for place in bank.split(", ")]
    return " ".join(f"{SHORT.get(level, level)}{n}" for level, _, n in places if levels[level] > 1) or bank


def _reaches(addressed: str, bank: str) -> bool:
    return addressed == ALL_BANKS or set(addressed.split(", ")) <= set(bank.split(", "))


def _bank(name: str, commands: Sequence[IssuedCommand], dram: Mapping[str, Any], bins: Bins) -> Bank:
    roles, refresh = dram["roles"], dram.get("refresh") or {}
    accesses = [(c.time_ps, c.time_ps, 1) for c in commands if roles[c.name]["kind"] == COLUMN]
    refreshing = [
        (c.time_ps, c.time_ps + refresh.get("time_ps", c.took_ps)) for c in commands if roles[c.name]["kind"] == REFRESH
    ]
    return Bank(name, bins.busy(_rows(commands, roles, bins)), bins.busy(refreshing), bins.spread(accesses))


def _rows(commands: Iterable[IssuedCommand], roles: Mapping[str, Mapping[str, Any]], bins: Bins) -> Iterator[Span]:
    """When a row is open."""
    opened: int | None = None
    for command in commands:
        role = roles[command.name]
        if role["kind"] == ACTIVATE:
            opened = command.time_ps if opened is None else opened
        elif opened is not None and (role["closes"] or role["kind"] in {PRECHARGE, REFRESH}):
            yield opened, command.time_ps
            opened = None
    if opened is not None:
        yield opened, bins.last_ps


def _data_bus(commands: Iterable[IssuedCommand], part: Mapping[str, Any], bins: Bins) -> tuple[float, ...]:
    """Bursts over the most that the channel's pins carry."""
    organization, roles = part["dram"]["organization"], part["dram"]["roles"]
    burst_ps = organization["burst_bytes"] * 8 * 1e6 / (organization["data_pins"] * organization["data_rate_mbps"])
    bursts = bins.spread((c.time_ps, c.time_ps, 1) for c in commands if roles[c.name]["data"])
    return tuple(min(1.0, n * burst_ps / bins.width_ps) for n in bursts)
