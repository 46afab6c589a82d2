"""Compiled: when a command may issue at a node, and what issuing it changes."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.open_time import book
from simulator.dram.kernel.state import Ints, command_field, compiled, first_bank, level_field, node_of, ready_at


@compiled("int64(int64[::1], int64[::1], int64, int64, int64)")
def earliest(t: Ints, m: Ints, command: int, bank: int, clk: int) -> int:
    """The first tick from ``clk`` on at which the command may issue at the node that holds ``bank``."""
    tick = max(clk, m[k.BUS_FREE + command_field(t, command, k.C_BUS)])
    for level in range(command_field(t, command, k.C_SCOPE) + 1):
        tick = max(tick, m[ready_at(t, node_of(t, level, bank), command)])
    align = command_field(t, command, k.C_ALIGN)
    if align > 1:
        tick += (1 - tick) % align
    return tick


@compiled("int64(int64[::1], int64[::1], int64, int64, int64)", inline=True)
def earliest_of_all(t: Ints, m: Ints, command: int, bank: int, clk: int) -> int:
    """`earliest` for a command whose banks need not be neighbours: it waits for the nodes of each."""
    spacing = command_field(t, command, k.C_SPACING)
    if spacing == 1:
        return earliest(t, m, command, bank, clk)
    tick = clk
    first = first_bank(t, command, bank)
    for b in range(first, first + command_field(t, command, k.C_BANKS) * spacing, spacing):
        tick = max(tick, earliest(t, m, command, b, clk))
    return tick


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64, int64, int64)")
def next_command(t: Ints, m: Ints, command: int, bank: int, row: int) -> tuple[int, int]:
    """The command that brings a request with this final command forward, and a bank of its node."""
    need = command_field(t, command, k.C_NEED)
    if need == k.NEED_ANY:
        return command, bank
    closed = -1
    spacing = command_field(t, command, k.C_SPACING)
    first = first_bank(t, command, bank)
    for i in range(command_field(t, command, k.C_BANKS)):
        b = first + i * spacing
        for buffer in range(command_field(t, command, k.C_BUFFER_FIRST), command_field(t, command, k.C_BUFFER_END)):
            open_row = m[t[k.AT_BANK] + buffer * t[k.H_BANKS] + b]
            if open_row < 0:
                if closed < 0:
                    closed = b
            elif need != k.NEED_OPEN or open_row != row:
                return command_field(t, command, k.C_CLOSER), b
    if need == k.NEED_OPEN and closed >= 0:
        return command_field(t, command, k.C_OPENER), closed
    return command, bank


@compiled("void(int64[::1], int64[::1], int64, int64, int64)")
def _apply_rows(t: Ints, m: Ints, command: int, bank: int, tick: int) -> None:
    """Hold back what the pairwise constraints of a command issued at ``tick`` name."""
    for i in range(command_field(t, command, k.C_ROW_FIRST), command_field(t, command, k.C_ROW_END)):
        rule = t[k.H_ROW_AT] + i * k.G_FIELDS
        level = t[rule + k.G_LEVEL]
        node = node_of(t, level, bank)
        until = tick + t[rule + k.G_GAP]
        if t[rule + k.G_SIBLING]:
            count = level_field(t, level, k.L_COUNT)
            first = node - (node - level_field(t, level, k.L_OFFSET)) % count
            for other in range(first, first + count):
                if other != node:
                    at = ready_at(t, other, t[rule + k.G_TO])
                    m[at] = max(m[at], until)
        else:
            at = ready_at(t, node, t[rule + k.G_TO])
            m[at] = max(m[at], until)


@compiled("void(int64[::1], int64[::1], int64, int64, int64)")
def _apply_windows(t: Ints, m: Ints, command: int, bank: int, tick: int) -> None:
    """Count an activation at ``tick`` in its windows and hold back what they name."""
    for i in range(command_field(t, command, k.C_PUSH_FIRST), command_field(t, command, k.C_PUSH_END)):
        push = t[k.H_PUSH_AT] + i * k.P_FIELDS
        window = t[k.H_WINDOW_AT] + t[push + k.P_WINDOW] * k.W_FIELDS
        node = node_of(t, t[window + k.W_LEVEL], bank)
        size = t[window + k.W_SIZE]
        ring = t[k.AT_RING] + (t[push + k.P_WINDOW] * t[k.H_NODES] + node) * (t[k.H_RING] + 1)
        at = m[ring + t[k.H_RING]]
        for _ in range(command_field(t, command, k.C_ACTIVATIONS)):
            m[ring + at] = tick + t[push + k.P_SHIFT]
            at = (at + 1) % size
        m[ring + t[k.H_RING]] = at
        for j in range(t[window + k.W_LIMIT_FIRST], t[window + k.W_LIMIT_END]):
            limit = t[k.H_LIMIT_AT] + j * k.B_FIELDS
            until = m[ring + (at - t[limit + k.B_NTH]) % size] + t[limit + k.B_GAP]
            place = ready_at(t, node, t[limit + k.B_TO])
            m[place] = max(m[place], until)


@compiled("void(int64[::1], int64[::1], int64, int64, int64, int64)")
def _set_rows(t: Ints, m: Ints, command: int, bank: int, row: int, tick: int) -> None:
    """Open or close the banks of the command's node, and account for the time with any bank of a rank open."""
    rank_span = level_field(t, t[k.H_RANK_LEVEL], k.L_SPAN)
    closes = command_field(t, command, k.C_CLOSES)
    spacing = command_field(t, command, k.C_SPACING)
    first = first_bank(t, command, bank)
    for i in range(command_field(t, command, k.C_BANKS)):
        b = first + i * spacing
        step = t[k.AT_STEP] + b * 4 * k.F_FIELDS
        for field in range(step, step + 4 * k.F_FIELDS):
            m[field] = k.UNKNOWN
        rank = t[k.AT_RANK] + b // rank_span * k.RANK_FIELDS
        for buffer in range(command_field(t, command, k.C_BUFFER_FIRST), command_field(t, command, k.C_BUFFER_END)):
            place = t[k.AT_BANK] + buffer * t[k.H_BANKS] + b
            if closes:
                if m[place] >= 0:
                    m[place] = -1
                    book(m, rank, tick)
                    m[rank + k.RANK_OPEN] -= 1
            else:
                if m[place] < 0:
                    book(m, rank, tick)
                    m[rank + k.RANK_OPEN] += 1
                m[place] = row


@compiled("void(int64[::1], int64[:, ::1], int64, int64, int64, int64, int64, int64)")
def _write_log(t: Ints, log: Ints, c: int, command: int, bank: int, row: int, column: int, tick: int) -> None:
    """Append to the log, if there is room; count it in any case."""
    log[0, 0] += 1
    at = log[0, 0]
    if at < log.shape[0]:
        log[at, k.LOG_CLASS] = c
        log[at, k.LOG_TICK] = tick
        log[at, k.LOG_COMMAND] = command
        spacing = command_field(t, command, k.C_SPACING)
        group = command_field(t, command, k.C_BANKS) * spacing
        log[at, k.LOG_NODE] = bank // group * spacing + bank % spacing
        log[at, k.LOG_ROW] = row
        log[at, k.LOG_COLUMN] = column


@compiled("void(int64[::1], int64[::1], int64[:, ::1], int64, int64, int64, int64, int64, int64)")
def issue(t: Ints, m: Ints, log: Ints, command: int, bank: int, row: int, column: int, last: int, count: int) -> None:
    """Issue ``count`` equal commands, the last at tick ``last``; several only of column commands, one stride apart.

    For several this is exact: a later command of a run holds back whatever an earlier one did, and longer.
    """
    spacing = command_field(t, command, k.C_SPACING)
    if spacing == 1:
        _apply_rows(t, m, command, bank, last)
    else:
        first_of_all = first_bank(t, command, bank)
        for b in range(first_of_all, first_of_all + command_field(t, command, k.C_BANKS) * spacing, spacing):
            _apply_rows(t, m, command, b, last)
    _apply_windows(t, m, command, bank, last)
    m[k.BUS_FREE + command_field(t, command, k.C_BUS)] = last + command_field(t, command, k.C_BUS_TICKS)
    if command_field(t, command, k.C_OPENS) or command_field(t, command, k.C_CLOSES):
        _set_rows(t, m, command, bank, row, last)
    m[t[k.AT_COUNT] + command] += count
    m[k.ISSUES] += 1
    first = last - (count - 1) * command_field(t, command, k.C_STRIDE)
    if log.shape[0] == 1:
        log[0, 0] += count
        return
    for i in range(count):
        tick = first + i * command_field(t, command, k.C_STRIDE)
        _write_log(t, log, m[k.CLASS], command, bank, row, column, tick)
