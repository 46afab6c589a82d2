"""Compiled: refreshes that fall due, and the service of the first of them."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import earliest_of_all, issue, next_command
from simulator.dram.kernel.memory_queue import switch_mode, takes_active_row
from simulator.dram.kernel.state import Ints, command_field, compiled


@compiled("void(int64[::1], int64[::1])")
def append_refresh(t: Ints, m: Ints) -> None:
    """Append the refresh of the next node to the queue."""
    bank = t[t[k.H_TURN_AT] + m[k.REF_TURN]]
    m[t[k.AT_REFRESH] + (m[k.REF_HEAD] + m[k.REF_LEN]) % t[k.H_REFRESHES]] = bank
    m[k.REF_LEN] += 1
    m[k.REF_TURN] = (m[k.REF_TURN] + 1) % t[k.H_TURNS]


@compiled("void(int64[::1], int64[::1])")
def let_refreshes_fall_due(t: Ints, m: Ints) -> None:
    """Append the refreshes of a due time to the refresh queue."""
    m[k.REF_NEXT] += t[k.H_REFI]
    for _ in range(t[k.H_BATCH]):
        if m[k.PULLED_IN] > 0:
            m[k.PULLED_IN] -= 1
            continue
        append_refresh(t, m)


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64, int64)")
def take_refresh(t: Ints, m: Ints, log: Ints, bus: int, clk: int) -> tuple[int, int]:
    """Serve the head of the refresh queue: (tick of issue or 0, next tick of interest)."""
    final = t[k.H_REFRESH]
    command, bank = next_command(t, m, final, m[t[k.AT_REFRESH] + m[k.REF_HEAD]], -1)
    tick = earliest_of_all(t, m, command, bank, clk)
    if tick > clk or command_field(t, command, k.C_BUS) != bus:
        return 0, max(tick, clk + 1)
    if t[k.H_PROTECT] and command != final and takes_active_row(t, m, command, bank):
        return 0, k.NEVER
    if switch_mode(t, m, log, final, clk):
        return clk, k.NEVER
    issue(t, m, log, command, bank, -1, -1, clk, 1)
    if command == final:
        m[k.REF_HEAD] = (m[k.REF_HEAD] + 1) % t[k.H_REFRESHES]
        m[k.REF_LEN] -= 1
        m[k.REFRESHES] += 1
    return clk, k.NEVER
