"""The bulk checker's rules about state: rows, openings in two steps, register mode, the data clock, refresh."""

from __future__ import annotations

from math import prod

import numpy as np

from simulator.dram.checker_bulk_table import Events, Log
from simulator.dram.checker_table import Rules


def row_faults(rules: Rules, log: Log) -> int:
    """Commands on a bank whose row is not what they need, or that break into an opening in two steps."""
    buffers = dict.fromkeys(name for names in rules.row_buffers.values() for name in names)
    return sum(_faults_of(rules, log, buffer) for buffer in buffers) + _openings_between(rules, log)


def _faults_of(rules: Rules, log: Log, buffer: str) -> int:
    """The faults in one row buffer of each bank."""
    about = np.array([buffer in rules.row_buffers[name] for name in rules.commands])
    chosen = about[log.command[log.banks.entry]]
    events = Events(log.banks.entry[chosen], log.banks.node[chosen])
    commands, command = rules.commands, log.command[events.entry]

    def flags(chosen: set[str]) -> np.ndarray:
        return np.array([name in chosen for name in commands])[command]

    opens = flags({name for name, row in commands.items() if row.opens})
    closes = flags({name for name, row in commands.items() if row.closes})
    completes = flags(set(rules.completes))
    needs_open = flags({name for name, row in commands.items() if row.row == "open"})
    needs_closed = flags({name for name, row in commands.items() if row.row == "closed"})
    last = events.last(opens | closes)
    was_open = (last >= 0) & opens[last]
    row = log.row[events.entry]
    other_row = was_open & (row[last] != row)
    faulty = (needs_open & (~was_open | other_row)) | (needs_closed & was_open) | (opens & other_row)
    step = events.last(opens | closes | completes)
    two_steps = flags(set(rules.within))
    half_open = (step >= 0) & two_steps[step]
    within = log.of(dict(rules.within))[events.entry]
    tick = log.tick[events.entry]
    late = completes & half_open & (tick - tick[step] > within[step])
    faulty |= (completes != half_open) & (completes | half_open)
    return int(np.count_nonzero(faulty | late))


def _openings_between(rules: Rules, log: Log) -> int:
    """Openers and refreshes between the two steps of an opening of their rank."""
    if not rules.within:
        return 0
    events = log.events(1 if rules.levels[0] == "rank" else 0)
    names = list(rules.commands)
    command = log.command[events.entry]
    first = np.array([name in rules.within for name in names])[command]
    second = np.array([name in rules.completes for name in names])[command]
    step = events.last(first | second)
    starts = np.array([row.opens or row.refreshes for row in rules.commands.values()])[command]
    return int(np.count_nonzero(starts & (step >= 0) & first[step]))


def mode_faults(rules: Rules, log: Log) -> int:
    """Commands of the other mode."""
    if rules.mode_switch is None:
        return 0
    switches = log.command == log.code[rules.mode_switch]
    register = (np.cumsum(switches) - switches) % 2 == 1
    modes = np.array([row.mode for row in rules.commands.values()])[log.command]
    wrong = np.where(register, modes == "memory", modes == "register")
    return int(np.count_nonzero(wrong))


def sync_faults(rules: Rules, log: Log) -> int:
    """Data that moves after the data clock has lapsed, without its synchronisation since."""
    if not rules.sync_holds:
        return 0
    data = np.isin(log.command, [log.code[name] for name in rules.sync_holds])
    until = np.maximum.accumulate(np.where(data, log.tick + log.of(dict(rules.sync_holds)), 0))
    lapsed = data & (log.tick >= np.concatenate(([0], until[:-1])))
    own = {name: log.code[rules.commands[name].sync or name] for name in rules.sync_holds}
    sync = log.of(own, -1)
    synchronises = np.isin(log.command, list(own.values()))
    last = np.maximum.accumulate(np.where(data | synchronises, np.arange(len(data)), -1))
    last = np.concatenate(([-1], last[:-1]))
    return int(np.count_nonzero(lapsed & ((last < 0) | (log.command[last] != sync))))


def refresh_faults(rules: Rules, log: Log) -> int:
    """Nodes that were refreshed too late, too seldom or too often."""
    name = rules.refresh_command
    if name is None:
        return 0
    across = rules.across[name]
    counts = [count for place, count in enumerate(rules.counts[: rules.depth[name]]) if place not in across]
    chosen = log.command == log.code[name]
    end, most = int(log.tick[-1]), rules.max_postponed
    faults = 0
    for node in range(prod(counts)):
        times = log.tick[chosen & (log.node == node)]
        spans = np.diff(np.concatenate(([0], times, [end])))
        faults += int(np.count_nonzero(spans > (most + 1) * rules.refresh_ticks))
        faults += abs(len(times) - end // rules.refresh_ticks) > most
    return faults
