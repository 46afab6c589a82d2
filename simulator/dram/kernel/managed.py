"""Compiled: the choice of a tick under the policies and commands that the plain choice does not know.

These are: order of arrival, caps on row hits and on age, page timeout, refreshes of some banks, postponed and pulled in
refreshes, openings in two steps, the data clock's synchronisation (docs/dram-engine.md section 11).
"""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import earliest, issue, next_command
from simulator.dram.kernel.memory_queue import renew, step_of, takes_active_row
from simulator.dram.kernel.near_bank_queue import take_near_bank
from simulator.dram.kernel.refresh_queue import append_refresh, take_refresh
from simulator.dram.kernel.split_commands import complete_opening, reaches_opening, take_managed
from simulator.dram.kernel.state import Ints, command_field, compiled, first_bank, order_at
from simulator.dram.kernel.write_mode import buffer_to_serve


@compiled("boolean(int64[::1])", inline=True)
def _idle(m: Ints) -> bool:
    """Whether no request and no program waits."""
    return m[k.N_ACTIVE] + m[k.N_READ] + m[k.N_WRITE] + m[k.NB_LEN] == 0


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64)")
def _oldest(t: Ints, m: Ints, queues: int) -> tuple[int, int]:
    """(entry, buffer) of the request accepted first in the first ``queues`` buffers; (-1, -1) if they are empty."""
    oldest, buffer = -1, -1
    for queue in range(queues):
        for i in range(m[k.N_READ + queue]):
            entry = m[order_at(t, queue, i)]
            if oldest < 0 or m[entry + k.Q_SEQUENCE] < m[oldest + k.Q_SEQUENCE]:
                oldest, buffer = entry, queue
    return oldest, buffer


@compiled("boolean(int64[::1], int64[::1], int64, int64)")
def _row_is_worn(t: Ints, m: Ints, queue: int, entry: int) -> bool:
    """Whether a hit must give way: its row has had its share, and an older one of the buffer wants another row."""
    bank = m[entry + k.Q_BANK]
    if m[t[k.AT_HITS] + bank] < t[k.H_HIT_CAP]:
        return False
    for i in range(m[k.N_READ + queue]):
        other = m[order_at(t, queue, i)]
        if other == entry:
            return False
        if m[other + k.Q_BANK] == bank and m[other + k.Q_ROW] != m[entry + k.Q_ROW]:
            return True
    return False


@compiled("boolean(int64[::1], int64[::1])")
def _refresh_is_pressing(t: Ints, m: Ints) -> bool:
    """Whether a refresh waits that may not, or need not, wait longer."""
    return m[k.REF_LEN] > t[k.H_POSTPONE] or (m[k.REF_LEN] > 0 and _idle(m))


@compiled("boolean(int64[::1], int64[::1], int64, int64, int64, int64, boolean)")
def _may_take(t: Ints, m: Ints, queue: int, entry: int, command: int, final: int, pressing: bool) -> bool:
    """Whether a policy forbids the next command of a request (the active buffer's are free)."""
    if queue == k.ACTIVE_QUEUE:
        return True
    bank = m[entry + k.Q_BANK]
    if pressing:
        refresh = t[k.H_REFRESH]
        if first_bank(t, refresh, bank) == first_bank(t, refresh, m[t[k.AT_REFRESH] + m[k.REF_HEAD]]):
            return False
    if command in (final, command_field(t, final, k.C_TWIN)):
        return not _row_is_worn(t, m, queue, entry)
    return t[k.H_PROTECT] == 0 or not takes_active_row(t, m, command, bank)


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64, int64, int64, int64, boolean)")
def _choose(t: Ints, m: Ints, queue: int, bus: int, clk: int, only: int, pressing: bool) -> tuple[int, int]:
    """The scheduler's choice in a buffer, among all entries or for the entry ``only``: (index or -1, next tick)."""
    chosen, chosen_ready, chosen_arrived = -1, False, k.NEVER
    horizon = k.NEVER
    for i in range(m[k.N_READ + queue]):
        entry = m[order_at(t, queue, i)]
        if (only >= 0 and entry != only) or m[t[k.AT_DUE] + m[entry + k.Q_BANK]] > 0:
            continue
        step = step_of(t, m, entry)
        tick = renew(t, m, entry, step, clk)
        if tick > clk:
            horizon = min(horizon, tick)
            if not t[k.H_FCFS]:
                continue
        command = m[step + k.F_COMMAND]
        if command_field(t, command, k.C_BUS) != bus:
            continue
        if m[k.OPENING] > 0 and command_field(t, command, k.C_OPENS):
            continue
        if not _may_take(t, m, queue, entry, command, m[entry + k.Q_COMMAND], pressing):
            continue
        arrived = m[entry + k.Q_TICK]
        if arrived < chosen_arrived:
            chosen, chosen_ready, chosen_arrived = i, tick <= clk, arrived
    if chosen >= 0:
        entry = m[order_at(t, queue, chosen)]
        renew(t, m, entry, step_of(t, m, entry), clk)
    return (chosen if chosen_ready else -1), horizon


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, boolean)")
def _serve_requests(t: Ints, m: Ints, log: Ints, done: Ints, bus: int, clk: int, pressing: bool) -> tuple[int, int]:
    """Step 4: one of the read or the write buffer."""
    horizon, only = k.NEVER, -1
    if t[k.H_IN_ORDER]:
        only, queue = _oldest(t, m, k.N_QUEUES)
        if queue < 0 or queue == k.ACTIVE_QUEUE:
            return 0, k.NEVER
    else:
        only, queue = _oldest(t, m, k.ACTIVE_QUEUE)
        if only >= 0 and clk - m[only + k.Q_TICK] <= t[k.H_AGE_LIMIT]:
            horizon = m[only + k.Q_TICK] + t[k.H_AGE_LIMIT] + 1
            only = -1
        if only < 0:
            queue = buffer_to_serve(t, m)
    index, tick = _choose(t, m, queue, bus, clk, only, pressing)
    horizon = min(horizon, tick)
    if index < 0:
        return 0, horizon
    issued, tick = take_managed(t, m, log, done, queue, index, clk)
    return issued, min(horizon, tick)


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64, int64)")
def _serve_refresh(t: Ints, m: Ints, log: Ints, bus: int, clk: int) -> tuple[int, int]:
    """Step 2: the refresh at the head; while a bank is half open at most a closer that does not reach it."""
    command, bank = next_command(t, m, t[k.H_REFRESH], m[t[k.AT_REFRESH] + m[k.REF_HEAD]], -1)
    if m[k.OPENING] > 0 and (command == t[k.H_REFRESH] or reaches_opening(t, m, command, bank)):
        return 0, k.NEVER
    return take_refresh(t, m, log, bus, clk)


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64, int64, int64, int64)")
def _serve_near_bank(t: Ints, m: Ints, log: Ints, bus: int, clk: int, limit: int, keep: int) -> tuple[int, int]:
    """Step 3: the near-bank queue; its commands count as a use of every bank."""
    if m[k.OPENING] > 0:
        return 0, k.NEVER
    issued, horizon = take_near_bank(t, m, log, bus, clk, limit, keep)
    if issued > 0:
        for bank in range(t[k.H_BANKS]):
            m[t[k.AT_USED] + bank] = issued
    return issued, horizon


@compiled("boolean(int64[::1], int64[::1], int64)")
def _row_is_wanted(t: Ints, m: Ints, bank: int) -> bool:
    """Whether a waiting request hits the bank's open row, or an active one needs the bank."""
    for queue in range(k.N_QUEUES):
        for i in range(m[k.N_READ + queue]):
            entry = m[order_at(t, queue, i)]
            hits = queue == k.ACTIVE_QUEUE or m[entry + k.Q_ROW] == m[t[k.AT_BANK] + bank]
            if hits and m[entry + k.Q_BANK] == bank:
                return True
    return False


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64, int64)")
def _close_idle_row(t: Ints, m: Ints, log: Ints, bus: int, clk: int) -> tuple[int, int]:
    """Step 5: close the first bank whose row has not been used for the timeout and is not wanted."""
    command = t[k.H_IDLE_CLOSER]
    horizon = k.NEVER
    if m[k.NB_LEN] > 0 or m[k.MODE] != k.MODE_MEMORY:
        return 0, horizon
    for bank in range(t[k.H_BANKS]):
        if m[t[k.AT_BANK] + bank] < 0 or m[t[k.AT_DUE] + bank] > 0 or _row_is_wanted(t, m, bank):
            continue
        tick = earliest(t, m, command, bank, max(clk, m[t[k.AT_USED] + bank] + t[k.H_PAGE_TIMEOUT]))
        if tick > clk:
            horizon = min(horizon, tick)
        elif command_field(t, command, k.C_BUS) == bus:
            issue(t, m, log, command, bank, -1, -1, clk, 1)
            return clk, k.NEVER
    return 0, horizon


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64, int64)")
def _serve_work(t: Ints, m: Ints, log: Ints, done: Ints, bus: int, clk: int, limit: int, keep: int) -> tuple[int, int]:
    """Steps 1 to 4."""
    horizon = k.NEVER
    if m[k.N_ACTIVE] > 0:
        only = _oldest(t, m, k.N_QUEUES)[0] if t[k.H_IN_ORDER] else -1
        index, horizon = _choose(t, m, k.ACTIVE_QUEUE, bus, clk, only, False)
        if index >= 0:
            issued, tick = take_managed(t, m, log, done, k.ACTIVE_QUEUE, index, clk)
            return issued, min(horizon, tick)
    if m[k.REF_LEN] == 0 and m[k.PULLED_IN] < t[k.H_PULL_IN] and _idle(m):
        m[k.PULLED_IN] += 1
        append_refresh(t, m)
    pressing = _refresh_is_pressing(t, m)
    if pressing:
        issued, tick = _serve_refresh(t, m, log, bus, clk)
        horizon = min(horizon, tick)
        if issued > 0 or not t[k.H_PARTIAL_REFRESH]:
            return issued, horizon
    if m[k.NB_LEN] > 0:
        if pressing:
            return 0, horizon
        issued, tick = _serve_near_bank(t, m, log, bus, clk, limit, keep)
        return issued, min(horizon, tick)
    issued, tick = _serve_requests(t, m, log, done, bus, clk, pressing)
    return issued, min(horizon, tick)


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64)")
def _serve_forced(t: Ints, m: Ints, log: Ints, done: Ints, entry: int, queue: int, clk: int) -> tuple[int, int]:
    """The command that the data clock was synchronised for in the tick before."""
    tick = renew(t, m, entry, step_of(t, m, entry), clk)
    if tick > clk:
        return 0, tick
    index = 0
    while m[order_at(t, queue, index)] != entry:
        index += 1
    return take_managed(t, m, log, done, queue, index, clk)


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64, int64)")
def serve_managed(
    t: Ints, m: Ints, log: Ints, done: Ints, bus: int, clk: int, limit: int, keep: int
) -> tuple[int, int]:
    """One bus's choice in a tick: (last tick at which it issued or 0, next tick of interest)."""
    if m[k.FORCED] > 0:
        return _serve_forced(t, m, log, done, m[k.FORCED], m[k.FORCED_QUEUE], clk)
    horizon = k.NEVER
    if m[k.OPENING] > 0:
        issued, horizon = complete_opening(t, m, log, clk, clk)
        if issued > 0:
            return issued, horizon
    issued, tick = _serve_work(t, m, log, done, bus, clk, limit, keep)
    if issued == 0 and t[k.H_PAGE_TIMEOUT] > 0:
        horizon = min(horizon, tick)
        issued, tick = _close_idle_row(t, m, log, bus, clk)
    if issued == 0 and m[k.OPENING] > 0:
        horizon = min(horizon, tick)
        issued, tick = complete_opening(t, m, log, clk, k.NEVER - 1)
    return issued, min(horizon, tick)
