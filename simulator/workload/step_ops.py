"""The ops of one step, as blueprints that are stamped once per layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.workload import ops
from simulator.workload.model import Model
from simulator.workload.precision import Precision
from simulator.workload.step import Step
from simulator.workload.tensors import EMBEDDING_TABLE, FINAL_NORM, lm_head_tensor, tensor_name

TOKEN_ID_BYTES = 4
"""A token id is a 32-bit integer on its way to the embedding and from the sampler."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """An op without its layer: ``name`` and ``weight`` are suffixes."""

    name: str
    op_class: type[ops.Op]
    values: Mapping[str, Any]
    weight: str | None = None

    def stamp(self, layer: int) -> ops.Op:
        """The op of one layer."""
        weight: dict[str, Any] = {"weight": tensor_name(layer, self.weight)} if self.weight else {}
        return self.op_class(name=op_name(layer, self.name), layer=layer, **weight, **self.values)


def op_name(layer: int, suffix: str) -> str:
    """Name of an op inside a block, such as ``L03.ffn_gate``."""
    return f"L{layer:02d}.{suffix}"


class StepOps:
    """The ops of a step of ``model``; those of `context_ops` alone depend on how full the cache is."""

    def __init__(self, model: Model, step: Step, precision: Precision) -> None:
        self.model = model
        self.step = step
        self.precision = precision

    def block(self) -> tuple[Blueprint, ...]:
        """The ops of one block in execution order."""
        m = self.model
        score, softmax, context, append = self.context_ops()
        return (
            self._norm("attn_norm"),
            self._matrix(ops.QKV_PROJ, m.qkv_features, m.d_model),
            self._vector("rope", ops.ROPE, elements=self.step.tokens * (m.q_features + m.kv_features)),
            append,
            score,
            softmax,
            context,
            self._matrix(ops.OUT_PROJ, m.d_model, m.q_features),
            self._residual("attn_residual"),
            self._norm("ffn_norm"),
            self._matrix(ops.FFN_GATE, m.d_ff, m.d_model),
            self._matrix(ops.FFN_UP, m.d_ff, m.d_model),
            self._vector("ffn_act_mul", ops.FFN_ACT_MUL, elements=self.step.tokens * m.d_ff, operands=2),
            self._matrix(ops.FFN_DOWN, m.d_model, m.d_ff),
            self._residual("ffn_residual"),
        )

    def context_ops(self) -> tuple[Blueprint, ...]:
        """The ops of a block that change from step to step: score, softmax, context and the cache write."""
        scores = self.step.batch * self.model.n_heads * self.step.pairs
        heads = self.step.tokens * self.model.q_features
        rows = self.step.tokens * self.model.n_heads
        return (
            self._attention(ops.ATTN_SCORE, inputs=heads, outputs=scores),
            self._vector("softmax", ops.SOFTMAX, elements=scores, rows=rows),
            self._attention(ops.ATTN_CONTEXT, inputs=scores, outputs=heads),
            self._append(),
        )

    def embedding(self) -> ops.LookupOp:
        """The first op: reads one table row per token."""
        elements = self.step.tokens * self.model.d_model
        return ops.LookupOp(
            name="embedding",
            kind=ops.EMBEDDING.name,
            table_rows=self.model.vocab_size,
            width=self.model.d_model,
            tokens=self.step.tokens,
            weight=EMBEDDING_TABLE,
            weight_bytes=self.precision.weight_bytes(elements),
            input_bytes=self.step.tokens * TOKEN_ID_BYTES,
            output_bytes=self.precision.activation_bytes(elements),
        )

    def tail(self) -> tuple[ops.Op, ...]:
        """The ops after the last block, for the last position of each sequence: norm, LM head, sampling."""
        m, batch = self.model, self.step.batch
        norm = self._norm("final_norm", tokens=batch)
        head = self._matrix(ops.LM_HEAD, m.vocab_size, m.d_model, tokens=batch)
        sampling = self._vector("sampling", ops.SAMPLING, elements=batch * m.vocab_size, rows=batch)
        return (
            ops.VectorOp(name=norm.name, weight=FINAL_NORM, **norm.values),
            ops.MatrixOp(name=head.name, weight=lm_head_tensor(m), **head.values),
            ops.VectorOp(name=sampling.name, **{**sampling.values, "output_bytes": batch * TOKEN_ID_BYTES}),
        )

    def _matrix(self, kind: ops.OpKind, out_features: int, in_features: int, tokens: int | None = None) -> Blueprint:
        tokens = self.step.tokens if tokens is None else tokens
        weights = out_features * in_features
        values = {
            "kind": kind.name,
            "out_features": out_features,
            "in_features": in_features,
            "tokens": tokens,
            "flops": 2 * weights * tokens,
            "weight_bytes": self.precision.weight_bytes(weights),
            "input_bytes": self.precision.activation_bytes(tokens * in_features),
            "output_bytes": self.precision.activation_bytes(tokens * out_features),
        }
        return Blueprint(kind.name, ops.MatrixOp, values, weight=kind.name)

    def _vector(
        self, name: str, kind: ops.OpKind, *, elements: int, rows: int | None = None, operands: int = 1
    ) -> Blueprint:
        one = self.precision.activation_bytes(elements)
        values = {
            "kind": kind.name,
            "elements": elements,
            "rows": self.step.tokens if rows is None else rows,
            "flops": kind.flops_per_element * elements,
            "input_bytes": operands * one,
            "output_bytes": one,
        }
        return Blueprint(name, ops.VectorOp, values)

    def _norm(self, name: str, tokens: int | None = None) -> Blueprint:
        tokens = self.step.tokens if tokens is None else tokens
        base = self._vector(name, ops.RMSNORM, elements=tokens * self.model.d_model, rows=tokens)
        weight_bytes = self.precision.weight_bytes(self.model.d_model)
        return Blueprint(name, ops.VectorOp, {**base.values, "weight_bytes": weight_bytes}, weight=name)

    def _residual(self, name: str) -> Blueprint:
        return self._vector(name, ops.RESIDUAL_ADD, elements=self.step.tokens * self.model.d_model, operands=2)

    def _attention(self, kind: ops.OpKind, *, inputs: int, outputs: int) -> Blueprint:
        m, step = self.model, self.step
        values = {
            "kind": kind.name,
            "n_heads": m.n_heads,
            "n_kv_heads": m.n_kv_heads,
            "head_dim": m.head_dim,
            "batch": step.batch,
            "queries": step.queries,
            "context": step.context,
            "pairs": step.pairs,
            "flops": 2 * step.batch * m.q_features * step.pairs,
            "kv_read_bytes": self.precision.kv_bytes(step.batch * step.context * m.kv_features),
            "input_bytes": self.precision.activation_bytes(inputs),
            "output_bytes": self.precision.activation_bytes(outputs),
        }
        return Blueprint(kind.name, ops.AttentionOp, values)

    def _append(self) -> Blueprint:
        m, step = self.model, self.step
        elements = step.tokens * m.kv_features
        values = {
            "kind": ops.KV_APPEND.name,
            "n_kv_heads": m.n_kv_heads,
            "head_dim": m.head_dim,
            "batch": step.batch,
            "new_tokens": step.queries,
            "position": step.position,
            "kv_write_bytes": 2 * self.precision.kv_bytes(elements),
            "input_bytes": 2 * self.precision.activation_bytes(elements),
        }
        return Blueprint(ops.KV_APPEND.name, ops.KvAppendOp, values)
