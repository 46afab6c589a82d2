"""Closed forms for a step's work, from the formulas of the architecture alone: what the graph's sums must equal.

Written without the graph and the ops, so that a slip in either shows. With one query per sequence they are per decode
step; divide by the batch for per token.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.workload.model import Model
from simulator.workload.precision import FORMAT_BITS, Precision


@dataclass(frozen=True, slots=True)
class StepTotals:
    """The work of one step, summed over its ops."""

    flops: int
    weight_bytes: int
    kv_read_bytes: int
    kv_write_bytes: int


def step_totals(model: Model, *, batch: int, queries: int, cached: int, precision: Precision) -> StepTotals:
    """The work of ``queries`` new tokens for each of ``batch`` sequences with ``cached`` tokens before them."""
    pairs = sum_of_contexts(queries, cached)
    return StepTotals(
        flops=matrix_flops(model, batch=batch, queries=queries)
        + attention_flops(model, batch=batch, pairs=pairs)
        + vector_flops(model, batch=batch, queries=queries, pairs=pairs),
        weight_bytes=weight_bytes(model, tokens=batch * queries, weight_format=precision.weights),
        kv_read_bytes=kv_bytes(model, batch=batch, tokens=cached + queries, kv_format=precision.kv_cache),
        kv_write_bytes=kv_bytes(model, batch=batch, tokens=queries, kv_format=precision.kv_cache),
    )


def sum_of_contexts(queries: int, cached: int) -> int:
    """Cached tokens attended to, summed over the queries: (cached + 1) + ... + (cached + queries)."""
    last = cached + queries
    return last * (last + 1) // 2 - cached * (cached + 1) // 2


def matrix_flops(model: Model, *, batch: int, queries: int) -> int:
    """2 per weight and token; the LM head only for the last position of each sequence."""
    d, head = model.d_model, model.head_dim
    attention = 2 * d * model.n_heads * head + 2 * d * model.n_kv_heads * head
    feed_forward = 3 * d * model.d_ff
    return 2 * batch * (queries * model.n_layers * (attention + feed_forward) + d * model.vocab_size)


def attention_flops(model: Model, *, batch: int, pairs: int) -> int:
    """Scores and context: 2 x 2 x head_dim for each query head and (query, cached token) pair."""
    return 4 * batch * model.n_layers * model.n_heads * model.head_dim * pairs


def vector_flops(model: Model, *, batch: int, queries: int, pairs: int) -> int:
    """Per element: norm 4, rotary 3, softmax 5, residual 1, SiLU x up 5, greedy sampling 1."""
    d = model.d_model
    per_token = 2 * 4 * d + 2 * d + 3 * (model.n_heads + model.n_kv_heads) * model.head_dim + 5 * model.d_ff
    per_layer = queries * per_token + 5 * model.n_heads * pairs
    return batch * (model.n_layers * per_layer + 4 * d + model.vocab_size)


def weight_bytes(model: Model, *, tokens: int, weight_format: str) -> int:
    """Weights a step reads: all of the blocks, the final norm and the LM head, and ``tokens`` rows of the embedding."""
    bits = FORMAT_BITS[weight_format]

    def packed(elements: int) -> int:
        return int(-(-elements * bits // 8))

    d, head = model.d_model, model.head_dim
    projections = packed(d * (model.n_heads + 2 * model.n_kv_heads) * head) + packed(model.n_heads * head * d)
    block = projections + 3 * packed(d * model.d_ff) + 2 * packed(d)
    return model.n_layers * block + packed(d) + packed(model.vocab_size * d) + packed(tokens * d)


def kv_bytes(model: Model, *, batch: int, tokens: int, kv_format: str) -> int:
    """Keys and values of ``tokens`` tokens of each sequence in all layers; key and value tensors packed apart."""
    bits_per_tensor = batch * tokens * model.n_kv_heads * model.head_dim * FORMAT_BITS[kv_format]
    return int(model.n_layers * 2 * -(-bits_per_tensor // 8))
