"""The checker's rules over whole logs at once, in array operations: for logs of millions of commands.

It reads a standard as the checker does and shares no code with the engines. It counts what `checker.check_log` names;
addresses are taken to be right.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.checker_bulk_state import mode_faults, refresh_faults, row_faults, sync_faults
from simulator.dram.checker_bulk_table import Ints, Log
from simulator.dram.checker_table import Gap, Rules, read_rules
from simulator.dram.runs import Issued

Bools = npt.NDArray[np.bool_]


def count_violations(spec: Dram, issued: Issued) -> Counter[str]:
    """How many commands of one channel's log break a rule, by rule; empty when it is legal."""
    rules = read_rules(spec)
    log = Log(spec, rules, issued)
    counts: Counter[str] = Counter()
    if not len(log.tick):
        return counts
    for name, found in (*_gaps(rules, log), *_windows(rules, log), *_buses(rules, log)):
        counts[name] += int(np.count_nonzero(found))
    counts["row"] += row_faults(rules, log)
    counts["mode"] += mode_faults(rules, log)
    counts["sync"] += sync_faults(rules, log)
    counts["refresh"] += refresh_faults(rules, log)
    return +counts


def _gaps(rules: Rules, log: Log) -> Iterator[tuple[str, Bools]]:
    """For each earlier command, level and kind of row: the later commands that come too early."""
    limits: defaultdict[tuple[int, str, bool], list[Gap]] = defaultdict(list)
    for group in rules.gaps_to.values():
        for gap in group:
            limits[gap.depth, gap.before, gap.sibling].append(gap)
    for (depth, before, sibling), gaps in limits.items():
        if before not in log.present:
            continue
        least = np.zeros(len(rules.commands), dtype=np.int64)
        for gap in gaps:
            code = log.code[gap.after]
            least[code] = max(least[code], gap.ticks)
        events = log.events(depth)
        last = _last_on_siblings(log, depth, before) if sibling else events.last(log.is_command(events, before))
        tick = log.tick[events.entry]
        early = (last >= 0) & (tick - tick[last] < least[log.command[events.entry]])
        yield "gap", early


def _last_on_siblings(log: Log, depth: int, before: str) -> Ints:
    """For each event of a level, the last ``before`` on another node under the same parent (-1: none).

    The answer is a position among the events of the level, like the positions that ask.
    """
    events = log.events(depth)
    family = np.lexsort((events.entry, events.node // log.counts[depth - 1]))
    parent, node = events.node[family] // log.counts[depth - 1], events.node[family]
    is_before = log.is_command(events, before)[family]
    place = np.arange(len(family))
    last = np.maximum.accumulate(np.where(is_before, place, -1))
    last = np.concatenate(([-1], last[:-1]))
    chosen = np.flatnonzero(is_before)
    changed = np.ones(len(chosen), dtype=np.bool_)
    changed[1:] = node[chosen[1:]] != node[chosen[:-1]]
    run_start = np.maximum.accumulate(np.where(changed, np.arange(len(chosen)), 0))
    before_run = np.where(run_start > 0, chosen[np.maximum(run_start - 1, 0)], -1)
    other = np.full(len(family), -1, dtype=np.int64)
    other[chosen] = before_run
    answer = np.where((last >= 0) & (node[last] == node), other[last], last)
    answer = np.where((answer >= 0) & (parent[answer] == parent), answer, -1)
    result = np.full(len(family), -1, dtype=np.int64)
    result[family] = np.where(answer >= 0, family[answer], -1)
    return result


def _windows(rules: Rules, log: Log) -> Iterator[tuple[str, Bools]]:
    """For each window row: the commands that open more rows than it allows in its time."""
    rows: defaultdict[int, list[Gap]] = defaultdict(list)
    for group in rules.windows_to.values():
        for gap in group:
            rows[gap.row].append(gap)
    for gaps in rows.values():
        depth, window = gaps[0].depth, gaps[0].window
        events = log.events(depth)
        least = np.zeros((len(rules.commands), len(rules.commands)), dtype=np.int64)
        for gap in gaps:
            least[log.code[gap.before], log.code[gap.after]] = gap.ticks
        opens = np.zeros(len(rules.commands), dtype=np.int64)
        for name in {gap.before for gap in gaps}:
            opens[log.code[name]] = rules.activations[name]
        weight = opens[log.command[events.entry]]
        before = np.cumsum(weight) - weight
        in_node = before - before[events.first]
        opened = np.repeat(np.arange(len(weight)), weight)
        own = np.array([rules.activations[name] for name in rules.commands], dtype=np.int64)
        needed = window + 1 - own[log.command[events.entry]]
        full = (in_node >= needed) & (needed >= 1)
        if not len(opened):
            continue
        earlier = opened[np.where(full, before - needed, 0)]
        tick = log.tick[events.entry]
        gap_here = least[log.command[events.entry[earlier]], log.command[events.entry]]
        yield "window", full & (tick - tick[earlier] < gap_here)


def _buses(rules: Rules, log: Log) -> Iterator[tuple[str, Bools]]:
    """Commands on a bus that is taken, out of phase, or out of order."""
    names = list(rules.commands)
    bus = np.array([rules.split_buses and rules.commands[name].bus == "row" for name in names])[log.command]
    held = np.array([rules.bus_ticks[name] for name in names], dtype=np.int64)[log.command]
    align = np.array([rules.commands[name].align for name in names], dtype=np.int64)[log.command]
    for value in (False, True):
        tick, taken = log.tick[bus == value], held[bus == value]
        yield "bus", tick[1:] < tick[:-1] + taken[:-1]
    yield "align", (log.tick - 1) % align != 0
    yield "order", log.tick[1:] < log.tick[:-1]
