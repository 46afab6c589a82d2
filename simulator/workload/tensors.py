"""The weight tensors of a model, by the names its ops use, and how much memory weights and KV cache need."""

from __future__ import annotations

from simulator.workload.layer_memory import LayerMemory
from simulator.workload.model import Model
from simulator.workload.precision import Precision
from simulator.workload.sections import WeightTensor, weight_tensors

__all__ = ["WeightTensor", "kv_cache_bytes", "kv_cache_layer_bytes", "weight_tensors", "weights_bytes"]


def weights_bytes(model: Model, precision: Precision) -> int:
    """Memory all weights take, each tensor rounded up to a byte."""
    return sum(precision.weight_bytes(tensor.elements) for tensor in weight_tensors(model))


def kv_cache_layer_bytes(model: Model, *, batch: int, tokens: int, precision: Precision) -> int:
    """Memory the layer that keeps most takes for ``batch`` sequences with ``tokens`` tokens each."""
    return max(_layer_bytes(kept, batch, tokens, precision) for kept in model.architecture.memory(model))


def kv_cache_bytes(model: Model, *, batch: int, tokens: int, precision: Precision) -> int:
    """Memory all layers keep of ``batch`` sequences with ``tokens`` tokens each: keys and values, or a state."""
    return sum(kept.layers * _layer_bytes(kept, batch, tokens, precision) for kept in model.architecture.memory(model))


def _layer_bytes(kept: LayerMemory, batch: int, tokens: int, precision: Precision) -> int:
    per_tensor = batch * kept.tokens(tokens) * kept.heads * kept.head_dim
    return kept.tensors * precision.kv_bytes(per_tensor) + precision.kv_bytes(batch * kept.fixed)
