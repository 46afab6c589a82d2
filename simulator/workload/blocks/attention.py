"""Softmax attention with a cache of keys and values: multi-head, grouped-query or multi-query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from simulator.workload import ops
from simulator.workload.blueprint import Flow, Weight
from simulator.workload.layer_memory import LayerMemory
from simulator.workload.section_builder import OUT, SectionBuilder

if TYPE_CHECKING:
    from simulator.workload.model import Model


@dataclass(frozen=True, slots=True)
class Attention:
    """Attention over all cached tokens, or over a window of the last.

    ``rotary``: queries and keys are rotated. ``qkv_bias``, ``out_bias``: the projections have biases. ``qk_norm``: each
    query and key head passes an RMSNorm. ``softcap``: scores pass ``cap x tanh(x / cap)``.
    """

    kind: Literal["attention"] = "attention"
    rotary: bool = True
    qkv_bias: bool = False
    out_bias: bool = False
    qk_norm: bool = False
    softcap: bool = False

    def memory(self, model: Model, layers: int, window: int | None) -> LayerMemory:
        """Keys and values."""
        return LayerMemory(layers, 2, model.n_kv_heads, model.head_dim, window)

    def add(self, b: SectionBuilder, model: Model, x: Flow, window: int | None) -> Flow:
        """The ops from the normed stream to what is added to it."""
        q, k, v = self._project(b, model, x)
        append(b, model, k, v)
        context = attend(b, model, q, window, softcap=self.softcap)
        return b.matrix(ops.OUT_PROJ, context, model.q_features, {OUT: b.width}, bias=self.out_bias)[0]

    def _project(self, b: SectionBuilder, model: Model, x: Flow) -> tuple[Flow, Flow, Flow]:
        """Queries, keys and values; queries and keys as one tensor as far as an op works on both."""
        q, kv = model.q_features, model.kv_features
        apart, joined = {"q": q, "k": kv}, {"qk": q + kv}
        changes = [*[_norm_heads] * self.qk_norm, *[_rotate] * self.rotary]
        *qk, v = b.matrix(ops.QKV_PROJ, x, b.width, (joined if changes else apart) | {"v": kv}, bias=self.qkv_bias)
        for change in changes:
            outputs = apart if change is changes[-1] else joined
            qk = [*change(b, model, qk[0], {label: b.tokens * features for label, features in outputs.items()})]
        return qk[0], qk[1], v


def _norm_heads(b: SectionBuilder, model: Model, qk: Flow, outputs: dict[str, int]) -> tuple[Flow, ...]:
    heads = b.tokens * (model.n_heads + model.n_kv_heads)
    weight = Weight("qk_norm", 2, model.head_dim)
    return b.vector(ops.RMSNORM, (qk,), outputs, name="qk_norm", rows=heads, weight=weight)


def _rotate(b: SectionBuilder, model: Model, qk: Flow, outputs: dict[str, int]) -> tuple[Flow, ...]:
    del model
    return b.vector(ops.ROPE, (qk,), outputs)


def append(b: SectionBuilder, model: Model, k: Flow, v: Flow) -> None:
    """The write of the new keys and values to the cache."""
    elements = b.tokens * model.kv_features
    b.add(
        ops.KvAppendOp,
        ops.KV_APPEND,
        (v, k),
        {},
        n_kv_heads=model.n_kv_heads,
        head_dim=model.head_dim,
        batch=b.step.batch,
        new_tokens=b.step.queries,
        position=b.step.position,
        kv_write_bytes=2 * b.precision.kv_bytes(elements),
    )


def attend(b: SectionBuilder, model: Model, q: Flow, window: int | None, *, softcap: bool) -> Flow:
    """Scores, softmax and context; the keys and values come through the cache."""
    pairs = b.step.batch * model.n_heads * b.step.windowed_pairs(window)
    rows = b.tokens * model.n_heads
    flow = _product(b, model, ops.ATTN_SCORE, q, pairs, window)
    if softcap:
        flow = b.vector(ops.SOFTCAP, (flow,), {OUT: pairs}, rows=rows)[0]
    flow = b.vector(ops.SOFTMAX, (flow,), {OUT: pairs}, rows=rows)[0]
    return _product(b, model, ops.ATTN_CONTEXT, flow, b.tokens * model.q_features, window)


CACHED = {ops.ATTN_SCORE.name: "k_cache", ops.ATTN_CONTEXT.name: "v_cache"}


def _product(  # noqa: PLR0913 - a product, and what it reads
    b: SectionBuilder, model: Model, kind: ops.OpKind, x: Flow, outputs: int, window: int | None
) -> Flow:
    """Scores or context. An edge without bytes orders it behind the write of the new keys and values."""
    step = b.step
    pairs, context = step.windowed_pairs(window), step.windowed_context(window)
    return b.add(
        ops.AttentionOp,
        kind,
        (x, Flow(ops.KV_APPEND.name, CACHED[kind.name], 0)),
        {OUT: outputs},
        n_heads=model.n_heads,
        n_kv_heads=model.n_kv_heads,
        head_dim=model.head_dim,
        batch=step.batch,
        queries=step.queries,
        context=context,
        pairs=pairs,
        window=window if window is not None and window < step.context else None,
        flops=2 * step.batch * model.q_features * pairs,
        kv_read_bytes=b.precision.kv_bytes(step.batch * context * model.kv_features),
    )[0]
