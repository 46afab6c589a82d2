"""What the reference engine's channels did, read off their logs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from simulator.dram.log import LoggedCommand
from simulator.dram.reference import Controller
from simulator.dram.reference_table import Node, ReferenceTable
from simulator.dram.runs import ChannelRun, Issued


def channel_run(table: ReferenceTable, channel: Controller, dropped: int, idle_tick: int) -> ChannelRun:
    """The account of one channel that came to rest at ``idle_tick``."""
    counts = Counter(entry.command for entry in channel.log)
    return ChannelRun(
        commands=counts,
        active_ticks=open_ticks(table, channel.log, idle_tick, table.rank_depth),
        bank_ticks=open_ticks(table, channel.log, idle_tick, len(table.counts) + 1),
        row_hits=channel.hits,
        row_misses=channel.misses,
        refreshes=counts[table.refresh] if table.refresh else 0,
        dropped=dropped,
    )


def open_ticks(table: ReferenceTable, log: Sequence[LoggedCommand], until: int, depth: int) -> int:
    """Ticks up to ``until`` with any row open, summed over the nodes of that ``depth``: ranks, or row buffers."""
    total = 0
    open_banks: defaultdict[Node, set[Node]] = defaultdict(set)
    since: dict[Node, int] = {}
    for entry in log:
        command = table.commands[entry.command]
        if not command.opens and not command.closes:
            continue
        banks_reached = table.banks_of(command, entry.address[: command.depth])
        for bank in [(*place, buffer) for place in banks_reached for buffer in command.row_buffers]:
            node = bank[:depth]
            banks = open_banks[node]
            if command.closes and bank in banks:
                banks.remove(bank)
                total += 0 if banks else entry.tick - since[node]
            elif not command.closes:
                since[node] = since[node] if banks else entry.tick
                banks.add(bank)
    return total + sum(max(0, until - since[node]) for node, banks in open_banks.items() if banks)


def issued(table: ReferenceTable, names: Sequence[str], logs: Sequence[Sequence[LoggedCommand]]) -> Issued:
    """The logs of all channels as one, in order of issue and then of channel."""
    rows = [
        (entry.tick, names.index(entry.command), _number(table, entry), entry.row, entry.column, channel)
        for channel, log in enumerate(logs)
        for entry in log
    ]
    rows.sort(key=lambda row: row[0])
    return Issued(*np.array(rows, dtype=np.int64).reshape(-1, 6).T)


def _number(table: ReferenceTable, entry: LoggedCommand) -> int:
    """The number of the node that a command went to, among those of its level; a level left open does not count."""
    number = 0
    for digit, count in zip(entry.address[: table.commands[entry.command].depth], table.counts, strict=False):
        number = number if digit < 0 else number * count + digit
    return number
