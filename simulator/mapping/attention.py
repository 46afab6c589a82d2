"""Attention on near-bank units: scores, context and cache writes, with grouped queries and batches.

Every cached head of every sequence is one matrix, and the channels are dealt out evenly among these (`head_span`);
when there are more heads than channels they take turns. Query heads that share a cached head are vectors of the same
product, so its rows are opened for all of them.

- Keys lie token-major: output = token, input = position in the head. As many tokens as fit share a row of a bank.
- Values lie transposed: output = position in the head, input = token. All output groups of a bank share a row, so
  that a token's values fall into one row of each bank.
- Appending a token writes its key as whole bursts into one bank, and each element of its value as one masked write,
  because neighbours in a burst are earlier and later tokens. Tokens that arrive together (the prompt) fill whole
  bursts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.config.dram_schema import Dram
from simulator.dram.program import HostProgram, ProgramBuilder
from simulator.errors import MappingError
from simulator.mapping import bank_array as b
from simulator.mapping.bank_array import BankArray
from simulator.mapping.gemv import Gemv, GemvPlan


@dataclass(frozen=True)
class CacheShape:
    """The KV cache of one layer: ``heads`` cached heads (of all sequences) of ``head_dim`` elements."""

    heads: int
    head_dim: int


def head_span(array: BankArray, cache: CacheShape) -> int:
    """Channels that one cached head is spread over: an equal share, but no more than its value outputs can use."""
    share = max(1, array.channels // cache.heads)
    return min(share, max(1, -(-cache.head_dim // array.banks)))


def score_gemv(array: BankArray, cache: CacheShape, context: int, queries: int) -> Gemv:
    """Queries times the keys of ``context`` cached tokens; ``queries`` query vectors share each cached head."""
    per_token = array.bursts(cache.head_dim)
    if per_token > array.row_bursts:
        raise MappingError(f"a key of {cache.head_dim} elements does not fit a row of {array.row_elements} elements")
    packed = array.row_bursts // per_token
    span = head_span(array, cache)
    return Gemv(context, cache.head_dim, queries, cache.heads, span, packed)


def context_gemv(array: BankArray, cache: CacheShape, context: int, queries: int) -> Gemv:
    """Softmax weights of ``context`` cached tokens times their values."""
    span = head_span(array, cache)
    groups = -(-cache.head_dim // (array.banks * span))
    packed = min(groups, array.row_bursts)
    return Gemv(cache.head_dim, context, queries, cache.heads, span, packed)


def cache_rows(array: BankArray, cache: CacheShape, tokens: int) -> int:
    """DRAM rows in each bank that keys and values of ``tokens`` tokens take."""
    keys = GemvPlan(array, score_gemv(array, cache, tokens, 1))
    values = GemvPlan(array, context_gemv(array, cache, tokens, 1))
    return keys.rows_per_bank + values.rows_per_bank


def append_program(dram: Dram, array: BankArray, cache: CacheShape, first: int, tokens: int) -> HostProgram:
    """The writes of ``tokens`` new keys and values of every cached head, from cache position ``first`` on.

    Keys take the rows from 0, values those behind a cache of keys; which rows they are does not change the timing.
    """
    last = first + tokens
    keys = GemvPlan(array, score_gemv(array, cache, last, 1))
    values = GemvPlan(array, context_gemv(array, cache, last, 1))
    builder = ProgramBuilder(dram, array.channels)
    for round_ in range(keys.rounds):
        _append_keys(builder, keys, round_, range(first, last))
        _append_values(builder, values, round_, range(first, last), keys.rows_per_bank)
    return builder.build()


def append_bytes(array: BankArray, cache: CacheShape, first: int, tokens: int) -> int:
    """Bytes that the writes of `append_program` carry: whole bursts, of which values may use a part."""
    value_bursts = (first + tokens - 1) // array.elements - first // array.elements + 1
    return cache.heads * (tokens * array.bursts(cache.head_dim) + cache.head_dim * value_bursts) * array.burst_bytes


def _one_of_each_head(plan: GemvPlan, round_: int, position: int) -> npt.NDArray[np.bool_]:
    """The channel at ``position`` within the span of each head of the round."""
    busy = plan.mask(round_, 0)
    chosen: npt.NDArray[np.bool_] = busy & (np.arange(plan.array.channels) % plan.shape.span == position)
    return chosen


def _place(plan: GemvPlan, output: int) -> tuple[int, int, int]:
    """(output group, channel within the span, bank) of an output."""
    banks, span = plan.array.banks, plan.shape.span
    return output // (banks * span), output // banks % span, output % banks


def _append_keys(builder: ProgramBuilder, plan: GemvPlan, round_: int, tokens: range) -> None:
    bursts = plan.array.bursts(plan.shape.inputs)
    for token in tokens:
        group, position, bank = _place(plan, token)
        row = plan.row(round_, group, 0)
        builder.add(
            b.WRITE, bursts, bank=bank, row=row, channels=_one_of_each_head(plan, round_, position), memory=True
        )


def _append_values(builder: ProgramBuilder, plan: GemvPlan, round_: int, tokens: range, first_row: int) -> None:
    elements = plan.array.elements
    bursts_per_tile = plan.tile_elements // elements
    for burst in range(tokens.start // elements, (tokens.stop - 1) // elements + 1):
        for output in range(plan.shape.outputs):
            group, position, bank = _place(plan, output)
            row = first_row + plan.row(round_, group, burst // bursts_per_tile)
            mask = _one_of_each_head(plan, round_, position)
            builder.add(b.WRITE, 1, bank=bank, row=row, channels=mask, memory=True)
