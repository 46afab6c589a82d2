"""A resolved DRAM standard as the constant arrays of the compiled engine, and channels at rest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.config.policy_checks import COMMAND_QUEUES
from simulator.config.timing import ResolvedCommand, ResolvedConstraint, ResolvedDram, resolve_dram
from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import issue
from simulator.dram.kernel.late_call import address_of

_NEED = {"any": k.NEED_ANY, "open": k.NEED_OPEN, "closed": k.NEED_CLOSED}
_DATA = {"none": k.DATA_NONE, "read": k.DATA_READ, "write": k.DATA_WRITE}
_MODE = {"memory": k.MODE_MEMORY, "register": k.MODE_REGISTER, "any": k.MODE_ANY}


def compile_tables(spec: Dram) -> k.Ints:
    """The standard's tables as one array, times in ticks."""
    dram = resolve_dram(spec)
    code = {name: index for index, name in enumerate(dram.commands)}
    plain = [row for row in dram.constraints if row.window == 1]
    windows = [row for row in dram.constraints if row.window > 1]
    rows = _rows_by_from(dram, code, plain)
    pushes = _pushes_by_from(dram, windows)
    limits = [_limits(dram, code, row) for row in windows]
    commands = _command_table(dram, code, plain, _spans(rows), _spans(pushes))
    levels = _level_table(dram)
    window_rows = [(row.level, row.window, *span) for row, span in zip(windows, _spans(limits), strict=True)]
    header = np.zeros(k.N_HEADER, dtype=np.int64)
    parts = [header, _flat(commands)]
    for place, table in (
        (k.H_LEVEL_AT, levels),
        (k.H_NODE_AT, [tuple(offset + b // span for b in range(levels[0][0])) for span, offset, _ in levels]),
        (k.H_ROW_AT, [row for group in rows for row in group]),
        (k.H_PUSH_AT, [row for group in pushes for row in group]),
        (k.H_WINDOW_AT, window_rows),
        (k.H_LIMIT_AT, [row for group in limits for row in group]),
        (k.H_TURN_AT, [(bank,) for bank in refresh_turns(dram)]),
    ):
        header[place] = sum(len(part) for part in parts)
        parts.append(_flat(table))
    _set_policies(header, dram, code)
    _set_places(header, dram, max((row.window for row in windows), default=1), len(windows))
    return np.concatenate(parts)


def _flat(rows: Sequence[tuple[int, ...]]) -> k.Ints:
    return np.array(rows, dtype=np.int64).reshape(-1)


def _spans(groups: Sequence[Sequence[object]]) -> list[tuple[int, int]]:
    """(first, end) of each group in the concatenation of all."""
    ends = list(accumulate(len(group) for group in groups))
    return [(end - len(group), end) for end, group in zip(ends, groups, strict=True)]


def _level_table(dram: ResolvedDram) -> list[tuple[int, int, int]]:
    """(banks in a node, number of the first node over all levels, nodes under one parent) of each level."""
    nodes = list(accumulate(dram.level_counts, mul))
    return [(nodes[-1] // n, sum(nodes[:i]), dram.level_counts[i]) for i, n in enumerate(nodes)]


def _command_table(
    dram: ResolvedDram,
    code: dict[str, int],
    plain: list[ResolvedConstraint],
    rows: list[tuple[int, int]],
    pushes: list[tuple[int, int]],
) -> list[tuple[int, ...]]:
    """One row of `C_*` fields a command."""
    split = dram.command_buses == "split"
    twins = {c.auto_precharge_of: code[name] for name, c in dram.commands.items() if c.auto_precharge_of}
    return [
        (
            c.scope,
            _NEED[c.row],
            int(c.opens),
            int(c.closes),
            code[c.opener] if c.opener else -1,
            code[c.closer] if c.closer else -1,
            int(split and c.bus == "row"),
            c.bus_ticks,
            c.align,
            c.latency,
            c.activations,
            _MODE[c.mode],
            _DATA[c.data],
            twins.get(name, -1),
            _stride(name, c, plain),
            c.banks,
            c.spacing,
            code[c.completed_by] if c.completed_by else -1,
            c.complete_within,
            c.row_buffers[0],
            c.row_buffers[-1] + 1,
            code[c.sync] if c.sync else -1,
            c.sync_holds,
            *rows[index],
            *pushes[index],
        )
        for index, (name, c) in enumerate(dram.commands.items())
    ]


def _rows_by_from(
    dram: ResolvedDram, code: dict[str, int], plain: list[ResolvedConstraint]
) -> list[list[tuple[int, int, int, int]]]:
    """(level, to, gap, sibling) of each `from` command; of several rows for one pair and level only the longest gap."""
    result = []
    for name in dram.commands:
        gaps: dict[tuple[int, int, int], int] = {}
        for row in plain:
            if name in row.from_:
                for to in row.to:
                    pair = (row.level, code[to], int(row.sibling))
                    gaps[pair] = max(gaps.get(pair, 0), row.gap(name, to))
        result.append([(level, to, gap, sibling) for (level, to, sibling), gap in gaps.items() if gap > 0])
    return result


def _pushes_by_from(dram: ResolvedDram, windows: list[ResolvedConstraint]) -> list[list[tuple[int, int]]]:
    """(window, shift) of each activating command; the ring holds the tick from which the standard counts."""
    result = []
    for name, command in dram.commands.items():
        shift = command.bus_ticks - 1 if dram.gaps_from_last_tick else 0
        result.append([(index, shift) for index, row in enumerate(windows) if name in row.from_])
    return result


def _limits(dram: ResolvedDram, code: dict[str, int], row: ResolvedConstraint) -> list[tuple[int, int, int]]:
    """(to, which of the latest activations it must keep its distance from, gap) of a window."""
    result = []
    for name in row.to:
        command = dram.commands[name]
        shift = command.bus_ticks - 1 if dram.gaps_from_last_tick else 0
        result.append((code[name], row.window + 1 - max(1, command.activations), row.base_gap - shift))
    return result


def _stride(name: str, command: ResolvedCommand, plain: list[ResolvedConstraint]) -> int:
    """Ticks between equal commands on one node when nothing else intervenes."""
    gaps = [row.gap(name, name) for row in plain if not row.sibling and name in row.from_ and name in row.to]
    stride = max([command.bus_ticks, *gaps])
    return -(-stride // command.align) * command.align


def _set_policies(header: k.Ints, dram: ResolvedDram, code: dict[str, int]) -> None:
    """Fill in the controller's policies."""
    rank = dram.rank_level
    precharge = next(
        name
        for name, c in dram.commands.items()
        if c.closes and not c.opens and c.scope == rank and c.row == "any" and len(c.row_buffers) == dram.row_buffers
    )
    refreshing = dram.refresh != "none"
    header[k.H_KINDS] = len(code)
    header[k.H_ROW_BUFFERS] = dram.row_buffers
    header[k.H_CONCURRENT] = dram.near_bank == "concurrent"
    header[k.H_SLACK] = dram.near_bank_slack
    header[k.H_BUSES] = 2 if dram.command_buses == "split" else 1
    header[k.H_RANK_LEVEL] = rank
    header[k.H_CLOSED_PAGE] = dram.page_policy == "closed"
    header[k.H_PROTECT] = dram.contention == "skip"
    header[k.H_FCFS] = dram.scheduler == "FCFS"
    header[k.H_READ_QUEUE] = dram.read_queue
    header[k.H_WRITE_QUEUE] = dram.write_queue
    header[k.H_NEAR_BANK_QUEUE] = dram.near_bank_queue
    header[k.H_WRITES_ON] = int(dram.write_drain_high * dram.write_queue * 2**20)
    header[k.H_WRITES_OFF] = int(dram.write_drain_low * dram.write_queue * 2**20)
    header[k.H_REFRESH] = code[dram.refresh] if refreshing else -1
    header[k.H_TURNS] = len(refresh_turns(dram))
    header[k.H_BATCH] = dram.node_counts[rank] if dram.refresh_order == "together" else 1
    header[k.H_REFI] = dram.refresh_interval if refreshing else k.NEVER
    if dram.scheduler in COMMAND_QUEUES:
        of_rank = dram.node_counts[-1] // dram.node_counts[rank]
        header[k.H_QUEUE_SPAN] = of_rank if dram.scheduler == "RANK_QUEUES" else 1
        header[k.H_QUEUES] = dram.node_counts[-1] // header[k.H_QUEUE_SPAN]
        header[k.H_QUEUE_DEPTH] = dram.command_queue
    partial = refreshing and dram.commands[dram.refresh].banks * dram.node_counts[rank] < dram.node_counts[-1]
    header[k.H_IN_ORDER] = dram.scheduler == "IN_ORDER"
    header[k.H_AGE_LIMIT] = dram.age_limit or k.NEVER
    header[k.H_PAGE_TIMEOUT] = dram.page_timeout or 0
    header[k.H_PARTIAL_REFRESH] = partial
    header[k.H_POSTPONE] = max(0, dram.refresh_postpone - 1) * header[k.H_TURNS]
    header[k.H_PULL_IN] = dram.refresh_pull_in * header[k.H_TURNS]
    header[k.H_IDLE_CLOSER] = code[dram.commands["RD"].closer or ""]
    split_opening = any(c.completed_by or c.sync for c in dram.commands.values())
    plain = dram.scheduler in ("FRFCFS", "FCFS") and not (
        dram.age_limit or dram.page_timeout or dram.row_hit_cap or dram.refresh_postpone or dram.refresh_pull_in
    )
    if header[k.H_QUEUES] == 0 and (split_opening or partial or not plain):
        from simulator.dram.kernel.managed import serve_managed

        header[k.H_MANAGED] = address_of(serve_managed)
    if header[k.H_CONCURRENT]:
        from simulator.dram.kernel.concurrent import serve_concurrent

        header[k.H_MANAGED] = address_of(serve_concurrent)
    header[k.H_HIT_CAP] = dram.row_hit_cap or k.NEVER
    header[k.H_FORWARDING] = dram.forwarding
    header[k.H_MODE_SWITCH] = code[dram.mode_switch] if dram.mode_switch else -1
    header[k.H_FORWARD_ANY_READ] = "forward_any_read" in dram.quirks
    header[k.H_SYNC_IGNORES_ACTIVE] = "sync_ignores_active_buffer" in dram.quirks
    header[k.H_PRECHARGE_ALL] = code[precharge]
    header[k.H_PRECHARGE_TICKS] = max(
        (
            row.gap(precharge, to)
            for row in dram.constraints
            if precharge in row.from_
            for to in row.to
            if dram.commands[to].opens
        ),
        default=0,
    )


def refresh_turns(dram: ResolvedDram) -> list[int]:
    """A bank of each node that refreshes, as they fall due: the nodes of a rank one by one, all ranks side by side."""
    if dram.refresh == "none":
        return []
    banks = dram.node_counts[-1]
    of_rank = banks // dram.node_counts[dram.rank_level]
    command = dram.commands[dram.refresh]
    group = command.banks * command.spacing
    firsts = [bank for bank in range(of_rank) if bank % group < command.spacing]
    return [rank + first for first in firsts for rank in range(0, banks, of_rank)]


def _set_places(header: k.Ints, dram: ResolvedDram, ring: int, windows: int) -> None:
    """Lay out a channel's array behind its registers."""
    nodes = list(accumulate(dram.level_counts, mul))
    header[k.H_BANKS] = nodes[-1]
    header[k.H_NODES] = sum(nodes)
    header[k.H_RANKS] = nodes[header[k.H_RANK_LEVEL]]
    header[k.H_ENTRIES] = header[k.H_READ_QUEUE] + header[k.H_WRITE_QUEUE] + nodes[-1] + 1
    header[k.H_ENTRIES] += header[k.H_QUEUES] * header[k.H_QUEUE_DEPTH]
    header[k.H_RUNS] = header[k.H_NEAR_BANK_QUEUE] + 2
    header[k.H_REFRESHES] = (8 + dram.refresh_postpone) * max(1, header[k.H_TURNS])
    header[k.H_RING] = ring
    place = k.N_REGS
    for name, size in (
        (k.AT_READY, header[k.H_NODES] * header[k.H_KINDS]),
        (k.AT_BANK, header[k.H_BANKS] * header[k.H_ROW_BUFFERS]),
        (k.AT_RANK, header[k.H_RANKS] * k.RANK_FIELDS),
        (k.AT_RING, windows * header[k.H_NODES] * (ring + 1)),
        (k.AT_ORDER, k.N_QUEUES * header[k.H_ENTRIES]),
        (k.AT_FREE, header[k.H_ENTRIES]),
        (k.AT_QUEUE, header[k.H_ENTRIES] * k.Q_FIELDS),
        (k.AT_RUN, header[k.H_RUNS] * k.R_FIELDS),
        (k.AT_REFRESH, header[k.H_REFRESHES]),
        (k.AT_BEHIND, header[k.H_ENTRIES]),
        (k.AT_STEP, 4 * header[k.H_BANKS] * k.F_FIELDS),
        (k.AT_COUNT, header[k.H_KINDS]),
        (k.AT_HITS, header[k.H_BANKS]),
        (k.AT_USED, header[k.H_BANKS]),
        (k.AT_DUE, header[k.H_BANKS]),
        (k.AT_COMMANDS, header[k.H_QUEUES] * (k.CQ_FIELDS + header[k.H_QUEUE_DEPTH])),
    ):
        header[name] = place
        place += size
    header[k.H_SIZE] = place


def fresh_channels(tables: k.Ints, classes: int) -> k.Ints:
    """Channels at rest before tick 1: all banks precharged, no gap pending, the first refresh due at tick nREFI."""
    channel = np.zeros(int(tables[k.H_SIZE]), dtype=np.int64)
    channel[k.REF_NEXT] = tables[k.H_REFI]
    channel[k.NEXT] = 1
    channel[k.SYNC_TAKEN] = channel[k.ANSWER] = -1
    channel[tables[k.AT_BANK] : tables[k.AT_RANK]] = -1
    channel[tables[k.AT_STEP] : tables[k.AT_COUNT]] = -1
    rings = channel[tables[k.AT_RING] : tables[k.AT_ORDER]].reshape(-1, int(tables[k.H_RING]) + 1)
    rings[:, :-1] = -k.NEVER
    entries = int(tables[k.H_ENTRIES])
    channel[k.N_FREE] = entries
    free = int(tables[k.AT_FREE])
    channel[free : free + entries] = int(tables[k.AT_QUEUE]) + np.arange(entries)[::-1] * k.Q_FIELDS
    channels = np.tile(channel, (classes, 1))
    channels[:, k.CLASS] = np.arange(classes)
    return channels


def refresh_before_start(tables: k.Ints, channels: k.Ints, phase: int) -> None:
    """Put the latest due time of refresh ``phase`` ticks before tick 1, as an idle channel would have served it."""
    command = int(tables[k.H_REFRESH])
    if command < 0:
        return
    interval = int(tables[k.H_REFI])
    phase %= interval
    channels[:, k.REF_NEXT] = 1 - phase + interval if phase else 1
    if phase == 0:
        return
    batch = int(tables[k.H_BATCH])
    banks = tables[int(tables[k.H_TURN_AT]) :][: int(tables[k.H_TURNS])][-batch:]
    place = k.N_HEADER + command * k.C_FIELDS
    spacing, align = int(tables[place + k.C_BUS_TICKS]), int(tables[place + k.C_ALIGN])
    no_log = np.zeros((1, k.LOG_FIELDS), dtype=np.int64)
    for channel in channels:
        tick = 1 - phase
        for bank in banks.tolist():
            tick += (1 - tick) % align
            issue(tables, channel, no_log, command, bank, -1, -1, tick, 1)
            tick += spacing
        channel[tables[k.AT_COUNT] : tables[k.AT_HITS]] = 0
