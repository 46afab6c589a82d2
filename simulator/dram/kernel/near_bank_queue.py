"""Compiled: the in-order queue of near-bank runs."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import earliest_of_all, issue, next_command
from simulator.dram.kernel.memory_queue import complete, switch_mode, takes_active_row
from simulator.dram.kernel.state import Ints, command_field, compiled, run_at

# A host request.
X_COMMAND, X_COUNT, X_BANK, X_ROW, X_MASK, X_BLOCKING, X_MEMORY, X_FIELDS = range(8)
HOST_CYCLES = -2
END = -3


@compiled("void(int64[::1], int64[::1], int64[::1], int64)")
def push_run(t: Ints, m: Ints, request: Ints, tick: int) -> None:
    """Append a run to the near-bank queue, to be served from ``tick`` on."""
    run = run_at(t, m, m[k.NB_LEN])
    m[k.NB_LEN] += 1
    m[k.NB_COMMANDS] += request[X_COUNT]
    m[k.NEXT] = min(m[k.NEXT], tick)
    m[run + k.R_COMMAND] = k.SYNC if request[X_COMMAND] == END else request[X_COMMAND]
    m[run + k.R_COUNT] = request[X_COUNT]
    m[run + k.R_BANK] = request[X_BANK]
    m[run + k.R_ROW] = request[X_ROW]
    m[run + k.R_BLOCKING] = request[X_BLOCKING]
    m[run + k.R_OPENED] = 0


@compiled("void(int64[::1], int64[::1])")
def _pop_run(t: Ints, m: Ints) -> None:
    m[k.NB_HEAD] = (m[k.NB_HEAD] + 1) % t[k.H_RUNS]
    m[k.NB_LEN] -= 1


@compiled("void(int64[::1], int64[::1], int64, int64, int64)")
def _finish_commands(t: Ints, m: Ints, run: int, last: int, count: int) -> None:
    """Account for ``count`` final commands of the head run, the last issued at ``last``."""
    complete(t, m, m[run + k.R_COMMAND], last, count)
    m[k.NB_COMMANDS] -= count
    m[run + k.R_COUNT] -= count
    missed = 1 if m[run + k.R_OPENED] > 0 else 0
    m[k.MISSES] += missed
    m[k.HITS] += count - missed
    m[run + k.R_OPENED] = 0
    if m[run + k.R_COUNT] == 0:
        if m[run + k.R_BLOCKING]:
            m[k.ANSWER] = m[k.LAST_ANSWER]
        _pop_run(t, m)


@compiled("int64(int64[::1], int64[::1], int64, int64, int64, int64)")
def _run_on(t: Ints, m: Ints, run: int, clk: int, limit: int, keep: int) -> int:
    """How many more commands of a run, one of which issued at ``clk``, may follow in one step.

    None where or when a memory request may come between, and none beyond tick ``limit`` or below ``keep`` queued
    commands. On split buses the last command of a run has a tick of its own, in which the row bus may serve the run
    after it.
    """
    final = m[run + k.R_COMMAND]
    if m[k.N_ACTIVE] > 0 or t[k.H_CONCURRENT]:
        return 0
    if command_field(t, final, k.C_CLOSES) or command_field(t, final, k.C_OPENS):
        return 0
    in_time = (limit - clk) // command_field(t, final, k.C_STRIDE)
    return max(0, min(m[run + k.R_COUNT] - t[k.H_BUSES], in_time, m[k.NB_COMMANDS] - 1 - keep))


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64, int64, int64, int64)")
def take_near_bank(t: Ints, m: Ints, log: Ints, bus: int, clk: int, limit: int, keep: int) -> tuple[int, int]:
    """Serve the head of the near-bank queue: (last tick at which it issued or 0, next tick of interest)."""
    run = run_at(t, m, 0)
    final = m[run + k.R_COMMAND]
    if final == k.SYNC:
        if m[k.N_ACTIVE] > 0 and not t[k.H_SYNC_IGNORES_ACTIVE]:
            return 0, k.NEVER
        if bus != 0:
            return 0, clk + 1
        m[k.SYNC_TAKEN] = clk
        m[k.NB_COMMANDS] -= 1
        _pop_run(t, m)
        return clk, k.NEVER
    command, bank = next_command(t, m, final, m[run + k.R_BANK], m[run + k.R_ROW])
    tick = earliest_of_all(t, m, command, bank, clk)
    if tick > clk or command_field(t, command, k.C_BUS) != bus:
        return 0, max(tick, clk + 1)
    if t[k.H_PROTECT] and command != final and takes_active_row(t, m, command, bank):
        return 0, k.NEVER
    if switch_mode(t, m, log, final, clk):
        return clk, k.NEVER
    row = m[run + k.R_ROW]
    if command != final:
        issue(t, m, log, command, bank, row, -1, clk, 1)
        m[run + k.R_OPENED] += command_field(t, command, k.C_OPENS)
        return clk, k.NEVER
    more = _run_on(t, m, run, clk, limit, keep)
    last = clk + more * command_field(t, final, k.C_STRIDE)
    issue(t, m, log, final, bank, row, -1, last, more + 1)
    _finish_commands(t, m, run, last, more + 1)
    return last, k.NEVER
