"""Compiled: near-bank commands and memory requests side by side; a pass looks at the near-bank queue first."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.memory_queue import choose, serve_buffers, take_memory
from simulator.dram.kernel.near_bank_queue import take_near_bank
from simulator.dram.kernel.refresh_queue import take_refresh
from simulator.dram.kernel.state import Ints, compiled


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64)")
def _serve_memory(t: Ints, m: Ints, log: Ints, done: Ints, bus: int, clk: int) -> tuple[int, int]:
    """Steps 1, 2 and 4: the active buffer, a refresh, the read or the write buffer."""
    horizon = k.NEVER
    if m[k.N_ACTIVE] > 0:
        index, horizon = choose(t, m, k.ACTIVE_QUEUE, bus, clk, 1)
        if index >= 0:
            return (clk if take_memory(t, m, log, done, k.ACTIVE_QUEUE, index, clk) else 0), horizon
    if m[k.REF_LEN] > 0:
        issued, tick = take_refresh(t, m, log, bus, clk)
        return issued, min(horizon, tick)
    return serve_buffers(t, m, log, done, bus, clk, horizon)


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64, int64)")
def serve_concurrent(
    t: Ints, m: Ints, log: Ints, done: Ints, bus: int, clk: int, limit: int, keep: int
) -> tuple[int, int]:
    """One bus's choice in a tick: (last tick at which it issued or 0, next tick of interest)."""
    next_near_bank = k.NEVER
    if m[k.NB_LEN] > 0 and m[k.REF_LEN] == 0:
        issued, next_near_bank = take_near_bank(t, m, log, bus, clk, limit, keep)
        if issued > 0 or next_near_bank - clk < t[k.H_SLACK]:
            return issued, next_near_bank
    issued, tick = _serve_memory(t, m, log, done, bus, clk)
    return issued, min(next_near_bank, tick)
