"""Compiled: a controller that sorts requests into command queues, one a bank or one a rank.

The rules are docs/dram-engine.md section 12.

Nothing here is compiled before a standard with such a scheduler runs.
"""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import issue
from simulator.dram.kernel.memory_queue import complete
from simulator.dram.kernel.state import Ints, command_field, compiled, first_bank, node_of, order_at, ready_at


@compiled("int64(int64[::1], int64)", inline=True)
def queue_at(t: Ints, queue: int) -> int:
    """Where a command queue begins."""
    return t[k.AT_COMMANDS] + queue * (k.CQ_FIELDS + t[k.H_QUEUE_DEPTH])


@compiled("int64(int64[::1], int64[::1], int64, int64, int64, int64)")
def _allowed_from(t: Ints, m: Ints, command: int, bank: int, clk: int, ignored_bus: int) -> int:
    """The first tick from ``clk`` on at which a command may issue, a command on ``ignored_bus`` left aside."""
    bus = command_field(t, command, k.C_BUS)
    tick = clk if bus == ignored_bus else max(clk, m[k.BUS_FREE + bus])
    for level in range(command_field(t, command, k.C_SCOPE) + 1):
        tick = max(tick, m[ready_at(t, node_of(t, level, bank), command)])
    align = command_field(t, command, k.C_ALIGN)
    return tick + (1 - tick) % align


@compiled("int64(int64[::1], int64[::1], int64)", inline=True)
def _next_command(t: Ints, m: Ints, entry: int) -> int:
    """What brings a queued request forward."""
    final = m[entry + k.Q_COMMAND]
    open_row = m[t[k.AT_BANK] + m[entry + k.Q_BANK]]
    if open_row < 0:
        return command_field(t, final, k.C_OPENER)
    return final if open_row == m[entry + k.Q_ROW] else command_field(t, final, k.C_CLOSER)


@compiled("boolean(int64[::1], int64[::1], int64, int64)")
def _row_may_go(t: Ints, m: Ints, place: int, index: int) -> bool:
    """Whether the entry at ``index`` is its bank's first, and no entry behind it still hits the open row or may not."""
    entry = m[place + k.CQ_FIELDS + index]
    bank = m[entry + k.Q_BANK]
    open_row = m[t[k.AT_BANK] + bank]
    worn = m[t[k.AT_HITS] + bank] >= t[k.H_HIT_CAP]
    for i in range(m[place + k.CQ_LENGTH]):
        other = m[place + k.CQ_FIELDS + i]
        if m[other + k.Q_BANK] == bank and (i < index or (m[other + k.Q_ROW] == open_row and not worn)):
            return False
    return True


@compiled("int64(int64[::1], int64[::1], int64, int64, int64, int64, int64, int64)")
def same_burst(t: Ints, m: Ints, first: int, end: int, data: int, bank: int, row: int, column: int) -> int:
    """Of the entries listed at places ``first`` to ``end``, one that reads or writes this burst; -1 if none does."""
    for place in range(first, end):
        entry = m[place]
        same = m[entry + k.Q_BANK] == bank and m[entry + k.Q_ROW] == row and m[entry + k.Q_COLUMN] == column
        if same and command_field(t, m[entry + k.Q_COMMAND], k.C_DATA) == data:
            return entry
    return -1


@compiled("boolean(int64[::1], int64[::1], int64, int64)")
def _read_is_before(t: Ints, m: Ints, place: int, index: int) -> bool:
    """Whether a read of the same burst stands before a write in its queue."""
    at = place + k.CQ_FIELDS
    entry = m[at + index]
    bank, row, column = m[entry + k.Q_BANK], m[entry + k.Q_ROW], m[entry + k.Q_COLUMN]
    return same_burst(t, m, at, at + index, k.DATA_READ, bank, row, column) >= 0


@compiled("int64(int64[::1], int64[::1], int64, int64, int64)")
def _first_ready(t: Ints, m: Ints, queue: int, clk: int, ignored_bus: int) -> int:
    """The first entry of a queue whose next command may issue now, -1 if none; then CQ_TICK is a lower bound."""
    place = queue_at(t, queue)
    soonest = k.NEVER
    for i in range(m[place + k.CQ_LENGTH]):
        entry = m[place + k.CQ_FIELDS + i]
        command = _next_command(t, m, entry)
        tick = _allowed_from(t, m, command, m[entry + k.Q_BANK], clk, ignored_bus)
        if tick > clk:
            soonest = min(soonest, tick)
        elif command == m[entry + k.Q_COMMAND]:
            write = command_field(t, command, k.C_DATA) == k.DATA_WRITE
            if not write or not _read_is_before(t, m, place, i):
                return i
        elif not command_field(t, command, k.C_CLOSES) or _row_may_go(t, m, place, i):
            return i
    m[place + k.CQ_TICK] = soonest
    return -1


@compiled("boolean(int64[::1], int64[::1], int64)")
def _waits_for_refresh(t: Ints, m: Ints, queue: int) -> bool:
    """Whether a queue holds requests to a bank of the node whose refresh is being prepared."""
    refresh = t[k.H_REFRESH]
    first = first_bank(t, refresh, m[t[k.AT_REFRESH] + m[k.REF_HEAD]])
    spacing = command_field(t, refresh, k.C_SPACING)
    for bank in range(first, first + command_field(t, refresh, k.C_BANKS) * spacing, spacing):
        if bank // t[k.H_QUEUE_SPAN] == queue:
            return True
    return False


@compiled("int64(int64[::1], int64[::1], int64, int64, boolean)")
def _pick(t: Ints, m: Ints, clk: int, ignored_bus: int, refreshing: bool) -> int:
    """Go round the queues to the next with a ready entry; its index in QUEUE_TURN's queue, or -1."""
    for _ in range(t[k.H_QUEUES]):
        m[k.QUEUE_TURN] = (m[k.QUEUE_TURN] + 1) % t[k.H_QUEUES]
        place = queue_at(t, m[k.QUEUE_TURN])
        if m[place + k.CQ_LENGTH] == 0 or m[place + k.CQ_TICK] > clk:
            continue
        if refreshing and _waits_for_refresh(t, m, m[k.QUEUE_TURN]):
            continue
        index = _first_ready(t, m, m[k.QUEUE_TURN], clk, ignored_bus)
        if index >= 0:
            return index
    return -1


@compiled("void(int64[::1], int64[::1], int64[:, ::1], int64, int64, int64, int64, int64)")
def _issue(t: Ints, m: Ints, log: Ints, command: int, bank: int, row: int, column: int, clk: int) -> None:
    """Issue a command; what its bank's queue knew of coming ticks no longer holds."""
    issue(t, m, log, command, bank, row, column, clk, 1)
    first = first_bank(t, command, bank)
    spacing = command_field(t, command, k.C_SPACING)
    for b in range(first, first + command_field(t, command, k.C_BANKS) * spacing, spacing):
        m[queue_at(t, b // t[k.H_QUEUE_SPAN]) + k.CQ_TICK] = 0
        m[t[k.AT_HITS] + b] = 0 if m[t[k.AT_BANK] + b] < 0 else m[t[k.AT_HITS] + b] + (column >= 0)


@compiled("void(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1], int64, int64)")
def _take(t: Ints, m: Ints, log: Ints, done: Ints, chain: Ints, index: int, clk: int) -> None:
    """Issue the next command of an entry of the queue whose turn it is."""
    place = queue_at(t, m[k.QUEUE_TURN])
    entry = m[place + k.CQ_FIELDS + index]
    command = _next_command(t, m, entry)
    final = command == m[entry + k.Q_COMMAND]
    column = m[entry + k.Q_COLUMN] if final else -1
    _issue(t, m, log, command, m[entry + k.Q_BANK], m[entry + k.Q_ROW], column, clk)
    if not final:
        m[entry + k.Q_ACTS] += command_field(t, command, k.C_OPENS)
        return
    end = complete(t, m, command, clk, 1)
    request = m[entry + k.Q_ID]
    while request >= 0 and done.shape[0] > 0:
        done[request] = end
        request = chain[request]
    m[k.HITS if m[entry + k.Q_ACTS] == 0 else k.MISSES] += 1
    m[place + k.CQ_LENGTH] -= 1
    m[k.N_QUEUED] -= 1
    for i in range(index, m[place + k.CQ_LENGTH]):
        m[place + k.CQ_FIELDS + i] = m[place + k.CQ_FIELDS + i + 1]
    m[t[k.AT_FREE] + m[k.N_FREE]] = entry
    m[k.N_FREE] += 1


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64)")
def _take_refresh(t: Ints, m: Ints, log: Ints, clk: int) -> tuple[int, int]:
    """Bring the refresh at the head forward: (command issued or -1, next tick of interest)."""
    final = t[k.H_REFRESH]
    closer = command_field(t, final, k.C_CLOSER)
    first = first_bank(t, final, m[t[k.AT_REFRESH] + m[k.REF_HEAD]])
    spacing = command_field(t, final, k.C_SPACING)
    horizon, all_closed, soonest = k.NEVER, True, clk
    for bank in range(first, first + command_field(t, final, k.C_BANKS) * spacing, spacing):
        is_open = m[t[k.AT_BANK] + bank] >= 0
        tick = _allowed_from(t, m, closer if is_open else final, bank, clk, -1)
        if is_open:
            all_closed = False
            if tick <= clk:
                _issue(t, m, log, closer, bank, -1, -1, clk)
                return closer, k.NEVER
            horizon = min(horizon, tick)
        soonest = max(soonest, tick)
    if not all_closed:
        return -1, horizon
    if soonest > clk:
        return -1, soonest
    _issue(t, m, log, final, first, -1, -1, clk)
    m[k.REF_HEAD] = (m[k.REF_HEAD] + 1) % t[k.H_REFRESHES]
    m[k.REF_LEN] -= 1
    m[k.REFRESHES] += 1
    return final, k.NEVER


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1], int64)")
def serve_tick(t: Ints, m: Ints, log: Ints, done: Ints, chain: Ints, clk: int) -> tuple[int, int]:
    """The commands of a tick: (how many issued, next tick of interest if none did)."""
    horizon = m[k.REF_NEXT]
    refreshing = m[k.REF_LEN] > 0
    first = -1
    if refreshing:
        first, tick = _take_refresh(t, m, log, clk)
        horizon = min(horizon, tick)
        refreshing = first != t[k.H_REFRESH]
    if first < 0:
        index = _pick(t, m, clk, -1, refreshing)
        if index >= 0:
            first = _next_command(t, m, m[queue_at(t, m[k.QUEUE_TURN]) + k.CQ_FIELDS + index])
            _take(t, m, log, done, chain, index, clk)
    if first < 0:
        for queue in range(t[k.H_QUEUES]):
            place = queue_at(t, queue)
            if m[place + k.CQ_LENGTH] > 0 and not (refreshing and _waits_for_refresh(t, m, queue)):
                horizon = min(horizon, m[place + k.CQ_TICK])
        return 0, horizon
    if t[k.H_BUSES] == 1:
        return 1, k.NEVER
    bus = command_field(t, first, k.C_BUS)
    index = _pick(t, m, clk, bus, refreshing)
    if index < 0:
        return 1, k.NEVER
    second = _next_command(t, m, m[queue_at(t, m[k.QUEUE_TURN]) + k.CQ_FIELDS + index])
    if command_field(t, second, k.C_BUS) == bus:
        return 1, k.NEVER
    _take(t, m, log, done, chain, index, clk)
    return 2, k.NEVER


@compiled("void(int64[::1], int64[::1], boolean)")
def _start_draining(t: Ints, m: Ints, flush: bool) -> None:
    """Begin a batch of writes if it is time; ``flush``: no more requests come, and all data has moved."""
    if m[k.DRAINING] > 0 or m[k.N_WRITE] == 0:
        return
    full = (m[k.N_WRITE] << 20) >= t[k.H_WRITES_ON]
    idle = (m[k.N_WRITE] << 20) > t[k.H_WRITES_OFF] and m[k.N_QUEUED] == 0
    if full or idle or (flush and m[k.N_READ] + m[k.N_QUEUED] == 0):
        m[k.DRAINING] = m[k.N_WRITE]


@compiled("int64(int64[::1], int64[::1], int64, int64, int64, int64)")
def pending(t: Ints, m: Ints, data: int, bank: int, row: int, column: int) -> int:
    """An entry that reads or writes a burst and still waits, in its buffer or its command queue; -1: none."""
    buffer = k.WRITE_QUEUE if data == k.DATA_WRITE else k.READ_QUEUE
    first = order_at(t, buffer, 0)
    entry = same_burst(t, m, first, first + m[k.N_READ + buffer], data, bank, row, column)
    if entry >= 0:
        return entry
    place = queue_at(t, bank // t[k.H_QUEUE_SPAN])
    first = place + k.CQ_FIELDS
    return same_burst(t, m, first, first + m[place + k.CQ_LENGTH], data, bank, row, column)


@compiled("boolean(int64[::1], int64[::1], int64)")
def _move_from(t: Ints, m: Ints, buffer: int) -> bool:
    """Move the first request of a buffer whose queue has room; a write that a read must precede ends the batch."""
    for i in range(m[k.N_READ + buffer]):
        entry = m[order_at(t, buffer, i)]
        place = queue_at(t, m[entry + k.Q_BANK] // t[k.H_QUEUE_SPAN])
        if m[place + k.CQ_LENGTH] >= t[k.H_QUEUE_DEPTH]:
            continue
        if buffer == k.WRITE_QUEUE:
            bank, row, column = m[entry + k.Q_BANK], m[entry + k.Q_ROW], m[entry + k.Q_COLUMN]
            if t[k.H_FORWARDING] and pending(t, m, k.DATA_READ, bank, row, column) >= 0:
                m[k.DRAINING] = 0
                return False
            m[k.DRAINING] -= 1
        m[place + k.CQ_FIELDS + m[place + k.CQ_LENGTH]] = entry
        m[place + k.CQ_LENGTH] += 1
        m[place + k.CQ_TICK] = 0
        m[k.N_QUEUED] += 1
        m[k.N_READ + buffer] -= 1
        for at in range(order_at(t, buffer, i), order_at(t, buffer, m[k.N_READ + buffer])):
            m[at] = m[at + 1]
        return True
    return False


@compiled("boolean(int64[::1], int64[::1], boolean)")
def move_one(t: Ints, m: Ints, flush: bool) -> bool:
    """Move the first request of the buffer being served whose command queue has room; whether one moved."""
    _start_draining(t, m, flush)
    if m[k.DRAINING] > 0:
        moved = _move_from(t, m, k.WRITE_QUEUE)
        if moved or m[k.DRAINING] > 0:
            return moved
    return _move_from(t, m, k.READ_QUEUE)
