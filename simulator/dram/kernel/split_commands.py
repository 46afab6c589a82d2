"""Compiled: openings in two steps, and commands that the data clock must be synchronised for."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.bank import earliest, issue
from simulator.dram.kernel.memory_queue import step_of, take_memory
from simulator.dram.kernel.state import Ints, command_field, compiled, first_bank, order_at


@compiled("boolean(int64[::1], int64[::1], int64, int64)")
def reaches_opening(t: Ints, m: Ints, command: int, bank: int) -> bool:
    """Whether a command to ``bank`` reaches a bank whose opening is not complete."""
    if m[k.OPENING] == 0:
        return False
    spacing = command_field(t, command, k.C_SPACING)
    first = first_bank(t, command, bank)
    for b in range(first, first + command_field(t, command, k.C_BANKS) * spacing, spacing):
        if m[t[k.AT_DUE] + b] > 0:
            return True
    return False


@compiled("int64(int64[::1], int64[::1], int64)")
def _completer(t: Ints, m: Ints, entry: int) -> int:
    """The second step of the opening of an active request's bank, -1 if none is under way."""
    if m[t[k.AT_DUE] + m[entry + k.Q_BANK]] == 0:
        return -1
    return command_field(t, command_field(t, m[entry + k.Q_COMMAND], k.C_OPENER), k.C_COMPLETER)


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64, int64)")
def complete_opening(t: Ints, m: Ints, log: Ints, clk: int, by: int) -> tuple[int, int]:
    """Complete the opening that is due first, if by tick ``by``: (``clk`` or 0 if none may, next tick of interest)."""
    best, best_due, horizon = -1, by + 1, k.NEVER
    for i in range(m[k.N_ACTIVE]):
        entry = m[order_at(t, k.ACTIVE_QUEUE, i)]
        command = _completer(t, m, entry)
        if command < 0:
            continue
        due = m[t[k.AT_DUE] + m[entry + k.Q_BANK]]
        tick = earliest(t, m, command, m[entry + k.Q_BANK], clk)
        horizon = min(horizon, tick if tick > clk else max(due, clk + 1))
        if tick <= clk and due < best_due:
            best, best_due = entry, due
    if best < 0:
        return 0, horizon
    bank = m[best + k.Q_BANK]
    issue(t, m, log, _completer(t, m, best), bank, m[best + k.Q_ROW], -1, clk, 1)
    m[t[k.AT_DUE] + bank] = 0
    m[k.OPENING] -= 1
    return clk, k.NEVER


@compiled("void(int64[::1], int64[::1], int64, int64, int64, boolean)")
def _note(t: Ints, m: Ints, command: int, bank: int, clk: int, final: bool) -> None:
    """What the policies remember of a memory request's command."""
    m[t[k.AT_USED] + bank] = clk
    if final:
        m[t[k.AT_HITS] + bank] += 1
        m[k.SYNC_UNTIL] = max(m[k.SYNC_UNTIL], clk + command_field(t, command, k.C_SYNC_HOLDS))
        return
    m[t[k.AT_HITS] + bank] = 0
    if command_field(t, command, k.C_COMPLETER) >= 0:
        m[t[k.AT_DUE] + bank] = clk + command_field(t, command, k.C_WITHIN)
        m[k.OPENING] += 1


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64, int64, int64, int64)")
def _synchronise(t: Ints, m: Ints, log: Ints, queue: int, entry: int, command: int, clk: int) -> tuple[int, int]:
    """Issue what synchronises the data clock for a request, whose command follows in the next tick."""
    if m[k.OPENING] > 0:
        issued, horizon = complete_opening(t, m, log, clk, clk + 1)
        if issued > 0:
            return issued, horizon
    tick = earliest(t, m, command, m[entry + k.Q_BANK], clk)
    if tick > clk:
        return 0, tick
    issue(t, m, log, command, m[entry + k.Q_BANK], -1, -1, clk, 1)
    m[k.FORCED] = entry
    m[k.FORCED_QUEUE] = queue
    return clk, k.NEVER


@compiled("UniTuple(int64, 2)(int64[::1], int64[::1], int64[:, ::1], int64[::1], int64, int64, int64)")
def take_managed(t: Ints, m: Ints, log: Ints, done: Ints, queue: int, index: int, clk: int) -> tuple[int, int]:
    """`take_memory`, with the data clock seen to: (``clk`` or 0 if nothing issued, next tick of interest)."""
    entry = m[order_at(t, queue, index)]
    command = m[step_of(t, m, entry) + k.F_COMMAND]
    final = m[entry + k.Q_COMMAND]
    is_final = command in (final, command_field(t, final, k.C_TWIN))
    sync = command_field(t, command, k.C_SYNC)
    if sync >= 0 and clk >= m[k.SYNC_UNTIL] and m[k.FORCED] != entry:
        return _synchronise(t, m, log, queue, entry, sync, clk)
    bank, mode = m[entry + k.Q_BANK], m[k.MODE]
    if not take_memory(t, m, log, done, queue, index, clk):
        return 0, k.NEVER
    m[k.FORCED] = 0
    if m[k.MODE] == mode:
        _note(t, m, command, bank, clk, is_final)
    return clk, k.NEVER
