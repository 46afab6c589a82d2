"""Compiled: memory requests on a controller with command queues, until all are served."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.closing import close_rows
from simulator.dram.kernel.command_queues import move_one, pending, serve_tick
from simulator.dram.kernel.memory_queue import push_memory, queue_of
from simulator.dram.kernel.refresh_queue import let_refreshes_fall_due
from simulator.dram.kernel.requests import decode
from simulator.dram.kernel.state import Ints, command_field, compiled


@compiled("int64(int64[::1], int64[::1], int64, int64, int64, int64)")
def _merged_with(t: Ints, m: Ints, data: int, bank: int, row: int, column: int) -> int:
    """The waiting entry that spares a request its own access: an equal one; for a read before all a write."""
    if data == k.DATA_READ:
        entry = pending(t, m, k.DATA_WRITE, bank, row, column)
        if entry >= 0:
            return entry
    return pending(t, m, data, bank, row, column)


@compiled("boolean(int64[::1], int64[::1], int64[::1], int64[::1], int64, int64, int64, int64)")
def _spared(t: Ints, m: Ints, done: Ints, chain: Ints, entry: int, data: int, request: int, clk: int) -> bool:
    """Note when a spared request completes: a merged one with its twin (True), a forwarded read one tick later."""
    twin = m[entry + k.Q_ID]
    if command_field(t, m[entry + k.Q_COMMAND], k.C_DATA) == data:
        if done.shape[0] > 0:
            chain[request] = chain[twin]
            chain[twin] = request
        return True
    m[k.LAST_DONE] = max(m[k.LAST_DONE], clk + 1)
    if done.shape[0] > 0:
        done[request] = clk + 1
    return False


@compiled("boolean(int64[::1], int64[::1], int64[::1], int64[::1], int64[:, ::1], int64[:, ::1], int64, int64, int64)")
def _offer(
    t: Ints, m: Ints, done: Ints, chain: Ints, requests: Ints, mapping: Ints, first: int, offered: int, clk: int
) -> bool:
    """Offer request number ``offered``; whether its buffer took it."""
    at = offered if mapping.shape[0] == 0 else 0
    command, bank, row, column = requests[at, 0], requests[at, 1], requests[at, 2], requests[at, 3]
    if mapping.shape[0] > 0:
        bank, row, column = decode(mapping, first + offered)
    buffer = queue_of(t, command)
    if m[k.N_READ + buffer] >= t[k.H_READ_QUEUE + buffer]:
        return False
    if t[k.H_FORWARDING]:
        data = command_field(t, command, k.C_DATA)
        entry = _merged_with(t, m, data, bank, row, column)
        if entry >= 0:
            _spared(t, m, done, chain, entry, data, offered, clk)
            return True
    if t[k.H_CLOSED_PAGE]:
        command = command_field(t, command, k.C_TWIN)
    push_memory(t, m, command, bank, row, column, offered, clk)
    return True


@compiled(
    "int64(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1], int64[:, ::1], int64[:, ::1], int64[::1],"
    " int64, int64)"
)
def run_queued(
    t: Ints,
    m: Ints,
    log: Ints,
    done: Ints,
    chain: Ints,
    requests: Ints,
    mapping: Ints,
    arrival: Ints,
    first: int,
    n: int,
) -> int:
    """Drive one channel, from tick 0 on, with ``n`` memory requests; returns 0, or NEVER after a deadlock.

    Arguments as of `request_list.run_requests`; ``chain`` is as long as ``done`` and -1 at the start: requests that
    complete together.
    """
    offered = 0
    clk = m[k.CLK]
    while True:
        while offered < n and (arrival.shape[0] == 0 or arrival[offered] <= clk):
            if not _offer(t, m, done, chain, requests, mapping, first, offered, clk):
                break
            offered += 1
        if clk == m[k.REF_NEXT]:
            let_refreshes_fall_due(t, m)
        issued, horizon = serve_tick(t, m, log, done, chain, clk)
        moved = move_one(t, m, offered == n and clk > m[k.LAST_DONE])
        m[k.CLK] = clk
        if offered == n and m[k.N_READ] + m[k.N_WRITE] + m[k.N_QUEUED] == 0:
            return 0
        if issued > 0 or moved:
            clk += 1
            continue
        if offered < n and arrival.shape[0] > 0 and arrival[offered] > clk:
            horizon = min(horizon, arrival[offered])
        if offered == n and m[k.N_WRITE] > 0 and m[k.LAST_DONE] >= clk:
            horizon = min(horizon, m[k.LAST_DONE] + 1)
        if horizon >= k.NEVER:
            return k.NEVER
        clk = horizon


@compiled("int64(int64[::1], int64[::1], int64[:, ::1], int64)")
def finish_queued(t: Ints, m: Ints, log: Ints, end: int) -> int:
    """Refresh an idle channel up to tick ``end``, then close all banks; returns the tick from which rows open."""
    nothing = log[0, :0]
    clk = m[k.CLK] + 1
    while clk <= end:
        if clk == m[k.REF_NEXT]:
            let_refreshes_fall_due(t, m)
        issued, horizon = serve_tick(t, m, log, nothing, nothing, clk)
        m[k.CLK] = clk
        clk = clk + 1 if issued > 0 else horizon
    m[k.CLK] = max(m[k.CLK], end)
    return close_rows(t, m, log, end)
