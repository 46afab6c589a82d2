"""Compiled: memory requests, and near-bank runs beside them, until all are served."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.near_bank_queue import push_run
from simulator.dram.kernel.requests import step_requests
from simulator.dram.kernel.state import Ints, compiled


@compiled(
    "int64(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64[:, ::1], int64[:, ::1], int64[::1],"
    " int64[:, ::1], int64, int64)"
)
def run_requests(
    t: Ints,
    m: Ints,
    log: Ints,
    done: Ints,
    requests: Ints,
    mapping: Ints,
    arrival: Ints,
    program: Ints,
    first: int,
    n: int,
) -> int:
    """Drive one channel with ``n`` memory requests and a near-bank program; returns 0, or NEVER after a deadlock.

    ``requests`` rows: command, bank, row, column. With a ``mapping`` (rows ``M_*``) it is the stream of the ``n``
    bursts from ``first`` on, all with the command of row 0. ``arrival`` may be empty. ``program`` rows: ``X_*``.
    ``done`` (or empty) receives each request's completion.
    """
    offered = 0
    pushed = 0
    runs = program.shape[0]
    while offered < n or m[k.N_READ] + m[k.N_WRITE] + m[k.N_ACTIVE] > 0 or pushed < runs or m[k.NB_LEN] > 0:
        while pushed < runs and m[k.NB_LEN] < t[k.H_RUNS]:
            push_run(t, m, program[pushed], m[k.CLK] + 1)
            pushed += 1
        offered = step_requests(t, m, log, done, requests, mapping, arrival, first, n, offered)
        if offered >= k.NEVER:
            return k.NEVER
    return 0
