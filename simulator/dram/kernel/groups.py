"""Compiled: channels of the front end whose states have become equal, simulated once until a request tells them apart.

Two channels without work are equal at a cycle if they have the same rows open, and every gap that still counts ends at
the same tick. From then on one of them, the leader, stands for both; what they have counted so far is kept apart as a
difference.
"""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.open_time import book
from simulator.dram.kernel.state import Ints, compiled

WINDOW_MEMORY = 1 << 20
"""Ticks after which an activation no longer matters to any window."""

COUNTERS = (k.HITS, k.MISSES, k.REFRESHES, k.ACTIVE_TICKS, k.BANK_TICKS)
N_COUNTERS = len(COUNTERS)


@compiled("void(int64[::1], int64[::1], int64)")
def _settle(t: Ints, m: Ints, now: int) -> None:
    """Book the time with open rows up to ``now``, so that equal rows mean equal accounts from here on."""
    for rank in range(t[k.H_RANKS]):
        book(m, t[k.AT_RANK] + rank * k.RANK_FIELDS, now)


@compiled("boolean(int64[::1], int64[::1])")
def _at_rest(t: Ints, m: Ints) -> bool:
    """Whether nothing waits in a channel."""
    if t[k.H_MANAGED]:
        return False
    waiting = m[k.NB_COMMANDS] + m[k.N_READ] + m[k.N_WRITE] + m[k.N_ACTIVE] + m[k.REF_LEN]
    return waiting == 0 and m[k.SYNC_TAKEN] < 0 and t[k.H_RANKS] > 0


@compiled("boolean(int64[::1], int64[::1], int64[::1], int64)")
def _equal(t: Ints, a: Ints, b: Ints, now: int) -> bool:
    """Whether two channels at rest at ``now`` will do the same with the same requests."""
    for register in (k.MODE, k.WRITE_MODE, k.REF_NEXT, k.REF_TURN):
        if a[register] != b[register]:
            return False
    for register in (k.NEXT, k.LAST_ANSWER, k.WRITES_DONE, k.LAST_DONE, k.BUS_FREE, k.BUS_FREE_ROW):
        if max(a[register], now + 1) != max(b[register], now + 1):
            return False
    for place in range(t[k.AT_BANK], t[k.AT_RANK]):
        if a[place] != b[place]:
            return False
    for place in range(t[k.AT_READY], t[k.AT_BANK]):
        if max(a[place], now + 1) != max(b[place], now + 1):
            return False
    size = t[k.H_RING]
    for ring in range(t[k.AT_RING], t[k.AT_ORDER], size + 1):
        for i in range(size):
            x = a[ring + (a[ring + size] + i) % size]
            y = b[ring + (b[ring + size] + i) % size]
            if max(x, now - WINDOW_MEMORY) != max(y, now - WINDOW_MEMORY):
                return False
    return True


@compiled("int64(int64[::1], int64)")
def counter_at(t: Ints, i: int) -> int:
    """The place of the i-th of the counters: those of `COUNTERS`, then the commands."""
    if i < N_COUNTERS:
        return COUNTERS[i]
    return t[k.AT_COUNT] + i - N_COUNTERS


@compiled("void(int64[::1], int64[:, ::1], int64[::1], int64[:, ::1], int64, int64)")
def _follow(t: Ints, channels: Ints, leader: Ints, apart: Ints, old: int, new: int) -> None:
    """Put the group of leader ``old`` under leader ``new``."""
    for i in range(apart.shape[1]):
        place = counter_at(t, i)
        more = channels[old, place] - channels[new, place]
        for member in range(channels.shape[0]):
            if leader[member] == old:
                apart[member, i] += more
    for member in range(channels.shape[0]):
        if leader[member] == old:
            leader[member] = new


@compiled("void(int64[::1], int64[:, ::1], int64[::1], int64[:, ::1], int64[::1], int64)")
def join_equal(t: Ints, channels: Ints, leader: Ints, apart: Ints, chosen: Ints, now: int) -> None:
    """Put leaders among the ``chosen`` channels that are equal at ``now`` into one group.

    ``leader`` [classes]: who stands for each; ``apart`` [classes + 1, counters]: what each has counted beyond its
    leader, and a row to work in.
    """
    for c in range(channels.shape[0]):
        if chosen[c] == 0 or leader[c] != c or not _at_rest(t, channels[c]):
            continue
        _settle(t, channels[c], now)
        for other in range(c):
            candidate = chosen[other] and leader[other] == other and _at_rest(t, channels[other])
            if candidate and _equal(t, channels[other], channels[c], now):
                _follow(t, channels, leader, apart, c, other)
                break


@compiled("void(int64[::1], int64[:, ::1], int64[::1], int64[:, ::1], int64, int64)")
def stand_alone(t: Ints, channels: Ints, leader: Ints, apart: Ints, old: int, new: int) -> None:
    """Give channel ``new``, a member of the group of ``old``, the state that it shares, with its own counts."""
    identity = channels[new, k.CLASS]
    for place in range(channels.shape[1]):
        channels[new, place] = channels[old, place]
    channels[new, k.CLASS] = identity
    for i in range(apart.shape[1]):
        channels[new, counter_at(t, i)] += apart[new, i]
        apart[new, i] = 0
    leader[new] = new


@compiled("void(int64[::1], int64[:, ::1], int64[::1], int64[:, ::1], int64[::1])")
def part(t: Ints, channels: Ints, leader: Ints, apart: Ints, chosen: Ints) -> None:
    """Divide groups so that each lies inside or outside the ``chosen`` channels."""
    for c in range(channels.shape[0]):
        old = leader[c]
        if chosen[c] == chosen[old]:
            continue
        before = apart[channels.shape[0]]
        for i in range(apart.shape[1]):
            before[i] = apart[c, i]
        stand_alone(t, channels, leader, apart, old, c)
        for member in range(c + 1, channels.shape[0]):
            if leader[member] == old and chosen[member] == chosen[c]:
                leader[member] = c
                for i in range(apart.shape[1]):
                    apart[member, i] -= before[i]
