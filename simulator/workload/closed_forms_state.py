"""Closed forms of models that keep a state (Mamba-2, RWKV-6, RWKV-7), written without the graph and the ops."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.workload.architectures.mamba2 import Mamba2
from simulator.workload.architectures.rwkv6 import Rwkv6
from simulator.workload.architectures.rwkv7 import Rwkv7
from simulator.workload.closed_forms import Step, StepTotals
from simulator.workload.model import Model
from simulator.workload.precision import Precision


def state_step_totals(model: Model, *, batch: int, queries: int, cached: int, precision: Precision) -> StepTotals:
    """The work of ``queries`` new tokens for each of ``batch`` sequences with ``cached`` tokens before them."""
    step = Step(batch, queries, cached, precision)
    total = _ends(model, step)
    for layer in range(model.n_layers):
        if isinstance(model.architecture, Mamba2):
            total += _mamba2(model, model.architecture, step)
        elif isinstance(model.architecture, Rwkv6):
            total += _rwkv6(model, model.architecture, step, first=layer == 0)
        else:
            assert isinstance(model.architecture, Rwkv7)
            total += _rwkv7(model, model.architecture, step, first=layer == 0)
    return total


def _ends(model: Model, step: Step) -> StepTotals:
    d, vocabulary = model.d_model, model.vocab_size
    norm, vectors = (4, 1) if model.architecture.norm == "rmsnorm" else (7, 2)
    return StepTotals(
        flops=step.batch * (norm * d + (2 * d + 1) * vocabulary),
        weight_bytes=step.weights(step.tokens * d, vectors * d, vocabulary * d),
    )


def _layer(
    step: Step, *, products: Sequence[int], vectors: Sequence[int], flops: int, states: Sequence[int]
) -> StepTotals:
    """``products``: elements of matrices, 2 operations each; ``flops``: the rest; ``states`` of a sequence."""
    kept = step.cache(*(step.batch * state for state in states))
    return StepTotals(
        flops=step.tokens * (2 * sum(products) + flops),
        weight_bytes=step.weights(*products, *vectors),
        kv_read_bytes=kept if step.cached else 0,
        kv_write_bytes=kept,
    )


def _mamba2(model: Model, part: Mamba2, step: Step) -> StepTotals:
    """Two norms, one of them gated: 4 and 9; a tap 2, a state element 5, a residual 1."""
    d, inner = model.d_model, model.n_heads * model.head_dim
    mixed, state = inner + 2 * model.n_kv_heads * part.state, inner * part.state
    ins = 2 * inner + 2 * model.n_kv_heads * part.state + model.n_heads
    return _layer(
        step,
        products=(d * ins, inner * d),
        vectors=(d, mixed * (part.taps + part.conv_bias), 3 * model.n_heads, inner, *((ins, d) if part.bias else ())),
        flops=4 * d + 2 * part.taps * mixed + 5 * state + 9 * inner + d + (ins + d if part.bias else 0),
        states=(part.taps * mixed, state),
    )


def _rwkv6(model: Model, part: Rwkv6, step: Step, *, first: bool) -> StepTotals:
    """Norms 7, shifts 3 and 2 x 3, five mixes 3, tanh 5, decay 4, a state element 7, gates 5 and 2, residuals 1."""
    d, wide, mix, decay = model.d_model, model.d_ff, part.mix_rank, part.decay_rank
    per_channel = 7 * (3 + first) + 3 + 15 + 4 + 7 * model.head_dim + 5 + 6 + 2 + 2
    return _layer(
        step,
        products=(5 * mix * d, *[mix * d] * 5, d * decay, decay * d, *[d * d] * 6, d * wide, wide * d),
        vectors=(*[2 * d] * (3 + first), 6 * d, d, d, 2 * d),
        flops=per_channel * d + 5 * (5 * mix + decay) + 2 * wide,
        states=(d, d * model.head_dim, d),
    )


def _rwkv7(model: Model, part: Rwkv7, step: Step, *, first: bool) -> StepTotals:
    """Norms 7, shifts 6 x 3 and 3, inputs of the state 27, a state element 9, bonus and gate 6, residuals 1."""
    d, wide = model.d_model, model.d_ff
    ranks = [part.decay_rank, part.rate_rank, part.gate_rank, *([] if first else [part.value_rank])]
    per_channel = 7 * (3 + first) + 18 + 3 + 27 + 9 * model.head_dim + 6 + 2
    return _layer(
        step,
        products=(*[d * rank for rank in ranks for _ in range(2)], *[d * d] * 4, d * wide, wide * d),
        vectors=(*[2 * d] * (3 + first), 6 * d, (4 if first else 5) * d, d, d),
        flops=per_channel * d + 5 * part.decay_rank + 4 * part.gate_rank + 2 * wide,
        states=(d, d * model.head_dim, d),
    )
