"""Compiled: the front end that feeds near-bank programs to the channels."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import earliest, issue
from simulator.dram.kernel.controller import (
    STOP_ACCEPTS,
    STOP_ANSWER,
    STOP_DRAINED,
    STOP_NEVER,
    STOP_NO_MEMORY,
    STOP_QUEUE_SHORT,
    advance,
)
from simulator.dram.kernel.memory_queue import push_memory, queue_of, switch_mode
from simulator.dram.kernel.near_bank_queue import (
    END,
    HOST_CYCLES,
    X_BANK,
    X_BLOCKING,
    X_COMMAND,
    X_COUNT,
    X_MASK,
    X_MEMORY,
    X_ROW,
    push_run,
)
from simulator.dram.kernel.state import Ints, compiled, level_field


@compiled("int64(int64[::1], int64[::1], int64[:, ::1])")
def finish(t: Ints, m: Ints, log: Ints) -> int:
    """Close all banks of a drained channel; returns the tick from which rows may be opened again."""
    command = t[k.H_PRECHARGE_ALL]
    span = level_field(t, t[k.H_RANK_LEVEL], k.L_SPAN)
    idle = max(m[k.LAST_DONE], m[k.CLK])
    for rank in range(t[k.H_RANKS]):
        if m[t[k.AT_RANK] + rank * k.RANK_FIELDS + k.RANK_OPEN] > 0:
            tick = earliest(t, m, command, rank * span, m[k.CLK] + 1)
            if switch_mode(t, m, log, command, tick):
                tick = earliest(t, m, command, rank * span, tick)
            issue(t, m, log, command, rank * span, -1, -1, tick)
            idle = max(idle, tick + t[k.H_PRECHARGE_TICKS])
    return idle


@compiled("int64(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[::1], int64)")
def _admit(t: Ints, m: Ints, log: Ints, done: Ints, request: Ints, cycle: int) -> int:
    """Hand one host request to a channel at front-end cycle ``cycle``.

    Returns the cycle in which the channel has accepted all of it, or NEVER after a deadlock.
    """
    advance(t, m, log, done, cycle, STOP_NEVER, 0, 0)
    if request[X_MEMORY]:
        queue = queue_of(t, request[X_COMMAND])
        cycle = max(cycle, advance(t, m, log, done, k.NEVER, STOP_ACCEPTS, queue, t[k.H_READ_QUEUE + queue]))
        if cycle < k.NEVER:
            push_memory(t, m, request[X_COMMAND], request[X_BANK], request[X_ROW], 0, -1, cycle + 1)
            m[k.NEXT] = min(m[k.NEXT], cycle + 1)
        return cycle
    cycle = max(cycle, advance(t, m, log, done, k.NEVER, STOP_NO_MEMORY, 0, 0))
    if cycle >= k.NEVER:
        return k.NEVER
    m[k.ANSWER] = -1
    push_run(t, m, request, cycle + 1)
    return max(cycle, advance(t, m, log, done, k.NEVER, STOP_QUEUE_SHORT, t[k.H_NEAR_BANK_QUEUE], 0))


@compiled("void(int64[::1], int64[:, ::1], int64[:, ::1], int64[::1], int64)")
def _stop_at(t: Ints, channels: Ints, log: Ints, done: Ints, tick: int) -> None:
    """Let all channels work on to the common end, and count what they leave undone."""
    for c in range(channels.shape[0]):
        m = channels[c]
        advance(t, m, log, done, tick, STOP_NEVER, 0, 0)
        m[k.DROPPED] = m[k.N_READ] + m[k.N_WRITE] + m[k.N_ACTIVE] + m[k.NB_COMMANDS]


@compiled("int64(int64[::1], int64[:, ::1], int64[:, ::1], int64[::1], int64[:, ::1], int64[:, ::1])")
def run_host(t: Ints, channels: Ints, log: Ints, done: Ints, requests: Ints, masks: Ints) -> int:
    """The front end: host requests in order, one a cycle, each accepted by all its channels before the next.

    ``channels`` [classes, size]; ``masks`` [masks, classes]: which classes a request goes to. Returns the tick of the
    last answer (with END) or the front-end cycle after the last request, NEVER after a deadlock.
    """
    cycle = 0
    for r in range(requests.shape[0]):
        request = requests[r]
        if request[X_COMMAND] == HOST_CYCLES:
            cycle += request[X_COUNT]
            continue
        accepted = cycle
        for c in range(channels.shape[0]):
            if masks[request[X_MASK], c]:
                accepted = max(accepted, _admit(t, channels[c], log, done, request, cycle))
        if accepted >= k.NEVER:
            return k.NEVER
        if not request[X_BLOCKING]:
            cycle = accepted + 1
            continue
        for c in range(channels.shape[0]):
            if masks[request[X_MASK], c]:
                if advance(t, channels[c], log, done, k.NEVER, STOP_ANSWER, 0, 0) >= k.NEVER:
                    return k.NEVER
                cycle = max(cycle, channels[c, k.ANSWER])
        if request[X_COMMAND] == END:
            _stop_at(t, channels, log, done, cycle)
            return cycle
    return cycle


@compiled("int64(int64[::1], int64[:, ::1], int64[:, ::1], int64[::1])")
def drain(t: Ints, channels: Ints, log: Ints, done: Ints) -> int:
    """Let all channels finish; returns the latest completion, or NEVER after a deadlock."""
    end = 0
    for c in range(channels.shape[0]):
        if advance(t, channels[c], log, done, k.NEVER, STOP_DRAINED, 0, 0) >= k.NEVER:
            return k.NEVER
        end = max(end, channels[c, k.LAST_DONE])
    return end


@compiled("int64(int64[::1], int64[::1], int64)")
def open_time(t: Ints, m: Ints, tick: int) -> int:
    """Rank-ticks with any bank open, up to ``tick``."""
    total = m[k.ACTIVE_TICKS]
    for rank in range(t[k.H_RANKS]):
        place = t[k.AT_RANK] + rank * k.RANK_FIELDS
        if m[place + k.RANK_OPEN] > 0:
            total += max(0, tick - m[place + k.RANK_SINCE])
    return total
