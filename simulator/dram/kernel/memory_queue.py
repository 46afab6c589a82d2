"""Compiled: the read, write and active buffers of memory requests, and the scheduler's choice among them."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import earliest, issue
from simulator.dram.kernel.state import Ints, command_field, compiled, first_bank, order_at
from simulator.dram.kernel.write_mode import buffer_to_serve


@compiled("int64(int64[::1], int64)", inline=True)
def queue_of(t: Ints, command: int) -> int:
    """The buffer for a final command."""
    return k.WRITE_QUEUE if command_field(t, command, k.C_DATA) == k.DATA_WRITE else k.READ_QUEUE


@compiled("boolean(int64[::1], int64[::1], int64, int64, int64, int64, int64, int64)")
def push_memory(t: Ints, m: Ints, command: int, bank: int, row: int, column: int, identity: int, tick: int) -> bool:
    """Accept a request to serve from ``tick`` on (the caller sees to NEXT); False: answered in that tick."""
    queue = queue_of(t, command)
    if queue == k.READ_QUEUE and t[k.H_FORWARD_ANY_READ] and m[k.N_WRITE] > 0:
        m[k.LAST_ANSWER] = max(m[k.LAST_ANSWER] + 1, tick)
        return False
    m[k.N_FREE] -= 1
    entry = m[t[k.AT_FREE] + m[k.N_FREE]]
    m[order_at(t, queue, m[k.N_READ + queue])] = entry
    m[k.N_READ + queue] += 1
    m[entry + k.Q_COMMAND] = command
    m[entry + k.Q_BANK] = bank
    m[entry + k.Q_ROW] = row
    m[entry + k.Q_COLUMN] = column
    m[entry + k.Q_SEQUENCE] = m[k.SEQUENCE]
    m[entry + k.Q_ID] = identity
    m[entry + k.Q_ACTS] = 0
    m[entry + k.Q_TICK] = tick
    m[entry + k.Q_STEP] = t[k.AT_STEP] + (bank * 2 + queue) * 2 * k.F_FIELDS
    m[k.SEQUENCE] += 1
    return True


@compiled("boolean(int64[::1], int64[::1], int64)")
def _row_shared(t: Ints, m: Ints, entry: int) -> bool:
    """Whether another queued memory request has the same bank and row."""
    for queue in range(k.N_QUEUES):
        for i in range(m[k.N_READ + queue]):
            other = m[order_at(t, queue, i)]
            if (
                other != entry
                and m[other + k.Q_BANK] == m[entry + k.Q_BANK]
                and m[other + k.Q_ROW] == m[entry + k.Q_ROW]
            ):
                return True
    return False


@compiled("int64(int64[::1], int64[::1], int64, int64, int64)")
def renew(t: Ints, m: Ints, entry: int, step: int, clk: int) -> int:
    """Find a queued request's next command and its earliest tick from ``clk`` on, and keep both."""
    final = m[entry + k.Q_COMMAND]
    bank = m[entry + k.Q_BANK]
    open_row = m[t[k.AT_BANK] + bank]
    if open_row < 0:
        command = command_field(t, final, k.C_OPENER)
    elif open_row != m[entry + k.Q_ROW]:
        command = command_field(t, final, k.C_CLOSER)
    elif t[k.H_CLOSED_PAGE] and not _row_shared(t, m, entry):
        command = command_field(t, final, k.C_TWIN)
    else:
        command = final
    tick = earliest(t, m, command, bank, clk)
    m[step + k.F_AGE] = k.UNKNOWN if t[k.H_CLOSED_PAGE] else m[k.ISSUES]
    m[step + k.F_COMMAND] = command
    m[step + k.F_TICK] = tick
    return tick


@compiled("int64(int64[::1], int64[::1], int64)", inline=True)
def step_of(t: Ints, m: Ints, entry: int) -> int:
    """Where a request's next step is kept: requests of a kind that hit, or that miss, a bank's row share it."""
    hit = m[t[k.AT_BANK] + m[entry + k.Q_BANK]] == m[entry + k.Q_ROW]
    return m[entry + k.Q_STEP] + (k.F_FIELDS if hit else 0)


@compiled("int64(int64[::1], int64[::1], int64, int64)", inline=True)
def step_tick(t: Ints, m: Ints, entry: int, clk: int) -> int:
    """``clk`` if a queued request's next command may issue then, else a lower bound of its earliest tick.

    While a bank's row stays, issuing only moves commands to later ticks, so an answer beyond ``clk`` need not be
    renewed.
    """
    step = step_of(t, m, entry)
    if m[step + k.F_TICK] > clk and not t[k.H_CLOSED_PAGE]:
        return m[step + k.F_TICK]
    return renew(t, m, entry, step, clk)


@compiled("boolean(int64[::1], int64[::1], int64, int64)")
def takes_active_row(t: Ints, m: Ints, command: int, bank: int) -> bool:
    """Whether a command closes the row under an active request."""
    if not command_field(t, command, k.C_CLOSES) or command_field(t, command, k.C_BUFFER_FIRST) > 0:
        return False
    first = first_bank(t, command, bank)
    for i in range(m[k.N_ACTIVE]):
        if first_bank(t, command, m[m[order_at(t, k.ACTIVE_QUEUE, i)] + k.Q_BANK]) == first:
            return True
    return False


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64, int64, int64, int64)")
def choose(t: Ints, m: Ints, queue: int, bus: int, clk: int, thorough: int) -> tuple[int, int]:
    """The scheduler's choice in a buffer for a bus at a tick: (index or -1, next tick of interest on either bus).

    Unless ``thorough`` the tick of interest is only right when nothing was chosen. The read and the write buffer are
    in order of arrival.
    """
    chosen, chosen_ready, chosen_arrived = -1, False, k.NEVER
    horizon = k.NEVER
    fcfs = t[k.H_FCFS] != 0
    every = t[k.H_CLOSED_PAGE] != 0
    protect = t[k.H_PROTECT] != 0 and queue != k.ACTIVE_QUEUE
    banks = t[k.AT_BANK]
    first = order_at(t, queue, 0)
    for i in range(m[k.N_READ + queue]):
        # What `step_tick` does, spread out: this loop is most of a simulation's time.
        entry = m[first + i]
        step = m[entry + k.Q_STEP]
        if m[banks + m[entry + k.Q_BANK]] == m[entry + k.Q_ROW]:
            step += k.F_FIELDS
        tick = m[step + k.F_TICK]
        if every or tick < clk or (tick == clk and m[step + k.F_AGE] != m[k.ISSUES]):
            tick = renew(t, m, entry, step, clk)
        if tick > clk:
            horizon = min(horizon, tick)
            if not fcfs:
                continue
        command = m[step + k.F_COMMAND]
        if command_field(t, command, k.C_BUS) != bus:
            continue
        final = m[entry + k.Q_COMMAND]
        on_the_way = command != final and command != command_field(t, final, k.C_TWIN)
        if protect and on_the_way and takes_active_row(t, m, command, m[entry + k.Q_BANK]):
            continue
        arrived = m[entry + k.Q_TICK]
        if arrived < chosen_arrived:
            chosen, chosen_ready, chosen_arrived = i, tick <= clk, arrived
            if chosen_ready and queue != k.ACTIVE_QUEUE and not thorough:
                break
    return (chosen if chosen_ready else -1), horizon


@compiled("void(int64[::1], int64[::1], int64, int64)")
def _remove(t: Ints, m: Ints, queue: int, index: int) -> None:
    """Take a place out of a buffer's order."""
    m[k.N_READ + queue] -= 1
    for place in range(order_at(t, queue, index), order_at(t, queue, m[k.N_READ + queue])):
        m[place] = m[place + 1]


@compiled("int64(int64[::1], int64[::1], int64, int64, int64)")
def complete(t: Ints, m: Ints, command: int, tick: int, count: int) -> int:
    """Note the end of final commands (the last issued at ``tick``); returns the last one's completion."""
    done = tick + command_field(t, command, k.C_LATENCY)
    m[k.LAST_DONE] = max(m[k.LAST_DONE], done)
    if command_field(t, command, k.C_DATA) != k.DATA_READ:
        m[k.WRITES_DONE] = max(m[k.WRITES_DONE], done)
    elif m[k.SYNC_TAKEN] >= 0:
        m[t[k.AT_BEHIND] + m[k.BEHIND_SYNC]] = done
        m[k.BEHIND_SYNC] += 1
    else:
        m[k.LAST_ANSWER] = max(m[k.LAST_ANSWER] + count, done)
    return done


@compiled("boolean(int64[::1], int64[::1], int64[:, ::1], int64, int64)")
def switch_mode(t: Ints, m: Ints, log: Ints, final: int, clk: int) -> bool:
    """Issue the mode switch if the request needs the other mode."""
    mode = command_field(t, final, k.C_MODE)
    if t[k.H_MODE_SWITCH] < 0 or mode in (k.MODE_ANY, m[k.MODE]):
        return False
    issue(t, m, log, t[k.H_MODE_SWITCH], 0, -1, -1, clk, 1)
    m[k.MODE] = mode
    return True


@compiled("boolean(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64)")
def take_memory(t: Ints, m: Ints, log: Ints, done: Ints, queue: int, index: int, clk: int) -> bool:
    """Issue the next command of a memory request; False if it is cancelled in favour of an active one."""
    entry = m[order_at(t, queue, index)]
    final = m[entry + k.Q_COMMAND]
    bank = m[entry + k.Q_BANK]
    command = m[step_of(t, m, entry) + k.F_COMMAND]
    is_final = command in (final, command_field(t, final, k.C_TWIN))
    if queue != k.ACTIVE_QUEUE and not is_final and takes_active_row(t, m, command, bank):
        return False
    if switch_mode(t, m, log, final, clk):
        return True
    issue(t, m, log, command, bank, m[entry + k.Q_ROW], m[entry + k.Q_COLUMN] if is_final else -1, clk, 1)
    if is_final:
        end = complete(t, m, command, clk, 1)
        if m[entry + k.Q_ID] >= 0 and done.shape[0] > 0:
            done[m[entry + k.Q_ID]] = end
        m[k.HITS if m[entry + k.Q_ACTS] == 0 else k.MISSES] += 1
        _remove(t, m, queue, index)
        m[t[k.AT_FREE] + m[k.N_FREE]] = entry
        m[k.N_FREE] += 1
    elif command_field(t, command, k.C_OPENS):
        m[entry + k.Q_ACTS] += 1
        if queue != k.ACTIVE_QUEUE:
            _remove(t, m, queue, index)
            m[order_at(t, k.ACTIVE_QUEUE, m[k.N_ACTIVE])] = entry
            m[k.N_ACTIVE] += 1
    return True


@compiled(
    "UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64)",
    inline=True,
)
def serve_buffers(t: Ints, m: Ints, log: Ints, done: Ints, bus: int, clk: int, horizon: int) -> tuple[int, int]:
    """Step 4, the read or the write buffer: (last tick at which it issued or 0, next tick of interest)."""
    queue = buffer_to_serve(t, m)
    index, tick = choose(t, m, queue, bus, clk, 0)
    if index >= 0:
        if take_memory(t, m, log, done, queue, index, clk):
            return clk, k.NEVER
        index, tick = choose(t, m, queue, bus, clk, 1)
    return 0, min(horizon, tick)
