"""Compiled: one tick of a channel's controller, and the skipping of ticks in which nothing can happen."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.late_call import serve_at
from simulator.dram.kernel.memory_queue import choose, serve_buffers, take_memory
from simulator.dram.kernel.near_bank_queue import take_near_bank
from simulator.dram.kernel.refresh_queue import let_refreshes_fall_due, take_refresh
from simulator.dram.kernel.state import Ints, compiled

# Why `advance` returns before its limit.
STOP_NEVER, STOP_QUEUE_SHORT, STOP_NO_MEMORY, STOP_ANSWER, STOP_ACCEPTS, STOP_DRAINED = range(6)


@compiled("void(int64[::1], int64[::1], int64)")
def _answer_sync(t: Ints, m: Ints, clk: int) -> None:
    """Let a waiting SYNC answer if all before it is done."""
    if m[k.SYNC_TAKEN] < 0 or max(m[k.LAST_ANSWER], m[k.SYNC_TAKEN], m[k.WRITES_DONE]) >= clk:
        return
    m[k.SYNC_TAKEN] = -1
    m[k.ANSWER] = clk
    m[k.LAST_ANSWER] = clk
    for i in range(m[k.BEHIND_SYNC]):
        m[k.LAST_ANSWER] = max(m[k.LAST_ANSWER] + 1, m[t[k.AT_BEHIND] + i])
    m[k.BEHIND_SYNC] = 0


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64, int64)")
def _serve_bus(t: Ints, m: Ints, log: Ints, done: Ints, bus: int, clk: int, limit: int, keep: int) -> tuple[int, int]:
    """One bus's choice in a tick: (last tick at which it issued or 0, next tick of interest)."""
    if t[k.H_MANAGED]:
        return serve_at(t[k.H_MANAGED], t, m, log, done, bus, clk, limit, keep)
    horizon = k.NEVER
    if m[k.N_ACTIVE] > 0:
        index, horizon = choose(t, m, k.ACTIVE_QUEUE, bus, clk, 1)
        if index >= 0:
            return (clk if take_memory(t, m, log, done, k.ACTIVE_QUEUE, index, clk) else 0), horizon
    if m[k.REF_LEN] > 0:
        issued, tick = take_refresh(t, m, log, bus, clk)
        return issued, min(horizon, tick)
    if m[k.NB_LEN] > 0:
        issued, tick = take_near_bank(t, m, log, bus, clk, limit, keep)
        return issued, min(horizon, tick)
    return serve_buffers(t, m, log, done, bus, clk, horizon)


@compiled("void(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64)")
def tick_channel(t: Ints, m: Ints, log: Ints, done: Ints, clk: int, limit: int, keep: int) -> None:
    """Work through tick ``clk`` (a lone near-bank run: on to ``limit``); sets CLK and NEXT."""
    _answer_sync(t, m, clk)
    horizon = k.NEVER
    if clk == m[k.REF_NEXT]:
        let_refreshes_fall_due(t, m)
    last = issued = 0
    for bus in range(t[k.H_BUSES]):
        issued, tick = _serve_bus(t, m, log, done, bus, clk, min(limit, m[k.REF_NEXT] - 1), keep)
        # What the last bus saw holds for all of them: it looked after the others had issued.
        horizon = tick
        last = max(last, issued)
    m[k.CLK] = max(clk, last)
    m[k.NEXT] = min(horizon, m[k.REF_NEXT])
    if issued > 0 or last > clk or m[k.SYNC_TAKEN] >= 0:
        m[k.NEXT] = m[k.CLK] + 1


@compiled("boolean(int64[::1], int64, int64, int64)")
def _stops(m: Ints, stop: int, argument: int, room: int) -> bool:
    """Whether the condition for which a driver waits holds."""
    if stop == STOP_QUEUE_SHORT:
        return m[k.NB_COMMANDS] <= argument
    if stop == STOP_NO_MEMORY:
        return m[k.N_READ] + m[k.N_WRITE] == 0
    if stop == STOP_ANSWER:
        return m[k.ANSWER] >= 0
    if stop == STOP_ACCEPTS:
        return m[k.NB_COMMANDS] == 0 and m[k.N_READ + argument] < room
    if stop == STOP_DRAINED:
        return m[k.N_READ] + m[k.N_WRITE] + m[k.N_ACTIVE] + m[k.NB_COMMANDS] == 0 and m[k.SYNC_TAKEN] < 0
    return False


@compiled("int64(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64, int64)")
def advance(t: Ints, m: Ints, log: Ints, done: Ints, until: int, stop: int, argument: int, room: int) -> int:
    """Work a channel up to tick ``until`` or to the first tick after which ``stop`` holds.

    Returns the tick reached, or NEVER if the condition can never come (a deadlock).
    """
    keep = argument if stop == STOP_QUEUE_SHORT else 0
    while not _stops(m, stop, argument, room):
        if m[k.NEXT] >= k.NEVER and until >= k.NEVER:
            return k.NEVER
        if m[k.NEXT] > until:
            m[k.CLK] = max(m[k.CLK], until)
            return until
        tick_channel(t, m, log, done, m[k.NEXT], until, keep)
    return m[k.CLK]
