"""Compiled: one step of the drivers of memory requests, which come from a list or from a sequential stream."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.controller import tick_channel
from simulator.dram.kernel.memory_queue import push_memory, queue_of, step_tick
from simulator.dram.kernel.state import Ints, compiled, order_at
from simulator.dram.kernel.write_mode import buffer_to_serve


@compiled("UniTuple(int64, 3)(int64[:, ::1], int64)")
def decode(mapping: Ints, burst: int) -> tuple[int, int, int]:
    """(bank, row, column) of a channel-local burst address."""
    column, bank, row = 0, 0, 0
    for field in range(mapping.shape[0]):
        digit = burst % mapping[field, k.M_COUNT] * mapping[field, k.M_WEIGHT]
        burst //= mapping[field, k.M_COUNT]
        if mapping[field, k.M_TARGET] == k.TO_COLUMN:
            column += digit
        elif mapping[field, k.M_TARGET] == k.TO_BANK:
            bank += digit
        elif mapping[field, k.M_TARGET] == k.TO_HASH:
            bank ^= row % mapping[field, k.M_WEIGHT]
        else:
            row += digit
    return bank, row, column


@compiled("int64(int64[::1], int64[::1], int64, int64)")
def after_arrival(t: Ints, m: Ints, queued: int, tick: int) -> int:
    """The next tick of interest when only arrivals happen at ``tick`` (``queued``: memory requests before them).

    An arrival changes nothing for the requests before it, so only the new ones are looked at; with closed pages it
    may, and then, as when write mode changes, the tick is worked through.
    """
    if t[k.H_MANAGED]:
        return tick
    if m[k.REF_LEN] > 0 or m[k.NB_LEN] > 0:
        return m[k.NEXT]
    before = m[k.WRITE_MODE]
    queue = buffer_to_serve(t, m)
    if m[k.WRITE_MODE] != before or t[k.H_CLOSED_PAGE] or t[k.H_FCFS]:
        return tick
    horizon = m[k.NEXT]
    first = max(0, m[k.N_READ + queue] - (m[k.N_READ] + m[k.N_WRITE] - queued))
    for i in range(first, m[k.N_READ + queue]):
        horizon = min(horizon, max(tick, step_tick(t, m, m[order_at(t, queue, i)], tick)))
    return horizon


@compiled("int64(int64[::1], int64[::1], int64[::1], int64[:, ::1], int64[:, ::1], int64, int64, int64)")
def offer(t: Ints, m: Ints, done: Ints, requests: Ints, mapping: Ints, first: int, offered: int, tick: int) -> int:
    """Offer request number ``offered`` of the list, or of the stream from burst ``first`` on; 1 if accepted."""
    if mapping.shape[0] > 0:
        command = requests[0, 0]
        bank, row, column = decode(mapping, first + offered)
    else:
        command, bank, row, column = (
            requests[offered, 0],
            requests[offered, 1],
            requests[offered, 2],
            requests[offered, 3],
        )
    queue = queue_of(t, command)
    if m[k.N_READ + queue] >= t[k.H_READ_QUEUE + queue]:
        return 0
    if not push_memory(t, m, command, bank, row, column, offered, tick) and done.shape[0] > 0:
        done[offered] = tick
    return 1


@compiled(
    "int64(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[:, ::1], int64[:, ::1], int64[::1],"
    " int64, int64, int64)"
)
def step_requests(
    t: Ints,
    m: Ints,
    log: Ints,
    done: Ints,
    requests: Ints,
    mapping: Ints,
    arrival: Ints,
    first: int,
    n: int,
    offered: int,
) -> int:
    """Go to the next tick at which anything happens; returns the requests offered by then, or NEVER (deadlock)."""
    tick = m[k.NEXT]
    if offered < n:
        at = offered if mapping.shape[0] == 0 else 0
        queue = queue_of(t, requests[at, 0])
        if m[k.N_READ + queue] < t[k.H_READ_QUEUE + queue]:
            tick = min(tick, max(m[k.CLK] + 1, arrival[offered] if arrival.shape[0] > 0 else 0))
    if tick >= k.NEVER:
        return k.NEVER
    queued = m[k.N_READ] + m[k.N_WRITE]
    while offered < n and (arrival.shape[0] == 0 or arrival[offered] <= tick):
        if not offer(t, m, done, requests, mapping, first, offered, tick):
            break
        offered += 1
    if m[k.NEXT] > tick:
        m[k.NEXT] = after_arrival(t, m, queued, tick)
        m[k.CLK] = tick
    if m[k.NEXT] <= tick:
        tick_channel(t, m, log, done, tick, tick if offered < n else k.NEVER, 0)
    return offered
