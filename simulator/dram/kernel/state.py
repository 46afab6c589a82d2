"""The compiled engine's data: one constant array for a standard, one array for what a channel remembers.

Both are flat int64 arrays. Numba compiles functions over a few flat arrays several times faster than over structures
of many arrays, and calls between them cost less (measured: 65 s and 16 us a request with forty arrays). So fields are
named offsets:

``t``, the tables: header (``H_*`` policies and places), then the rows of the command, level, constraint, push, window
and limit tables. ``m``, a channel: registers, then the arrays named ``AT_*``, whose places are in the header. Times
are ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
F = TypeVar("F", bound=Callable[..., Any])

NEVER = 1 << 60
SYNC = -1
"""Command code of the front end's barrier in the near-bank queue."""

# Header of the tables.
(
    H_KINDS,  # commands of the standard
    H_BANKS,
    H_NODES,  # of all levels together
    H_RANKS,  # nodes that refresh together
    H_ENTRIES,  # entries of a memory buffer
    H_RUNS,  # entries of the near-bank queue
    H_REFRESHES,  # entries of the refresh queue
    H_TURNS,  # nodes to refresh, and
    H_TURN_AT,  # the place of a bank of each, in the order in which they fall due
    H_BATCH,  # nodes that fall due at once
    H_RING,  # entries of an activation ring
    H_LEVEL_AT,  # places of the tables
    H_NODE_AT,
    H_ROW_AT,
    H_PUSH_AT,
    H_WINDOW_AT,
    H_LIMIT_AT,
    AT_READY,  # places of a channel's arrays
    AT_BANK,  # per row buffer: the open row of each bank; the first is that of reads and writes
    AT_RANK,
    AT_RING,
    AT_ORDER,  # per buffer: places of its entries, in order
    AT_FREE,  # places of unused entries
    AT_QUEUE,
    AT_RUN,
    AT_REFRESH,
    AT_BEHIND,
    AT_STEP,  # per bank, kind and hit or miss: the next command found, and a lower bound of its tick
    AT_COUNT,
    AT_HITS,  # per bank: column commands since its row was opened
    AT_USED,  # per bank: tick of its last command
    AT_DUE,  # per bank: tick by which its opening must be complete, 0 while none is under way
    AT_COMMANDS,  # per command queue: a `CQ_*` head, then its entries
    H_SIZE,  # of a channel
    H_QUEUES,  # command queues, 0 for a scheduler without
    H_QUEUE_DEPTH,  # their entries
    H_QUEUE_SPAN,  # banks that share one
    H_MANAGED,  # where the code begins that serves policies and commands beyond the plain ones, 0: not needed
    H_IN_ORDER,
    H_AGE_LIMIT,
    H_PAGE_TIMEOUT,
    H_PARTIAL_REFRESH,  # refreshes of some of a rank's banks hold up those banks only
    H_POSTPONE,  # refreshes that may wait for requests
    H_PULL_IN,  # refreshes that may come early
    H_IDLE_CLOSER,  # closes one bank
    H_HIT_CAP,  # column commands after which a row gives way
    H_FORWARDING,  # reads are answered from waiting writes, equal requests merged
    H_CONCURRENT,  # memory requests are served between near-bank commands
    H_SLACK,  # ticks before the next near-bank command in which none is
    H_ROW_BUFFERS,  # rows that a bank can have open
    H_BUSES,
    H_RANK_LEVEL,
    H_CLOSED_PAGE,
    H_FCFS,
    H_PROTECT,  # a closer that an active request forbids is no candidate
    H_READ_QUEUE,
    H_WRITE_QUEUE,
    H_NEAR_BANK_QUEUE,
    H_WRITES_ON,  # write mode begins when writes * 2**20 exceed this
    H_WRITES_OFF,  # and ends when they are under this
    H_REFRESH,  # command, -1 for none
    H_REFI,
    H_MODE_SWITCH,  # command, -1 for none
    H_FORWARD_ANY_READ,
    H_SYNC_IGNORES_ACTIVE,
    H_PRECHARGE_ALL,  # closes a rank
    H_PRECHARGE_TICKS,  # its gap to the next activation
    N_HEADER,
) = range(68)

# A row of the command table, which follows the header.
(
    C_SCOPE,
    C_NEED,
    C_OPENS,
    C_CLOSES,
    C_OPENER,
    C_CLOSER,
    C_BUS,  # pass in which it is chosen
    C_BUS_TICKS,
    C_ALIGN,
    C_LATENCY,
    C_ACTIVATIONS,
    C_MODE,
    C_DATA,
    C_TWIN,  # auto-precharge twin, -1 none
    C_STRIDE,  # distance of equal commands on one node, if nothing else intervenes
    C_BANKS,  # banks that it reaches,
    C_SPACING,  # so far apart
    C_COMPLETER,  # the second step of an opening, -1 none
    C_WITHIN,  # and the ticks by which it follows
    C_BUFFER_FIRST,  # row buffers of its banks that it needs or changes
    C_BUFFER_END,
    C_SYNC,  # synchronises the data clock for it, -1 none
    C_SYNC_HOLDS,  # ticks that the data clock then runs on
    C_ROW_FIRST,  # its constraint rows, as `from`
    C_ROW_END,
    C_PUSH_FIRST,  # the windows in which it counts
    C_PUSH_END,
    C_FIELDS,
) = range(28)

# Rows of the other tables: level, constraint, push, window, limit.
L_SPAN, L_OFFSET, L_COUNT, L_FIELDS = range(4)
G_LEVEL, G_TO, G_GAP, G_SIBLING, G_FIELDS = range(5)
P_WINDOW, P_SHIFT, P_FIELDS = range(3)
W_LEVEL, W_SIZE, W_LIMIT_FIRST, W_LIMIT_END, W_FIELDS = range(5)
B_TO, B_NTH, B_GAP, B_FIELDS = range(4)

# Registers of a channel.
(
    CLK,  # last tick that has been worked through
    NEXT,  # earliest tick at which anything may happen
    MODE,  # MODE_MEMORY or MODE_REGISTER
    WRITE_MODE,
    REF_NEXT,  # next tick at which a refresh falls due
    REF_HEAD,
    REF_LEN,
    REF_TURN,  # which node falls due next
    PULLED_IN,  # refreshes that came before they fell due
    SYNC_UNTIL,  # tick from which the data clock has lapsed
    FORCED,  # entry that the next command belongs to, 0 none
    FORCED_QUEUE,
    OPENING,  # banks whose opening is not complete
    DRAINING,  # writes that are left of the batch being drained
    N_QUEUED,  # entries of all command queues
    QUEUE_TURN,  # the command queue that was looked at last
    N_READ,  # entries of the read, write and active buffers (N_READ + queue)
    N_WRITE,
    N_ACTIVE,
    N_FREE,
    NB_HEAD,
    NB_LEN,
    NB_COMMANDS,  # commands in the near-bank queue, with what the front end still holds back for this channel
    SEQUENCE,
    LAST_DONE,  # latest completion of a final command
    LAST_ANSWER,  # read answers leave in order, at most one a tick: tick of the latest
    WRITES_DONE,  # latest completion of a command that sends no answer
    SYNC_TAKEN,  # tick at which a SYNC left the queue, -1 if none waits
    BEHIND_SYNC,  # read answers that wait behind it
    ANSWER,  # tick of the awaited answer, -1 while it is out
    HITS,
    MISSES,
    REFRESHES,
    ACTIVE_TICKS,  # rank-ticks with any bank open, and the bank-ticks open, up to the latest change of a rank's rows
    BANK_TICKS,
    DROPPED,  # requests given up at EOC (declared quirk)
    BUS_FREE,  # tick from which the column (or only) bus is free; then the row bus
    BUS_FREE_ROW,
    CLASS,  # number of the channel class, for the log
    ISSUES,  # steps of issue so far, the clock of what scans found
    N_REGS,
) = range(41)

CQ_LENGTH, CQ_TICK, CQ_FIELDS = range(3)
"""A command queue's head: entries, and a lower bound of the tick at which one of them may issue."""

RANK_OPEN, RANK_SINCE, RANK_FIELDS = range(3)
F_AGE, F_COMMAND, F_TICK, F_FIELDS = range(4)
UNKNOWN = -1
"""Age and tick of a step that must be found anew."""

# A queued memory request, a near-bank run, a log row.
Q_COMMAND, Q_BANK, Q_ROW, Q_COLUMN, Q_SEQUENCE, Q_ID, Q_ACTS, Q_STEP, Q_TICK, Q_FIELDS = range(10)
READ_QUEUE, WRITE_QUEUE, ACTIVE_QUEUE, N_QUEUES = range(4)
R_COMMAND, R_COUNT, R_BANK, R_ROW, R_BLOCKING, R_OPENED, R_FIELDS = range(7)
LOG_CLASS, LOG_TICK, LOG_COMMAND, LOG_NODE, LOG_ROW, LOG_COLUMN, LOG_FIELDS = range(7)
"""Row 0 of a log counts, in its first field, the commands; they follow, as far as there is room."""

# A field of an address mapping, least significant first: what it counts, how many values it has, the weight of a step.
# A last one may exchange banks by row: its weight is the number of banks that change places.
M_TARGET, M_COUNT, M_WEIGHT, M_FIELDS = range(4)
TO_COLUMN, TO_BANK, TO_ROW, TO_HASH = range(4)

# What a stretch of a stream adds: its successor (-1 unknown), ticks, requests offered; then counters and commands.
S_NEXT, S_TICKS, S_OFFERED, S_HITS, S_MISSES, S_REFRESHES, S_ACTIVE, S_BANKS, S_COMMANDS = range(9)
NO_STATE = -1

NEED_ANY, NEED_OPEN, NEED_CLOSED = range(3)
DATA_NONE, DATA_READ, DATA_WRITE = range(3)
MODE_MEMORY, MODE_REGISTER, MODE_ANY = range(3)


def compiled(signature: str, *, inline: bool = False) -> Callable[[F], F]:
    """Compile a function for one signature; constants as arguments would otherwise make a version each.

    ``inline``: always merged into its callers (a call that passes arrays costs about 10 ns). LLVM's level 1 compiles in
    two thirds of the time of level 3, and the code is nearly as fast. No function of the kernel makes an array, so none
    needs to count references (``_nrt``), which took more than half of the time.
    """

    def compile_now(function: F) -> F:
        level = numba.config.OPT
        numba.config.OPT = type(level)(1)
        try:
            return njit(signature, cache=True, error_model="numpy", forceinline=inline, _nrt=False)(function)  # type: ignore[no-any-return]
        finally:
            numba.config.OPT = level

    return compile_now


@compiled("int64(int64[::1], int64, int64)", inline=True)
def command_field(t: Ints, command: int, field: int) -> int:
    """A field of the command table."""
    return t[N_HEADER + command * C_FIELDS + field]


@compiled("int64(int64[::1], int64, int64)", inline=True)
def first_bank(t: Ints, command: int, bank: int) -> int:
    """The first of the banks that a command to a bank reaches."""
    spacing, banks = command_field(t, command, C_SPACING), command_field(t, command, C_BANKS)
    if spacing == 1:
        return bank - bank % banks
    group = banks * spacing
    return bank // group * group + bank % spacing


@compiled("int64(int64[::1], int64, int64)", inline=True)
def level_field(t: Ints, level: int, field: int) -> int:
    """A field of the level table."""
    return t[t[H_LEVEL_AT] + level * L_FIELDS + field]


@compiled("int64(int64[::1], int64, int64)", inline=True)
def node_of(t: Ints, level: int, bank: int) -> int:
    """The node (numbered over all levels) of a level that holds a bank."""
    return t[t[H_NODE_AT] + level * t[H_BANKS] + bank]


@compiled("int64(int64[::1], int64, int64)", inline=True)
def ready_at(t: Ints, node: int, command: int) -> int:
    """Where a channel keeps the earliest tick of a command at a node (numbered over all levels)."""
    return t[AT_READY] + node * t[H_KINDS] + command


@compiled("int64(int64[::1], int64, int64)", inline=True)
def order_at(t: Ints, queue: int, index: int) -> int:
    """Where a memory buffer's entry keeps its place."""
    return t[AT_ORDER] + queue * t[H_ENTRIES] + index


@compiled("int64(int64[::1], int64[::1], int64)", inline=True)
def run_at(t: Ints, m: Ints, entry: int) -> int:
    """Where the near-bank queue's entry (0 is the head) begins."""
    return t[AT_RUN] + (m[NB_HEAD] + entry) % t[H_RUNS] * R_FIELDS
