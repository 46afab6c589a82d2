"""Compiled: long sequential streams, with the stretches between refreshes that repeat exactly taken from memory.

Just after a refresh all rows are closed, and what a channel does until the next one is decided by a small state: the
position of the stream within a sweep over all columns and banks, the waiting requests relative to it, and the gaps
still pending relative to now. When such a state comes back, the stretch that followed it before follows again,
shifted in time and address, and is added up instead of simulated. Nothing is approximated: the states are compared in
full.

A memory (``keys``, ``saved``, ``steps``, ``slots``) belongs to one standard, command and address mapping.
"""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.requests import decode, step_requests
from simulator.dram.kernel.state import Ints, compiled, order_at

HASH_SEED, HASH_FACTOR, HASH_MASK = 1469598103934665603, 1099511628211, (1 << 62) - 1


@compiled("int64(int64[::1], int64[::1], int64[::1], int64, int64)")
def _describe(t: Ints, m: Ints, key: Ints, phase: int, offered: int) -> int:
    """Write the state relative to now and to the stream's position; returns its length."""
    clk = m[k.CLK]
    key[0] = phase
    key[1] = m[k.REF_NEXT] - clk
    key[2] = m[k.WRITE_MODE]
    key[3] = max(m[k.BUS_FREE] - clk, 0)
    key[4] = max(m[k.BUS_FREE_ROW] - clk, 0)
    key[5] = m[k.N_READ]
    key[6] = m[k.N_WRITE]
    key[7] = m[k.N_ACTIVE]
    key[8] = m[k.REF_TURN]
    at = 9
    for place in range(t[k.AT_READY], t[k.AT_BANK]):
        key[at] = max(m[place] - clk, 0)
        at += 1
    size = t[k.H_RING]
    for ring in range(t[k.AT_RING], t[k.AT_ORDER], size + 1):
        for i in range(size):
            key[at] = max(m[ring + (m[ring + size] + i) % size] - clk, -t[k.H_REFI])
            at += 1
    for queue in range(k.N_QUEUES):
        for i in range(m[k.N_READ + queue]):
            entry = m[order_at(t, queue, i)]
            key[at] = (offered - m[entry + k.Q_ID]) * 4 + min(m[entry + k.Q_ACTS], 3)
            key[at + 1] = m[entry + k.Q_TICK] - clk
            at += 2
    return at


@compiled("boolean(int64[::1], int64[::1])")
def _all_closed(t: Ints, m: Ints) -> bool:
    """Whether no bank is open and no refresh waits."""
    if m[k.REF_LEN] > 0:
        return False
    for place in range(t[k.AT_BANK], t[k.AT_RANK]):
        if m[place] >= 0:
            return False
    return True


@compiled("int64(int64[::1], int64, int64[:, ::1], int64[::1])")
def _find(key: Ints, length: int, keys: Ints, slots: Ints) -> int:
    """The slot of a described state: one that holds it, or an empty one. A row of ``keys`` begins with the length."""
    code = HASH_SEED
    for i in range(length):
        code = ((code ^ key[i]) * HASH_FACTOR) & HASH_MASK
    slot = code % slots.shape[0]
    while slots[slot] != k.NO_STATE:
        index = slots[slot]
        same = keys[index, 0] == length
        i = 0
        while same and i < length:
            same = keys[index, 1 + i] == key[i]
            i += 1
        if same:
            return slot
        slot = (slot + 1) % slots.shape[0]
    return slot


@compiled("void(int64[::1], int64[::1], int64[::1], int64)")
def _tally(t: Ints, m: Ints, row: Ints, offered: int) -> None:
    """Note time, position and counters in a row of ``S_*`` fields."""
    row[k.S_TICKS] = m[k.CLK]
    row[k.S_OFFERED] = offered
    row[k.S_HITS] = m[k.HITS]
    row[k.S_MISSES] = m[k.MISSES]
    row[k.S_REFRESHES] = m[k.REFRESHES]
    row[k.S_ACTIVE] = m[k.ACTIVE_TICKS]
    row[k.S_BANKS] = m[k.BANK_TICKS]
    for command in range(t[k.H_KINDS]):
        row[k.S_COMMANDS + command] = m[t[k.AT_COUNT] + command]


@compiled("void(int64[::1], int64[::1], int64[::1], int64[::1], int64[:, ::1], int64, int64)")
def _restore(t: Ints, m: Ints, saved: Ints, row: Ints, mapping: Ints, first: int, old_offered: int) -> None:
    """Put the channel into a remembered state, at the time, position and counters that ``row`` gives."""
    shift = row[k.S_TICKS] - saved[k.CLK]
    moved = row[k.S_OFFERED] - old_offered
    for place in range(m.shape[0]):
        m[place] = saved[place]
    for register in (k.CLK, k.NEXT, k.REF_NEXT, k.BUS_FREE, k.BUS_FREE_ROW, k.LAST_DONE, k.LAST_ANSWER, k.WRITES_DONE):
        m[register] += shift
    for place in range(t[k.AT_READY], t[k.AT_BANK]):
        m[place] += shift
    size = t[k.H_RING]
    for ring in range(t[k.AT_RING], t[k.AT_ORDER], size + 1):
        for i in range(size):
            m[ring + i] += shift
    for place in range(t[k.AT_STEP], t[k.AT_COUNT]):
        m[place] = k.UNKNOWN
    for queue in range(k.N_QUEUES):
        for i in range(m[k.N_READ + queue]):
            entry = m[order_at(t, queue, i)]
            m[entry + k.Q_ID] += moved
            m[entry + k.Q_TICK] += shift
            bank, line, column = decode(mapping, first + m[entry + k.Q_ID])
            m[entry + k.Q_BANK] = bank
            m[entry + k.Q_ROW] = line
            m[entry + k.Q_COLUMN] = column
    m[k.HITS] = row[k.S_HITS]
    m[k.MISSES] = row[k.S_MISSES]
    m[k.REFRESHES] = row[k.S_REFRESHES]
    m[k.ACTIVE_TICKS] = row[k.S_ACTIVE]
    m[k.BANK_TICKS] = row[k.S_BANKS]
    for command in range(t[k.H_KINDS]):
        m[t[k.AT_COUNT] + command] = row[k.S_COMMANDS + command]


@compiled("void(int64[::1], int64[::1], int64[::1], int64[::1], int64, int64)")
def _note_stretch(t: Ints, m: Ints, step: Ints, start: Ints, state: int, offered: int) -> None:
    """Remember what the stretch from the tally ``start`` to now has added, and that ``state`` follows it."""
    _tally(t, m, step, offered)
    for field in range(k.S_TICKS, k.S_COMMANDS + t[k.H_KINDS]):
        step[field] -= start[field]
    step[k.S_NEXT] = state


@compiled(
    "int64(int64[::1], int64[::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], int64, int64, int64,"
    " int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[::1], int64[::1])"
)
def run_stream(
    t: Ints,
    m: Ints,
    log: Ints,
    requests: Ints,
    mapping: Ints,
    first: int,
    n: int,
    sweep: int,
    keys: Ints,
    saved: Ints,
    steps: Ints,
    slots: Ints,
    used: Ints,
) -> int:
    """Serve ``n`` bursts from channel-local burst ``first`` on (command: ``requests[0]``); 0, or NEVER (deadlock).

    ``sweep``: bursts after which only the row has moved on. ``keys`` [states, 1 + length], ``saved`` [states, channel
    and the requests offered then], ``steps`` [states, S_*], ``slots`` [hash places, several times the states],
    ``used`` [1] states in use.
    """
    nothing = requests[0, :0]
    key = keys[keys.shape[0] - 1]
    start = steps[steps.shape[0] - 1]
    offered = 0
    previous = k.NO_STATE
    refreshes = m[k.REFRESHES]
    while offered < n or m[k.N_READ] + m[k.N_WRITE] + m[k.N_ACTIVE] > 0:
        offered = step_requests(t, m, log, nothing, requests, mapping, nothing, first, n, offered)
        if offered >= k.NEVER:
            return k.NEVER
        if m[k.REFRESHES] == refreshes or offered >= n or not _all_closed(t, m):
            continue
        refreshes = m[k.REFRESHES]
        length = _describe(t, m, key, (first + offered) % sweep, offered)
        slot = _find(key, length, keys, slots)
        state = slots[slot]
        if state == k.NO_STATE and used[0] < keys.shape[0] - 1:
            state = used[0]
            used[0] += 1
            slots[slot] = state
            keys[state, 0] = length
            for i in range(length):
                keys[state, 1 + i] = key[i]
            for place in range(m.shape[0]):
                saved[state, place] = m[place]
            saved[state, m.shape[0]] = offered
            steps[state, k.S_NEXT] = k.NO_STATE
        if previous != k.NO_STATE and state != k.NO_STATE and steps[previous, k.S_NEXT] == k.NO_STATE:
            _note_stretch(t, m, steps[previous], start, state, offered)
        current = state
        _tally(t, m, start, offered)
        while current != k.NO_STATE:
            following = steps[current, k.S_NEXT]
            if following == k.NO_STATE or start[k.S_OFFERED] + steps[current, k.S_OFFERED] >= n:
                break
            for field in range(k.S_TICKS, k.S_COMMANDS + t[k.H_KINDS]):
                start[field] += steps[current, field]
            current = following
        if current != state:
            _restore(t, m, saved[current, : m.shape[0]], start, mapping, first, saved[current, m.shape[0]])
            offered = start[k.S_OFFERED]
            refreshes = m[k.REFRESHES]
        previous = current
    return 0
