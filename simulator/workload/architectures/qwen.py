"""Qwen2, Qwen2.5 (biases of queries, keys and values) and Qwen3 (norms of query and key heads instead)."""

from __future__ import annotations

from typing import Any

from simulator.workload.blocks.attention import Attention
from simulator.workload.hf_config import SIZES, Reader, hf_readers, sizes
from simulator.workload.hf_fields import HfFields
from simulator.workload.transformer import Transformer

FIXED = {"hidden_act": ("silu",), "use_sliding_window": (False,), "attention_bias": (False,)}
"""A window, which the configs give, is used by no published model."""


def read_qwen2(fields: HfFields) -> dict[str, Any]:
    """Sizes; biases are not in the fields, as all models have them."""
    return {**sizes(fields), "architecture": Transformer(attention=Attention(qkv_bias=True))}


def read_qwen3(fields: HfFields) -> dict[str, Any]:
    """Sizes, with a head of its own width."""
    return {**sizes(fields), "architecture": Transformer(attention=Attention(qk_norm=True))}


hf_readers.register("Qwen2ForCausalLM")(Reader("qwen2", read_qwen2, SIZES, FIXED))
hf_readers.register("Qwen3ForCausalLM")(Reader("qwen3", read_qwen3, SIZES, FIXED))
