"""Programs of decode attention on GEMV units: scores, softmax and context of all heads, and writes to the cache.

Each channel works on one head at a time, heads are dealt out to all channels in turn. Two heads of a channel go
through together, so that the moves and the softmax of one overlap the MACs of the other: scores of the first, scores
of the second, context of the first, context of the second. A last head without a partner waits for its softmax.
Query heads that share a cached head are heads of their own that follow each other in its channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.mapping.attacc.levels import SOFTMAX, TO_BUFFER, TO_SOFTMAX, WRITE_BUFFER, GemvArray
from simulator.mapping.attacc.stream import Mask, Move, Phase, Writer

SECTION = 16
"""Tokens of a partition whose scores leave together: a column of the GEMV unit's outputs (AttAcc)."""

SOFTMAX_ELEMENTS = 256
"""Elements of one SFM."""

SOFTMAX_EVERY = {"bank": 4, "bankgroup": 4, "buffer": 8}
"""MACs from one SFM to the next, so that none waits in front of MACs: nSFM over the shortest gap between MACs."""


@dataclass(frozen=True)
class Heads:
    """``cached`` heads of ``head_dim`` elements and ``context`` tokens, each met by ``queries`` query heads."""

    cached: int
    queries: int
    head_dim: int
    context: int


def macs(array: GemvArray, heads: Heads) -> int:
    """MACs of one head's scores, and as many of its context."""
    return array.tokens(heads.context) * array.vector_macs(heads.head_dim)


def mac_bytes(array: GemvArray, heads: Heads) -> int:
    """Bytes that all MACs of the scores of all heads read."""
    return heads.cached * heads.queries * macs(array, heads) * array.mac_bytes


def attention_program(dram: Dram, array: GemvArray, heads: Heads) -> HostProgram:
    """Scores, softmax and context of all heads; rows count from 0, for only which rows are equal matters to time."""
    builder = ProgramBuilder(dram, array.channels)
    rounds = _rounds(array, heads)
    pairs = [tuple(rounds[at : at + 2]) for at in range(0, len(rounds), 2)]
    written: list[int] = []
    for number, pair in enumerate(pairs):
        following = pairs[number + 1] if number + 1 < len(pairs) else None
        alike = number and following and all(_same(pair, other) for other in (pairs[number - 1], following))
        if alike and written:
            builder.extend(written)
            continue
        start = len(builder)
        _pair(Writer(builder, array), array, heads, pair, following)
        written = builder.since(start) if following and _same(pair, following) else []
    return builder.build()


def _same(one: tuple[Mask, ...], other: tuple[Mask, ...]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _rounds(array: GemvArray, heads: Heads) -> list[Mask]:
    """The channels that have a head, in each round."""
    channel = np.arange(array.channels)
    counts = range(heads.cached, 0, -array.channels)
    return [channel < count for count in counts for _ in range(heads.queries)]


def _pair(
    writer: Writer, array: GemvArray, heads: Heads, pair: tuple[Mask, ...], following: tuple[Mask, ...] | None
) -> None:
    """Two heads of each channel, or the last one; ``following`` is the pair after them."""
    work = _Work(array, heads)
    then = work.scores(0, following[0]) if following else None
    writer.write((Phase(0, 0, pair[0], work.queries(pair[0])),), None)
    if len(pair) == 1:
        scores = work.scores(0, pair[0], work.results(pair[0]))
        context = work.context(0, pair[0])
        writer.write((scores, Phase(0, 0, pair[0], work.weights(pair[0], 0)), context), then)
        return
    first, second = pair
    half = macs(array, heads) // 2
    phases = (
        work.scores(0, first, (*work.results(first), *work.queries(second))),
        work.scores(1, second, (*work.results(second), *work.weights(first, half))),
        work.context(0, first, work.weights(second, half)),
        work.context(1, second),
    )
    writer.write(phases, then)


class _Work:
    """The phases of one head, and their moves."""

    def __init__(self, array: GemvArray, heads: Heads) -> None:
        self._array, self._heads = array, heads
        self._macs = macs(array, heads)
        self._rows = array.rows_of(self._macs)
        self._steps = array.vector_macs(heads.head_dim)

    def scores(self, slot: int, channels: Mask, moves: tuple[Move, ...] = ()) -> Phase:
        """Query times keys, of the first (0) or second (1) head of a pair."""
        return Phase(self._macs, slot * self._rows, channels, moves, first=(WRITE_BUFFER,))

    def context(self, slot: int, channels: Mask, moves: tuple[Move, ...] = ()) -> Phase:
        """Softmax weights times values."""
        array, tokens = self._array, self._array.tokens(self._heads.context)
        senders = array.sharing * (1 if array.level == "buffer" else array.counts[1])
        results = tuple(
            Move((step + 1) * tokens, TO_SOFTMAX, self._group(sender), channels)
            for step in range(self._steps)
            for sender in range(senders)
        )
        return Phase(self._macs, (2 + slot) * self._rows, channels, (*results, *moves), first=(TO_BUFFER,))

    def queries(self, channels: Mask) -> tuple[Move, ...]:
        """The query to the GEMV buffers of all units, broadcast, a column at a time."""
        columns = self._array.sharing * self._steps
        return tuple(Move(0, WRITE_BUFFER, self._group(column), channels) for column in range(columns))

    def results(self, channels: Mask) -> tuple[Move, ...]:
        """Scores to the softmax buffer, a column for each section of tokens of each bank group."""
        array = self._array
        tokens = array.tokens(self._heads.context)
        ends = [min((section + 1) * SECTION, tokens) * self._steps for section in range(ceil(tokens / SECTION))]
        return tuple(Move(end, TO_SOFTMAX, self._group(s), channels) for end in ends for s in range(array.senders))

    def weights(self, channels: Mask, due: int) -> tuple[Move, ...]:
        """Softmax; its weights, from ``due`` on, to the GEMV buffers of the units that read their tokens' values."""
        array, heads = self._array, self._heads
        every = SOFTMAX_EVERY[array.level]
        parts = range(ceil(heads.context / SOFTMAX_ELEMENTS))
        softmax = tuple(Move(part * every, SOFTMAX, 0, channels) for part in parts)
        columns, due = ceil(array.tokens(heads.context) / array.lanes), max(due, len(parts) * every)
        senders = [sender for _ in range(columns) for sender in range(array.senders)]
        return (*softmax, *(Move(due, TO_BUFFER, self._group(sender), channels) for sender in senders))

    def _group(self, number: int) -> int:
        """Bank groups in turn, so that moves follow each other fast: first the other stack ID, then the next group."""
        sids, groups = self._array.counts[1], self._array.counts[2]
        return number % sids * groups + number // sids % groups


def cache_rows(array: GemvArray, cached: int, head_dim: int, tokens: int) -> int:
    """Rows of each bank that keys and values of ``tokens`` tokens of one layer take."""
    rounds = -(-cached // array.channels)
    return 2 * rounds * array.rows_of(array.tokens(tokens) * array.vector_macs(head_dim))


def append_program(dram: Dram, array: GemvArray, heads: Heads) -> HostProgram:
    """The writes of one token's key and value for each cached head; ``context`` counts the new token.

    Keys take the rows from 0, values those behind; which rows they are does not change the timing.
    """
    builder = ProgramBuilder(dram, array.channels)
    token, steps = (heads.context - 1) // array.partitions, array.vector_macs(heads.head_dim)
    rows = array.rows_of((token + 1) * steps)
    for number, channels in enumerate(_rounds(array, Heads(heads.cached, 1, heads.head_dim, heads.context))):
        for tensor in range(2):
            for bank, row, columns in _places(array, token * steps, steps):
                at = row + (2 * number + tensor) * rows
                builder.add("WR", columns, bank=bank, row=at, channels=channels, memory=True)
    return builder.build()


def append_bytes(array: GemvArray, heads: Heads, burst_bytes: int) -> int:
    """Bytes that the writes of `append_program` carry."""
    return 2 * heads.cached * array.sharing * array.vector_macs(heads.head_dim) * burst_bytes


def _places(array: GemvArray, first: int, steps: int) -> list[tuple[int, int, int]]:
    """(bank, row, columns) of a vector in its partition, at the units that share it."""
    found: dict[tuple[int, int], int] = {}
    for index in range(first, first + steps):
        bank, row = array.place(index)
        for member in range(array.sharing):
            key = (bank + member, row)
            found[key] = found.get(key, 0) + 1
    return [(*key, columns) for key, columns in found.items()]
