"""Compiled: the end of a run: closing the rows."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import earliest, issue
from simulator.dram.kernel.controller import STOP_NEVER, advance
from simulator.dram.kernel.memory_queue import switch_mode
from simulator.dram.kernel.state import Ints, compiled, level_field


@compiled("int64(int64[::1], int64[::1], int64[:, ::1], int64)")
def close_rows(t: Ints, m: Ints, log: Ints, end: int) -> int:
    """Close all banks from the tick after ``end`` on; returns the tick from which rows may be opened."""
    command = t[k.H_PRECHARGE_ALL]
    span = level_field(t, t[k.H_RANK_LEVEL], k.L_SPAN)
    idle = end
    for rank in range(t[k.H_RANKS]):
        if m[t[k.AT_RANK] + rank * k.RANK_FIELDS + k.RANK_OPEN] > 0:
            tick = earliest(t, m, command, rank * span, end + 1)
            if switch_mode(t, m, log, command, tick):
                tick = earliest(t, m, command, rank * span, tick)
            issue(t, m, log, command, rank * span, -1, -1, tick, 1)
            idle = max(idle, tick + t[k.H_PRECHARGE_TICKS])
    return idle


@compiled("int64(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64)")
def finish(t: Ints, m: Ints, log: Ints, done: Ints, end: int) -> int:
    """Close all banks of a channel after the end of all work; returns the tick from which rows may be opened."""
    advance(t, m, log, done, end, STOP_NEVER, 0, 0)
    return close_rows(t, m, log, end)
