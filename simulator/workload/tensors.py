"""The weight tensors of a model, by the names its ops use, and how much memory weights and KV cache need."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.workload.model import Model
from simulator.workload.precision import Precision

EMBEDDING_TABLE = "embed_tokens"
FINAL_NORM = "final_norm"
LM_HEAD = "lm_head"


def tensor_name(layer: int, suffix: str) -> str:
    """Name of a weight tensor of a block, such as ``L03.ffn_gate.weight``."""
    return f"L{layer:02d}.{suffix}.weight"


def lm_head_tensor(model: Model) -> str:
    """Name of the tensor the LM head reads."""
    return EMBEDDING_TABLE if model.tie_embeddings else LM_HEAD


@dataclass(frozen=True, slots=True)
class WeightTensor:
    """A matrix of ``out_features`` rows of ``in_features`` elements; a norm's weight vector is one row."""

    name: str
    layer: int | None
    out_features: int
    in_features: int

    @property
    def elements(self) -> int:
        """Number of weights."""
        return self.out_features * self.in_features


def weight_tensors(model: Model) -> tuple[WeightTensor, ...]:
    """Every weight tensor in order of first use; a tied embedding is listed once."""
    m = model
    block = (
        ("attn_norm", 1, m.d_model),
        ("qkv_proj", m.qkv_features, m.d_model),
        ("out_proj", m.d_model, m.q_features),
        ("ffn_norm", 1, m.d_model),
        ("ffn_gate", m.d_ff, m.d_model),
        ("ffn_up", m.d_ff, m.d_model),
        ("ffn_down", m.d_model, m.d_ff),
    )
    head = () if m.tie_embeddings else (WeightTensor(LM_HEAD, None, m.vocab_size, m.d_model),)
    return (
        WeightTensor(EMBEDDING_TABLE, None, m.vocab_size, m.d_model),
        *(
            WeightTensor(tensor_name(layer, suffix), layer, out_features, in_features)
            for layer in range(m.n_layers)
            for suffix, out_features, in_features in block
        ),
        WeightTensor(FINAL_NORM, None, 1, m.d_model),
        *head,
    )


def weights_bytes(model: Model, precision: Precision) -> int:
    """Memory all weights take, each tensor rounded up to a byte."""
    return sum(precision.weight_bytes(tensor.elements) for tensor in weight_tensors(model))


def kv_cache_layer_bytes(model: Model, *, batch: int, tokens: int, precision: Precision) -> int:
    """Memory the keys and values of one layer take with ``tokens`` cached for each of ``batch`` sequences."""
    return 2 * precision.kv_bytes(batch * tokens * model.kv_features)


def kv_cache_bytes(model: Model, *, batch: int, tokens: int, precision: Precision) -> int:
    """Memory the whole KV cache takes with ``tokens`` cached for each of ``batch`` sequences."""
    return model.n_layers * kv_cache_layer_bytes(model, batch=batch, tokens=tokens, precision=precision)
