"""Compiled: the time that rows were open, by rank and by bank, which the background energy is charged by."""

from __future__ import annotations

from simulator.dram.kernel import state as k
from simulator.dram.kernel.state import Ints, compiled


@compiled("void(int64[::1], int64, int64)", inline=True)
def book(m: Ints, rank: int, tick: int) -> None:
    """Book the time since the last change of a rank's rows, before the next; ``rank`` is where its fields lie."""
    n_open = m[rank + k.RANK_OPEN]
    if n_open > 0:
        m[k.ACTIVE_TICKS] += tick - m[rank + k.RANK_SINCE]
        m[k.BANK_TICKS] += n_open * (tick - m[rank + k.RANK_SINCE])
    m[rank + k.RANK_SINCE] = tick


@compiled("void(int64[::1], int64[::1], int64)")
def book_all(t: Ints, m: Ints, tick: int) -> None:
    """Book the time of all ranks up to ``tick``; rows that opened later count as not open."""
    for rank in range(t[k.H_RANKS]):
        place = t[k.AT_RANK] + rank * k.RANK_FIELDS
        book(m, place, max(tick, m[place + k.RANK_SINCE]))
