"""Compiled: the front end that feeds near-bank programs to the channels."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.controller import (
    STOP_ACCEPTS,
    STOP_ANSWER,
    STOP_DRAINED,
    STOP_NEVER,
    STOP_NO_MEMORY,
    STOP_QUEUE_SHORT,
    advance,
)
from simulator.dram.kernel.groups import join_equal, part, stand_alone
from simulator.dram.kernel.memory_queue import push_memory, queue_of
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
from simulator.dram.kernel.state import Ints, compiled


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


@compiled(
    "int64(int64[::1], int64[:, ::1], int64[:, ::1], int64[::1], int64[:, ::1], int64[:, ::1], int64[::1],"
    " int64[:, ::1])"
)
def run_host(
    t: Ints, channels: Ints, log: Ints, done: Ints, requests: Ints, masks: Ints, leader: Ints, apart: Ints
) -> int:
    """The front end: host requests in order, one a cycle, each accepted by all its channels before the next.

    ``channels`` [classes, size]; ``masks`` [masks, classes]: which classes a request goes to; ``leader`` and ``apart``:
    see `groups.join_equal`, one's own leader and zeros at the start. Returns the tick of the answer to END, at which
    all channels stop; without END the later of the last answer and the latest completion; NEVER after a deadlock.
    """
    cycle = answered = 0
    ended = False
    classes = channels.shape[0]
    grouped = False
    for r in range(requests.shape[0]):
        request = requests[r]
        if request[X_COMMAND] == HOST_CYCLES:
            cycle += request[X_COUNT]
            continue
        chosen = masks[request[X_MASK]]
        if grouped:
            part(t, channels, leader, apart, chosen)
        accepted = cycle
        for c in range(classes):
            if chosen[c] and leader[c] == c:
                accepted = max(accepted, _admit(t, channels[c], log, done, request, cycle))
        if accepted >= k.NEVER:
            return k.NEVER
        if not request[X_BLOCKING]:
            cycle = accepted + 1
            continue
        leaders = 0
        for c in range(classes):
            if chosen[c] and leader[c] == c:
                leaders += 1
                if advance(t, channels[c], log, done, k.NEVER, STOP_ANSWER, 0, 0) >= k.NEVER:
                    return k.NEVER
                cycle = max(cycle, channels[c, k.ANSWER])
        answered = cycle
        ended = request[X_COMMAND] == END
        if leaders > 1 and not ended and log.shape[0] == 1 and r + 1 < requests.shape[0]:
            for c in range(classes):
                if chosen[c] and leader[c] == c:
                    advance(t, channels[c], log, done, cycle, STOP_NEVER, 0, 0)
            join_equal(t, channels, leader, apart, chosen, cycle)
            grouped = True
    limit, stop = (cycle, STOP_NEVER) if ended else (k.NEVER, STOP_DRAINED)
    end = answered
    for c in range(classes):
        if leader[c] != c:
            continue
        m = channels[c]
        if advance(t, m, log, done, limit, stop, 0, 0) >= k.NEVER:
            return k.NEVER
        m[k.DROPPED] = m[k.N_READ] + m[k.N_WRITE] + m[k.N_ACTIVE] + m[k.NB_COMMANDS]
        if not ended:
            end = max(end, m[k.LAST_DONE])
    for c in range(classes):
        if leader[c] != c:
            stand_alone(t, channels, leader, apart, leader[c], c)
    return end
