"""Closed forms for a step's work, from the formulas of the architecture alone: what the graph's sums must equal.

Written without the graph and the ops, so that a slip in either shows. With one query per sequence they are per decode
step; divide by the batch for per token.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from simulator.workload.blocks.attention import Attention
from simulator.workload.blocks.experts import Experts
from simulator.workload.blocks.feed_forward import Gated, Plain
from simulator.workload.blocks.latent_attention import LatentAttention
from simulator.workload.model import Model
from simulator.workload.precision import FORMAT_BITS, Precision
from simulator.workload.transformer import Transformer

NORM_FLOPS = {"rmsnorm": 4, "layernorm": 7}
ACTIVATION_FLOPS = {("gated", "silu"): 5, ("gated", "gelu"): 10, ("plain", "relu"): 1, ("plain", "gelu"): 9}
"""Of an element, with the product of a gated feed-forward."""


@dataclass(frozen=True, slots=True)
class StepTotals:
    """The work of one step, summed over its ops."""

    flops: int = 0
    weight_bytes: int = 0
    kv_read_bytes: int = 0
    kv_write_bytes: int = 0

    def __add__(self, other: StepTotals) -> StepTotals:
        return StepTotals(
            self.flops + other.flops,
            self.weight_bytes + other.weight_bytes,
            self.kv_read_bytes + other.kv_read_bytes,
            self.kv_write_bytes + other.kv_write_bytes,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """``queries`` new tokens for each of ``batch`` sequences with ``cached`` tokens before them."""

    batch: int
    queries: int
    cached: int
    precision: Precision

    @property
    def tokens(self) -> int:
        """New tokens of all sequences."""
        return self.batch * self.queries

    def pairs(self, window: int | None) -> int:
        """(query, cached token) pairs of one sequence, each query seeing at most the last ``window`` tokens."""
        if window is None:
            return sum_of_contexts(self.queries, self.cached)
        short = min(max(0, window - self.cached), self.queries)
        return sum_of_contexts(short, self.cached) + (self.queries - short) * window

    def seen(self, window: int | None) -> int:
        """Cached tokens that any query sees."""
        last = self.cached + self.queries
        return last if window is None else last - max(0, self.cached - window + 1)

    def weights(self, *elements: int) -> int:
        """Bytes of weight tensors."""
        return packed(elements, self.precision.weights)

    def cache(self, *elements: int) -> int:
        """Bytes of cached tensors."""
        return packed(elements, self.precision.kv_cache)


def packed(elements: Iterable[int], number_format: str) -> int:
    """Bytes of tensors of so many elements, each rounded up."""
    return sum(int(-(-n * FORMAT_BITS[number_format] // 8)) for n in elements)


def sum_of_contexts(queries: int, cached: int) -> int:
    """Cached tokens attended to, summed over the queries: (cached + 1) + ... + (cached + queries)."""
    last = cached + queries
    return last * (last + 1) // 2 - cached * (cached + 1) // 2


def step_totals(model: Model, *, batch: int, queries: int, cached: int, precision: Precision) -> StepTotals:
    """The work of ``queries`` new tokens for each of ``batch`` sequences with ``cached`` tokens before them."""
    step = Step(batch, queries, cached, precision)
    architecture = model.architecture
    assert isinstance(architecture, Transformer)
    total = ends(model, architecture, step)
    for layer in range(model.n_layers):
        total += around(model, architecture, step)
        mixer = architecture.attention
        if isinstance(mixer, LatentAttention):
            total += latent_attention(model, mixer, step)
        else:
            total += attention(model, mixer, step, architecture.layer_window(layer))
        part = architecture.feed_forward
        if layer < architecture.dense_layers:
            total += feed_forward(model.d_model, architecture.dense_width, Gated(), step)
        elif isinstance(part, Experts):
            total += experts(model, part, step)
        else:
            total += feed_forward(model.d_model, model.d_ff, part, step)
    if isinstance(architecture.feed_forward, Experts):
        total += chosen_weights(model, architecture, architecture.feed_forward, step)
    return total


def ends(model: Model, architecture: Transformer, step: Step) -> StepTotals:
    """Embeddings of every token; norm, LM head and greedy choice for the last position of each sequence."""
    d, vocabulary = model.d_model, model.vocab_size
    in_front = step.tokens * d * ((architecture.positions > 0) + architecture.scaled_embedding)
    caps = 3 * vocabulary if architecture.final_softcap else 0
    behind = NORM_FLOPS[architecture.norm] * d + 2 * d * vocabulary + vocabulary + caps
    rows = [step.tokens * d] * (2 if architecture.positions else 1)
    return StepTotals(
        flops=in_front + step.batch * behind,
        weight_bytes=step.weights(*rows, norm_weights(model, architecture), vocabulary * d),
    )


def norm_weights(model: Model, architecture: Transformer) -> int:
    """A scale, and for LayerNorm a bias."""
    return model.d_model * (2 if architecture.norm == "layernorm" else 1)


def around(model: Model, architecture: Transformer, step: Step) -> StepTotals:
    """The norms of a block and its two sums with the residual stream."""
    norms = {"pre": 2, "sandwich": 4, "parallel": architecture.parallel_norms}[architecture.arrangement]
    return StepTotals(
        flops=step.tokens * model.d_model * (norms * NORM_FLOPS[architecture.norm] + 2),
        weight_bytes=norms * step.weights(norm_weights(model, architecture)),
    )


def attention(model: Model, part: Attention, step: Step, window: int | None) -> StepTotals:
    """Projections: 2 per weight; scores and context: 2 x 2 x head_dim per pair and head. Softmax 5, rotary 3, cap 3."""
    d, q, kv = model.d_model, model.n_heads * model.head_dim, model.n_kv_heads * model.head_dim
    per_token = 2 * d * (q + 2 * kv) + 2 * q * d
    tensors = [d * (q + 2 * kv), q * d]
    for present, flops, weights in (
        (part.qkv_bias, q + 2 * kv, q + 2 * kv),
        (part.out_bias, d, d),
        (part.qk_norm, 4 * (q + kv), 2 * model.head_dim),
        (part.rotary, 3 * (q + kv), 0),
    ):
        per_token += flops * present
        tensors.append(weights * present)
    per_pair = 4 * q + (5 + 3 * part.softcap) * model.n_heads
    seen, new = step.batch * step.seen(window) * kv, step.tokens * kv
    return StepTotals(
        flops=step.tokens * per_token + step.batch * step.pairs(window) * per_pair,
        weight_bytes=step.weights(*tensors),
        kv_read_bytes=step.cache(seen, seen),
        kv_write_bytes=step.cache(new, new),
    )


def feed_forward(d: int, wide: int, part: Gated | Plain, step: Step) -> StepTotals:
    """Three products, or two with an activation between."""
    products = 3 if isinstance(part, Gated) else 2
    biases = (wide, d) if isinstance(part, Plain) and part.bias else ()
    per_token = 2 * products * d * wide + ACTIVATION_FLOPS[part.kind, part.activation] * wide + sum(biases)
    return StepTotals(flops=step.tokens * per_token, weight_bytes=step.weights(*[d * wide] * products, *biases))


def experts(model: Model, part: Experts, step: Step) -> StepTotals:
    """All of a layer's mixture but the weights of the chosen experts.

    Router: 2 per weight, 6 per score. Each of a token's experts: a gated feed-forward, and 2 per element to sum it up.
    """
    d, wide, shared = model.d_model, model.d_ff, part.shared_width
    per_token = part.count * (2 * d + 6) + part.chosen * (6 * d * wide + 5 * wide + 2 * d)
    total = StepTotals(
        flops=step.tokens * per_token,
        weight_bytes=step.weights(part.count * d, part.count if part.router_bias else 0),
    )
    if shared:
        total += feed_forward(d, shared, Gated(), step)
        total += StepTotals(flops=step.tokens * d)
    if part.shared_gate:
        total += StepTotals(flops=step.tokens * (2 * d + 2 * d), weight_bytes=step.weights(d))
    return total


def chosen_weights(model: Model, architecture: Transformer, part: Experts, step: Step) -> StepTotals:
    """The weights of the experts that any token chose, in all layers: E (1 - (1 - k / E)^T) a layer on average."""
    if part.routing.skew:
        raise ValueError("this closed form is for experts that are equally popular")
    missed = (1 - Fraction(part.chosen, part.count)) ** step.tokens
    mean = part.count * (1 - missed)
    hit = floor(model.n_layers * mean + Fraction(1, 2)) - floor(architecture.dense_layers * mean + Fraction(1, 2))
    one = model.d_model * model.d_ff
    return StepTotals(weight_bytes=hit * step.weights(one, one, one))


def latent_attention(model: Model, part: LatentAttention, step: Step) -> StepTotals:
    """Projections: 2 per weight. Prefill as with ordinary heads; decode in the latent space, all heads on one."""
    d, heads, value, rank = model.d_model, model.n_heads, model.head_dim, part.rank
    query = heads * (part.plain + part.rotary)
    tensors = [d * (rank + part.rotary), rank, heads * value * d]
    tensors += [d * part.query_rank, part.query_rank, part.query_rank * query] if part.query_rank else [d * query]
    per_head = [part.plain * rank, value * rank]
    absorbed = step.queries == 1 or step.cached > 0
    per_token = 2 * d * (rank + part.rotary) + 2 * heads * value * d + 2 * heads * sum(per_head)
    per_token += 2 * (d + query) * part.query_rank if part.query_rank else 2 * d * query
    per_token += 4 * (rank + part.query_rank) + 3 * (heads + 1) * part.rotary
    width = part.cached + rank if absorbed else part.plain + part.rotary + value
    cached, seen = part.rank + part.rotary, step.batch * step.seen(None)
    weights = step.weights(*tensors)
    weights += heads * step.weights(*per_head) if absorbed else step.weights(*(heads * one for one in per_head))
    return StepTotals(
        flops=step.tokens * per_token + step.batch * step.pairs(None) * heads * (2 * width + 5),
        weight_bytes=weights,
        kv_read_bytes=step.cache(seen * cached, seen * rank) if absorbed else 0,
        kv_write_bytes=step.cache(step.tokens * cached),
    )
